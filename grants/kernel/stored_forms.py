"""What somebody typed and could not be accepted: stored encrypted, for that account alone and for a short time."""

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from cryptography.fernet import InvalidToken
from flask import current_app, g, request, session
from sqlalchemy import Connection, String, Text, delete, insert, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from grants.kernel import chunks, clock, throttle
from grants.kernel.db import Keyed, Model, access_mode, db, text_enum
from grants.kernel.encryption import decrypt, encrypt
from grants.kernel.errors import ThrottledError, is_for_scripts

RETENTION = timedelta(hours=1)
DRAFT_RETENTION = timedelta(days=7)
MOST = 10  # forms kept for one account; the oldest makes room
LARGEST = 500_000  # characters of one form
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAG = 40  # characters of the tag of a hidden field
KEY_NAMES_FOR = timedelta(hours=24)  # longer than any session lives
BY_ACCOUNT, BY_NETWORK = 30, 120  # forms kept in an hour for people who are not signed in
KEYS = frozenset({"csrf_token", "_key", "_held", "_came", chunks.FIELD})
PASSWORDS = frozenset({"password", "current"})  # a form that holds one is never kept
_CONTROLS: dict[int, str | None] = {
    **dict.fromkeys(set(range(32)) - {9, 10} | set(range(127, 160)) | {0xFFFE, 0xFFFF}),
    **dict.fromkeys((11, 12), "\n"),  # line breaks of office programs
}
# What a page writes in its own form: nobody typed it.
UNTYPED = KEYS | {"version", "stamp", "writer", "seen", "edition", "do", "add", "drop", "piece", "back"}

# The last part of the names of fields that hold a code of ours.
CODES = frozenset({"account", "status", "kind", "id"})


class Reason(StrEnum):
    """Why a form was stored instead of being accepted."""

    SIGNED_OUT = "signed_out"
    REFUSED = "refused"
    CONFLICT = "conflict"
    DRAFT = "draft"


class StoredForm(Keyed, Model):
    """One form, encrypted with its account, its address and when it came: a row cannot be given to somebody else."""

    __tablename__ = "held_form"

    account_id: Mapped[UUID] = mapped_column(index=True)
    reason: Mapped[Reason] = mapped_column(text_enum(Reason))
    path: Mapped[str] = mapped_column(String(400))
    page: Mapped[str] = mapped_column(String(800))
    until: Mapped[datetime] = mapped_column(index=True)
    sealed: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True)
class OpenedForm:
    """A stored form, decrypted: where it goes, the page it stands on ("" when none opens), what it says."""

    id: UUID
    reason: Reason
    path: str
    page: str
    until: datetime
    received_at: datetime
    fields: tuple[tuple[str, str], ...]
    files: tuple[str, ...]

    @property
    def values(self) -> MultiDict[str, str]:
        """The fields as a form reads them."""
        return MultiDict(self.fields)

    @property
    def typed(self) -> list[str]:
        """The words a person wrote, in the order of the form, each once: what is not a code, a number or a tick."""
        left_out = UNTYPED | CODES
        found = (value.strip() for name, value in self.fields if name.rpartition("-")[2] not in left_out)
        return list(dict.fromkeys(value for value in found if any(map(str.isspace, value)) or _is_word(value)))


@dataclass(frozen=True)
class Sent:
    """The form of a request that may be sent again: where to, its fields with its keys, and what is asked again."""

    action: str
    fields: tuple[tuple[str, str], ...]
    passwords: tuple[str, ...]
    files: tuple[tuple[str, tuple[str, ...]], ...]


def _is_word(text: str) -> bool:
    return len(text) > 2 and not (text.isascii() and any(map(str.isdigit, text)) and "-" in text)


# ---- whose form it is ----------------------------------------------------------------------------------------------


def form_key(account_id: UUID | None, generation: str = "") -> str:
    """A fresh key for an unsafe form, signed with the account the page is made for, the instant, and the generation of
    the account's password and sessions."""
    at = int(clock.now().timestamp())
    payload = (
        (account_id.bytes if account_id else bytes(16)) + at.to_bytes(5) + _short(generation) + secrets.token_bytes(5)
    )
    return urlsafe_b64encode(payload + _signed(payload)).decode().rstrip("=")


def key_owner(key: str) -> UUID | None:
    """The account a form was made for; None for nobody, for a key that is not ours, and a day after it was made."""
    payload = _payload_of(key)
    age = int(clock.now().timestamp()) - int.from_bytes(payload[16:21])
    is_named = payload[:16] not in {b"", bytes(16)} and age <= KEY_NAMES_FOR.total_seconds()
    return UUID(bytes=payload[:16]) if is_named else None


