"""Settings read once from the environment and frozen; production refuses to start on a default secret."""

import ipaddress
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECRET_LENGTH = 32
DEMO_IN_PUBLIC = (
    "La démonstration montre tous les courriels à tous : elle ne se lance ni avec un relais de courriel (MAIL_URL), "
    "ni à une adresse publique (BASE_URL), ni derrière un mandataire (TRUSTED_PROXIES). "
    "GRANTS_DEMO=0 sert un vrai fonds."
)
PACKAGE = Path(__file__).resolve().parent


def base_folder() -> Path:
    """Where templates/ and static/ are: inside the package (wheel) or beside it (checkout)."""
    return PACKAGE if (PACKAGE / "templates").is_dir() else PACKAGE.parent


def _default_instance() -> Path:
    """Beside the checkout; from a wheel, in the folder where the command is run."""
    return (PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").exists() else Path.cwd()) / "instance"


@dataclass(frozen=True)
class Settings:
    """What an operator decides. `own_database` tells that the database was given by the operator.

    A demonstration (`is_demo`) shows every letter to everybody. It is asked for, never inferred. Raises ValueError when
    it is asked for beside a mail relay, a public address or a proxy, and when a secret is too short.
    """

    instance: Path
    database_url: str
    own_database: bool
    secret_key: str
    field_key: str
    base_url: str
    mail_url: str
    mail_from: str
    secure: bool
    is_demo: bool
    zone: str = "Europe/Paris"
    product: str = "Traboule"
    fund_name: str = "Fonds d’innovation sociale"
    body_name: str = "Métropole de Lyon"
    max_upload: int = 10_000_000
    trusted_proxies: int = 0
    journal_key: str = ""
    directory_url: str = ""

    def __post_init__(self) -> None:
        if self.is_demo and (self.mail_url or self.trusted_proxies or not _is_on_this_machine(self.base_url)):
            raise ValueError(DEMO_IN_PUBLIC)
        if self.directory_url and not _is_service(self.directory_url):
            raise ValueError("DIRECTORY_URL doit être une adresse https://, sans question (?) ni mot de passe.")
        for name, secret in (
            ("SECRET_KEY", self.secret_key),
            ("FIELD_KEY", self.field_key),
            ("JOURNAL_KEY", self.journal_key or "-" * SECRET_LENGTH),
        ):
            if len(secret) < SECRET_LENGTH:
                raise ValueError(f"{name} doit avoir {SECRET_LENGTH} caractères au moins.")

    @property
    def head_key(self) -> str:
        """The secret that signs the head of the journal: given, or made once and kept in the instance folder."""
        return self.journal_key or _stored_secret(self.instance, "journal_key")


def _is_on_this_machine(url: str) -> bool:
    """Whether an address leads to this machine alone, without HTTPS."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http":
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_service(url: str) -> bool:
    """Whether an address may be that of a service we ask: https, or http on this machine; no name, password, query."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and not any(sign in url for sign in " @?#\\")
    return has_host and is_plain and (parts.scheme == "https" or _is_on_this_machine(url))


def database_url(text: str) -> str:
    """The SQLAlchemy address; PostgreSQL always through psycopg 3."""
    for prefix in ("postgres://", "postgresql://"):
        if text.startswith(prefix):
            return "postgresql+psycopg://" + text.removeprefix(prefix)
    return text


def _stored_secret(folder: Path, name: str) -> str:
    """A secret made once and kept in the instance folder, readable by its owner alone."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def _proxies(text: str) -> int:
    """How many proxies to trust. Raises ValueError for what is no small number."""
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        raise ValueError("TRUSTED_PROXIES doit être un nombre : combien de mandataires sont devant le service.")
    return int(text)


def _zone(name: str) -> str:
    """The time zone of the fund. Raises ValueError for one that is not known."""
    try:
        ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError) as error:
        raise ValueError("ZONE doit être un fuseau horaire connu, par exemple Europe/Paris.") from error
    return name


def settings_from(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Raises ValueError as `Settings` does, and for what is no number."""
    env = os.environ if environment is None else environment
    folder = Path(env.get("GRANTS_INSTANCE") or _default_instance()).resolve()
    given = env.get("DATABASE_URL", "").strip()
    port = env.get("PORT", "5000")
    base_url = env.get("BASE_URL", f"http://127.0.0.1:{port}")
    return Settings(
        instance=folder,
        database_url=database_url(given) if given else f"sqlite:///{folder / 'traboule.sqlite'}",
        own_database=bool(given),
        secret_key=env.get("SECRET_KEY") or _stored_secret(folder, "secret_key"),
        field_key=env.get("FIELD_KEY") or _stored_secret(folder, "field_key"),
        base_url=base_url.rstrip("/"),
        mail_url=env.get("MAIL_URL", ""),
        mail_from=env.get("MAIL_FROM", "Fonds d’innovation sociale <ne-pas-repondre@innovation-sociale.example>"),
        secure=base_url.startswith("https://"),
        is_demo=env.get("GRANTS_DEMO", "") == "1",
        trusted_proxies=_proxies(env.get("TRUSTED_PROXIES", "0")),
        zone=_zone(env.get("ZONE") or Settings.zone),
        fund_name=env.get("FUND_NAME") or Settings.fund_name,
        body_name=env.get("BODY_NAME") or Settings.body_name,
        journal_key=env.get("JOURNAL_KEY", ""),
        directory_url=env.get("DIRECTORY_URL", "").strip(),
    )
