"""Views of the application: what one sees, what one may type, and what never gets through."""

import hashlib
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from werkzeug.datastructures import FileStorage, MultiDict

from grants.applications import actions, queries, rules
from grants.applications.lifecycle import ApplicationState as S
from grants.applications.models import Answer, Application, ApplicationVersion, Attachment, Partner
from grants.applications.rules import Part
from grants.calls import queries as calls
from grants.kernel import clock, journal, uploads
from grants.kernel.db import db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.outbox import Letter
from grants.kernel.previews import FilePreview
from grants.people.models import MemberRole, Membership
from tests.applications.test_actions import PDF
from tests.kernel import corpus

SECTIONS = [
    *Part,
    *(f"{rules.QUESTIONS}{code}" for code in ("organisation", "project", "justice_climate", "delivery", "future")),
]
NASTY = [
    "\x00\x01 nul",
    "😀🏳️‍🌈 mères & pères",
    "<script>alert(1)</script>",
    "=HYPERLINK(1)",
    "\u202eomega \u0639\u0631\u0628\u064a",
    "mot" * 60,
    "{title} {{ 7*7 }} %(x)s",
]


@pytest.fixture
def draft(make):
    """A complete draft in a call that closes before the session of whoever writes it lapses."""
    return make.application(call=make.call(closes_at=clock.now() + timedelta(minutes=30)))


def with_file(piece, content, name):
    """What the form of a piece posts."""
    return MultiDict([("piece", str(piece.id)), (f"p{piece.id.hex}-file", (io.BytesIO(content), name))])


@pytest.fixture
def owner(make, draft, page):
    person = make.member_of(draft.organisation)
    page.sign_in(person)
    return person


def open_section(page, application, section):
    answer = page.get("applications.edit", application, section=str(section))
    assert answer.status == 200, answer.words[:400]
    return answer


# ---- the whole way -------------------------------------------------------------------------------------------------


def test_an_association_goes_from_the_call_to_its_receipt_without_scripts(make, page):
    call, person = make.call(), make.account(name="Camille Durand")
    make.organisation(person, name="Les Paliers (fictive)")
    page.sign_in(person)
    page.get("applications.start", call)
    first = page.submit({})
    assert first.title == "Le projet en bref"
    application = db.session.scalars(select(Application)).one()
    instrument = calls.instruments_of(call.id)[0]
    page.submit(
        {
            "title": "Un été au frais",
            "summary": "Des paliers frais pour les aînés.",
            "instrument": str(instrument.instrument_id),
            "requested": "8 000",
            "starts_on": "2027-01-01",
            "ends_on": "2027-12-31",
            "do": "next",
        }
    )
    page.submit({"share_A1": "60", "share_A4": "40", "do": "next"})
    page.submit({"communes": ["69259"], "do": "next"})
    page.submit(
        {"number_older_people": "60", "level": "co_designed", "text": "Elles décident.", "justice_income": "Gratuit.",
         "do": "next"}
    )  # fmt: skip
    page.submit({"rating_adaptation": "favourable", "proof_adaptation": "Relevés.", "do": "next"})
    page.submit({"do": "next"})
    page.submit({"rows-0-label": "Démarrage", "rows-0-due_on": "2027-01-01", "do": "next"})
    page.submit({"rows-0-label": "Personnes", "rows-0-target": "60", "do": "next"})
    fill_budget(page, {"64": "10 000", "OWN": "2000"})
    for section in calls.sections_of(call.id):
        values = {f"q_{q.id}": typed(q) for q in calls.questions_of(call.id) if q.section_id == section.id}
        page.submit({key: value for key, value in values.items() if value is not None} | {"do": "next"})
    assert page.last.title == "Pièces jointes"
    open_section(page, application, Part.STATEMENTS)
    answers = {f"s_{s.id}": s.choices[0]["code"] if s.choices else "y" for s in calls.statements_of(call.id)}
    review = page.submit(answers | {"do": "next"})
    assert "Le dossier est complet" in review.words
    confirm = page.get("applications.submit", application)
    assert "Pas encore déposé" in confirm.words
    receipt = page.submit({})
    assert receipt.title == f"Reçu du dossier FIS-{call.closes_at.year}-0001"
    assert queries.latest_version(application.id).digest in receipt.words
    assert page.get("applications.receipt_pdf", application).response.data.startswith(b"%PDF")
    story = page.get("applications.show", application)
    assert "Déposé le" in story.words
    assert "Dossier déposé, reçu envoyé" in story.words


