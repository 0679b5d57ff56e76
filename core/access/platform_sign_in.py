"""Signing in with an account of the platform, as the pages of this package show it. Who offers it knows bots, which this package
does not: it registers here."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.http import HttpRequest

from core.access.models import User


@dataclass(frozen=True, slots=True)
class Offer:
    """``platform``: the bot through which it goes, by name. ``target``: where its form leads the browser, as an origin."""

    platform: str
    target: str


class Provider(Protocol):
    """What offers it."""

    def offer(self, request: HttpRequest) -> Offer | None:
        """None where it is not set up, or cannot work at the address of the request."""
        ...

    def linked(self, user: User) -> list[Any]:
        """The accounts that sign in as the operator."""
        ...


class _Nobody:
    def offer(self, _request: HttpRequest) -> Offer | None:
        return None

    def linked(self, _user: User) -> list[Any]:
        return []


_registered: Final[list[Provider]] = [_Nobody()]


def register(provider: Provider) -> None:
    """Offer sign-in by ``provider`` from now on."""
    _registered.append(provider)


def provider() -> Provider:
    return _registered[-1]
