"""Reference texts that changed: a database of before says the new ones, where no manager had written their own."""

from datetime import date, timedelta
from importlib import import_module

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import select, update

from grants.kernel import clock, reference_files
from grants.kernel.db import db, unit_of_work
from grants.programme import queries
from grants.programme.models import ConfiguredText, Law, Trust

CHECK = "vérifiez vos coordonnées bancaires et"
SENT = (
    "téléchargez-la dans votre espace, faites-la signer par la personne qui représente l’association, puis "
    "renvoyez-la au service du fonds, à l’adresse de cette lettre. Chaque échéance se suit dans votre espace."
)
step = import_module("grants.migrations.versions.0011_promises_kept")


def reference():
    return {row["code"]: row for row in reference_files.toml("texts.toml")["texts"]}


@pytest.mark.parametrize("edition", [0, -1])
def test_texts_of_before_say_what_they_say_today_unless_a_manager_wrote_them(app, make, edition):
    with unit_of_work() as session:
        for code in step.CODES:
            old = {column: step.BODIES[code, column][:-1][edition] for column in ("body", "body_en")}
            values = {**old, "status": Trust.CONFIRMED, "confirmed_at": clock.now()}
            session.execute(update(ConfiguredText).where(ConfiguredText.code == code).values(values))
        own = update(ConfiguredText).where(ConfiguredText.code == "award_next").values(body="Nos mots.")
        session.execute(own)
    db.session.remove()
    downgrade(revision="0010")
    upgrade()
    rows, said = {row.code: row for row in queries.all_texts()}, reference()
    for code in set(step.CODES) - {"award_next"}:
        assert (rows[code].body, rows[code].body_en) == (said[code]["body"], said[code]["body_en"])
    assert rows["award_next"].body == "Nos mots."
    assert None not in {rows[code].confirmed_at for code in step.CODES}, "what was confirmed stays so"


def test_the_day_of_a_wording_of_law_follows_unless_a_manager_confirmed_it(app, make):
    def days():
        statement = select(Law).where(Law.code == step.WORDING).order_by(Law.valid_from)
        return [(row.valid_from, row.valid_to, row.status) for row in db.session.scalars(statement)]

    wanted = days()
    assert wanted[1] == (date(2025, 12, 24), None, Trust.SECONDARY)
    assert wanted[0][1] == date(2025, 12, 24) - timedelta(days=1)
    db.session.remove()
    downgrade(revision="0010")
    assert days()[1] == (date(2025, 12, 23), None, Trust.CONFIRMED)
    db.session.remove()
    upgrade()
    assert days() == wanted


def test_a_text_that_two_migrations_change_ends_as_it_is_said_today(app, make):
    said = reference()["award_next"]
    with unit_of_work() as session:
        first = {
            "body": said["body"]
            .replace("donnez vos coordonnées bancaires dans votre espace et", CHECK)
            .replace(SENT, "signez-la dans votre espace. Vous y verrez chaque échéance.")
        }
        session.execute(update(ConfiguredText).where(ConfiguredText.code == "award_next").values(first))
    assert "signez-la" in queries.text_of_code("award_next").body
    db.session.remove()
    downgrade(revision="0007")
    with unit_of_work() as session:
        english = {"body_en": step.BODIES["award_next", "body_en"][0]}
        session.execute(update(ConfiguredText).where(ConfiguredText.code == "award_next").values(english))
    db.session.remove()
    upgrade()
    found = queries.text_of_code("award_next")
    assert (found.body, found.body_en) == (said["body"], said["body_en"])
