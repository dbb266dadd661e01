"""Readers assigned to dossiers: small cases against everything that is possible, and a large one against the clock."""

import random
import time

from grants.methods.assignment import Dossier, Reader, Rules, assign
from tests.assure.figures import Reading, figure
from tests.methods.assignments import crossing, drawn, faults
from tests.site import Workspace

CASES = 3000
SECONDS = 60


@figure(
    "assignments",
    number="–",
    says="attributions de lecteurs qui ne sont pas la meilleure possible, ou conflits de règles mal dits",
    minutes=2,
    databases=("sqlite",),
    short=False,
)
def assignments(_workspace: Workspace) -> Reading:
    """Compare with enumeration; the short form is a test of the ordinary suite."""
    found, clashes, looser = [], 0, 0
    for seed in range(CASES):
        case = drawn(random.Random(seed))
        answer = assign(*case)
        found += [f"case {seed}: {wrong}" for wrong in faults(case, answer)]
        clashes += bool(answer.clash)
        if not answer.clash:
            together, least = crossing(case, answer)
            looser += together > least
    seconds = large()
    if seconds > SECONDS:
        found.append(f"500 dossiers and 40 readers took {seconds:.0f} s")
    least = (
        f"{looser} où deux lecteurs siègent ensemble plus souvent qu’il n’est nécessaire (visée qui n’est pas prouvée)"
    )
    notes = [
        f"{clashes} cas sans réponse, au plus petit conflit vérifié ; {CASES - clashes} avec réponse, dont {least}",
        f"500 dossiers et 40 lecteurs : {seconds:.1f} s".replace(".", ","),
    ]
    return Reading(CASES + 1, found, least=CASES, notes=notes)


def large() -> float:
    """The seconds that a large case takes."""
    chance = random.Random(40)
    topics = [f"thème {rank}" for rank in range(10)]
    dossiers = [Dossier(f"{rank:03}", frozenset(chance.sample(topics, 2))) for rank in range(500)]
    readers = [
        Reader(f"r{rank:02}", chance.choice("abc"), None, dict.fromkeys(chance.sample(topics, 4), 1))
        for rank in range(40)
    ]
    linked = frozenset((one.id, who.id) for one in dossiers for who in readers if chance.random() < 0.05)
    start = time.monotonic()
    answer = assign(dossiers, readers, Rules(3, 60, {"a": 1}, linked))
    assert not answer.clash
    return time.monotonic() - start
