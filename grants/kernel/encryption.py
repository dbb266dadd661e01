"""Encrypts what must not be read in a stolen database: bank details, under the installation's field key."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet
from flask import current_app


def _key(purpose: str) -> bytes:
    secret: str = current_app.config["SETTINGS"].field_key
    return hashlib.sha256(f"{purpose}:{secret}".encode()).digest()


def encrypt(text: str) -> str:
    """The text encrypted and authenticated (AES-128-CBC with HMAC-SHA256, Fernet)."""
    return Fernet(base64.urlsafe_b64encode(_key("seal"))).encrypt(text.encode()).decode("ascii")


def decrypt(encrypted: str) -> str:
    """The text that was encrypted. Raises cryptography.fernet.InvalidToken when it was altered or the key changed."""
    return Fernet(base64.urlsafe_b64encode(_key("seal"))).decrypt(encrypted.encode("ascii")).decode()


def fingerprint(text: str) -> str:
    """A keyed digest, to tell whether two encrypted texts are the same without decrypting them."""
    return hmac.new(_key("fingerprint"), text.encode(), hashlib.sha256).hexdigest()
