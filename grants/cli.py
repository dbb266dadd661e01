"""The command line: prepare, serve, look after and prove a fund, through the chapters' own actions and queries."""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
from flask import Flask, current_app
from flask.cli import ScriptInfo
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.utils import import_string

from grants import evidence
from grants.appeals import lifecycle as appeals
from grants.applications import actions as application_actions
from grants.applications import letters as application_letters
from grants.applications import lifecycle as applications
from grants.applications import queries as application_queries
from grants.applications.parts import schema as parts_schema
from grants.awards import letters as award_letters
from grants.awards import lifecycle as award_lives
from grants.awards import queries as awards
from grants.awards.actions import recovery, reporting
from grants.calls import lifecycle as calls
from grants.config import Settings
from grants.deliberation import letters as deliberation_letters
from grants.deliberation import lifecycle as deliberation_life
from grants.deliberation import queries as deliberation
from grants.demo import content, mode
from grants.demo.install import PASSWORD, install
from grants.demo.volume import add_volume
from grants.desk import exports as desk_exports
from grants.desk.queries import DossierFilters
from grants.documents import letters as document_letters
from grants.kernel import (
    access,
    bounces,
    chunks,
    clock,
    head,
    jobs,
    journal,
    outbox,
    pages,
    papers,
    previews,
    private,
    proxies,
    schema,
    serving,
    sheets,
    stored_forms,
    uploads,
)
from grants.kernel.actor import system
from grants.kernel.commands import Group, what_is_wrong
from grants.kernel.db import Base, db, snapshot, unit_of_work
from grants.kernel.errors import AppError, InvalidError
from grants.kernel.machine import Machine
from grants.kernel.worker import WorkerTask, stop_on_signals, work
from grants.methods import commands as methods
from grants.observatory import exports as public_exports
from grants.observatory.rules import SCDL_COLUMNS
from grants.people import actions as people
from grants.people import directory, rules
from grants.people import queries as people_queries
from grants.people.models import Account, Appointment, College, Role
from grants.programme import actions as programme
from grants.programme import queries as programme_queries
from grants.reviewing import lifecycle as reviewing
from grants.reviewing import queries as reviewing_queries

APPLICATION = "grants.app:load_app"
UNREADABLE = 65  # EX_DATAERR: a mail server then gives the message up
BY = system("ligne de commande")
LOW_ON_SPACE = 1_000_000_000
LATE = timedelta(hours=1)
ROLES = [role.value for role in Role]
COLLEGES = [college.value for college in College]


# ---- the frame -----------------------------------------------------------------------------------------------------


def _load() -> Flask:
    """The application, from its loader: the factory stands above the command line."""
    try:
        app: Flask = import_string(APPLICATION)()
    except ValueError as error:
        raise click.ClickException(f"Configuration : {error}") from error
    return app


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group("grants", cls=Group, context_settings=_HELP, subcommand_metavar="COMMANDE …")
def commands() -> None:
    """Traboule : tient un fonds, de l’appel à projets au registre public.

    Sans réglage, tout vit dans le dossier instance/. DATABASE_URL désigne une autre base, PORT un autre port,
    MAIL_URL un relais de courriel, GRANTS_INSTANCE un autre dossier. GRANTS_DEMO=1 demande une démonstration.
    """


