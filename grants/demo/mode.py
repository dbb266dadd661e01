"""Whether a database is that of a demonstration: its passwords are public, and everybody reads its letters."""

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from grants.calls.models import Call
from grants.config import Settings
from grants.demo import content
from grants.kernel.db import db
from grants.people.models import Account


def is_empty() -> bool:
    """Whether nobody has an account and there is no call: a database nobody has used yet."""
    return not (db.session.scalar(select(Account.id).limit(1)) or db.session.scalar(select(Call.id).limit(1)))


def refused(settings: Settings) -> str | None:
    """Why a server does not start on this database, or None; nothing stays connected. For who serves the application.

    A database that cannot be read is refused too: what it holds is not known.
    """
    try:
        return wrong(settings)
    except SQLAlchemyError as error:
        reason = str(error).partition("\n")[0]
        return f"La base n’est pas prête ({reason}). Lancez « grants init », puis « grants check »."
    finally:
        db.session.remove()
        db.engine.dispose()


def wrong(settings: Settings) -> str | None:
    """Why this database is not served in the mode of the settings, or None."""
    emails = [row["email"] for row in content.people()]
    holds = db.session.scalar(select(Account.id).where(Account.email.in_(emails)).limit(1)) is not None
    if holds and not settings.is_demo:
        return (
            "Cette base est celle d’une démonstration : le mot de passe de ses comptes est public. "
            "« grants run --demo » la sert ; un vrai fonds commence dans une base neuve "
            "(GRANTS_INSTANCE ou DATABASE_URL)."
        )
    if not holds and settings.is_demo and not is_empty():
        return (
            "Cette base n’est pas celle d’une démonstration : ses courriels seraient lus par tous. "
            "« grants run --no-demo » (ou GRANTS_DEMO=0) la sert ; une démonstration commence dans une base neuve "
            "(GRANTS_INSTANCE)."
        )
    return None
