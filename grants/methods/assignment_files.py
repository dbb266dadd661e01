"""The files of an assignment of readers, read strictly."""

import re
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from grants.methods.assignment import (
    COLLEGES,
    CONFLICTS,
    KEPT,
    LOAD,
    MOST_PAIRS,
    READERS,
    Dossier,
    Reader,
    Rules,
)
from grants.methods.tables import Row, UnreadableError, each_row, read_rules, read_table, refuse

MOST_NUMBER = 1_000_000
T = TypeVar("T")
_NUMBER = re.compile(r"[0-9]{1,7}")


class Files(NamedTuple):
    """What the files say, and the names of the rules in the order of the files."""

    dossiers: list[Dossier]
    readers: list[Reader]
    rules: Rules
    order: list[str]


def read(dossiers: Path, readers: Path, rules: Path, conflicts: Path | None, kept: Path | None) -> Files:
    """Everything an assignment needs. Raises UnreadableError, by line number or key, for whatever cannot be used."""
    every_dossier = _distinct(dossiers, read_table(dossiers, ["id"]), _dossier)
    every_reader = _distinct(readers, read_table(readers, ["id", "college", "max_load"]), _reader)
    if len(every_dossier) * len(every_reader) > MOST_PAIRS:
        size = f"{len(every_dossier)} dossiers × {len(every_reader)} lecteurs"
        raise UnreadableError([f"{dossiers.name} : {size}, plus de {MOST_PAIRS} couples possibles"])
    known = {one.id for one in every_dossier}, {one.id for one in every_reader}
    said = read_rules(rules, [READERS, LOAD, COLLEGES])
    colleges = said.get(COLLEGES, {})
    refuse(rules, [*_wrong_numbers(said), *_wrong_colleges(colleges)])
    seats = {name: int(number) for name, number in colleges.items()} if isinstance(colleges, dict) else {}
    most = said.get(LOAD)
    order = [name for key in said for name in ([f"{COLLEGES}.{one}" for one in seats] if key == COLLEGES else [key])]
    if LOAD not in order and any(one.max_load is not None for one in every_reader):
        order.append(LOAD)
    order += [name for name, file in ((CONFLICTS, conflicts), (KEPT, kept)) if file]
    asked = Rules(
        readers_per_dossier=_whole(said[READERS]),
        max_load=None if most is None else _whole(most),
        colleges=seats,
        conflicts=_pairs(conflicts, *known),
        kept=_pairs(kept, *known),
    )
    return Files(every_dossier, every_reader, asked, order)


def _distinct(path: Path, rows: Iterable[Row], reading: Callable[[Row], T]) -> list[T]:
    first: dict[str, int] = {}

    def once(row: Row) -> T:
        known = first.setdefault(row.cells["id"], row.line)
        if known != row.line:
            raise ValueError(f"« {row.cells['id'][:40]} » est déjà à la ligne {known}")
        return reading(row)

    return each_row(path, rows, once)


def _dossier(row: Row) -> Dossier:
    return Dossier(_identifier(row.cells["id"]), frozenset(_topics(row)))


def _reader(row: Row) -> Reader:
    bound = row.cells["max_load"]
    if bound and not _NUMBER.fullmatch(bound):
        raise ValueError(f"max_load : « {bound[:40]} » n’est pas un nombre entier de 0 à {MOST_NUMBER}")
    most = int(bound) if bound else None
    return Reader(_identifier(row.cells["id"]), row.cells["college"], most, dict.fromkeys(_topics(row), 1))


def _identifier(text: str) -> str:
    if not text:
        raise ValueError("l’identifiant est vide")
    return text


def _topics(row: Row) -> list[str]:
    topics = [topic.strip() for topic in row.cells.get("topics", "").split("|")]
    return [topic for topic in topics if topic]


def _pairs(path: Path | None, dossiers: Collection[str], readers: Collection[str]) -> frozenset[tuple[str, str]]:
    """The pairs (dossier, reader) of a file that may have none; a pair written twice is one pair."""
    if path is None:
        return frozenset()

    def pair(row: Row) -> tuple[str, str]:
        dossier, reader = row.cells["dossier"], row.cells["reader"]
        unknown = [
            f"{what} « {name[:40]} » inconnu"
            for what, name, known in (("dossier", dossier, dossiers), ("lecteur", reader, readers))
            if name not in known
        ]
        if unknown:
            raise ValueError(", ".join(unknown))
        return dossier, reader

    return frozenset(each_row(path, read_table(path, ["reader", "dossier"], least=0), pair))


def _wrong_numbers(said: dict[str, object]) -> list[str]:
    wrong = [] if READERS in said else [f"il manque « {READERS} »"]
    for key, least in ((READERS, 1), (LOAD, 0)):
        if key in said and not _is_whole(said[key], least):
            wrong.append(f"« {key} » doit être un nombre entier, {least} au moins et {MOST_NUMBER} au plus")
    return wrong


def _wrong_colleges(colleges: object) -> list[str]:
    if not isinstance(colleges, dict):
        return [f"« {COLLEGES} » doit être une table : un collège, ses sièges"]
    return [
        f"« {COLLEGES}.{name} » doit être un nombre entier, 0 au moins et {MOST_NUMBER} au plus"
        for name, seats in colleges.items()
        if not _is_whole(seats, 0)
    ]


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MOST_NUMBER


def _whole(value: object) -> int:
    """A number that was found whole."""
    assert isinstance(value, int)  # noqa: S101 - checked before
    return value
