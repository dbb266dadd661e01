"""Access control: each view carries its permission as data; its wrapper loads the subject, checks, and alone
commits."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import wraps
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, current_app, flash, g, has_request_context, redirect, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy import String, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import MethodNotAllowed, RequestEntityTooLarge
from werkzeug.wrappers import Response

from grants.kernel import chunks, clock, journal, oversize, stored_forms
from grants.kernel.actor import ANONYMOUS, Actor
from grants.kernel.db import Keyed, Model, access_mode, commit, db, get_held, promise_broken, set_access_mode
from grants.kernel.errors import (
    AppError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    MissingError,
    ThrottledError,
    error_page,
    is_for_scripts,
    refusal_page,
)
from grants.kernel.machine import Text
from grants.kernel.money import Money
from grants.kernel.words import _, _l

SAFE = {"GET", "HEAD", "OPTIONS"}
View = TypeVar("View", bound=Callable[..., Any])
Test = Callable[[Actor, Any], bool]


@dataclass(frozen=True)
class AccessRule:
    """Who: a predicate on (actor, subject) with the reason given when it says no. Combines with &, | and ~."""

    test: Test
    reason: Text = ""
    otherwise: Text = ""
    for_all: bool = False

    def why_not(self, actor: Actor, subject: object) -> Text | None:
        """None when the actor may; else the reason in words."""
        return None if self.test(actor, subject) else self.reason

    def __and__(self, other: "AccessRule") -> "AccessRule":
        return _Both(lambda a, s: self.test(a, s) and other.test(a, s), first=self, second=other)

    def __or__(self, other: "AccessRule") -> "AccessRule":
        return AccessRule(lambda a, s: self.test(a, s) or other.test(a, s), self.reason or other.reason)

    def __invert__(self) -> "AccessRule":
        return AccessRule(lambda a, s: not self.test(a, s), self.otherwise, self.reason)


@dataclass(frozen=True)
class _Both(AccessRule):
    first: AccessRule | None = None
    second: AccessRule | None = None

    def why_not(self, actor: Actor, subject: object) -> Text | None:
        for rule in (self.first, self.second):
            reason = rule.why_not(actor, subject) if rule else None
            if reason is not None:
                return reason
        return None


@dataclass(frozen=True)
class _Reasoned(AccessRule):
    says: Callable[[Actor, Any], Text | None] | None = None

    def why_not(self, actor: Actor, subject: object) -> Text | None:
        return self.says(actor, subject) if self.says else None


def reasoned(says: Callable[[Actor, Any], Text | None]) -> AccessRule:
    """A rule whose reason depends on who and what: `says` gives it, None when the person may."""
    return _Reasoned(lambda actor, subject: says(actor, subject) is None, says=says)


def _nothing(_who: Actor) -> frozenset[UUID]:
    return frozenset()


def _no_money(_who: Actor) -> Mapping[UUID, Money]:
    return {}


@dataclass(frozen=True)
class Policy:
    """Who may do what (by permission word), who may know a thing exists (by type), and what lists and totals leave out:
    dossiers, and the money they hold by the call they belong to."""

    may: Mapping[Any, AccessRule]  # by permission, an enumeration of the application
    know: Mapping[type, AccessRule]
    hidden: Callable[[Actor], frozenset[UUID]] = _nothing
    hidden_money: Callable[[Actor], Mapping[UUID, Money]] = _no_money


@dataclass(frozen=True)
class ViewAccess:
    """The permission of a view, as data."""

    permission: StrEnum | None
    subject: type[Keyed] | None = None


KEYS_RETENTION = timedelta(days=30)


class RequestKey(Model):
    """A form's key, kept with where its first answer led: a replay gets that answer again."""

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    actor_id: Mapped[UUID | None]
    path: Mapped[str] = mapped_column(String(400))
    body: Mapped[str] = mapped_column(String(64))
    location: Mapped[str | None] = mapped_column(String(800))
    at: Mapped[datetime]