def fill_budget(page, amounts):
    """Fill the lines of some accounts on the page of the budget, then go on."""
    accounts = {
        control.get("value"): control.get("name").removesuffix("account")
        for control in page.last.tree.xpath("//input[contains(@name, '-account')]")
    }
    page.submit({f"{accounts[account]}amount": amount for account, amount in amounts.items()} | {"do": "next"})


def typed(question):
    """What a person types for a required question."""
    if not question.required:
        return None
    return {
        "short": "Réponse", "long": "Une réponse.", "number": "12", "money": "0", "date": "2027-01-01",
        "choice": question.choices[0]["code"] if question.choices else "",
        "choices": [question.choices[0]["code"]] if question.choices else [],
    }[question.kind.value]  # fmt: skip


# ---- every page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", SECTIONS)
def test_each_page_opens_says_it_is_not_submitted_and_saves_as_it_is(page, draft, owner, section):
    before = queries.draft_content(draft)
    shown = open_section(page, draft, section)
    assert "Pas encore déposé" in shown.words
    if section != Part.PIECES:
        after = page.submit({"do": "stay"})
        assert after.status == 200
        assert "Enregistré." in after.words
    db.session.expire_all()
    assert queries.draft_content(draft) == before


@pytest.mark.parametrize("text", NASTY)
def test_strange_words_are_kept_as_words(page, draft, owner, text):
    open_section(page, draft, Part.PROJECT)
    answer = page.submit({"title": text, "summary": text})
    assert answer.status == 200
    db.session.expire_all()
    expected = "".join(c for c in text if c >= " ").strip()
    assert draft.title == expected
    assert not answer.tree.xpath("//script[not(@src)]")
    review = page.get("applications.review", draft)
    assert expected in review.words or " ".join(expected.split()) in review.words


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        (Part.PROJECT, {"title": "x" * 201}, "200 caractères au plus"),
        (Part.PROJECT, {"summary": "x" * 1001}, "1 000 caractères au plus"),
        (Part.PROJECT, {"requested": "-5"}, "Montant invalide"),
        (Part.PROJECT, {"requested": "٣٠٠٠"}, "Montant invalide"),
        (Part.PROJECT, {"requested": "1e9"}, "Montant invalide"),
        (Part.PROJECT, {"requested": "NaN"}, "Montant invalide"),
        (Part.PROJECT, {"requested": "0"}, "plus grand que zéro"),
        (Part.PROJECT, {"requested": "99999999999999999999"}, "Montant invalide"),
        (Part.PROJECT, {"requested": "12,50"}, "euros entiers"),
        (Part.PROJECT, {"instrument": "autre"}, "pas proposé"),
        (Part.PROJECT, {"starts_on": "2027-02-30"}, "n’existe pas"),
        (Part.PROJECT, {"starts_on": "2027-12-31", "ends_on": "2027-01-01"}, "avant le début"),
        (Part.AXES, {"share_A1": "101"}, "entre 0 et 100"),
        (Part.AXES, {"share_A1": "-1"}, "nombre entier"),
        (Part.AXES, {"share_A1": "５０"}, "nombre entier"),
        (Part.PEOPLE, {"number_youth": "1.5"}, "nombre entier"),
        (Part.PEOPLE, {"level": "kings"}, "pas proposé"),
        (Part.CLIMATE, {"rating_water": "perfect"}, "pas proposé"),
        (Part.INDICATORS, {"rows-0-target": "", "rows-0-label": "Sans cible"}, "cible en chiffres"),
    ],
)
def test_a_wrong_value_is_marked_as_typed_with_the_rest_saved(page, draft, owner, section, values, message):
    form = open_section(page, draft, section).form()
    saved = page.submit(values, follow=False)
    assert (saved.status, saved.location) == (303, f"/dossiers/{draft.id}/rediger/{section}")
    answer = page.follow(saved)
    assert message in answer.words.replace("\u202f", "").replace("\u00a0", " ")
    assert answer.tree.xpath("//*[@aria-invalid='true']")
    assert answer.tree.xpath("//title")[0].text_content().startswith("Erreur")
    fields = set(form.fields) - set(values) - {"csrf_token", "_key", "stamp"}
    fields -= {name for name in fields if name.endswith("-id")}  # an empty line has a new one on each page
    again = answer.form()
    assert {name: again.fields.get(name) for name in fields} == {name: form.fields[name] for name in fields}
    shown = {name: (again.fields.get(name) or "").strip() for name in values}
    typed = {name for name in values if name not in {"instrument", "level", "rating_water"}}  # nothing is typed there
    assert {name: shown[name] for name in typed} == {name: values[name] for name in typed}
    assert again.get("data-unsaved") is None  # what is wrong is stored with the draft
    right = page.submit({name: form.fields[name] or "" for name in values if name in form.fields})
    assert (right.status, "sauf ce qui est marqué" in right.words) == (200, False)
    assert not open_section(page, draft, section).tree.xpath("//*[@aria-invalid='true']")


