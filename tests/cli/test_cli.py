"""The command line: speaks French, never shows a trace, never puts invented data in somebody's database."""

import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select, text

from grants import cli, evidence
from grants.app import create_app
from grants.applications.lifecycle import ApplicationState
from grants.cli import main
from grants.config import settings_from
from grants.demo import content
from grants.desk import exports
from grants.desk.queries import DossierFilters
from grants.kernel import clock, jobs, journal, outbox, proxies, refusals, schema, serving, uploads
from grants.kernel.actor import system
from grants.kernel.db import db, unit_of_work
from grants.observatory.rules import SCDL_COLUMNS
from grants.people import queries as people
from grants.people.models import Account
from grants.programme.models import Law
from tests import starting
from tests.kernel import corpus
from tests.kernel import test_bounces as bounced
from tests.site import settings_for
from tests.starting import Forked

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "quatre mots sans lien aucun"


@pytest.fixture
def grants(capsys, monkeypatch):
    """Give a function that types a command: (exit code, what is said, what is complained about)."""
    loaded, load = [], cli._load

    def remembered():
        loaded.append(load())
        return loaded[-1]

    monkeypatch.setattr(cli, "_load", remembered)

    def type_it(*words, typed=""):
        monkeypatch.setattr(sys, "argv", ["grants", *words])
        given = io.TextIOWrapper(io.BytesIO(typed)) if isinstance(typed, bytes) else io.StringIO(typed)
        monkeypatch.setattr(sys, "stdin", given)
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        while loaded:  # a process that ends closes its connections; this one goes on
            with loaded.pop().app_context():
                db.engine.dispose()
        said = capsys.readouterr()
        return code, said.out, said.err

    return type_it


def test_the_schema_of_a_dossier_is_written_without_a_database(grants):
    code, said, _complained = grants("schema")
    schema = json.loads(said)
    assert code == 0
    assert schema["properties"]["partners"]["items"]["properties"]["name"]["title"] == "Nom"


@pytest.fixture
def bare(store, own, tmp_path):
    """Give an application on a database that holds nothing, its context pushed."""
    url = store.create(f"{own}bare")
    app = create_app(settings_for(url, tmp_path), TESTING=True)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    store.drop(f"{own}bare")


@pytest.fixture
def theirs(app, monkeypatch):
    """Say that the database was given by the operator."""
    settings = app.config["SETTINGS"]
    monkeypatch.setitem(app.config, "SETTINGS", type(settings)(**{**vars(settings), "own_database": True}))


# ------------------------------------------------------------------------------------------------------------- manners


@pytest.mark.neutral
def test_help_is_in_french_and_names_every_command(grants):
    code, said, _ = grants("--help")
    assert code == 0
    for name in ("bounce", "check", "demo", "docs", "export", "init", "run", "user", "verify", "worker"):
        assert f"\n  {name} " in said
    assert "Emploi : grants" in said
    assert not any(word in said for word in ("Usage", "Show this message", "Commands:"))
    assert "Montre cette aide." in grants("user", "create", "--help")[1]


@pytest.mark.neutral
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nimporte",), "n’est pas comprise"),
        (("init", "--vite"), "option n’existe pas"),
        (("user", "create", "--email", "a@b.example"), "Il manque une option"),
        (("run", "--port", "0"), "n’est pas acceptée"),
    ],
)
def test_a_slip_is_told_in_a_sentence(grants, words, message):
    code, said, complaint = grants(*words)
    assert (code, said) == (2, "")
    assert message in complaint
    assert "--help" in complaint


def test_a_database_that_is_not_ready_is_told_in_a_sentence(bare, grants):
    code, _, complaint = grants("user", "list")
    assert code == 1
    assert "grants init" in complaint
    assert "Traceback" not in complaint


# ------------------------------------------------------------------------------------------------------------- prepare


def test_init_prepares_an_empty_database_and_may_be_repeated(bare, grants):
    code, said, _ = grants("init")
    assert code == 0
    assert f"base neuve → {schema.latest()}" in said
    assert "lignes ajoutées" in said
    assert schema.missing_triggers(evidence.expected()) == set()
    laws = db.session.scalar(select(func.count()).select_from(Law))
    assert laws > 0
    db.session.remove()
    code, said, _ = grants("init")
    assert code == 0
    assert "à jour" in said
    assert "déjà là" in said
    assert db.session.scalar(select(func.count()).select_from(Law)) == laws


