"""What the platform sends to a bot's webhook, and how the portal refuses it."""

import json
import time

import httpx2

from bots.models import Bot
from feishu.encryption import encrypt
from feishu.signatures import event_signature

KEY, TOKEN = "the-encrypt-key-of-the-tests", "verification-token"
CHALLENGE = {"challenge": "demo", "token": TOKEN, "type": "url_verification"}


def path(bot: Bot) -> str:
    return f"/api/feishu/webhook/{bot.app_id}"


def encoded(payload) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def request(payload, *, key: str = KEY) -> dict:
    """Body and headers as the platform sends them now."""
    timestamp = str(int(time.time()))
    body = json.dumps({"encrypt": encrypt(key, encoded(payload))}, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json;charset=utf-8",
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": "n0nce-1",
        "X-Lark-Signature": event_signature(timestamp, "n0nce-1", key, body),
    }
    return {"content": body, "headers": headers}


def refused(response: httpx2.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"]
