"""The fund never under what it committed, frameworks completed with a source, law that keeps its past."""

from datetime import date

import pytest

from grants.kernel import journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.errors import ConflictError, InvalidError
from grants.kernel.money import Money
from grants.programme import actions, queries
from grants.programme.models import Trust


@pytest.fixture
def manager(make):
    return make.actor("manager")


def fund_values(**changed):
    fund = queries.fund()
    names = (
        "envelope",
        "service_name",
        "service_address",
        "service_email",
        "service_phone",
        "dpo_email",
        "court",
        "court_en",
    )
    return {**{name: getattr(fund, name) for name in names}, **changed}


def action_values(framework, **changed):
    axis = queries.axes(framework.id)[0]
    values = {
        "axis_id": axis.id,
        "number": "99",
        "title": "",
        "title_en": "",
        "source": "",
        "orientation_id": None,
        "fields": [],
    }
    return {**values, **changed}


def test_the_envelope_changes_but_never_under_what_is_committed(make, manager):
    fund = queries.fund()
    with unit_of_work():
        fund.committed = Money.euros(400_000)
    values = fund_values(envelope=Money.euros(399_999))
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.edit_fund(fund, values, confirmed=False, version=fund.version, by=manager)
    assert refused.value.field == "envelope"
    with unit_of_work():
        values = fund_values(envelope=Money.euros(400_000))
        actions.edit_fund(fund, values, confirmed=False, version=fund.version, by=manager)
    assert queries.fund().envelope == Money.euros(400_000)
    assert journal.of(fund)[-1].facts["envelope_before"] == 100_000_000


def test_confirmed_contacts_must_be_confirmed_again_once_they_change(make, manager):
    fund = queries.fund()
    assert ("contact", fund.code) in queries.unconfirmed()
    with unit_of_work():
        actions.edit_fund(fund, fund_values(), confirmed=True, version=fund.version, by=manager)
    assert ("contact", fund.code) not in queries.unconfirmed()
    with unit_of_work():
        values = fund_values(service_phone="04 65 71 00 10")
        actions.edit_fund(fund, values, confirmed=False, version=fund.version, by=manager)
    assert ("contact", fund.code) in queries.unconfirmed()


def test_a_stale_fund_page_is_a_conflict(make, manager):
    fund = queries.fund()
    with pytest.raises(ConflictError), unit_of_work():
        actions.edit_fund(fund, fund_values(), confirmed=False, version=fund.version - 1, by=manager)


def test_an_action_without_title_is_shown_to_complete_and_completed_with_its_source(make, manager):
    framework = queries.frameworks()[0]
    with unit_of_work():
        action = actions.add_action(framework, action_values(framework), by=manager)
    assert (action.title, action.status) == ("", Trust.PROPOSAL)
    values = action_values(framework, title="Un intitulé lu", source="Livret 4, page 12")
    shown = action.version
    with unit_of_work():
        actions.edit_action(action, values, version=shown, by=manager)
    assert (action.title, action.status) == ("Un intitulé lu", Trust.CONFIRMED)
    with pytest.raises(ConflictError), unit_of_work():
        actions.edit_action(action, {**values, "fields": []}, version=shown, by=manager)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"number": "13"}, "number"),
        ({"number": "a"}, "number"),
        ({"number": "0"}, "number"),
        ({"title": "Sans source"}, "source"),
    ],
)
def test_an_action_that_cannot_stand_is_refused_on_its_field(make, manager, changed, field):
    framework = queries.frameworks()[0]
    before = len(queries.actions(framework.id))
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.add_action(framework, action_values(framework, **changed), by=manager)
    assert refused.value.field == field
    assert len(queries.actions(framework.id)) == before