def test_a_database_is_copied_beside_itself_before_it_changes(app, dialect, tmp_path, monkeypatch):
    steps, now = [], schema.latest()
    monkeypatch.setattr(schema, "latest", lambda: "9999")
    monkeypatch.setattr(schema.command, "upgrade", lambda _config, _to: steps.append(sorted(copies())))
    folder = Path(db.engine.url.database).parent

    def copies():
        return [path.name for path in folder.glob(f"*-{now}-*")]

    before, after, copy = schema.upgrade()
    assert (before, after) == (now, "9999")
    if dialect == "postgresql":
        assert copy is None
        return
    assert steps == [[copy.name]]
    with closing(sqlite3.connect(copy)) as connection_to_copy:
        assert connection_to_copy.execute("select count(*) from law").fetchone()[0] > 0
        assert connection_to_copy.execute("pragma integrity_check").fetchone() == ("ok",)
    copy.unlink()


def test_a_database_that_is_up_to_date_is_not_copied(app):
    assert schema.upgrade() == (schema.latest(), schema.latest(), None)


def test_a_database_of_a_later_version_is_left_alone(app, grants):
    with unit_of_work() as session:
        session.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    code, _, complaint = grants("init")
    assert code == 1
    assert "plus récente" in complaint


def test_the_demonstration_never_enters_a_given_database_unasked(theirs, grants):
    code, _, complaint = grants("demo")
    assert code == 1
    assert "--yes-on-my-database" in complaint
    assert db.session.scalar(select(func.count()).select_from(Account)) == 0


def test_the_demonstration_never_joins_people_who_are_there(app, make, grants):
    make.account()
    code, said, _ = grants("demo")
    assert code == 0
    assert "existent déjà" in said
    assert db.session.scalar(select(func.count()).select_from(Account)) == 1


# -------------------------------------------------------------------------------------------------------------- people


def test_the_first_administrator_is_made_from_the_terminal(app, grants):
    words = ("user", "create", "--email", "Ada@Exemple.example", "--name", "Ada Lyon", "--role", "administrator")
    code, said, complaint = grants(*words, "--role", "manager", typed=PASSWORD + "\n")
    assert (code, complaint) == (0, "")
    assert "ada@exemple.example (administrator, manager)" in said
    account = people.account_by_email("ada@exemple.example")
    assert account.confirmed_at is not None
    assert people.roles_of(account.id) == ["administrator", "manager"]
    assert journal.of(account)[0].actor == "ligne de commande"
    assert PASSWORD not in said


@pytest.mark.parametrize(
    ("words", "typed", "message"),
    [
        (("--email", "ada@exemple.example", "--name", "Ada"), "court", "12 caractères"),
        (("--email", "pas une adresse", "--name", "Ada"), PASSWORD, "adresse"),
        (("--email", "ada@exemple.example", "--name", "Ada", "--role", "reviewer"), PASSWORD, "collège"),
    ],
)
def test_an_account_that_cannot_be_is_refused_whole(app, grants, words, typed, message):
    code, _, complaint = grants("user", "create", *words, typed=typed)
    assert code == 1
    assert message in complaint
    assert db.session.scalar(select(func.count()).select_from(Account)) == 0


def test_a_delivery_report_is_taken_from_a_pipe(app, grants):
    letter = bounced.letter()
    code, said, complaint = grants("bounce", typed=bounced.report(letter))
    assert (code, complaint) == (0, "")
    assert "Adresse marquée" in said
    assert bounced.ADDRESS not in said
    assert "Rien de nouveau" in grants("bounce", typed=bounced.report(letter))[1]
    assert "pas de refus définitif" in grants("bounce", typed=bounced.report(letter, ("delayed", "4.4.1")))[1]
    for typed, words in ((b"", "entrée standard"), (b"Bonjour.\r\n", "n’est pas un avis"), (b"\xff" * 99, "avis")):
        code, said, complaint = grants("bounce", typed=typed)
        assert (code, said) == (65, "")
        assert words in complaint
    assert db.session.scalar(select(func.count()).select_from(refusals.RefusedAddress)) == 1


