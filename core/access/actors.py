"""Who does something: the explicit first answer of every audit entry."""

from dataclasses import dataclass
from typing import Self

from core.access.models import ApiClient, User


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts; ``kind`` is operator, api, user, command, platform or system."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def operator(cls, user: User) -> Self:
        return cls("operator", user.get_username())

    @classmethod
    def api(cls, client: ApiClient) -> Self:
        return cls("api", client.name)

    @classmethod
    def user(cls, open_id: str) -> Self:
        """A person on the platform, known by the open_id the bot sees."""
        return cls("user", open_id)

    @classmethod
    def command(cls, name: str) -> Self:
        return cls("command", name)


SYSTEM = Actor("system", "portal")
PLATFORM = Actor("platform", "event")
