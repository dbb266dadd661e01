"""The floor for WSGI servers, under the name that the production command serves."""

from floor import app

__all__ = ["app"]
