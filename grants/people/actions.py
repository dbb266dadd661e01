"""What people do with accounts, sessions, organisations and offices; every act leaves a line in the journal."""

import hashlib
import math
import secrets
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from flask_security.confirmable import confirm_email_token_status, generate_confirmation_token
from flask_security.recoverable import generate_reset_password_token, reset_password_token_status
from flask_security.utils import hash_password, verify_and_update_password, verify_password
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from grants.kernel import clock, head, journal, refusals, throttle
from grants.kernel.actor import ANONYMOUS, Actor
from grants.kernel.db import access_mode, db
from grants.kernel.errors import ForbiddenError, InvalidError, RefusedError, ThrottledError
from grants.kernel.refusals import RefusedAddress
from grants.kernel.text import clean_line
from grants.kernel.versions import refuse_changed
from grants.kernel.words import _
from grants.people import directory, letters, queries, rules
from grants.people.models import (
    ROLE_LABELS,
    Account,
    Appointment,
    CalendarLink,
    College,
    FormerMembership,
    Invitation,
    LegalForm,
    MemberRole,
    Membership,
    Nomination,
    Organisation,
    Role,
    SignIn,
)

# ---- accounts ------------------------------------------------------------------------------------------------------


def create_account(
    email: str,
    name: str,
    password: str | None,
    *,
    confirmed: bool,
    by: Actor,
    locale: str = "fr",
    known: tuple[str, ...] = (),
) -> Account:
    """Open an account. Raises InvalidError (field email, name or password) when it cannot be.

    Without a password nobody can sign in before one is chosen by mail. `known` are words that it may not consist of,
    besides the name and the address (the fund's name).
    """
    address = _checked_identity(email, name)
    if password is not None:
        _check_password(password, address, name, *known)
    if queries.account_by_email(address) is not None:
        raise InvalidError(_("Un compte porte déjà cette adresse."), field="email")
    account = Account(
        email=address,
        name=name.strip(),
        password=None if password is None else hash_password(rules.password_of(password)),
        fs_uniquifier=uuid4().hex,
        confirmed_at=clock.now() if confirmed else None,
        created_at=clock.now(),
        locale=locale,
    )
    db.session.add(account)
    db.session.flush()
    journal.record("account.created", account, by=by if by.id or by.name else _self(account), confirmed=confirmed)
    return account


def sign_up(email: str, name: str, *, locale: str) -> None:
    """Open an account for whoever asks, and write to the address. Known or not, what happens here looks the same.

    The password is chosen where the address is confirmed: by its holder.
    Raises InvalidError for what the person typed, never because the address is known: its holder is told by mail.
    """
    address = _checked_identity(email, name)
    account = queries.account_by_email(address)
    if account is not None:
        _tell_known(account)
        return
    try:
        with db.session.begin_nested():
            account = create_account(address, name, None, confirmed=False, by=ANONYMOUS, locale=locale)
    except IntegrityError:
        account = queries.account_by_email(address)  # somebody signed up with it a moment ago
        if account is not None:
            _tell_known(account)
        return
    letters.confirmation(account, generate_confirmation_token(account))


def _tell_known(account: Account) -> None:
    if account.active:
        letters.already_known(account, None if account.confirmed_at else generate_confirmation_token(account))


def ask_confirmation(account: Account) -> None:
    """Send the link again. Raises RefusedError when the address is confirmed already."""
    if account.confirmed_at is not None:
        raise RefusedError(_("Votre adresse est déjà confirmée."))
    letters.confirmation(account, generate_confirmation_token(account))


def confirmable(token: str) -> Account | None:
    """The account a confirmation link is for; None when the link is too old, damaged or for another address."""
    expired, invalid, account = confirm_email_token_status(token)
    return None if expired or invalid or account is None or not account.active else account


def confirm(account: Account, password: str | None = None, *, known: tuple[str, ...] = ()) -> None:
    """The address is its holder's, who chooses the password. Doing it twice changes nothing.

    Anybody may have opened the account under this address: what they chose is forgotten (without a new password nobody
    can sign in before asking for one by mail), and every session ends. Raises InvalidError (field password).
    """
    if account.confirmed_at is not None:
        return
    if password is not None:
        _check_password(password, account.email, account.name, *known)
    account.password = None if password is None else hash_password(rules.password_of(password))
    end_sessions(account, by=_self(account), why="confirmation")
    account.confirmed_at = clock.now()
    journal.record("account.confirmed", account, by=_self(account))
    _letters_arrive(account)


