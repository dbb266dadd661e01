"""Acts on calls: made from the reference files or from last year's call, written, opened, extended."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NotRequired, TypeAlias, TypedDict, cast
from uuid import UUID

from sqlalchemy import inspect, select, update
from sqlalchemy.orm.attributes import flag_modified

from grants.calls import letters, queries, rules
from grants.calls.lifecycle import LIFECYCLE, CallState
from grants.calls.models import (
    ApprovalRule,
    Block,
    Call,
    CallInstrument,
    Criterion,
    Gate,
    Piece,
    PublicQuestion,
    Question,
    QuestionKind,
    Section,
    Statement,
)
from grants.kernel import clock, journal, reference_files
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError, RefusedError
from grants.kernel.money import Money
from grants.kernel.pages import money
from grants.kernel.versions import conflict, refuse_changed
from grants.kernel.words import _, in_words_of
from grants.programme import queries as programme
from grants.programme.models import Framework, Fund
from grants.programme.rules import strange_placeholders

NOTHING = Money(0)
CallPart: TypeAlias = Section | Question | Block | Criterion | Piece | Statement | Gate
PARTS: tuple[type[CallPart], ...] = (Section, Question, Block, Criterion, Piece, Statement, Gate)


class InstrumentOfFile(TypedDict):
    """What the reference file says of an instrument that its row in the database does not."""

    code: str
    left_out: NotRequired[list[str]]


class FundFile(TypedDict):
    """What is read here of the reference file of the fund."""

    instruments: list[InstrumentOfFile]


def create_from_reference(
    fund: Fund,
    framework: Framework,
    *,
    code: str,
    title: str,
    opens_at: datetime,
    closes_at: datetime,
    envelope: Money,
    by: Actor,
    title_en: str = "",
    theme: str = "",
    theme_en: str = "",
) -> Call:
    """A draft call with the default texts, instruments, questions, criteria, pieces, statements and gates."""
    rubric = reference_files.toml("rubric.toml")
    limits: dict[str, int] = rubric["rules"]
    call = Call(
        fund_id=fund.id,
        framework_id=framework.id,
        code=code,
        state=CallState.DRAFT,
        title=title,
        title_en=title_en,
        theme=theme,
        theme_en=theme_en,
        texts=_default_texts(),
        opens_at=opens_at,
        closes_at=closes_at,
        envelope=envelope,
        threshold=limits["threshold"],
        minimum_reviewers=limits["minimum_reviewers"],
        scale_top=limits["maximum_level"],
    )
    db.session.add(call)
    db.session.flush()
    spared: FundFile = cast(FundFile, reference_files.toml("fund.toml"))
    left_out = {row["code"]: row.get("left_out", []) for row in spared["instruments"]}
    for instrument in programme.instruments():
        db.session.add(
            CallInstrument(
                call_id=call.id,
                instrument_id=instrument.id,
                minimum=instrument.minimum,
                maximum=instrument.maximum,
                max_rate=instrument.max_rate,
                left_out=left_out.get(instrument.code, []),
            )
        )
    criteria = _add_rubric(call, rubric)
    _add_questions(call, criteria)
    _add_pieces(call)
    _add_statements(call)
    _add_gates(call)
    db.session.flush()
    journal.record("call.created", call, by=by, code=code)
    return call


def _default_texts() -> dict[str, Any]:
    """The fund's texts of a call, by code: {"fr": …, "en": …}."""
    return {row.code: {"fr": row.body.strip(), "en": row.body_en.strip()} for row in programme.texts_of_use("call")}


