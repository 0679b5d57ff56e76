"""What the portal under fuzz has: one bot with everything, webhook bots, one at the fuzzing gateway, an operator, a key.

Made by ``manage.py shell`` in a process of its own: the one that fuzzes knows no Django.
"""

from typing import Any

from django.conf import settings
from django.test import Client

from auth_sessions.models import ConnectedAgent
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.models import User
from core.access.scopes import Scope
from core.installation.state import look
from tests.factories import make_bot, make_grant, make_subscription
from tests.strangers.attempts import page_attempts, parameters
from tests.strangers.private import make_private

WEBHOOK_KEY, WEBHOOK_TOKEN = "the-encrypt-key-of-the-fuzz", "the-verification-token-of-the-fuzz"


def make(platform: str, gateway: str, upstream: str) -> dict[str, Any]:
    look()  # the copy becomes an installation of its own while it is empty
    private = make_private()
    root = User.objects.create_superuser("fuzz", password=None)
    browser = Client(headers={"host": "localhost"})
    browser.force_login(root)
    _client, key = add_api_client(name="fuzz", scopes=[*Scope], bots=(), expires_at=None, actor=SYSTEM)
    here = {"open_url": platform, "accounts_url": platform}
    encrypted = make_bot(
        transport="webhook", encrypt_key=WEBHOOK_KEY, verification_token=WEBHOOK_TOKEN, **here
    )
    plain = make_bot(transport="webhook", verification_token=WEBHOOK_TOKEN, **here)
    connected = make_bot(name="Fuzzed by frames", open_url=gateway, accounts_url=gateway)
    speaking = make_bot(app_secret="the-app-secret", **here)
    answering = make_bot(
        name="Answered oddly", open_url=upstream, accounts_url=upstream, app_secret="the-app-secret"
    )
    make_grant(answering, open_id="ou_answering", scopes=["offline_access", "im:message"])
    receiving = make_subscription(answering, url=f"{upstream}/hook", owner=root)
    pages = dict.fromkeys((attempt.method, attempt.address) for attempt in page_attempts(private))
    return {
        "cookie": f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}",
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "key": key,
        "agent": str(ConnectedAgent.objects.get(pk=private.key_of("auth_sessions.ConnectedAgent")).registration_id),
        "pages": list(pages),
        "parameters": parameters(private),
        "bots": {
            "private": private.bot.app_id, "encrypted": encrypted.app_id, "plain": plain.app_id,
            "connected": connected.app_id, "speaking": speaking.app_id, "answering": answering.app_id,
            "answering_id": str(answering.pk), "receiving_id": str(receiving.pk), "id": str(private.bot.pk),
        },
    }  # fmt: skip
