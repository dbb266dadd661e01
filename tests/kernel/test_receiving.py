"""Whole requests are received before a thread is given to them: slow visitors hold none."""

import socket
import time
from contextlib import ExitStack, closing

import pytest
import requests

from grants.kernel import receiving
from grants.kernel.receiving import BODY_TOO_LARGE, HEAD_TOO_LARGE, LENGTH_REQUIRED, Request, UnacceptableError
from tests.site import Server

HEAD = b"POST /connexion HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture(scope="module")
def server(store, own, tmp_path_factory, house):
    url = store.create(f"{own}received", template=f"{own}template")
    served = Server(url, tmp_path_factory.mktemp("received")).start()
    yield served
    served.close()
    store.drop(f"{own}received")


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
        assert status(visitor) == 413


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
        assert status(visitor) == code
        assert visitor.recv(1) == b""


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


def test_a_body_too_long_to_keep_is_dropped_as_it_arrives():
    with closing(Request(HEAD % (receiving.BODY_LIMIT + 1))) as request:
        kept = request._store.tell()
        request.take(b"x" * 1_000_000)
        assert request._store.tell() == kept
        assert not request.complete


@pytest.mark.parametrize(
    ("client", "counted"),
    [(("127.0.0.1", 1), ""), (("::1", 1, 0, 0), ""), ("", ""), (("192.0.2.7", 5), "192.0.2.7")],
)
def test_this_machine_itself_is_not_counted(client, counted):
    assert receiving._bounded(client) == counted