for each in methods.COMMANDS:
    commands.add_command(each)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, on what was typed unless arguments are given; a refusal is a sentence on the error output,
    never a trace."""
    private.by_default()
    script = ScriptInfo(create_app=_load, set_debug_flag=False)
    try:
        commands.main(arguments, obj=script, prog_name="grants", standalone_mode=False)
    except click.UsageError as error:
        _stop(what_is_wrong(error), 2)
    except click.ClickException as error:
        _stop(error.format_message(), 1)
    except AppError as refusal:
        _stop(refusal.message, 1)
    except SQLAlchemyError as error:
        reason = str(error).partition("\n")[0]
        _stop(f"La base n’est pas prête ({reason}). Lancez « grants init », puis « grants check ».", 1)
    except click.Abort:
        _stop("Interrompu : rien n’a été enregistré.", 130)


def _stop(words: str, code: int) -> NoReturn:
    click.echo(words, err=True)
    sys.exit(code)


# ---- prepare -------------------------------------------------------------------------------------------------------


@commands.command()
def init() -> None:
    """Prépare la base, et peut être relancé. Copie de sécurité, migration, données de référence."""
    _init()


def _init() -> None:
    settings = _settings()
    settings.instance.mkdir(parents=True, exist_ok=True, mode=0o700)
    private.close(settings.instance)
    click.echo(f"Base : {db.engine.url.render_as_string(hide_password=True)}")
    head.public_key()  # made once, before the first visitor
    before, after, copy = schema.upgrade()
    if copy is not None:
        click.echo(f"Copie de sécurité : {copy}")
    click.echo(f"Schéma : {after}, à jour" if before == after else f"Schéma : {before or 'base neuve'} → {after}")
    if before is not None and (before != after or not journal.knows_rows()):
        with unit_of_work():
            recorded = journal.tell_rows(by=BY)
        click.echo(f"Enregistrements repris au journal : {recorded}")
    with unit_of_work():
        added = sum(programme.load_reference(by=BY).values())
    click.echo(f"Données de référence : {added} lignes ajoutées" if added else "Données de référence : déjà là")


def _install_demo() -> None:
    click.echo("Données de démonstration : quelques secondes…")
    install(by=BY)
    click.echo("Données de démonstration : installées")


@commands.command()
@click.option(
    "--applications",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Ajoute N dossiers inventés, dans des appels à part, jusqu’aux paiements.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 999_999),
    default=1,
    metavar="S",
    help="Graine (1 sans réglage) : la même, le même jour, donne les mêmes dossiers.",
)
@click.option("--yes-on-my-database", is_flag=True, help="Accepte d’installer la démonstration dans DATABASE_URL.")
def demo(applications: int | None, seed: int, yes_on_my_database: bool) -> None:
    """Plante le fonds de démonstration dans une base neuve, et du volume si on le demande."""
    if _settings().own_database and not yes_on_my_database:
        raise click.ClickException(
            "Cette base est la vôtre (DATABASE_URL) : --yes-on-my-database accepte d’y mettre des données inventées."
        )
    _init()
    if mode.is_empty():
        _install_demo()
    else:
        click.echo("Des comptes ou des appels existent déjà : rien n’a été ajouté à la démonstration.")
    if applications is not None:
        _add_volume(applications, seed)
    _show_accounts()


def _add_volume(number: int, seed: int) -> None:
    click.echo(f"Volume : {pages.number(number)} dossiers à écrire…")
    began = time.monotonic()
    grown = add_volume(number, seed, by=BY)
    words = applications.LIFECYCLE.states
    counts = ", ".join(f"{words[state].label} {pages.number(found)}" for state, found in grown.states.items())
    click.echo(f"Volume : appel {grown.call} et appels passés, {counts}")
    click.echo(
        f"Volume : {pages.number(grown.meetings)} séances, {pages.number(grown.awards)} attributions, "
        f"{pages.number(grown.payments)} paiements, en {time.monotonic() - began:.0f} s"
    )


def _show_accounts() -> None:
    """The accounts of the demonstration that are there and open."""
    people = content.people()
    emails = [row["email"] for row in people]
    there = set(db.session.scalars(select(Account.email).where(Account.email.in_(emails), Account.active)))
    shown = [row for row in people if row["email"] in there]
    if not shown:
        return
    width = max(len(row["email"]) for row in shown)
    click.echo(f"\nComptes de démonstration, tous avec le mot de passe « {PASSWORD} » :")
    for row in shown:
        click.echo(f"  {row['email']:<{width}}  {row['title']}")


# ---- serve ---------------------------------------------------------------------------------------------------------


@commands.command(with_appcontext=False)
@click.option("--port", type=click.IntRange(1, 65_535), envvar="PORT", default=5000, help="Port (5000 sans réglage).")
@click.option(
    "--demo/--no-demo",
    "is_demo",
    default=None,
    help="Sert une démonstration, dont tous lisent les courriels, ou un vrai fonds (sans réglage, ou GRANTS_DEMO=1).",
)
@click.pass_context
def run(context: click.Context, port: int, is_demo: bool | None) -> None:
    """Prépare tout, puis sert le fonds sur cette machine jusqu’à Ctrl-C."""
    if is_demo is not None:
        os.environ["GRANTS_DEMO"] = "1" if is_demo else "0"  # also for the processes started below
    listening = serving.listen(port)
    if listening is None:
        raise click.ClickException(f"Le port {port} est déjà pris : choisissez-en un autre avec PORT=.")
    with listening:
        _serve(context.ensure_object(ScriptInfo), listening, port)
    click.echo("Arrêté.")


def _serve(script: ScriptInfo, listening: socket.socket, port: int) -> None:
    os.environ["PORT"] = str(port)
    app = script.load_app()
    with app.app_context():
        _init()
        settings = _settings()
        if settings.is_demo and not settings.own_database and mode.is_empty():
            _let_go_of_database()
            if not serving.run_apart(_install_demo):
                raise click.ClickException(
                    "La démonstration n’a pas pu être installée : voyez ce qui en est dit ci-dessus."
                )
        if trouble := mode.wrong(_settings()):
            raise click.ClickException(trouble)
        if settings.is_demo:
            _show_accounts()
            click.echo(f"\nCourriels de la démonstration : {pages.link('desk.demo_mails')}")
        click.echo(f"Adresse : http://{serving.HOST}:{port}  (Ctrl-C pour arrêter)")
        _let_go_of_database()
    sys.stdout.flush()
    web = partial(serving.serve_web, listening, f"{APPLICATION}()")
    if not serving.run_together([web, partial(main, ["worker"])]):
        raise click.ClickException("Un des processus s’arrête à chaque départ : voyez ce qu’il en dit ci-dessus.")


def _let_go_of_database() -> None:
    """Close every connection: a process forked from this one would use the same."""
    db.session.remove()
    db.engine.dispose()


def _tell_closings() -> int:
    """Write to those who have a draft: the closing was put later, or it is near."""
    with unit_of_work():
        return application_letters.extensions() + application_letters.reminders()


def _forget() -> int:
    """What served its time: keys of forms, secrets of letters, sessions unused for a year, old jobs, removed files,
    pages of drafts that were closed long ago, what fields held in drafts that were submitted."""
    with unit_of_work():
        return (
            people.forget_sessions()
            + directory.forget_entries()
            + access.forget_keys()
            + outbox.forget_secrets()
            + jobs.purge()
            + uploads.purge()
            + application_actions.forget_writers()
            + application_actions.forget_past_values()
        )


def _sweep() -> int:
    """Files and results that no row knows."""
    return uploads.sweep() + jobs.sweep() + chunks.sweep()


def _deliver(carrier: outbox.Carrier, settings: Settings) -> int:
    return outbox.deliver(carrier, settings.mail_from, keep_secrets=settings.is_demo)


def _forget_forms() -> int:
    """What was typed, was not taken, and is kept for an hour."""
    with unit_of_work():
        return stored_forms.purge()


def _remind_of_reports() -> int:
    """Remind associations of the reports and sums that are due soon or late; each reminder is written once."""
    with unit_of_work():
        return reporting.remind() + recovery.remind()


def _warn_of_lapsing() -> int:
    """Tell members once that the validity of a document of their organisation ends soon."""
    with unit_of_work():
        return document_letters.warn_of_lapsing()


def keep_old_papers() -> int:
    """Freeze, some at a time, the papers that left before papers were kept."""
    by, some = system("recomposition"), 20
    with unit_of_work():
        return (
            application_letters.recompose_receipts(some, by=by)
            + deliberation_letters.recompose(some, by=by)
            + award_letters.recompose(some, by=by)
        )


def tell_head() -> int:
    """Send the head of the journal to the auditors, once a day."""
    with unit_of_work():
        return people.tell_head()


@commands.command()
def worker() -> None:
    """Porte les lettres, prépare les longs fichiers, fait le ménage. Plusieurs peuvent tourner ; SIGTERM les arrête."""
    settings = _settings()
    try:
        carrier = outbox.carrier_for(settings.mail_url, settings.instance)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    stop = stop_on_signals()
    tasks = [
        WorkerTask("post", timedelta(seconds=2), lambda: _deliver(carrier, settings)),
        WorkerTask("jobs", timedelta(seconds=2), lambda: jobs.run_waiting(stop.is_set)),
        WorkerTask("papers", timedelta(seconds=5), papers.set_waiting),
        WorkerTask("previews", timedelta(seconds=10), previews.make_waiting),
        WorkerTask("old papers", timedelta(minutes=1), keep_old_papers),
        WorkerTask("sweep", timedelta(minutes=10), _sweep),
        WorkerTask("closings", timedelta(minutes=1), _tell_closings),
        WorkerTask("documents", timedelta(hours=1), _warn_of_lapsing),
        WorkerTask("reports", timedelta(hours=1), _remind_of_reports),
        WorkerTask("head", timedelta(minutes=10), tell_head),
        WorkerTask("forgetting", timedelta(days=1), _forget),
        WorkerTask("kept forms", timedelta(minutes=10), _forget_forms),
    ]
    work(tasks, stop)


@commands.command()
def bounce() -> None:
    """Prend un avis de non-remise (RFC 3464), lu sur l’entrée standard comme un serveur de courriel le donne."""
    content = sys.stdin.buffer.read(bounces.LARGEST + 1)
    try:
        with unit_of_work():
            outcome = bounces.take(content, by=system("avis de non-remise"))
    except InvalidError as error:
        _stop(error.message, UNREADABLE)
    if not outcome.is_permanent:
        click.echo("Cet avis n’annonce pas de refus définitif : rien n’est marqué.")
    elif outcome.marked:
        click.echo("Adresse marquée : la gestion du fonds en est avertie.")
    else:
        click.echo("Rien de nouveau : l’adresse était marquée, ou ses courriels arrivent de nouveau depuis.")


# ---- people --------------------------------------------------------------------------------------------------------


@commands.group(cls=Group, subcommand_metavar="COMMANDE …")
def user() -> None:
    """Crée, énumère ou ferme des comptes."""


@user.command("create")
@click.option("--email", required=True, help="Adresse de la personne.")
@click.option("--name", required=True, help="Prénom et nom.")
@click.option(
    "--role",
    "roles",
    type=click.Choice(ROLES),
    multiple=True,
    help="Fonction ; peut être répété.",
)
@click.option(
    "--college",
    type=click.Choice(COLLEGES),
    help="Collège où siège un membre du comité (reviewer).",
)
def create(email: str, name: str, roles: tuple[str, ...], college: str | None) -> None:
    """Ouvre un compte déjà confirmé ; le mot de passe est demandé, ou lu sur l’entrée standard."""
    with unit_of_work():
        account = people.create_account(email, name, _password(), confirmed=True, by=BY)
        for role in roles:
            people.appoint(account, Role(role), by=BY, college=College(college) if college else None)
        account_email = account.email
    click.echo(f"Compte ouvert : {account_email}" + (f" ({', '.join(roles)})" if roles else ""))


@user.command("appoint")
@click.argument("email")
@click.option(
    "--role", "roles", type=click.Choice(ROLES), multiple=True, required=True, help="Fonction ; peut être répété."
)
@click.option("--college", type=click.Choice(COLLEGES), help="Collège où siège un membre du comité (reviewer).")
def appoint(email: str, roles: tuple[str, ...], college: str | None) -> None:
    """Confie une fonction à un compte qui existe : la première d’administration, de finances ou d’ordonnateur."""
    with unit_of_work():
        account = _account(email)
        for role in roles:
            people.appoint(account, Role(role), by=BY, college=College(college) if college else None)
    click.echo(f"Fonction confiée : {email} ({', '.join(roles)})")


@user.command("end")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), required=True, help="Fonction à terminer.")
def end(email: str, role: str) -> None:
    """Termine une fonction, tenue ou à venir."""
    with unit_of_work():
        held = [row for row in people_queries.appointments_of(_account(email).id) if row.role == role and row.is_open]
        if not held:
            raise click.ClickException(f"{email} n’exerce pas cette fonction.")
        for appointment in held:
            people.end_appointment(appointment, by=BY)
    click.echo(f"Fonction terminée : {email} ({role})")


def _account(email: str) -> Account:
    account = people_queries.account_by_email(email)
    if account is None:
        raise click.ClickException(f"Aucun compte ne porte l’adresse {email}.")
    return account


def _password() -> str:
    """The password, never on the command line where other people of the machine would read it."""
    if sys.stdin.isatty():
        return str(click.prompt("Mot de passe", hide_input=True, confirmation_prompt="Encore une fois"))
    return sys.stdin.readline().rstrip("\r\n")


@user.command("list")
def list_users() -> None:
    """Énumère les comptes, leurs fonctions d’aujourd’hui et leur état."""
    rows = select(Account.id, Account.email, Account.name, Account.active).order_by(Account.email)
    for account in db.session.execute(rows).all():
        roles = ", ".join(people_queries.roles_of(account.id)) or "—"
        click.echo(f"{account.email}\t{account.name}\t{roles}\t{'actif' if account.active else 'fermé'}")


@user.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Ferme un compte : plus de connexion, l’historique reste."""
    with unit_of_work():
        people.deactivate(_account(email), by=BY)
    click.echo(f"Compte fermé : {email}")