def _add_rubric(call: Call, rubric: dict[str, Any]) -> dict[str, Criterion]:
    blocks: dict[str, Block] = {}
    for row in rubric["blocks"]:
        threshold = row.get("threshold")
        blocks[row["code"]] = Block(
            call_id=call.id,
            code=row["code"],
            **reference_files.texts(row, "title"),
            weight=row["weight"],
            minimum_level=None if threshold is None else threshold * 10,
            tie_rank=row.get("tie_rank"),
            position=row["position"],
        )
    db.session.add_all(blocks.values())
    db.session.flush()
    criteria: dict[str, Criterion] = {}
    for position, row in enumerate(rubric["items"]):
        criteria[row["code"]] = Criterion(
            call_id=call.id,
            block_id=blocks[row["block"]].id,
            code=row["code"],
            **reference_files.texts(row, "title", "guidance", "applicant_hint"),
            weight=row["weight"],
            anchors=list(row["anchors"]),
            anchors_en=list(row["anchors_en"]),
            judged_in=row["judged_in"],
            position=position,
        )
    db.session.add_all(criteria.values())
    db.session.flush()
    return criteria


def _add_questions(call: Call, criteria: dict[str, Criterion]) -> None:
    data = reference_files.toml("questions.toml")
    sections = {
        row["code"]: Section(
            call_id=call.id, code=row["code"], **reference_files.texts(row, "title", "intro"), position=row["position"]
        )
        for row in data["sections"]
    }
    db.session.add_all(sections.values())
    db.session.flush()
    for row in data["questions"]:
        item = row.get("item")
        db.session.add(
            Question(
                call_id=call.id,
                section_id=sections[row["section"]].id,
                criterion_id=criteria[item].id if item else None,
                code=row["code"],
                kind=QuestionKind(row["kind"]),
                **reference_files.texts(row, "label", "help"),
                required=row["required"],
                max_length=row.get("max_length"),
                minimum=row.get("minimum"),
                choices=row.get("choices", []),
                asked_when=row.get("when"),
                instruments=row.get("instruments", []),
                position=row["position"],
            )
        )


def _add_pieces(call: Call) -> None:
    for row in reference_files.toml("pieces.toml")["pieces"]:
        db.session.add(
            Piece(
                call_id=call.id,
                code=row["code"],
                **reference_files.texts(row, "label", "help", "condition"),
                rule=row["rule"],
                blocks=row["blocks"],
                once_for_all=row["once_for_all"],
                required=row["required"],
                position=row["position"],
            )
        )


def _add_statements(call: Call) -> None:
    data = reference_files.toml("declarations.toml")
    annexes = {row["code"]: row for row in data.get("annexes", ())}
    for row in data["declarations"]:
        annex = annexes.get(row.get("annex", ""))
        db.session.add(
            Statement(
                call_id=call.id,
                code=row["code"],
                kind=row["kind"],
                **reference_files.texts(row, "title", "text"),
                annex=_annex(annex) if annex else None,
                edition=str(row["version"]),
                choices=row.get("choices", []),
                required=row["required"],
                position=row["position"],
            )
        )


def _annex(row: dict[str, Any]) -> dict[str, Any]:
    items = [{**reference_files.texts(item, "title"), "number": item["number"]} for item in row["items"]]
    return {**reference_files.texts(row, "title", "intro"), "items": items}


def _add_gates(call: Call) -> None:
    for row in reference_files.toml("texts.toml")["gates"]:
        db.session.add(
            Gate(
                call_id=call.id,
                code=row["code"],
                **reference_files.texts(row, "title", "explanation", "refusal"),
                computed=row["how"] == "computed",
                position=row["position"],
            )
        )


# ---- from last year's call -----------------------------------------------------------------------------------------


