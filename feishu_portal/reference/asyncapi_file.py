"""Writes the description of events and deliveries, AsyncAPI 3, into docs/reference/asyncapi.yaml:
``DEBUG=on python -m feishu_portal.reference.asyncapi_file``.
"""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from feishu_portal.reference.marked_pages import write_with_django

Document = dict[str, Any]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference" / "asyncapi.yaml"
SHARED: Final = (
    "DeliveredEvent", "Expansion", "ExpansionProblem", "FetchedEvents", "AckIn", "EncryptedRequest", "EventRequest", "OldEventRequest", "OldCardCallbackRequest",
    "UrlVerificationRequest", "PlatformRequest",
)  # fmt: skip
"""Schemas that openapi.json has as well."""
_REF: Final = "#/components/schemas/{name}"

INTRODUCTION: Final = """\
How events of the platform come to the portal, and from there to handlers and to receivers. *The application* of this
document is the portal: what it sends, others receive.

An event comes at least once; its `id` is how a receiver knows it again. Its `payload` is the platform's JSON, byte for byte,
but for the bot's Verification Token; which types there are and what they hold, the platform's event list says. Callbacks,
such as clicks on cards, wait for an answer and go to one subscription alone. New members may be added: ignore what you do
not know.

The portal's WebSocket addresses (`/live/…`) are for the console's own pages and are no part of this.
"""
RETRIES_DESCRIPTION: Final = (
    "2xx within {seconds:g} s is success. Else it is tried again, {attempts} times in all over some three days, or when Retry-After "
    "of a 429 or 503 says; 410 ends the subscription. Redirects are not followed."
)


def _message(name: str, summary: str, payload: Document, **more: Any) -> Document:
    return {"name": name, "title": name, "summary": summary, "payload": payload, **more}


def _schema(name: str) -> Document:
    return {"$ref": _REF.format(name=name)}


def _signature_headers() -> Document:
    """Of Standard Webhooks, as ``signed_headers`` makes them."""
    return {
        "type": "object",
        "required": ["webhook-id", "webhook-timestamp", "webhook-signature", "content-type"],
        "properties": {
            "webhook-id": {
                "type": "string",
                "pattern": "^(dlv_[0-9]+|test_[0-9a-f]{32})$",
                "description": "Of the delivery; the same for each attempt",
            },
            "webhook-timestamp": {
                "type": "string",
                "pattern": "^[0-9]+$",
                "description": "Unix seconds of the attempt",
            },
            "webhook-signature": {
                "type": "string",
                "pattern": "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$",
                "description": "Standard Webhooks: base64 of HMAC-SHA256 over `webhook-id.webhook-timestamp.body`, one for each "
                "secret while a secret is changed",
            },
            "content-type": {"type": "string", "const": "application/json"},
            "user-agent": {"type": "string", "pattern": "^feishu-portal/"},
        },
    }


