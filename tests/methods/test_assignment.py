"""Readers assigned to dossiers: compared with all that is possible on small cases, and the files it reads."""

import contextlib
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from grants.cli import main
from grants.methods import assignment_model, solver
from grants.methods.assignment import Dossier, Pair, Reader, Rules, TooLargeError, assign
from tests.methods.assignments import drawn, faults, is_joined
from tests.site import ROOT

pytestmark = pytest.mark.neutral


def pairs_of(answer):
    """The pairs of an answer, without their reasons."""
    return frozenset((pair.dossier, pair.reader) for pair in answer.pairs)


def test_answers_and_clashes_are_the_best_of_all_that_is_possible():
    found = {}
    for seed in range(80):
        case = drawn(random.Random(seed))
        found[seed] = faults(case, assign(*case))
    assert not {seed: wrong for seed, wrong in found.items() if wrong}


def test_the_order_of_rows_changes_nothing():
    for seed in range(10):
        dossiers, readers, rules = drawn(random.Random(seed))
        answer = assign(dossiers, readers, rules)
        assert assign(dossiers[::-1], readers[::-1], rules) == answer
        assert list(answer.loads) == sorted(answer.loads)
        assert answer.pairs == sorted(answer.pairs)


def test_many_dossiers_are_read_evenly_by_readers_who_are_all_compared():
    chance = random.Random(7)
    dossiers = [Dossier(f"{rank:03}") for rank in range(120)]
    readers = [Reader(f"r{rank:02}", chance.choice("aab")) for rank in range(15)]
    far = frozenset((dossier.id, reader.id) for dossier in dossiers for reader in readers if chance.random() < 0.1)
    answer = assign(dossiers, readers, Rules(3, 30, {"a": 1}, far))
    assert set(answer.loads.values()) == {24}
    panels = {dossier.id: {pair.reader for pair in answer.pairs if pair.dossier == dossier.id} for dossier in dossiers}
    together = [
        sum({one.id, other.id} <= panel for panel in panels.values())
        for one in readers
        for other in readers
        if one.id < other.id
    ]
    assert min(together) >= 2
    assert max(together) <= 5


def test_readers_whom_exchanges_do_not_join_are_joined_by_the_search(monkeypatch):
    dossiers = [Dossier(f"d{rank}", frozenset(topic)) for rank, topic in enumerate(["y", "x", "x", "y", ""])]
    readers = [Reader(f"r{rank}", topics={topic: 1}) for rank, topic in enumerate(["", "", "y", "x", "x", ""])]
    closed = {"d0": "r0 r4 r5", "d1": "r1 r2 r3 r4", "d2": "r0 r1 r4 r5", "d3": "r4 r5", "d4": "r0 r1 r2 r5"}
    rules = Rules(2, conflicts=frozenset((one, who) for one, many in closed.items() for who in many.split()))
    case = dossiers, readers, rules
    assert is_joined(pairs_of(assign(*case)))
    monkeypatch.setattr(assignment_model, "MOST_ROUNDS", 0)
    assert not is_joined(pairs_of(assign(*case)))


def test_each_pair_says_why():
    dossiers = [Dossier("d1", frozenset({"eau", "sol"})), Dossier("d2", frozenset({"sol"}))]
    readers = [
        Reader("ana", "users", topics={"eau": 2}),
        Reader("bob", "elus"),
        Reader("cleo", "elus", topics={"sol": 1}),
    ]
    rules = Rules(2, None, {"users": 1}, kept=frozenset({("d1", "bob")}))
    assert assign(dossiers, readers, rules).pairs == [
        Pair("d1", "ana", kept=False, topics=("eau",), seat="users"),
        Pair("d1", "bob", kept=True, topics=(), seat=""),
        Pair("d2", "ana", kept=False, topics=(), seat="users"),
        Pair("d2", "cleo", kept=False, topics=("sol",), seat=""),
    ]


def test_confidence_counts_before_even_loads():
    dossiers = [Dossier(f"d{rank}", frozenset({"eau"})) for rank in range(3)]
    readers = [Reader("ana", topics={"eau": 3}), Reader("bob", topics={"eau": 1})]
    assert assign(dossiers, readers, Rules(1)).loads == {"ana": 3, "bob": 0}
    assert assign(dossiers, readers, Rules(1, 2)).loads == {"ana": 2, "bob": 1}
    assert assign(dossiers, [Reader("ana"), Reader("bob")], Rules(1)).loads in (
        {"ana": 2, "bob": 1},
        {"ana": 1, "bob": 2},
    )


