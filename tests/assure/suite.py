"""Tests of the suite that `make test` makes on one database alone, made on each."""

import os
import re
import subprocess
import sys

from tests.assure.figures import Reading, figure
from tests.site import ROOT, Workspace


def tested(workspace: Workspace, *arguments: str, least: int) -> Reading:
    """Run tests of the suite on the database of a place; each that fails is a fault."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", f"--db={workspace.dialect}", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    faults = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    passed = re.search(r"(\d+) passed", lines[-1] if lines else "")
    if done.returncode and not faults:
        faults = [f"the tests could not run ({done.returncode}): {lines[-3:]}"]
    return Reading(int(passed[1]) if passed else 0, faults, least=least)


@figure(
    "journeys",
    number="20, 23",
    says="tâches principales des rôles qui échouent au clavier seul, sans JavaScript, ou de l’appel au registre",
    minutes=6,
    short=False,
)
def journeys(workspace: Workspace) -> Reading:
    """The journeys of the suite, run as they are. No short form: `make test` makes each on one of the databases."""
    return tested(workspace, "tests/journeys", least=16)


@figure(
    "neutral",
    number="—",
    says="essais déclarés neutres dont le résultat dépend de la base",
    minutes=8,
    short=False,
)
def neutral(workspace: Workspace) -> Reading:
    """The tests marked neutral: if one of them fails on a database alone, its mark is wrong. Figures have their own."""
    others = ("--ignore=tests/assure", "--ignore=tests/journeys")
    return tested(workspace, "-m", "neutral", *others, "tests", least=1_200)