def _channels() -> Document:
    return {
        "platformRequests": {
            "address": "/api/feishu/webhook/{appId}",
            "title": "A bot's webhook",
            "description": "What the platform posts to a bot whose events come by webhook. See `receive_webhook` in openapi.json.",
            "servers": [{"$ref": "#/servers/portal"}],
            "parameters": {"appId": {"description": "The bot's App ID"}},
            "messages": {
                "platformRequest": {"$ref": "#/components/messages/platformRequest"},
                "platformAnswer": {"$ref": "#/components/messages/platformAnswer"},
            },
        },
        "longConnection": {
            "address": None,
            "title": "A bot's long connection",
            "description": "A WebSocket that the portal opens to the platform, whose frames are the platform's own protocol. "
            "The address comes from the platform with each connection.",
            "messages": {"platformEvent": {"$ref": "#/components/messages/platformEvent"}},
        },
        "handlers": {
            "address": None,
            "title": "Handlers in the portal's own process",
            "description": 'Functions marked `@on("im.message.receive_v1")` or `@on_card("approve")`: the envelope is '
            "`event.envelope`, its `event` member `event.data`.",
            "messages": {"platformEvent": {"$ref": "#/components/messages/platformEvent"}},
        },
        "receiver": {
            "address": None,
            "title": "A receiver's address",
            "description": "The URL of a subscription, which an operator enters. Deliveries go where FEISHU_DELIVERY_NETWORKS "
            "lets them.",
            "messages": {
                "pushedEvent": {"$ref": "#/components/messages/pushedEvent"},
                "askedCallback": {"$ref": "#/components/messages/askedCallback"},
                "clickAnswer": {"$ref": "#/components/messages/clickAnswer"},
            },
        },
        "waitingEvents": {
            "address": "/api/v1/subscriptions/{subscriptionId}/events",
            "title": "Events to be fetched",
            "description": "See `fetch_events` in openapi.json.",
            "servers": [{"$ref": "#/servers/portal"}],
            "parameters": {"subscriptionId": {"description": "The subscription's ID"}},
            "messages": {"fetchedEvents": {"$ref": "#/components/messages/fetchedEvents"}},
        },
        "stream": {
            "address": "/api/v1/subscriptions/{subscriptionId}/stream",
            "title": "Events as they come",
            "description": "Server-sent events; connect again behind `Last-Event-ID` when it ends, after ten minutes at the "
            "latest. See `stream_events` in openapi.json.",
            "servers": [{"$ref": "#/servers/portal"}],
            "parameters": {"subscriptionId": {"description": "The subscription's ID"}},
            "messages": {"streamedEvent": {"$ref": "#/components/messages/streamedEvent"}},
        },
        "acknowledgements": {
            "address": "/api/v1/subscriptions/{subscriptionId}/ack",
            "title": "Acknowledging what was fetched or streamed",
            "description": "See `ack_events` in openapi.json.",
            "servers": [{"$ref": "#/servers/portal"}],
            "parameters": {"subscriptionId": {"description": "The subscription's ID"}},
            "messages": {"acknowledgement": {"$ref": "#/components/messages/acknowledgement"}},
        },
    }


def _operations() -> Document:
    from events.subscriptions.http.post import TOTAL_SECONDS  # noqa: PLC0415 -- needs Django
    from events.subscriptions.push import RETRIES  # noqa: PLC0415 -- needs Django

    pushed = RETRIES_DESCRIPTION.format(seconds=TOTAL_SECONDS, attempts=RETRIES.max_attempts)
    post = {"http": {"method": "POST", "bindingVersion": "0.3.0"}}
    get = {"http": {"method": "GET", "bindingVersion": "0.3.0"}}
    return {
        "receiveWebhook": {
            **_operation(
                "receive", "platformRequests", "platformRequest", "The platform posts an event or a callback"
            ),
            "bindings": post,
            "reply": _reply("platformRequests", "platformAnswer"),
        },
        "receiveByLongConnection": _operation(
            "receive", "longConnection", "platformEvent", "The platform sends an event or a callback"
        ),
        "callHandler": _operation(
            "send", "handlers", "platformEvent", "Handlers of the event's type are called"
        ),
        "pushEvent": {
            **_operation("send", "receiver", "pushedEvent", "An event is pushed to a subscription"),
            "description": pushed,
            "bindings": post,
            "security": [{"$ref": "#/components/securitySchemes/signature"}],
        },
        "askForAnswer": {
            **_operation(
                "send", "receiver", "askedCallback", "A callback is put to the system that answers it"
            ),
            "description": "Once, while the person waits: anything but a fitting answer is a failure.",
            "bindings": post,
            "security": [{"$ref": "#/components/securitySchemes/signature"}],
            "reply": _reply("receiver", "clickAnswer"),
        },
        "handOutEvents": {
            **_operation("send", "waitingEvents", "fetchedEvents", "A receiver fetches events"),
            "bindings": get,
            "security": [{"$ref": "#/components/securitySchemes/apiKey"}],
        },
        "streamEvents": {
            **_operation("send", "stream", "streamedEvent", "A receiver follows the events"),
            "bindings": get,
            "security": [{"$ref": "#/components/securitySchemes/apiKey"}],
        },
        "receiveAcknowledgement": {
            **_operation("receive", "acknowledgements", "acknowledgement", "A receiver has processed events"),
            "bindings": post,
            "security": [{"$ref": "#/components/securitySchemes/apiKey"}],
        },
    }