def ask_reset(email: str) -> None:
    """Write to the address if there is an account; whoever asks learns nothing, not even from the journal."""
    account = queries.account_by_email(email)
    if account is not None and account.active:
        letters.reset(account, generate_reset_password_token(account))
    journal.record("account.reset_asked", account, by=ANONYMOUS)


def resettable(token: str) -> Account | None:
    """The account a reset link is for; None when the link has served, is too old or damaged."""
    expired, invalid, account = reset_password_token_status(token)
    return None if expired or invalid or account is None or not account.active else account


def reset_password(account: Account, password: str, *, known: tuple[str, ...] = ()) -> None:
    """Choose a new password by mail; every session ends, and the address is thereby confirmed.

    Raises InvalidError (field password).
    """
    _check_password(password, account.email, account.name, *known)
    confirm(account, password, known=known)
    _set_password(account, password, by=_self(account), how="reset")
    _letters_arrive(account)
    throttle.forget(rules.SIGN_IN.act, who_of(account.email))


def _letters_arrive(account: Account) -> None:
    """Whoever followed a link that we sent to an address reads what arrives there."""
    known = refusals.refused(account.email)
    if known is not None:
        refusals.clear(known, by=_self(account))


def check_address(address: str, *, by: Actor, locale: str) -> bool:
    """Write to an address that refuses our letters, with a link that shows that they arrive again.

    False when such a letter left a few minutes ago. Raises RefusedError for an address that the person has no part in,
    or that refuses nothing.
    """
    known = next((row for row in queries.refused_of(by) if row.address == address), None)
    if known is None:
        raise RefusedError(_("Nos courriels arrivent à cette adresse, ou elle n’est pas la vôtre."))
    secret = refusals.begin_check(known)
    if secret is not None:
        letters.address_checked(known.address, secret, locale=locale)
    return secret is not None


def letters_arrive(known: RefusedAddress, *, by: Actor) -> None:
    """Take the link of such a letter as the proof that letters arrive again."""
    refusals.clear(known, by=by)


def change_password(account: Account, current: str, password: str, *, by: Actor, known: tuple[str, ...] = ()) -> None:
    """Choose a new password knowing the present one; every session ends (the caller opens a new one).

    Raises InvalidError (field current or password).
    """
    if not _verified(account, current):
        raise InvalidError(_("Ce n’est pas votre mot de passe actuel."), field="current")
    _check_password(password, account.email, account.name, *known)
    _set_password(account, password, by=by, how="change")


def change_account(account: Account, *, name: str, title: str, locale: str, by: Actor) -> None:
    """Correct one's name, function and language. Raises InvalidError (field name)."""
    _check_name(name)
    account.name, account.title, account.locale = name, title, locale
    journal.record("account.changed", account, by=by)


def _address(email: str) -> str:
    try:
        return rules.email_of(email)
    except ValueError as error:
        raise InvalidError(
            _("Cette adresse n’est pas valable. Écrivez-la sous la forme nom@exemple.fr."), field="email"
        ) from error


def _checked_identity(email: str, name: str) -> str:
    address = _address(email)
    _check_name(name)
    return address


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > 120 or rules.holds_a_link(name):
        raise InvalidError(_("Écrivez un nom, sans adresse ni lien, en 120 caractères au plus."), field="name")


def _check_password(password: str, *known: str) -> None:
    reason = rules.why_not_password(password, known=rules.words_of(*known))
    if reason is not None:
        raise InvalidError(str(reason), field="password")


def _set_password(account: Account, password: str, *, by: Actor, how: str) -> None:
    account.password = hash_password(rules.password_of(password))
    account.fs_uniquifier = uuid4().hex  # links sent before are dead, and every cookie with them
    end_sessions(account, by=by, why=f"password_{how}")
    _forget_calendar(account.id)
    journal.record("account.password_changed", account, by=by, how=how)
    letters.password_changed(account)


def _self(account: Account) -> Actor:
    return Actor(id=account.id, name=account.name)


# ---- sessions ------------------------------------------------------------------------------------------------------


class Opened(NamedTuple):
    """What the cookie of a new session holds."""

    uniquifier: str
    secret: str


def who_of(email: str) -> str:
    """An address as attempts remember it: recognised however it is typed, not readable."""
    typed = clean_line(email, rules.EMAIL_MAX) or ""
    try:
        address = rules.email_of(typed)
    except ValueError:  # it is nobody's: no account is looked up by it
        address = typed[: rules.EMAIL_MAX]
    return hashlib.sha256(address.encode(errors="replace")).hexdigest()


