"""One letter per dossier, each true to its file, in the language of its reader."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Answer, Application
from grants.calls.models import Call, Question
from grants.deliberation import letters, queries
from grants.deliberation.letters import DecisionLetter, LetterPart
from grants.deliberation.models import Decision, Recommendation
from grants.kernel import clock
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.people.models import Membership
from grants.programme import queries as programme
from tests.factories import Make

S = ApplicationState


def decided(make: Make, *, granted: bool = True, instrument: str = "emergence", **columns: Any) -> Decision:
    """A published decision, with what the caller changes in it."""
    call = make.call(closes_at=clock.now() - timedelta(days=2))
    requested = Money.euros(20_000 if instrument == "scale_up" else 8_000)
    application = make.application(
        state=S.ELIGIBLE, call=call, title="Cour fraîche", instrument=instrument, requested=requested
    )
    make.reviewed(application, 3, 3)
    meeting = make.meeting(call)
    decision = Decision(
        meeting_id=meeting.id,
        application_id=application.id,
        granted=granted,
        decided_at=clock.now(),
        **{"amount": requested if granted else Money(0), "reason": "Le besoin est démontré.", **columns},
    )
    with unit_of_work() as session:
        meeting.act_number, meeting.act_on, meeting.act_body = "2019-3620", clock.today(), "Conseil"
        session.add(decision)
    return decision


def plain(letter: DecisionLetter) -> str:
    """Every word of a letter."""
    facts = [f"{label} : {value}" for label, value in letter.facts]
    text = "\n".join([letter.subject, *facts, *(f"{part.title}\n{part.text}" for part in letter.parts)])
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def say(application: Application, code: str, value: str) -> None:
    with unit_of_work() as session:
        question = session.scalars(
            select(Question).where(Question.call_id == application.call_id, Question.code == code)
        ).one()
        known = session.scalars(
            select(Answer).where(Answer.application_id == application.id, Answer.question_id == question.id)
        ).first()
        if known is None:
            session.add(Answer(application_id=application.id, question_id=question.id, value=value))
        else:
            known.value = value


def test_a_full_award_says_how_much_in_which_form_and_what_comes_next(app: Flask, make: Make) -> None:
    decision = decided(make)
    say(decision.application, "economic_activity", "no")
    text = plain(letters.compose(decision))
    assert "Votre projet « Cour fraîche » est soutenu" in text
    assert "Montant accordé : 8 000 €" in text
    assert "subvention (Émergence)" in text
    assert "délibération n° 2019-3620" in text
    assert "Le besoin est démontré." in text
    assert "compte rendu financier" in text
    for absent in ("de minimis", "conditions", "Vous aviez demandé", "tribunal", "avance"):
        assert absent not in text


def test_a_partial_award_explains_and_may_be_contested(app: Flask, make: Make) -> None:
    text = plain(letters.compose(decided(make, amount=Money.euros(5_000), reason="Une seule cour la première année.")))
    assert "Vous aviez demandé 8 000 €" in text
    assert "Une seule cour la première année." in text
    assert "tribunal" in text


def test_conditions_are_listed_and_an_advance_says_it_is_repaid(app: Flask, make: Make) -> None:
    decision = decided(make, instrument="scale_up", conditions="Ouvrir le samedi\nPrévenir les voisins")
    text = plain(letters.compose(decision))
    assert "- Ouvrir le samedi\n- Prévenir les voisins" in text
    assert "avance remboursable" in text
    assert "échéancier de son remboursement" in text


def test_an_economic_activity_brings_the_de_minimis_notice_with_the_rule_of_the_day(app: Flask, make: Make) -> None:
    decision = decided(make)
    say(decision.application, "economic_activity", "yes")
    text = plain(letters.compose(decision))
    assert "aide « de minimis » au sens du règlement (UE) 2023/2831" in text
    assert "équivalent-subvention brut : 8 000 €" in text


def test_a_refusal_gives_the_reasons_the_comments_and_the_remedies_without_a_name(app: Flask, make: Make) -> None:
    decision = decided(make, granted=False, reason="Ni le lieu ni le public ne sont connus.")
    reviewers = [row.reviewer for row in queries.reviews_of(decision.application_id)]
    text = plain(letters.compose(decision))
    assert "n’est pas retenu" in text
    assert "Voici pourquoi : Ni le lieu ni le public ne sont connus." in text
    assert "- Un dossier clair et concret." in text
    assert text.count("Un dossier clair et concret.") == 1
    assert "recours" in text
    assert "tribunal administratif" in text
    assert "Projet solide." not in text
    assert len(reviewers) == 2
    assert not [name for name in reviewers if name in text]


def test_a_review_set_aside_by_a_link_says_nothing_to_the_applicant(app: Flask, make: Make) -> None:
    decision = decided(make, granted=False)
    application = decision.application
    assert queries.comments_for_applicant(application.id)
    for row in make.reviewed(application, 1):
        with unit_of_work() as session:
            row.applicant_comment = "Un mot de trop."
            session.add(
                letters.queries.Interest(
                    application_id=application.id, account_id=row.reviewer_id, nature="family", declared_at=clock.now()
                )
            )
    assert "Un mot de trop." not in queries.comments_for_applicant(application.id)


def test_a_letter_is_written_in_the_language_of_its_reader(app: Flask, make: Make) -> None:
    decision = decided(make)
    with unit_of_work():
        make.member_of(decision.application.organisation).locale = "en"
    assert letters.locale_of(decision) == "en"
    english = plain(letters.letter_of(decision, letters.locale_of(decision)))
    assert programme.text_of_code("award_next").body_en.split(":")[0][:25] in english
    with unit_of_work():
        assert letters.announce(decision, by=make.by)
    assert db.session.scalars(select(Letter.locale).where(Letter.kind == "deliberation_decision")).all() == ["en"]


def test_the_letter_goes_to_the_author_or_to_who_is_responsible_now(app: Flask, make: Make) -> None:
    decision = decided(make)
    application = decision.application
    reader = queries.reader_of(application)
    assert reader is not None
    assert reader.email == make.member_of(application.organisation).email
    later = make.account()
    with unit_of_work() as session:
        for membership in session.scalars(
            select(Membership).where(Membership.organisation_id == application.organisation_id)
        ):
            membership.account_id = later.id
    assert queries.reader_of(application).email == later.email  # type: ignore[union-attr]
    with unit_of_work() as session:
        later.active = False
    assert queries.reader_of(application) is None
    with unit_of_work():
        assert letters.announce(decision, by=make.by) is False
    assert db.session.scalars(select(Letter).where(Letter.kind == "deliberation_decision")).all() == []


def test_what_people_wrote_is_text_on_the_page_and_in_the_letter(app: Flask, make: Make) -> None:
    hostile = "<script>alert(1)</script> {title} %(x)s 100 %"
    decision = decided(make, granted=False, reason=hostile)
    assert hostile in plain(letters.compose(decision))
    with unit_of_work():
        letters.announce(decision, by=make.by)
    body = db.session.scalars(select(Letter.body).where(Letter.kind == "deliberation_decision")).one()
    assert hostile in body


def test_a_part_is_read_as_paragraphs_and_lists() -> None:
    part = LetterPart("", "Un\ndeux\n\n- a\n- b\n\nTrois")
    assert part.blocks == [(False, ["Un", "deux"]), (True, ["a", "b"]), (False, ["Trois"])]


@pytest.mark.parametrize(("year_end", "due"), [(12, "30 juin"), (6, "30 décembre"), (8, "28 février")])
def test_the_report_is_due_six_months_after_the_financial_year(app: Flask, make: Make, year_end: int, due: str) -> None:
    decision = decided(make)
    with unit_of_work():
        decision.application.organisation.year_end_month = year_end
        decision.application.ends_on = clock.today().replace(year=2026, month=3, day=15)
        decision.application.starts_on = decision.application.ends_on
    year = "2027" if year_end != 6 else "2026"
    assert f"{due} {year}" in plain(letters.compose(decision))


def test_texts_nobody_confirmed_are_named_for_managers(app: Flask, make: Make) -> None:
    named = letters.unconfirmed_texts()
    text = programme.text_of_code("award_opening")
    assert text.title in named
    with unit_of_work():
        text.confirmed_at = clock.now()
    assert text.title not in letters.unconfirmed_texts()


def test_a_recommendation_keeps_the_score_as_it_stood(app: Flask, make: Make) -> None:
    call: Call = make.call(closes_at=clock.now() - timedelta(days=2))
    application = make.application(state=S.ELIGIBLE, call=call)
    make.reviewed(application, 3)
    meeting = make.meeting(call)
    make.recommendation(meeting, application)
    with unit_of_work() as session:
        session.scalars(select(Recommendation)).one().score_hundredths = 6667
    line = queries.ranking_of(call, make.actor("manager")).lines[0]
    assert letters.score(line) == "66,7"
