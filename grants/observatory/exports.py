"""What leaves: the essential data of the awards as SCDL subventions 2.1.1 (décret 2017-779), tracking for people."""

from collections.abc import Iterator
from typing import Any

from grants.kernel.sheets import Column, ColumnKind, Sheet
from grants.kernel.words import _, _l
from grants.observatory import queries, rules
from grants.observatory.rules import FIGURE_LABELS, READING_LABELS, Breakdown, Figure, TrackingFilters, TrackingLine
from grants.programme import queries as programme


def scdl_rows() -> Iterator[list[Any]]:
    """One row per published award, one beneficiary each, in the schema's column order.

    The day is the agreement's signature or, without one, the act's.
    """
    fund = programme.fund()
    for row in queries.open_data_rows():
        day = row.signed_on or row.act_on
        first = row.first_on or day
        yield [
            fund.body_name,
            fund.body_siret,
            day,
            row.act_number,
            row.organisation,
            row.siret,
            rules.strict_rna(row.rna, row.siret),
            rules.purpose(row.title),
            row.amount,
            "aide en numéraire",
            rules.payment_terms(row.instalments or 1),
            rules.payment_period(first, max(first, row.last_on or first)),
            "",
            bool(row.economic),
            "1.00",
            "",
        ]


def _amounts_of(figure: Figure) -> Column[TrackingLine]:
    return Column(FIGURE_LABELS[figure], ColumnKind.MONEY, lambda line: line.sums[figure])


def tracking(reading: Breakdown, filters: TrackingFilters) -> Sheet[TrackingLine]:
    """The table of tracking, one row per line of the reading."""
    columns: tuple[Column[TrackingLine], ...] = (
        Column(READING_LABELS[reading], ColumnKind.WORD, lambda line: line.code),
        Column(_l("Intitulé"), ColumnKind.TEXT, lambda line: line.title),
        *(_amounts_of(figure) for figure in Figure),
        Column(_l("Reste à payer"), ColumnKind.MONEY, lambda line: line.sums.left),
    )
    return Sheet(f"suivi-{reading}", _("Suivi du fonds"), columns, queries.tracking(reading, filters))