def authenticate(email: str, password: str) -> Account:
    """The account of an address and its password.

    Raises InvalidError with the same words whatever was wrong; `facts["reason"]` (for the journal) is one of unknown,
    password, closed, and `facts["account"]` the account, if any. An unknown address costs the same time.
    """
    account = queries.account_by_email(email)
    if account is None or account.password is None:
        verify_password(rules.password_of(password)[: rules.PASSWORD_MAX], _no_password())
        raise _refused("unknown", account)
    if not _verified(account, password):
        raise _refused("password", account)
    if not account.active:
        raise _refused("closed", account)
    throttle.forget(rules.SIGN_IN.act, who_of(account.email))
    return account


def _verified(account: Account, password: str) -> bool:
    text = rules.password_of(password)
    is_right = bool(verify_and_update_password(text[: rules.PASSWORD_MAX], account))
    return is_right and len(text) <= rules.PASSWORD_MAX


def _refused(reason: str, account: Account | None) -> InvalidError:
    return InvalidError(_("L’adresse ou le mot de passe ne convient pas."), reason=reason, account=account)


@cache
def _no_password() -> str:
    return str(hash_password(secrets.token_urlsafe(16)))


def open_session(account: Account, *, user_agent: str = "") -> Opened:
    """Open a session; its secret is given once, to the cookie, and the database keeps a digest."""
    secret, at = secrets.token_urlsafe(32), clock.now()
    row = SignIn(
        account_id=account.id,
        secret=queries.digest_of(secret),
        started_at=at,
        last_seen_at=at,
        browser=rules.browser_of(user_agent),
    )
    db.session.add(row)
    db.session.flush()
    journal.record("session.opened", row, by=_self(account))
    return Opened(account.fs_uniquifier, secret)


def close_session(sign_in: SignIn, *, by: Actor) -> None:
    """End one session; a copy of its cookie is dead from now on."""
    if sign_in.ended_at is None:
        sign_in.ended_at = clock.now()
        journal.record("session.closed", sign_in, by=by)


def end_sessions(account: Account, *, by: Actor, why: str, besides: UUID | None = None) -> int:
    """End every session of a person (but one, perhaps); returns how many."""
    living = update(SignIn).where(SignIn.account_id == account.id, SignIn.ended_at.is_(None))
    if besides is not None:
        living = living.where(SignIn.id != besides)
    ended = int(db.session.execute(living.values(ended_at=clock.now())).rowcount)  # type: ignore[attr-defined]
    journal.record("session.all_closed", account, by=by, number=ended, why=why)
    return ended


def forget_sessions() -> int:
    """Forget sessions nobody has used for a year; returns how many. The journal keeps that they were opened."""
    gone = db.session.execute(delete(SignIn).where(SignIn.last_seen_at < clock.now() - rules.SESSIONS_RETENTION))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def touch_session(sign_in_id: UUID) -> None:
    """Note that a session is alive, in a small transaction of its own. The caller holds no open writing transaction."""
    with access_mode(writing=True), db.engine.begin() as connection:
        connection.execute(
            update(SignIn).where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None)).values(last_seen_at=clock.now())
        )


# ---- organisations -------------------------------------------------------------------------------------------------


def create_organisation(values: Mapping[str, Any], *, by: Actor, on_paper: bool = False) -> Organisation:
    """Make an organisation known; whoever does becomes responsible for it, but for one that an agent enters from paper
    (`on_paper`): nobody acts for it until the fund hands it over.

    Raises ThrottledError beyond a few a day; InvalidError on the field at fault, or on siret / rna with
    `facts["taken"]` (the number) when another organisation carries it.
    """
    facts = _checked(values)
    reached = queries.organisations_reached(clock.now() - rules.A_DAY, by.id, most=rules.ORGANISATIONS_A_DAY)
    if reached is not None and not on_paper:
        raise ThrottledError(
            _("Une personne enregistre au plus %(limit)s organisations par jour.", limit=rules.ORGANISATIONS_A_DAY),
            retry_after=_a_day_after(reached),
        )
    sources = _sources_of(facts) if not on_paper else rules.told_by_fund(facts, clock.today())
    organisation = Organisation(**facts, created_at=clock.now(), sources=sources)
    db.session.add(organisation)
    db.session.flush()
    if not on_paper:
        db.session.add(
            Membership(account_id=by.id, organisation_id=organisation.id, role=MemberRole.OWNER, since_at=clock.now())
        )
    journal.record(
        "organisation.created", organisation, by=by, siret=facts["siret"], rna=facts["rna"],
        from_directory=sorted(rules.days_in_directory(sources)), **({"on_paper": True} if on_paper else {}),
    )  # fmt: skip
    return organisation


