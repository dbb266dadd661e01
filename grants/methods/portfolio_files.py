"""The portfolio on files: candidates and rules read strictly, the answer as plain data or in French words."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from grants.kernel.money import LIMIT_CENTS
from grants.methods.portfolio import (
    Another,
    Answer,
    AtMost,
    Bound,
    Candidate,
    Excess,
    LeftOut,
    Limit,
    Objective,
    Robustness,
    Rules,
    Standing,
    standing,
)
from grants.methods.tables import Row, each_row, euros, read_rules, read_table, refuse

MOST_CANDIDATES = 3_000
MOST_DRAWN = 1_000_000
KEYS = ("budget", "objective", "locked_in", "locked_out", "rule", "at_most")
NBSP = "\u00a0"
_SCORE = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,2})?", re.ASCII)
_LONGEST = 40
_LARGEST_SCORE = 10**12
MOST_COUNTED = 1_000_000  # dossiers, in a rule

STANDINGS = {Standing.IN: "sûrement retenu", Standing.DEBATED: "à débattre", Standing.OUT: "sûrement écarté"}

T = TypeVar("T")


# ---- candidates ----------------------------------------------------------------------------------------------------


def read_candidates(path: Path) -> list[Candidate]:
    """The candidates of a table. Raises UnreadableError, by line number, for an identifier that is missing or there
    twice, a score or an amount that is not a number, a level that is not below the amount."""
    rows = read_table(path, ("id", "score", "amount"), most=MOST_CANDIDATES)
    lines: dict[str, int] = {}
    return each_row(path, rows, lambda row: _candidate(row, lines))


def _candidate(row: Row, lines: dict[str, int]) -> Candidate:
    name = row.cells["id"]
    if not name:
        raise ValueError("l’identifiant manque")
    if name in lines:
        raise ValueError(f"« {name[:_LONGEST]} » est déjà à la ligne {lines[name]}")
    lines[name] = row.line
    amount = euros(row.cells["amount"]).cents
    return Candidate(
        name, _score(row.cells["score"]), (amount, *_levels(row.cells.get("levels", ""), amount)), row.cells
    )


def _score(text: str) -> Fraction:
    if len(text) <= _LONGEST and _SCORE.fullmatch(text):
        score = Fraction(Decimal(text.replace(",", ".")))
        if abs(score) <= _LARGEST_SCORE:
            return _quotient(score)
    raise ValueError(f"« {text[:_LONGEST]} » n’est pas une note")


def _quotient(score: Fraction) -> Fraction:
    """3.6666666666666665, which a program wrote, is 11/3; a score of fewer digits is what it says."""
    simple = score.limit_denominator(1000)
    return simple if abs(simple - score) <= abs(score) / 10**15 else score


def _levels(text: str, amount: int) -> list[int]:
    """The levels below the amount, the largest first."""
    levels = [euros(part.strip()).cents for part in text.split("|")] if text else []
    for level in levels:
        if not level:
            raise ValueError("un niveau est de zéro euro")
        if level > amount:
            raise ValueError(f"le niveau {in_euros(level)} dépasse le montant")
        if levels.count(level) > 1:
            raise ValueError(f"le niveau {in_euros(level)} est écrit deux fois")
    return sorted((level for level in levels if level < amount), reverse=True)


# ---- rules ---------------------------------------------------------------------------------------------------------


def read_portfolio_rules(path: Path, candidates: Sequence[Candidate]) -> Rules:
    """The rules of a TOML file for these candidates. Raises UnreadableError, all problems at once, for a key that is
    not known or missing, a value of another kind or out of range, a column or an identifier that the table has not."""
    read = read_rules(path, KEYS)
    problems: list[str] = []
    columns = candidates[0].cells.keys()
    known = {each.id for each in candidates}
    budget = _value(read, "budget", problems, _cents, 0)
    objective = _value(read, "objective", problems, _objective, Objective.SCORE)
    locks = [
        _value(read, key, problems, lambda value: _ids(value, known), None) if key in read else None
        for key in ("locked_in", "locked_out")
    ]
    limits = _tables(read.get("rule", []), "rule", problems, lambda table: _limit(table, columns))
    at_most = _tables(read.get("at_most", []), "at_most", problems, lambda table: _at_most(table, columns))
    refuse(path, problems)
    return Rules(budget, objective, locks[0], locks[1], tuple(limits), tuple(at_most))


def _value(
    read: Mapping[str, object], key: str, problems: list[str], reading: Callable[[object], T], otherwise: T
) -> T:
    """What a key says; a problem more, and `otherwise`, when it is missing or says nothing of use."""
    try:
        return reading(read[key])
    except KeyError:
        problems.append(f"« {key} » manque")
    except ValueError as error:
        problems.append(f"{key} : {error}")
    return otherwise


def _tables(tables: object, key: str, problems: list[str], reading: Callable[[Mapping[str, object]], T]) -> list[T]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(f"{key} : s’écrit [[{key}]]")
        return []
    read = []
    for rank, table in enumerate(tables):
        try:
            read.append(reading(table))
        except ValueError as error:
            problems.append(f"{key}[{rank}] : {error}")
    return read


def _limit(table: Mapping[str, object], columns: Iterable[str]) -> Limit:
    bounds = [bound for bound in Bound if bound in table]
    _check_keys(table, {"column", "equals", *Bound})
    if len(bounds) != 1:
        raise ValueError(f"{len(bounds)} bornes au lieu d’une ({', '.join(Bound)})")
    equals = table.get("equals")
    if not (isinstance(equals, str) or type(equals) is int):
        raise ValueError("« equals » manque, ou n’est ni un texte ni un nombre entier")
    bound = bounds[0]
    try:
        number = _bounded(bound, table[bound])
    except ValueError as error:
        raise ValueError(f"{bound}, {error}") from error
    return Limit(_column(table, columns), str(equals).strip(), bound, number)


def _bounded(bound: Bound, value: object) -> Fraction:
    if bound is Bound.MIN_SHARE:
        return _share(value)
    return Fraction(_count(value) if bound in {Bound.MIN_COUNT, Bound.MAX_COUNT} else _cents(value))


def _at_most(table: Mapping[str, object], columns: Iterable[str]) -> AtMost:
    _check_keys(table, {"column", "count"})
    if "count" not in table:
        raise ValueError("« count » manque")
    return AtMost(_column(table, columns), _count(table["count"]))


def _check_keys(table: Mapping[str, object], known: set[str]) -> None:
    unknown = [key for key in table if key not in known]
    if unknown:
        raise ValueError(f"« {unknown[0]} » n’est pas connu")


def _column(table: Mapping[str, object], columns: Iterable[str]) -> str:
    column = table.get("column")
    if not isinstance(column, str) or column not in columns:
        raise ValueError(f"la table n’a pas de colonne « {column} »" if column else "« column » manque")
    return column


def _objective(value: object) -> Objective:
    if not isinstance(value, str) or value not in set(Objective):
        raise ValueError(f"« {value} » n’est pas un objectif ({', '.join(Objective)})")
    return Objective(value)


def _ids(value: object, known: set[str]) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(type(each) in {str, int} for each in value):
        raise ValueError("ce n’est pas une liste d’identifiants")
    ids = [str(each) for each in value]
    unknown = [each for each in ids if each not in known]
    if unknown:
        raise ValueError(f"« {unknown[0]} » n’est pas dans la table")
    return tuple(dict.fromkeys(ids))


def _number(value: object) -> Fraction:
    """An integer or a decimal, as it was written."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST_SCORE <= value <= _LARGEST_SCORE:
        raise ValueError(f"« {str(value)[:40]} » n’est pas un nombre")
    return Fraction(Decimal(repr(value)))