@pytest.mark.parametrize(
    ("section", "wrong", "right"),
    [
        (Part.PROJECT, {"requested": "beaucoup"}, {"title": "Un titre tout neuf"}),
        (Part.PROJECT, {"starts_on": "2027-12-31", "ends_on": "2027-01-01"}, {"summary": "Un résumé tout neuf."}),
        (Part.AXES, {"share_A1": "cent"}, {"share_A4": "40"}),
        (Part.PEOPLE, {"number_youth": "1.5"}, {"text": "Elles décident de tout."}),
        (Part.CLIMATE, {"proof_water": "x" * 1501}, {"proof_adaptation": "Relevés de juin."}),
        (Part.PARTNERS, {"rows-0-amount": "cent"}, {"rows-0-name": "Ville de Lyon", "rows-1-name": "Centre social"}),
        (Part.CALENDAR, {"rows-0-due_on": "31 juin"}, {"rows-0-label": "Démarrage doux", "rows-1-label": "Bilan"}),
        (Part.INDICATORS, {"rows-0-target": "mille"}, {"rows-1-label": "Repas", "rows-1-target": "12"}),
        (Part.BUDGET, {"rows-0-amount": "beaucoup"}, {"rows-1-amount": "120"}),
    ],
)
def test_what_is_right_of_a_page_is_saved_beside_what_is_wrong(page, draft, owner, section, wrong, right):
    open_section(page, draft, section)
    answer = page.submit(wrong | right)
    assert (answer.status, "sauf ce qui est marqué" in answer.words) == (200, True)
    form = answer.form()
    assert {name: (form.fields[name] or "").strip() for name in wrong | right} == wrong | right
    stored = str(queries.section_values(db.session.get(Application, draft.id), str(section)))
    assert not [value for value in wrong.values() if value in stored and len(value) < 1000]
    assert [value for value in right.values() if value not in stored] == []


def test_a_mistake_that_waits_is_told_before_submitting(page, draft, owner):
    assert "n’est pas dans le dossier" not in page.get("applications.submit", draft).words
    open_section(page, draft, Part.PROJECT)
    page.submit({"requested": "beaucoup"})
    for endpoint in ("applications.review", "applications.submit"):
        answer = page.get(endpoint, draft)
        assert "n’est pas dans le dossier" in answer.words
        assert answer.tree.xpath(f"//main//a[@href='/dossiers/{draft.id}/rediger/projet' and text()='Page à corriger']")


def test_a_file_that_is_refused_does_not_keep_the_answers_from_being_saved(page, draft, owner):
    question = next(row for row in calls.questions_of(draft.call_id) if row.kind == "file")
    section = f"{rules.QUESTIONS}{question.section.code}"
    text = next(row for row in calls.questions_of(draft.call_id) if row.section_id == question.section_id
                and row.kind == "long")  # fmt: skip
    open_section(page, draft, section)
    answer = page.submit({f"q_{question.id}": (io.BytesIO(b"MZ"), "outil.exe"), f"q_{text.id}": "Une réponse neuve."})
    assert (answer.status, "sauf ce qui est marqué" in answer.words) == (200, True)
    assert "pas accepté" in answer.words
    assert queries.section_values(draft, section)["answers"][str(text.id)] == "Une réponse neuve."


@pytest.mark.parametrize("change", [{"title": "Un autre titre"}, {"requested": Money.euros(7_000)}])
def test_a_statement_is_not_made_on_words_that_changed_since_they_were_read(page, draft, owner, change):
    def saved(section, values):
        with unit_of_work():
            by = actions.Actor(name="collègue")
            actions.save_section(draft, section, queries.section_values(draft, section) | values, by=by)

    key = next(str(row.id) for row in calls.statements_of(draft.call_id) if row.code == "amount")
    saved(Part.STATEMENTS, {"choices": {}})
    first = open_section(page, draft, Part.STATEMENTS)
    saved(Part.PROJECT, change)
    page.last = first
    answer = page.submit({f"s_{key}": "y"}, follow=False)
    assert (answer.status, "Relisez-les" in answer.words) == (409, True)
    db.session.expire_all()
    assert draft.signatures == []
    open_section(page, draft, Part.STATEMENTS)
    saved(Part.PROJECT, {"summary": "Rien de ce que disent les déclarations."})
    assert page.submit({f"s_{key}": "y"}).status == 200
    db.session.expire_all()
    assert [str(row.statement_id) for row in draft.signatures] == [key]


