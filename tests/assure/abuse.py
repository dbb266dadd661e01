"""The forty ways in which people cheat a fund, tried over HTTP: the answer, its words, the journal, and what stays.

A case is named and told by its code in the threat model. Where we answer otherwise than the model asks, the
case says why; what cannot be tried yet stands in NOTES, which the table of figures shows.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import requests
from sqlalchemy import select

from grants.applications.lifecycle import ApplicationState
from grants.applications.models import Application
from grants.awards.lifecycle import AwardState, BankState, InstalmentState
from grants.awards.models import Instalment
from grants.calls.models import Call
from grants.demo.install import PASSWORD
from grants.kernel import clock
from grants.kernel.db import Base, db, unit_of_work
from grants.kernel.money import Money
from grants.kernel.throttle import Attempt
from grants.people import actions as people
from grants.people import rules
from grants.people.models import Account, MemberRole, Nomination, Organisation, Role
from grants.reviewing.lifecycle import AssignmentState
from tests.assure.figures import Reading, figure
from tests.assure.sessions import token_of
from tests.assure.uploads import Desk, refused, taken
from tests.factories import Make
from tests.factories.awards import iban
from tests.kernel import corpus
from tests.rush import ready, times
from tests.site import Server, Site, Visitor, Workspace, tree_of

NOTES = {
    "A06": "ni second facteur ni délai de trois jours : deux personnes vérifient, et tous les membres sont prévenus",
    "A08": "pas de règle des trente jours : qui a été nommé par la personne qui a préparé n’approuve jamais",
    "A18": "422 sur le champ au lieu de 415, de même pour A19 à A21 : la page revient avec ce qui est accepté",
    "A22": "le service n’ouvre aucune adresse donnée par une personne : rien ne sort, hors le relais de courrier",
    "A25": "rien au journal : l’adresse est ignorée, personne n’est refusé",
    "A38": "pas de 400 : l’en-tête Host n’entre dans aucun lien, l’adresse vient du seul réglage",
    "A39": "pas encore de seuil de volume par rôle",
}
CODES = [f"A{number:02}" for number in range(1, 41)]
UNKNOWN = "Cette page n’existe pas"
SCRIPT = "<script>zq()</script>"
FORMULA = '=HYPERLINK("http://zq.example")'
ELSEWHERE = ("//zq.example", "/\\zq.example", "\\\\\\zq.example", "https:zq.example", "https://zq.example",
             "/\r\nLocation: //zq.example", "//demo@zq.example", "javascript:zq()", "/\t/zq.example")  # fmt: skip
ODD = ("NaN", "1e9", "1_000", "٣", "-5", "0,1234567890", "0x10", "∞")
KEYS = re.compile(r'value="[^"]*"|data-(?:now|left)="[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}')


@dataclass
class Ground:
    """The served fund, one maker, and the people and dossiers that most cases need."""

    site: Site
    server: Server
    make: Make = field(default_factory=Make)
    visitors: dict[str, Visitor] = field(default_factory=dict)

    @contextmanager
    def making(self) -> Any:
        """Make things; one maker for all, whose numbers go on."""
        with self.site.making():
            yield self.make

    def visitor(self, email: str) -> Visitor:
        """A person with an open session, the same throughout."""
        if email not in self.visitors:
            self.visitors[email] = self.site.visitor(self.server, email)
        return self.visitors[email]

    def stranger(self) -> Visitor:
        """Somebody who is not signed in."""
        return self.site.visitor(self.server)

    def press(self, visitor: Visitor, path: str, values: Any = (), **options: Any) -> requests.Response:
        """Send a form that no page showed."""
        data = {**dict(values), "csrf_token": token_of(visitor), "_key": uuid4().hex}
        return visitor.post(path, data, **options)

    def version(self, table: str, number: UUID) -> dict[str, str]:
        """What the page of a thing says of its version, for a form that its page does not show to the person."""
        columns = Base.metadata.tables[table]
        with self.site.engine.connect() as connection:
            return {
                "version": str(connection.execute(select(columns.c.version).where(columns.c.id == number)).scalar_one())
            }

    def clear_attempts(self) -> None:
        """Forget what was counted, so that one case does not use up the limits of the next."""
        self.site.rows("DELETE FROM attempt")

    @cached_property
    def own(self) -> dict[str, Any]:
        """A draft of one association with two members, and the submitted dossier of a rival."""
        with self.making() as make:
            owner, mate, rival = make.account(name="Camille Exemple"), make.account(), make.account()
            draft = make.application(organisation=make.organisation(owner, mate))
            foreign = make.application(
                organisation=make.organisation(rival, name=f"Les {SCRIPT} amis"), title=FORMULA, call=draft.call,
                state=ApplicationState.SUBMITTED,
            )  # fmt: skip
            manager = make.account("manager")
            return {"owner": owner.email, "mate": mate.email, "draft": draft.id, "theirs": foreign.id,
                    "manager": manager.email, "organisation": draft.organisation_id, "rival": rival.email,
                    "rival_number": foreign.organisation.siret}  # fmt: skip

    @cached_property
    def desk(self) -> Desk:
        """Where somebody else hands over files."""
        with self.making() as make:
            account = make.account(name="Dominique Exemple")
            application = make.application(organisation=make.organisation(account))
            address, email = f"/dossiers/{application.id}/rediger/pieces", account.email
        visitor = self.visitor(email)
        form = tree_of(visitor.get(address)).xpath("//main//form[@enctype]")[0]
        fields = {one.get("name"): one.get("value", "") for one in form.xpath(".//input[@type='hidden']")}
        return Desk(self.site, self.server, visitor, address, fields, form.xpath(".//input[@type='file']/@name")[0])

    @cached_property
    def money(self) -> dict[str, Any]:
        """A running award with three instalments and confirmed bank details, and the people who pay."""
        with self.making() as make:
            award = make.award(state=AwardState.RUNNING)
            make.bank_details(award.organisation)
            part = Money(award.amount.cents // 4)
            first, second, _last = make.schedule(award, part, part, award.amount - part - part)
            make.carried(first, InstalmentState.ORDERED)
            return {
                "organisation": award.organisation_id,
                "owner": make.member_of(award.organisation).email,
                "planned": second.id,
                "finance": make.account("finance").email,
                "officer": make.account("authorising_officer").email,
            }

    @cached_property
    def committee(self) -> dict[str, Any]:
        """A closed call with little money left, its meeting, and a dossier to recommend on."""
        with self.making() as make:
            call = make.call(closes_at=clock.now() + timedelta(days=1), envelope=Money.euros(5_000))
            dossier = make.application(call=call, state=ApplicationState.ELIGIBLE)
            self.close(call.id)
            make.meeting(call)
            return {"dossier": dossier.id, "page": f"/deliberation/avis/{dossier.id}"}

    def close(self, call_id: UUID) -> None:
        """Let a call be closed for an hour."""
        with unit_of_work() as session:
            session.get_one(Call, call_id).closes_at = clock.now() - timedelta(hours=1)

    def rows(self, tables: Iterable[str]) -> dict[str, list[str]]:
        """What tables hold."""
        with self.site.engine.connect() as connection:
            return {
                name: sorted(repr(tuple(row)) for row in connection.execute(select(Base.metadata.tables[name])))
                for name in tables
            }


CASES: dict[str, Callable[[Ground], list[str]]] = {}


def case(code: str) -> Callable[[Callable[[Ground], list[str]]], Callable[[Ground], list[str]]]:
    """Add a case of the threat model."""

    def add(attempt: Callable[[Ground], list[str]]) -> Callable[[Ground], list[str]]:
        assert code not in CASES, f"{code} is tried twice"
        CASES[code] = attempt
        return attempt

    return add


def judged(
    ground: Ground,
    ask: Callable[[], requests.Response],
    status: int,
    says: str = "",
    *,
    journal: Iterable[str] = (),
    perhaps: str = "",
    same: Iterable[str] = (),
) -> list[str]:
    """Ask; what differs from the status, the words, the lines of the journal, and from tables that must stand. A line
    of the event `perhaps` may be there or not."""
    before = ground.rows(same)
    seq = ground.site.scalar("SELECT coalesce(max(seq), 0) FROM journal_entry")
    answer = ask()
    noted = [row.event for row in ground.site.rows("SELECT event FROM journal_entry WHERE seq > :seq ORDER BY seq",
                                                   seq=seq)]  # fmt: skip
    where = f"{answer.request.method} {(answer.request.url or '')[:120]}"
    faults = []
    if answer.status_code != status:
        faults.append(f"{where}: {answer.status_code}, {status} expected")
    if says and " ".join(says.split()) not in words_of(answer):
        faults.append(f"{where}: does not say « {says} » but {words_of(answer)[:160]!r}")
    if [event for event in noted if event != perhaps] != list(journal):
        faults.append(f"{where}: the journal tells {noted}, {list(journal)} expected")
    after = ground.rows(same)
    return faults + [f"{where}: {name} changed" for name in same if before[name] != after[name]]


def words_of(answer: requests.Response) -> str:
    """The words of a page, white space folded."""
    return " ".join(tree_of(answer).text_content().split()) if answer.text.strip() else ""


def bare(answer: requests.Response) -> str:
    """A page without the keys of its forms, the ids of its addresses and what tells the time."""
    return KEYS.sub("", answer.text)


def unless(held: bool, fault: str) -> list[str]:
    """A fault unless something holds."""
    return [] if held else [fault]


# ---- dossiers of others --------------------------------------------------------------------------------------------


@case("A01")
def a_rival_opens_a_dossier(g: Ground) -> list[str]:
    """Another's dossier answers as one that does not exist, to the byte; only the journal knows better."""
    owner = g.visitor(g.own["owner"])
    faults = judged(g, lambda: owner.get(f"/dossiers/{g.own['theirs']}"), 404, UNKNOWN, journal=["access.unknown"])
    faults += judged(g, lambda: owner.get(f"/dossiers/{uuid4()}"), 404, UNKNOWN)
    pages = {bare(owner.get(f"/dossiers/{one}")) for one in (g.own["theirs"], uuid4())}
    return faults + unless(len(pages) == 1, "another's dossier differs from an unknown one")


