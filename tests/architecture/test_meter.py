"""The meter counts the processor time of all that a test starts, also of what outlives its own parent."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tests.meter import lines, longest_first, part_of, spent

pytestmark = pytest.mark.neutral

USED, TICK = 0.3, 0.05  # seconds of processor
BURN = f"import time\nwhile time.process_time() < {USED}: pass\nprint('done', flush=True)"


def test_a_child_that_ended_is_counted() -> None:
    before = spent()
    subprocess.run([sys.executable, "-c", BURN], check=True, capture_output=True)
    assert spent() - before >= USED - TICK


def test_a_child_that_runs_and_what_outlives_its_parent_are_counted() -> None:
    before = spent()
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN!r} + '; time.sleep(60)'])"
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, start_new_session=True)
    assert parent.stdout is not None
    with parent.stdout:
        assert parent.stdout.readline() == b"done\n"
        assert spent() - before >= USED - TICK, "while it runs"
        parent.kill()
        parent.wait()
        assert spent() - before >= USED - TICK, "without its parent"
        os.killpg(parent.pid, signal.SIGKILL)
        parent.stdout.read()
    assert spent() - before >= USED - TICK, "once it has ended"


def test_each_part_has_its_line_and_its_share() -> None:
    assert part_of("tests/awards/test_routes.py::test_one", "") == "tests/awards"
    assert part_of("tests/awards/test_routes.py::test_one", "shared_app") == "une fois par processus : shared_app"
    assert lines({"a": 0.4, "b": 30.0, "c": 60.0}, 120.0) == ["   60.0 s  50.0 %  c", "   30.0 s  25.0 %  b"]


def test_the_longest_tests_come_first_in_each_share_and_the_others_keep_their_order() -> None:
    names = ["tests/a::1", "tests/journeys/x::1", "tests/a::2", "tests/journeys/y::2", "tests/a::3", "tests/a::4"]
    items: Any = [SimpleNamespace(nodeid=name) for name in names]
    assert [item.nodeid for item in longest_first(items, 2)] == [
        "tests/journeys/x::1", "tests/a::1", "tests/a::3", "tests/journeys/y::2", "tests/a::2", "tests/a::4",
    ]  # fmt: skip
