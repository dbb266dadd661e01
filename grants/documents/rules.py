"""What the end of validity of a document says on a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from grants.kernel.words import LazyString, _l

WARNED_BEFORE = timedelta(days=30)  # how long before the end of its validity the members are told of a document
MOST_DOCUMENTS = 200  # of one organisation, replaced ones included


class Validity(StrEnum):
    """Whether a document is still valid on a day; one without an end is."""

    VALID = "valid"
    LAPSING = "lapsing"
    LAPSED = "lapsed"


@dataclass(frozen=True)
class DocumentDates:
    """The day a document bears, and its last day of validity, as far as they are told."""

    dated_on: date | None = None
    valid_until: date | None = None


UNDATED = DocumentDates()


def validity(valid_until: date | None, today: date) -> Validity:
    """What the last day of validity says on a day; that day itself is still valid."""
    if valid_until is None or valid_until > today + WARNED_BEFORE:
        return Validity.VALID
    return Validity.LAPSING if valid_until >= today else Validity.LAPSED


def why_not_dates(dates: DocumentDates, today: date) -> tuple[str, LazyString] | None:
    """The field at fault among the dates of a document, and why; None when they are right."""
    dated_on, valid_until = dates.dated_on, dates.valid_until
    if dated_on is not None and dated_on > today:
        return "dated_on", _l("Cette date est à venir : donnez celle qui est écrite sur le document.")
    if dated_on is not None and valid_until is not None and valid_until < dated_on:
        return "valid_until", _l("La fin de validité vient avant la date du document.")
    return None