# ---- look after ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckResult:
    """One line of `grants check`."""

    GOOD = "bon"
    NOTE = "à voir"
    FAULT = "faute"

    tone: str
    subject: str
    words: str


def _check_configuration() -> Iterator[CheckResult]:
    settings = _settings()
    is_plain = not settings.is_demo and not settings.secure
    words = f"dossier {settings.instance}, adresse {settings.base_url}{', sans HTTPS' if is_plain else ''}"
    yield CheckResult(CheckResult.NOTE if is_plain else CheckResult.GOOD, "configuration", words)
    seen = proxies.seen(settings.instance)
    if seen is not None and not settings.trusted_proxies:
        words = (
            f"des demandes passent par un mandataire (le {pages.instant(seen)}) et TRUSTED_PROXIES vaut 0 : "
            "les essais de tous comptent comme ceux d’un seul visiteur"
        )
        yield CheckResult(CheckResult.FAULT, "mandataire", words)
    loose = private.open_to_others(settings.instance)
    words = f"lisibles par d’autres utilisateurs : {', '.join(loose)}" if loose else "lisibles par ce seul utilisateur"
    yield CheckResult(CheckResult.FAULT if loose else CheckResult.GOOD, "données", words)


def _check_database() -> Iterator[CheckResult]:
    stands, brings = schema.current(), schema.latest()
    name = db.engine.dialect.name
    if stands != brings:
        words = f"{name}, schéma {stands or 'absent'} au lieu de {brings} : lancez grants init"
        yield CheckResult(CheckResult.FAULT, "base", words)
        return
    yield CheckResult(CheckResult.GOOD, "base", f"{name}, schéma {brings}")
    missing = schema.missing_triggers(evidence.expected())
    words = f"manquent {', '.join(sorted(missing))}" if missing else f"{len(evidence.expected())} déclencheurs en place"
    yield CheckResult(CheckResult.FAULT if missing else CheckResult.GOOD, "preuves", words)