@case("A02")
def a_rival_opens_a_paper(g: Ground) -> list[str]:
    """Files and receipts ask whose they are: knowing the address is not enough."""
    faults = taken(g.desk, "statuts.pdf", "statuts.pdf", corpus.pdf())
    (file,) = g.site.rows("SELECT id FROM stored_file WHERE id IN (SELECT file_id FROM attachment) ORDER BY 1 LIMIT 1")
    owner = g.visitor(g.own["owner"])
    for path in (f"/fichiers/{UUID(str(file.id))}", f"/dossiers/{g.own['theirs']}/recu.pdf"):
        faults += judged(g, lambda path=path: owner.get(path), 404, UNKNOWN, journal=["access.unknown"])  # type: ignore[misc]
    return faults


@case("A03")
def a_rival_writes_in_a_dossier(g: Ground) -> list[str]:
    """Writing to another's page is writing to a page that does not exist."""
    owner, path = g.visitor(g.own["owner"]), f"/dossiers/{g.own['theirs']}/rediger/projet"
    return judged(g, lambda: g.press(owner, path, {"title": "zq"}), 404, UNKNOWN, journal=["access.unknown"],
                  same=["application", "attachment"])  # fmt: skip


@case("A04")
def own_dossier_with_the_file_of_another(g: Ground) -> list[str]:
    """An attachment is looked for in the dossier of the address alone; another's is not found, so nothing is refused
    that the journal could name."""  # fmt: skip
    (theirs,) = g.site.rows("SELECT id FROM attachment ORDER BY given_at DESC LIMIT 1")
    owner, path = g.visitor(g.own["owner"]), f"/dossiers/{g.own['draft']}/rediger/pieces"
    return judged(g, lambda: g.press(owner, path, {"drop": str(UUID(str(theirs.id)))}), 404, UNKNOWN,
                  same=["attachment", "stored_file"])  # fmt: skip