def actor() -> Actor:
    """The person of this request; nobody outside a request (the worker, the command line)."""
    if not has_request_context():
        return ANONYMOUS
    if "actor" not in g:
        loader: Callable[[], Actor] | None = current_app.extensions.get("load_actor")
        g.actor = loader() if loader else ANONYMOUS
    return g.actor  # type: ignore[no-any-return]


def actor_by_id(account_id: UUID) -> Actor | None:
    """A person as they are now, for what is done in their name outside a request; None when the account is closed."""
    find: Callable[[UUID], Actor | None] = current_app.extensions["find_actor"]
    return find(account_id)


def received_at() -> datetime:
    """When the complete request was received, before it waited for anything (a lock, a neighbour's transaction).

    A form that came while nobody was signed in, or while the database did not answer, was received then, if its author
    now sends it again word for word; never later than now, should the clock have gone back.
    """
    instant: datetime = g.received_at
    return min(stored_forms.first_arrival(actor().id) or instant, instant)


def form_key() -> str:
    """A fresh key for an unsafe form, which says whom its page is made for."""
    return stored_forms.form_key(actor().id, actor().generation)


def policy() -> Policy:
    """The fund's table of rights."""
    return current_app.extensions["policy"]  # type: ignore[no-any-return]


def why_not(permission: StrEnum, subject: object = None, who: Actor | None = None) -> Text | None:
    """None when the person may; else the reason."""
    return policy().may[permission].why_not(who or actor(), subject)


def can(permission: StrEnum, subject: object = None) -> bool:
    """Whether the person of this request may do this."""
    return why_not(permission, subject) is None


def may_know(subject: object, who: Actor | None = None) -> bool:
    """Whether the person may know that the thing exists; unknown types are for nobody."""
    rule = policy().know.get(type(subject))
    return rule is not None and rule.test(who or actor(), subject)


def hidden_dossiers(who: Actor | None = None) -> frozenset[UUID]:
    """The dossiers a person must not know of (a link with them): every list, total and search leaves them out."""
    return policy().hidden(who or actor())


def hidden_money(who: Actor | None = None) -> Mapping[UUID, Money]:
    """What the dossiers hidden from a person hold of their calls, by call; totals leave it out."""
    return policy().hidden_money(who or actor())


def public(view: View) -> View:
    """Mark a view that anybody may open, signed in or not."""
    return _wrap(view, ViewAccess(None))


def repeatable(view: View) -> View:
    """An act that may happen twice without harm (signing in): its form's key is not remembered.

    Placed below `@public` or `@requires`. A replay must act again, because the first answer, with its cookie, may never
    have arrived.
    """
    view.__repeatable__ = True  # type: ignore[attr-defined]
    return view


def prepared_by(work: Callable[[], None], *, for_files: bool = True) -> Callable[[View], View]:
    """Work that must be over before the writing transaction begins: on the files a request brings, or on any request.

    Placed below `@requires`. The permission is checked first, in a reading transaction that ends before the work, and
    again when the writing one begins: nobody without the right causes work, and the rights that count are the last.
    """

    def mark(view: View) -> View:
        view.__prepared_by__ = work, for_files  # type: ignore[attr-defined]
        return view

    return mark


def holds_subject(view: View) -> View:
    """A view whose act begins by locking its subject: read for update at once, it need not be read again.

    Placed below `@requires`. The act asks `kernel.db.is_held`, and locks the row itself where nobody did.
    """
    view.__holds_subject__ = True  # type: ignore[attr-defined]
    return view


def requires(permission: StrEnum, subject: type[Keyed] | None = None) -> Callable[[View], View]:
    """Give a view its permission, and the type of the one thing its URL names."""

    def wrap(view: View) -> View:
        return _wrap(view, ViewAccess(permission, subject))

    return wrap


