"""The public page of a call, and the pages where managers prepare it."""

from grants.calls.routes import asked, desk, parts, public
from grants.calls.routes.board import bp

__all__ = ["asked", "bp", "desk", "parts", "public"]
