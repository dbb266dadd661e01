"""Makes what tests stand on: people, organisations, calls, applications and what follows, in any state."""

from tests.factories.make import Make

__all__ = ["Make"]
