"""A public directory on this machine, for tests: a thread that answers as it is told, or badly."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n"


def unit(number: str, **changed: Any) -> dict[str, Any]:
    """A unit as the public interface writes it: an association, open, published, at its head office."""
    head = {
        "siret": number, "adresse": "12 RUE DE L'EXEMPLE 69100 VILLEURBANNE", "code_postal": "69100",
        "libelle_commune": "VILLEURBANNE", "etat_administratif": "A", "statut_diffusion_etablissement": "O",
    }  # fmt: skip
    return {
        "siren": number[:9], "nom_complet": "LES COURS OUVERTES (LCO)", "nom_raison_sociale": "LES COURS OUVERTES",
        "sigle": "LCO", "siege": head, "nature_juridique": "9220", "date_creation": "2012-05-04",
        "etat_administratif": "A", "statut_diffusion": "O", "complements": {"identifiant_association": "W691234567"},
        "matching_etablissements": [],
    } | changed  # fmt: skip


class PublicDirectory(socketserver.ThreadingTCPServer):
    """Answers every question with `status`, `more` headers and `body`, `pace` seconds between its bytes."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.asked: list[str] = []
        self.status, self.more, self.body, self.pace, self.cut = "200 OK", "", b"{}", 0.0, False

    @property
    def url(self) -> str:
        """What DIRECTORY_URL says."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def says(self, *units: Any) -> None:
        """Answer with some units."""
        self.body = json.dumps({"results": units, "total_results": len(units)}).encode()


class _Answer(socketserver.StreamRequestHandler):
    server: PublicDirectory

    def handle(self) -> None:
        told = self.server
        told.asked.append(self.rfile.readline().decode().split(" ")[1])
        while self.rfile.readline().strip():
            pass
        body = told.body
        head = HEAD.format(status=told.status, length=len(body), more=told.more).encode()
        whole = head + (body[: len(body) // 2] if told.cut else body)
        with suppress(OSError):
            if not told.pace:
                self.wfile.write(whole)
                return
            for byte in whole:
                self.wfile.write(bytes([byte]))
                time.sleep(told.pace)


@contextmanager
def public_directory() -> Iterator[PublicDirectory]:
    """Run a directory for as long as the block lasts."""
    with PublicDirectory() as one:
        threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield one
        one.shutdown()