def _wrap(view: View, access: ViewAccess) -> View:
    @wraps(view)
    def wrapper(**params: Any) -> Any:
        if request.method in SAFE:
            return view(*_enter(access, params))
        if access.permission is None or getattr(view, "__repeatable__", False):
            return _passed(access, view, params)
        try:
            response = _passed(access, view, params)
        except (SignInError, ThrottledError, OperationalError):
            raise  # kept by their own answers; a database that does not answer keeps nothing, its page does
        except Exception as error:
            db.session.rollback()
            is_conflict = isinstance(error, ConflictError | StaleDataError)
            _keep_refused(stored_forms.Reason.CONFLICT if is_conflict else stored_forms.Reason.REFUSED)
            raise
        if response.status_code >= 400:
            with suppress(OperationalError):  # the page itself holds what was typed
                _keep_refused(
                    stored_forms.Reason.CONFLICT if response.status_code == 409 else stored_forms.Reason.REFUSED
                )
        return response

    wrapper.__access__ = access  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


def _prepare(view: Callable[..., Any], access: ViewAccess, params: dict[str, Any]) -> None:
    prepared: tuple[Callable[[], None], bool] | None = getattr(view, "__prepared_by__", None)
    if prepared is None or request.method in SAFE:
        return
    work, for_files = prepared
    if for_files and not (request.files or chunks.are_named()):
        return
    with access_mode(writing=False):
        unless_made_for_another()
        _enter(access, dict(params))
        who = actor().id
        db.session.rollback()
    if who is not None and for_files and chunks.are_named():
        chunks.assemble(who)
    work()
    g.pop("actor", None)


def _passed(access: ViewAccess, view: Callable[..., Any], params: dict[str, Any]) -> Any:
    try:
        _prepare(view, access, params)
        if access.permission is not None and not getattr(view, "__repeatable__", False):
            unless_made_for_another()
        arguments = _enter(access, params, holding=getattr(view, "__holds_subject__", False))
    except ReplayError as replay:
        return _answered(replay.first)
    return _write(view, arguments)


def unless_made_for_another() -> None:
    """Refuse a form whose page was made for another account than the one signed in now; its author finds it again."""
    owner, who = stored_forms.key_owner(_form_key()), actor()
    if owner is not None and who.id is not None and owner != who.id:
        stored_forms.keep(owner, stored_forms.Reason.SIGNED_OUT)
        raise ConflictError(
            _("Cette page avait été ouverte avec un autre compte que le vôtre : rien n’a été enregistré. Rouvrez-la.")
        )


def _keep_refused(reason: stored_forms.Reason) -> None:
    """Keep what a person typed in a form that was refused, to fill its page again."""
    who = actor().id
    if who is None or stored_forms.key_owner(_form_key()) != who or not stored_forms.was_typed():
        return
    form_id = stored_forms.keep(who, reason)
    if form_id is not None:
        stored_forms.remember(form_id, stored_forms.page_of_form())
        g.stored_form = form_id


def _enter(access: ViewAccess, params: dict[str, Any], *, holding: bool = False) -> list[Any]:
    """The view's arguments: the subject in place of its id, then the rest of the URL. `holding`: read for update."""
    if access.permission is None:
        return [_known(access.subject, params), *params.values()] if access.subject else list(params.values())
    who = actor()
    if not who.is_authenticated and not policy().may[access.permission].for_all:
        raise SignInError
    if access.subject is None:
        reason = why_not(access.permission)
        if reason is not None:
            _refuse(access.permission, None, reason)
        return list(params.values())
    subject = _known(access.subject, params, holding=holding)
    reason = why_not(access.permission, subject)
    if reason is not None:
        _refuse(access.permission, subject, reason)
    return [subject, *params.values()]


