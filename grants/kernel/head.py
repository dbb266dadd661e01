"""The head of the journal, countersigned: what is kept elsewhere to find later that the chain was cut or rewritten.

The signature is Ed25519, with a key that lies outside the database. Its public half is printed with the head.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from flask import current_app
from sqlalchemy import select

from grants.kernel import journal
from grants.kernel.db import db
from grants.kernel.words import _

TITLE = "traboule-journal-head 1"
_FIELDS = re.compile(r"^[> \t]*(line|digest|at|key|signature): (\S+)[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True)
class Head:
    """The last line of the journal at some time: its number, digest and instant, with a signature."""

    seq: int
    digest: str
    at: str
    key: str
    signature: str

    @property
    def instant(self) -> datetime:
        """When the last line was written."""
        return datetime.fromisoformat(self.at)

    @property
    def text(self) -> str:
        """The head as it is shown, mailed and read back."""
        return f"{self.statement}\nkey: {self.key}\nsignature: {self.signature}\n"

    @property
    def statement(self) -> str:
        """What is signed."""
        return f"{TITLE}\nline: {self.seq}\ndigest: {self.digest}\nat: {self.at}"

    @property
    def is_signed(self) -> bool:
        """Whether the signature is that of the key the head names."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            key.verify(bytes.fromhex(self.signature), self.statement.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


def now() -> Head:
    """The head of the journal as it stands, signed."""
    entry = journal.Entry
    row = db.session.execute(select(entry.seq, entry.digest, entry.at).order_by(entry.seq.desc()).limit(1)).first()
    seq, digest, at = (row.seq, row.digest, row.at) if row else (0, journal.GENESIS, datetime.min.replace(tzinfo=UTC))
    unsigned = Head(seq, digest, at.isoformat(timespec="seconds"), public_key(), "")
    signature = _key().sign(unsigned.statement.encode()).hex()
    return Head(unsigned.seq, unsigned.digest, unsigned.at, unsigned.key, signature)


def public_key() -> str:
    """The public half of the key, in hexadecimal."""
    return _key().public_key().public_bytes_raw().hex()


def _key() -> Ed25519PrivateKey:
    secret: str = current_app.config["SETTINGS"].head_key
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"journal head:{secret}".encode()).digest())


def read(text: str) -> Head:
    """The head written in a text, such as a mail. Raises ValueError when there is none."""
    found = dict(_FIELDS.findall(text))
    if set(found) != {"line", "digest", "at", "key", "signature"} or not found["line"].isdecimal():
        raise ValueError(_("Aucune tête de journal n’est écrite dans ce fichier."))
    return Head(int(found["line"]), found["digest"], found["at"], found["key"], found["signature"])


def why_not_continued(earlier: Head) -> str | None:
    """None when the journal continues a head kept elsewhere; else what was found."""
    if not earlier.is_signed:
        return _("la tête gardée n’a pas une signature valable : elle a été altérée")
    if earlier.key != public_key():
        return _("la tête gardée est signée par une autre clé (%(key)s) que celle de cette installation (%(ours)s)",
                 key=earlier.key[:16], ours=public_key()[:16])  # fmt: skip
    last = journal.head()[0]
    if last < earlier.seq:
        return _(
            "le journal a été coupé : attendu la ligne %(seq)s, trouvé %(last)s lignes", seq=earlier.seq, last=last
        )
    digest = journal.digest_at(earlier.seq)
    if digest != earlier.digest:
        return _("le journal a été récrit : la ligne %(seq)s devrait avoir l’empreinte %(expected)s, elle a %(found)s",
                 seq=earlier.seq, expected=earlier.digest, found=digest or "—")  # fmt: skip
    return None