def copy_call(
    source: Call,
    framework: Framework,
    *,
    code: str,
    title: str,
    opens_at: datetime,
    closes_at: datetime,
    envelope: Money,
    by: Actor,
    title_en: str = "",
    theme: str = "",
    theme_en: str = "",
) -> Call:
    """A draft call that asks, offers and judges as an earlier one did, under its own code, dates and envelope."""
    call = Call(
        fund_id=source.fund_id,
        framework_id=framework.id,
        code=code,
        state=CallState.DRAFT,
        title=title,
        title_en=title_en,
        theme=theme,
        theme_en=theme_en,
        texts={key: dict(text) for key, text in source.texts.items() if key not in queries.DECIDED},
        opens_at=opens_at,
        closes_at=closes_at,
        envelope=envelope,
        grace_minutes=source.grace_minutes,
        approval=source.approval,
        threshold=source.threshold,
        minimum_reviewers=source.minimum_reviewers,
        scale_top=source.scale_top,
    )
    db.session.add(call)
    db.session.flush()
    for offered in queries.instruments_of(source.id):
        db.session.add(_twin(offered, call_id=call.id))
    blocks = {row.id: _twin(row, call_id=call.id) for row in queries.blocks_of(source.id)}
    sections = {row.id: _twin(row, call_id=call.id) for row in queries.sections_of(source.id)}
    db.session.add_all([*blocks.values(), *sections.values()])
    db.session.flush()
    criteria = {
        row.id: _twin(row, call_id=call.id, block_id=blocks[row.block_id].id) for row in queries.items_of(source.id)
    }
    db.session.add_all(criteria.values())
    db.session.flush()
    for question in queries.questions_of(source.id):
        db.session.add(
            _twin(
                question,
                call_id=call.id,
                section_id=sections[question.section_id].id,
                criterion_id=criteria[question.criterion_id].id if question.criterion_id else None,
            )
        )
    others = (*queries.pieces_of(source.id), *queries.statements_of(source.id), *queries.gates_of(source.id))
    db.session.add_all([_twin(row, call_id=call.id) for row in others])
    db.session.flush()
    journal.record("call.created", call, by=by, code=code, copied_from=source.code)
    return call


def _twin(row: Any, **changed: Any) -> Any:
    """A new row with the columns of another, save its key and those given."""
    mapper = inspect(type(row))
    columns = {column.key: getattr(row, column.key) for column in mapper.column_attrs if column.key != "id"}
    return type(row)(**{**columns, **changed})


# ---- writing a call ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """What a manager writes of a call before it opens."""

    framework: Framework
    code: str
    title: str
    title_en: str
    theme: str
    theme_en: str
    opens_at: datetime
    closes_at: datetime
    envelope: Money


def create(fund: Fund, source: Call | None, identity: Identity, *, by: Actor) -> Call:
    """A draft call, from an earlier one or from the reference files. Raises InvalidError on what cannot stand."""
    _check_identity(fund, identity, None, by)
    values = {name: value for name, value in vars(identity).items() if name != "framework"}
    if source is not None:
        return copy_call(source, identity.framework, **values, by=by)
    return create_from_reference(fund, identity.framework, **values, by=by)


def _check_identity(fund: Fund, identity: Identity, call: Call | None, by: Actor) -> None:
    reason = rules.why_not_dates(identity.opens_at, identity.closes_at)
    if reason is not None:
        raise InvalidError(str(reason), field="closes_on")
    _refuse_beyond_fund(fund, identity.envelope, call, by)
    taken = db.session.scalar(select(Call.id).where(Call.code == identity.code))
    if taken is not None and (call is None or taken != call.id):
        raise InvalidError(_("Un autre appel porte déjà ce code."), field="code")


def _refuse_beyond_fund(fund: Fund, envelope: Money, call: Call | None, by: Actor) -> None:
    if envelope > queries.left_for(fund, call):
        left = queries.left_for(fund, call, seen_by=by)
        raise InvalidError(
            _("L’enveloppe dépasse ce qui reste au fonds : %(left)s.", left=_euros(left))
            if envelope > left
            else _("L’enveloppe dépasse ce qui reste au fonds."),
            field="envelope",
        )


def _euros(amount: Money) -> str:
    return f"{amount.cents // 100:,}".replace(",", "\u00a0") + "\u00a0€"


