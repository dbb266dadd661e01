"""Workbooks of lists of any length, made by the worker: what is too long for `sheets.download_workbook`."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from grants.kernel import jobs
from grants.kernel.actor import Actor
from grants.kernel.machine import Text
from grants.kernel.pages import zone
from grants.kernel.sheets import Sheet, write_workbook
from grants.kernel.words import _l

Arguments = TypeVar("Arguments")
MOST_ROWS = 1_048_575  # what the format has place for, below the heads
_TOO_LONG = _l(
    "Un classeur n’a pas assez de place pour ces lignes : prenez le CSV, ou resserrez la liste par un filtre."
)


def register(
    name: str, label: Text, permission: StrEnum, arguments: type[Arguments],
    sheet: Callable[[Actor, Arguments], Sheet[Any]], count: Callable[[Actor, Arguments], int],
) -> jobs.JobKind[Arguments]:  # fmt: skip
    """Let the workbook of a list be asked for as a job: `sheet` is the list for a person, `count` its rows."""

    def make(work: jobs.Work[Arguments]) -> str:
        made = sheet(work.actor, work.arguments)
        work.total = count(work.actor, work.arguments)
        if work.total > MOST_ROWS:
            raise jobs.FailedError(_TOO_LONG)
        write_workbook(work.file, replace(made, rows=work.counted(made.rows)), zone(), most=MOST_ROWS)
        return f"{made.name}.xlsx"

    return jobs.register(jobs.JobKind(name, label, permission, arguments, make))
