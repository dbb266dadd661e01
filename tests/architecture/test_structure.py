"""The structure of the code: who commits, who writes raw SQL, machines that hold together, templates that are used."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from jinja2 import Environment, nodes
from sqlalchemy import inspect, text

from grants import evidence
from grants.applications.lifecycle import LIFECYCLE as APPLICATION
from grants.awards.lifecycle import AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT
from grants.calls.lifecycle import LIFECYCLE as CALL
from grants.deliberation.lifecycle import LIFECYCLE as MEETING
from grants.kernel import guards
from grants.kernel.db import Base, access_mode, db
from grants.kernel.machine import Machine
from grants.permissions import P
from grants.reviewing.lifecycle import LIFECYCLE as ASSIGNMENT
from tests.factories import Make

pytestmark = pytest.mark.neutral

ROOT = Path(__file__).resolve().parents[2]
MACHINES = (CALL, APPLICATION, ASSIGNMENT, MEETING, AWARD, BANK, INSTALMENT, RECEIVABLE, REPORT)
FORBIDDEN_ROOMS = {"utils", "helpers", "common", "services", "managers", "misc"}


def sources() -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / "grants").rglob("*.py")):
        if "migrations" not in path.parts:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def templates() -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt", ".typ"}:
            yield path.relative_to(ROOT / "templates").as_posix(), path.read_text(encoding="utf-8")


def test_only_the_wrapper_of_views_and_the_unit_of_work_commit() -> None:
    found = {str(path) for path, code in sources() if re.search(r"session\.commit\(|\bcommit\(\)", code)}
    assert found == {"grants/kernel/access.py", "grants/kernel/db.py"}


def test_raw_sql_stays_in_the_kernel() -> None:
    found = {str(path) for path, code in sources() if re.search(r"(?<!_where=)\btext\(\"|exec_driver_sql", code)}
    assert {path for path in found if not path.startswith("grants/kernel/")} <= {"grants/evidence.py"}


def test_text_is_normalised_in_one_place_which_bounds_its_cost() -> None:
    found = {str(path) for path, code in sources() if re.search(r"\bnormalize\(|\bis_normalized\(", code)}
    assert found == {"grants/kernel/text.py"}


def test_lines_of_templates_are_at_most_120_characters() -> None:
    long = [
        f"{path}:{number}"
        for path, source in templates()
        if path.endswith(".html")
        for number, line in enumerate(source.splitlines(), 1)
        if len(line) > 120
    ]
    assert long == []


def test_a_permission_is_named_by_its_constant() -> None:
    """Nobody writes the text of a permission: a constant that does not exist fails in Python, and here in templates."""
    spelled = re.compile("|".join(f"[\"']{re.escape(word)}[\"']" for word in P))
    written = [f"{path}: {said[0]}" for path, source in (*sources(), *templates()) for said in spelled.finditer(source)]
    assert [each for each in written if not each.startswith("grants/permissions.py")] == []
    named = {name for _path, source in templates() for name in re.findall(r"\bP\.(\w+)", source)}
    assert named
    assert named - set(P.__members__) == set()


# A comparison of a state, arithmetic on money: a named property of a model, or of what a view shows, says it instead.
DECISIONS = re.compile(
    r"\b(?:state|step|report_state) (?:==|!=|(?:not )?in)(?= )|\bstate\", \"(?:equalto|in|eq)\", (?:\[|\")"
    r"|sum\(attribute=\"\w*amount|\.cents [-+*/]|\(\w+\.\w+ [-+] \w+\.\w+\) \| money"
)
DRAW_THEM = ("components/", "calls/body.html", "applications/edit.html", "applications/review.html")  # widths, steps


def test_templates_draw_what_was_decided_for_them() -> None:
    pages = [(name, source) for name, source in templates() if not name.startswith(DRAW_THEM)]
    assert {f"{name}: {said[0]}" for name, source in pages for said in DECISIONS.finditer(source)} == set()


def test_no_junk_drawer() -> None:
    assert not [path for path, _ in sources() if path.stem in FORBIDDEN_ROOMS or path.parent.name in FORBIDDEN_ROOMS]


def test_every_module_says_why_it_exists() -> None:
    silent = [str(path) for path, code in sources() if not code.lstrip().startswith('"""')]
    assert silent == []


def test_nothing_unsafe_is_printed() -> None:
    unsafe = [name for name, code in templates() if re.search(r"\|\s*safe\b|autoescape false", code)]
    marked = [path.name for path, code in sources() if "Markup(" in code or "render_template_string" in code]
    assert unsafe == []
    # Messages written by us; what is put into them is escaped. tests/assure tries it on every page.
    assert marked == ["words.py"]


def test_nobody_but_the_clock_tells_the_time() -> None:
    found = [
        str(path)
        for path, code in sources()
        if path.name != "clock.py" and re.search(r"datetime\.now\(|date\.today\(|utcnow\(", code)
    ]
    assert found == []


