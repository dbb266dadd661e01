"""What is read of applications: their content, the writing space, lists, receipts, proofs."""

from grants.applications.queries.content import (
    Picked,
    content_of,
    draft_content,
    is_draft,
    latest_version,
    lock,
    picked_by,
    plain_content,
    read_with,
)
from grants.applications.queries.lists import (
    candidates,
    current,
    found_by,
    of_organisations,
    story_of,
)
from grants.applications.queries.receipts import (
    Receipt,
    Texts,
    is_authentic,
    receipt_of,
    texts_of_receipts,
)
from grants.applications.queries.upkeep import (
    drafts_with_author,
    problems,
    told_of_extension,
)
from grants.applications.queries.writing import (
    Offer,
    attachment_of,
    attachments_of,
    offers_of,
    options_of,
    questions_on,
    section_codes,
    section_values,
    steps,
)

__all__ = [
    "Offer",
    "Picked",
    "Receipt",
    "Texts",
    "attachment_of",
    "attachments_of",
    "candidates",
    "content_of",
    "current",
    "draft_content",
    "drafts_with_author",
    "found_by",
    "is_authentic",
    "is_draft",
    "latest_version",
    "lock",
    "of_organisations",
    "offers_of",
    "options_of",
    "picked_by",
    "plain_content",
    "problems",
    "questions_on",
    "read_with",
    "receipt_of",
    "section_codes",
    "section_values",
    "steps",
    "story_of",
    "texts_of_receipts",
    "told_of_extension",
]
