"""Examples of what callers send and read, by the name of the schema. Tests hold them to their schemas."""

from collections.abc import Mapping
from typing import Any, Final

from feishu_portal.api.description.errors import LOG_ID

_BOT: Final = "9b2f7c1e-4d3a-4c8e-9f60-1a2b3c4d5e6f"
_SUBSCRIPTION: Final = "5f0c1d2e-3b4a-4d5c-8e6f-7a8b9c0d1e2f"
_PERSON: Final = "ou_84aad35d084aa403a838cf73ee18467"
_SCOPES: Final = ["offline_access", "calendar:calendar:readonly"]
_SINCE: Final = "2026-11-29T07:00:02.513Z"
_NOW: Final = "2026-11-29T08:04:06.120Z"
_LATER: Final = "2026-11-29T10:04:06.120Z"

_CONNECTION: Final = {
    "number": 1,
    "state": "connected",
    "connected_at": _SINCE,
    "last_frame_at": _NOW,
    "error_code": None,
    "error": "",
    "next_attempt_at": None,
}
_BOT_OUT: Final = {
    "id": _BOT,
    "app_id": "cli_a1b2c3d4e5f6g7h8",
    "name": "Approvals",
    "platform": "feishu",
    "open_url": "https://open.feishu.cn",
    "browser_url": "https://accounts.feishu.cn",
    "transport": "websocket",
    "callback_transport": "websocket",
    "enabled": True,
    "state": "connected",
    "error": "",
    "connections": [_CONNECTION],
}
_USER: Final = {
    "open_id": _PERSON,
    "union_id": "on_94a1ee5551019f18cd73d9f111898cf2",
    "user_id": "3e3cf96b",
    "email": "lilei@example.com",
    "tenant_key": "736588c9260f175d",
    "name": "李雷",
    "scopes": _SCOPES,
    "missing_scopes": [],
    "status": "active",
    "generation": 4,
    "authorized_at": "2026-11-20T02:11:40.002Z",
    "access_expires_at": _LATER,
    "refresh_expires_at": "2026-12-06T08:04:06.120Z",
    "reauthorize_by": "2027-11-20T02:11:40.002Z",
}
_BATCH: Final = {
    "id": "0c8f4f0e-8f6a-4f6c-9a57-3a1f0c9b7d11",
    "state": "sending",
    "msg_type": "text",
    "counts": {"sent": 41, "ready": 79, "not_found": 1},
    "created_at": _SINCE,
    "started_at": _SINCE,
    "finished_at": None,
    "platform_code": None,
    "error": "",
    "log_id": "",
}
_INCIDENT: Final = {
    "id": 12,
    "cause": "connection",
    "headline": "Approvals does not get its events",
    "explanation": "The platform does not answer.",
    "cure": "Look whether the portal's hosts reach the platform.",
    "platform_code": None,
    "error": "connection refused",
    "is_severe": True,
    "began_at": _SINCE,
    "recovered_at": None,
    "closed_at": None,
}
_EVENT: Final = {
    "id": 1041,
    "bot_id": _BOT,
    "event_id": "f7984f25108f8137722bb63c8ee9b2f1",
    "type": "im.message.receive_v1",
    "status": "done",
    "arrived_by": "websocket",
    "created_at": _NOW,
    "received_at": _NOW,
    "finished_at": _NOW,
    "duplicates": 0,
    "log_id": LOG_ID,
}
PLATFORM_EVENT: Final[Mapping[str, Any]] = {
    "schema": "2.0",
    "header": {
        "event_id": "f7984f25108f8137722bb63c8ee9b2f1",
        "event_type": "im.message.receive_v1",
        "create_time": "1795939446120",
        "app_id": "cli_a1b2c3d4e5f6g7h8",
        "tenant_key": "736588c9260f175d",
        "token": "",
    },
    "event": {
        "sender": {"sender_id": {"open_id": _PERSON}, "sender_type": "user"},
        "message": {
            "message_id": "om_dc13264520392913993dd051dba21dcf",
            "chat_id": "oc_a0553eda9014c201e6969b478895c230",
            "chat_type": "p2p",
            "message_type": "text",
            "content": '{"text":"Hello"}',
        },
    },
}
"""As a receiver gets it: the bot's Verification Token is emptied."""
DELIVERED_EVENT: Final[Mapping[str, Any]] = {
    "id": 1041,
    "event_id": "f7984f25108f8137722bb63c8ee9b2f1",
    "type": "im.message.receive_v1",
    "app_id": "cli_a1b2c3d4e5f6g7h8",
    "created_at": _NOW,
    "received_at": _NOW,
    "payload": PLATFORM_EVENT,
}
_DELIVERY: Final = {
    "handler": "approvals.handlers.greet",
    "subscription": "",
    "status": "succeeded",
    "attempts": 1,
    "round": 0,
    "current": True,
    "finished_at": _NOW,
    "error": "",
}
_STATUS: Final = {
    "botId": _BOT,
    "state": "connected",
    "connectedAt": _SINCE,
    "lastHeartbeat": _NOW,
}
_CARD: Final = {
    "schema": "2.0",
    "config": {"update_multi": True},
    "body": {"elements": [{"tag": "markdown", "content": "Approved"}]},
}
_CARD_TEMPLATE: Final = {
    "id": "3f6a0b9c-8d1e-4f2a-9b3c-4d5e6f708192",
    "name": "disk-full",
    "description": "A disk is almost full",
    "version": 3,
    "changed_at": _SINCE,
    "for_all_bots": False,
    "variables": [
        {
            "name": "host",
            "type": "text",
            "description": "",
            "required": True,
            "default": None,
            "choices": [],
        }
    ],
}
_MESSAGE: Final = "om_dc13264520392913993dd051dba21dcf"