def test_a_page_with_a_mistake_does_not_undo_what_a_colleague_changed(page, draft, owner):
    open_section(page, draft, Part.PROJECT)
    with unit_of_work():
        values = queries.section_values(draft, Part.PROJECT) | {"title": "Le titre de la collègue"}
        actions.save_section(draft, Part.PROJECT, values, by=actions.Actor(name="collègue"))
    page.submit({"requested": "beaucoup", "summary": "Mon résumé."})
    db.session.expire_all()
    assert (draft.title, draft.summary) == ("Le titre de la collègue", "Mon résumé.")
    form = open_section(page, draft, Part.PROJECT).form()
    assert (form.fields["title"], form.fields["requested"]) == ("Le titre de la collègue", "beaucoup")


def colleague_of(make, draft, **facts):
    """Somebody else who writes the same dossier."""
    colleague = make.account(**facts)
    with unit_of_work() as session:
        session.add(
            Membership(
                account_id=colleague.id, organisation_id=draft.organisation_id, role=MemberRole.EDITOR,
                since_at=clock.now(),
            )
        )  # fmt: skip
    return colleague


def test_what_is_typed_wrong_is_found_by_a_colleague_who_corrects_it(make, page, draft, owner):
    open_section(page, draft, Part.PROJECT)
    page.submit({"requested": "beaucoup"})
    page.sign_in(colleague_of(make, draft))
    shown = open_section(page, draft, Part.PROJECT)
    assert shown.form().fields["requested"] == "beaucoup"
    page.submit({"title": "Le titre de la collègue"})
    again = open_section(page, draft, Part.PROJECT).form()
    assert (again.fields["title"], again.fields["requested"]) == ("Le titre de la collègue", "beaucoup")
    answer = page.submit({"requested": "7 500"})
    assert "sauf ce qui est marqué" not in answer.words
    page.sign_in(owner)
    assert open_section(page, draft, Part.PROJECT).form().fields["requested"] == "7\u202f500"


def test_a_dossier_with_a_wrong_answer_is_not_submitted_and_the_answer_is_named(page, draft, owner):
    page.get("applications.submit", draft)
    ready = page.last
    open_section(page, draft, Part.PROJECT)
    page.submit({"requested": "beaucoup"})
    page.last = ready
    assert page.submit({}, follow=False).status in {409, 422}
    told = page.get("applications.submit", draft)
    assert "« Montant demandé »" in told.words.replace("\u00a0", " ")
    assert not told.tree.xpath("//main//form[@method='post']")
    db.session.expire_all()
    assert draft.state is S.DRAFT


def test_a_wrong_amount_in_the_budget_keeps_the_other_lines(page, draft, owner):
    open_section(page, draft, Part.BUDGET)
    answer = page.submit({"rows-0-amount": "beaucoup", "rows-1-amount": "120"})
    assert "sauf ce qui est marqué" in answer.words
    assert answer.tree.xpath("//input[@name='rows-1-amount']/@value") == ["120"]
    assert answer.tree.xpath("//input[@name='rows-0-amount']/@value") == ["beaucoup"]


def test_a_line_taken_out_leaves_a_wrong_line_of_its_account_as_it_was(page, draft, owner):
    open_section(page, draft, Part.BUDGET)
    fill_budget(page, {"64": "10"})
    open_section(page, draft, Part.BUDGET)
    first, second = lines_of(page.submit({"account": "64"}, button="add"), "64")
    page.submit({f"{second}amount": "20"})
    again = open_section(page, draft, Part.BUDGET)
    first, second = lines_of(again, "64")
    answer = page.submit({f"{second}amount": "beaucoup", "drop": first.split("-")[1]})
    assert "sauf ce qui est marqué" in answer.words
    db.session.expire_all()
    assert [line.amount for line in draft.budget_lines if line.account == "64"] == [Money(2000)]


def lines_of(answer, account):
    """What the names of the controls of an account's lines begin with, in the order of the page."""
    found = answer.tree.xpath("//input[contains(@name, '-account') and @value=$account]", account=account)
    return [control.get("name").removesuffix("account") for control in found]


def test_the_budget_says_what_differs_and_by_how_much(page, draft, owner):
    open_section(page, draft, Part.BUDGET)
    fill_budget(page, {"64": "12 500"})
    again = open_section(page, draft, Part.BUDGET)
    assert "Il manque 2 500 € de ressources" in re.sub(r"\s", " ", again.words)


