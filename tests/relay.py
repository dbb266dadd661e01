"""A mail relay that outlives the servers it serves: it takes every message and remembers how often each one came."""

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes


class Relay(socketserver.ThreadingTCPServer):
    """Counts messages by their Message-ID. A message counts from the instant at which its sender is told so."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.received: Counter[str] = Counter()

    @property
    def url(self) -> str:
        """What MAIL_URL says."""
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs to hand over a message."""

    server: Relay

    def handle(self) -> None:
        self._say("220 relay")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self._say("354 go on")
                self._take()
            self._say({b"QUIT": "221 bye", b"EHLO": "250 relay"}.get(word, "250 ok"))
            if word == b"QUIT":
                return

    def _take(self) -> None:
        lines: list[bytes] = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return  # cut off in the middle: the sender was told nothing, and will come back
            lines.append(line)
        name = str(message_from_bytes(b"".join(lines))["Message-ID"]).strip("<>").partition("@")[0]
        self.server.received[name] += 1

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def relay() -> Iterator[Relay]:
    """Run a relay for as long as the block lasts."""
    with Relay() as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        try:
            yield one
        finally:
            one.shutdown()