@case("A05")
def enumeration_by_search(g: Ground) -> list[str]:
    """The search of the application is closed to applicants, and asking to join says the same of every number."""
    owner = g.visitor(g.own["owner"])
    faults = judged(g, lambda: owner.get("/gestion/dossiers?mots=HYPERLINK"), 403, "Vous n’avez pas accès",
                    journal=["access.denied"])  # fmt: skip
    answers = {
        words_of(g.press(owner, "/organisations/rejoindre", {"number": number}, allow_redirects=True))
        for number in (g.own["rival_number"], "99999999900015")
    }
    return faults + unless(len(answers) == 1, "asking to join tells which numbers are known")


# ---- bank details --------------------------------------------------------------------------------------------------


@case("A06")
def a_stolen_account_changes_the_iban(g: Ground) -> list[str]:
    """What two people confirmed stays in use until two confirm the new one, and everybody concerned is warned."""
    owner, path = (
        g.visitor(g.money["owner"]),
        f"/organisations/{g.money['organisation']}/coordonnees-bancaires",
    )
    confirmed = "SELECT id, iban_last4 FROM bank_details WHERE state = 'confirmed' ORDER BY id"
    before, letters = (
        g.site.rows(confirmed),
        g.site.scalar("SELECT count(*) FROM letter WHERE kind = 'awards_bank_given'"),
    )
    address, fields = owner.form(path)
    values = {**dict(fields), "iban": iban(777_001), "holder": "Voleur", "bic": ""}
    faults = judged(g, lambda: owner.post(address, values), 302, journal=["bank_details.given"])
    warned = g.site.scalar("SELECT count(*) FROM letter WHERE kind = 'awards_bank_given'") - letters
    faults += unless(g.site.rows(confirmed) == before, "the confirmed account was replaced at once")
    return faults + unless(warned >= 2, f"{warned} people were warned")


@case("A07")
def an_agent_writes_or_approves_alone(g: Ground) -> list[str]:
    """Agents have no form to give an account (403 and not 404: they may know the organisation), and whoever checked
    does not confirm."""  # fmt: skip
    agent = g.visitor(g.money["finance"])
    form = f"/organisations/{g.money['organisation']}/coordonnees-bancaires"
    faults = judged(g, lambda: agent.get(form), 403, "Vous n’avez pas accès", journal=["access.denied"])
    with g.making() as make:
        organisation = db.session.get_one(Organisation, g.money["organisation"])
        details = make.bank_details(organisation, state=BankState.GIVEN, number=iban(777_002)).id
    path = f"/coordonnees-bancaires/{details}"
    shown = g.version("bank_details", details)
    faults += judged(g, lambda: g.press(agent, f"{path}/verifier", shown), 302, journal=["bank_details.check"])
    shown = g.version("bank_details", details)
    return faults + judged(
        g, lambda: g.press(agent, f"{path}/confirmer", shown), 403,
        "Vous ne pouvez pas valider une modification que vous avez demandée ou déjà vérifiée.",
        journal=["access.denied"], same=["bank_details"],
    )  # fmt: skip