def test_every_template_is_used() -> None:
    everything = "\n".join(code for _, code in [*sources(), *templates()])
    unused = []
    for name, _code in templates():
        stem = name.rsplit(".", 1)[0]
        short = stem.split("/", 1)[-1]
        if name.startswith("errors/") or f'"{name}"' in everything or f"'{name}'" in everything:
            continue
        if f'"{short}"' in everything or f'"{stem}"' in everything or short.startswith("help_"):
            continue
        unused.append(name)
    assert unused == []


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_machine_holds_together(machine: Machine, app: Flask) -> None:
    reached, frontier = set(machine.beginnings), list(machine.beginnings)
    while frontier:
        for move in machine.moves_from(frontier.pop()):
            if move.target is not None and move.target not in reached:
                reached.add(move.target)
                frontier.append(move.target)
    assert reached == set(machine.states)
    for code, state in machine.states.items():
        leaves = any(move.target not in {None, code} for move in machine.moves_from(code))
        assert state.final or leaves, f"{machine.name}: nothing leaves {code}"
    for move in machine.moves:
        assert move.sources <= set(machine.states)
        if move.endpoint is None:
            continue
        access = app.view_functions[move.endpoint].__access__  # type: ignore[attr-defined]
        assert access.permission == move.permission


def test_the_lives_are_drawn_as_they_are() -> None:
    drawn = (ROOT / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    for machine in MACHINES:
        assert machine.mermaid() in drawn, f"{machine.name}: run grants docs"


def test_the_guards_of_the_evidence_stand(app: Flask) -> None:
    with db.engine.connect() as connection:
        assert evidence.expected() <= guards.present(connection)


def test_the_schema_goes_up_down_and_up_and_equals_the_models(app: Flask, make: Make) -> None:
    make.application()
    db.session.remove()
    downgrade(revision="base")
    with db.engine.connect() as connection:
        left = set(inspect(connection).get_table_names()) - {"alembic_version"}
        assert left == set()
        if connection.dialect.name == "postgresql":
            functions = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            assert connection.execute(text(functions)).all() == []
    upgrade()
    with access_mode(writing=False), db.engine.connect() as connection:
        inspector = inspect(connection)
        assert set(inspector.get_table_names()) - {"alembic_version"} == set(Base.metadata.tables)
        for name, table in Base.metadata.tables.items():
            assert {column["name"] for column in inspector.get_columns(name)} == {c.name for c in table.columns}
            checks = {check["name"] for check in inspector.get_check_constraints(name) if check["name"]}
            names = {str(c.name) for c in table.constraints if c.name and str(c.name).startswith("ck_")}
            assert {check.removeprefix(f"ck_{name}_") for check in checks} >= {
                check.removeprefix(f"ck_{name}_") for check in names if not str(check).endswith("_None")
            }, name
        assert evidence.expected() <= guards.present(connection)
        assert connection.execute(text("SELECT count(*) FROM application")).scalar_one() == 0


LITERAL = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`]*`")


def test_no_script_holds_words_that_the_catalogue_cannot_translate():
    for path in sorted((ROOT / "static/js").glob("*.js")):
        code = re.sub(r"(^|\s)//[^\n]*", "", path.read_text(encoding="utf-8"))
        assert "french" not in code, path.name
        for literal in LITERAL.findall(code):
            assert not any(letter.isalpha() and not letter.isascii() for letter in literal), f"{path.name}: {literal}"


TRANSLATED = {"_", "gettext", "ngettext"}
NAMED = re.compile(r"(?:title|aria-label|placeholder|alt|label)=\"([^\"\0]*[^\W\d_]{2}[^\"\0]*)\"")
LANGUAGES_BY_NAME = {"FR", "Français", "EN", "English"}  # each says its own name


def written(tree: nodes.Template) -> str:
    """The text that a template writes by itself, but for the name of its layout; NUL in place of what is computed."""
    found: list[str] = []

    def walk(node: nodes.Node) -> None:
        if isinstance(node, nodes.TemplateData):
            found.append(node.data)
        elif isinstance(node, nodes.Output):
            found.extend(each.data if isinstance(each, nodes.TemplateData) else "\0" for each in node.nodes)
        elif not (isinstance(node, nodes.Expr) or (isinstance(node, nodes.Block) and node.name == "layout")):
            for child in node.iter_child_nodes():
                walk(child)

    walk(tree)
    return "".join(found)


def constants(node: nodes.Node) -> Iterator[str]:
    """The texts that expressions of a template hold, but for those that the catalogue translates."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) and node.node.name in TRANSLATED:
        return
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from constants(child)


def test_no_template_holds_words_that_the_catalogue_cannot_translate() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    for name, source in templates():
        if not name.endswith(".html") or name == "styleguide.html":
            continue
        tree = environment.parse(source)
        page = re.sub(r"<(style|script)\b.*?</\1>", "", written(tree), flags=re.DOTALL)
        bare = re.sub(r"<[^>]*>|\b(?:class|enctype)=\"[^\"]*\"", " ", page)
        words = set(re.findall(r"[^\W\d_]{2,}", bare)) - LANGUAGES_BY_NAME
        said = {text for text in constants(tree) if any(letter.isalpha() and not letter.isascii() for letter in text)}
        named = {text for text in NAMED.findall(page) if text not in LANGUAGES_BY_NAME}
        assert (words, named, said) == (set(), set(), set()), name