def _check_storage() -> Iterator[CheckResult]:
    trouble = uploads.why_not_writable()
    if trouble is not None:
        yield CheckResult(CheckResult.FAULT, "fichiers", trouble)
        return
    free = shutil.disk_usage(_settings().instance).free
    tone = CheckResult.NOTE if free < LOW_ON_SPACE else CheckResult.GOOD
    yield CheckResult(tone, "fichiers", f"dossier accessible en écriture, {pages.file_size(free)} libres")


def _check_mail() -> Iterator[CheckResult]:
    settings = _settings()
    try:
        outbox.carrier_for(settings.mail_url, settings.instance)
    except ValueError as error:
        yield CheckResult(CheckResult.FAULT, "courriel", str(error))
        return
    where = "relais de MAIL_URL" if settings.mail_url else f"dossier {settings.instance / 'mail'}, rien ne part"
    tone = CheckResult.GOOD if settings.mail_url or settings.is_demo else CheckResult.NOTE
    yield CheckResult(tone, "courriel", where)
    late, refused = outbox.waiting(clock.now() - LATE), outbox.given_up()
    words = f"{late} attendent depuis plus d’une heure, dont {refused} que le relais refuse"
    yield CheckResult(CheckResult.FAULT if late else CheckResult.GOOD, "lettres", words if late else "aucune en retard")


