"""Notices a proxy that nobody has declared: behind it all visitors have one address and share one limit."""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

from flask import Flask, current_app, request

_MARK = "proxy-seen"
_HEADERS = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def watch(app: Flask, instance: Path) -> None:
    """Warn in the log, once per process, and leave a mark for `grants check`, when a proxy hands over a request.

    A header that a visitor sends from elsewhere proves nothing: only a neighbour (this machine, its own network) is
    taken for a proxy.
    """

    @app.before_request
    def _notice() -> None:
        if app.extensions.get("proxy_seen") or not any(name in request.headers for name in _HEADERS):
            return
        if not _is_near(request.remote_addr):
            return
        app.extensions["proxy_seen"] = True
        current_app.logger.warning("a proxy is in front of the service and TRUSTED_PROXIES is 0")
        try:
            (instance / _MARK).touch()
        except OSError:
            current_app.logger.exception("the mark of a proxy could not be left")


def seen(instance: Path) -> datetime | None:
    """When a process first noticed a proxy since the mark was last removed; None when none did."""
    mark = instance / _MARK
    return datetime.fromtimestamp(mark.stat().st_mtime, UTC) if mark.exists() else None


def _is_near(address: str | None) -> bool:
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    return found.is_loopback or found.is_private
