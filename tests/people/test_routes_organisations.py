"""Organisations and their members by the pages: made known, corrected, joined, and closed to everybody else."""

import pytest
from sqlalchemy import func, select

from grants.kernel import journal, post
from grants.kernel.db import db, unit_of_work
from grants.kernel.post import Letter
from grants.people import actions, queries
from grants.people.models import Invitation, MemberRole, Membership, Organisation
from tests.factories.make import siret

FACTS = {
    "siret": siret(777), "rna": "", "name": "Les Paliers", "legal_form": "association", "year_end_month": "8",
    "founded_on": "2012-05-04", "purpose": "Aller vers les voisins.", "address": "1 rue de l’Exemple",
    "postcode": "69007", "city": "Lyon", "representative_name": "Camille Exemple", "representative_role": "Présidence",
}  # fmt: skip


def test_an_organisation_is_made_known_in_one_page(page, make):
    person = make.account()
    page.sign_in(person)
    page.get("people.organisation_new")
    spaced = f"{FACTS['siret'][:3]} {FACTS['siret'][3:6]}\u00a0{FACTS['siret'][6:]}"
    answer = page.submit({**FACTS, "siret": spaced, "rna": "w691234567"})
    assert answer.title == "Les Paliers"
    organisation = db.session.scalar(select(Organisation))
    assert (organisation.siret, organisation.rna) == (FACTS["siret"], "W691234567")
    assert (organisation.year_end_month, str(organisation.founded_on)) == (8, "2012-05-04")
    assert make.actor_of(person).organisations == {organisation.id: "owner"}


def test_one_goes_on_to_where_one_came_from(page, make):
    page.sign_in(make.account())
    page.get("people.organisation_new", next="/appels")
    assert page.submit(FACTS, follow=False).location == "/appels"


def test_a_double_press_makes_one_organisation(page, make):
    page.sign_in(make.account())
    form = page.get("people.organisation_new")
    first = page.submit(FACTS, follow=False)
    page.last = form
    again = page.submit(FACTS, follow=False)
    assert first.location == again.location
    assert db.session.scalar(select(func.count()).select_from(Organisation)) == 1


@pytest.mark.parametrize(
    ("changed", "field", "word"),
    [
        ({"siret": "73282932000079"}, "siret", "clé"),
        ({"siret": "73282932000000"}, "siret", "tableur"),
        ({"siret": ""}, "siret", "SIRET"),
        ({"siret": "٧٣٢٨٢٩٣٢٠٠٠٠٧٤"}, "siret", "chiffres"),
        ({"siret": "9" * 60}, "siret", "trop long"),
        ({"rna": "691234567"}, "rna", "W"),
        ({"name": "x" * 201}, "name", "200"),
        ({"name": "\x00"}, "name", "nom"),
        ({"name": "www.exemple.example"}, "name", "lien"),
        ({"postcode": "6900"}, "postcode", "cinq"),
        ({"postcode": "٦٩٠٠٧"}, "postcode", "cinq"),
        ({"purpose": "x" * 1501}, "purpose", "1500"),
        ({"founded_on": "2012-02-30"}, "founded_on", "n’existe pas"),
        ({"founded_on": "2199-01-01"}, "founded_on", "avenir"),
        ({"legal_form": "empire"}, "legal_form", ""),
        ({"year_end_month": "13"}, "year_end_month", ""),
        ({"website": "javascript:alert(1)"}, "website", "https"),
        ({"phone": "zéro quatre"}, "phone", "chiffres"),
        ({"email": "a@b"}, "email", "forme"),
        ({"representative_email": "a@b.fr\r\nBcc: c@d.fr"}, "representative_email", "forme"),
    ],
)
def test_what_is_wrong_is_said_on_its_field_and_nothing_is_lost(page, make, changed, field, word):
    page.sign_in(make.account())
    page.get("people.organisation_new")
    answer = page.submit({**FACTS, **changed})
    assert answer.status == 422
    (control,) = answer.tree.xpath(f"//*[@id='{field}']")
    assert control.get("aria-invalid") == "true"
    assert word in answer.tree.xpath(f"string(//*[@id='{field}-error'])")
    assert db.session.scalar(select(Organisation.id)) is None
    for name in {"name", "address", "city", "representative_role"} - {field}:
        assert answer.tree.xpath(f"string(//*[@id='{name}']/@value)") == FACTS[name]


def test_what_is_kept_is_what_was_checked(page, make):
    page.sign_in(make.account())
    page.get("people.organisation_new")
    typed = {
        "siret": f"SIRET : {FACTS['siret']}.0", "postcode": "69 002", "website": "www.exemple.fr",
        "phone": "Tél. : 04\u00a072\u00a000\u00a000\u00a000", "email": "Contact@Café.fr", "founded_on": "4/5/2012 ",
        "name": "L@ Ruche < 25 ans",
    }  # fmt: skip
    page.submit({**FACTS, **typed})
    kept = db.session.scalar(select(Organisation))
    assert (kept.siret, kept.postcode, kept.phone) == (FACTS["siret"], "69002", "04 72 00 00 00")
    assert (kept.website, kept.email) == ("https://www.exemple.fr", "contact@xn--caf-dma.fr")
    assert (str(kept.founded_on), kept.name) == ("2012-05-04", "L@ Ruche < 25 ans")


