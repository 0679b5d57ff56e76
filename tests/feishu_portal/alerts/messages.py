"""Messages of Alertmanager's webhook, and what the platform was asked to show."""

import hashlib
import itertools
import json
from typing import Any

import respx

from bots.models import Bot
from feishu_portal.alerts import groups
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from feishu_portal.api.alerts import AlertmanagerMessage
from tests.factories import make_bot

FIRED = "2026-11-29T08:00:00Z"
NEVER = "0001-01-01T00:00:00Z"
KEY = '{}:{alertname="NobodyWorks"}'
_numbers = itertools.count(1)


def alert(
    name: str = "NobodyWorks", *, resolved: bool = False, starts_at: str = FIRED, **values: Any
) -> dict[str, Any]:
    """One alert; ``values`` replace whole members."""
    made = {
        "status": "resolved" if resolved else "firing",
        "labels": {"alertname": name, "severity": "critical"},
        "annotations": {"summary": "Nobody works", "summary_zh": "没有工作进程"},
        "startsAt": starts_at,
        "endsAt": "2026-11-29T09:00:00Z" if resolved else NEVER,
        "generatorURL": "http://prometheus.example.com/graph?g0.expr=up",
    } | values
    fingerprint = hashlib.sha256(json.dumps(made["labels"], sort_keys=True).encode()).hexdigest()[:16]
    return {"fingerprint": fingerprint} | made


def message(*alerts: dict[str, Any], resolved: bool = False, **values: Any) -> dict[str, Any]:
    """The message of one group; of one alert where none is given."""
    listed = list(alerts) or [alert(resolved=resolved)]
    return {
        "version": "4",
        "groupKey": KEY,
        "truncatedAlerts": 0,
        "status": "resolved" if resolved else "firing",
        "receiver": "feishu",
        "groupLabels": {"alertname": "NobodyWorks"},
        "commonLabels": dict(set.intersection(*(set(one["labels"].items()) for one in listed))),
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example.com:9093",
        "alerts": listed,
    } | values


def read(body: dict[str, Any]) -> Any:
    """The message as the receiver reads it."""
    return AlertmanagerMessage.model_validate(body).read()


def make_receiver(bot: Bot | None = None, **values: Any) -> AlertReceiver:
    """A receiver of a bot of its own, for the chat oc_duty, with an Alertmanager that can be silenced."""
    defaults = {
        "name": f"Duty {next(_numbers)}",
        "chat_id": "oc_duty",
        "alertmanager_url": "http://alertmanager.example.com:9093",
    }
    return AlertReceiver.objects.create(bot=bot or make_bot(), **(defaults | values))


def fire(receiver: AlertReceiver, body: dict[str, Any] | None = None) -> AlertGroup:
    """The group after a message about it."""
    group = groups.take(read(body or message()), receiver=receiver)
    assert group is not None
    return group


def shown_cards(route: respx.Route) -> list[dict[str, Any]]:
    """The cards in the requests to a route of the platform."""
    return [json.loads(json.loads(call.request.content)["content"]) for call in route.calls]


def texts_in(card: Any) -> list[str]:
    """Every text of a card, in every language."""
    if isinstance(card, dict):
        own = (
            [card["content"], *card.get("i18n_content", {}).values()]
            if isinstance(card.get("content"), str)
            else []
        )
        return own + [text for value in card.values() for text in texts_in(value)]
    return [text for value in card for text in texts_in(value)] if isinstance(card, list) else []


def buttons_in(card: Any) -> dict[str, dict[str, Any]]:
    """The buttons of a card by their English words."""
    found: dict[str, dict[str, Any]] = {}
    if isinstance(card, dict):
        if card.get("tag") == "button":
            found[card["text"]["content"]] = card
        for value in card.values():
            found |= buttons_in(value)
    elif isinstance(card, list):
        for value in card:
            found |= buttons_in(value)
    return found
