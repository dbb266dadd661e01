"""The portfolio: the sets, amounts, prices and clashes that the calculation gives, beside those of trying every set."""

from tests.assure.figures import Reading, figure
from tests.methods.portfolios import differences
from tests.site import Workspace

CASES, SHORT = 1_000, 20
SETS = 20_000  # tried at most for a case


@figure(
    "portfolio",
    number="—",
    says="portefeuilles au hasard où l’ensemble, un prix ou le conflit diffère de celui que donnent tous les essais",
    minutes=12,
    databases=("sqlite",),
)
def portfolio(workspace: Workspace) -> Reading:
    """Cases of up to fifteen candidates, with every kind of rule, every objective and partial amounts."""
    cases, sets = (CASES, SETS) if workspace.full else (SHORT, 700)
    faults = [fault for seed in range(cases) for fault in differences(seed, sets)]
    return Reading(cases, faults, least=cases)