def edit(
    call: Call,
    identity: Identity,
    *,
    threshold: int,
    minimum_reviewers: int,
    version: int | None,
    by: Actor,
    grace_minutes: int = 0,
    approval: ApprovalRule = ApprovalRule.NONE,
) -> None:
    """Write the identity, dates, grace (in minutes) and rules of a draft call.

    Raises RefusedError once it is open, ConflictError when somebody else wrote meanwhile, InvalidError on a field.
    """
    refuse_frozen(call)
    _refuse_stale(call, version, identity.title)
    _check_identity(call.fund, identity, call, by)
    if identity.framework.id != call.framework_id:
        call.framework_id = identity.framework.id
    for name, value in vars(identity).items():
        if name != "framework":
            setattr(call, name, value)
    call.threshold, call.minimum_reviewers, call.grace_minutes = threshold, minimum_reviewers, grace_minutes
    call.approval = approval
    journal.advance(
        LIFECYCLE, call, "edit", by=by,
        part="identity", opens_at=identity.opens_at, closes_at=identity.closes_at, grace_minutes=grace_minutes,
        approval=approval.value, envelope=identity.envelope.cents,
    )  # fmt: skip


def edit_words(
    call: Call, *, title: str, title_en: str, theme: str, theme_en: str, version: int | None, by: Actor
) -> None:
    """Mend the title and theme, which stay open to correction after the opening. Raises ConflictError when stale."""
    _refuse_stale(call, version, title)
    call.title, call.title_en, call.theme, call.theme_en = title, title_en, theme, theme_en
    journal.record("call.words_changed", call, by=by, code=call.code, state=str(call.state))


def edit_texts(call: Call, texts: Mapping[str, Mapping[str, str]], *, version: int | None, by: Actor) -> None:
    """Write the texts of a call, before or after its opening; the journal names those that changed.

    Raises InvalidError with the field `<code>_<language>` on a placeholder the system cannot fill in, ConflictError
    when somebody else wrote meanwhile.
    """
    _refuse_stale(call, version, next(iter(texts.values()), {}).get("fr", ""))
    known = queries.placeholders_of_texts()
    for code, text in texts.items():
        for language, body in text.items():
            strange = strange_placeholders(body, known.get(code, frozenset()))
            if strange is None:
                raise InvalidError(
                    _("Une accolade { ou } est seule : fermez-la ou retirez-la."), field=f"{code}_{language}"
                )
            if strange:
                words = ", ".join("{" + word + "}" for word in strange)
                raise InvalidError(
                    _("Le système ne sait pas remplir %(words)s dans ce texte.", words=words),
                    field=f"{code}_{language}",
                )
    changed = sorted(code for code, text in texts.items() if call.texts.get(code) != dict(text))
    if not changed:
        return
    call.texts = {**call.texts, **{code: dict(text) for code, text in texts.items()}}
    journal.record("call.texts_changed", call, by=by, texts=changed, state=str(call.state))


@dataclass(frozen=True)
class InstrumentOffer:
    """What a manager decides of one instrument for a call; `max_rate` in whole percent, None for no cap."""

    instrument_id: UUID
    minimum: Money
    maximum: Money
    max_rate: int | None


def offer_instruments(call: Call, offers: Sequence[InstrumentOffer], *, by: Actor) -> None:
    """Say which instruments a draft call offers, within which bounds. Raises RefusedError once it is open."""
    refuse_frozen(call)
    chosen = {offer.instrument_id: offer for offer in offers}
    for row in queries.instruments_of(call.id):
        offer = chosen.pop(row.instrument_id, None)
        if offer is None:
            db.session.delete(row)
        else:
            row.minimum, row.maximum, row.max_rate = offer.minimum, offer.maximum, offer.max_rate
    db.session.add_all(CallInstrument(call_id=call.id, **vars(offer)) for offer in chosen.values())
    _edited(call, by=by, part="instruments", offered=len(offers))


