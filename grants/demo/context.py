"""What every act of the demonstration stands on: the script, the people, the calls, the specimen documents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any
from uuid import uuid4

from grants.calls.models import Call
from grants.demo.script import Script
from grants.kernel import clock, journal, papers
from grants.kernel.actor import Actor
from grants.kernel.db import db
from grants.kernel.examining.found import FileFacts
from grants.kernel.uploads import Examined
from grants.people import queries as people
from grants.people.models import Account
from grants.programme.models import Fund

NOTICE = (
    "Document fictif, fait pour la démonstration : aucune association de ce nom n’existe, aucun chiffre n’est réel."
)


@dataclass(frozen=True)
class Span:
    """When a call opens and closes, in days from today."""

    opens: int
    closes: int


@dataclass
class Context:
    """The demonstration while it is being played. `password` is already hashed: one hash serves every account."""

    script: Script
    fund: Fund
    by: Actor
    password: str
    people: dict[str, Account] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    spans: dict[str, Span] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    orders: Iterator[int] = field(default_factory=lambda: count(1411))
    _actors: dict[str, Actor] = field(default_factory=dict)

    def open_account(self, key: str, *, name: str, email: str, title: str = "") -> Account:
        """An account with a confirmed address, remembered under a key."""
        at = clock.now()
        account = Account(
            email=email, name=name, title=title, password=self.password, fs_uniquifier=uuid4().hex, confirmed_at=at,
            created_at=at, locale="fr",
        )  # fmt: skip
        db.session.add(account)
        db.session.flush()
        journal.record("account.created", account, by=Actor(id=account.id, name=account.name), confirmed=True)
        self.people[key] = account
        return account

    def actor(self, key: str) -> Actor:
        """The person of a key as the rules see them; offices and organisations are read once they are settled."""
        known = self._actors.get(key)
        if known is None or not (known.roles or known.organisations):
            known = self._actors[key] = people.actor_of(self.people[key])
        return known

    def document(self, kind: str) -> Examined:
        """A specimen document, ready to be given as a file; made here, it needs no examination."""
        return Examined(FILES[kind], "application/pdf", self.documents[kind], FileFacts())


FILES = {
    "accounts": "comptes-annuels.pdf",
    "accounts_approved": "comptes-approuves.pdf",
    "activity_report": "rapport-activite.pdf",
    "bank_details": "rib.pdf",
    "mandate": "pouvoir.pdf",
    "agreement": "convention-signee.pdf",
    "statutes": "statuts.pdf",
}
_TITLES = {
    "accounts": "Comptes annuels",
    "accounts_approved": "Comptes annuels approuvés",
    "activity_report": "Rapport d’activité",
    "bank_details": "Relevé d’identité bancaire",
    "mandate": "Pouvoir de signer",
    "agreement": "Convention signée",
    "statutes": "Statuts",
}
_ROWS = {
    "accounts": (("Charges de personnel", "21 400"), ("Achats et services", "9 800"), ("Subventions", "24 600"),
                 ("Ventes et cotisations", "6 900")),
    "accounts_approved": (("Charges de personnel", "22 100"), ("Achats et services", "9 350"),
                          ("Subventions", "24 600"), ("Ventes et cotisations", "7 200")),
    "activity_report": (("Personnes accueillies", "312"), ("Bénévoles réguliers", "28"), ("Ateliers tenus", "94")),
    "bank_details": (("Établissement", "00000"), ("Titulaire", "Association de démonstration")),
    "mandate": (("Signataire", "La personne qui dépose ce dossier"),),
    "statutes": (("Articles", "18"), ("Objet", "Entraide de quartier")),
    "agreement": (("Exemplaires", "2"), ("Signatures", "apposées sur l’original")),
}  # fmt: skip


def specimen_documents(day: date) -> dict[str, bytes]:
    """The documents associations attach: real, readable PDF files that say on their face that they are fictitious."""
    at = datetime.combine(day, time(), UTC)
    return {kind: _specimen(title, _ROWS[kind], at) for kind, title in _TITLES.items()}


def _specimen(title: str, rows: tuple[tuple[str, str], ...], at: datetime) -> bytes:
    data: dict[str, Any] = {
        "letterhead": {"body": "Association de démonstration", "fund": "(fictive)", "lines": []},
        "recipient": [],
        "notice": NOTICE,
        "text": "Les montants sont en euros.",
        "columns": [["Ligne", "left", 3], ["Exercice", "right"]],
        "rows": [list(row) for row in rows],
        "caption": title,
    }
    return papers.render("demo_piece", data, at=at, title=title, language="fr")