@case("A08")
def a_straw_approver(g: Ground) -> list[str]:
    """Whoever owes their office to the person who prepared does not approve."""
    with g.making() as make:
        boss, straw, other = make.account("administrator"), make.account(), make.account("administrator")
        (giver, own), (approver, account), second = (boss.email, boss.id), (straw.email, straw.id), other.email
    person = g.visitor(giver)
    given = {"role": "authorising_officer", "college": ""}
    faults = judged(g, lambda: g.press(person, f"/personnes/{own}/fonctions", given), 403,
                    "Personne ne se nomme soi-même", journal=["access.denied"], same=["appointment"])  # fmt: skip
    faults += judged(g, lambda: g.press(person, f"/personnes/{account}/fonctions", given), 302,
                     journal=["office.proposed"], same=["appointment"])  # fmt: skip
    with g.making():
        proposed = db.session.scalars(select(Nomination.id).where(Nomination.account_id == account)).one()
    confirm = f"/fonctions/proposees/{proposed}/confirmer"
    faults += judged(g, lambda: g.press(person, confirm), 403, "une autre personne de l’administration",
                     journal=["access.denied"], same=["appointment"])  # fmt: skip
    faults += judged(g, lambda: g.press(g.visitor(second), confirm), 302,
                     journal=["session.opened", "office.given", "session.all_closed"])  # fmt: skip
    with g.making() as make, unit_of_work():
        boss = db.session.scalars(select(Account).where(Account.email == giver)).one()
        (office,) = people.queries.appointments_of(boss.id)
        people.end_appointment(office, by=make.by)
        people.appoint(boss, Role.FINANCE, by=make.by)
    # Their session ended with their office: they sign in again.
    person, path = g.site.visitor(g.server, giver), f"/echeances/{g.money['planned']}"
    shown = g.version("instalment", g.money["planned"])
    faults += judged(g, lambda: g.press(person, f"{path}/preparer", shown), 302, journal=["instalment.prepare"])
    friend, shown = g.visitor(approver), g.version("instalment", g.money["planned"])
    return faults + judged(
        g, lambda: g.press(friend, f"{path}/approuver", shown), 403,
        "Une personne qui a nommé l’autre ne la contrôle pas",
        journal=["access.denied"], same=["instalment", "ledger_entry"],
    )  # fmt: skip


@case("A09")
def the_iban_changes_after_the_preparation(g: Ground) -> list[str]:
    """A payment prepared to an account that is no longer the confirmed one is not approved."""
    with g.making() as make:
        make.bank_details(db.session.get_one(Organisation, g.money["organisation"]), number=iban(777_003))
        state = db.session.get_one(Instalment, g.money["planned"]).state
    officer, path = g.visitor(g.money["officer"]), f"/echeances/{g.money['planned']}/approuver"
    shown = g.version("instalment", g.money["planned"])
    return unless(state is InstalmentState.PREPARED, f"the instalment is {state}") + judged(
        g, lambda: g.press(officer, path, shown), 409, "Les coordonnées bancaires ont changé depuis la préparation.",
        same=["instalment", "ledger_entry", "bank_details"],
    )  # fmt: skip


# ---- reviewers -----------------------------------------------------------------------------------------------------


def reading(g: Ground, *offices: str) -> tuple[Visitor, UUID, UUID]:
    """A reviewer with an open review: who, the dossier, the assignment."""
    with g.making() as make:
        dossier = make.application(state=ApplicationState.ELIGIBLE, title="Le potager retrouvé")
        account = make.account("reviewer", *offices)
        found = make.assignment(dossier, account, state=AssignmentState.OPEN)
        secrets_of_dossier = account.email, dossier.id, found.id
    return g.visitor(secrets_of_dossier[0]), secrets_of_dossier[1], secrets_of_dossier[2]


@case("A10")
def a_recused_reviewer_looks_again(g: Ground) -> list[str]:
    """After a declaration the dossier does not exist for the person, nor in what they list or search."""
    person, dossier, assignment = reading(g, "manager")
    listed = f"/gestion/dossiers/{dossier}"
    faults = unless(listed in person.get("/gestion/dossiers").text, "the dossier was not listed to begin with")
    link = f"/evaluations/{assignment}/lien"
    faults += judged(g, lambda: person.send(link, {"nature": "member"}, action="/lien"), 302,
                     journal=["assignment.recuse"])  # fmt: skip
    for path in (listed, f"/evaluations/{assignment}", f"/evaluations/dossier/{dossier}"):
        faults += judged(g, lambda path=path: person.get(path), 404, UNKNOWN, journal=["access.unknown"])  # type: ignore[misc]
    for path in ("/gestion/dossiers", "/gestion/dossiers?mots=potager", "/evaluations", "/gestion/dossiers.csv"):
        faults += unless(str(dossier) not in person.get(path).text, f"{path} still shows the dossier")
    return faults


@case("A11")
def an_old_tab_after_the_declaration(g: Ground) -> list[str]:
    """Marks sent from a page opened before the declaration are not kept, and the person is told."""
    person, _dossier, assignment = reading(g)
    page = f"/evaluations/{assignment}"
    tab = ready(person, page, action=page)
    person.send(f"{page}/lien", {"nature": "member"}, action="/lien")
    return judged(
        g, tab.send, 409,
        "Vous avez un lien d’intérêt avec ce dossier. Votre évaluation n’a pas été enregistrée.",
        journal=["assignment.late_marks_refused"], same=["mark", "assignment", "interest"],
    )  # fmt: skip


@case("A12")
def marks_after_the_freeze(g: Ground) -> list[str]:
    """Marks no longer change once frozen. Not journalled: nothing was hidden from the person, and nothing changed."""
    person, dossier, assignment = reading(g)
    page = f"/evaluations/{assignment}"
    tab = ready(person, page, action=page)
    with g.making(), unit_of_work() as session:
        session.get_one(Application, dossier).call.marks_frozen_at = clock.now()
    return judged(g, tab.send, 409, "La délibération est close depuis le", same=["mark", "assignment"])


@case("A13")
def reading_the_others_first(g: Ground) -> list[str]:
    """The reviews of others do not exist before one's own is sent."""
    person, dossier, assignment = reading(g)
    with g.making() as make:
        other = make.assignment(db.session.get_one(Application, dossier), state=AssignmentState.SUBMITTED).id
    faults = judged(g, lambda: person.get(f"/evaluations/{assignment}/autres"), 404, UNKNOWN)
    return faults + judged(g, lambda: person.get(f"/evaluations/{other}"), 404, UNKNOWN, journal=["access.unknown"])


