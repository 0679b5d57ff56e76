"""What the platform says about an app: status, redirect URLs, scopes (page "Obtain app info").

The page documents these; `event`, `callback_info`, `allow_refresh_token` and `unaudit_version_id` are in the answer as the official
SDK models it (`lark_oapi/api/application/v6/model/application.py`), and may be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from feishu.values import text_of

Identity: TypeAlias = Literal["tenant", "user"]

_UNKNOWN_STATUS: Final = 3


@dataclass(frozen=True, slots=True)
class AppScope:
    """A scope enabled for the app, and for whose tokens; none named means that the platform did not say."""

    name: str
    token_types: frozenset[str] = frozenset()

    def serves(self, identity: Identity) -> bool:
        """Whether tokens of the app itself (`tenant`) or of its users (`user`) may carry it."""
        return not self.token_types or identity in self.token_types


@dataclass(frozen=True, slots=True)
class PushSetup:
    """How events or callbacks reach the app: `event` and `callback_info` of the answer."""

    mode: str
    """`websocket` or `webhook`; empty where the platform did not say."""
    request_url: str
    subscribed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppInfo:
    """An app as the developer console has it; None where the platform did not say."""

    app_id: str
    name: str
    status: int
    """0 disabled, 1 enabled, 2 not enabled yet, 3 unknown."""
    published: bool | None
    """Whether a version is online."""
    in_review: bool | None
    """Whether a version waits for the tenant's administrator."""
    may_refresh: bool | None
    """The switch “Refresh user_access_token”, as `allow_refresh_token` of the answer has it."""
    redirect_urls: tuple[str, ...] | None
    scopes: tuple[AppScope, ...] | None
    events: PushSetup | None = None
    callbacks: PushSetup | None = None
    """Left out, or null, for an app that subscribes to none."""


def parse_app(app: Mapping[str, Any]) -> AppInfo:
    """Read the `app` object of the answer; what is malformed in it counts as not said."""
    status, may_refresh = app.get("status"), app.get("allow_refresh_token")
    return AppInfo(
        app_id=str(app.get("app_id") or ""),
        name=str(app.get("app_name") or ""),
        status=status if isinstance(status, int) else _UNKNOWN_STATUS,
        published=_is_there(app.get("online_version_id")),
        in_review=_is_there(app.get("unaudit_version_id")),
        may_refresh=may_refresh if isinstance(may_refresh, bool) else None,
        redirect_urls=_texts(app.get("redirect_urls")),
        scopes=_scopes(app.get("scopes")),
        events=_push_setup(app.get("event"), "subscription_type", "subscribed_events"),
        callbacks=_push_setup(
            app.get("callback_info") or app.get("callback"), "callback_type", "subscribed_callbacks"
        ),
    )


def _is_there(version: object) -> bool | None:
    """Whether there is a version; its id is text in the documentation, and a number in the official SDK's model."""
    return version not in {"", "0", 0} if isinstance(version, str | int) else None


def _push_setup(value: object, mode: str, subscribed: str) -> PushSetup | None:
    if not isinstance(value, dict):
        return None
    kind, address = value.get(mode), value.get("request_url")
    if not kind and not value.get(subscribed):
        return None
    return PushSetup(
        mode=text_of(kind).lower(),
        request_url=text_of(address),
        subscribed=_texts(value.get(subscribed)) or (),
    )


def _scopes(value: object) -> tuple[AppScope, ...] | None:
    if not isinstance(value, list):
        return None
    named = (item for item in value if isinstance(item, dict) and isinstance(item.get("scope"), str))
    return tuple(AppScope(item["scope"], frozenset(_texts(item.get("token_types")) or ())) for item in named)


def _texts(value: object) -> tuple[str, ...] | None:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else None
