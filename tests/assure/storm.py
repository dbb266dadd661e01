"""The night of the deadline as a figure: what `make storm` runs, in short inside `make test`."""

from tests.assure.figures import Reading, figure
from tests.site import Place
from tests.storm.night import STEPS, night


@figure(
    "storm",
    number="7",
    says="dossiers perdus ou doublés et erreurs du serveur, 100 associations en 60 s",
    minutes=1.5,
)
def storm(place: Place) -> Reading:
    """Associations that all come in the last minute lose nothing, double nothing and meet no server error."""
    associations, seconds = (100, 60.0) if place.full else (10, 6.0)
    with place.site() as site, site.serve(worker=True) as server:
        told = night(site, server, associations, seconds)
        return Reading(sum(map(len, told.times.values())), told.faults, least=associations * len(STEPS))
