"""Opens sessions for tests without the cost of hashing a password."""

from typing import Any

from grants.kernel.db import unit_of_work
from grants.people import actions
from grants.people.models import Account


def session_of(account: Account) -> dict[str, Any]:
    """What the signed cookie of a signed-in person holds."""
    with unit_of_work():
        opened = actions.open_session(account, user_agent="Firefox/140.0 (Linux)")
    return {"_user_id": opened.uniquifier, "_fresh": True, "sign_in": opened.secret}
