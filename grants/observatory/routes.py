"""Views of the register, open data and figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for

from grants.kernel import reference_files, sheets
from grants.kernel.access import hidden_dossiers, hidden_money, public, requires
from grants.kernel.errors import MissingError
from grants.kernel.money import Money
from grants.kernel.pages import zone
from grants.kernel.paging import asked, key_in, places
from grants.kernel.words import in_words_of
from grants.observatory import exports, queries, rules
from grants.observatory.rules import FIGURE_LABELS, READING_LABELS, Breakdown, Figure, TrackingFilters
from grants.permissions import P
from grants.programme import queries as programme

bp = Blueprint("observatory", __name__)
SHOWN = 20  # laureates on a page


@bp.get("/registre")
@public
def register() -> str:
    """Every published award, searchable."""
    words, call, axis = asked("mots", "appel", "axe")
    wanted = queries.RegisterFilters(words, call, axis)
    count, amount = queries.register_total(wanted)
    return render_template(
        "observatory/register.html",
        page=queries.register(wanted, **places()),
        words=words,
        call=call,
        axis=axis,
        call_choices=[(row.code, in_words_of(row, "title")) for row in queries.published_calls()],
        axis_choices=programme.axis_choices(),
        count=count,
        amount=amount,
    )


@bp.get("/registre/<reference>")
@public
def record(reference: str) -> str:
    """One published award."""
    found = queries.laureate(reference)
    if found is None:
        raise MissingError
    return render_template("observatory/record.html", award=found)


@bp.get("/laureats")
@public
def laureates() -> str:
    """A page of the laureates, call by call; the first one also shows where the money goes."""
    page = queries.laureates(size=SHOWN, **places())
    by_call: dict[str, list[queries.Laureate]] = {}
    rows: Sequence[queries.Laureate] = page.rows
    for row in rows:
        by_call.setdefault(row.call_code, []).append(row)
    return render_template(
        "observatory/laureates.html",
        page=page,
        calls=[(call, by_call[call.code]) for call in queries.published_calls() if call.code in by_call],
        tiles=_awarded_tiles() if page.previous is None else [],
    )


@dataclass(frozen=True)
class Tile:
    """A commune on the map: where it is drawn, under which short name, and its figure."""

    name: str
    col: int
    row: int
    short: str
    value: Money


def _awarded_tiles() -> list[Tile]:
    """The communes on the map, each with what it was awarded."""
    amounts = queries.awarded_by_commune()
    names = {commune.insee: commune.name for commune in programme.communes()}
    return [
        Tile(names[code], int(tile["col"]), int(tile["row"]), tile["short"], amounts.get(code, Money(0)))
        for tile in reference_files.rows("commune_tiles.csv")
        if (code := tile["insee"]) in names
    ]


@bp.get("/donnees")
@public
def open_data() -> str:
    """What can be reused, in which format, under which terms."""
    count, amount = queries.register_total()
    return render_template("observatory/open_data.html", count=count, amount=amount, columns=rules.SCDL_COLUMNS)


@bp.get("/donnees/subventions.csv")
@public
def scdl() -> Response:
    """The essential data of the awards, SCDL 2.1.1."""
    return sheets.download("subventions.csv", rules.SCDL_COLUMNS, exports.scdl_rows())


@bp.get("/suivi")
@requires(P.TRACKING_READ)
def tracking() -> str:
    """Asked, awarded, engaged, ordered, paid, left, read along one dimension; every figure opens on its rows."""
    reading, filters = _reading(), _filters()
    lines, ledger = queries.tracking(reading, filters), queries.ledger_totals(filters.hidden)
    chosen, fund = _chosen(filters), programme.fund()
    foot = rules.total(lines)
    return render_template(
        "observatory/tracking.html",
        reading=reading,
        readings=READING_LABELS,
        figures=FIGURE_LABELS,
        reading_tabs=[
            (label, f"{url_for('observatory.tracking')}?{urlencode({'par': one, **chosen})}", one is reading)
            for one, label in READING_LABELS.items()
        ],
        figure_heads=[(label, None, "amount") for label in FIGURE_LABELS.values()],
        lines=lines,
        foot=foot,
        ledger=ledger,
        reconciled=foot.amounts == ledger.amounts,
        narrowed=bool(chosen),
        fund=fund,
        committed=fund.committed - _hidden_from(filters),
        choices=queries.choices(),
        chosen=chosen,
    )


def _hidden_from(filters: TrackingFilters) -> Money:
    """What the dossiers left out hold of the envelope; nothing is asked when none is."""
    return sum(hidden_money().values(), Money(0)) if filters.hidden else Money(0)


@bp.get("/suivi/lignes")
@requires(P.TRACKING_READ)
def behind() -> str:
    """The rows behind a figure, page by page; the parts of all of them add up to it."""
    reading, filters = _reading(), _filters()
    key = request.args.get("cle") or None
    try:
        figure = Figure(request.args.get("montant", ""))
        title = queries.title_of_key(reading, key)
        page = queries.behind(reading, key, figure, filters, **places())
        count, total = queries.behind_total(reading, key, figure, filters)
    except (ValueError, LookupError) as error:
        raise MissingError from error
    return render_template(
        "observatory/behind.html", reading=reading, label=FIGURE_LABELS[figure], title=title, page=page,
        count=count, total=total, chosen=_chosen(filters),
    )  # fmt: skip


@bp.get("/suivi.csv")
@requires(P.EXPORT_MAKE)
def tracking_csv() -> Response:
    """The tracking table as a sheet."""
    return sheets.download_csv(exports.tracking(_reading(), _filters()), zone())


@bp.get("/suivi.xlsx")
@requires(P.EXPORT_MAKE)
def tracking_xlsx() -> Response:
    """The tracking table as a workbook."""
    return sheets.download_workbook(exports.tracking(_reading(), _filters()), zone())


def _reading() -> Breakdown:
    try:
        return Breakdown(request.args.get("par", "axis"))
    except ValueError as error:
        raise MissingError from error


def _filters() -> TrackingFilters:
    call, commune, axis = map(key_in, asked("appel", "commune", "axe"))
    return TrackingFilters(call_id=call, commune_id=commune, axis_id=axis, hidden=hidden_dossiers())


def _chosen(filters: TrackingFilters) -> dict[str, str]:
    """The filters as URL parameters."""
    named = {"appel": filters.call_id, "commune": filters.commune_id, "axe": filters.axis_id}
    return {name: str(value) for name, value in named.items() if value is not None}
