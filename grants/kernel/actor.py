"""Who is acting: plain facts about the person of a request, the worker or the command line."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True)
class Actor:
    """The person as rules and journal see them; loaded once per request in a constant number of queries.

    `generation` changes with their password, and when all their sessions are ended at once.
    """

    id: UUID | None = None
    name: str = ""
    email: str = ""
    roles: frozenset[str] = frozenset()
    organisations: dict[UUID, str] = field(default_factory=dict, hash=False)
    confirmed: bool = False
    locale: str = "fr"
    generation: str = field(default="", repr=False)

    @property
    def is_authenticated(self) -> bool:
        """Whether somebody is signed in."""
        return self.id is not None

    def has_role(self, *roles: str) -> bool:
        """Whether the person holds one of the roles today."""
        return not self.roles.isdisjoint(roles)


ANONYMOUS = Actor()


def system(name: str) -> Actor:
    """The worker or the command line, named in the journal."""
    return Actor(name=name)
