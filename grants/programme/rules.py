"""What can be said of frameworks, law and territory without a database: sort keys, dates, a framework in a file."""

import csv
import io
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from string import Formatter
from typing import Any

from grants.kernel.machine import Text
from grants.kernel.words import _, _l

TRUST_LABELS = {
    "confirmed": _l("source vue"),
    "secondary": _l("source indirecte"),
    "memory": _l("de mémoire, à confirmer"),
    "proposal": _l("proposition, à confirmer"),
    "cut": _l("intitulé coupé dans la source"),
}
TRUST_TONES = {"confirmed": "good", "secondary": "neutral", "memory": "warn", "proposal": "warn", "cut": "warn"}
# The rules of law that code reads; the others are shown to remember, and the page says so.
APPLIED = frozenset(
    {
        "agreement_threshold", "de_minimis_general", "first_instalment_minimum", "implicit_rejection",
        "publication_delay", "report_due", "report_line_gap", "report_line_gap_amount", "retention_refused",
        "single_payment_ceiling", "unspent_limit",
    }
)  # fmt: skip
# The texts that no code reads: managers may copy them into a letter of their own, and the page says so.
MODELS = frozenset({"receipt_complete", "withdrawal_notice"})
USE_LABELS = {
    "call": _l("Textes des appels"),
    "notice": _l("Accusés de réception et avis"),
    "remedy": _l("Voies de recours"),
    "letter": _l("Lettres"),
    "clause": _l("Clauses des conventions"),
}
UNIT_LABELS = {
    "EUR": _l("euros"),
    "month": _l("mois"),
    "day": _l("jours"),
    "year": _l("ans"),
    "percent": "%",
    "count": _l("nombre"),
    "text": "",
}
VALUE_LABELS = {
    "required": _l("obligatoire"),
    "forbidden": _l("interdit"),
    "allowed": _l("permis"),
    "not_blocking": _l("ne bloque pas"),
    "receipt": _l("date de réception"),
}
UNTITLED, UNTITLED_EN = "intitulé à compléter", "title to be completed"
THREADS = 6
ACTION_NUMBER = re.compile(r"[1-9][0-9]?([.][1-9])?")


def number_key(number: str) -> str:
    """Sorts action numbers as numbers: 9 before 10, 41 before 41.1."""
    return ".".join(part.zfill(4) for part in number.split("."))


def holds(day: date, valid_from: date | None, valid_to: date | None) -> bool:
    """Whether a dated thing holds on a day; both ends included, None for no limit."""
    return (valid_from is None or valid_from <= day) and (valid_to is None or day <= valid_to)


def strange_placeholders(body: str, known: Collection[str]) -> list[str] | None:
    """The {words} of a text that the system cannot fill in; None when the braces themselves do not pair."""
    try:
        found = [(name, spec, conversion) for _text, name, spec, conversion in Formatter().parse(body)]
    except ValueError:
        return None
    if any(spec or conversion for _name, spec, conversion in found):
        return None
    return sorted({name for name, _spec, _conversion in found if name is not None and name not in known})


# ---- law -----------------------------------------------------------------------------------------------------------


def why_not_value(value: str, unit: str) -> Text | None:
    """What is wrong with the value of a rule, or None: everything but text is a whole number."""
    if unit != "text" and not (value.isascii() and value.isdigit() and len(value) <= 9):
        return _l("Écrivez un nombre entier, en chiffres.")
    return None


def day_before(day: date) -> date:
    """The last day of what ends when something new begins."""
    return day - timedelta(days=1)


# ---- a framework in files ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """Something a file cannot be read with: which file, which line (None for the whole), what and how to mend it."""

    file: str
    line: int | None
    message: str


@dataclass(frozen=True)
class FrameworkFile:
    """A framework as its files tell it: the TOML of the framework and the rows of its actions."""

    data: dict[str, Any]
    actions: list[dict[str, str]]