def _is_of_today(key: str, account_id: UUID) -> bool:
    """Whether a form was made under the account's present password: a page opened before it leaves nothing.

    Asked outside any transaction; it leaves none open.
    """
    with access_mode(writing=False):
        generation: str | None = current_app.extensions["generation_of"](account_id)
        db.session.rollback()
    return generation is not None and hmac.compare_digest(_payload_of(key)[21:27], _short(generation))


def _payload_of(key: str) -> bytes:
    """What a key of ours says; nothing for any other."""
    try:
        payload = urlsafe_b64decode(key + "=" * (-len(key) % 4))
    except ValueError:
        return b""
    payload, proof = payload[:32], payload[32:]
    return payload if len(payload) == 32 and hmac.compare_digest(proof, _signed(payload)) else b""


def _short(generation: str) -> bytes:
    return hashlib.sha256(generation.encode()).digest()[:6]


def _signed(payload: bytes) -> bytes:
    secret = str(current_app.secret_key).encode()
    return hmac.new(secret, b"form-key:" + payload, hashlib.sha256).digest()[:16]


# ---- keep ----------------------------------------------------------------------------------------------------------


def keep(account_id: UUID, reason: Reason) -> UUID | None:
    """Keep the form of this request for an account, in a small transaction of its own; None when it cannot be.

    For whoever is not signed in, only the form of a page that was opened under their present password. Passwords and
    the bytes of files are never kept, the names of files are. The request's own transaction is undone.
    Raises OperationalError when the database does not answer.
    """
    fields, files = said(), _file_names()
    db.session.rollback()
    if is_for_scripts() or PASSWORDS & set(request.form):
        return None
    if reason is Reason.SIGNED_OUT and (
        not _is_of_today(request.form.get("_key", ""), account_id) or _is_too_often(account_id)
    ):
        return None
    first = _first(account_id, fields)
    received_at, until = (first.received_at, first.until) if first else (_came_at(), clock.now() + RETENTION)
    content = _content_of(account_id, request.path, received_at, fields, files)
    if len(content) > LARGEST:
        return None
    replaced = spent(account_id)
    row: dict[str, Any] = {
        "id": uuid4(), "account_id": account_id, "reason": reason, "path": request.path[:400],
        "page": page_of_form(), "until": until, "sealed": encrypt(content),
    }  # fmt: skip
    db.session.rollback()
    try:
        with access_mode(writing=True), db.engine.begin() as connection:
            _make_room(connection, account_id, replaced)
            connection.execute(insert(StoredForm).values(**row))
    except OperationalError:
        raise
    except SQLAlchemyError:
        current_app.logger.exception("a form could not be kept")
        return None
    return row["id"]  # type: ignore[no-any-return]


def _came_at() -> datetime:
    """When this form was received, the first time; now for one that was refused before it was read."""
    return _proven_arrival() or g.get("received_at") or clock.now()


def _content_of(
    account_id: UUID, path: str, received_at: datetime, fields: Sequence[tuple[str, str]], files: Sequence[str]
) -> str:
    """What is encrypted."""
    return json.dumps([str(account_id), path, received_at.isoformat(), list(fields), list(files)], ensure_ascii=False)


def _is_too_often(account_id: UUID) -> bool:
    who, network = hashlib.sha256(account_id.bytes).hexdigest(), throttle.network_of(request.remote_addr)
    try:
        throttle.attempt("held_form", {who: BY_ACCOUNT, network: BY_NETWORK}, window=RETENTION)
    except ThrottledError:
        return True
    return False


def _make_room(connection: Connection, account_id: UUID, replaced: Sequence[UUID]) -> None:
    """Forget what is over, what this form replaces, and the oldest forms of whoever has too many."""
    mine = StoredForm.account_id == account_id
    connection.execute(delete(StoredForm).where(StoredForm.until <= clock.now()))
    if replaced:
        connection.execute(delete(StoredForm).where(mine, StoredForm.id.in_(replaced)))
    passing = select(StoredForm.id).where(mine, StoredForm.reason != Reason.DRAFT)
    old = connection.scalars(passing.order_by(StoredForm.until.desc(), StoredForm.id).offset(MOST - 1)).all()
    if old:
        connection.execute(delete(StoredForm).where(StoredForm.id.in_(old)))


def said() -> tuple[tuple[str, str], ...]:
    """The fields of this request, without its keys."""
    fields = ((name, value) for name, value in request.form.items(multi=True) if name not in KEYS)
    return tuple((name.translate(_CONTROLS), normalised(value)) for name, value in fields)