def test_accounts_are_listed_and_closed(app, make, grants):
    make.account(email="ada@exemple.example")
    assert "ada@exemple.example\t" in grants("user", "list")[1]
    code, said, _ = grants("user", "deactivate", "ada@exemple.example")
    assert (code, said) == (0, "Compte fermé : ada@exemple.example\n")
    assert grants("user", "list")[1].endswith("fermé\n")
    assert grants("user", "deactivate", "ada@exemple.example")[0] == 1
    assert "Aucun compte" in grants("user", "deactivate", "personne@exemple.example")[2]


# ---------------------------------------------------------------------------------------------------------- look after


def test_check_says_in_a_line_each_that_all_is_well(app, grants):
    code, said, _ = grants("check")
    assert code == 0
    subjects = [line[8:].split()[0] for line in said.splitlines()]
    assert subjects == [
        "configuration", "données", "base", "preuves", "mode", "fichiers", "courriel", "lettres", "préparations",
        "horloge", "comptes", "fonctions", "textes",
    ]  # fmt: skip
    assert "grants user create --role administrator" in said


def test_check_finds_a_guard_that_is_gone(app, dialect, grants):
    with unit_of_work() as session:
        on = " ON journal_entry" if dialect == "postgresql" else ""
        session.execute(text(f"DROP TRIGGER journal_entry_no_update{on}"))
    code, said, _ = grants("check")
    assert code == 1
    assert "journal_entry_no_update" in said


def test_check_finds_a_store_that_takes_nothing(app, tmp_path, monkeypatch, grants):
    settings = app.config["SETTINGS"]
    (tmp_path / "files").write_text("a file where a folder should be")
    changed = {**vars(settings), "instance": tmp_path, "mail_url": "http://relais.example"}
    monkeypatch.setitem(app.config, "SETTINGS", type(settings)(**changed))
    code, said, _ = grants("check")
    assert code == 1
    assert [line.split()[1] for line in said.splitlines() if line.startswith("faute")] == ["fichiers", "courriel"]


def test_check_finds_files_that_nobody_prepares(app, make, grants):
    with clock.fixed(clock.now() - timedelta(hours=2)), unit_of_work():
        jobs.ask(exports.DOSSIERS, DossierFilters(), by=make.actor("manager"))
    code, said, _ = grants("check")
    assert code == 1
    assert "depuis plus d’une heure : 1" in said


def test_check_finds_a_database_that_is_not_prepared(bare, grants):
    code, said, _ = grants("check")
    assert code == 1
    assert "grants init" in said


def test_verify_recalculates_the_proofs_and_tells_the_head(app, make, grants):
    make.call()
    code, said, _ = grants("verify")
    assert code == 0
    seq, digest = journal.head()
    assert f"ligne {seq}, {digest}" in said
    assert "anomalies" not in said


def test_verify_finds_a_file_and_a_line_that_were_changed(app, dialect, tmp_path, monkeypatch, grants):
    settings = app.config["SETTINGS"]
    monkeypatch.setitem(app.config, "SETTINGS", type(settings)(**{**vars(settings), "instance": tmp_path}))
    with unit_of_work():
        stored = uploads.keep(corpus.pdf(), name="a.pdf", media_type="application/pdf", by=system("tests"))
    (tmp_path / "files" / stored.place).write_bytes(b"changed")
    with unit_of_work() as session:
        on = " ON journal_entry" if dialect == "postgresql" else ""
        session.execute(text(f"DROP TRIGGER journal_entry_no_update{on}"))
        session.execute(text("UPDATE journal_entry SET actor = 'autre' WHERE seq = 1"))
    code, said, _ = grants("verify")
    assert code == 1
    assert "journal : 1 anomalies" in said
    assert "fichiers : 1 anomalies" in said