def test_what_is_assigned_beyond_the_rules_is_kept_and_nothing_is_added():
    dossiers, readers = [Dossier("d1"), Dossier("d2")], [Reader("ana"), Reader("bob"), Reader("cleo")]
    kept = frozenset({("d1", "ana"), ("d1", "bob"), ("d2", "ana")})
    answer = assign(dossiers, readers, Rules(1, 1, kept=kept))
    assert pairs_of(answer) == kept


def test_a_dossier_that_is_complete_is_asked_no_seat():
    dossiers, readers = [Dossier("d1"), Dossier("d2")], [Reader("ana", "users"), Reader("bob")]
    answer = assign(dossiers, readers, Rules(1, colleges={"users": 1}, kept=frozenset({("d1", "bob")})))
    assert pairs_of(answer) == {("d1", "bob"), ("d2", "ana")}


def test_without_dossiers_or_readers_there_is_a_sensible_answer():
    assert assign([], [Reader("ana")], Rules(2)) == ([], {"ana": 0}, [])
    assert assign([Dossier("d1")], [], Rules(2, 3)) == ([], {}, ["readers_per_dossier"])
    assert assign([], [], Rules(2)) == ([], {}, [])


def test_more_pairs_than_it_takes_are_refused():
    with pytest.raises(TooLargeError, match="200000"):
        assign([Dossier(str(rank)) for rank in range(20_001)], [Reader(str(rank)) for rank in range(10)], Rules(1))


# ---- the command ---------------------------------------------------------------------------------------------------