def set_asked(
    call: Call, left_out: Mapping[UUID, Collection[str]], judged_in: Mapping[UUID, Collection[str]], *, by: Actor
) -> None:
    """Say what a draft call does not ask of each instrument it offers, and where each criterion is judged beside its
    questions; both by key, those that are not named stay as they are.

    Raises RefusedError once it is open, InvalidError for a page or a field that other rules read.
    """
    refuse_frozen(call)
    for row in queries.instruments_of(call.id):
        places = sorted(left_out.get(row.instrument_id, row.left_out))
        reserved = rules.reserved_in(places)
        if reserved:
            raise InvalidError(
                _(
                    "« %(instrument)s » : %(name)s sert ailleurs (%(use)s), et reste demandé.",
                    instrument=in_words_of(row.instrument, "name"), name=reserved[0].name, use=reserved[0].use,
                ),
                field=f"{row.instrument.code}_left_out",
            )  # fmt: skip
        row.left_out = places
    for item in queries.items_of(call.id):
        item.judged_in = sorted(judged_in.get(item.id, item.judged_in))
    _edited(call, by=by, part="asked", left_out=sum(map(len, left_out.values())))


def _edited(call: Call, *, by: Actor, **facts: Any) -> None:
    """What a call is made of is part of what its version protects."""
    flag_modified(call, "opened_at")
    db.session.flush()
    journal.advance(LIFECYCLE, call, "edit", by=by, **facts)


def refuse_frozen(call: Call) -> None:
    """Raise RefusedError when the call is open or past: what applicants relied on does not move any more."""
    if call.state is not CallState.DRAFT:
        raise RefusedError(
            _(
                "Cet appel est publié : ses montants, ses questions, ses critères, ses pièces et ses déclarations sont "
                "figés, pour que tous les dossiers soient jugés sur les mêmes règles."
            )
        )


def _refuse_stale(call: Call, version: int | None, mine: str) -> None:
    refuse_changed(call.version, version, (_("Cet appel"), mine, call.title))


# ---- the envelope --------------------------------------------------------------------------------------------------


def move_envelope(call: Call, delta: Money, *, already: Money = NOTHING, tells: bool = True) -> None:
    """Reserve money of a call and of its fund or, below zero, give it back: both or none. Nothing else moves it.

    One conditional statement each decides, never a reading made before; a refusal undoes both. `already` is what the
    dossier holds, so that the refusal says what it may reach, unless (`tells`) that would tell of hidden dossiers.
    """
    if not delta:
        return
    with db.session.begin_nested():
        for kind, row in ((Call, call), (Fund, call.fund)):
            taken: Any = db.session.execute(
                update(kind)
                .where(kind.id == row.id, kind.committed >= -delta, kind.committed + delta <= kind.envelope)
                .values(committed=kind.committed + delta)
                .execution_options(synchronize_session=False)
            )
            db.session.refresh(row, ["committed", "envelope"])
            if taken.rowcount != 1:
                raise _beyond_envelope(row, delta, already, tells=tells)


def _beyond_envelope(row: Call | Fund, delta: Money, already: Money, *, tells: bool) -> RefusedError:
    if delta.cents < 0:
        return RefusedError(_("L’enveloppe ne contient pas ce montant : vérifiez les comptes avant de continuer."))
    left = row.envelope - row.committed + already
    return RefusedError(
        _("Enveloppe insuffisante : il reste %(left)s.", left=money(left))
        if tells
        else _("Enveloppe insuffisante pour ce montant."),
        field="amount",
        requested=(delta + already).cents,
        left=left.cents,
    )


# ---- the parts of a call -------------------------------------------------------------------------------------------


def add_part(call: Call, kind: type[CallPart], values: Mapping[str, Any], *, by: Actor) -> CallPart:
    """Add a part at the end of its group. Raises RefusedError once the call is open."""
    refuse_frozen(call)
    taken = set(db.session.scalars(select(kind.code).where(kind.call_id == call.id)))
    columns = dict(values)
    if kind in {Question, Statement}:
        columns["choices"] = rules.choices_of(columns["choices"], ())
    part = kind(call_id=call.id, code=rules.code_of(queries.name_in(columns), taken), position=0, **columns)
    db.session.add(part)
    db.session.flush()
    _renumber([row for row in queries.neighbours_of(part) if row is not part] + [part])
    _edited(call, by=by, part=kind.__tablename__, added=part.code)
    return part