def test_verify_finds_a_frozen_text_and_a_split_that_were_changed(app, make, dialect, grants):
    application = make.application(state=ApplicationState.SUBMITTED)
    reference = application.reference
    assert grants("verify")[0] == 0
    with unit_of_work() as session:
        for table in ("application_version", "allocation"):
            on = f" ON {table}" if dialect == "postgresql" else ""
            session.execute(text(f"DROP TRIGGER {table}_no_update{on}"))
        session.execute(text("UPDATE application_version SET content = replace(content, 'a', 'b')"))
        session.execute(text("UPDATE allocation SET amount_cents = amount_cents + 1 WHERE dimension = 'axis'"))
    code, said, _ = grants("verify")
    said = said.replace("\xa0", " ")
    assert code == 1
    assert f"Dossier {reference} : le texte déposé n’a plus son empreinte." in said
    assert "« axis »" in said


# ------------------------------------------------------------------------------------------------------------ hand out


def test_open_data_are_written_to_a_file(app, tmp_path, grants):
    code, _, _ = grants("export", "scdl", "--output", str(tmp_path / "subventions.csv"))
    assert code == 0
    assert (tmp_path / "subventions.csv").read_text(encoding="utf-8").splitlines()[0] == ",".join(SCDL_COLUMNS)


def test_the_list_of_dossiers_is_written_to_a_file(app, make, tmp_path, grants):
    submitted, draft = make.application(state=ApplicationState.SUBMITTED), make.application()
    assert grants("export", "applications", "--output", str(tmp_path / "dossiers.csv"))[0] == 0
    written = (tmp_path / "dossiers.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf")
    sheet = written.decode("utf-8-sig").splitlines()
    assert [line.partition(";")[0] for line in sheet] == ["Référence", submitted.reference]
    assert grants("export", "applications", "--output", str(tmp_path / "dossiers.xlsx"))[0] == 0
    book = CalamineWorkbook.from_path(tmp_path / "dossiers.xlsx").get_sheet_by_index(0).to_python()
    assert [row[0] for row in book] == ["Référence", submitted.reference]
    assert draft.reference is None


@pytest.mark.neutral
def test_the_lives_in_the_documentation_are_those_of_the_program(app, tmp_path, grants):
    assert grants("docs", "--check", "--output", str(ROOT / "docs"))[0] == 0
    assert grants("docs", "--output", str(tmp_path))[0] == 0
    path = tmp_path / "lifecycle.md"
    path.write_text(path.read_text(encoding="utf-8") + "autre\n", encoding="utf-8")
    code, _, complaint = grants("docs", "--check", "--output", str(tmp_path))
    assert code == 1
    assert "grants docs" in complaint


# ------------------------------------------------------------------------------------------- a demonstration, or a fund


@pytest.mark.parametrize(
    "asked",
    [
        {"MAIL_URL": "smtp://localhost"},
        {"TRUSTED_PROXIES": "1"},
        {"BASE_URL": "https://fonds.example"},
        {"BASE_URL": "http://fonds.example"},
        {"BASE_URL": "https://127.0.0.1"},
        {"BASE_URL": "http://localhost.example"},
        {"BASE_URL": "http://192.0.2.1:5000"},
    ],
)
def test_a_demonstration_never_starts_beside_a_relay_or_a_public_address(tmp_path, asked):
    environment = {"GRANTS_INSTANCE": str(tmp_path), **asked}
    assert not settings_from(environment).is_demo
    with pytest.raises(ValueError, match="GRANTS_DEMO=0"):
        settings_from({**environment, "GRANTS_DEMO": "1"})


@pytest.mark.parametrize("given", [{}, {"GRANTS_DEMO": "0"}, {"GRANTS_DEMO": ""}, {"DATABASE_URL": "sqlite://"}])
def test_a_demonstration_is_never_inferred(tmp_path, given):
    assert not settings_from({"GRANTS_INSTANCE": str(tmp_path), **given}).is_demo


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:5000", "http://localhost:8080", "http://[::1]:5000"])
def test_a_demonstration_starts_on_this_machine(tmp_path, base_url):
    assert settings_from({"GRANTS_INSTANCE": str(tmp_path), "GRANTS_DEMO": "1", "BASE_URL": base_url}).is_demo


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_KEY"])
def test_a_short_secret_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=name):
        settings_from({"GRANTS_INSTANCE": str(tmp_path), name: "x" * 31})