def _operation(action: str, channel: str, message: str, summary: str) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _reply(channel: str, message: str) -> Document:
    return {
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _messages() -> Document:
    from feishu_portal.api.description.examples import (  # noqa: PLC0415 -- needs Django
        DELIVERED_EVENT,
        EXAMPLES,
        PLATFORM_EVENT,
    )

    headers = {"$ref": "#/components/schemas/SignatureHeaders"}
    event = _schema("DeliveredEvent")
    answer = {"toast": {"type": "success", "content": "Approved", "i18n": {"zh_cn": "已批准"}}}
    return {
        "platformRequest": _message(
            "platformRequest", "What the platform posts to the webhook", _schema("PlatformRequest")
        ),
        "platformAnswer": _message(
            "platformAnswer",
            "The challenge, `msg: success`, or the answer to a callback",
            {"type": "object"},
            examples=[{"payload": {"msg": "success"}}],
        ),
        "platformEvent": _message(
            "platformEvent",
            "An event or a callback in the platform's envelope, schema 2.0 or 1.0",
            {
                "anyOf": [
                    _schema("EventRequest"),
                    _schema("OldEventRequest"),
                    _schema("OldCardCallbackRequest"),
                ]
            },
            examples=[{"payload": PLATFORM_EVENT}],
        ),
        "pushedEvent": _message(
            "pushedEvent",
            "An event, signed by Standard Webhooks",
            event,
            headers=headers,
            examples=[{"payload": DELIVERED_EVENT}],
        ),
        "askedCallback": _message(
            "askedCallback",
            "A callback whose answer is asked for, signed like an event",
            event,
            headers=headers,
        ),
        "clickAnswer": _message(
            "clickAnswer",
            "The answer to a click: a toast, a card, both or neither. Other callbacks have answers of their own",
            _schema("ClickAnswer"),
            examples=[{"payload": answer}],
        ),
        "fetchedEvents": _message(
            "fetchedEvents",
            "Events that are not acknowledged, in order",
            _schema("FetchedEvents"),
            examples=[{"payload": EXAMPLES["FetchedEvents"]}],
        ),
        "streamedEvent": _message(
            "streamedEvent",
            "`data` of a server-sent event named `event`; its `id` is the delivery's number",
            event,
            contentType="text/event-stream",
        ),
        "acknowledgement": _message(
            "acknowledgement",
            "Everything up to a delivery's number, or the deliveries named",
            _schema("AckIn"),
            examples=[{"payload": EXAMPLES["AckIn"]}],
        ),
    }


def document() -> Document:
    """The whole description. Django has to be set up."""
    from events.subscriptions.http.answers import ClickAnswer  # noqa: PLC0415 -- needs Django
    from feishu_portal import __version__  # noqa: PLC0415 -- see above
    from feishu_portal.api import api  # noqa: PLC0415 -- see above

    shared = api.get_openapi_schema()["components"]["schemas"]
    _, answers = msgspec.json.schema_components([ClickAnswer], ref_template=_REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Feishu Portal: events",
            "version": __version__,
            "description": INTRODUCTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "portal": {
                "host": "portal.example.com",
                "protocol": "https",
                "description": "Your portal",
            },
        },
        "channels": _channels(),
        "operations": _operations(),
        "components": {
            "messages": _messages(),
            "schemas": {
                **{name: shared[name] for name in SHARED},
                **answers,
                "SignatureHeaders": _signature_headers(),
            },
            "securitySchemes": {
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key with `events:read` that may use all of the subscription's bots",
                },
                "signature": {
                    "type": "symmetricEncryption",
                    "description": "Standard Webhooks 1.0.0, with the secret (`whsec_…`) that the console shows once",
                },
            },
        },
    }


def page() -> str:
    """The file as it should be."""
    import yaml  # noqa: PLC0415 -- for developers alone

    plain = json.loads(json.dumps(document()))
    return str(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110))


if __name__ == "__main__":
    write_with_django(lambda: {PAGE: page()})