def edit_part(part: CallPart, values: Mapping[str, Any], *, seen: str, by: Actor) -> None:
    """Change a part of a draft call; `seen` is the fingerprint its form was shown with.

    Raises RefusedError once the call is open, ConflictError when somebody else changed the part meanwhile.
    """
    call = queries.call_of(part)
    refuse_frozen(call)
    if seen != queries.fingerprint(part):
        raise conflict((_("Intitulé"), queries.name_in(values), queries.name_of(part)))
    group = queries.group_of(part)
    columns = dict(values)
    if isinstance(part, Question | Statement):
        columns["choices"] = rules.choices_of(columns["choices"], part.choices)
    if isinstance(part, Question):
        _refuse_lost_choices(part, columns["choices"])
    _refuse_unread(part, columns)
    for name, value in columns.items():
        setattr(part, name, value)
    _refuse_put_to_some(part)
    db.session.flush()
    if queries.group_of(part) != group:
        _renumber([row for row in queries.neighbours_of(part) if row is not part] + [part])
    _edited(call, by=by, part=type(part).__tablename__, changed=part.code)


def _refuse_lost_choices(question: Question, choices: Sequence[Mapping[str, str]]) -> None:
    """A choice that another question waits for cannot vanish."""
    codes = {row["code"] for row in choices}
    for other in queries.asked_after(question):
        if other.asked_when and other.asked_when["equals"] not in codes:
            raise InvalidError(
                _("La question « %(label)s » dépend d’un choix que vous retirez.", label=other.label), field="choices"
            )


def _refuse_unread(part: CallPart, columns: Mapping[str, Any]) -> None:
    """What is read by its code stays of its kind, with the choices that are read."""
    reserved = queries.reserved_as(part)
    if reserved is None or not isinstance(part, Question | Statement):
        return
    if columns.get("kind", part.kind) != part.kind:
        raise InvalidError(_("Cette partie sert ailleurs (%(use)s) : son type reste.", use=reserved.use), field="kind")
    if not reserved.choices <= {row["code"] for row in columns["choices"]}:
        raise InvalidError(
            _("Cette partie sert ailleurs (%(use)s) : ses choix restent, seuls leurs mots changent.", use=reserved.use),
            field="choices",
        )


def _refuse_put_to_some(part: CallPart) -> None:
    """A question that is read by its code is put to everybody."""
    reserved = queries.reserved_as(part)
    if reserved is not None and isinstance(part, Question) and part.instruments:
        raise InvalidError(
            _("Cette partie sert ailleurs (%(use)s) : elle est demandée à tous les dossiers.", use=reserved.use),
            field="instruments",
        )


def move_part(part: CallPart, *, up: bool, by: Actor) -> None:
    """Swap a part with its neighbour; at the end of its group nothing changes. Raises RefusedError once open."""
    call = queries.call_of(part)
    refuse_frozen(call)
    rows = list(queries.neighbours_of(part))
    place = rows.index(part)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(rows):
        return
    rows[place], rows[other] = rows[other], rows[place]
    _renumber(rows)
    _edited(call, by=by, part=type(part).__tablename__, moved=part.code, up=up)


def _renumber(rows: Sequence[CallPart]) -> None:
    for position, row in enumerate(rows, start=1):
        row.position = position
    db.session.flush()


def remove_part(part: CallPart, *, by: Actor) -> None:
    """Take a part out of a draft call. Raises RefusedError when others stand on it, or once the call is open."""
    call = queries.call_of(part)
    refuse_frozen(call)
    if isinstance(part, Section | Block) and queries.content_of(part):
        raise RefusedError(
            _("« %(title)s » n’est pas vide : déplacez ou retirez d’abord ce qu’elle contient.", title=part.title)
        )
    if (reserved := queries.reserved_as(part)) is not None:
        raise RefusedError(
            _(
                "« %(title)s » sert ailleurs (%(use)s) : cette partie reste dans l’appel.",
                title=queries.name_of(part),
                use=reserved.use,
            )
        )
    if isinstance(part, Question) and (waiting := queries.asked_after(part)):
        raise RefusedError(
            _("La question « %(label)s » dépend de celle-ci : changez-la d’abord.", label=waiting[0].label)
        )
    if isinstance(part, Criterion):
        for question in queries.questions_of(call.id):
            if question.criterion_id == part.id:
                question.criterion_id = None
        db.session.flush()
    db.session.delete(part)
    _edited(call, by=by, part=type(part).__tablename__, removed=part.code)