_ALERT: Final = {
    "status": "firing",
    "labels": {"alertname": "InstanceDown", "severity": "critical", "instance": "web-1"},
    "annotations": {"summary": "web-1 is down", "summary_zh": "web-1 已停止"},
    "startsAt": _SINCE,
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "c1f2d3a4b5e60718",
}
_ALERTS: Final = {
    "version": "4",
    "groupKey": '{}:{alertname="InstanceDown"}',
    "status": "firing",
    "groupLabels": {"alertname": "InstanceDown"},
    "commonLabels": _ALERT["labels"],
    "alerts": [_ALERT],
    "externalURL": "https://alertmanager.example.com",
}

_CALL_ANSWER: Final = {
    "status": 200,
    "platform_code": 0,
    "log_id": LOG_ID,
    "content_type": "application/json",
    "body": {"code": 0, "msg": "success", "data": {"task": {"guid": "83912691-2e43-47fc-94a4-d512e03984fa"}}},
    "body_base64": None,
}

EXAMPLES: Final[Mapping[str, Any]] = {
    # --- what is sent
    "MessageIn": {"receive_id": _PERSON, "text": "Hello"},
    "BatchIn": {
        "recipients": [
            {"receive_id": "lilei@example.com"},
            {"receive_id": "研发部", "receive_id_type": "department"},
        ],
        "text": "Hello",
    },
    "ReplyIn": {"text": "Done", "reply_in_thread": False},
    "CardIn": {"content": _CARD},
    "TokenIn": {"min_ttl": 120},
    "SessionIn": {"open_id": _PERSON, "scopes": _SCOPES, "deliver": "card"},
    "AckIn": {"cursor": 1042},
    "ReplayIn": {"mode": "failed"},
    "AlertmanagerMessage": _ALERTS,
    "AlertIn": _ALERT,
    # --- what is answered
    "BotOut": _BOT_OUT,
    "BotPage": {"items": [_BOT_OUT], "next_cursor": None},
    "UserPage": {"items": [_USER], "next_cursor": None},
    "PersonOut": {
        "union_id": _USER["union_id"],
        "name": _USER["name"],
        "email": _USER["email"],
        "bots": [
            {
                "bot_id": _BOT,
                "app_id": _BOT_OUT["app_id"],
                "name": _BOT_OUT["name"],
                "enabled": True,
                "open_id": _PERSON,
                "usable": True,
                "grants": [_USER],
            }
        ],
    },
    "TokenOut": {
        "access_token": "u-…",
        "token_type": "Bearer",
        "expires_at": _LATER,
        "scopes": _SCOPES,
        "generation": 4,
    },
    "RevocationOut": {"destroyed": True, "revoked": True, "state": "done"},
    "MessageOut": {"message_id": _MESSAGE, "chat_id": "oc_a0553eda9014c201e6969b478895c230"},
    "CardOut": {"message_id": _MESSAGE},
    "BatchOut": _BATCH,
    "BatchPage": {"items": [_BATCH], "next_cursor": None},
    "RecipientPage": {
        "items": [
            {
                "receive_id": _PERSON,
                "named": "lilei@example.com",
                "named_by": "email",
                "state": "sent",
                "message_id": _MESSAGE,
                "chat_id": "oc_a0553eda9014c201e6969b478895c230",
                "platform_code": None,
                "reason": "",
                "error": "",
                "log_id": "",
            }
        ],
        "next_cursor": None,
    },
    "Retried": {"recipients": 3},
    "CardTemplatePage": {"items": [_CARD_TEMPLATE], "next_cursor": None},
    "CardTemplateInFull": {
        **_CARD_TEMPLATE,
        "card": '{"schema": "2.0", "body": {"elements": [{"tag": "markdown", "content": "{{host}}"}]}}',
    },
    "AlertsTakenOut": {"card": "shown"},
    "ApprovalOut": {
        "id": "0d8a3c1e-5a54-4a9b-8f0e-2f6b7c9d1e10",
        "state": "done",
        "method": "POST",
        "path": "/open-apis/task/v2/tasks",
        "open_id": _PERSON,
        "asked_at": _SINCE,
        "expires_at": _NOW,
        "decided_at": _NOW,
        "approved": "once",
        "covers_until": None,
        "finished_at": _NOW,
        "problem": "",
        "answer": _CALL_ANSWER,
    },
    "CallAnswerOut": _CALL_ANSWER,
    "IncidentPage": {"items": [_INCIDENT], "next_cursor": None},
    "EventPage": {"items": [_EVENT], "next_cursor": "1041"},
    "EventDetailOut": {
        **_EVENT,
        "error": "",
        "payload": PLATFORM_EVENT,
        "raw": None,
        "deliveries": [_DELIVERY],
    },
    "ReplayOut": {"replay_id": 7, "deliveries": [{**_DELIVERY, "status": "pending", "finished_at": None}]},
    "SubscriptionOut": {
        "id": _SUBSCRIPTION,
        "name": "CRM",
        "state": "active",
        "waiting": 1,
        "more_waiting": False,
        "oldest_waiting": _NOW,
        "last_success_at": _SINCE,
    },
    "FetchedEvents": {"items": [{"delivery": 1042, "event": DELIVERED_EVENT}], "next_cursor": 1042},
    "DeliveredEvent": DELIVERED_EVENT,
    "AckOut": {"acknowledged": 1},
    "SessionOut": {
        "id": "0d8a3c1e-5a54-4a9b-8f0e-2f6b7c9d1e10",
        "state": "pending",
        "reason": "",
        "error_code": None,
        "via": "browser",
        "authorize_url": "https://portal.example.com/oauth/start/3vV8lW2m/",
        "user_code": None,
        "expires_at": _LATER,
    },
    "Controlled": {"success": True, "botId": _BOT, "status": "connecting"},
    "Refused": {"success": False, "error": "Bot not found or disabled"},
    "BotConnection": _STATUS,
    "BotConnections": {"connections": [_STATUS], "next_cursor": None},
    "OwnKeyIn": {"app_id": "cli_a1b2c3d4e5f6g7h8", "app_secret": "fp_…"},
    "OwnKeyOut": {
        "code": 0,
        "msg": "ok",
        "expire": 7200,
        "tenant_access_token": "fp_…",
        "app_access_token": "fp_…",
    },
}
