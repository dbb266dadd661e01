"""What a request costs as its size grows: texts that are slow to normalise or to match, sent by a visitor."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.assure.figures import Reading, figure
from tests.site import Server, Site, Visitor, Workspace, token_of

SIZES = (1_000, 4_000, 16_000, 48_000, 250_000, 1_000_000)  # bytes of the body
DEAREST = 0.5  # seconds of processor that one request may take of all processes of the server
# Each is slow for a rule that looks twice at every place: marks out of order, marks in disguise, dots, digits.
TEXTS = {"marks": "\u0301\u0316", "disguised": "\uff9e\u3099", "dots": "a.", "digits": "9"}
FIELDS = ("email", "password")


def processor_of(server: Server) -> float:
    """Seconds of processor that the server has used so far."""
    top = psutil.Process(server.processes[0].pid)
    times = [process.cpu_times() for process in [top, *top.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


class Neighbour:
    """Somebody who opens a page again and again meanwhile: the longest they waited, in seconds."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor, self.longest, self._over = visitor, 0.0, threading.Event()

    @contextmanager
    def at_work(self) -> Iterator["Neighbour"]:
        """Open pages while the block lasts."""
        thread = threading.Thread(target=self._read)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def _read(self) -> None:
        while not self._over.wait(0.05):
            start = time.monotonic()
            self.visitor.get("/mentions-legales")
            self.longest = max(self.longest, time.monotonic() - start)


def sent(visitor: Visitor, token: str, text: str, field: str, size: int) -> int:
    """Try to sign in with a text in one field, as long as the body allows; the status."""
    length = max(1, size // len(text.encode()) // 3)  # three bytes of a form for each byte that is not ASCII
    values = {"csrf_token": token, "_key": f"{field}-{size}", "email": f"{size}@exemple.example", "password": "x"}
    values[field] = f"{size}{field}" + text * (length * (3 if text.isascii() else 1))
    return visitor.post("/connexion", values).status_code


def costs(site: Site, server: Server, faults: list[str]) -> tuple[int, list[str]]:
    """Send every text at every size; how many were sent, and the dearest at each size, in words."""
    visitor, tried, lines = site.visitor(server), 0, []
    token = token_of(visitor)
    for size in SIZES:
        dearest = 0.0
        for name, text in TEXTS.items():
            for field in FIELDS:
                before = processor_of(server)
                status = sent(visitor, token, text, field, size)
                spent = processor_of(server) - before
                dearest, tried = max(dearest, spent), tried + 1
                if status not in {413, 422}:
                    faults.append(f"{name} in {field}, {size} bytes: answered {status}")
                if spent > DEAREST:
                    faults.append(f"{name} in {field}, {size} bytes: {spent:.2f} s of processor")
        lines.append(f"{size / 1000:g} ko\u00a0: {dearest:.2f}\u00a0s".replace(".", ","))
    return tried, lines


@figure(
    "cost",
    number="–",
    says="envois d’un visiteur, de 1 ko à 1 Mo, qui coûtent plus d’une demi-seconde de processeur",
    minutes=1,
    short=False,
)
def cost(workspace: Workspace) -> Reading:
    """The sign-in form, filled with texts that are slow to read, while somebody else opens pages."""
    faults: list[str] = []
    with workspace.site() as site, site.serve() as server, Neighbour(site.visitor(server)).at_work() as neighbour:
        tried, lines = costs(site, server, faults)
    lines.append(f"page ouverte pendant ce temps\u00a0: {neighbour.longest:.2f}\u00a0s au plus".replace(".", ","))
    return Reading(tried, faults, least=len(SIZES) * len(TEXTS) * len(FIELDS), notes=["\u00a0; ".join(lines)])
