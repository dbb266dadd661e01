"""What we write to somebody who put a question about a call."""

from grants.calls.models import PublicQuestion
from grants.kernel import outbox
from grants.kernel.db import db
from grants.people.models import Account


def settled(question: PublicQuestion) -> None:
    """Tell whoever asked that the answer is on the page of the call, or why it is not."""
    account = db.session.get_one(Account, question.asked_by)
    if account.active:
        template = "calls_question_published" if question.is_published else "calls_question_declined"
        dedup, call = f"public_question:{question.id}", question.call
        outbox.write(
            template, to=account.email, dedup=dedup, locale=account.locale, question=question, call=call, fund=call.fund
        )
