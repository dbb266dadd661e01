"""The calculations as commands on files: no database, a table or JSON on the output, refusals by line number."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from grants.kernel.commands import Command
from grants.methods import assignment_files, portfolio, portfolio_files, ranking
from grants.methods.assignment import COLLEGES, CONFLICTS, KEPT, LOAD, READERS, Pair, Rules, assign
from grants.methods.programs import UnprovedError
from grants.methods.tables import UnreadableError, euros

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


# ---- readers -------------------------------------------------------------------------------------------------------


@click.command("assign", cls=Command)
@click.argument("dossiers", type=FILE, metavar="DOSSIERS.csv")
@click.argument("readers", type=FILE, metavar="LECTEURS.csv")
@click.argument("rules", type=FILE, metavar="RÈGLES.toml")
@click.option("--conflicts", type=FILE, help="Liens d’intérêts (CSV : reader, dossier).")
@click.option("--kept", type=FILE, help="Ce qui est déjà attribué et doit le rester (CSV : dossier, reader).")
@click.option("--json", "as_json", is_flag=True, help="Répond en JSON.")
@refusing
def assign_readers(
    dossiers: Path, readers: Path, rules: Path, conflicts: Path | None, kept: Path | None, as_json: bool
) -> None:
    """Attribue les dossiers aux lecteurs : règles d’abord, puis thèmes, charges égales, lecteurs croisés."""
    files = assignment_files.read(dossiers, readers, rules, conflicts, kept)
    found = assign(files.dossiers, files.readers, files.rules, order=files.order)
    if as_json:
        pairs = [[pair.dossier, pair.reader] for pair in found.pairs]
        say_json({"pairs": pairs, "loads": found.loads, "clash": found.clash})
    elif found.clash:
        click.echo("Aucune attribution ne respecte ensemble ces règles :")
        for rule in found.clash:
            click.echo(f"- {rule} : {_rule_of_assignment(rule, files.rules)}")
    else:
        say_table(["dossier", "lecteur", "raison"], ([one.dossier, one.reader, _reason(one)] for one in found.pairs))
        click.echo("")
        say_table(["lecteur", "dossiers"], ([reader, str(load)] for reader, load in found.loads.items()))


def _reason(pair: Pair) -> str:
    reasons = [
        *(["déjà attribué"] if pair.kept else []),
        *([f"siège du collège {pair.seat}"] if pair.seat else []),
        *([f"thèmes : {', '.join(pair.topics)}"] if pair.topics else []),
    ]
    return " ; ".join(reasons) or "charges égales et lecteurs croisés"


def _rule_of_assignment(name: str, rules: Rules) -> str:
    """A rule in words."""
    if name.startswith(f"{COLLEGES}."):
        seats = rules.colleges[name.partition(".")[2]]
        return f"au moins {seats} par dossier pour ce collège"
    return {
        READERS: f"{rules.readers_per_dossier} par dossier, tous différents",
        LOAD: "la charge de chaque lecteur"
        + (f", {rules.max_load} dossiers au plus" if rules.max_load is not None else ""),
        CONFLICTS: "personne ne lit un dossier avec lequel elle ou il a un lien",
        KEPT: "ce qui est déjà attribué le reste",
    }[name]


# ---- ranks ---------------------------------------------------------------------------------------------------------


@click.command("rank", cls=Command)
@click.argument("marks", type=FILE, metavar="NOTES.csv")
@click.option("--amounts", type=FILE, metavar="MONTANTS.csv", help="Ce que demande chaque dossier : proposal, amount.")
@click.option("--budget", metavar="EUROS", help="Ce qu’il y a à donner. Va avec --amounts.")
@click.option("--seed", type=click.IntRange(min=0), default=ranking.SEED, show_default=True, help="Graine des tirages.")
@click.option("--json", "as_json", is_flag=True, help="Écrit du JSON.")
@refusing
def rank(marks: Path, amounts: Path | None, budget: str | None, seed: int, *, as_json: bool) -> None:
    """Rang attendu de chaque dossier, avec son intervalle à 90 %.

    NOTES.csv a les colonnes proposal, assessor, mark. Le rang 1 est le meilleur. Avec un budget, above_line est la
    chance que le dossier soit au-dessus de la ligne où l’argent s’arrête.
    """
    given = ranking.read_marks(marks)
    line = _line(amounts, budget, given)
    ranked = ranking.rank(given, line, seed=seed)
    if as_json:
        say_json([each._asdict() for each in ranked])
        return
    say_table(
        ["dossier", "moyenne", "calibrée", "rang attendu", "de", "à", *(["au-dessus", "zone"] if line else [])],
        (
            [
                each.proposal, _decimal(each.mean), _decimal(each.calibrated), _decimal(each.expected_rank),
                str(each.rank_low), str(each.rank_high),
                *_chance(each.above_line),
            ]
            for each in ranked
        ),
    )  # fmt: skip
    agreement = ranking.alpha(given)
    click.echo(f"\nAccord des évaluateurs (alpha) : {'–' if agreement is None else _decimal(agreement)}")


def _line(amounts: Path | None, budget: str | None, marks: Sequence[ranking.Mark]) -> ranking.Line | None:
    if amounts is None and budget is None:
        return None
    if amounts is None or budget is None:
        raise UnreadableError(["--amounts et --budget vont ensemble"])
    try:
        money = euros(budget)
    except ValueError as error:
        raise UnreadableError([f"--budget : {error}"]) from error
    if not money:
        raise UnreadableError(["--budget : un budget est supérieur à zéro"])
    return ranking.Line(money, ranking.read_amounts(amounts, marks))


def _chance(above_line: float | None) -> list[str]:
    if above_line is None:
        return []
    return [f"{100 * above_line:.0f} %", "à débattre" if ranking.is_to_discuss(above_line) else ""]


def _decimal(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


# ---- portfolios ----------------------------------------------------------------------------------------------------


@click.command("select", cls=Command)
@click.argument("candidates", type=FILE, metavar="DOSSIERS.csv")
@click.argument("rules", type=FILE, metavar="RÈGLES.toml")
@click.option("--json", "as_json", is_flag=True, help="Écrit du JSON.")
@click.option("--next", "following", type=click.IntRange(0, 20), default=0, help="Les ensembles suivants, tant.")
@click.option("--draws", type=FILE, metavar="TIRAGES.csv", help="Tirages des notes : draw, id, score.")
@refusing
def select(candidates: Path, rules: Path, *, as_json: bool, following: int, draws: Path | None) -> None:
    """Choisit, parmi des dossiers, le meilleur ensemble dans l’enveloppe.

    DOSSIERS.csv a les colonnes id, score, amount, au besoin levels et celles des règles.
    """
    dossiers = portfolio_files.read_candidates(candidates)
    wanted = portfolio_files.read_portfolio_rules(rules, dossiers)
    drawn = portfolio_files.read_draws(draws, dossiers) if draws else None
    try:
        answer = portfolio.solve(dossiers, wanted)
        others = portfolio.next_best(dossiers, wanted, following) if following else None
        shares = None if drawn is None else portfolio.robustness(dossiers, wanted, drawn)
    except UnprovedError as error:
        problem = "aucun ensemble n’a pu être prouvé le meilleur dans les limites du calcul"
        raise click.ClickException(problem) from error
    if as_json:
        more: dict[str, object] = {} if others is None else {"next": portfolio_files.next_as_data(others)}
        more |= {} if shares is None else {"robustness": portfolio_files.robustness_as_data(shares)}
        say_json(portfolio_files.as_data(answer, dossiers, wanted) | more)
        return
    tables = portfolio_files.as_tables(answer, dossiers, wanted)
    tables += [] if others is None else [portfolio_files.next_as_table(others)]
    tables += [] if shares is None else [portfolio_files.robustness_as_table(shares)]
    for number, (heading, lines) in enumerate(tables):
        if number:
            click.echo()
        say_table(heading, lines)


COMMANDS: tuple[click.Command, ...] = (assign_readers, rank, select)