def _sources_of(facts: Mapping[str, str | None]) -> dict[str, dict[str, str]]:
    """Where the facts of a new organisation come from, as far as what the public directory said is still kept."""
    entry = directory.entry_of(facts["siret"] or "", facts["rna"] or "")
    told, read_on = (entry.facts, entry.read_on) if entry else ({}, clock.today())
    return rules.sources_of(facts, told, read_on, clock.today())


def edit_organisation(
    organisation: Organisation, values: Mapping[str, Any], *, version: int | None, by: Actor
) -> list[str]:
    """Correct what is known of an organisation. A number that is known stays: bank details are checked against it.

    Returns the known numbers that others were written in place of, for the person to be told.
    Raises ConflictError with both texts when somebody edited it meanwhile, InvalidError on a field at fault.
    """
    known = _known_numbers(organisation)
    facts = _checked({**values, **known}, besides=organisation)
    changed = {name: value for name, value in facts.items() if getattr(organisation, name) != value}
    texts = [
        (str(rules.FACT_LABELS[name]), _text(value), _text(getattr(organisation, name)))
        for name, value in changed.items()
    ]
    refuse_changed(organisation.version, version, *texts)
    for name, value in changed.items():
        setattr(organisation, name, value)
    if changed:
        organisation.sources = {
            **(organisation.sources or {}),
            **dict.fromkeys(changed, rules.member_on(clock.today())),
        }
        journal.record("organisation.edited", organisation, by=by, fields=sorted(changed))
    return [number for name, number in known.items() if rules.number_of(values.get(name) or "") not in {"", number}]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _known_numbers(organisation: Organisation) -> dict[str, str]:
    numbers = {"siret": organisation.siret, "rna": organisation.rna}
    return {name: number for name, number in numbers.items() if number is not None}


def _checked(values: Mapping[str, Any], besides: Organisation | None = None) -> dict[str, Any]:
    facts = dict(values)
    facts["siret"] = _number(facts.get("siret"), "siret")
    facts["rna"] = _number(facts.get("rna"), "rna")
    if facts["siret"] is None and facts["rna"] is None:
        raise InvalidError(_("Écrivez le numéro SIRET, le numéro RNA, ou les deux."), field="siret")
    for field in ("siret", "rna"):
        number = facts[field]
        holder = queries.organisation_by_number(number) if number else None
        if holder is not None and holder is not besides:
            raise InvalidError(_("Une organisation porte déjà ce numéro."), field=field, taken=number)
    for field in ("email", "representative_email"):
        facts[field] = _clean_address(facts.get(field), field)
    facts["legal_form"] = LegalForm(facts["legal_form"])
    if facts.get("founded_on") is not None:
        reason = rules.why_not_founded(facts["founded_on"], clock.today())
        if reason is not None:
            raise InvalidError(str(reason), field="founded_on")
    return facts


def _number(text: str | None, kind: str) -> str | None:
    number = rules.number_of(text or "")
    if not number:
        return None
    reason = rules.why_not_siret(number) if kind == "siret" else rules.why_not_rna(number)
    if reason is not None:
        raise InvalidError(str(reason), field=kind)
    return number


def _clean_address(text: str | None, field: str) -> str:
    if not text:
        return ""
    try:
        return rules.email_of(text)
    except ValueError as error:
        raise InvalidError(
            _("Cette adresse n’est pas valable. Écrivez-la sous la forme nom@exemple.fr."), field=field
        ) from error


def ask_to_join(number: str, *, by: Actor) -> None:
    """Write to those responsible for the organisation that carries a number; they stay unknown to whoever asks.

    Where nobody is left to answer, the fund's managers are written to.
    """
    organisation = queries.organisation_by_number(rules.number_of(number))
    if organisation is None or organisation.id in by.organisations:
        return
    owners = queries.owners_of(organisation.id)
    letters.join_asked(organisation, owners, by=by)
    if not owners:
        letters.orphan_asked(organisation, queries.in_office(Role.MANAGER), by=by)
    journal.record("organisation.join_asked", organisation, by=by, orphan=not owners)


