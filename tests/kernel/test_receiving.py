"""Whole requests are received before a thread is given to them: slow visitors hold none."""

import fcntl
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from uuid import UUID

import pytest
import requests

from grants.kernel import bounded, receiving
from grants.kernel.receiving import (
    BODY_TOO_LARGE,
    HEAD_TOO_LARGE,
    LENGTH_REQUIRED,
    TOO_SLOW,
    Request,
    UnacceptableError,
)
from tests.kernel import corpus
from tests.site import Site, filled, tree_of

pytestmark = pytest.mark.neutral

SENDERS = 9  # of files at once: more than the threads of both processes, fewer than may wait
HEAD = b"POST /connexion HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def site(store, own, tmp_path_factory, shared_app):
    url = store.create(f"{own}received", template=f"{own}template")
    with closing(Site(url, tmp_path_factory.mktemp("received"))) as found:
        yield found
    store.drop(f"{own}received")


@pytest.fixture(scope="module")
def server(site):
    with site.serve() as served:
        yield served


def connected(server):
    return socket.create_connection(server.socket.getsockname(), timeout=30)


def test_more_slow_visitors_than_threads_stop_nobody(server):
    with ExitStack() as slow:
        for number in range(40):
            visitor = slow.enter_context(connected(server))
            visitor.sendall(HEAD % 5000 + b"email=" if number % 2 else b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        answers = [requests.get(f"{server.address}/mentions-legales", timeout=20).status_code for _ in range(6)]
    assert answers == [200] * 6


def test_a_request_in_pieces_is_answered_as_a_whole_and_the_connection_is_kept(server):
    with connected(server) as visitor:
        for piece in (b"GET /mentions-leg", b"ales HTTP/1.1\r\nHo", b"st: 127.0.0.1\r\n\r\n"):
            visitor.sendall(piece)
            time.sleep(0.01)
        assert status(visitor) == 200
        visitor.sendall(b"GET /mentions-legales HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert status(visitor) == 200


def test_two_requests_sent_at_once_are_both_answered(server):
    one = b"GET /static/css/tokens.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with connected(server) as visitor:
        visitor.sendall(one + one[:20])
        assert status(visitor) == 200
        visitor.sendall(one[20:])
        assert status(visitor) == 200


def test_a_body_that_is_too_long_is_answered_in_words_after_its_last_byte(server):
    with connected(server) as visitor:
        visitor.sendall(HEAD % 30_000_000)
        for _ in range(300):
            visitor.sendall(b"x" * 100_000)
        answer = whole(visitor)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert "Cet envoi est trop lourd" in answer.decode()


@pytest.fixture(scope="module")
def writers(site, server):
    """People who may send files, each with the address of their page of pieces."""
    with site.making() as make:
        call = make.call()
        drafts = [make.application(call=call) for _ in range(SENDERS)]
        rows = [(make.member_of(draft.organisation).email, draft.id) for draft in drafts]
    return [(site.visitor(server, email), f"/dossiers/{key}/rediger/pieces") for email, key in rows]


def test_what_is_typed_beside_a_file_that_is_far_too_large_is_kept(site, writers):
    visitor, path = writers[0]
    address, fields = visitor.form(path)
    file = ("énorme.pdf", b"x" * 30_000_000, "application/pdf")
    before = [*fields, ("before", "Avant")]
    sent = [*[(name, (None, value)) for name, value in before], ("file", file), ("after", (None, "Après"))]
    answer = visitor.post(address, files=sent)
    assert (answer.status_code, answer.headers["Connection"]) == (413, "close")
    stored = visitor.get(f"/reprise/{UUID(str(site.scalar('SELECT id FROM held_form')))}").text
    assert [text for text in ("Avant", "Après", "énorme.pdf") if text not in stored] == []


def test_many_who_send_files_at_once_wait_and_the_other_visitors_do_not(site, server, writers):
    def send(visitor, path):
        page = visitor.get(path)
        address, fields = filled(page)
        name = tree_of(page).xpath("//main//input[@type='file']/@name")[-1]
        return visitor.post(address, fields, files={name: ("statuts.pdf", corpus.pdf(), "application/pdf")})

    folder = site.folder / "examining"
    folder.mkdir(exist_ok=True)
    with ExitStack() as turns, ThreadPoolExecutor(SENDERS) as pool:
        for number in range(bounded.AT_ONCE):
            fcntl.flock(turns.enter_context((folder / f"turn-{number}").open("w")), fcntl.LOCK_EX)
        sent = [pool.submit(send, *each) for each in writers]
        time.sleep(1)
        answers = [requests.get(f"{server.address}/mentions-legales", timeout=20).status_code for _ in range(6)]
        waited = [each.done() for each in sent]
        turns.close()
        codes = [each.result(60).status_code for each in sent]
    assert (answers, waited) == ([200] * 6, [False] * SENDERS)
    assert codes == [302] * SENDERS
    assert site.scalar("SELECT count(*) FROM stored_file") == SENDERS


def test_a_connection_is_kept_after_a_body_that_the_application_refused_to_read(server):
    with connected(server) as visitor:
        kind = b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        visitor.sendall((HEAD % 5_000_000).removesuffix(b"\r\n") + kind + b"x" * 5_000_000)
        assert status(visitor) == 413
        visitor.sendall(b"GET /mentions-legales HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert status(visitor) == 200


def test_a_body_of_no_length_is_refused_at_once(server):
    with connected(server) as visitor:
        visitor.sendall(b"POST /connexion HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert status(visitor) == 411


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET /appels?mots=" + b"x" * 500_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 500_000, 431),
        (HEAD % 10**9 + b"x" * 500_000, 413),
        (b"GET /appels?mots=" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"no request at all\r\n\r\n", 400),
    ],
    ids=["address too long", "field too long", "body too long", "line too long", "malformed"],
)
def test_what_is_not_received_is_answered_before_the_connection_is_closed(server, sent, code):
    with connected(server) as visitor:
        visitor.sendall(sent)
        answer = whole(visitor)
    assert int(answer.split()[1]) == code
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(
    ("more", "refusal"),
    [(b"X: " + b"x" * 100_000, HEAD_TOO_LARGE), (b"Transfer-Encoding: chunked\r\n\r\n", LENGTH_REQUIRED)],
)
def test_what_follows_a_request_and_is_not_received_is_answered_too(server, more, refusal):
    one, answers = b"GET /static/css/tokens.css HTTP/1.1\r\nHost: 127.0.0.1\r\n", b""
    with connected(server) as visitor:
        visitor.sendall(one + b"\r\n" + one + more)
        while piece := visitor.recv(65536):
            answers += piece
    assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answers.endswith(refusal)


def test_who_waits_for_leave_to_send_a_body_gets_it(server):
    with connected(server) as visitor:
        visitor.sendall(b"POST /langue HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert visitor.recv(25).startswith(b"HTTP/1.1 100 Continue")


def whole(visitor):
    """Read all that comes until the connection is closed."""
    return b"".join(iter(lambda: visitor.recv(65536), b""))


def status(visitor):
    """Read one answer whole; give its status."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = visitor.recv(65536)
        assert piece, "closed without an answer"
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    left = int(fields.get(b"content-length", 0)) - len(body)
    while left > 0:
        left -= len(visitor.recv(65536))
    return int(head.split()[1])


def test_a_request_is_complete_with_its_last_byte():
    whole = HEAD % 10 + b"0123456789"
    with closing(Request()) as request:
        for byte in range(len(whole) - 1):
            request.take(whole[byte : byte + 1])
            assert not request.complete
        request.take(whole[-1:])
        assert request.complete
        assert request.read(10_000) == whole


def test_a_longer_body_has_longer_to_arrive_and_a_slow_head_has_not():
    with closing(Request(b"GET / HTTP/1.1\r\n")) as slow:
        assert slow.deadline == slow.began + receiving.HEAD_TIME
    with closing(Request(HEAD % 8_000_000)) as longer:
        assert longer.deadline > longer.began + 8_000_000 / receiving.LEAST_RATE


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * receiving.HEAD_LIMIT, HEAD_TOO_LARGE),
        (HEAD % 10**9, BODY_TOO_LARGE),
        (b"POST / HTTP/1.1\r\ntransfer-ENCODING: chunked\r\n\r\n", LENGTH_REQUIRED),
    ],
)
def test_what_is_not_received_to_its_end(sent, answer):
    with closing(Request()) as request, pytest.raises(UnacceptableError) as refusal:
        request.take(sent)
    assert refusal.value.answer == answer


def test_of_a_body_too_long_to_keep_only_the_ends_are():
    head = HEAD % (receiving.BODY_LIMIT + 1)
    with closing(Request(head)) as request:
        for number in range(-(-(receiving.BODY_LIMIT + 1) // 50_000)):
            request.take(number.to_bytes(2) * 25_000)
            assert len(request._tail) <= 2 * receiving.ENDS
        assert request.complete
        body = request.read(10 * receiving.ENDS)
    assert body.startswith(head + b"\0\0" * 25_000)
    assert body.endswith(number.to_bytes(2) * 25_000)
    assert len(body) == 2 * receiving.ENDS


def test_who_is_too_slow_is_told():
    answers, closed = [], []

    class Worker(receiving.ReceivingWorker):
        alive = True

        def __init__(self):
            self.receiving = set()

        def _stop_receiving(self, conn):
            self.receiving.discard(conn)

        def _close(self, conn):
            closed.append(conn)

        def _say(self, conn, answer):
            answers.append((conn, answer))

    class Visitor:
        refused = False

        def __init__(self, sent, began):
            self.request = Request(sent)
            self.request.began += began

    worker = Worker()
    slow, silent, other = Visitor(b"GET /", -60), Visitor(b"", -60), Visitor(b"GET /", 0)
    with closing(slow.request), closing(silent.request), closing(other.request):
        worker.receiving |= {slow, silent, other}
        worker.murder_pending()
    assert answers == [(slow, TOO_SLOW)]
    assert (set(closed), worker.receiving) == ({slow, silent}, {other})


@pytest.mark.parametrize(
    ("client", "counted"),
    [(("127.0.0.1", 1), ""), (("::1", 1, 0, 0), ""), ("", ""), (("192.0.2.7", 5), "192.0.2.7")],
)
def test_this_machine_itself_is_not_counted(client, counted):
    assert receiving._bounded(client) == counted