@pytest.mark.parametrize("number", ["-1", "²", "deux", "1e3", "٣"])
def test_a_number_of_proxies_that_is_none_is_refused(tmp_path, number):
    with pytest.raises(ValueError, match="TRUSTED_PROXIES"):
        settings_from({"GRANTS_INSTANCE": str(tmp_path), "TRUSTED_PROXIES": number})


@pytest.mark.neutral
def test_another_body_names_itself_its_fund_and_its_clock(tmp_path):
    given = {"BODY_NAME": "Ville d’exemple", "FUND_NAME": "Fonds d’essai", "ZONE": "Indian/Reunion"}
    settings = settings_from({"GRANTS_INSTANCE": str(tmp_path), **given})
    assert (settings.body_name, settings.fund_name, settings.zone) == tuple(given.values())
    for zone in ("Mars/Olympus", "../etc/passwd"):
        with pytest.raises(ValueError, match="ZONE"):
            settings_from({"GRANTS_INSTANCE": str(tmp_path), "ZONE": zone})


@pytest.fixture
def demonstration(app, monkeypatch):
    """Say that a demonstration was asked for."""
    settings = replace(app.config["SETTINGS"], is_demo=True)
    monkeypatch.setitem(app.config, "SETTINGS", settings)


@pytest.fixture
def not_served(app, monkeypatch):
    """Give what would be served of this application, without serving it."""
    served = []
    monkeypatch.setattr(cli, "_load", lambda: app)
    monkeypatch.setattr(serving, "run_together", lambda commands: served.append(commands) or True)
    monkeypatch.setenv("GRANTS_DEMO", "0")
    monkeypatch.setenv("PORT", "5000")
    return served


def test_a_real_fund_is_never_served_as_a_demonstration(app, make, demonstration, grants, free_port, not_served):
    make.account("manager")
    code, _, complaint = grants("run", "--port", str(free_port))
    assert code == 1
    assert "lus par tous" in complaint
    assert not_served == []
    assert "lus par tous" in grants("check")[1]


@pytest.mark.neutral
@pytest.mark.parametrize(
    ("is_demo", "holds_demo", "said"),
    [("1", False, "lus par tous"), ("", True, "est public"), ("0", False, "")],
)
def test_another_server_does_not_start_in_the_wrong_mode_either(app, make, tmp_path, is_demo, holds_demo, said):
    with unit_of_work():
        account = make.account("manager")
        if holds_demo:
            account.email = content.people()[0]["email"]
    code, lines = wsgi(app.config["SETTINGS"].database_url, tmp_path, GRANTS_DEMO=is_demo)
    assert (code, len(lines)) == (1 if said else 0, 1), lines
    assert said in lines[0] if said else lines == ["0"]


