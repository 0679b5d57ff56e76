"""Requests that send messages, and the platform that takes them."""

import json
from contextlib import contextmanager

import respx
from django.test import Client

from bots.models import Sending
from tests.factories import PLATFORM

MESSAGES = f"{PLATFORM}/open-apis/im/v1/messages"


SENT = {"code": 0, "msg": "success", "data": {"message_id": "om_1", "chat_id": "oc_1"}}


CARD = {"schema": "2.0", "config": {"update_multi": True}, "body": {"elements": []}}


def post(client: Client, bot, path="", *, key="", **body):
    headers = {"Idempotency-Key": key} if key else {}
    address = f"/api/v1/bots/{bot.app_id}/messages{path}"
    return client.post(address, body, "application/json", headers=headers)


def text(client: Client, bot, said="hello", **values):
    return post(client, bot, receive_id="ou_1", text=said, **values)


def sent_json(route, index=-1):
    return json.loads(route.calls[index].request.content)


def age(**values):
    Sending.objects.update(**values)


@contextmanager
def message_platform():
    with respx.mock(assert_all_called=False) as mock:
        token = {"code": 0, "tenant_access_token": "t-of-the-tests", "expire": 7200}
        mock.post(f"{PLATFORM}/open-apis/auth/v3/tenant_access_token/internal").respond(json=token)
        mock.sends = mock.post(url__startswith=MESSAGES).respond(json=SENT)
        mock.patches = mock.patch(url__startswith=MESSAGES).respond(json={"code": 0, "msg": "ok", "data": {}})
        yield mock