def test_a_refused_number_is_shown_as_it_was_typed(page, make):
    page.sign_in(make.account())
    page.get("people.organisation_new")
    answer = page.submit({**FACTS, "siret": "SIRET : 732 829 320 00079"})
    assert answer.tree.xpath("string(//*[@id='siret']/@value)") == "SIRET : 732 829 320 00079"


def test_a_known_number_leads_to_its_owners_without_naming_them(page, make):
    owner = make.account(name="Olga Responsable", email="olga@exemple.example")
    known = make.organisation(owner, name="Association secrète")
    page.sign_in(make.account(name="Paul Demande", email="paul@exemple.example"))
    page.get("people.organisation_new")
    answer = page.submit({**FACTS, "siret": known.siret})
    assert answer.status == 422
    assert "déjà connue du fonds" in answer.words
    for secret in ("Olga", "olga@", "Association secrète", str(known.id)):
        assert secret not in answer.text
    answer = page.submit(action="/organisations/rejoindre")
    assert "Votre demande est partie" in answer.words
    (letter,) = db.session.scalars(select(Letter))
    assert letter.recipient == "olga@exemple.example"
    assert "paul@exemple.example" in letter.body


def test_asking_to_join_something_unknown_looks_the_same(page, make):
    page.sign_in(make.account())
    answer = page.post("people.organisation_join", data={"number": "73282932000074"}, follow=True)
    assert "Votre demande est partie" in answer.words
    assert db.session.scalar(select(Letter.id)) is None


def test_asking_to_join_is_throttled(page, make):
    known = make.organisation()
    page.sign_in(make.account())
    statuses = [page.post("people.organisation_join", data={"number": known.siret}).status for _time in range(11)]
    assert statuses == [302] * 10 + [429]


def test_a_throttled_request_keeps_no_writer_waiting(page, make, monkeypatch):
    known, waiting = make.organisation(), []
    note = journal.note
    monkeypatch.setattr(journal, "note", lambda line: (waiting.append(db.session().in_transaction()), note(line)))
    page.sign_in(make.account())
    for _time in range(11):
        page.post("people.organisation_join", data={"number": known.siret})
    assert waiting == [False]


def test_an_unconfirmed_account_makes_nothing_known(page, make):
    page.sign_in(make.account(confirmed=False))
    answer = page.get("people.organisation_new")
    assert answer.status == 403
    assert "Confirmez d’abord votre adresse" in answer.words


def test_a_sheet_is_corrected_and_a_stale_one_shows_both_texts(page, make):
    organisation = make.organisation()
    page.sign_in(make.member_of(organisation))
    stale = page.get("people.organisation_edit", organisation)
    assert page.submit({"city": "Bron"}).status == 200
    page.last = stale
    answer = page.submit({"city": "Vénissieux"})
    assert answer.status == 409
    assert {"Bron", "Vénissieux"} <= {area.text_content().strip() for area in answer.tree.xpath("//textarea")}
    db.session.expire_all()
    assert organisation.city == "Bron"


@pytest.mark.parametrize(("typed", "is_told"), [(siret(778), True), ("SIRET : {}.0", False), ("", False)])
def test_known_numbers_are_shown_but_not_changed_and_that_is_told(page, make, typed, is_told):
    organisation = make.organisation()
    number = organisation.siret
    page.sign_in(make.member_of(organisation))
    form = page.get("people.organisation_edit", organisation)
    assert form.tree.xpath("//input[@id='siret']/@readonly")
    answer = page.submit({"siret": typed.format(number), "name": "Autre nom"})
    assert (f"Le numéro {number} n’a pas changé" in answer.words) is is_told
    assert ("écrivez au fonds" in answer.words) is is_told
    db.session.expire_all()
    assert (organisation.siret, organisation.name, organisation.sort_key) == (number, "Autre nom", "AUTRE NOM")


@pytest.mark.parametrize("endpoint", ["people.organisation", "people.organisation_edit", "people.members"])
def test_the_organisation_of_others_does_not_exist(page, make, endpoint):
    organisation = make.organisation()
    page.sign_in(make.account())
    foreign = page.get(endpoint, organisation)
    missing = page.get(endpoint, organisation_id=make.account().id)
    assert (foreign.status, missing.status) == (404, 404)
    assert foreign.words == missing.words