def hand_over(organisation: Organisation, email: str, *, keeps: bool, reason: str, by: Actor) -> Membership:
    """Make somebody responsible for an organisation, on the fund's word: its number was taken, or nobody is left.

    The people who were responsible become members (`keeps`) or act for it no longer; both sides are told, with the
    reason; invitations that wait die. Raises InvalidError (field email or reason).
    """
    account = queries.account_by_email(email)
    if account is None or account.confirmed_at is None or not account.active:
        raise InvalidError(_("Aucun compte confirmé ne porte cette adresse."), field="email")
    if account.id == by.id:
        raise InvalidError(_("Vous ne pouvez pas vous confier une organisation."), field="email")
    if not reason.strip():
        raise InvalidError(_("Dites pourquoi : les deux parties le liront."), field="reason")
    db.session.get(Organisation, organisation.id, with_for_update=True, populate_existing=True)
    before = [place for place in queries.places_of_owners(organisation.id) if place.account_id != account.id]
    recipients = [place.account for place in before if place.account.active]
    for place in before:
        if keeps:
            place.role = MemberRole.EDITOR
        else:
            _end_membership(place)
    for invitation in queries.pending_invitations(organisation.id):
        invitation.expires_at = clock.now()
    own = queries.membership(account.id, organisation.id)
    if own is None:
        own = Membership(account_id=account.id, organisation_id=organisation.id, since_at=clock.now())
        db.session.add(own)
    own.role = MemberRole.OWNER
    db.session.flush()
    journal.record(
        "organisation.handed_over", organisation, by=by, account=str(account.id), kept=keeps,
        removed=[str(place.account_id) for place in before],
    )  # fmt: skip
    letters.handed_over(organisation, account, recipients, keeps=keeps, reason=reason.strip())
    return own


# ---- members -------------------------------------------------------------------------------------------------------


def invite(organisation: Organisation, email: str, role: MemberRole, *, by: Actor, locale: str = "fr") -> Invitation:
    """Invite an address to act for an organisation.

    Raises InvalidError (field email) and ThrottledError beyond what one organisation, one person or one address may
    send or receive in a day.
    """
    address = _address(email)
    if address in {row.email for row in queries.members_of(organisation.id)}:
        raise InvalidError(_("Cette personne est déjà membre."), field="email")
    _not_too_many(organisation, address, by)
    for earlier in queries.pending_invitations(organisation.id):
        if earlier.email == address:
            earlier.expires_at = clock.now()
    secret = secrets.token_urlsafe(24)
    invitation = Invitation(
        organisation_id=organisation.id,
        organisation=organisation,
        email=address,
        role=role,
        secret=queries.digest_of(secret),
        invited_by=by.id,
        invited_at=clock.now(),
        expires_at=clock.now() + rules.INVITATION_LASTS,
    )
    db.session.add(invitation)
    db.session.flush()
    letters.invited(invitation, secret, locale=locale, by=by)
    journal.record("organisation.invited", organisation, by=by, role=role.value, invitation=str(invitation.id))
    return invitation


def _not_too_many(organisation: Organisation, address: str, by: Actor) -> None:
    reached = queries.invitations_reached(
        clock.now() - rules.A_DAY, organisation.id, by.id, address,
        most=rules.INVITATIONS_A_DAY, most_to_address=rules.INVITATIONS_TO_AN_ADDRESS_A_DAY,
    )  # fmt: skip
    refusals = (
        (reached.by_organisation,
         _("Une organisation envoie au plus %(limit)s invitations par jour.", limit=rules.INVITATIONS_A_DAY)),
        (reached.by_person,
         _("Une personne envoie au plus %(limit)s invitations par jour.", limit=rules.INVITATIONS_A_DAY)),
        (reached.to_address,
         _("Cette adresse a déjà reçu plusieurs invitations aujourd’hui : attendez demain.")),
    )  # fmt: skip
    refused = [(at, message) for at, message in refusals if at is not None]
    if refused:
        raise ThrottledError(refused[0][1], retry_after=_a_day_after(max(at for at, _message in refused)))


def _a_day_after(instant: datetime) -> int:
    """The seconds until something is a day old."""
    return max(math.ceil((instant + rules.A_DAY - clock.now()).total_seconds()), 1)


def _end_invitations(account_id: UUID, organisation_id: UUID | None = None) -> None:
    """What somebody sent and nobody accepted yet dies with their right to send it."""
    pending = update(Invitation).where(
        Invitation.invited_by == account_id, Invitation.accepted_at.is_(None), Invitation.expires_at > clock.now()
    )
    if organisation_id is not None:
        pending = pending.where(Invitation.organisation_id == organisation_id)
    db.session.execute(pending.values(expires_at=clock.now()).execution_options(synchronize_session=False))


def cancel_invitation(invitation: Invitation, *, by: Actor) -> None:
    """Take an invitation back; its link no longer works. Raises RefusedError when it was accepted."""
    if invitation.accepted_at is not None:
        raise RefusedError(_("Cette invitation a déjà été acceptée."))
    invitation.expires_at = min(invitation.expires_at, clock.now())
    journal.record("organisation.invitation_cancelled", invitation.organisation, by=by, invitation=str(invitation.id))