@case("A14")
def guessing_a_decision(g: Ground) -> list[str]:
    """Nothing an applicant sees moves between the vote and its publication."""
    with g.making() as make:
        dossier = make.application(state=ApplicationState.ELIGIBLE)
        email, number = make.member_of(dossier.organisation).email, dossier.id
    person = g.visitor(email)
    paths = (f"/dossiers/{number}", "/dossiers", "/mon-espace", "/mes-attributions")
    before = [bare(person.get(path)) for path in paths]
    with g.making() as make:
        make.decided(db.session.get_one(Application, number), published=False)
    faults = [f"{path} tells of the vote" for path, was in zip(paths, before, strict=True)
              if bare(person.get(path)) != was]  # fmt: skip
    for path in ("decision", "decision.pdf"):
        faults += judged(g, lambda path=path: person.get(f"/dossiers/{number}/{path}"), 404, UNKNOWN)  # type: ignore[misc]
    return faults


# ---- texts and files -----------------------------------------------------------------------------------------------


@case("A15")
def a_formula_in_a_sheet(g: Ground) -> list[str]:
    """A title that is a formula leaves the application as text, and stays as it was written."""
    sheet = g.visitor(g.own["manager"]).get("/gestion/dossiers.csv")
    rows = g.site.rows("SELECT title FROM application WHERE title = :title", title=FORMULA)
    quoted = FORMULA.replace('"', '""')
    faults = unless(sheet.status_code == 200 and f'"\'{quoted}"' in sheet.text, "the formula is not quoted")
    return faults + unless(len(rows) == 1, "the title was changed in the database")


@case("A16")
def a_script_in_a_name(g: Ground) -> list[str]:
    """A script in a name is shown as text, on a page whose policy runs none."""
    page = g.visitor(g.own["manager"]).get(f"/gestion/dossiers/{g.own['theirs']}")
    policy = page.headers.get("Content-Security-Policy", "")
    faults = unless(page.status_code == 200 and SCRIPT in words_of(page), "the name is not shown as it was written")
    faults += unless(not tree_of(page).xpath("//script[not(@src)]"), "the page holds a script")
    return faults + unless("script-src 'self';" in policy and "unsafe" not in policy, f"policy: {policy}")


@case("A17")
def a_hostile_file_name(g: Ground) -> list[str]:
    """Names are cleaned, and the header that gives them back holds one line."""
    names = ('"><img src=x onerror=zq()>.pdf', "a\r\nSet-Cookie: zq=1.pdf", "rapport\u202efdp.pdf", "é" * 300 + ".pdf")
    return [fault for name in names for fault in taken(g.desk, repr(name[:30]), name, corpus.pdf())]


@case("A18")
def a_program_called_pdf(g: Ground) -> list[str]:
    """What a file is called does not make it so."""
    return hostile(g, "svg called pdf", "html called jpeg", "program called pdf")


@case("A19")
def a_bomb(g: Ground) -> list[str]:
    """A small file that would unfold to a big one is not unfolded."""
    return hostile(g, "pdf that unfolds", "png of billions of points")


@case("A20")
def a_file_of_two_kinds(g: Ground) -> list[str]:
    """Nothing before the first byte of a document and nothing after its end."""
    return hostile(g, "html before a pdf", "zip after a pdf", "pdf before a docx")


@case("A21")
def a_path_out_of_the_store(g: Ground) -> list[str]:
    """Names with a path stay in the store; addresses with one lead nowhere."""
    faults = taken(g.desk, "a path", "../../etc/passwd.pdf", corpus.pdf())
    paths = ("/fichiers/..%2f..%2fetc%2fpasswd", "/static/..%2f..%2fwsgi.py", "/static/%2e%2e/%2e%2e/wsgi.py")
    for path in paths:
        faults += judged(g, lambda path=path: g.stranger().get(path), 404)  # type: ignore[misc]
    return faults


def hostile(g: Ground, *titles: str) -> list[str]:
    """Hand over hostile files of the corpus."""
    return [fault for title in titles for fault in refused(g.desk, title, *corpus.HOSTILE[title])]


# ---- sessions and forms --------------------------------------------------------------------------------------------


@case("A23")
def a_cookie_used_again(g: Ground) -> list[str]:
    """Signing in gives a new session, and a cookie copied before signing out opens nothing after."""
    person = g.stranger()
    person.get("/connexion")
    before = dict(person.session.cookies)
    person.sign_in("association@demo.example")
    thief = person.copy()
    faults = unless(dict(person.session.cookies) != before, "signing in kept the session of before")
    faults += unless(thief.get("/mon-compte", allow_redirects=False).status_code == 200, "the copy opened nothing")
    g.press(person, "/deconnexion")
    answer = thief.get("/mon-compte", allow_redirects=False)
    led = answer.headers.get("Location", "").startswith("/connexion")
    return faults + unless(answer.status_code == 302 and led, f"after sign out: {answer.status_code}")


@case("A24")
def a_forged_form(g: Ground) -> list[str]:
    """A form without the token of the session is not taken, and what was written stays on the person's page."""
    owner, path = g.visitor(g.own["owner"]), f"/dossiers/{g.own['draft']}/rediger/projet"
    faults = []
    for token in ({}, {"csrf_token": "x" * 40}):
        data = {"title": "zq", "_key": uuid4().hex, **token}
        faults += judged(g, lambda data=data: owner.post(path, data), 400, "il n’est pas parti de ce site",  # type: ignore[misc]
                         same=["application"])  # fmt: skip
    return faults


