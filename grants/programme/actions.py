"""Acts on the fund's reference data: loading the readable files, confirming law, completing frameworks."""

from datetime import date
from typing import Any

from sqlalchemy import select

from grants.kernel import journal, shelf
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.money import Money
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
from grants.programme.rules import number_key

EVER = date(1, 1, 1)


def load_reference(*, by: Actor) -> dict[str, int]:
    """Load what is missing from the readable files; what is there, perhaps edited by a manager, stays as it is.

    Returns how many rows of each kind were added.
    """
    added = {
        "fund": _load_fund(),
        "framework": sum(_load_framework(name, position) for position, name in enumerate(shelf.folders("frameworks"))),
        "commune": _load_communes(),
        "priority_area": _load_areas(),
        "budget_account": _load_accounts(),
        "law": _load_law(),
        "text": _load_texts(),
    }
    if any(added.values()):
        journal.record("programme.loaded", None, by=by, **added)
    return added


def _text(row: dict[str, Any], *names: str) -> dict[str, Any]:
    """The named texts of a row, trimmed, with their English when the row has it."""
    return {key: str(row[key]).strip() for name in names for key in (name, f"{name}_en") if row.get(key) is not None}


def _load_fund() -> int:
    if db.session.scalar(select(Fund.id).limit(1)) is not None:
        return 0
    data = shelf.toml("fund.toml")
    body, fund = data["body"], data["fund"]
    db.session.add(
        Fund(
            code=fund["code"],
            **_text(fund, "name", "summary", "purpose"),
            envelope=Money.euros(fund["envelope"]),
            announced_on=fund["announced_on"],
            zone=fund["zone"],
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
                **_text(row, "name", "description"),
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
    data = shelf.toml(f"frameworks/{folder}/framework.toml")
    told = data["framework"]
    if db.session.scalar(select(Framework.id).where(Framework.code == told["code"])) is not None:
        return 0
    framework = Framework(
        code=told["code"],
        **_text(told, "name", "summary", "placeholder"),
        valid_from=told["valid_from"],
        valid_to=told.get("valid_to"),
        expected_actions=told.get("expected_actions"),
        source=told["source"],
        position=position,
    )
    db.session.add(framework)
    db.session.flush()
    axes = {
        row["code"]: Axis(
            framework_id=framework.id,
            code=row["code"],
            **_text(row, "title", "short"),
            position=row["position"],
            colour=row["colour"],
        )
        for row in data["axes"]
    }
    fields = {
        row["code"]: FieldOfIntervention(
            framework_id=framework.id, code=row["code"], **_text(row, "title"), position=row["position"]
        )
        for row in data.get("fields", ())
    }
    plans = [
        RelatedPlan(framework_id=framework.id, code=row["code"], **_text(row, "title"), position=row["position"])
        for row in data.get("plans", ())
    ]
    db.session.add_all([*axes.values(), *fields.values(), *plans])
    db.session.flush()
    orientations = {
        row["code"]: Orientation(
            axis_id=axes[row["axis"]].id, code=row["code"], **_text(row, "title"), position=row["position"]
        )
        for row in data.get("orientations", ())
    }
    db.session.add_all(orientations.values())
    db.session.flush()
    listed = shelf.rows(f"frameworks/{folder}/actions.csv")
    for row in listed:
        db.session.add(
            Action(
                framework_id=framework.id,
                axis_id=axes[row["axis"]].id,
                orientation_id=orientations[row["orientation"]].id if row["orientation"] else None,
                number=row["number"],
                sort_key=number_key(row["number"]),
                **_text(row, "title"),
                status=Trust(row["status"]),
                source=row["source"],
                fields=[fields[code] for code in row["fields"].split()],
            )
        )
    return 1 + len(axes) + len(fields) + len(plans) + len(orientations) + len(listed)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _load_communes() -> int:
    known = set(db.session.scalars(select(Commune.insee)))
    new = [row for row in shelf.rows("communes.csv") if row["insee"] not in known]
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
    new = [row for row in shelf.rows("priority_areas.csv") if (communes[row["insee"]], row["name"]) not in known]
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
    new = [(i, row) for i, row in enumerate(shelf.toml("budget.toml")["accounts"]) if row["code"] not in known]
    for position, row in new:
        db.session.add(
            BudgetAccount(
                code=row["code"],
                side=row["side"],
                parent=row["group"],
                **_text(row, "title", "examples"),
                in_kind=row["in_kind"],
                by_funder=row.get("by_funder", False),
                header=row.get("header", False),
                position=position,
            )
        )
    return len(new)


def _load_law() -> int:
    known = {(row.code, row.valid_from) for row in db.session.execute(select(Law.code, Law.valid_from))}
    new = [row for row in shelf.toml("law.toml")["law"] if (row["code"], row.get("valid_from", EVER)) not in known]
    for row in new:
        db.session.add(
            Law(
                code=row["code"],
                **_text(row, "title", "note"),
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
    new = [row for row in shelf.toml("texts.toml")["texts"] if row["code"] not in known]
    for row in new:
        db.session.add(
            ConfiguredText(
                code=row["code"],
                use=row["use"],
                **_text(row, "title", "body"),
                placeholders=row["placeholders"],
                position=row["position"],
                status=Trust(row["status"]),
            )
        )
    return len(new)