def why_not_accept(invitation: Invitation, email: str | None) -> str | None:
    """None when the person of an address may accept an invitation now, else the reason."""
    if invitation.accepted_at is not None:
        return _("Cette invitation a déjà servi.")
    if invitation.expires_at <= clock.now():
        return _("Cette invitation n’est plus valable. Demandez-en une nouvelle à l’organisation.")
    if not queries.is_responsible(invitation.invited_by, invitation.organisation_id):
        return _("Cette invitation n’est plus valable. Demandez-en une nouvelle à l’organisation.")
    if email is not None and email != invitation.email:
        return _("Cette invitation a été envoyée à une autre adresse que celle de votre compte.")
    return None


def accept(
    invitation: Invitation, account: Account, *, by: Actor, password: str | None = None, known: tuple[str, ...] = ()
) -> Membership:
    """Join the organisation; the letter reached the address, which is thereby confirmed as by `confirm`.

    Raises RefusedError, InvalidError (field password).
    """
    reason = why_not_accept(invitation, account.email)
    if reason is not None:
        raise RefusedError(reason)
    confirm(account, password, known=known)
    invitation.accepted_at = clock.now()
    membership = queries.membership(account.id, invitation.organisation_id)
    if membership is None:
        membership = Membership(
            account_id=account.id,
            account=account,
            organisation_id=invitation.organisation_id,
            organisation=invitation.organisation,
            role=invitation.role,
            since_at=clock.now(),
        )
        db.session.add(membership)
        letters.joined(membership, queries.owners_of(invitation.organisation_id))
        journal.record(
            "organisation.joined", invitation.organisation, by=by, role=membership.role.value, account=str(account.id)
        )
    return membership


def change_member(membership: Membership, role: MemberRole, *, by: Actor) -> None:
    """Change what a member may do. Raises RefusedError when nobody would remain responsible."""
    if membership.role is role:
        return
    _keep_an_owner(membership)
    membership.role = role
    if role is not MemberRole.OWNER:
        _end_invitations(membership.account_id, membership.organisation_id)
    journal.record(
        "organisation.member_changed", membership.organisation, by=by, role=role.value,
        account=str(membership.account_id),
    )  # fmt: skip


def remove_member(membership: Membership, *, by: Actor) -> None:
    """Take a person off an organisation. Raises RefusedError when nobody would remain responsible."""
    _keep_an_owner(membership)
    if membership.account_id != by.id:
        letters.removed(membership.account, membership.organisation)
    journal.record("organisation.member_removed", membership.organisation, by=by, account=str(membership.account_id))
    _end_membership(membership)


def _end_membership(membership: Membership) -> None:
    """Take a place away with the invitations sent from it, and keep that it was held."""
    _end_invitations(membership.account_id, membership.organisation_id)
    db.session.add(
        FormerMembership(
            account_id=membership.account_id, organisation_id=membership.organisation_id,
            since_at=membership.since_at, ended_at=clock.now(),
        )
    )  # fmt: skip
    db.session.delete(membership)


def leave(membership: Membership, *, by: Actor) -> None:
    """Leave an organisation oneself. Raises ForbiddenError for another's place, RefusedError for the last owner."""
    if membership.account_id != by.id:
        raise ForbiddenError(_("Vous ne pouvez quitter une organisation que pour vous-même."))
    remove_member(membership, by=by)


def _keep_an_owner(membership: Membership) -> None:
    if membership.role is not MemberRole.OWNER:
        return
    # Locked, so that two owners cannot step down at the same moment.
    db.session.get(Organisation, membership.organisation_id, with_for_update=True, populate_existing=True)
    others = [owner for owner in queries.owners_of(membership.organisation_id) if owner.id != membership.account_id]
    if not others:
        raise RefusedError(
            _("Une organisation garde toujours une personne responsable. Donnez d’abord ce rôle à quelqu’un d’autre.")
        )


# ---- offices -------------------------------------------------------------------------------------------------------


def appoint(
    account: Account,
    role: Role,
    *,
    by: Actor,
    college: College | None = None,
    since_on: date | None = None,
    until_on: date | None = None,
) -> Appointment | Nomination:
    """Give an office of the fund to a person, from today unless told otherwise; every session of theirs ends.

    An office of `rules.GIVEN_BY_TWO` is only proposed, unless the operator gives it from the command line. Raises
    ForbiddenError for oneself, InvalidError (field role, college or until_on).
    """
    since_on = since_on or clock.today()
    if account.id == by.id:
        raise ForbiddenError(_("Personne ne se nomme soi-même : une autre personne de l’administration doit le faire."))
    if until_on is not None and until_on < since_on:
        raise InvalidError(_("La fin ne peut pas précéder le début."), field="until_on")
    if role is Role.REVIEWER and college is None:
        raise InvalidError(_("Choisissez le collège où siège ce membre du comité."), field="college")
    _check_office(account, role, since_on, until_on)
    if by.id is not None and role in rules.GIVEN_BY_TWO:
        return _propose(account, role, since_on, until_on, by=by)
    return _give_office(account, role, college, since_on, until_on, by=by)


