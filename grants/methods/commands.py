"""The calculations as commands on files: no database, a table or JSON on the output, refusals by line number."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from grants.methods.tables import UnreadableError

FILE = click.Path(dir_okay=False, path_type=Path)

P = ParamSpec("P")


def refusing(command: Callable[P, None]) -> Callable[P, None]:
    """The command; a file that cannot be used ends it with its problems, one a line, and nothing on the output."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except UnreadableError as error:
            raise click.ClickException(str(error)) from error

    return run


def say_json(answer: object) -> None:
    """Write the answer as JSON, two spaces a level, letters as they are."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2, allow_nan=False))


def say_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table in columns as wide as their widest cell."""
    lines = [heading, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heading))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


COMMANDS: tuple[click.Command, ...] = ()
