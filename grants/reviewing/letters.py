"""What the committee's members receive: files to read, and a reminder of what remains."""

from datetime import date
from typing import Any

from grants.calls.models import Call
from grants.kernel import clock, outbox
from grants.people.models import Account


def assigned(account: Account, call: Call, *, number: int, due_on: date | None) -> None:
    """Tell a reviewer that files wait for them; one letter for all of them."""
    _write("reviewing_assigned", account, call, key=clock.now().isoformat(), number=number, due_on=due_on)


def taken_back(account: Account, call: Call, *, reference: str) -> None:
    """Tell a reviewer that a file is no longer theirs to review."""
    key = f"{reference}:{clock.now().isoformat()}"
    _write("reviewing_taken_back", account, call, key=key, reference=reference)


def reminder(account: Account, call: Call, *, number: int, late: int = 0) -> None:
    """Remind a reviewer of what remains, and of how many were expected before today."""
    _write("reviewing_reminder", account, call, key=reminder_key(), number=number, late=late)


def reminder_key() -> str:
    """What tells a reminder from another: the day, so that a second click the same day writes nothing."""
    return f"reminder:{clock.today()}"


def dedup_of(account: Account, call: Call, key: str) -> str:
    """The key of a letter to a reviewer about a call."""
    return f"reviewing:{call.id}:{account.id}:{key}"


def _write(template: str, account: Account, call: Call, *, key: str, **context: Any) -> None:
    outbox.write(
        template, to=account.email, dedup=dedup_of(account, call, key), locale=account.locale,
        account=account, call=call, fund=call.fund, **context,
    )  # fmt: skip