def test_a_line_can_be_added_and_taken_out_without_scripts(page, draft, owner):
    open_section(page, draft, Part.PARTNERS)
    more = page.submit(
        {"rows-0-name": "Ville de Lyon", "rows-0-kind": "public", "rows-1-name": "Centre social"}, button="add"
    )
    assert [row.name for row in draft.partners] == ["Ville de Lyon", "Centre social"]
    assert len(more.tree.xpath("//fieldset[@class='row']")) == 4
    open_section(page, draft, Part.PARTNERS)
    page.submit({"drop": "0"})
    db.session.expire_all()
    assert [row.name for row in draft.partners] == ["Centre social"]


def test_adding_a_line_beside_a_mistake_loses_nothing(page, draft, owner):
    open_section(page, draft, Part.PARTNERS)
    answer = page.submit({"rows-0-name": "Ville de Lyon", "rows-0-amount": "cent"}, button="add")
    assert "sauf ce qui est marqué" in answer.words
    assert answer.tree.xpath("//input[@name='rows-0-name']/@value") == ["Ville de Lyon"]
    assert answer.tree.xpath("//input[@name='rows-0-amount']/@value") == ["cent"]
    assert len(answer.tree.xpath("//fieldset[@class='row']")) == 3
    assert [row.name for row in db.session.scalars(select(Partner))] == ["Ville de Lyon"]


def test_a_line_of_the_budget_can_be_doubled(page, draft, owner):
    open_section(page, draft, Part.BUDGET)
    before = len(page.last.tree.xpath("//input[@value='64']"))
    again = page.submit({"account": "64"}, button="add")
    assert len(again.tree.xpath("//input[@value='64']")) == before + 1


def test_a_stale_page_shows_both_texts_and_overwrites_nothing(app, page, draft, owner):
    stale = open_section(page, draft, Part.PROJECT)
    page.submit({"summary": "Le texte de la trésorière."})
    page.last = stale
    answer = page.submit({"summary": "Le texte de la présidente."})
    assert answer.status == 409
    shown = [area.text_content() for area in answer.tree.xpath("//textarea")]
    assert [text.strip() for text in shown] == ["Le texte de la présidente.", "Le texte de la trésorière."]
    db.session.expire_all()
    assert draft.summary == "Le texte de la trésorière."


def test_a_question_is_answered_by_a_file_and_the_file_taken_back(page, draft, owner):
    question = next(row for row in calls.questions_of(draft.call_id) if row.kind == "file")
    section = f"{rules.QUESTIONS}{question.section.code}"
    open_section(page, draft, section)
    page.submit({f"q_{question.id}": (io.BytesIO(PDF), "étude.pdf")})
    assert "étude.pdf" in page.last.words
    open_section(page, draft, section)
    page.submit({"drop": str(question.id)})
    assert db.session.scalar(select(func.count()).select_from(Answer).where(Answer.question_id == question.id)) == 0


def test_a_file_is_joined_read_by_its_owners_only_and_removed(make, page, draft, owner):
    piece = calls.pieces_of(draft.call_id)[4]
    open_section(page, draft, Part.PIECES)
    answer = page.post(
        "applications.edit", draft, section="pieces",
        data=with_file(piece, PDF, "comptes.pdf"), follow=True,
    )  # fmt: skip
    assert "Fichier reçu" in answer.words
    given = db.session.scalars(select(Attachment)).one()
    sent = page.get("applications.file", given.file_id)
    assert sent.response.headers["Content-Disposition"].startswith("attachment")
    stranger = make.member_of(make.organisation())
    assert page.get("applications.file", given.file_id, as_=stranger).status == 404
    page.sign_in(owner)
    page.post("applications.edit", draft, section="pieces", data={"piece": str(piece.id), "drop": str(given.id)})
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 0