def _cents(value: object) -> int:
    cents = _number(value) * 100
    if cents.denominator != 1 or not 0 <= cents <= LIMIT_CENTS:
        raise ValueError(f"« {str(value)[:40]} » n’est pas un montant en euros, de deux décimales au plus")
    return int(cents)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_COUNTED:
        raise ValueError(f"« {str(value)[:40]} » n’est pas un nombre de dossiers")
    return value


def _share(value: object) -> Fraction:
    share = _number(value)
    if not 0 <= share <= 1:
        raise ValueError(f"« {str(value)[:40]} » n’est pas une part, de 0 à 1")
    return share


def read_draws(path: Path, candidates: Sequence[Candidate]) -> list[dict[str, Fraction]]:
    """The scores of each draw, from a table `draw,id,score`. Raises UnreadableError, by line number, for a score that
    is not one, an identifier that the candidates have not or there twice in a draw; and for a draw that lacks one."""
    known = {each.id for each in candidates}
    draws: dict[str, dict[str, Fraction]] = {}

    def reading(row: Row) -> None:
        draw, name = draws.setdefault(row.cells["draw"], {}), row.cells["id"]
        if name not in known:
            raise ValueError(f"« {name[:_LONGEST]} » n’est pas un des dossiers")
        if name in draw:
            raise ValueError(f"« {name[:_LONGEST]} » est déjà dans ce tirage")
        draw[name] = _score(row.cells["score"])

    each_row(path, read_table(path, ("draw", "id", "score"), most=MOST_DRAWN), reading)
    lacking = [draw for draw, scores in draws.items() if len(scores) < len(known)]
    refuse(path, [f"tirage « {draw[:_LONGEST]} » : il manque des dossiers" for draw in lacking])
    return list(draws.values())


# ---- the answer ----------------------------------------------------------------------------------------------------


def as_data(answer: Answer, candidates: Sequence[Candidate], rules: Rules) -> dict[str, object]:
    """The answer as JSON carries it: euros and objectives as integers where they are whole."""
    amounts = answer.portfolio.amounts
    return {
        "selected": list(amounts),
        "amounts": {name: _plain(Fraction(cents, 100)) for name, cents in amounts.items()},
        "objective": _plain(answer.portfolio.objective),
        "left_out": [{"id": name, "reason": reason} for name, reason in reasons(answer, candidates, rules)],
        "prices": {name: None if gain is None else _plain(gain) for name, gain in answer.prices.items()},
        "clash": answer.clash,
    }


