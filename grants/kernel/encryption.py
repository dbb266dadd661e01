"""Encrypts what must not be read in a stolen database, and derives the keys of what browsers keep, under the
installation's field key."""

import base64
import hashlib
import hmac
from uuid import UUID

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app


def _secret() -> str:
    return current_app.config["SETTINGS"].field_key  # type: ignore[no-any-return]


def _key(purpose: str) -> bytes:
    return hashlib.sha256(f"{purpose}:{_secret()}".encode()).digest()


def encrypt(text: str) -> str:
    """The text encrypted and authenticated (AES-128-CBC with HMAC-SHA256, Fernet)."""
    return Fernet(base64.urlsafe_b64encode(_key("seal"))).encrypt(text.encode()).decode("ascii")


def decrypt(encrypted: str) -> str:
    """The text that was encrypted. Raises cryptography.fernet.InvalidToken when it was altered or the key changed."""
    return Fernet(base64.urlsafe_b64encode(_key("seal"))).decrypt(encrypted.encode("ascii")).decode()


def fingerprint(text: str) -> str:
    """A keyed digest, to tell whether two encrypted texts are the same without decrypting them."""
    return hmac.new(_key("fingerprint"), text.encode(), hashlib.sha256).hexdigest()


def device_key(account_id: UUID, page: UUID) -> bytes:
    """The key, of 32 bytes, under which a browser keeps what an account wrote on one open page.

    The same page of another account, or another page, has another key; none of them tells the installation's.
    """
    return HKDF(SHA256(), 32, salt=page.bytes, info=b"device:" + account_id.bytes).derive(_secret().encode())