@pytest.mark.parametrize("role", ["manager", "auditor", "finance", "administrator"])
def test_staff_read_a_sheet_and_change_nothing(page, make, role):
    organisation = make.organisation()
    page.sign_in(make.account(role))
    assert page.get("people.organisation", organisation).status == 200
    assert page.get("people.organisation_edit", organisation).status == 403
    assert page.post("people.invite", organisation, data={"email": "a@exemple.example", "role": "owner"}).status == 403
    assert db.session.scalar(select(Invitation.id)) is None


def test_from_an_invitation_to_a_member(page, make):
    organisation = make.organisation()
    guest = make.account(email="guest@exemple.example", confirmed=False)
    page.sign_in(make.member_of(organisation))
    page.get("people.members", organisation)
    answer = page.submit({"email": "Guest@Exemple.example", "role": "editor"}, action="/membres")
    assert "guest@exemple.example" in answer.words
    letter = db.session.scalar(select(Letter).where(Letter.kind == "people_invitation"))
    link = "/invitations/" + post.body_of(letter).split("/invitations/")[1].split()[0]
    page.sign_in(None)
    assert "connectez-vous" in page.get(link).words
    assert page.post(link).status == 302
    page.sign_in(make.account())
    assert "autre adresse" in page.get(link).words
    assert page.post(link).status == 409
    page.sign_in(guest)
    page.get(link)
    assert page.submit().title == organisation.name
    assert make.actor_of(guest).organisations == {organisation.id: "editor"}
    assert "déjà servi" in page.get(link).words
    assert page.get("/invitations/nimporte").status == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"email": "a@b", "role": "editor"}, "email"),
        ({"email": "a@b.fr\nBcc: c@d.fr", "role": "editor"}, "email"),
        ({"email": "ok@exemple.example", "role": "emperor"}, "role"),
        ({"email": "member@exemple.example", "role": "editor"}, "email"),
    ],
)
def test_a_wrong_invitation_is_refused_on_its_field(page, make, values, field):
    organisation = make.organisation(make.account(email="member@exemple.example"))
    page.sign_in(make.member_of(organisation))
    answer = page.post("people.invite", organisation, data=values)
    assert answer.status == 422
    assert answer.tree.xpath(f"//*[@id='{field}-error']")
    assert db.session.scalar(select(Letter.id)) is None


def test_a_plain_member_neither_invites_nor_removes(page, make):
    owner, editor = make.account(), make.account()
    organisation = make.organisation(owner, editor)
    place = queries.membership(editor.id, organisation.id)
    with unit_of_work():
        actions.change_member(place, MemberRole.EDITOR, by=make.actor_of(owner))
    page.sign_in(editor)
    answer = page.get("people.members", organisation)
    assert not answer.tree.xpath("//main//form[contains(@action, '/retirer') or contains(@action, '/role')]")
    other = queries.membership(owner.id, organisation.id)
    assert page.post("people.remove_member", other).status == 403
    assert page.post("people.change_member", place, data={"role": "owner"}).status == 403
    assert page.post("people.invite", organisation, data={"email": "a@exemple.example", "role": "owner"}).status == 403
    assert page.post("people.leave", other).status == 403
    assert page.post("people.leave", place, follow=True).title == "Mon compte"
    assert db.session.scalars(select(Membership.account_id)).all() == [owner.id]


def test_an_owner_changes_roles_and_removes(page, make):
    owner, other = make.account(), make.account()
    organisation = make.organisation(owner, other)
    place = queries.membership(other.id, organisation.id)
    page.sign_in(owner)
    page.get("people.members", organisation)
    page.submit(action=f"/membres/{place.id}/role")
    db.session.expire_all()
    assert place.role is MemberRole.EDITOR
    page.get("people.members", organisation)
    page.submit(action=f"/membres/{place.id}/retirer")
    assert make.actor_of(other).organisations == {}
    assert db.session.scalar(select(Letter.recipient)) == other.email
    assert "organisation.member_removed" in [entry.event for entry in journal.of(organisation)]


def test_the_places_and_invitations_of_others_are_out_of_reach(page, make):
    organisation, mine = make.organisation(), make.organisation()
    owner = make.member_of(organisation)
    place = queries.membership(owner.id, organisation.id)
    with unit_of_work():
        invitation = actions.invite(organisation, "a@exemple.example", MemberRole.EDITOR, by=make.actor_of(owner))
    page.sign_in(make.member_of(mine))
    assert page.post("people.remove_member", place).status == 404
    assert page.post("people.change_member", place, data={"role": "editor"}).status == 404
    assert page.post("people.cancel_invitation", invitation).status == 403
    assert actions.why_not_accept(invitation, "a@exemple.example") is None


def test_the_members_page_costs_the_same_for_one_and_four(page, make, queries):
    one, four = make.organisation(), make.organisation(*(make.account() for _ in range(4)))
    page.sign_in(make.account("manager"))
    page.get("people.members", one)
    cost = queries.count(lambda: page.get("people.members", one))
    assert queries.count(lambda: page.get("people.members", four)) == cost
