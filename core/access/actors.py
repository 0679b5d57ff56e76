"""Who does something: part of every audit entry, and what rights over rows go by."""

from dataclasses import dataclass, field, replace
from typing import Self

from core.access.models import ApiClient, User

MAX_LENGTH = 200
"""Characters of an actor's text; columns that hold one are as wide."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts; ``kind`` is operator, api, user, command, platform or system.

    ``key`` is the primary key of the operator or API client. Rights go by it: a name can change, and change hands.
    ``address`` is where the request came from by which it acts; empty where there is none.
    """

    kind: str
    name: str
    key: int | None = None
    address: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"[:MAX_LENGTH]

    @property
    def operator_id(self) -> int | None:
        """For a foreign key to the operator; None where something else acts."""
        return self.key if self.kind == "operator" else None

    @property
    def client_id(self) -> int | None:
        """For a foreign key to the API client; None where something else acts."""
        return self.key if self.kind == "api" else None

    def at(self, address: str) -> Self:
        """The same, acting by a request from ``address`` (`core.remote_address.address_of`)."""
        return replace(self, address=address)

    @classmethod
    def read(cls, text: str) -> Self:
        """As it is stored in a column or an audit entry, without the key; either part may be empty."""
        kind, _colon, name = text.partition(":")
        return cls(kind, name)

    @classmethod
    def operator(cls, user: User) -> Self:
        return cls("operator", user.get_username(), user.pk)

    @classmethod
    def api(cls, client: ApiClient) -> Self:
        return cls("api", client.name, client.pk)

    @classmethod
    def user(cls, open_id: str) -> Self:
        """A person on the platform, known by the open_id the bot sees."""
        return cls("user", open_id)

    @classmethod
    def command(cls, name: str) -> Self:
        return cls("command", name)


SYSTEM = Actor("system", "portal")
PLATFORM = Actor("platform", "event")
ANONYMOUS = Actor("user", "anonymous")
"""Whoever is not signed in, and tries to be."""