def normalised(text: str) -> str:
    """A text as it is kept and compared: one kind of line end, and no control that a page may not hold."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)


def _file_names() -> tuple[str, ...]:
    carried = [file.filename for _name, file in request.files.items(multi=True) if file.filename]
    return tuple(name[:200] for name in dict.fromkeys([*carried, *chunks.names()]))


def sent_form(*, is_ours: bool = False) -> Sent | None:
    """The form of this request, for the page that says it could not be taken now; it is stored nowhere.

    It keeps its own key and token, good or not; passwords and files are asked again. When that was our doing
    (`is_ours`: the database did not answer), what comes again with the same words and without files counts as received
    now. None for a form that no page of ours made, for one that was made for another account than the one signed in,
    and for one of more than LARGEST characters, its tags included.
    """
    owner, who = key_owner(request.form.get("_key", "")), g.get("actor")
    is_another = owner is not None and who is not None and who.id not in {None, owner}
    if request.method != "POST" or request.url_rule is None or is_another or not (owner or g.get("csrf_valid")):
        return None
    named = ((name, tuple(one.filename[:200] for one in sent if one.filename)) for name, sent in request.files.lists())
    files = tuple(row for row in named if row[1])
    keys = {name: value for name, value in request.form.items() if name in KEYS - {"_came"}}
    if is_ours and not files:
        keys["_came"] = _arrival()
    fields = (*keys.items(), *((name, value) for name, value in said() if name not in PASSWORDS))
    if sum(len(name) + len(value) + _TAG for name, value in fields) > LARGEST:
        return None
    return Sent(request.full_path.rstrip("?"), fields, tuple(sorted(PASSWORDS & set(request.form))), files)


def was_typed() -> bool:
    """Whether the form of this request holds anything a person wrote, chose or joined."""
    return bool(_file_names()) or any(value.strip() for name, value in said() if name not in UNTYPED)


def page_of_form() -> str:
    """The page a form stands on: where the browser says it came from, else its own address; "" when neither opens."""
    referrer = urlsplit(request.referrer or "")
    came_from = referrer.path + (f"?{referrer.query}" if referrer.query else "")
    for place in (came_from if referrer.netloc == request.host else "", request.path):
        if _opens(place):
            return place
    return ""


def _opens(place: str) -> bool:
    """Whether an address of this site can be opened for reading."""
    if not place.startswith("/") or place.startswith(("//", "/\\")) or len(place) > 800 or not place.isprintable():
        return False
    try:
        current_app.create_url_adapter(request).match(urlsplit(place).path, method="GET")  # type: ignore[union-attr]
    except RequestRedirect:
        return False
    except HTTPException:
        return False
    return True


def keep_draft(account_id: UUID, path: str, fields: Sequence[tuple[str, str]]) -> None:
    """Keep a page of a draft as typed, until it is saved again without a mistake; in the caller's transaction."""
    forget_draft(account_id, path)
    content = _content_of(account_id, path, _came_at(), fields, ())
    if len(content) <= LARGEST:
        until = clock.now() + DRAFT_RETENTION
        row = StoredForm(
            account_id=account_id, reason=Reason.DRAFT, path=path, page=path, until=until, sealed=encrypt(content)
        )
        db.session.add(row)


def forget_draft(account_id: UUID, path: str) -> None:
    """The page is saved without a mistake, or thrown away."""
    mine = StoredForm.account_id == account_id, StoredForm.path == path, StoredForm.reason == Reason.DRAFT
    db.session.execute(delete(StoredForm).where(*mine))


# ---- give back -----------------------------------------------------------------------------------------------------


def opened(row: StoredForm | None, account_id: UUID | None) -> OpenedForm | None:
    """What a row keeps, for its own account and in its time; None for everybody else, or when it was altered."""
    if row is None or account_id is None or row.account_id != account_id or row.until <= clock.now():
        return None
    try:
        owner, path, at, fields, files = json.loads(decrypt(row.sealed))
    except InvalidToken:
        return None
    if (owner, path) != (str(account_id), row.path):
        return None
    said = tuple((name, value) for name, value in fields)
    return OpenedForm(row.id, row.reason, path, row.page, row.until, datetime.fromisoformat(at), said, tuple(files))


def find(form_id: Any, account_id: UUID | None) -> OpenedForm | None:
    """The kept form of an id that came from outside, for its own account."""
    try:
        key = UUID(str(form_id))
    except ValueError:
        return None
    return opened(db.session.get(StoredForm, key), account_id)


def waiting(account_id: UUID | None) -> list[OpenedForm]:
    """The forms that an account sent while it was not signed in, the last first."""
    mine = select(StoredForm).where(StoredForm.account_id == account_id, StoredForm.reason == Reason.SIGNED_OUT)
    rows = db.session.scalars(mine.order_by(StoredForm.until.desc(), StoredForm.id))
    return [found for row in rows if (found := opened(row, account_id)) is not None]