def _check_office(account: Account, role: Role, since_on: date, until_on: date | None) -> None:
    if account.confirmed_at is None:
        raise InvalidError(_("Cette personne n’a pas confirmé son adresse : elle doit le faire d’abord."), field="role")
    if not account.active:
        raise InvalidError(_("Ce compte est désactivé."), field="role")
    # Held, so that two offices given at the same moment see each other.
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())
    for held in queries.appointments_of(account.id):
        overlaps = (held.until_on is None or held.until_on >= since_on) and (
            until_on is None or held.since_on <= until_on
        )
        if held.role is role and overlaps:
            raise InvalidError(_("Cette personne exerce déjà cette fonction à ces dates."), field="role")
        if overlaps and rules.incompatible((held.role, role)):
            raise InvalidError(
                _("Cette fonction est incompatible avec une autre de cette personne : %(office)s.",
                  office=ROLE_LABELS[held.role]),
                field="role",
            )  # fmt: skip


def _give_office(
    account: Account, role: Role, college: College | None, since_on: date, until_on: date | None, *, by: Actor
) -> Appointment:
    appointment = Appointment(
        account_id=account.id,
        account=account,
        role=role,
        college=college if role is Role.REVIEWER else None,
        since_on=since_on,
        until_on=until_on,
    )
    db.session.add(appointment)
    db.session.flush()
    journal.record(
        "office.given", account, by=by, role=role.value, college=appointment.college, since=since_on, until=until_on
    )
    end_sessions(account, by=by, why="office")
    letters.appointed(appointment, str(ROLE_LABELS[role]))
    return appointment


def _propose(account: Account, role: Role, since_on: date, until_on: date | None, *, by: Actor) -> Nomination:
    nomination = Nomination(
        account_id=account.id, account=account, role=role, since_on=since_on, until_on=until_on,
        proposed_by=by.id, proposed_at=clock.now(),
    )  # fmt: skip
    db.session.add(nomination)
    db.session.flush()
    journal.record("office.proposed", account, by=by, role=role.value, since=since_on, until=until_on)
    others = [account for account in queries.in_office(Role.ADMINISTRATOR) if account.id != by.id]
    letters.nominated(nomination, str(ROLE_LABELS[role]), others, by=by)
    return nomination


def why_not_confirm(nomination: Nomination, by: Actor) -> str | None:
    """None when the person may confirm what another administrator proposed, else the reason."""
    if by.id == nomination.proposed_by:
        return _("Vous l’avez proposée : une autre personne de l’administration doit la confirmer.")
    if by.id == nomination.account_id:
        return _("Personne ne se nomme soi-même : une autre personne de l’administration doit le faire.")
    if queries.office_between(by.id, nomination.proposed_by):
        return _("Une autre personne doit confirmer : l’une de vous deux a nommé l’autre.")
    return None


def confirm_nomination(nomination: Nomination, *, by: Actor) -> Appointment:
    """Give an office that another administrator proposed.

    Raises ForbiddenError for who proposed it, for who would receive it and for who owes their office to the proposer
    (or gave them theirs); RefusedError when it was settled meanwhile, or when the proposer administers no longer;
    InvalidError as `appoint`.
    """
    reason = why_not_confirm(nomination, by)
    if reason is not None:
        raise ForbiddenError(reason)
    if not queries.holds(nomination.proposed_by, Role.ADMINISTRATOR):
        raise RefusedError(_("Qui a proposé cette fonction n’administre plus le service : proposez-la de nouveau."))
    since_on = max(nomination.since_on, clock.today())
    until_on = nomination.until_on
    if until_on is not None and until_on < since_on:
        raise RefusedError(_("Cette fonction devait finir avant aujourd’hui : proposez-la de nouveau."))
    account = nomination.account
    _check_office(account, nomination.role, since_on, until_on)
    _settle(nomination)
    return _give_office(account, nomination.role, None, since_on, until_on, by=by)


