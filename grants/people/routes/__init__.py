"""Views of accounts and organisations: sign up, confirm, sign in, members, offices."""

from grants.people.queries import actor_by_id, generation_of
from grants.people.routes import accounts, addresses, offices, organisations, resuming
from grants.people.routes.blueprint import bp
from grants.people.routes.signing import current_actor, install

__all__ = [
    "accounts",
    "actor_by_id",
    "addresses",
    "bp",
    "current_actor",
    "generation_of",
    "install",
    "offices",
    "organisations",
    "resuming",
]