def _check_jobs() -> Iterator[CheckResult]:
    late = jobs.waiting(clock.now() - LATE)
    words = f"fichiers qui attendent depuis plus d’une heure : {late}" if late else "aucun en retard"
    yield CheckResult(CheckResult.FAULT if late else CheckResult.GOOD, "préparations", words)


def _check_clock() -> Iterator[CheckResult]:
    ours = clock.now()
    if db.engine.dialect.name == "postgresql":
        theirs = db.session.scalar(select(func.now()))
        gap = abs((theirs - ours).total_seconds()) if theirs else 0.0
        if gap > 5:
            yield CheckResult(CheckResult.FAULT, "horloge", f"{gap:.0f} s d’écart avec celle de la base")
            return
    yield CheckResult(CheckResult.GOOD, "horloge", pages.instant(ours))


def _check_mode() -> Iterator[CheckResult]:
    trouble = mode.wrong(_settings())
    words = trouble or ("démonstration" if _settings().is_demo else "vrai fonds")
    yield CheckResult(CheckResult.FAULT if trouble else CheckResult.GOOD, "mode", words)


def _check_people() -> Iterator[CheckResult]:
    found = _administrators()
    words = f"{found} pour administrer" if found else "personne n’administre : grants user create --role administrator"
    yield CheckResult(CheckResult.GOOD if found else CheckResult.NOTE, "comptes", words)


