"""Acts on the fund's reference data: loading the readable files, confirming law, completing frameworks."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm.attributes import flag_modified

from grants.kernel import clock, journal, pages, reference_files
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.errors import InvalidError
from grants.kernel.money import Money
from grants.kernel.versions import conflict, refuse_changed
from grants.kernel.words import _
from grants.programme import queries, rules
from grants.programme.models import (
    Action,
    Axis,
    BudgetAccount,
    Commune,
    ConfiguredText,
    FieldOfIntervention,
    Framework,
    Fund,
    Instrument,
    Law,
    Orientation,
    PriorityArea,
    RelatedPlan,
    Trust,
)
from grants.programme.rules import FrameworkFile, number_key

EVER = date(1, 1, 1)


def load_reference(*, by: Actor) -> dict[str, int]:
    """Load what is missing from the readable files; what is there, perhaps edited by a manager, stays as it is.

    Returns how many rows of each kind were added.
    """
    added = {
        "fund": _load_fund(),
        "framework": sum(
            _load_framework(name, position) for position, name in enumerate(reference_files.folders("frameworks"))
        ),
        "commune": _load_communes(),
        "priority_area": _load_areas(),
        "budget_account": _load_accounts(),
        "law": _load_law(),
        "text": _load_texts(),
    }
    if any(added.values()):
        journal.record("programme.loaded", None, by=by, **added)
    _follow_settings(by)
    return added


def _follow_settings(by: Actor) -> None:
    """The fund bears the names and the zone that every page shows, also once the operator changed them.

    A name of the fund that is not the one of the reference files has no translation.
    """
    fund_name, body_name = pages.names()
    known = reference_files.texts(reference_files.toml("fund.toml")["fund"], "name")
    name = known if known["name"] == fund_name else {"name": fund_name, "name_en": ""}
    settings = {**name, "body_name": body_name, "zone": clock.zone()}
    for fund in db.session.scalars(select(Fund)).all():
        changed = sorted(column for column, value in settings.items() if getattr(fund, column) != value)
        for column in changed:
            setattr(fund, column, settings[column])
        if changed:
            journal.record("fund.edited", fund, by=by, changed=changed)


def _load_fund() -> int:
    if db.session.scalar(select(Fund.id).limit(1)) is not None:
        return 0
    data = reference_files.toml("fund.toml")
    body, fund = data["body"], data["fund"]
    db.session.add(
        Fund(
            code=fund["code"],
            **reference_files.texts(fund, "name", "summary", "purpose"),
            envelope=Money.euros(fund["envelope"]),
            announced_on=fund["announced_on"],
            zone=clock.zone(),
            body_name=body["name"],
            body_siret=body["siret"],
            service_name=body["service"],
            service_address=body["address"],
            service_email=body["email"],
            service_phone=body["phone"],
            dpo_email=body["dpo_email"],
            court=body["court"],
            court_en=body["court_en"],
            contact_status=Trust(body["contact_status"]),
        )
    )
    for position, row in enumerate(data["instruments"]):
        db.session.add(
            Instrument(
                code=row["code"],
                **reference_files.texts(row, "name", "description"),
                form=row["form"],
                minimum=Money.euros(row["minimum"]),
                maximum=Money.euros(row["maximum"]),
                max_rate=row.get("max_rate"),
                position=position,
                status=Trust(row["status"]),
            )
        )
    return 1 + len(data["instruments"])


def _load_framework(folder: str, position: int) -> int:
    data = reference_files.toml(f"frameworks/{folder}/framework.toml")
    if db.session.scalar(select(Framework.id).where(Framework.code == data["framework"]["code"])) is not None:
        return 0
    return _add_framework(data, reference_files.rows(f"frameworks/{folder}/actions.csv"), position)[1]


def _add_framework(data: dict[str, Any], listed: Sequence[Mapping[str, str]], position: int) -> tuple[Framework, int]:
    """A framework and everything in it; returns it with how many rows were added."""
    facts = data["framework"]
    framework = Framework(
        code=facts["code"],
        **reference_files.texts(facts, "name", "summary", "placeholder"),
        valid_from=facts["valid_from"],
        valid_to=facts.get("valid_to"),
        expected_actions=facts.get("expected_actions"),
        source=facts["source"],
        position=position,
    )
    db.session.add(framework)
    db.session.flush()
    axes = {
        row["code"]: Axis(
            framework_id=framework.id,
            code=row["code"],
            **reference_files.texts(row, "title", "short"),
            position=row["position"],
            colour=row["colour"],
        )
        for row in data["axes"]
    }
    fields = {
        row["code"]: FieldOfIntervention(
            framework_id=framework.id, code=row["code"], **reference_files.texts(row, "title"), position=row["position"]
        )
        for row in data.get("fields", ())
    }
    plans = [
        RelatedPlan(
            framework_id=framework.id, code=row["code"], **reference_files.texts(row, "title"), position=row["position"]
        )
        for row in data.get("plans", ())
    ]
    db.session.add_all([*axes.values(), *fields.values(), *plans])
    db.session.flush()
    orientations = {
        row["code"]: Orientation(
            axis_id=axes[row["axis"]].id,
            code=row["code"],
            **reference_files.texts(row, "title"),
            position=row["position"],
        )
        for row in data.get("orientations", ())
    }
    db.session.add_all(orientations.values())
    db.session.flush()
    for row in listed:
        db.session.add(
            Action(
                framework_id=framework.id,
                axis_id=axes[row["axis"]].id,
                orientation_id=orientations[row["orientation"]].id if row["orientation"] else None,
                number=row["number"],
                sort_key=number_key(row["number"]),
                **reference_files.texts(dict(row), "title"),
                status=Trust(row["status"]),
                source=row["source"],
                fields=[fields[code] for code in row["fields"].split()],
            )
        )
    db.session.flush()
    return framework, 1 + len(axes) + len(fields) + len(plans) + len(orientations) + len(listed)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _load_communes() -> int:
    known = set(db.session.scalars(select(Commune.insee)))
    new = [row for row in reference_files.rows("communes.csv") if row["insee"] not in known]
    for row in new:
        db.session.add(
            Commune(
                insee=row["insee"],
                name=row["name"],
                sort_key=row["sort_key"],
                postcodes=row["postcodes"],
                conference=row["ctm"],
                valid_from=_day(row["valid_from"]),
                valid_to=_day(row["valid_to"]),
                successor=row["successor"],
                status=Trust(row["status"]),
            )
        )
    db.session.flush()
    return len(new)


def _load_areas() -> int:
    communes = {row.insee: row.id for row in db.session.execute(select(Commune.insee, Commune.id))}
    known = {
        (row.commune_id, row.name) for row in db.session.execute(select(PriorityArea.commune_id, PriorityArea.name))
    }
    new = [
        row for row in reference_files.rows("priority_areas.csv") if (communes[row["insee"]], row["name"]) not in known
    ]
    for row in new:
        db.session.add(
            PriorityArea(
                code=row["code"],
                name=row["name"],
                kind=row["kind"],
                commune_id=communes[row["insee"]],
                valid_from=_day(row["valid_from"]),
                valid_to=_day(row["valid_to"]),
                status=Trust(row["status"]),
            )
        )
    return len(new)


def _load_accounts() -> int:
    known = set(db.session.scalars(select(BudgetAccount.code)))
    new = [
        (i, row) for i, row in enumerate(reference_files.toml("budget.toml")["accounts"]) if row["code"] not in known
    ]
    for position, row in new:
        db.session.add(
            BudgetAccount(
                code=row["code"],
                side=row["side"],
                parent=row["group"],
                **reference_files.texts(row, "title", "examples"),
                in_kind=row["in_kind"],
                by_funder=row.get("by_funder", False),
                header=row.get("header", False),
                position=position,
            )
        )
    return len(new)


def _load_law() -> int:
    known = {(row.code, row.valid_from) for row in db.session.execute(select(Law.code, Law.valid_from))}
    new = [
        row
        for row in reference_files.toml("law.toml")["law"]
        if (row["code"], row.get("valid_from", EVER)) not in known
    ]
    for row in new:
        db.session.add(
            Law(
                code=row["code"],
                **reference_files.texts(row, "title", "note"),
                value=str(row["value"]),
                unit=row["unit"],
                valid_from=row.get("valid_from", EVER),
                valid_to=row.get("valid_to"),
                reference=row["reference"],
                status=Trust(row["status"]),
            )
        )
    return len(new)


def _load_texts() -> int:
    known = set(db.session.scalars(select(ConfiguredText.code)))
    new = [row for row in reference_files.toml("texts.toml")["texts"] if row["code"] not in known]
    for row in new:
        db.session.add(
            ConfiguredText(
                code=row["code"],
                use=row["use"],
                **reference_files.texts(row, "title", "body"),
                placeholders=row["placeholders"],
                position=row["position"],
                status=Trust(row["status"]),
            )
        )
    return len(new)


# ---- the fund ------------------------------------------------------------------------------------------------------


def edit_fund(fund: Fund, values: Mapping[str, Any], *, confirmed: bool, version: int | None, by: Actor) -> None:
    """Write the fund's envelope and contacts; `confirmed` says that the contacts were checked.

    Raises InvalidError when the envelope would not hold what is committed, ConflictError when somebody else wrote
    meanwhile. The row is locked first, so that nothing is committed between the check and the change.
    """
    db.session.refresh(fund, with_for_update=True)
    refuse_changed(fund.version, version, (_("Courriel du service"), values["service_email"], fund.service_email))
    if values["envelope"] < fund.committed:
        raise InvalidError(_("L’enveloppe ne peut pas descendre sous ce qui est déjà réservé."), field="envelope")
    before = fund.envelope
    changed = sorted(name for name, value in values.items() if getattr(fund, name) != value)
    for name, value in values.items():
        setattr(fund, name, value)
    if confirmed:
        fund.contact_status = Trust.CONFIRMED
    elif fund.contact_status is Trust.CONFIRMED and any(name.startswith("service_") for name in changed):
        fund.contact_status = Trust.PROPOSAL
    journal.record(
        "fund.edited", fund, by=by, changed=changed, confirmed=confirmed,
        envelope_before=before.cents, envelope=fund.envelope.cents,
    )  # fmt: skip


# ---- frameworks ----------------------------------------------------------------------------------------------------


def create_framework(values: Mapping[str, Any], *, by: Actor) -> Framework:
    """An empty framework, to be filled axis by axis. Raises InvalidError when its code is taken."""
    if queries.framework(values["code"]) is not None:
        raise InvalidError(_("Un cadre porte déjà ce code."), field="code")
    words = {"placeholder": rules.UNTITLED, "placeholder_en": rules.UNTITLED_EN}
    framework = Framework(**words, **values, position=_next_position())
    db.session.add(framework)
    db.session.flush()
    journal.record("framework.created", framework, by=by, code=framework.code)
    return framework


def _next_position() -> int:
    return (db.session.scalar(select(func.max(Framework.position))) or 0) + 1


def import_framework(file: FrameworkFile, *, by: Actor) -> Framework:
    """A framework from its files, already read and found sound. Raises InvalidError when its code is taken."""
    code = file.data["framework"]["code"]
    if queries.framework(code) is not None:
        raise InvalidError(_("Un cadre porte déjà le code %(code)s.", code=code), field="toml")
    framework, added = _add_framework(file.data, file.actions, _next_position())
    journal.record("framework.imported", framework, by=by, code=code, rows=added)
    return framework


def add_axis(framework: Framework, values: Mapping[str, Any], *, by: Actor) -> Axis:
    """A new axis at the end. Raises InvalidError when its code is taken."""
    axes = queries.axes(framework.id)
    if any(axis.code == values["code"] for axis in axes):
        raise InvalidError(_("Un axe de ce cadre porte déjà ce code."), field="code")
    axis = Axis(framework_id=framework.id, position=len(axes) + 1, **values)
    db.session.add(axis)
    db.session.flush()
    journal.record("framework.axis_added", framework, by=by, code=axis.code)
    return axis


def add_orientation(framework: Framework, values: Mapping[str, Any], *, by: Actor) -> Orientation:
    """A new orientation at the end of its axis. Raises InvalidError when its code is taken or its axis is elsewhere."""
    _axis_of(framework, values["axis_id"])
    siblings = [row for row in queries.orientations(framework.id) if row.axis_id == values["axis_id"]]
    if any(row.code == values["code"] for row in siblings):
        raise InvalidError(_("Une orientation de cet axe porte déjà ce code."), field="code")
    orientation = Orientation(position=len(siblings) + 1, **values)
    db.session.add(orientation)
    db.session.flush()
    journal.record("framework.orientation_added", framework, by=by, code=orientation.code)
    return orientation


def _axis_of(framework: Framework, axis_id: UUID) -> Axis:
    axis = next((row for row in queries.axes(framework.id) if row.id == axis_id), None)
    if axis is None:
        raise InvalidError(_("Cet axe n’est pas dans ce cadre."), field="axis_id")
    return axis


def add_action(framework: Framework, values: Mapping[str, Any], *, by: Actor) -> Action:
    """A new action; without a title it is shown as « intitulé à compléter ».

    Raises InvalidError when its number is taken or strange, its orientation is in another axis, or a title has no
    source.
    """
    number = values["number"]
    if not rules.ACTION_NUMBER.fullmatch(number):
        raise InvalidError(_("Écrivez un numéro d’action, par exemple 12 ou 41.1."), field="number")
    if any(action.number == number for action in queries.actions(framework.id)):
        raise InvalidError(_("Cette action existe déjà."), field="number")
    axis = _axis_of(framework, values["axis_id"])
    action = Action(framework_id=framework.id, axis_id=axis.id, number=number, sort_key=number_key(number))
    _write_action(action, values)
    db.session.add(action)
    db.session.flush()
    journal.record("framework.action_added", framework, by=by, number=number, titled=bool(action.title))
    return action


def edit_action(action: Action, values: Mapping[str, Any], *, version: int | None, by: Actor) -> None:
    """Complete or correct an action; `version` is that of its page. Raises as `add_action` does, or ConflictError."""
    if action.version != version:
        raise conflict((_("Intitulé"), values["title"], action.title))
    _write_action(action, values)
    flag_modified(action, "title")  # its fields are part of what the version protects
    journal.record("framework.action_edited", action, by=by, number=action.number, titled=bool(action.title))


def _write_action(action: Action, values: Mapping[str, Any]) -> None:
    if values["title"] and not values["source"]:
        raise InvalidError(_("Dites d’où vient cet intitulé : un document et sa date."), field="source")
    orientation_id = values["orientation_id"]
    held = {row.id: row.axis_id for row in queries.orientations(action.framework_id)}
    if orientation_id is not None and held.get(orientation_id) != action.axis_id:
        raise InvalidError(_("Cette orientation n’est pas dans l’axe choisi."), field="orientation_id")
    action.orientation_id = orientation_id
    action.title, action.title_en, action.source = values["title"], values["title_en"], values["source"]
    action.status = Trust.CONFIRMED if values["title"] else Trust.PROPOSAL
    wanted = set(values["fields"])
    action.fields = [field for field in queries.fields(action.framework_id) if field.id in wanted]


# ---- law and texts -------------------------------------------------------------------------------------------------


def confirm_law(law: Law, *, by: Actor) -> None:
    """Say that a rule was read against its source. Saying it twice changes nothing."""
    if law.confirmed_at is None:
        law.confirmed_at, law.confirmed_by = clock.now(), by.id
        journal.record("law.confirmed", law, by=by, code=law.code, valid_from=law.valid_from)


def add_law_value(law: Law, values: Mapping[str, Any], *, by: Actor) -> Law:
    """A new value of a rule from a day on, confirmed by who writes it; the value before ends the day before.

    Raises InvalidError when a value already begins that day, or when it is not of the rule's unit.
    """
    reason = rules.why_not_value(values["value"], law.unit)
    if reason is not None:
        raise InvalidError(str(reason), field="value")
    start: date = values["valid_from"]
    rows = queries.law_of_code(law.code)
    if any(row.valid_from == start for row in rows):
        raise InvalidError(_("Une valeur commence déjà ce jour-là."), field="valid_from")
    before = next((row for row in reversed(rows) if row.valid_from < start), None)
    after = next((row for row in rows if row.valid_from > start), None)
    if before is not None and (before.valid_to is None or before.valid_to >= start):
        before.valid_to = rules.day_before(start)
    new = Law(
        code=law.code, title=law.title, title_en=law.title_en, unit=law.unit, value=values["value"], valid_from=start,
        valid_to=rules.day_before(after.valid_from) if after else None, reference=values["reference"],
        note=values["note"], status=Trust.CONFIRMED, confirmed_at=clock.now(), confirmed_by=by.id,
    )  # fmt: skip
    db.session.add(new)
    db.session.flush()
    journal.record("law.added", new, by=by, code=law.code, valid_from=start, value=values["value"])
    return new


def edit_text(
    text: ConfiguredText, body: str, body_en: str, *, confirmed: bool, version: int | None, by: Actor
) -> None:
    """Write a configured text; one that changed must be confirmed anew.

    Raises InvalidError on a placeholder the system cannot fill in, ConflictError when somebody else wrote meanwhile.
    """
    refuse_changed(text.version, version, (_("Texte"), body, text.body))
    for field, new_text in (("body", body), ("body_en", body_en)):
        strange = rules.strange_placeholders(new_text, text.placeholders)
        if strange is None:
            raise InvalidError(_("Une accolade { ou } est seule : fermez-la ou retirez-la."), field=field)
        if strange:
            words = ", ".join("{" + word + "}" for word in strange)
            raise InvalidError(_("Le système ne sait pas remplir %(words)s dans ce texte.", words=words), field=field)
    changed = (text.body, text.body_en) != (body, body_en)
    text.body, text.body_en = body, body_en
    if changed:
        text.confirmed_at = text.confirmed_by = None
    if confirmed and text.confirmed_at is None:
        text.confirmed_at, text.confirmed_by = clock.now(), by.id
    journal.record("text.edited", text, by=by, code=text.code, changed=changed, confirmed=confirmed)


def confirm_text(text: ConfiguredText, *, by: Actor) -> None:
    """Say that a text may be shown as it is. Saying it twice changes nothing."""
    if text.confirmed_at is None:
        text.confirmed_at, text.confirmed_by = clock.now(), by.id
        journal.record("text.confirmed", text, by=by, code=text.code)