_TABLES: dict[str, tuple[str, ...]] = {
    "axes": ("code", "title"),
    "orientations": ("code", "axis", "title"),
    "fields": ("code", "title"),
    "plans": ("code", "title"),
}
_LENGTHS = {"code": 12, "title": 300, "title_en": 300, "short": 120, "short_en": 120}
_COLUMNS = ("number", "title", "axis", "orientation", "fields", "status", "source", "title_en")
_STATUSES = ("confirmed", "secondary", "memory", "proposal", "cut")


def read_framework(toml: str, actions: str) -> tuple[FrameworkFile | None, list[Problem]]:
    """Read a framework from the text of its two files, in the shape of the reference files.

    Returns the framework, or None with everything that is wrong, by line, so that one reading mends all.
    """
    try:
        data = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        line = int(place.group(1)) if place else None
        return None, [Problem("toml", line, _("Ce fichier n’est pas du TOML lisible à cet endroit."))]
    problems = [*_framework_problems(data), *_table_problems(toml, data)]
    rows, wrong = _action_rows(actions, data)
    problems += wrong
    return (None, problems) if problems else (FrameworkFile(_completed(data), rows), [])


def _framework_problems(data: Mapping[str, Any]) -> list[Problem]:
    row = data.get("framework")
    if not isinstance(row, dict):
        return [Problem("toml", None, _("La partie [framework] manque."))]
    problems = [
        Problem("toml", None, _("[framework] : « %(key)s » manque ou n’est pas un texte.", key=key))
        for key in ("code", "name", "source")
        if not isinstance(row.get(key), str) or not row[key].strip()
    ]
    if type(row.get("valid_from")) is not date:
        problems.append(
            Problem("toml", None, _("[framework] : « valid_from » doit être une date, par exemple 2017-11-06."))
        )
    if type(row.get("valid_to", date.max)) is not date:
        problems.append(Problem("toml", None, _("[framework] : « valid_to » doit être une date, ou être absent.")))
    if len(str(row.get("code", ""))) > 40 or len(str(row.get("name", ""))) > 200:
        problems.append(Problem("toml", None, _("[framework] : code de 40 caractères et nom de 200 au plus.")))
    if not isinstance(row.get("expected_actions", 0), int):
        problems.append(Problem("toml", None, _("[framework] : « expected_actions » doit être un nombre entier.")))
    return problems


