"""An application of this process, asked by the same visitors as a served one, without server nor socket."""

from contextvars import Context
from email.message import Message
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import requests
from flask import Flask
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.site import Site, Visitor

HERE: Any = SimpleNamespace(address="http://127.0.0.1")  # a server, as far as visitors look


class Inside(HTTPAdapter):
    """Hands the requests of a session to an application instead of sending them."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *_options: Any, **_others: Any) -> requests.Response:
        """Give the answer of the application, read to its end."""
        body = request.body.encode() if isinstance(request.body, str) else request.body or b""
        builder = EnvironBuilder(
            request.path_url, f"{request.url}"[: -len(request.path_url)], method=request.method,
            headers=dict(request.headers), input_stream=BytesIO(body), content_length=len(body),
        )  # fmt: skip
        environ = builder.get_environ()
        chunks, status, headers = Context().run(run_wsgi_app, self.app, environ, buffered=True)
        cookies = Message()
        for value in headers.getlist("Set-Cookie"):
            cookies["Set-Cookie"] = value
        raw = HTTPResponse(
            BytesIO(b"".join(chunks)), headers.to_wsgi_list(), int(status[:3]), reason=status[4:],
            preload_content=False, enforce_content_length=False, request_url=request.url,
            original_response=SimpleNamespace(msg=cookies, isclosed=lambda: True, close=lambda: None),  # type: ignore[arg-type]
        )  # fmt: skip
        return self.build_response(request, raw)


def inside(site: Site, email: str) -> Visitor:
    """A person of a fund, with a session opened, who asks the application of this process."""
    visitor = site.visitor(HERE, email)
    visitor.session.mount(HERE.address, Inside(site.app))
    return visitor