def recall_draft(account_id: UUID | None, name: str, edition: str) -> bool:
    """Fill the forms of this page with what was typed, when it holds mistakes; whether they are to be marked.

    `name` is the field that says which edition the page was made from and `edition` the present one: a draft that
    somebody else changed meanwhile is told of, and fills no field.
    """
    mine = StoredForm.account_id == account_id, StoredForm.path == request.path, StoredForm.reason == Reason.DRAFT
    found = recalled(account_id) or opened(db.session.scalar(select(StoredForm).where(*mine).limit(1)), account_id)
    if found and found.reason is Reason.DRAFT and found.values.get(name) != edition:
        found = replace(found, reason=Reason.CONFLICT)
    g.recalled = found
    return found is not None and found.reason is not Reason.CONFLICT


def first_arrival(account_id: UUID | None) -> datetime | None:
    """When the form of this request came the first time, if it says the same and could not be taken then.

    It came while nobody was signed in, or while the database did not answer.
    """
    found = _first(account_id, said()) if account_id else None
    return found.received_at if found and found.reason is Reason.SIGNED_OUT else _proven_arrival()


def _arrival() -> str:
    """When this form came the first time, with a proof of ours, for its key, its address and its words alone."""
    instant = str((_came_at() - _EPOCH) // timedelta(microseconds=1))
    return f"{instant}.{_proof_of(instant)}"


def _proven_arrival() -> datetime | None:
    """When this form came the first time, as the page that sends it again says with our proof; within RETENTION."""
    instant, _dot, proof = request.form.get("_came", "").partition(".")
    if not proof or not hmac.compare_digest(proof.encode(), _proof_of(instant).encode()):
        return None
    at = _EPOCH + timedelta(microseconds=int(instant))
    return at if clock.now() - at <= RETENTION else None


def _proof_of(instant: str) -> str:
    words = repr((request.form.get("_key"), request.path, instant, said()))
    return hmac.new(str(current_app.secret_key).encode(), b"came:" + words.encode(), hashlib.sha256).hexdigest()


def _first(account_id: UUID, fields: tuple[tuple[str, str], ...]) -> OpenedForm | None:
    """The kept form that this one sends again, word for word, to the same address."""
    found = find(request.form.get("_held"), account_id) if "_held" in request.form else None
    return found if found and (found.path, found.fields) == (request.path, fields) else None


# ---- the page where it is given back --------------------------------------------------------------------------------


def remember(form: OpenedForm | UUID, page: str) -> None:
    """Let this browser's session know which kept form fills which page."""
    place = urlsplit(page).path
    if place:
        known = {path: key for path, key in _known().items() if path != place}
        key = str(form.id if isinstance(form, OpenedForm) else form)
        session["held"] = dict([*known.items(), (place, key)][-3:])


def _known() -> dict[str, str]:
    held = session.get("held")
    return held if isinstance(held, dict) else {}


def recalled(account_id: UUID | None) -> OpenedForm | None:
    """The kept form of the page being opened; one that met a conflict is told of, and fills no field."""
    if request.method != "GET":
        return None
    if "recalled" not in g:
        g.recalled = find(_known().get(request.path), account_id) if account_id and request.path in _known() else None
    return g.recalled  # type: ignore[no-any-return]


def refused_at(path: str, account_id: UUID | None) -> OpenedForm | None:
    """The kept form of this browser that was sent to an address."""
    found = (find(key, account_id) for key in _known().values())
    return next((one for one in found if one and one.path == path), None)


def spent(account_id: UUID | None) -> list[UUID]:
    """The kept forms of an account that the form of this request takes the place of: it has the same fields."""
    form_ids = [
        request.form.get("_held"),
        *(_known().get(path) for path in (request.path, urlsplit(page_of_form()).path)),
    ]
    names = set(request.form) - UNTYPED
    found = [find(one, account_id) for one in dict.fromkeys(filter(None, form_ids))]
    return [
        one.id for one in found if one and (str(one.id) == form_ids[0] or names & {name for name, _value in one.fields})
    ]


def forget_spent(account_id: UUID | None) -> None:
    """Destroy what was kept of a form that has now been taken, in the request's transaction."""
    for key in spent(account_id):
        forget(key, account_id)


def forget(form_id: UUID, account_id: UUID | None) -> None:
    """Destroy a kept form at its author's wish."""
    db.session.execute(delete(StoredForm).where(StoredForm.account_id == account_id, StoredForm.id == form_id))
    session["held"] = {path: key for path, key in _known().items() if key != str(form_id)}


def purge() -> int:
    """Destroy what is over; returns how many. For the worker."""
    gone = db.session.execute(delete(StoredForm).where(StoredForm.until <= clock.now()))
    return int(gone.rowcount)  # type: ignore[attr-defined]