# ---- the life of a call --------------------------------------------------------------------------------------------


def open_call(call: Call, *, acknowledged: bool, version: int | None, by: Actor) -> None:
    """Publish a call, once and for all. Its rules freeze now; it takes applications between its two dates.

    Raises RefusedError with the first thing that is missing, InvalidError when facts from memory are neither
    confirmed nor acknowledged, ConflictError when the call changed since it was read. The fund's row is locked
    meanwhile, so that two calls cannot share the same euros.
    """
    if call.state is CallState.DRAFT:
        _refuse_stale(call, version, call.title)
        db.session.execute(select(Fund.id).where(Fund.id == call.fund_id).with_for_update())
        missing = [check for check in queries.opening_checks(call, clock.now()) if check.missing is not None]
        if missing:
            raise RefusedError(_("L’appel n’est pas prêt : %(reason)s", reason=str(missing[0].missing)))
        unsure = programme.unconfirmed()
        if unsure and not acknowledged:
            raise InvalidError(
                _("Cochez cette case, ou confirmez d’abord les règles et les textes un par un."), field="acknowledged"
            )
        call.opened_at = clock.now()
        journal.advance(
            LIFECYCLE, call, "open", by=by, code=call.code, opens_at=call.opens_at, closes_at=call.closes_at,
            grace_minutes=call.grace_minutes, approval=call.approval.value,
            envelope=call.envelope.cents, acknowledged=[code for _kind, code in unsure],
        )  # fmt: skip
    else:
        journal.advance(LIFECYCLE, call, "open", by=by)


def extend(call: Call, *, closes_at: datetime, reason: str, reason_en: str, by: Actor) -> None:
    """Put the closing later, with a public reason. Raises InvalidError when the new instant is not later.

    A closed call takes no more dossiers once one of them is examined: raises RefusedError.
    Those who have a draft learn it from the letters of their own chapter, which reads `queries.extensions`.
    """
    db.session.refresh(call, with_for_update=True)
    before = call.closes_at
    if before is None or call.state is not CallState.OPENED:
        raise RefusedError(_("Seule la clôture d’un appel publié peut être reportée."))
    if call.marks_frozen_at is not None or call.results_published_at is not None:
        raise RefusedError(_("Le comité a déjà arrêté ses notes : la clôture ne peut plus être reportée."))
    if call.examined_at is not None and before < clock.now():
        raise RefusedError(
            _("L’appel est clos et l’examen des dossiers a commencé : aucun autre dossier ne peut plus y entrer.")
        )
    if closes_at <= max(before, clock.now()):
        raise InvalidError(
            _("La nouvelle clôture doit être à venir, et après celle qui est annoncée."), field="closes_on"
        )
    journal.advance(LIFECYCLE, call, "extend", by=by, before=before, after=closes_at)
    line = {
        "before": before.isoformat(), "after": closes_at.isoformat(), "at": clock.now().isoformat(),
        "fr": reason, "en": reason_en,
    }  # fmt: skip
    call.texts = {**call.texts, queries.EXTENSIONS: [*queries.decided(call, queries.EXTENSIONS), line]}
    call.closes_at = closes_at