def _known(kind: type[Keyed], params: dict[str, Any], *, holding: bool = False) -> Any:
    key = params.pop(next(name for name in params if name.endswith("_id")))
    subject = get_held(kind, key) if holding else db.session.get(kind, key, options=kind.opened_with())
    if subject is None:
        _unless_replayed()
        raise MissingError
    if not may_know(subject):
        _unless_replayed()
        _note("access.unknown", subject)
        raise MissingError
    return subject


def _refuse(permission: StrEnum, subject: object, reason: Text) -> None:
    _unless_replayed()
    message = str(reason)
    _note("access.denied", subject, permission=permission)
    raise ForbiddenError(message)


def _note(event: str, subject: Any, **facts: Any) -> None:
    line = journal.line_of(event, subject, actor(), {"endpoint": request.endpoint or "", **facts})
    db.session.rollback()
    journal.note(line)


def note_refusal(event: str, subject: Any, **facts: Any) -> None:
    """A line about an act refused in this request: written once its own transaction is undone (refused or failed)."""
    g.setdefault("refusals", []).append(journal.line_of(event, subject, actor(), facts))


def _undo() -> None:
    db.session.rollback()
    for line in g.pop("refusals", ()):
        journal.note(line)


class SignInError(Exception):
    """Raised when somebody must sign in first."""


class ReplayError(Exception):
    """Raised where access is refused to a form that was already accepted once."""

    def __init__(self, first: RequestKey) -> None:
        super().__init__(first.path)
        self.first = first


def _unless_replayed() -> None:
    """Give way to the first answer of a form sent twice: an act may take from its author the right it was made with.

    Somebody who checks, declares a link or removes a thing may not do so again. A double click is no attempt, and the
    journal must not call it one.
    """
    key = "" if request.method in SAFE else _form_key()
    first = db.session.get(RequestKey, key) if key else None
    if first is not None and _is_same(first) and first.body == _body_digest():
        raise ReplayError(first)


def _form_key() -> str:
    """The key of the form that was sent; empty when it has none that we could have given."""
    key = request.form.get("_key", "")[:64]
    return key if key.isascii() and key.isprintable() else ""


def _is_same(earlier: RequestKey) -> bool:
    """Whether a key was used by this person at this address."""
    return earlier.actor_id == actor().id and earlier.path == request.path


def _answered(first: RequestKey) -> Response:
    """The first answer again, with a word that says so."""
    flash(_("C’était déjà fait : rien n’a été enregistré deux fois."), "info")
    return redirect(first.location or request.path)


def _write(view: Callable[..., Any], arguments: list[Any]) -> Any:
    key = _form_key()
    if not key:
        raise InvalidError(_("Cette page a expiré. Rechargez-la, puis recommencez : rien n’a été enregistré."))
    remembered = not getattr(view, "__repeatable__", False)
    body = _body_digest() if remembered else ""
    earlier = _taken_before(key, body) if remembered else None
    if earlier is not None:
        if not _is_same(earlier):
            raise ConflictError(_("Cette page a déjà servi. Rechargez-la, puis recommencez."))
        if earlier.body == body:
            return _answered(earlier)
    try:
        response = current_app.make_response(view(*arguments))
        if response.status_code >= 400:
            _undo()
            return response
        location = (response.headers.get("Location") or request.path)[:800]
        # Taken with this body, and with no location: a replay is led to the same address.
        if remembered and (earlier is not None or location != request.path):
            db.session.execute(update(RequestKey).where(RequestKey.key == key).values(body=body, location=location))
        stored_forms.forget_spent(actor().id)
        commit()
        chunks.forget_used()
    except IntegrityError as error:
        db.session.rollback()
        broken = promise_broken(error)
        if broken is None:
            raise
        raise ConflictError(_(broken[0]), field=broken[1]) from error
    except ForbiddenError:
        note_refusal("access.denied", next(iter(arguments), None), endpoint=request.endpoint or "")
        _undo()
        raise
    except BaseException:
        _undo()
        raise
    return response