def _check_offices() -> Iterator[CheckResult]:
    roles_of: dict[str, list[str]] = {}
    lacking = []
    for role in Role:
        holders = people_queries.in_office(role)
        for holder in holders:
            roles_of.setdefault(holder.email, []).append(role)
        if len(holders) < rules.NEEDED[role]:
            lacking.append(f"{role} ({len(holders)} sur {rules.NEEDED[role]})")
    words = f"il manque {', '.join(lacking)}" if lacking else "assez de personnes dans chacune"
    yield CheckResult(CheckResult.NOTE if lacking else CheckResult.GOOD, "fonctions", words)
    for email, roles in roles_of.items():
        if clash := rules.incompatible(roles):
            words = f"{email} ne peut que lire : {' et '.join(clash)} sont incompatibles (grants user end)"
            yield CheckResult(CheckResult.FAULT, "fonctions", words)


def _administrators() -> int:
    """How many open accounts hold the administrator's office today."""
    held = people_queries.held_on(clock.today())
    holders = select(func.count(Account.id.distinct())).join(Appointment, Appointment.account_id == Account.id)
    return db.session.scalar(holders.where(Account.active, Appointment.role == Role.ADMINISTRATOR, held)) or 0


def _check_law() -> Iterator[CheckResult]:
    unsure = programme_queries.unconfirmed()
    words = f"{len(unsure)} règles ou textes à confirmer avant d’ouvrir un appel" if unsure else "tout est confirmé"
    yield CheckResult(CheckResult.NOTE if unsure else CheckResult.GOOD, "textes", words)