@case("A25")
def a_next_to_another_site(g: Ground) -> list[str]:
    """Nobody is sent to another site: the parameter is ignored."""
    faults, person = [], g.stranger()
    for target in ELSEWHERE:
        path = f"/connexion?next={quote(target, safe='')}"
        if person.get("/mon-compte", allow_redirects=False).status_code == 200:
            answer = person.get(path, allow_redirects=False)
        else:
            answer = person.send(path, {"email": "association@demo.example", "password": PASSWORD})
        led = answer.headers.get("Location")
        faults += unless((answer.status_code, led) == (302, "/mon-espace"), f"{target!r} leads to {led}")
    return faults


@case("A26")
def does_an_account_exist(g: Ground) -> list[str]:
    """Signing in, signing up and asking for a new password say the same of every address."""
    g.clear_attempts()
    faults, emails = [], ("laureate@demo.example", "inconnue@exemple.example")
    forms: dict[str, dict[str, str]] = {
        "/connexion": {"password": "pas-le-bon-mot"},
        "/mot-de-passe-oublie": {},
        "/inscription": {"name": "Nora"},
    }
    for path, values in forms.items():
        answers = set()
        for email in emails:
            stranger = g.stranger()
            answer = stranger.send(path, {**values, "email": email}, allow_redirects=True)
            answers.add((answer.status_code, answer.url, bare(answer)))
        faults += unless(len(answers) == 1, f"{path} tells who has an account")
        faults += unless(all(status in {200, 422} for status, _url, _page in answers), f"{path} broke")
    return faults


@case("A27")
def guessing_a_password(g: Ground) -> list[str]:
    """Ten tries, whatever address the client claims; then a wait, while the link by mail still lets the owner in."""
    g.clear_attempts()
    person, values = g.stranger(), {"email": "elue@demo.example", "password": "pas-le-bon-mot"}
    address, fields = person.form("/connexion")
    form = {**dict(fields), **values}

    def guess(number: int) -> requests.Response:
        return person.post(address, form, headers={"X-Forwarded-For": f"198.51.100.{number}"})

    statuses = {guess(number).status_code for number in range(rules.SIGN_IN.by_account)}
    faults = unless(statuses == {422}, f"the first tries answered {statuses}")
    last: list[requests.Response] = []
    faults += judged(g, lambda: last.append(guess(99)) or last[0], 429, "Trop de tentatives. Réessayez dans",  # type: ignore[func-returns-value]
                     journal=["auth.throttled"], same=["sign_in"])  # fmt: skip
    wait = last[0].headers.get("Retry-After", "0")
    faults += unless(0 < int(wait) <= rules.SIGN_IN.window.total_seconds(), f"Retry-After: {wait}")
    faults += judged(g, lambda: person.send("/mot-de-passe-oublie", {"email": values["email"]}), 302,
                     journal=["account.reset_asked"])  # fmt: skip
    g.clear_attempts()
    return faults


@case("A28")
def fields_nobody_asked_for(g: Ground) -> list[str]:
    """Fields that a form does not have are ignored."""
    owner, tables = g.visitor(g.own["owner"]), ["appointment", "membership", "decision", "award", "call", "mark"]
    more = {"role": "administrator", "active": "0", "email": "zq@exemple.example", "confirmed_at": "2020-01-01"}
    faults = judged(g, lambda: owner.send("/mon-compte", more), 302, journal=["account.changed"],
                    same=tables)  # fmt: skip
    (row,) = g.site.rows("SELECT active, confirmed_at FROM account WHERE email = :email", email=g.own["owner"])
    faults += unless(bool(row.active) and str(row.confirmed_at) > "2021", "an account took a field of another form")
    known = "SELECT state, organisation_id, author_id, submitted_at FROM application ORDER BY id"
    before, page = g.site.rows(known), f"/dossiers/{g.own['draft']}/rediger/projet"
    extra = {"state": "awarded", "statut": "awarded", "montant_accorde": "9", "note": "5", "closes_at": "2099-01-01",
             "organisation_id": str(uuid4()), "title": "Un titre que la page a"}  # fmt: skip
    # The saves of one page by one person are one line for half an hour: an earlier case may have left it.
    faults += judged(g, lambda: owner.send(page, extra), 302, perhaps="application.save", same=tables)
    titles = g.site.rows("SELECT id FROM application WHERE title = :title", title=extra["title"])
    faults += unless(len(titles) == 1, "the fields of the form were not saved")
    return faults + unless(g.site.rows(known) == before, "a dossier took a field of another form")


# ---- time, money, two at once --------------------------------------------------------------------------------------


@case("A29")
def after_the_deadline(g: Ground) -> list[str]:
    """A page opened before the closing is refused after it, by the clock of the server, and the draft stays."""
    with g.making() as make:
        dossier = make.application()
        number, call, email = dossier.id, dossier.call_id, make.member_of(dossier.organisation).email
    tab = ready(g.visitor(email), f"/dossiers/{number}/deposer")
    with g.making():
        g.close(call)
    return judged(g, tab.send, 409, "L’appel est clos depuis le", journal=["application.late"],
                  same=["application", "application_version"])  # fmt: skip