def as_tables(answer: Answer, candidates: Sequence[Candidate], rules: Rules) -> list[tuple[list[str], list[list[str]]]]:
    """The answer as tables for people, each with its headings: the set, the reasons, the prices; or the clash."""
    if answer.clash:
        return [(["règles que rien ne respecte ensemble"], [[name] for name in answer.clash])]
    scores = {each.id: each.score for each in candidates}
    amounts = answer.portfolio.amounts
    chosen = [[name, in_words(scores[name]), in_euros(cents)] for name, cents in amounts.items()]
    total = [
        f"total : {len(amounts)}",
        f"objectif : {in_words(answer.portfolio.objective)}",
        in_euros(sum(amounts.values())),
    ]
    prices = [[name, "non calculé" if gain is None else in_words(gain)] for name, gain in answer.prices.items()]
    return [
        (["retenu", "note", "montant"], [*chosen, total]),
        (["non retenu", "pourquoi"], [list(each) for each in reasons(answer, candidates, rules)]),
        (["règle", "gain de l’objectif sans elle"], prices),
    ]


def next_as_data(sets: Iterable[Another]) -> list[dict[str, object]]:
    """The next best sets as JSON carries them: what enters and leaves, beside the best one."""
    return [
        {
            "selected": list(each.portfolio.amounts), "objective": _plain(each.portfolio.objective),
            "enters": each.enters, "leaves": each.leaves,
        }
        for each in sets
    ]  # fmt: skip


def next_as_table(sets: Iterable[Another]) -> tuple[list[str], list[list[str]]]:
    """The next best sets as a table for people."""
    rows = [[in_words(each.portfolio.objective), ", ".join(each.enters), ", ".join(each.leaves)] for each in sets]
    return ["ensemble suivant : objectif", "entrent", "sortent"], rows


def robustness_as_table(found: Robustness) -> tuple[list[str], list[list[str]]]:
    """How often each dossier is in the best set, as a table for people."""
    rows = [[name, f"{in_words(share * 100)} %", STANDINGS[standing(share)]] for name, share in found.shares.items()]
    near = [f"ensembles à {found.gap:.2%} près".replace(".", ",").replace("%", " %")] if found.gap else []
    return ["dossier", "retenu dans", "donc", *near], [[*row, *([""] if near else [])] for row in rows]


def robustness_as_data(found: Robustness) -> dict[str, object]:
    """How often each dossier is in the best set, and by what part sets may fall short, as JSON carries it."""
    standings = {name: {"share": _plain(of), "standing": str(standing(of))} for name, of in found.shares.items()}
    return {"gap": found.gap, "dossiers": standings}


def reasons(answer: Answer, candidates: Sequence[Candidate], rules: Rules) -> list[tuple[str, str]]:
    """Why each dossier that is not selected is not, in the order of the ranking; in a clash, the same for all."""
    if answer.clash:
        why = f"aucun choix ne respecte à la fois {', '.join(answer.clash)}"
        return [(each.id, why) for each in sorted(candidates, key=lambda each: (-each.score, each.id))]
    partial = {each.id for each in candidates if len(each.amounts) > 1}
    return [(each.id, _reason(each, rules, each.id in partial)) for each in answer.left_out]


def _reason(left: LeftOut, rules: Rules, partial: bool) -> str:
    if left.locked:
        return "exclu (locked_out)"
    if not left.breaks:
        return "n’ajouterait rien à l’objectif"
    words = " ; ".join(_broken(each, rules) for each in left.breaks) + (
        " (à son plus petit montant)" if partial else ""
    )
    if left.replaced_by is None:
        return words
    gain = f"qui apporte {in_words(left.loss)} de plus" if left.loss else "à égalité"
    return f"{words} ; remplacé par « {left.replaced_by} », {gain}"


def _broken(excess: Excess, rules: Rules) -> str:
    if excess.rule == "budget":
        return f"il manque {in_euros(excess.by)} dans l’enveloppe"
    kind, number = excess.rule.rstrip("]").split("[")
    if kind == "at_most":
        most = rules.at_most[int(number)]
        return f"au plus {most.count} par {most.column}, ici « {excess.equals} »{NBSP}: {excess.rule}"
    limit = rules.limits[int(number)]
    of = f"sur {limit.column} « {limit.equals} »"
    if limit.bound is Bound.MIN_SHARE:
        return f"part {of} trop faible, il y manquerait {in_euros(excess.by)}{NBSP}: {excess.rule}"
    over = in_euros(excess.by) if limit.bound is Bound.MAX_EUROS else f"{excess.by} dossier"
    return f"plafond {of} dépassé de {over}{NBSP}: {excess.rule}"


def in_euros(cents: int) -> str:
    """ "4 200 €", with cents when there are some."""
    whole, rest = divmod(cents, 100)
    grouped = f"{whole:,}".replace(",", NBSP)
    return f"{grouped},{rest:02d}{NBSP}€" if rest else f"{grouped}{NBSP}€"


def in_words(value: Fraction) -> str:
    """A number as French writes it, of six decimals at most."""
    return f"{round(float(value), 6):.6f}".rstrip("0").rstrip(".").replace(".", ",")


def _plain(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)
