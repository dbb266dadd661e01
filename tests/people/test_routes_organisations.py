"""Organisations and their members by the pages: made known, corrected, joined, and closed to everybody else."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from grants.kernel import clock, journal
from grants.kernel.db import db, unit_of_work
from grants.kernel.outbox import Letter, body_of
from grants.people import actions, queries
from grants.people.models import Invitation, MemberRole, Membership, Organisation
from tests.client import Page
from tests.factories.make import siret

FACTS = {
    "siret": siret(777), "rna": "", "name": "Les Paliers", "legal_form": "association", "year_end_month": "8",
    "founded_on": "2012-05-04", "purpose": "Aller vers les voisins.", "address": "1 rue de l’Exemple",
    "postcode": "69007", "city": "Lyon", "representative_name": "Camille Exemple", "representative_role": "Présidence",
}  # fmt: skip


def test_an_organisation_is_made_known_in_one_page(page, make):
    person = make.account()
    page.sign_in(person)
    page.get("people.organisation_new", number=FACTS["siret"])
    spaced = f"{FACTS['siret'][:3]} {FACTS['siret'][3:6]}\u00a0{FACTS['siret'][6:]}"
    answer = page.submit({**FACTS, "siret": spaced, "rna": "w691234567"})
    assert answer.title == "Les Paliers"
    organisation = db.session.scalar(select(Organisation))
    assert (organisation.siret, organisation.rna) == (FACTS["siret"], "W691234567")
    assert (organisation.year_end_month, str(organisation.founded_on)) == (8, "2012-05-04")
    assert make.actor_of(person).organisations == {organisation.id: "owner"}


def test_one_goes_on_to_where_one_came_from(page, make):
    page.sign_in(make.account())
    page.get("people.organisation_new", number=FACTS["siret"], next="/appels")
    assert page.submit(FACTS, follow=False).location == "/appels"


def test_a_double_press_makes_one_organisation(page, make):
    page.sign_in(make.account())
    form = page.get("people.organisation_new", number=FACTS["siret"])
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
        ({"purpose": "x" * 1501}, "purpose", "1\u202f500"),
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
    page.get("people.organisation_new", number=FACTS["siret"])
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
    page.get("people.organisation_new", number=FACTS["siret"])
    typed = {
        "siret": f"SIRET : {FACTS['siret']}.0", "postcode": "69 002", "website": "www.exemple.fr",
        "phone": "Tél. : 04\u00a072\u00a000\u00a000\u00a000", "email": "Contact@Café.fr", "founded_on": "4/5/2012 ",
        "name": "L@ Ruche < 25 ans",
    }  # fmt: skip
    page.submit({**FACTS, **typed})
    organisation = db.session.scalar(select(Organisation))
    assert (organisation.siret, organisation.postcode, organisation.phone) == (
        FACTS["siret"],
        "69002",
        "04 72 00 00 00",
    )
    assert (organisation.website, organisation.email) == ("https://www.exemple.fr", "contact@xn--caf-dma.fr")
    assert (str(organisation.founded_on), organisation.name) == ("2012-05-04", "L@ Ruche < 25 ans")


def test_a_refused_number_is_shown_as_it_was_typed(page, make):
    page.sign_in(make.account())
    page.get("people.organisation_new", number=FACTS["siret"])
    answer = page.submit({**FACTS, "siret": "SIRET : 732 829 320 00079"})
    assert answer.tree.xpath("string(//*[@id='siret']/@value)") == "SIRET : 732 829 320 00079"


def test_a_known_number_leads_to_its_owners_without_naming_them(page, make):
    owner = make.account(name="Olga Responsable", email="olga@exemple.example")
    known = make.organisation(owner, name="Association secrète")
    page.sign_in(make.account(name="Paul Demande", email="paul@exemple.example"))
    page.get("people.organisation_new", number=FACTS["siret"])
    answer = page.submit({**FACTS, "siret": known.siret})
    assert answer.status == 422
    assert "déjà connue du fonds" in answer.words
    for secret in ("Olga", "olga@", "Association secrète", str(known.id)):
        assert secret not in answer.text
    answer = page.submit(action="/organisations/rejoindre")
    assert "Votre demande est partie" in answer.words
    assert "l’équipe du fonds" not in answer.words, "that would tell that the number is known"
    (letter,) = db.session.scalars(select(Letter))
    assert letter.recipient == "olga@exemple.example"
    assert "paul@exemple.example" in letter.body


def test_asking_to_join_something_unknown_looks_the_same(page, make):
    page.sign_in(make.account())
    answer = page.post("people.organisation_join", data={"number": "73282932000074"}, follow=True)
    assert "Votre demande est partie" in answer.words
    assert db.session.scalar(select(Letter.id)) is None


def test_an_orphan_is_asked_of_the_funds_team(page, make):
    known, manager = make.organisation(), make.account("manager")
    owner = make.member_of(known)
    with unit_of_work():
        actions.deactivate(owner, by=make.by)
    page.sign_in(make.account(email="paul@exemple.example"))
    answer = page.post("people.organisation_join", data={"number": known.siret}, follow=True)
    assert "à l’équipe du fonds" in answer.words
    letters = db.session.scalars(select(Letter)).all()
    assert [(letter.kind, letter.recipient) for letter in letters] == [("people_orphan", manager.email)]
    assert f"/organisations/{known.id}/remettre" in letters[0].body


# ---- handed over by the fund ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "left"), [("leave", {}), ("keep", {"editor"})])
def test_an_organisation_is_handed_to_whoever_represents_it(page, make, before, left):
    organisation, rightful, manager = make.organisation(), make.account(), make.account("manager")
    squatter = make.member_of(organisation)
    with unit_of_work():
        invitation = actions.invite(organisation, "ami@exemple.example", MemberRole.OWNER, by=make.actor_of(squatter))
    page.sign_in(manager)
    page.get("people.hand_over", organisation)
    assert page.submit({"email": rightful.email, "before": before}).status == 422, "the reason is asked"
    answer = page.submit({"email": rightful.email, "before": before, "reason": "Procès-verbal du 3 mai."})
    assert "remise" in answer.words
    assert make.actor_of(rightful).organisations == {organisation.id: "owner"}
    assert set(make.actor_of(squatter).organisations.values()) == set(left)
    db.session.refresh(invitation)
    assert actions.why_not_accept(invitation, "ami@exemple.example") is not None
    assert queries.pending_invitations(organisation.id) == [], "nor when its sender is responsible again"
    letters = db.session.scalars(select(Letter).where(Letter.kind == "people_handed_over")).all()
    assert {letter.recipient for letter in letters} == {rightful.email, squatter.email}
    assert all("Procès-verbal du 3 mai." in letter.body for letter in letters)
    assert [line.event for line in journal.of(organisation)][-1] == "organisation.handed_over"


@pytest.mark.parametrize("before", ["leave", "keep"])
def test_whoever_was_responsible_under_a_closed_account_is_so_no_longer_when_it_opens_again(page, make, before):
    organisation, rightful, manager = make.organisation(), make.account(), make.account("manager")
    squatter, administrator = make.member_of(organisation), make.actor("administrator")
    with unit_of_work():
        actions.deactivate(squatter, by=administrator)
    data = {"email": rightful.email, "before": before, "reason": "Procès-verbal du 3 mai."}
    assert page.post("people.hand_over", organisation, data=data, as_=manager).status == 302
    with unit_of_work():
        actions.reactivate(squatter, by=administrator)
    assert "owner" not in make.actor_of(squatter).organisations.values()
    letters = db.session.scalars(select(Letter.recipient).where(Letter.kind == "people_handed_over")).all()
    assert letters == [rightful.email], "nobody is written to who cannot read it here"


def test_nobody_hands_over_their_own_nor_without_the_office(page, make):
    organisation, other = make.organisation(), make.account()
    data = {"email": other.email, "before": "leave", "reason": "x"}
    for role in ("administrator", "finance", "auditor"):
        assert page.post("people.hand_over", organisation, data=data, as_=make.account(role)).status == 403
    assert page.post("people.hand_over", organisation, data=data, as_=make.member_of(organisation)).status == 403
    own = make.account("manager")
    mine = make.organisation(own)
    assert page.post("people.hand_over", mine, data=data, as_=own).status == 403
    for email in (own.email, make.account(confirmed=False).email, "personne@exemple.example"):
        assert page.post("people.hand_over", organisation, data={**data, "email": email}).status == 422
    assert make.actor_of(other).organisations == {}


# ---- invitations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["removed", "demoted", "closed", "unconfirmed"])
def test_an_invitation_dies_with_the_right_of_whoever_sent_it(page, make, how):
    owner, other, friend = make.account(), make.account(), make.account(email="ami@exemple.example")
    organisation = make.organisation(owner, other)
    with unit_of_work():
        actions.invite(organisation, friend.email, MemberRole.OWNER, by=make.actor_of(owner))
    link = invitation_link()
    place, by = queries.membership(owner.id, organisation.id), make.actor_of(other)
    with unit_of_work():
        if how == "removed":
            actions.remove_member(place, by=by)
        elif how == "demoted":
            actions.change_member(place, MemberRole.EDITOR, by=by)
        elif how == "closed":
            actions.deactivate(owner, by=make.by)
        else:
            db.session.merge(owner).confirmed_at = None
    page.sign_in(friend)
    assert "n’est plus valable" in page.get(link).words
    assert page.post(link).status == 409
    assert make.actor_of(friend).organisations == {}
    if how == "demoted":
        with unit_of_work():
            actions.change_member(place, MemberRole.OWNER, by=by)
        assert page.post(link).status == 409, "it does not live again"


def test_joining_confirms_an_address_with_a_new_password(page, make):
    organisation = make.organisation()
    guest = make.account(email="ami@exemple.example", confirmed=False)
    with unit_of_work():
        actions.invite(
            organisation, guest.email, MemberRole.EDITOR, by=make.actor_of(make.member_of(organisation))
        )  # fmt: skip
    link = invitation_link()
    earlier = Page(page.app).sign_in(guest)
    page.sign_in(guest)
    page.get(link)
    assert page.submit({"password": ""}).status == 422
    assert make.actor_of(guest).organisations == {}
    page.get(link)
    page.submit({"password": "trois autres mots longs"})
    assert make.actor_of(guest).organisations == {organisation.id: "editor"}
    assert page.get("people.account").status == 200, "this session goes on"
    assert earlier.get("people.account").status == 302, "the others do not"


def invitation_link():
    letter = db.session.scalars(select(Letter).where(Letter.kind == "people_invitation")).one()
    return "/invitations/" + body_of(letter).split("/invitations/")[1].split()[0]


def test_invitations_and_organisations_are_counted_by_person_and_by_address(page, make):
    person = make.account()
    organisations = [make.organisation(person) for _ in range(4)]
    page.sign_in(person)

    def invite(organisation, email):
        return page.post("people.invite", organisation, data={"email": email, "role": "editor"}).status

    assert [invite(organisation, "cible@exemple.example") for organisation in organisations] == [302] * 3 + [429]
    sent = [invite(organisations[index % 4], f"p{index}@exemple.example") for index in range(8)]
    assert sent == [302] * 7 + [429]
    subjects = set(db.session.scalars(select(Letter.subject)))
    assert subjects == {"Une invitation à rejoindre une organisation"}


def test_a_person_makes_five_organisations_known_a_day(page, make):
    page.sign_in(make.account())
    sirets = [siret(90_000 + number) for number in range(6)]
    statuses = [
        page.post("people.organisation_new", data={**FACTS, "siret": number, "rna": ""}).status for number in sirets
    ]
    assert statuses == [302] * 5 + [429]


@pytest.mark.parametrize("what", ["organisations", "invitations", "address"])
def test_a_limit_of_the_day_says_when_it_ends(page, make, what):
    """When the first of the acts that count is a day old: not before, and then at once."""
    person = make.account()
    own = [make.organisation(person) for _ in range(4)]
    start = clock.now().replace(microsecond=0)

    def acts(number):
        if what == "organisations":
            number = siret(91_000 + number)
            return page.post("people.organisation_new", data={**FACTS, "siret": number, "rna": ""})
        email = "cible@exemple.example" if what == "address" else f"p{number}@exemple.example"
        return page.post("people.invite", own[number % 4], data={"email": email, "role": "editor"})

    limit = {"organisations": 5, "invitations": 10, "address": 3}[what]
    for number in range(limit + 1):
        with clock.fixed(start + timedelta(minutes=number)):
            page.sign_in(person)
            answer = acts(number)
            assert answer.status == (302 if number < limit else 429)
    wait = timedelta(seconds=int(answer.response.headers["Retry-After"]))
    assert wait == timedelta(days=1) - timedelta(minutes=limit)
    refused_at = start + timedelta(minutes=limit)
    for early, status in ((1, 429), (0, 302)):
        with clock.fixed(refused_at + wait - timedelta(seconds=early)):
            page.sign_in(person)
            assert acts(limit + 1 + early * 4).status == status


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
    answer = page.get("people.organisation_new", number=FACTS["siret"])
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


@pytest.mark.parametrize(("typed", "is_explained"), [(siret(778), True), ("SIRET : {}.0", False), ("", False)])
def test_known_numbers_are_shown_but_not_changed_and_that_is_told(page, make, typed, is_explained):
    organisation = make.organisation()
    number = organisation.siret
    page.sign_in(make.member_of(organisation))
    form = page.get("people.organisation_edit", organisation)
    assert form.tree.xpath("//input[@id='siret']/@readonly")
    answer = page.submit({"siret": typed.format(number), "name": "Autre nom"})
    assert (f"Le numéro {number} n’a pas changé" in answer.words) is is_explained
    assert ("écrivez au fonds" in answer.words) is is_explained
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
    link = "/invitations/" + body_of(letter).split("/invitations/")[1].split()[0]
    page.sign_in(None)
    assert "connectez-vous" in page.get(link).words
    assert page.post(link).status == 302
    page.sign_in(make.account())
    assert "autre adresse" in page.get(link).words
    assert page.post(link).status == 409
    page.sign_in(guest)
    page.get(link)
    assert page.submit({"password": "trois autres mots longs"}).title == organisation.name
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