@case("A30")
def paid_twice(g: Ground) -> list[str]:
    """The second of two tabs that pay is told that its page is old; one that names the version of now, who was faster.
    Nothing is written twice."""  # fmt: skip
    with g.making() as make:
        ordered = make.instalment(make.award(state=AwardState.RUNNING), state=InstalmentState.ORDERED).id
    page, values = f"/echeances/{ordered}", {"paid_on": clock.today().isoformat()}
    tab = ready(g.visitor(g.money["finance"]), page, values, action="/payer")
    other = tab.in_another_tab()
    faults = judged(g, tab.send, 302, journal=["instalment.pay"])
    tables = ["instalment", "ledger_entry", "letter"]
    faults += judged(g, other.send, 409, "Quelqu’un d’autre vient de modifier cette page.", same=tables)
    values |= g.version("instalment", ordered)
    return faults + judged(g, lambda: g.press(tab.visitor, f"{page}/payer", values), 409,
                           "Cette échéance vient d’être traitée par", same=tables)  # fmt: skip


def recommend(g: Ground, amount: str) -> Callable[[], requests.Response]:
    """Recommend an amount, as a manager."""
    page = g.committee["page"]
    values = {"verdict": "favourable", "amount": amount, "reason": "Le projet répond aux priorités du fonds."}
    return ready(g.visitor(g.own["manager"]), page, values, action=page).send


@case("A31")
def above_the_envelope(g: Ground) -> list[str]:
    """No recommendation promises more than is left."""
    said = "Enveloppe insuffisante : il reste 5 000 €."
    return judged(g, recommend(g, "8000"), 409, said, journal=["budget.refused"],
                  same=["recommendation", "call", "fund"])  # fmt: skip


@case("A32")
def odd_numbers(g: Ground) -> list[str]:
    """Whatever is not an amount as people write them is refused on its field."""
    faults = [fault for text in ODD for fault in judged(g, recommend(g, text), 422, "Montant invalide.",
                                                        same=["recommendation", "call"])]  # fmt: skip
    return faults + judged(g, recommend(g, "1.234"), 422, "Ce montant se lit de deux façons.",
                           same=["recommendation", "call"])  # fmt: skip


@case("A33")
def a_double_click(g: Ground) -> list[str]:
    """The same form sent again gets its first answer: one reference, one receipt, one letter to each."""
    with g.making() as make:
        dossier = make.application()
        number, email = dossier.id, make.member_of(dossier.organisation).email
    form = ready(g.visitor(email), f"/dossiers/{number}/deposer")
    first = form.send()
    tables = ["application", "application_version", "letter"]
    again: list[requests.Response] = []
    faults = judged(g, lambda: again.append(form.send()) or again[0], 302, same=tables)  # type: ignore[func-returns-value]
    faults += unless(first.headers["Location"] == again[0].headers.get("Location"), "the second answer differs")
    return faults + unless(times(g.site, "application.submit", number) == 1, "not submitted once")


@case("A34")
def two_write_the_same_page(g: Ground) -> list[str]:
    """The second of two co-applicants is shown both texts, as texts; what the first wrote stays."""
    page = f"/dossiers/{g.own['draft']}/rediger/projet"
    tabs = [
        ready(g.visitor(g.own[who]), page, {"summary": text})
        for who, text in (("mate", "Le premier résumé."), ("owner", f"Le second {SCRIPT}."))
    ]
    faults = judged(g, tabs[0].send, 302, journal=["application.save"])
    shown: list[requests.Response] = []
    faults += judged(g, lambda: shown.append(tabs[1].send()) or shown[0], 409,  # type: ignore[func-returns-value]
                     "Quelqu’un a modifié cette page pendant que vous écriviez.", same=["application"])  # fmt: skip
    texts = [" ".join(area.text_content().split()) for area in tree_of(shown[0]).xpath("//main//textarea")]
    for text in ("Le premier résumé.", f"Le second {SCRIPT}."):
        faults += unless(text in texts, f"« {text} » is not shown")
    return faults


# ---- the application as a whole ------------------------------------------------------------------------------------


@case("A35")
def a_cache_between(g: Ground) -> list[str]:
    """No cache keeps a page of somebody signed in; after signing out, going back asks to sign in."""
    person, faults = g.site.visitor(g.server, g.own["mate"]), []
    for path in ("/mon-compte", "/dossiers", f"/dossiers/{g.own['draft']}", "/mon-espace", "/appels"):
        heads = person.get(path).headers
        cache_headers = heads.get("Cache-Control"), "Cookie" in heads.get("Vary", "")
        faults += unless(cache_headers == ("no-store", True), f"{path}: {cache_headers}")
    left = g.press(person, "/deconnexion")
    faults += unless("cache" in left.headers.get("Clear-Site-Data", ""), "signing out leaves the cache")
    back = person.get("/mon-compte", allow_redirects=False)
    return faults + unless(back.status_code == 302, f"back after sign out: {back.status_code}")


@case("A36")
def invitations_as_spam(g: Ground) -> list[str]:
    """Ten invitations a day for one organisation, and no name that is a link."""
    with g.making() as make:
        owner = make.account()
        organisation = make.organisation(owner)
        by = make.actor_of(owner)
        for number in range(rules.INVITATIONS_A_DAY):
            with unit_of_work():
                people.invite(organisation, f"invite{number}@exemple.example", MemberRole.EDITOR, by=by)
        path, email = f"/organisations/{organisation.id}/membres", owner.email
    person = g.visitor(email)
    faults = judged(g, lambda: person.send(path, {"email": "encore@exemple.example"}, action="/membres"), 429,
                    "Une organisation envoie au plus 10 invitations par jour.",
                    same=["invitation", "letter"])  # fmt: skip
    return faults + judged(g, lambda: person.send("/mon-compte", {"name": "Gagnez sur www.zq.example"}), 422,
                           same=["account"])  # fmt: skip