def _taken_before(key: str, body: str) -> RequestKey | None:
    """Take the key of a form for this request, or give the request that took it before.

    A request under way with the same key is waited for, by the one statement that takes it.
    """
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    row = {"key": key, "actor_id": actor().id, "path": request.path[:400], "body": body, "at": clock.now()}
    taking = dialect.insert(RequestKey).values(row).on_conflict_do_nothing(index_elements=["key"])
    taken = db.session.scalar(taking.returning(RequestKey.key))
    return None if taken is not None else db.session.get(RequestKey, key)


def _body_digest() -> str:
    """What the form says, without its keys, so that a changed text on an old page is not taken for a replay.

    Keyed with the installation's secret: a form may hold a password, and a bare digest of it could be guessed from a
    copy of the database.
    """
    digest = hmac.new(str(current_app.secret_key).encode(), digestmod=hashlib.sha256)
    for field in sorted(stored_forms.said(), key=itemgetter(0)):
        digest.update(repr(field).encode())
    for name, files in sorted(request.files.lists()):
        for file in files:
            digest.update(repr((name, file.filename)).encode())
            for chunk in iter(lambda stream=file.stream: stream.read(65536), b""):  # type: ignore[misc]
                digest.update(chunk)
            file.stream.seek(0)
    return digest.hexdigest()


def forget_keys() -> int:
    """Forget the keys of forms sent long ago; returns how many."""
    gone = db.session.execute(delete(RequestKey).where(RequestKey.at < clock.now() - KEYS_RETENTION))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def install(
    app: Flask, table: Policy, load_actor: Callable[[], Actor], sign_in_endpoint: str, stored_form_endpoint: str = "",
    generation_of: Callable[[UUID], str | None] = lambda _account_id: "",
    find_actor: Callable[[UUID], Actor | None] = lambda _account_id: None,
) -> None:  # fmt: skip
    """Install access control in an application, before what checks the anti-forgery token.

    `stored_form_endpoint` is the page where a person finds a kept form again (its parameter is `form_id`);
    `generation_of` gives the present generation of an account's password and sessions, None for an account that is
    closed; `find_actor` gives the person of an open account as they are now.
    """
    app.extensions["policy"] = table
    app.extensions["load_actor"] = load_actor
    app.extensions["generation_of"] = generation_of
    app.extensions["find_actor"] = find_actor

    @app.before_request
    def _mode() -> None:
        set_access_mode(writing=request.method not in SAFE)
        if "\0" in request.path or b"%00" in request.query_string or b"\0" in request.query_string:
            raise MissingError  # no address of ours holds a NUL, and PostgreSQL takes none
        if request.method not in SAFE:
            try:
                request.form  # noqa: B018 - reading it waits for the last byte: only then was the request received
            except RequestEntityTooLarge:
                oversize.read_fields()
                raise
            finally:
                g.received_at = clock.now()

    _tell_refusals(app, sign_in_endpoint, stored_form_endpoint)


def _tell_refusals(app: Flask, sign_in_endpoint: str, stored_form_endpoint: str) -> None:
    """Answer what is refused before a view is asked; what was typed is kept for its author."""

    @app.errorhandler(SignInError)
    @_itself_answered
    def _to_sign_in(_error: SignInError) -> Response:
        if request.method not in SAFE:
            return _stored_until_signed_in(sign_in_endpoint)
        flash(_("Connectez-vous pour voir cette page."), "info")
        return redirect(url_for(sign_in_endpoint, next=request.full_path.rstrip("?")))

    @app.errorhandler(CSRFError)
    @_itself_answered
    def _unproven(_error: CSRFError) -> Any:
        """The token is that of a session which is over: nothing is done, and what was typed waits for its author."""
        owner, who = stored_forms.key_owner(_form_key()) if _asks_who() else None, actor()
        if owner is None:
            return error_page(400)
        if not who.is_authenticated:
            return _stored_until_signed_in(sign_in_endpoint)
        unless_made_for_another()
        form_id = stored_forms.keep(owner, stored_forms.Reason.SIGNED_OUT)
        if form_id is None:
            return error_page(400)
        flash(
            _("Cette page datait d’une connexion précédente. Vérifiez ce que vous aviez saisi, puis envoyez-le."),
            "info",
        )
        return redirect(url_for(stored_form_endpoint, form_id=form_id))

    @app.errorhandler(MethodNotAllowed)
    def _only_sent(_error: MethodNotAllowed) -> Any:
        """An address that only takes forms is opened again after a refusal: lead to the page of the form."""
        refused = stored_forms.refused_at(request.path, actor().id) if request.method == "GET" else None
        return redirect(refused.page) if refused and refused.page else error_page(405)

    _tell_excess(app, sign_in_endpoint)


