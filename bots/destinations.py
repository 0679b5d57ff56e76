"""Where a bot's App Secret and its users' tokens are sent, and what has to be given and allowed before that changes."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Final, Self, TypeAlias
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bots.enums import PlatformName
from bots.models import Bot
from core.access.actors import Actor
from core.access.models import User
from core.vault.keyring import SealedValueError
from feishu.proxies import proxy_address

FIELDS: Final = ("platform", "open_url", "accounts_url", "browser_url", "token_endpoint", "proxy_url")
"""Fields of a bot that decide where it is heard: a change of any takes the App Secret."""
HOSTS: Final = ("open_url", "accounts_url", "browser_url")

Step: TypeAlias = Callable[[Bot, Actor], None]
"""Ends what was obtained from the former destination; called in the transaction of the change."""

_steps: list[Step] = []


def on_new_destination(step: Step) -> Step:
    """A decorator, for apps that keep secrets of a bot's platform: those are void at another one."""
    _steps.append(step)
    return step


def leave_former_destination(bot: Bot, actor: Actor) -> None:
    """End all that was obtained from where the bot's requests went before."""
    for step in _steps:
        step(bot, actor)


@dataclass(frozen=True, slots=True)
class Destination:
    """The fields that count: addresses of a brand are built in, whatever else is stored beside it."""

    platform: str
    open_url: str
    accounts_url: str
    browser_url: str
    token_endpoint: str
    proxy_url: str = field(repr=False)

    @classmethod
    def of(cls, bot: Bot) -> Self:
        """As the bot's fields are now. A proxy that cannot be opened is none that could be kept."""
        is_custom = bot.platform == PlatformName.CUSTOM
        addresses = [str(getattr(bot, name)).rstrip("/") if is_custom else "" for name in HOSTS]
        try:
            proxy = bot.proxy_url
        except SealedValueError:
            proxy = "?"
        open_url, accounts_url, browser_url = addresses
        return cls(bot.platform, open_url, accounts_url, browser_url, bot.token_endpoint, proxy)

    def differs_in(self, other: "Destination") -> list[str]:
        """Names of the fields with another value."""
        return [part.name for part in fields(self) if getattr(self, part.name) != getattr(other, part.name)]

    def shown(self, names: list[str]) -> dict[str, str]:
        """These fields for the audit log: of a proxy where it is, not who signs in there."""
        values = {name: str(getattr(self, name)) for name in names}
        if values.get("proxy_url"):
            values["proxy_url"] = proxy_address(values["proxy_url"])
        return values


def check_secret(before: Destination, after: Destination, *, is_secret_given: bool) -> None:
    """Raises ValidationError where the destination changes and the App Secret is not given with it: else whoever may edit
    a bot could read its secret by having it sent to an address of their own."""
    if is_secret_given or before == after:
        return
    raise ValidationError(
        {
            "app_secret": ValidationError(
                _(
                    "Enter the App Secret as well: platform, addresses, token endpoint and proxy decide where it is sent, so "
                    "only who knows it may change them."
                ),
                code="secret_needed",
            )
        }
    )


def check_hosts(before: Destination | None, after: Destination, *, may_choose: bool) -> None:
    """Raises ValidationError for a new address of a platform whose host FEISHU_PLATFORM_HOSTS does not list, unless the
    actor ``may_choose`` any."""
    errors = {}
    for name in HOSTS:
        address = getattr(after, name)
        is_new = address and (before is None or getattr(before, name) != address)
        if is_new and not may_choose and not is_listed(address):
            errors[name] = ValidationError(
                _(
                    "Only an administrator may enter this address. Hosts that every operator may use are listed in "
                    "FEISHU_PLATFORM_HOSTS."
                ),
                code="host_not_allowed",
            )
    if errors:
        raise ValidationError(errors)


def may_choose_hosts(actor: Actor) -> bool:
    """Whether the actor may send a bot's secrets to any host: administrators, and whoever has a shell on this one."""
    if actor.kind != "operator" or actor.key is None:
        return actor.kind in {"command", "system"}
    return User.objects.filter(pk=actor.key, is_active=True, is_superuser=True).exists()


def is_listed(address: str) -> bool:
    """Whether FEISHU_PLATFORM_HOSTS has the address's host, with its port where the entry has one, or a wildcard for it. The
    addresses at which apps are registered are the administrator's choice as well."""
    if address in settings.REGISTRATION_ADDRESSES:
        return True
    try:
        parts = urlsplit(address)
        host, port = (
            (parts.hostname or "").rstrip("."),
            parts.port or (443 if parts.scheme == "https" else 80),
        )
    except ValueError:
        return False
    for entry in settings.PLATFORM_HOSTS:
        named = urlsplit(f"//{entry}")
        name = (named.hostname or "").rstrip(".")
        is_host = host.endswith(name[1:]) if name.startswith("*.") else host == name
        if is_host and named.port in {None, port}:
            return True
    return False
