"""The night of the deadline as a figure: what `make storm` runs, in short inside `make test`."""

from tests.assure.figures import Reading, figure
from tests.site import Workspace
from tests.storm.run import STEPS, run_storm


@figure(
    "storm",
    number="7",
    says="dossiers perdus ou doublés et erreurs du serveur, 100 associations en 60 s",
    minutes=1.5,
)
def storm(workspace: Workspace) -> Reading:
    """Associations that all come in the last minute lose nothing, double nothing and meet no server error."""
    associations, seconds = (100, 60.0) if workspace.full else (10, 6.0)
    with workspace.site() as site, site.serve(worker=True) as server:
        outcome = run_storm(site, server, associations, seconds)
        return Reading(sum(map(len, outcome.times.values())), outcome.faults, least=associations * len(STEPS))