CHECKS: tuple[Callable[[], Iterator[CheckResult]], ...] = (
    _check_configuration, _check_database, _check_mode, _check_storage, _check_mail, _check_jobs, _check_clock,
    _check_people, _check_offices, _check_law,
)  # fmt: skip


@commands.command()
def check() -> None:
    """Dit si tout est en état. Une ligne par sujet : réglages, base, fichiers, courriel, horloge, textes."""
    faults = 0
    for look in CHECKS:
        try:
            findings = list(look())
        except (SQLAlchemyError, OSError) as error:
            findings = [
                CheckResult(CheckResult.FAULT, look.__name__.removeprefix("_check_"), str(error).partition("\n")[0])
            ]
        for finding in findings:
            faults += finding.tone == CheckResult.FAULT
            click.echo(f"{finding.tone:<6}  {finding.subject:<13} {finding.words}")
    if faults:
        raise SystemExit(1)


@commands.command("schema", with_appcontext=False)
def dossier_schema() -> None:
    """Écrit le schéma JSON de ce que dit un dossier déposé, partie par partie."""
    click.echo(json.dumps(parts_schema.dossier_schema(), ensure_ascii=False, indent=1))


# ---- prove ---------------------------------------------------------------------------------------------------------


def _journal_problems() -> Iterator[str]:
    for seq, what in journal.broken_links():
        yield f"ligne {seq} : {what}"


def _row_problems() -> Iterator[str]:
    """Rows that are not what the journal says: which row, what was expected, what was found."""
    for each in journal.wrong_rows():
        row = f"{each.table} {each.key}"
        if each.seq is None:
            yield f"{row} : aucune ligne du journal ne l’annonce ; attendu : absent, trouvé : présent"
        elif each.is_gone:
            yield f"{row} : attendu : présent, d’après la ligne {each.seq} ; trouvé : absent"
        else:
            found = ", ".join(f"{name} = {_short(value)}" for name, value in (each.columns or {}).items())
            yield f"{row} : attendu : tel que la ligne {each.seq} l’a laissé ; trouvé : {found or 'autre chose'}"


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _state_problems() -> Iterator[str]:
    """Things whose state is not the one their last act led to."""
    for mapper in sorted(Base.registry.mappers, key=lambda each: each.class_.__tablename__):
        machine = getattr(mapper.class_, "lifecycle", None)
        if machine is None:
            continue
        kind, table = mapper.class_, mapper.class_.__tablename__
        states = {row.id: str(row.state) for row in db.session.execute(select(kind.id, kind.state))}
        for key, seq, state in journal.wrong_states(table, machine.name, states):
            yield f"{table} {key} : attendu : {state}, d’après la ligne {seq} ; trouvé : {states[key]}"


VERIFICATIONS: tuple[tuple[str, Callable[[], Iterator[str]]], ...] = (
    ("journal", _journal_problems),
    ("enregistrements", _row_problems),
    ("états", _state_problems),
    ("dossiers déposés", application_queries.problems),
    ("notes", reviewing_queries.problems),
    ("enveloppes", lambda: deliberation.problems(awards.released_by_call())),
    ("écritures", awards.problems),
    ("documents", papers.problems),
    ("fichiers", uploads.problems),
)


def head_problems(head_file: Path | None) -> Iterator[str]:
    """What a head kept elsewhere tells of the present chain."""
    if head_file is None:
        return
    try:
        reason = head.why_not_continued(head.read(head_file.read_text(encoding="utf-8", errors="replace")))
    except ValueError as error:
        reason = str(error)
    if reason is not None:
        yield f"{head_file} : {reason}"


