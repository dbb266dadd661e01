"""What the committee's members receive: files to read, and a reminder of what remains."""

from datetime import date
from typing import Any

from grants.calls.models import Call
from grants.kernel import clock, outbox
from grants.people.models import Account


def assigned(account: Account, call: Call, *, number: int, due_on: date | None) -> None:
    """Tell a reviewer that files wait for them; one letter for all of them."""
    _write("reviewing_assigned", account, call, key=clock.now().isoformat(), number=number, due_on=due_on)


def reminder(account: Account, call: Call, *, number: int) -> None:
    """Remind a reviewer of what remains."""
    _write("reviewing_reminder", account, call, key=reminder_key(), number=number)


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
