"""What we write to the members of an organisation about its documents."""

from grants.documents import queries
from grants.kernel.outbox import write


def warn_of_lapsing() -> int:
    """To each member, once for each end of validity, that a document of the organisation lapses soon.

    Returns how many letters were written; the worker may ask again and again.
    """
    known, written = queries.letters_written("document_lapses:"), 0
    for document, account in queries.members_to_warn():
        dedup = f"document_lapses:{document.id}:{document.valid_until}:{account.id}"
        if dedup in known:
            continue
        write("documents_lapsing", to=account.email, dedup=dedup, locale=account.locale, document=document)
        written += 1
    return written