@commands.command()
@click.option(
    "--head",
    "head_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FICHIER",
    help="Tête gardée ailleurs (page publique ou courriel) : le journal d’aujourd’hui doit la continuer.",
)
def verify(head_file: Path | None) -> None:
    """Recalcule les preuves, sans rien changer, pendant que le service continue.

    Chaîne du journal, enregistrements, versions déposées, sommes, documents, fichiers.
    """
    broken = 0
    checks = (*VERIFICATIONS, *([("tête gardée", lambda: head_problems(head_file))] if head_file is not None else []))
    for subject, problems in checks:
        with snapshot():
            found = list(problems())
        broken += len(found)
        click.echo(f"{subject} : {f'{len(found)} anomalies' if found else 'intact'}")
        for problem in found:
            click.echo(f"  {problem}")
    with snapshot():
        seq, digest = journal.head()
        click.echo(f"tête du journal : ligne {seq}, {digest}")
        click.echo(head.now().text, nl=False)
    if broken:
        raise SystemExit(1)


# ---- hand out ------------------------------------------------------------------------------------------------------


@commands.command()
@click.argument("what", type=click.Choice(["scdl", "applications"]), metavar="scdl|applications")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Fichier à écrire.")
def export(what: str, output: Path) -> None:
    """Écrit un fichier. scdl : les données publiques des subventions, en CSV ; applications : les dossiers déposés.

    Les dossiers sont un classeur si le nom du fichier finit par .xlsx, sinon un CSV.
    """
    with snapshot():
        dossiers, zone = desk_exports.dossiers(DossierFilters(), BY), pages.zone()
        if what == "applications" and output.suffix == ".xlsx":
            with output.open("wb") as book:
                sheets.write_workbook(book, dossiers, zone)
        else:
            written = sheets.lines_of(dossiers, zone)
            if what == "scdl":
                written = sheets.lines(SCDL_COLUMNS, public_exports.scdl_rows())
            with output.open("w", encoding="utf-8", newline="") as file:
                file.writelines(written)
    click.echo(f"{output} : {what} écrit")


LIVES: tuple[tuple[str, Machine], ...] = (
    ("Un appel", calls.LIFECYCLE),
    ("Un dossier", applications.LIFECYCLE),
    ("Une évaluation", reviewing.LIFECYCLE),
    ("Une séance", deliberation_life.LIFECYCLE),
    ("Un recours", appeals.LIFECYCLE),
    ("Une attribution", award_lives.AWARD),
    ("Des coordonnées bancaires", award_lives.BANK),
    ("Un versement", award_lives.INSTALMENT),
    ("Une somme à recevoir", award_lives.RECEIVABLE),
    ("Un compte rendu", award_lives.REPORT),
)


@commands.command()
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), default="docs", help="Dossier à écrire.")
@click.option("--check", "is_check", is_flag=True, help="N’écrit rien ; échoue si un fichier n’est plus à jour.")
def docs(output: Path, is_check: bool) -> None:
    """Écrit docs/lifecycle.md d’après les machines à états."""
    path = output / "lifecycle.md"
    fresh = _lifecycles()
    if is_check:
        if not path.exists() or path.read_text(encoding="utf-8") != fresh:
            raise click.ClickException(f"{path} n’est plus à jour : lancez grants docs.")
        return
    output.mkdir(parents=True, exist_ok=True)
    path.write_text(fresh, encoding="utf-8")
    click.echo(f"{path} écrit")


def _lifecycles() -> str:
    parts = ["# Les vies", "Écrit par `grants docs` d’après les tables `lifecycle.py` : ne pas modifier à la main."]
    for title, machine in LIVES:
        parts += [f"## {title}", f"```mermaid\n{machine.mermaid()}\n```", _moves(machine)]
    return "\n\n".join(parts) + "\n"


def _moves(machine: Machine) -> str:
    rows = ["| acte | de | vers | permission |", "|---|---|---|---|"]
    for move in machine.moves:
        sources = ", ".join(sorted(move.sources))
        rows.append(f"| {move.label} (`{move.verb}`) | {sources} | {move.target or '—'} | `{move.permission}` |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