def test_what_came_is_kept_and_files_of_one_name_are_told_apart(make, page, draft, owner):
    piece = calls.pieces_of(draft.call_id)[0]
    signed, other = corpus.pdf(corpus.with_signature), corpus.pdf(corpus.with_script)
    at = clock.now()
    for minutes, content in ((0, signed), (1, other)):
        with clock.fixed(at + timedelta(minutes=minutes)):
            page.get("applications.edit", draft, section="pieces")
            data = with_file(piece, content, "statuts.pdf")
            page.post("applications.edit", draft, section="pieces", data=data, follow=True)
    listed = page.last.tree.xpath(f"//*[@id='piece-{piece.code}']//li")
    assert len({" ".join(item.text_content().split()) for item in listed}) == len(listed) == 2
    assert [" ".join(item.text_content().split()).count("signature électronique reconnue") for item in listed] == [1, 0]
    (shown_piece,) = [row for row in queries.draft_content(draft)["pieces"] if row["code"] == piece.code]
    digests = [hashlib.sha256(content).hexdigest() for content in (signed, other)]
    assert [file["sha256"] for file in shown_piece["files"]] == digests
    keys = [file["id"] for file in shown_piece["files"]]
    assert [page.get("applications.file", key).response.data for key in keys] == [signed, other]
    with unit_of_work():
        actions.submit(draft, by=make.actor_of(owner), received_at=clock.now())
    page.sign_in(make.account("manager"))
    copies = [page.get("applications.file", key).response.data for key in keys]
    assert [hashlib.sha256(copy).hexdigest() for copy in copies] == [
        file["copy_sha256"] for file in shown_piece["files"]
    ]
    assert b"scripted" not in copies[1]
    assert [page.get("applications.original", key).response.data for key in keys] == [signed, other]


def test_a_removed_file_is_given_to_nobody(page, draft, owner):
    piece = calls.pieces_of(draft.call_id)[0]
    open_section(page, draft, Part.PIECES)
    page.post("applications.edit", draft, section="pieces", data=with_file(piece, PDF, "a.pdf"))
    given = db.session.scalars(select(Attachment)).one()
    file_id = given.file_id
    with unit_of_work() as session:
        session.add(FilePreview(file_id=file_id, content=b"small"))
    (shown,) = page.get("applications.edit", draft, section="pieces").tree.xpath("//img[@class='file-preview']/@src")
    answer = page.client.get(shown)
    assert (answer.data, answer.content_type) == (b"small", "image/jpeg")
    page.post("applications.edit", draft, section="pieces", data={"piece": str(piece.id), "drop": str(given.id)})
    assert page.get("applications.preview", file_id).status == 404
    assert page.get("applications.file", file_id).status == 404
    assert page.get("applications.original", file_id).status == 404
    assert [row["files"] for row in queries.draft_content(draft)["pieces"] if row["files"]] == []


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [(b"", "vide.pdf", "vide"), (b"<html>", "page.pdf", "pas un PDF valide"), (b"MZ", "outil.exe", "pas accepté")],
)
def test_a_wrong_file_is_refused_with_the_reason(page, draft, owner, content, name, message):
    piece = calls.pieces_of(draft.call_id)[0]
    answer = page.post(
        "applications.edit", draft, section="pieces",
        data=with_file(piece, content, name),
    )  # fmt: skip
    assert answer.status == 422
    assert message in answer.words
    nothing = page.post("applications.edit", draft, section="pieces", data={"piece": str(piece.id)})
    assert (nothing.status, "Choisissez d’abord un fichier" in nothing.words) == (422, True)


def test_a_file_of_another_dossier_is_not_touched_from_here(make, page, draft, owner):
    other = make.application()
    piece = calls.pieces_of(other.call_id)[0]
    page.sign_in(make.member_of(other.organisation))
    page.post(
        "applications.edit", other, section="pieces",
        data=with_file(piece, PDF, "a.pdf"),
    )  # fmt: skip
    theirs = db.session.scalars(select(Attachment)).one()
    page.sign_in(owner)
    answer = page.post(
        "applications.edit", draft, section="pieces", data={"drop": str(theirs.id), "piece": str(piece.id)}
    )
    assert answer.status == 404
    assert db.session.scalar(select(func.count()).select_from(Attachment)) == 1
    foreign = page.post("applications.edit", draft, section="pieces", data={"piece": str(piece.id)})
    assert foreign.status == 404
    assert page.post("applications.edit", draft, section="pieces", data={"drop": "pas-un-id"}).status == 404


def test_foreign_ids_and_extra_fields_change_nothing(make, page, draft, owner):
    other = make.application()
    open_section(page, draft, Part.AXES)
    action = page.last.form().fields["action_1"]
    open_section(page, draft, Part.PROJECT)
    page.submit({"state": "awarded", "reference": "FIS-1", "organisation_id": str(other.organisation_id)})
    db.session.expire_all()
    assert (draft.state, draft.reference) == (S.DRAFT, None)
    open_section(page, draft, Part.AXES)
    refused = page.submit({"action_1": str(other.id)})
    assert "sauf ce qui est marqué" in refused.words
    db.session.expire_all()
    assert str(draft.actions[0].id) == action
    open_section(page, draft, Part.TERRITORY)
    before = [row.insee for row in draft.communes]
    assert "sauf ce qui est marqué" in page.submit({"communes": ["99999"]}).words
    db.session.expire_all()
    assert [row.insee for row in draft.communes] == before


