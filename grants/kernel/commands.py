"""The frame of the command line: help and complaints in French."""

import click
from flask.cli import AppGroup


class _Help(click.HelpFormatter):
    """The headings of help pages, in French."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or "Emploi : ")

    def write_heading(self, heading: str) -> None:
        super().write_heading({"Options": "Options ", "Commands": "Commandes "}.get(heading, heading))


class Context(click.Context):
    """What a command runs in, with the headings in French."""

    formatter_class = _Help


class Command(click.Command):
    """A command whose help is in French."""

    context_class = Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _in_words(super().get_help_option(ctx))


class Group(AppGroup):
    """A group of commands, run in the application, whose help is in French."""

    context_class = Context
    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        return _in_words(super().get_help_option(ctx))


def _in_words(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.help = "Montre cette aide."
    return option


def what_is_wrong(error: click.UsageError) -> str:
    """What was typed that cannot be, and where to read what can."""
    where = error.ctx.command_path if error.ctx else "grants"
    problems = {
        click.NoSuchOption: "Cette option n’existe pas",
        click.MissingParameter: "Il manque une option obligatoire",
        click.BadParameter: "Cette valeur n’est pas acceptée",
    }.get(type(error), "Cette commande n’est pas comprise")
    return f"{problems} ({error.format_message().rstrip('.')}). Voyez : {where} --help"
