"""The factory: builds the application, registers the packages, checks that each view declares its access."""

import logging
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from threading import Event, Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, has_request_context, request
from flask_babel import Babel
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from grants import config
from grants.appeals import routes as appeals
from grants.applications import routes as applications
from grants.awards import routes as awards
from grants.calls import routes as calls
from grants.config import Settings, settings_from
from grants.deliberation import routes as deliberation
from grants.demo import mode
from grants.desk import routes as desk
from grants.documents import routes as documents
from grants.kernel import access, bodies, errors, pages, proxies, words
from grants.kernel.db import db
from grants.kernel.words import best_language
from grants.messages import routes as messages
from grants.observatory import routes as observatory
from grants.people import routes as people
from grants.permissions import P
from grants.policy import POLICY
from grants.programme import routes as programme
from grants.reviewing import routes as reviewing
from grants.screening import routes as screening

CHAPTERS = (
    people, programme, calls, documents, applications, screening, reviewing, deliberation, awards, appeals,
    messages, observatory, desk,
)  # fmt: skip


def create_app(settings: Settings | None = None, **overrides: Any) -> Flask:
    """The application of a WSGI server: with the settings of the environment, and closed until its database is one of
    their mode, demonstration or real fund. With settings given, the caller has looked at the database."""
    app = _built(settings or settings_from(), overrides)
    if settings is None:
        app.wsgi_app = _once_its_mode_is_right(app)  # type: ignore[assignment, method-assign]
    return app


def load_app() -> Flask:
    """The application of the command line, which looks at the database itself before it serves."""
    return create_app(settings_from())


def _once_its_mode_is_right(app: Flask) -> WSGIApplication:
    """What answers 503, with the reason in the log, until the database is found to be one of the application's mode.

    Asked by the first request: an application is also loaded where no database is ready.
    """
    inner, lock, is_right = app.wsgi_app, Lock(), Event()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with lock if not is_right.is_set() else nullcontext():
            if not is_right.is_set():
                with app.app_context():
                    trouble = mode.refused(app.config["SETTINGS"])
                if trouble:
                    app.logger.critical(trouble)
                    start_response("503 Service Unavailable", [("Content-Type", "text/plain; charset=utf-8")])
                    return [b"Service indisponible. Service unavailable.\n"]
                is_right.set()
        return inner(environ, start_response)

    return answer


def _built(settings: Settings, overrides: Mapping[str, Any]) -> Flask:
    """Build the application; it does not start when a view declares no access. `overrides` are Flask settings, for
    tests."""
    base = config.base_folder()
    app = Flask(
        "grants",
        template_folder=str(base / "templates"),
        static_folder=str(base / "static"),
        instance_path=str(settings.instance),
    )
    app.jinja_environment = pages.Sheets
    app.config.update(_flask_settings(settings), **overrides)
    app.logger.setLevel(logging.INFO)
    db.init_app(app)
    Migrate(app, db, directory=str(config.PACKAGE / "migrations"), render_as_batch=True, compare_type=True)
    Babel(app, default_translation_directories=str(config.PACKAGE / "translations"), locale_selector=_language)
    words.install(app)
    bodies.install(app)
    people.install(app)
    pages.install(app)
    app.jinja_env.globals["P"] = P
    errors.install(app)
    for chapter in CHAPTERS:
        app.register_blueprint(chapter.bp)
    access.install(
        app,
        POLICY,
        people.current_actor,
        "people.sign_in",
        "people.stored_form",
        people.generation_of,
        people.actor_by_id,
    )
    CSRFProtect(app)
    access.check_views(app, P)
    if settings.trusted_proxies:
        n = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)  # type: ignore[method-assign]
    else:
        proxies.watch(app, settings.instance)
    pages.serve_static(app)
    return app


def _flask_settings(settings: Settings) -> dict[str, Any]:
    return {
        "SETTINGS": settings,
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True},
        "MAX_CONTENT_LENGTH": settings.max_upload * 2,
        "MAX_FORM_PARTS": 3000,
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,
        "SESSION_COOKIE_NAME": "__Host-session" if settings.secure else "session",
        "SESSION_COOKIE_SECURE": settings.secure,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "BABEL_DEFAULT_LOCALE": "fr",
        "BABEL_DEFAULT_TIMEZONE": settings.zone,
    }


def _language() -> str:
    if not has_request_context():
        return best_language(None)
    actor = access.actor()
    return best_language(request.cookies.get("language") or (actor.locale if actor.is_authenticated else None))