@pytest.mark.parametrize("section", ["inconnue", "questions-", "questions-inconnue", "\x00", "é" * 300])
def test_an_unknown_page_does_not_exist(page, draft, owner, section):
    assert page.get("applications.edit", draft, section=section).status == 404


# ---- who -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["show", "write", "review", "submit", "receipt", "receipt_pdf", "withdraw"])
def test_a_dossier_does_not_exist_for_strangers(make, page, draft, endpoint):
    stranger = make.member_of(make.organisation())
    assert page.get(f"applications.{endpoint}", draft, as_=stranger).status == 404


def test_a_draft_does_not_exist_for_the_staff(make, page, draft):
    for role in ("manager", "administrator", "auditor", "reviewer"):
        assert page.get("applications.show", draft, as_=make.account(role)).status == 404


def test_a_list_holds_ones_own_dossiers_only_at_a_constant_cost(make, page, queries):
    person = make.account()
    call = make.call()
    mine = make.application(call=call, organisation=make.organisation(person), title="Le mien")
    make.application(call=call, title="Le leur")
    page.sign_in(person)
    one = queries.count(lambda: page.get("applications.index"))
    assert mine.title in page.last.words
    assert "Le leur" not in page.last.words
    for _more in range(2):
        make.application(call=call, organisation=make.organisation(person), state=S.SUBMITTED)
    assert queries.count(lambda: page.get("applications.index")) == one


def test_a_page_costs_the_same_however_much_is_written(make, page, queries):
    bare, full = make.application(complete=False), make.application()
    page.sign_in(make.member_of(bare.organisation))
    empty = queries.count(lambda: page.get("applications.review", bare))
    page.sign_in(make.member_of(full.organisation))
    # names of signatories, axes and orientations of the actions: asked only where there are some, once for all
    assert queries.count(lambda: page.get("applications.review", full)) <= empty + 4


# ---- start, submit, withdraw ---------------------------------------------------------------------------------------


def test_an_organisation_with_a_dossier_is_led_to_it(make, page, draft, owner):
    answer = page.get("applications.start", draft.call)
    assert "a déjà un dossier pour cet appel" in answer.words
    assert answer.tree.xpath(f"//a[@href='/dossiers/{draft.id}']")
    forced = page.post("applications.start", draft.call, data={"organisation": str(draft.organisation_id)})
    assert forced.status == 422


def test_a_closed_call_takes_no_new_dossier(make, page):
    call = make.call(closes_at=clock.now() - timedelta(days=1))
    person = make.account()
    organisation = make.organisation(person)
    answer = page.get("applications.start", call, as_=person)
    assert "Cet appel n’est pas ouvert" in answer.words
    assert page.post("applications.start", call, data={"organisation": str(organisation.id)}).status == 409


def test_a_late_submission_is_refused_kept_and_noted(make, page, draft, owner):
    page.get("applications.submit", draft)
    with clock.fixed(draft.call.closes_at + timedelta(seconds=1)):
        answer = page.submit({})
    assert answer.status == 409
    assert "L’appel est clos depuis le" in answer.words
    assert "Votre brouillon est conservé" in answer.words
    db.session.expire_all()
    assert draft.state is S.DRAFT
    assert journal.of(draft)[-1].event == "application.late"
    with clock.fixed(draft.call.closes_at + timedelta(seconds=1)):
        shown = page.get("applications.show", draft)
    assert "Pas déposé" in shown.words
    assert "l’appel est clos depuis le" in shown.words


def test_a_draft_can_still_be_read_and_kept_after_the_closing(page, draft, owner):
    with clock.fixed(draft.call.closes_at + timedelta(minutes=1)):
        assert "ne peut plus être déposé" in open_section(page, draft, Part.PROJECT).words
        answer = page.submit({"title": "Écrit à 0 h 01"})
    assert "ne peut pas être déposé" in answer.words
    db.session.expire_all()
    assert draft.title == "Écrit à 0 h 01"


def test_pressing_twice_gives_one_receipt(page, draft, owner):
    page.get("applications.submit", draft)
    form = page.last
    first = page.submit({})
    page.last = form
    second = page.submit({})
    assert first.title == second.title
    assert db.session.scalar(select(func.count()).select_from(ApplicationVersion)) == 1
    letters = db.session.scalars(select(Letter.dedup)).all()
    assert len(letters) == len(set(letters))