DOSSIERS = "id,topics\nD1,eau|sol\nD2,sol\nD3,\n"
READERS = "id,college,max_load,topics\nana,users,2,eau\nbob,elus,,sol\ncleo,elus,3,\ndan,users,,\n"
RULES = "readers_per_dossier = 2\nmax_load = 2\n[colleges]\nusers = 1\n"
CONFLICTS = "reader,dossier\nana,D2\nana,D2\n"


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Give a function that runs the command on files of this content, and gives what it wrote and complained of."""
    monkeypatch.chdir(tmp_path)

    def ran(dossiers=DOSSIERS, readers=READERS, rules=RULES, conflicts=None, kept=None, *, words=("--json",)):
        files = {"d.csv": dossiers, "r.csv": readers, "rules.toml": rules, "conflicts.csv": conflicts, "kept.csv": kept}
        for name, content in files.items():
            if content is not None:
                (tmp_path / name).write_text(content, encoding="utf-8")
        words = [*words, *(["--conflicts", "conflicts.csv"] if conflicts is not None else [])]
        words += ["--kept", "kept.csv"] if kept is not None else []
        with contextlib.suppress(SystemExit):
            main(["assign", "d.csv", "r.csv", "rules.toml", *words])
        return capsys.readouterr()

    return ran


def test_the_command_answers_in_json(run):
    assert json.loads(run(conflicts=CONFLICTS).out) == {
        "pairs": [["D1", "ana"], ["D1", "bob"], ["D2", "bob"], ["D2", "dan"], ["D3", "cleo"], ["D3", "dan"]],
        "loads": {"ana": 1, "bob": 2, "cleo": 1, "dan": 2},
        "clash": [],
    }
    kept = json.loads(run(kept="dossier;reader\nD3;bob\n").out)
    assert ["D3", "bob"] in kept["pairs"]
    assert json.loads(run(conflicts="reader,dossier\n").out)["clash"] == []


def test_the_command_answers_by_a_table_with_reasons(run):
    written = run(conflicts=CONFLICTS, words=()).out.replace("\u00a0", " ")
    assert "D1       ana      siège du collège users ; thèmes : eau\n" in written
    assert "D3       cleo     charges égales et lecteurs croisés\n" in written
    assert "bob      2\n" in written


def test_the_example_of_the_documentation_is_what_the_command_answers(run):
    section = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8").partition("## `grants assign`")[2]
    blocks = re.findall(r"```\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    dossiers, readers, rules, conflicts, answer = blocks[1:6]
    assert run(dossiers, readers, rules, conflicts, words=()).out == answer


@pytest.mark.parametrize(
    ("rules", "files", "clash"),
    [
        ("readers_per_dossier = 5", {}, ["readers_per_dossier"]),
        ("max_load = 1\nreaders_per_dossier = 2", {}, ["max_load", "readers_per_dossier"]),
        ("readers_per_dossier = 2\nmax_load = 0", {}, ["readers_per_dossier", "max_load"]),
        (
            "readers_per_dossier = 1\ncolleges = { elus = 1, users = 1 }",
            {},
            ["readers_per_dossier", "colleges.elus", "colleges.users"],
        ),
        ("colleges = { users = 3 }\nreaders_per_dossier = 3", {}, ["colleges.users"]),
        ("readers_per_dossier = 1\ncolleges = { nobody = 1 }", {}, ["colleges.nobody"]),
        (
            "readers_per_dossier = 3",
            {"conflicts": "reader,dossier\nana,D1\nbob,D1\n"},
            ["readers_per_dossier", "conflicts"],
        ),
        (
            "readers_per_dossier = 1",
            {"conflicts": "reader,dossier\nana,D1\n", "kept": "reader,dossier\nana,D1\n"},
            ["conflicts", "kept"],
        ),
        (
            "readers_per_dossier = 2\ncolleges = { users = 2 }",
            {"dossiers": "id\nD1\n", "kept": "reader,dossier\nbob,D1\n"},
            ["readers_per_dossier", "colleges.users", "kept"],
        ),
    ],
)
def test_rules_that_clash_are_told_the_fewest_first_in_file_order(run, rules, files, clash):
    answer = json.loads(run(rules=rules, **files).out)
    assert answer == {"pairs": [], "loads": dict.fromkeys(["ana", "bob", "cleo", "dan"], 0), "clash": clash}
    written = run(rules=rules, words=(), **files).out
    assert [line.split()[1] for line in written.splitlines()[1:]] == clash


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"dossiers": "id\nD1\nD2\nD1\n"}, "d.csv, ligne 4 : « D1 » est déjà à la ligne 2"),
        ({"dossiers": "id,topics\n,eau\n"}, "d.csv, ligne 2 : l’identifiant est vide"),
        ({"dossiers": ""}, "d.csv : aucune ligne"),
        ({"dossiers": "id\n"}, "d.csv : aucune ligne"),
        ({"readers": "id,college,max_load\n"}, "r.csv : aucune ligne"),
        ({"readers": "id,max_load\nana,1\n"}, "r.csv, ligne 1 : il manque la colonne « college »"),
        ({"readers": "id,college,max_load\nana,users,\nana,elus,\n"}, "r.csv, ligne 3 : « ana » est déjà à la ligne 2"),
        ({"readers": "id,college,max_load\nana,users,-1\n"}, "r.csv, ligne 2 : max_load : « -1 »"),
        ({"readers": "id,college,max_load\nana,users,NaN\n"}, "r.csv, ligne 2 : max_load : « NaN »"),
        ({"readers": "id,college,max_load\nana,users,1.0\n"}, "r.csv, ligne 2 : max_load : « 1.0 »"),
        ({"readers": "id,college,max_load\nana,users,٣\n"}, "r.csv, ligne 2 : max_load : « ٣ »"),
        ({"conflicts": ""}, "conflicts.csv : aucune ligne"),
        ({"conflicts": "reader,dossier\nana,D1\neve,D9\n"}, "dossier « D9 » inconnu, lecteur « eve » inconnu"),
        ({"kept": "dossier,reader\nD1,eve\n"}, "kept.csv, ligne 2 : lecteur « eve » inconnu"),
        ({"rules": ""}, "rules.toml, il manque « readers_per_dossier »"),
        ({"rules": "readers_per_dossier = 0"}, "« readers_per_dossier » doit être un nombre entier, 1 au moins"),
        ({"rules": "readers_per_dossier = true"}, "« readers_per_dossier » doit être un nombre entier"),
        ({"rules": "readers_per_dossier = 2.0"}, "« readers_per_dossier » doit être un nombre entier"),
        ({"rules": "readers_per_dossier = 9999999999999999999999"}, "1000000 au plus"),
        ({"rules": "readers_per_dossier = 1\nmax_load = nan"}, "« max_load » doit être un nombre entier, 0 au moins"),
        ({"rules": "readers_per_dossier = 1\nmax_load = '3'"}, "« max_load » doit être un nombre entier"),
        ({"rules": "readers_per_dossier = 1\ncolleges = 3"}, "« colleges » doit être une table"),
        ({"rules": "readers_per_dossier = 1\ncolleges = { users = -1 }"}, "« colleges.users » doit être un nombre"),
        ({"rules": "readers_per_dossier = 1\nreader = 2"}, "« reader » n’est pas connu"),
        ({"rules": "readers_per_dossier = 1\n[[colleges]]\nusers = 1"}, "« colleges » doit être une table"),
        ({"dossiers": "id\n" + "\n".join(map(str, range(100_000)))}, "100000 dossiers × 4 lecteurs"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_are_refused_and_nothing_is_written(run, files, problem):
    result = run(**files)
    assert problem in result.err.replace("\u00a0", " ")
    assert not result.out


def test_the_solver_writes_nothing_on_the_output():
    """Not even from its own library, which Python does not see."""
    file = Path(solver.__file__)
    code = f"import runpy; runpy.run_path({str(file)!r})['Solver']().run()"
    assert not subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