def _tell_excess(app: Flask, sign_in_endpoint: str) -> None:
    """Answer what came too often or is too large; what was typed is kept for its author."""

    @app.errorhandler(ThrottledError)
    @_itself_answered
    def _too_often(error: ThrottledError) -> Response:
        if _asks_who():
            _keep_refused(stored_forms.Reason.REFUSED)
        return refusal_page(error)

    @app.errorhandler(RequestEntityTooLarge)
    @_itself_answered
    def _too_large(_error: RequestEntityTooLarge) -> Any:
        is_lapsed = _asks_who() and not actor().is_authenticated and stored_forms.key_owner(_form_key()) is not None
        if is_lapsed:
            return _stored_until_signed_in(sign_in_endpoint)
        if _asks_who():
            _keep_refused(stored_forms.Reason.REFUSED)
        return error_page(413, page=stored_forms.page_of_form())


def _itself_answered(handler: View) -> View:
    """A handler that keeps a form: what keeping it raises is answered like what a view raises."""

    @wraps(handler)
    def wrapper(error: Any) -> Any:
        try:
            return handler(error)
        except (AppError, OperationalError) as problem:
            return current_app.handle_user_exception(problem)

    return wrapper  # type: ignore[return-value]


def _asks_who() -> bool:
    """Whether the view of this request is for people who are signed in."""
    place = getattr(current_app.view_functions.get(request.endpoint or ""), "__access__", None)
    return place is not None and place.permission is not None


def _stored_until_signed_in(sign_in_endpoint: str) -> Response:
    """Lead to the sign-in page; the form is kept for the account its page was made for."""
    if is_for_scripts():
        return redirect(url_for(sign_in_endpoint))
    owner = stored_forms.key_owner(_form_key())
    if owner is not None and stored_forms.keep(owner, stored_forms.Reason.SIGNED_OUT) is not None:
        words = _(
            "Vous n’étiez plus connecté. Ce que vous aviez saisi est gardé une heure : connectez-vous pour l’envoyer."
        )
        flash(words, "warning")
    else:
        flash(_("Vous n’étiez plus connecté : rien n’a été enregistré. Connectez-vous, puis recommencez."), "warning")
    return redirect(url_for(sign_in_endpoint))


def check_views(app: Flask, words: type) -> None:
    """Refuse to start when a view declares no access, or when the permissions and the table of rights differ."""
    table: Policy = app.extensions["policy"]
    declared = set(table.may)
    known = {str(word) for word in words}  # type: ignore[attr-defined]
    if declared != known:
        raise RuntimeError(f"permissions and policy differ: {sorted(declared ^ known)}")
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.endpoint == "static" or rule.endpoint.endswith(".static"):
            continue
        place = getattr(view, "__access__", None)
        if place is None:
            raise RuntimeError(f"{rule.endpoint} declares no access: say @requires(...) or @public")
        if place.permission is not None and place.permission not in known:
            raise RuntimeError(f"{rule.endpoint} asks for an unknown permission {place.permission}")


NOT_YOURS = _l("Cette action n’est pas ouverte à votre compte.")