def test_an_incomplete_dossier_shows_what_is_missing_with_the_way_there(make, page):
    application = make.application(complete=False)
    page.sign_in(make.member_of(application.organisation))
    review = page.get("applications.review", application)
    assert "Il reste" in review.words
    assert review.tree.xpath(f"//a[@href='/dossiers/{application.id}/rediger/territoire']")
    answer = page.post("applications.submit", application, data={"seen": str(application.version)})
    assert answer.status == 422
    db.session.expire_all()
    assert application.state is S.DRAFT


def test_a_dossier_changed_since_it_was_read_is_not_submitted(page, draft, owner):
    page.get("applications.submit", draft)
    confirm = page.last
    open_section(page, draft, Part.PROJECT)
    page.submit({"title": "Changé par une collègue"})
    page.last = confirm
    answer = page.submit({})
    assert (answer.status, "Relisez-le" in answer.words) == (409, True)


def test_a_submitted_dossier_shows_its_receipt_and_is_not_written_any_more(make, page):
    application = make.application(state=S.SUBMITTED)
    page.sign_in(make.member_of(application.organisation))
    closed = page.follow(page.get("applications.edit", application, section="projet"))
    assert "ne se modifie plus" in closed.words
    receipt = page.get("applications.receipt", application)
    for words in (application.reference, "réputée rejetée", "Recours gracieux", "tribunal administratif", "UTC"):
        assert words in receipt.words
    pdf = page.get("applications.receipt_pdf", application).response
    assert pdf.data.startswith(b"%PDF")
    assert f"recu-{application.reference}.pdf" in pdf.headers["Content-Disposition"]


def test_the_receipt_of_a_draft_does_not_exist(page, draft, owner):
    assert page.get("applications.receipt", draft).status == 404
    assert page.get("applications.receipt_pdf", draft).status == 404


def test_anyone_can_check_a_receipt_and_learns_nothing_else(make, page):
    application = make.application(state=S.SUBMITTED, title="Un titre confidentiel")
    digest = queries.latest_version(application.id).digest
    reference = application.reference
    spaced = " ".join(digest[i : i + 16] for i in range(0, 64, 16)).upper()
    good = page.get("applications.verify", reference=f" {reference.lower()} ", digest=spaced)
    assert "Ce reçu est authentique" in good.words
    assert "confidentiel" not in good.words
    for wrong in ({"reference": reference, "digest": "0" * 64}, {"reference": "FIS-1999-0001", "digest": digest},
                  {"reference": reference, "digest": ""}, {"reference": "😀" * 50, "digest": "é" * 500}):  # fmt: skip
        assert "n’est pas reconnu" in page.get("applications.verify", **wrong).words


def test_a_dossier_is_withdrawn_after_saying_why(make, page):
    application = make.application(state=S.SUBMITTED)
    page.sign_in(make.member_of(application.organisation))
    page.get("applications.withdraw", application)
    assert page.submit({"reason": ""}).status == 422
    page.get("applications.withdraw", application)
    answer = page.submit({"reason": "Le local nous est repris."})
    assert "Retiré à votre demande" in answer.words
    assert page.get("applications.withdraw", application).status == 302


@pytest.mark.parametrize("state", list(S))
def test_the_page_of_a_dossier_opens_in_each_state(make, page, state):
    application = make.application(state=state)
    page.sign_in(make.member_of(application.organisation))
    answer = page.get("applications.show", application)
    assert answer.status == 200
    assert application.title in answer.words


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_receipt_tells_each_file_and_when_it_came(make, page, language):
    draft = make.application()
    member = make.member_of(draft.organisation)
    piece = calls.pieces_of(draft.call_id)[0]
    with unit_of_work() as session:
        stored = uploads.accept(
            FileStorage(io.BytesIO(PDF), "comptes.pdf"), by=make.actor_of(member),
            organisation_id=draft.organisation_id, dossier_id=draft.id,
        )  # fmt: skip
        session.flush()
        session.add(Attachment(application_id=draft.id, piece_id=piece.id, file_id=stored.id, given_at=stored.given_at))
    with unit_of_work():
        actions.submit(draft, by=make.actor_of(member), received_at=clock.now())
        member.locale = language
    page.sign_in(member)
    for address in ("applications.receipt", "applications.receipt_pdf", "applications.show"):
        assert page.get(address, draft).status == 200
    words = page.get("applications.receipt", draft).words
    assert "comptes.pdf" in words
    assert stored.sha256 in words
