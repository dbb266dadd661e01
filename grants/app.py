"""The factory: builds the application, hangs the chapters, closes the doors."""

import logging
from typing import Any

from flask import Flask, has_request_context, request
from flask_babel import Babel
from flask_migrate import Migrate
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from grants import config
from grants.applications import routes as applications
from grants.awards import routes as awards
from grants.calls import routes as calls
from grants.config import Settings, settings_from
from grants.deliberation import routes as deliberation
from grants.desk import routes as desk
from grants.kernel import access, bodies, errors, pages, proxies, words
from grants.kernel.db import db
from grants.kernel.words import best_language
from grants.observatory import routes as observatory
from grants.people import routes as people
from grants.permissions import P
from grants.policy import POLICY
from grants.programme import routes as programme
from grants.reviewing import routes as reviewing
from grants.screening import routes as screening

CHAPTERS = (people, programme, calls, applications, screening, reviewing, deliberation, awards, observatory, desk)


def create_app(settings: Settings | None = None, **overrides: Any) -> Flask:
    """Build the application; it does not start with an open door. `overrides` are Flask settings, for tests."""
    settings = settings or settings_from()
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
    errors.install(app)
    for chapter in CHAPTERS:
        app.register_blueprint(chapter.bp)
    access.install(app, POLICY, people.current_actor, "people.sign_in", "people.held", people.generation_of)
    CSRFProtect(app)
    access.close_doors(app, P)
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
