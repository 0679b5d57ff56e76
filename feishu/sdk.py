"""The official SDK, for people who write handlers: typed events and the typed API client.

The only module that touches `lark_oapi`, and only when asked: importing it takes seconds and 170 MB.
"""

import functools
import json
import typing
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from feishu.credentials import AppCredentials
from feishu.networks import resolve_now
from feishu.transport import TOTAL_TIMEOUT


def typed_event(event_type: str, payload: Mapping[str, Any]) -> Any:
    """The SDK's own model of an event, such as `P2ImMessageReceiveV1`, from a whole envelope.

    A `CustomizedEvent`, whose `event` is a dict, for types the SDK has no model for, schema 1.0 included.
    """
    from lark_oapi import JSON  # noqa: PLC0415 - seconds to import

    return JSON.unmarshal(json.dumps(payload), _model(event_type))


def api_client(credentials: AppCredentials) -> Any:
    """The SDK's `lark_oapi.Client` for one app; it fetches and keeps app tokens by itself.

    It knows no proxy but the environment's: one that is set on the bot does not apply to it. Where the platform's address
    may lead is checked now, and not with every connection. Raises ForbiddenAddressError or OSError.
    """
    if credentials.networks is not None:
        url = urlsplit(credentials.platform.open_url)
        host = url.hostname or ""
        credentials.networks.check(
            host, resolve_now(host, url.port or (443 if url.scheme == "https" else 80))
        )
    from lark_oapi import Client  # noqa: PLC0415 - seconds to import

    return (
        Client.builder()
        .app_id(credentials.app_id)
        .app_secret(credentials.app_secret)
        .domain(credentials.platform.open_url)
        .oauth_base_url(credentials.platform.accounts_url)
        .timeout(TOTAL_TIMEOUT)
        .build()
    )


@functools.lru_cache(maxsize=1024)
def _model(event_type: str) -> Any:
    """The class that the SDK's dispatcher hands to a handler of this type."""
    from lark_oapi import EventDispatcherHandler  # noqa: PLC0415 - seconds to import
    from lark_oapi.event.custom import CustomizedEvent  # noqa: PLC0415 - seconds to import

    builder = EventDispatcherHandler.builder("", "")
    register = getattr(builder, f"register_p2_{event_type.replace('.', '_')}", None)
    if register is None or event_type == "customized_event":
        return CustomizedEvent
    handler = typing.get_type_hints(register)["f"]
    (model,), _ = typing.get_args(handler)
    return model