def refuse_nomination(nomination: Nomination, *, by: Actor) -> None:
    """Drop a proposal, one's own or another's. Raises RefusedError when it was settled meanwhile."""
    account = nomination.account
    _settle(nomination)
    journal.record("office.refused", account, by=by, role=nomination.role.value)


def _settle(nomination: Nomination) -> None:
    """Take a proposal away; one statement, so that two people do not both settle it."""
    gone = db.session.execute(
        delete(Nomination).where(Nomination.id == nomination.id).execution_options(synchronize_session=False)
    )
    if gone.rowcount != 1:  # type: ignore[attr-defined]
        raise RefusedError(_("Cette proposition vient d’être traitée par une autre personne."))
    db.session.expunge(nomination)


def end_appointment(appointment: Appointment, *, by: Actor) -> None:
    """End an office now: it is held until yesterday, or never was when it began today; every session ends.

    Raises RefusedError when it is over already, when it is one's own last administrator's office, or the fund's.
    """
    _hold_administrators()
    today = clock.today()
    if appointment.until_on is not None and appointment.until_on < today:
        raise RefusedError(_("Cette fonction est déjà terminée."))
    if appointment.role is Role.ADMINISTRATOR and not queries.holds(
        appointment.account_id, Role.ADMINISTRATOR, besides=appointment.id
    ):
        if appointment.account_id == by.id:
            raise RefusedError(_("Vous ne pouvez pas terminer votre propre fonction d’administration."))
        _keep_an_administrator(appointment.account_id)
    journal.record("office.ended", appointment.account, by=by, role=appointment.role.value)
    if appointment.since_on >= today:
        db.session.delete(appointment)
    else:
        appointment.until_on = today - timedelta(days=1)
    end_sessions(appointment.account, by=by, why="office")


def _hold_administrators() -> None:
    """Lock the administrators' offices of today, so that two administrators cannot put each other out at once."""
    held = select(Appointment).where(Appointment.role == Role.ADMINISTRATOR, queries.held_on(clock.today()))
    locked = held.order_by(Appointment.id).with_for_update().execution_options(populate_existing=True)
    db.session.scalars(locked).all()


def _keep_an_administrator(account_id: UUID) -> None:
    if not queries.other_administrators(account_id):
        raise RefusedError(_("Il faut qu’une personne au moins administre le service."))


def deactivate(account: Account, *, by: Actor) -> None:
    """Close an account: nobody can sign in with it, its sessions end, its history stays.

    Raises RefusedError when it is closed already, one's own, or that of the fund's last administrator.
    """
    if account.id == by.id:
        raise RefusedError(_("Vous ne pouvez pas désactiver votre propre compte."))
    _hold_administrators()
    if not account.active:
        raise RefusedError(_("Ce compte est déjà désactivé."))
    if queries.holds(account.id, Role.ADMINISTRATOR):
        _keep_an_administrator(account.id)
    account.active = False
    account.fs_uniquifier = uuid4().hex
    end_sessions(account, by=by, why="closed")
    _forget_calendar(account.id)
    _end_invitations(account.id)
    journal.record("account.closed", account, by=by)


def reactivate(account: Account, *, by: Actor) -> None:
    """Open a closed account again, with the password it had. Raises RefusedError when it is not closed."""
    if account.active:
        raise RefusedError(_("Ce compte est déjà actif."))
    account.active = True
    journal.record("account.reopened", account, by=by)


# ---- the calendar of a person --------------------------------------------------------------------------------------


def make_calendar(account: Account, *, by: Actor) -> str:
    """Give a person a new address for their calendar, in place of any earlier one; returns its secret, kept nowhere."""
    _forget_calendar(account.id)
    secret = secrets.token_urlsafe(32)
    db.session.add(CalendarLink(account_id=account.id, secret=queries.digest_of(secret), made_at=clock.now()))
    journal.record("account.calendar_made", account, by=by)
    return secret


def end_calendar(account: Account, *, by: Actor) -> None:
    """Let the address of a person's calendar be none any more."""
    if _forget_calendar(account.id):
        journal.record("account.calendar_ended", account, by=by)


def _forget_calendar(account_id: UUID) -> bool:
    gone = delete(CalendarLink).where(CalendarLink.account_id == account_id).returning(CalendarLink.account_id)
    return db.session.scalar(gone) is not None


# ---- the head of the journal ---------------------------------------------------------------------------------------


def tell_head() -> int:
    """Write the head of the journal, signed, to each auditor of today, once a day; returns how many letters."""
    today = clock.today()
    waiting = [each for each in queries.auditors() if not queries.was_written(letters.head_key(each, today))]
    for account in waiting:
        letters.journal_head(account, head.now(), today)
    return len(waiting)