def test_an_application_loaded_by_its_factory_answers_nobody_in_the_wrong_mode(
    app, make, tmp_path, monkeypatch, caplog
):
    """`gunicorn 'grants:create_app()'` does not pass by wsgi.py."""
    with unit_of_work():
        account = make.account("manager")
        account.email = content.people()[0]["email"]
    given = {"GRANTS_INSTANCE": str(tmp_path), "DATABASE_URL": app.config["SETTINGS"].database_url, "GRANTS_DEMO": "0",
             "BASE_URL": "http://127.0.0.1:5000", "MAIL_URL": "", "TRUSTED_PROXIES": "0"}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    served = create_app()
    answers = [served.test_client().get("/connexion") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert "est public" in caplog.text
    assert "public" not in answers[0].text
    with unit_of_work():
        db.session.merge(account).email = "personne@exemple.example"
    assert [served.test_client().get("/connexion").status_code for _ in range(2)] == [200, 200]
    with served.app_context():
        db.engine.dispose()


@pytest.mark.neutral
def test_another_server_does_not_start_on_a_base_that_is_not_prepared(tmp_path):
    code, lines = wsgi(f"sqlite:///{tmp_path / 'nothing.sqlite'}", tmp_path)
    assert (code, len(lines), "grants init" in lines[0]) == (1, 1, True), lines


def wsgi(url, folder, **given):
    """What a WSGI server does first, in a process of its own: the exit code, and the lines it says."""
    environment = {
        **os.environ, "GRANTS_INSTANCE": str(folder), "DATABASE_URL": url,
        "BASE_URL": "http://127.0.0.1:5000", "MAIL_URL": "", "TRUSTED_PROXIES": "0", **given,
    }  # fmt: skip
    log = folder / "lines"
    code = Forked(starting.wsgi_file, folder=ROOT, environment=environment, log=log).wait(60)
    return code, log.read_text(encoding="utf-8").splitlines()


def test_a_demonstration_is_never_served_as_a_real_fund(app, make, grants, free_port, not_served):
    with unit_of_work():
        account = make.account("administrator")
        account.email = content.people()[0]["email"]
    code, _, complaint = grants("run", "--port", str(free_port))
    assert code == 1
    assert "mot de passe" in complaint
    assert not_served == []
    code, said, _ = grants("check")
    assert code == 1
    assert "public" in said


def test_a_real_fund_shows_its_letters_to_nobody(app, page, make):
    make.account("administrator")
    letter = write_one()
    for address in ("/demonstration/courriels", f"/demonstration/courriels/{letter}"):
        assert page.get(address).status == 404
        assert page.get(address, as_=make.account("administrator")).status == 404


def test_a_demonstration_shows_its_letters(app, page, demonstration):
    letter = write_one()
    assert page.get("/demonstration/courriels").status == 200
    assert "secret-de-passage" in app.test_client().get(f"/demonstration/courriels/{letter}").get_data(as_text=True)


def write_one():
    with unit_of_work():
        letter = outbox.write("people_reset", to="a@exemple.example", dedup="a", secret="secret-de-passage", hours=1)
    return letter.id


@pytest.mark.neutral
def test_what_is_written_on_the_machine_is_closed_to_its_other_users(app, tmp_path, grants):
    folder = app.config["SETTINGS"].instance
    loose = folder / "loose"
    loose.write_text("x", encoding="utf-8")
    loose.chmod(0o644)
    folder.chmod(0o755)
    code, said, _ = grants("check")
    assert code == 1
    assert "loose" in said
    assert grants("init")[0] == 0
    assert loose.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert grants("check")[0] == 0


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_that_nobody_declared_is_told(app, grants, header):
    app.test_client().get("/mentions-legales", headers={header: "192.0.2.1"})
    code, said, _ = grants("check")
    assert code == 1
    assert "TRUSTED_PROXIES" in said


def test_what_a_visitor_says_of_a_proxy_is_not_believed(app):
    client = app.test_client()
    client.get("/mentions-legales")
    client.get("/mentions-legales", headers={"X-Forwarded-For": "1.1.1.1"}, environ_base={"REMOTE_ADDR": "8.8.8.8"})
    assert proxies.seen(app.config["SETTINGS"].instance) is None


# --------------------------------------------------------------------------------------------------------------- serve


@pytest.fixture
def free_port():
    """Give a port nobody holds."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


@pytest.mark.neutral
def test_a_port_that_is_taken_is_told_before_anything_is_done(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = {**os.environ, "PORT": str(taken.getsockname()[1]), "GRANTS_INSTANCE": str(tmp_path / "instance")}
        done = command(tmp_path, environment, "run")
    assert done.returncode == 1
    assert done.stderr.strip() == f"Le port {environment['PORT']} est déjà pris : choisissez-en un autre avec PORT=."
    assert not (tmp_path / "instance").exists()


def command(folder, environment, *words):
    return subprocess.run(
        [sys.executable, "-m", "grants.cli", *words],
        cwd=folder, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def answer(port):
    """The status of the home page, or None while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            return response.status
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return None


def test_run_prepares_serves_and_ends_whole_without_inventing_anything(store, own, tmp_path, free_port):
    url = store.create(f"{own}served")
    given = {"PORT": str(free_port), "GRANTS_INSTANCE": str(tmp_path), "DATABASE_URL": url}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **given}
    served = subprocess.Popen(
        [sys.executable, "-m", "grants.cli", "run"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        limit = time.monotonic() + 120
        while answer(free_port) != 200:
            assert served.poll() is None
            assert time.monotonic() < limit
            time.sleep(0.2)
        served.send_signal(signal.SIGTERM)
        said, _ = served.communicate(timeout=60)
    finally:
        served.kill()
    assert served.returncode == 0
    assert f"Adresse : http://127.0.0.1:{free_port}" in said
    assert "monstration" not in said
    assert answer(free_port) is None
    listed = command(tmp_path, environment, "user", "list")
    assert (listed.returncode, listed.stdout) == (0, "")
    store.drop(f"{own}served")


@pytest.fixture
def own_signals():
    """Put back the handlers of signals that serving replaces."""
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.neutral
def test_a_command_that_never_runs_ends_the_others(monkeypatch, own_signals):
    monkeypatch.setattr(serving, "FALLS", 2)
    assert serving.run_together([partial(time.sleep, 600), partial(sys.exit, 3)]) is False


@pytest.mark.neutral
def test_a_command_that_is_killed_is_started_again_and_the_other_goes_on(tmp_path, monkeypatch, own_signals):
    monkeypatch.setattr(serving, "SOON", 0.2)
    starts, mark = tmp_path / "starts", tmp_path / "mark"

    def waits_in(path):
        with path.open("a") as file:
            file.write(f"{os.getpid()} ")
        time.sleep(600)

    commands = [partial(waits_in, starts), partial(waits_in, mark)]

    def kill_then_stop():
        first = pids(starts, 1)[0]
        os.kill(first, signal.SIGKILL)
        pids(starts, 2)
        os.kill(os.getpid(), signal.SIGTERM)

    def pids(path, number):
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            if path.exists() and len(found := path.read_text().split()) >= number:
                return [int(each) for each in found]
            time.sleep(0.02)
        raise AssertionError(f"{path.name}: never {number} starts")

    helper = threading.Thread(target=kill_then_stop)
    helper.start()
    assert serving.run_together(commands) is True
    helper.join()
    assert len(starts.read_text().split()) == 2
    assert len(mark.read_text().split()) == 1


LOADED = """
import threading
from sqlalchemy import event
from sqlalchemy.engine import Engine
opened = []
event.listen(Engine, "connect", lambda *connected: opened.append(connected))
from grants.app import create_app
create_app()
print(threading.active_count(), len(opened))
"""


def test_what_is_loaded_before_the_processes_part_holds_neither_connection_nor_thread(store, own, tmp_path):
    url = store.create(f"{own}loaded")
    environment = {**os.environ, "GRANTS_INSTANCE": str(tmp_path), "DATABASE_URL": url}
    result = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    store.drop(f"{own}loaded")
    assert result.stdout.split() == ["1", "0"]


PREPARED = """
import os
from flask.cli import ScriptInfo
from grants import cli
from grants.app import create_app
from grants.demo.context import specimen_documents
from grants.kernel import clock, serving
cli.install = lambda by: specimen_documents(clock.today())
serving.run_together = lambda commands: print(len(os.listdir("/proc/self/task")), "thread") or True
with serving.listen(int(os.environ["PORT"])) as listening:
    cli._serve(ScriptInfo(create_app=create_app), listening, int(os.environ["PORT"]))
"""


@pytest.mark.neutral
def test_no_thread_is_left_by_the_papers_of_the_demonstration_when_the_processes_part(tmp_path, free_port):
    environment = {**os.environ, "GRANTS_INSTANCE": str(tmp_path), "GRANTS_DEMO": "1", "PORT": str(free_port)}
    environment.pop("DATABASE_URL", None)
    result = subprocess.run(
        [sys.executable, "-c", PREPARED], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert "1 thread" in result.stdout.splitlines(), result.stdout + result.stderr


@pytest.mark.neutral
def test_a_port_is_held_by_one_only(free_port):
    held = serving.listen(free_port)
    assert held is not None
    assert serving.listen(free_port) is None
    held.close()
    again = serving.listen(free_port)
    assert again is not None
    again.close()