@case("A37")
def mass_sign_ups(g: Ground) -> list[str]:
    """A network that opens too many accounts waits, the others do not; nobody begins without a confirmed address."""
    g.clear_attempts()
    with g.making(), unit_of_work() as session:
        session.add_all(Attempt(act=rules.SIGN_UP.act, who="127.0.0.0/24", at=clock.now())
                        for _ in range(rules.SIGN_UP.by_network))  # fmt: skip
    with g.making() as make:
        new = make.account(confirmed=False).email
    values = {"email": "foule@exemple.example", "name": "Foule"}
    stranger = g.stranger()
    faults = judged(g, lambda: stranger.send("/inscription", values), 429, "Trop de tentatives.",
                    journal=["auth.throttled"], same=["account", "letter"])  # fmt: skip
    g.clear_attempts()
    faults += unless(g.visitor(g.own["owner"]).get("/dossiers").status_code == 200, "others are kept out as well")
    person = g.visitor(new)
    return faults + judged(g, lambda: person.get("/organisations/nouvelle"), 403, "Confirmez d’abord votre adresse",
                           journal=["access.denied"])  # fmt: skip


@case("A38")
def a_forged_host(g: Ground) -> list[str]:
    """The links of letters and pages come from the settings, whatever name the client calls the site by."""
    g.clear_attempts()
    stranger, values = g.stranger(), {"email": "laureate@demo.example"}
    address, fields = stranger.form("/mot-de-passe-oublie")
    cookie = "; ".join(f"{name}={value}" for name, value in stranger.session.cookies.items())
    forged = {"Host": "zq.example", "X-Forwarded-Host": "zq.example", "Cookie": cookie}
    answer = stranger.post(address, {**dict(fields), **values}, headers=forged)
    faults = unless(answer.status_code == 302 and "zq" not in answer.headers["Location"], f"{answer.status_code}")
    (letter,) = g.site.rows(
        "SELECT body FROM letter WHERE recipient = :email ORDER BY created_at DESC LIMIT 1", **values
    )
    faults += unless(
        f"{g.server.address}/nouveau-mot-de-passe/" in letter.body, "the letter has no link of the application"
    )
    texts = [letter.body, *(stranger.get(path, headers=forged).text for path in ("/", "/connexion", "/zq-nowhere"))]
    return faults + unless(not any("zq.example" in text for text in texts), "the forged name is repeated")


@case("A40")
def bytes_nobody_types(g: Ground) -> list[str]:
    """NUL, half a character, an id too long, a huge field and thousands of fields get an answer, never an error.

    A field of 5 MB is more than any form without files takes.
    """
    g.clear_attempts()
    owner, stranger = g.visitor(g.own["owner"]), g.stranger()
    faults = []
    for path in ("/dossiers/%00", f"/dossiers/{10**20}", "/appels?after=%00", "/registre/%00"):
        faults += judged(g, lambda path=path: owner.get(path), 404, UNKNOWN)  # type: ignore[misc]
    token = {"csrf_token": token_of(stranger), "_key": uuid4().hex}
    half = "&".join(f"{name}={quote(value)}" for name, value in token.items()) + "&email=%ED%A0%80&password=%ED%B0%80"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    many = {**token, **{f"zq{number}": "1" for number in range(2_000)}}
    parts = {f"zq{number}": (None, "1") for number in range(4_000)}
    huge = {**token, "email": "x" * 5_000_000}
    sent: dict[str, tuple[Callable[[], requests.Response], int]] = {
        "half a character": (lambda: stranger.post("/connexion", half, headers=kind), 422),
        "2,000 fields": (lambda: stranger.post("/connexion", many), 422),
        "4,000 parts": (lambda: stranger.post("/connexion", files=parts), 413),
        "a field of 5 MB": (lambda: stranger.post("/connexion", huge), 413),
        "a field of 5 MB in parts": (lambda: stranger.post("/connexion", files={"email": (None, huge["email"])}), 413),
    }
    for what, (ask, status) in sent.items():
        found = ask().status_code
        faults += unless(found == status, f"{what}: {found}, {status} expected")
    return faults


# ---- the figure ----------------------------------------------------------------------------------------------------


@figure(
    "abuse",
    number="11",
    says="cas d’abus A01–A40 dont la réponse, le journal ou les effets diffèrent",
    minutes=1,
    once="postgresql",
)
def abuse(workspace: Workspace) -> Reading:
    """Try every abuse case of the threat model on one served fund."""
    faults = [f"{code} is neither tried nor explained" for code in CODES if code not in CASES and code not in NOTES]
    with workspace.site(demo=True) as site, site.serve() as server:
        ground = Ground(site, server)
        for code, attempt in sorted(CASES.items()):
            faults += [f"{code} {fault}" for fault in tried(attempt, ground)]
    return Reading(
        len(CASES), faults, least=len(CODES) - 3, notes=[f"{code} : {reason}." for code, reason in NOTES.items()]
    )


def tried(attempt: Callable[[Ground], list[str]], ground: Ground) -> list[str]:
    """Try a case; one that breaks is a fault like another."""
    try:
        return attempt(ground)
    except (AssertionError, LookupError, ValueError, TypeError) as error:
        return [f"broke: {type(error).__name__}: {error}"]
