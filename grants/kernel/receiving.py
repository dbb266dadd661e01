"""Receives whole requests before a thread is given to them, so that slow visitors do not stop the service.

The threaded worker of gunicorn reads a request inside one of its few threads: as many slow connections as there are
threads stop everybody. This worker reads in its main loop, without waiting, and hands a request over once it is
complete. A connection that takes too long, or one too many of an address, is closed. A proxy that buffers requests does
the same for more visitors: docs/deployment.md.

Requests that bring files have threads of their own, since they may wait for their turn to be examined.

Whoever is refused is told that the connection closes, and what they still send is read and dropped for a bounded time,
so that the answer arrives (RFC 9112, 9.6).
"""

import re
import socket
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from selectors import EVENT_READ
from typing import Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn, ThreadWorker

from grants.kernel import bounded

HEAD_LIMIT = 64 * 1024  # bytes of the head of a request
BODY_LIMIT = 25_000_000  # bytes of a body that is kept whole; of a longer one, its ends: the application refuses it
ENDS = 256 * 1024  # bytes kept of each end of a longer body, where the fields beside its files are
DROPPED_LIMIT = 200_000_000  # bytes of a body that is read at all
HEAD_TIME = 10.0  # seconds for the head of a request
BODY_TIME = 60.0  # seconds for any body, however small
LEAST_RATE = 4_000  # bytes a second that a longer body must reach on average
SEND_TIME = 60.0  # seconds for one piece of an answer
PER_ADDRESS = 64  # connections of one address open at once in a process; this machine itself (a proxy) is not bounded
IN_MEMORY = 256 * 1024  # bytes of a request kept in memory before it goes to a temporary file
_PIECE = 64 * 1024
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,12})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_FILES = re.compile(rb"\r\ncontent-type:[ \t]*multipart/", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _refusal(status: str, french: str, english: str) -> bytes:
    """A whole answer that ends its connection, for who is refused before the application can say it."""
    body = f"{french}\n{english}\n".encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


LENGTH_REQUIRED = _refusal(
    "411 Length Required", "Cet envoi ne dit pas sa longueur.", "This request does not say its length."
)
BODY_TOO_LARGE = _refusal(
    "413 Content Too Large",
    "Cet envoi est trop lourd : rien n’a été enregistré. Revenez à la page précédente et choisissez un fichier plus "
    "léger.",
    "This is too large: nothing was saved. Go back to the previous page and choose a smaller file.",
)
HEAD_TOO_LARGE = _refusal(
    "431 Request Header Fields Too Large",
    "L’adresse demandée est trop longue, ou votre navigateur envoie trop d’informations avec elle.",
    "The address is too long, or your browser sends too much information with it.",
)
TOO_SLOW = _refusal(
    "408 Request Timeout",
    "Votre envoi a pris trop de temps : rien n’a été enregistré. Vérifiez votre connexion, puis recommencez.",
    "This took too long to arrive: nothing was saved. Check your connection, then try again.",
)


class UnacceptableError(Exception):
    """A request that is not received to its end; `answer` is sent before the connection is closed."""

    def __init__(self, answer: bytes = b"") -> None:
        super().__init__(answer)
        self.answer = answer


class Request:
    """The bytes of one request: kept as they arrive, then read back; what follows it is left for the next one."""

    def __init__(self, already: bytes = b"") -> None:
        # Closed by `close`, when its connection is.
        self._store = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._head = b""
        self._reading = False
        self.began = time.monotonic()
        self.size = 0
        self.wanted: int | None = None  # bytes of the whole request, known with its head
        self.dropped = False
        self.expects = False
        self.has_files = False
        self._tail = bytearray()
        if already:
            self.take(already)

    @property
    def complete(self) -> bool:
        """Whether every byte of the request is here."""
        return self.wanted is not None and self.size >= self.wanted

    @property
    def deadline(self) -> float:
        """The instant, in seconds of the monotonic clock, by which it must be complete."""
        if self.wanted is None:
            return self.began + HEAD_TIME
        return self.began + BODY_TIME + self.wanted / LEAST_RATE

    def take(self, piece: bytes) -> None:
        """Keep what arrived. Raises UnacceptableError for a head or a body longer than any of ours, or of no length.

        Nothing at all means that the visitor has gone, which ends the request the same way.
        """
        if not piece:
            raise UnacceptableError
        self.size += len(piece)
        self._keep(piece)
        if self.wanted is not None:
            return
        self._head += piece
        end = self._head.find(_END)
        if end > HEAD_LIMIT or (end < 0 and len(self._head) > HEAD_LIMIT):
            raise UnacceptableError(HEAD_TOO_LARGE)
        if end < 0:
            return
        head, self._head = self._head[: end + 2], b""
        if _CHUNKED.search(head):
            raise UnacceptableError(LENGTH_REQUIRED)
        length = _LENGTH.search(head)
        body = int(length[1]) if length else 0
        if body > DROPPED_LIMIT:
            raise UnacceptableError(BODY_TOO_LARGE)
        self.wanted = end + len(_END) + body
        self.dropped = body > BODY_LIMIT
        self.expects = _EXPECT.search(head) is not None and not self.complete
        self.has_files = _FILES.search(head) is not None

    def _keep(self, piece: bytes) -> None:
        room = max(ENDS - self._store.tell(), 0) if self.dropped else len(piece)
        self._store.write(piece[:room])
        self._tail += piece[room:]
        if len(self._tail) > 2 * ENDS:
            del self._tail[:-ENDS]

    def read(self, size: int) -> bytes:
        """The next bytes of what was received; empty at the end."""
        if not self._reading:
            self._store.write(self._tail[-ENDS:])
            self._store.seek(0)
            self._reading = True
        return self._store.read(size)

    def rest(self) -> bytes:
        """What was received and not read: the beginning of a next request sent at once."""
        return self.read(-1)

    def close(self) -> None:
        """Let go of what was received."""
        self._store.close()


class _Source:
    """What the parser of gunicorn reads: the request that was received, then the socket under its time limit."""

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.gettimeout = connection.sock.gettimeout
        self.settimeout = connection.sock.settimeout

    def recv(self, size: int) -> bytes:
        """The next bytes; empty ends the connection."""
        return self.connection.request.read(size)


class Connection(TConn):
    """A connection whose parser reads requests that were received whole."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.initialized = False
        self.refused = False  # answered before its end: what still comes is read and dropped
        self.request = Request()

    def init(self) -> None:
        """Give the connection its parser, once."""
        if not self.initialized:
            self.initialized = True
            self.parser = get_parser(self.cfg, _Source(self), self.client)

    def close(self, graceful: bool = False) -> None:
        """Close the connection and let go of what it sent.

        Nothing unread is left that would cut the answer short, so that the main loop never lingers for the visitor.
        """
        self.request.close()
        super().close(graceful=False)


class ReceivingWorker(ThreadWorker):
    """The threaded worker of gunicorn, whose threads are given complete requests alone. Plain HTTP/1 only."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.receiving: set[Connection] = set()
        self.addresses: Counter[str] = Counter()
        self.sending: set[Connection] = set()  # whose request brings files and has a thread for it

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and begin to receive its first request."""
        try:
            sock, client = listener.accept()
        except OSError:  # another process was faster, or the visitor is gone
            return
        address = _bounded(client)
        if address and self.addresses[address] >= PER_ADDRESS:
            sock.close()
            return
        self.nr_conns += 1
        self.addresses[address] += 1
        self._wait_for_more(Connection(self.cfg, sock, client, listener.getsockname()))

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Begin to receive the next request of a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._begin(conn)

    def init_process(self) -> None:
        """Make the threads that may wait, then serve."""
        self.files = ThreadPoolExecutor(bounded.IN_HAND)
        super().init_process()

    def enqueue_req(self, conn: Connection) -> None:
        """Hand a complete request to a thread: one that may wait when it brings files and such a thread is left."""
        if not conn.request.has_files or len(self.sending) >= bounded.IN_HAND:
            super().enqueue_req(conn)
            return
        self.sending.add(conn)
        done = self.files.submit(self.handle, conn)
        done.add_done_callback(lambda outcome: self.method_queue.defer(self.finish_request, conn, outcome))

    def handle(self, conn: Connection) -> Any:
        """Answer a complete request, in a thread."""
        bounded.may_wait.set(conn in self.sending)
        conn.sock.settimeout(SEND_TIME)
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Answer, then read what the application left of the body: gunicorn itself closes a connection over a long one.

        The answer has already told the visitor that the connection is kept. It is not after a body that was not.
        """
        if conn.request.dropped:
            req.force_close()
        keep_alive = super().handle_request(req, conn)
        if keep_alive:
            conn.parser.finish_body()
        return keep_alive

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Receive the next request if it came with the last one; otherwise keep or close the connection."""
        self.sending.discard(conn)
        keep_alive = not fs.cancelled() and fs.exception() is None and fs.result()
        if keep_alive and self.alive:
            rest = conn.parser.unreader.take_buffered() + conn.request.rest()
            if rest:
                self._begin(conn, rest)
                return
        before = self.nr_conns
        super().finish_request(conn, fs)
        if self.nr_conns < before:
            self._forget_address(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close the connections that were kept for long enough."""
        before = list(self.keepalived_conns)
        super().murder_keepalived(force)
        left = set(self.keepalived_conns)
        for conn in before:
            if conn not in left:
                self._forget_address(conn)

    def murder_pending(self) -> None:
        """Close the connections that take too long to send their request."""
        now = time.monotonic()
        for conn in [conn for conn in self.receiving if conn.request.deadline < now or self._is_idle(conn)]:
            if conn.request.size and not conn.refused:
                self._say(conn, TOO_SLOW)
            self._stop_receiving(conn)
            self._close(conn)

    def _is_idle(self, conn: Connection) -> bool:
        """Whether a worker that ends need not wait for a connection: it has sent nothing."""
        return not self.alive and not conn.request.size

    def _begin(self, conn: Connection, already: bytes = b"") -> None:
        conn.request.close()
        try:
            conn.request = Request(already)
        except UnacceptableError as problem:
            self._wait_for_more(conn)
            self._refuse(conn, problem.answer)
            return
        if conn.request.complete:
            self.enqueue_req(conn)
        else:
            self._wait_for_more(conn)

    def _wait_for_more(self, conn: Connection) -> None:
        conn.sock.setblocking(False)
        conn.data_ready = True
        self.receiving.add(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self._receive, conn))

    def _receive(self, conn: Connection, _sock: socket.socket) -> None:
        """Take what arrived; hand the request over once it is complete."""
        try:
            piece = conn.sock.recv(_PIECE)
            if conn.refused and piece:
                return
            conn.request.take(piece)
            if conn.request.expects:
                conn.request.expects = False
                conn.sock.send(CONTINUE)
        except BlockingIOError:
            return
        except (OSError, UnacceptableError) as problem:
            self._refuse(conn, getattr(problem, "answer", b""))
            return
        if conn.request.complete:
            self._stop_receiving(conn)
            self.enqueue_req(conn)

    def _refuse(self, conn: Connection, answer: bytes) -> None:
        """Say why a request is not received, if there is somebody to say it to.

        What the visitor still sends is read and dropped until they close or the time of a head is over: to close over
        bytes nobody read would reset the connection and lose the answer.
        """
        if answer and self._say(conn, answer):
            conn.refused = True
            return
        self._stop_receiving(conn)
        self._close(conn)

    def _say(self, conn: Connection, answer: bytes) -> bool:
        """Send a short answer, the last of its connection; whether it left."""
        try:
            conn.sock.send(answer)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.log.debug("a connection was gone before its answer")
            return False
        return True

    def _stop_receiving(self, conn: Connection) -> None:
        self.receiving.discard(conn)
        self.poller.unregister(conn.sock)

    def _close(self, conn: Connection) -> None:
        self.nr_conns -= 1
        self._forget_address(conn)
        conn.close()

    def _forget_address(self, conn: Connection) -> None:
        address = _bounded(conn.client)
        self.addresses[address] -= 1
        if not self.addresses[address]:
            del self.addresses[address]


def _bounded(client: Any) -> str:
    """The address whose connections are counted; empty for this machine itself and for local sockets."""
    if not isinstance(client, tuple):
        return ""
    address = ip_address(str(client[0]).partition("%")[0])
    return "" if address.is_loopback else str(address)