def test_axis_and_orientation_stay_inside_their_framework(make, manager):
    pms, other = queries.frameworks()[:2]
    foreign = {"axis_id": queries.axes(other.id)[0].id, "code": "X", "title": "t", "title_en": ""}
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.add_orientation(pms, foreign, by=manager)
    assert refused.value.field == "axis_id"
    elsewhere = next(row for row in queries.orientations(pms.id) if row.axis_id != queries.axes(pms.id)[0].id)
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.add_action(pms, action_values(pms, orientation_id=elsewhere.id), by=manager)
    assert refused.value.field == "orientation_id"
    axis = {"code": "A1", "title": "t", "title_en": "", "short": "t", "short_en": "", "colour": 5}
    with pytest.raises(InvalidError), unit_of_work():
        actions.add_axis(pms, axis, by=manager)
    with unit_of_work():
        added = actions.add_axis(pms, {**axis, "code": "A5"}, by=manager)
    assert [row.code for row in queries.axes(pms.id)][-1] == added.code == "A5"


def test_a_new_value_of_law_leaves_the_past_as_it_was(make, manager):
    before = queries.law("agreement_threshold", date(2026, 6, 1))
    values = {"value": "30000", "valid_from": date(2026, 7, 1), "reference": "Décret fictif", "note": ""}
    with unit_of_work():
        new = actions.add_law_value(before, values, by=manager)
    assert queries.law_number("agreement_threshold", date(2026, 6, 30)) == 23_000
    assert queries.law_number("agreement_threshold", date(2026, 7, 1)) == 30_000
    assert new.confirmed_by == manager.id
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.add_law_value(before, values, by=manager)
    assert refused.value.field == "valid_from"
    with pytest.raises(InvalidError) as refused, unit_of_work():
        actions.add_law_value(before, {**values, "value": "trente mille", "valid_from": date(2027, 1, 1)}, by=manager)
    assert refused.value.field == "value"


def test_a_value_put_between_two_others_ends_where_the_next_begins(make, manager):
    rule = queries.law("agreement_threshold", date(2026, 6, 1))
    for start, value in ((date(2028, 1, 1), "40000"), (date(2026, 7, 1), "30000")):
        values = {"value": value, "valid_from": start, "reference": "Décret fictif", "note": ""}
        with unit_of_work():
            actions.add_law_value(rule, values, by=manager)
    assert [queries.law_number("agreement_threshold", date(year, 12, 31)) for year in (2025, 2026, 2027, 2028)] == [
        23_000, 30_000, 30_000, 40_000,
    ]  # fmt: skip


def test_confirming_is_written_once(make, manager):
    row = next(row for row in queries.all_law() if row.status in queries.UNSURE)
    for _twice in range(2):
        with unit_of_work():
            actions.confirm_law(row, by=manager)
    assert [entry.event for entry in journal.of(row)] == ["law.confirmed"]
    assert row.confirmed_by == manager.id


def test_a_text_that_changes_must_be_confirmed_anew(make, manager):
    text = queries.text_of_code("implicit_rejection")
    with unit_of_work():
        actions.confirm_text(text, by=manager)
    assert ("text", text.code) not in queries.unconfirmed()
    with unit_of_work():
        actions.edit_text(text, "Le {silence_on}.", "", confirmed=False, version=text.version, by=manager)
    assert text.confirmed_at is None
    for wrong in ("Le {demain}.", "Le {", "{silence_on!r}"):
        with pytest.raises(InvalidError) as refused, unit_of_work():
            actions.edit_text(text, wrong, "", confirmed=True, version=text.version, by=manager)
        assert refused.value.field == "body"
    assert db.session.get(type(text), text.id).body == "Le {silence_on}."


def test_a_due_day_is_counted_by_the_rule_in_force_where_it_starts(make, manager):
    (rule,) = queries.law_of_code("report_due")
    assert (rule.value, queries.report_due_on(date(2026, 3, 1), 12)) == ("6", date(2027, 6, 30))
    values = {"value": "9", "valid_from": date(2026, 6, 1), "reference": "Délibération du 2 mai 2026", "note": ""}
    with unit_of_work():
        actions.add_law_value(rule, values, by=manager)
    assert queries.report_due_on(date(2025, 3, 1), 12) == date(2026, 6, 30)
    assert queries.report_due_on(date(2026, 3, 1), 12) == date(2027, 9, 30)