def widen(call: Call, *, envelope: Money, reason: str, reason_en: str, by: Actor) -> None:
    """Raise the envelope of a published call, within what the fund has left, with a public reason.

    It is never lowered: applications were made with it in sight. Raises InvalidError when it is not larger, or beyond
    the fund. The fund's row is locked meanwhile, so that two calls cannot share the same euros.
    """
    db.session.refresh(call, with_for_update=True)  # the call before its fund, as `move_envelope` takes them
    db.session.execute(select(Fund.id).where(Fund.id == call.fund_id).with_for_update())
    if call.state is not CallState.OPENED:
        raise RefusedError(_("Seule l’enveloppe d’un appel publié peut être augmentée."))
    before = call.envelope
    if envelope <= before:
        raise InvalidError(
            _("La nouvelle enveloppe doit être plus grande que %(before)s.", before=_euros(before)), field="envelope"
        )
    _refuse_beyond_fund(call.fund, envelope, call, by)
    journal.advance(LIFECYCLE, call, "widen", by=by, before=before.cents, after=envelope.cents)
    line = {
        "before": str(before.cents), "after": str(envelope.cents), "at": clock.now().isoformat(), "fr": reason,
        "en": reason_en,
    }  # fmt: skip
    call.texts = {**call.texts, queries.ENVELOPES: [*queries.decided(call, queries.ENVELOPES), line]}
    call.envelope = envelope


def discard(call: Call, *, version: int | None, by: Actor) -> None:
    """Delete a call that was never published, with all it asks. Raises RefusedError once it is, ConflictError when
    somebody wrote in it meanwhile."""
    db.session.refresh(call, with_for_update=True)
    refuse_frozen(call)
    _refuse_stale(call, version, call.title)
    journal.record("call.discarded", call, by=by, code=call.code)
    asked = queries.questions_of(call.id), queries.statements_of(call.id), queries.pieces_of(call.id)
    judged = queries.gates_of(call.id), queries.items_of(call.id)
    holding = queries.sections_of(call.id), queries.blocks_of(call.id), queries.instruments_of(call.id)
    for row in chain(*asked, *judged, *holding):
        db.session.delete(row)
        db.session.flush()  # one after the other: a question leaves before its criterion, a criterion before its block
    db.session.delete(call)


def begin_examination(call: Call) -> None:
    """Note that the dossiers of a call are examined; only the first time counts. No closing comes back after it."""
    if call.examined_at is None:
        call.examined_at = clock.now()


# ---- questions about an open call ----------------------------------------------------------------------------------


def ask(call: Call, text: str, *, by: Actor) -> PublicQuestion:
    """Put a question about a call, answered for everybody. Raises RefusedError unless the call is open."""
    if not rules.is_open(call, clock.now()):
        raise RefusedError(_("Cet appel ne prend de questions que tant qu’il est ouvert."))
    question = PublicQuestion(call=call, asked_by=by.id, text=text, asked_at=clock.now())
    db.session.add(question)
    db.session.flush()
    journal.record("question.asked", question, by=by, call=call.code)
    return question


def settle(
    question: PublicQuestion, *, wording: str, answer: str, is_published: bool, version: int | None, by: Actor
) -> None:
    """Publish a question with its answer, or keep it from the page, and write to whoever asked.

    Raises RefusedError once it is settled, ConflictError on a stale page.
    """
    if question.settled_at is not None:
        raise RefusedError(_("Cette question a déjà sa réponse."))
    refuse_changed(question.version, version)
    question.wording, question.answer, question.is_published = wording, answer, is_published
    question.settled_by, question.settled_at = by.id, clock.now()
    db.session.flush()
    if is_published:
        journal.record("question.published", question, by=by, call=question.call.code)
    else:
        journal.record("question.declined", question, by=by, call=question.call.code)
    letters.settled(question)


def publish_own(call: Call, *, wording: str, answer: str, by: Actor) -> PublicQuestion:
    """Publish a question of the fund itself with its answer, to say more or to correct an earlier answer."""
    at = clock.now()
    question = PublicQuestion(
        call=call, asked_by=by.id, text=wording, asked_at=at, wording=wording, answer=answer, is_published=True,
        settled_by=by.id, settled_at=at,
    )  # fmt: skip
    db.session.add(question)
    db.session.flush()
    journal.record("question.published", question, by=by, call=call.code)
    return question