def _table_problems(toml: str, data: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    if not data.get("axes"):
        problems.append(Problem("toml", None, _("Il faut au moins un axe : [[axes]].")))
    axes = {row.get("code") for row in _rows_of(data, "axes")}
    for table, needed in _TABLES.items():
        lines = [number for number, line in enumerate(toml.split("\n"), 1) if line.strip() == f"[[{table}]]"]
        seen: set[Any] = set()
        for index, row in enumerate(_rows_of(data, table)):
            line = lines[index] if index < len(lines) else None
            problems += [Problem("toml", line, message) for message in _row_faults(row, needed)]
            if row.get("code") in seen:
                problems.append(
                    Problem("toml", line, _("Le code « %(code)s » est donné deux fois.", code=row.get("code")))
                )
            seen.add(row.get("code"))
            if table == "orientations" and row.get("axis") not in axes:
                problems.append(Problem("toml", line, _("L’axe « %(code)s » n’existe pas.", code=row.get("axis"))))
            if table == "axes" and not (isinstance(row.get("colour", 1), int) and 1 <= row.get("colour", 1) <= THREADS):
                problems.append(
                    Problem("toml", line, _("« colour » est le numéro d’un fil, de 1 à %(top)s.", top=THREADS))
                )
    return problems


def _rows_of(data: Mapping[str, Any], table: str) -> list[dict[str, Any]]:
    rows = data.get(table, [])
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _row_faults(row: Mapping[str, Any], needed: Sequence[str]) -> list[str]:
    missing = [key for key in needed if not isinstance(row.get(key), str) or not str(row[key]).strip()]
    faults = [_("« %(key)s » manque ou n’est pas un texte.", key=key) for key in missing]
    return faults + [
        _("« %(key)s » est trop long : %(limit)s caractères au plus.", key=key, limit=limit)
        for key, limit in _LENGTHS.items()
        if len(str(row.get(key, ""))) > limit
    ]


def _action_rows(text: str, data: Mapping[str, Any]) -> tuple[list[dict[str, str]], list[Problem]]:
    if not text.strip():
        return [], []
    reader = csv.DictReader(io.StringIO(text))
    if not reader.fieldnames or not {"number", "axis"} <= set(reader.fieldnames):
        return [], [Problem("csv", 1, _("La première ligne doit nommer au moins les colonnes number et axis."))]
    axes = {row.get("code") for row in _rows_of(data, "axes")}
    orientations = {row.get("code"): row.get("axis") for row in _rows_of(data, "orientations")}
    fields = {row.get("code") for row in _rows_of(data, "fields")}
    rows: list[dict[str, str]] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for raw in reader:
        line = reader.line_num
        row = {name: (raw.get(name) or "").strip() for name in _COLUMNS}
        faults = _action_faults(row, axes, orientations, fields, seen)
        problems += [Problem("csv", line, fault) for fault in faults]
        seen.add(row["number"])
        row["status"] = row["status"] or ("confirmed" if row["title"] else "proposal")
        rows.append(row)
    return rows, problems


def _action_faults(
    row: Mapping[str, str],
    axes: Collection[Any],
    orientations: Mapping[Any, Any],
    fields: Collection[Any],
    seen: Collection[str],
) -> list[str]:
    faults: list[str] = []
    if not ACTION_NUMBER.fullmatch(row["number"]):
        faults.append(_("« %(number)s » n’est pas un numéro d’action (par exemple 12 ou 41.1).", number=row["number"]))
    if row["number"] in seen:
        faults.append(_("L’action %(number)s est donnée deux fois.", number=row["number"]))
    if row["axis"] not in axes:
        faults.append(_("L’axe « %(code)s » n’existe pas.", code=row["axis"]))
    if row["orientation"] and orientations.get(row["orientation"]) != row["axis"]:
        faults.append(_("L’orientation « %(code)s » n’existe pas dans cet axe.", code=row["orientation"]))
    faults += [
        _("Le champ « %(code)s » n’existe pas.", code=code) for code in row["fields"].split() if code not in fields
    ]
    if row["status"] and row["status"] not in _STATUSES:
        faults.append(_("Le statut « %(status)s » n’est pas connu.", status=row["status"]))
    if row["title"] and not row["source"]:
        faults.append(_("Un intitulé doit dire sa source."))
    if len(row["title"]) > 400 or len(row["title_en"]) > 400:
        faults.append(_("L’intitulé est trop long : 400 caractères au plus."))
    return faults


def _completed(data: dict[str, Any]) -> dict[str, Any]:
    """The data with what the reference files always say and a stranger's file may leave out."""
    columns = {
        "placeholder": str(_("intitulé à compléter")),
        "placeholder_en": "title to be completed",
        **data["framework"],
    }
    axes = [
        {"short": row["title"][:120], "position": index, "colour": (index - 1) % THREADS + 1, **row}
        for index, row in enumerate(_rows_of(data, "axes"), 1)
    ]
    others = {
        table: [{"position": index, **row} for index, row in enumerate(_rows_of(data, table), 1)]
        for table in ("orientations", "fields", "plans")
    }
    return {"framework": columns, "axes": axes, **others}


Strands = tuple[tuple[int, str, int], ...]  # colour, code and share of each axis


def strands_of(shares: Iterable[tuple[Any, int]]) -> Strands:
    """The shares of a project by axis as plain values: colour, code and share of each axis that has one."""
    return tuple((axis.colour, axis.code, share) for axis, share in shares if share)


def year_end(ends_on: date, year_end_month: int) -> date:
    """The last day of the fiscal year in which the project ends."""
    year = ends_on.year if ends_on.month <= year_end_month else ends_on.year + 1
    first_of_next = date(year + year_end_month // 12, year_end_month % 12 + 1, 1)
    return first_of_next - timedelta(days=1)
