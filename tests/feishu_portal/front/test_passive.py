"""What a passive portal answers: everything can be looked at, nothing acts, and every refusal says so."""

import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client
from django.urls import reverse

from bots.models import Bot
from core.access.models import AuditEntry
from core.access.scopes import Scope
from feishu_portal.asgi import application
from tests.factories import make_bot, make_grant, make_operator, make_subscription
from tests.feishu_portal.api.callers import api_client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("passive_portal")]


@pytest.fixture
def bot() -> Bot:
    return make_bot()


def console() -> Client:
    client = Client()
    client.force_login(make_operator(superuser=True))
    return client


def paths_of_the_api() -> list[tuple[str, str]]:
    schema = Client().get("/api/v1/openapi.json").json()
    return [
        (method, path)
        for path, operations in schema["paths"].items()
        for method in operations
        if not path.startswith("/proxy/")
    ]


def test_every_route_of_the_api_that_changes_something_is_refused_and_every_other_answers(bot):
    client = api_client(*Scope)
    seen = set()
    for method, path in paths_of_the_api():
        filled = path.replace("{bot_id}", str(bot.pk)).replace("{open_id}", "ou_asked")
        for name in ("session_id", "subscription_id", "event_id", "delivery_id", "message_id"):
            filled = filled.replace(f"{{{name}}}", "6f1f9b1e-9c2c-4d5e-8f50-0d5a6d1f0a11")
        response = client.generic(method.upper(), filled, "{}", content_type="application/json")
        acts = method not in {"get", "head"} or (
            filled.endswith(("/events", "/stream")) and "subscriptions" in filled
        )
        assert (response.status_code == 503) == acts, (method, path, response.status_code)
        if acts:
            problem = response.json()
            assert (problem["code"], problem["cause"], response["Retry-After"]) == ("passive", "place", "60")
            assert "adoptrestore" in problem["detail"]
            seen.add(path)
    assert len(seen) > 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/", "/oauth/my/revoke/", "/admin/bots/bot/add/"])
async def test_page_for_somebody_who_is_signed_in_is_made_under_a_server_as_well(path):
    client = AsyncClient()
    await client.aforce_login(await sync_to_async(make_operator)(superuser=True))
    response = await client.post(path)
    assert response.status_code == (303 if path.startswith("/admin/") else 503)


def test_token_is_not_handed_out_though_it_is_valid(bot):
    grant = make_grant(bot)
    response = api_client(Scope.TOKENS_ISSUE, bots=[bot]).post(
        f"/api/v1/bots/{bot.pk}/users/{grant.open_id}/token", {}, content_type="application/json"
    )
    assert (response.status_code, response.json()["code"]) == (503, "passive")
    assert grant.access_token not in response.text


def test_receiver_fetches_nothing(bot):
    subscription = make_subscription(bot)
    client = api_client(*Scope, bots=[bot])
    for what in ("events", "stream"):
        assert client.get(f"/api/v1/subscriptions/{subscription.pk}/{what}").status_code == 503


@pytest.mark.parametrize("page", ["admin:index", "admin:bots_bot_changelist", "admin:login", "connections"])
@pytest.mark.parametrize(("language", "word"), [("en", "passive"), ("zh-hans", "被动模式")])
def test_every_page_of_the_console_bears_the_banner(bot, page, language, word):
    client = Client() if page == "admin:login" else console()
    client.cookies["feishu_portal_language"] = language
    response = client.get(reverse(page))
    assert response.status_code == 200
    assert 'data-testid="passive"' in response.text
    assert word in response.text


def test_why_and_what_to_do_is_for_operators():
    client = Client()
    client.cookies["feishu_portal_language"] = "en"
    assert "adoptrestore" not in client.get(reverse("admin:login")).text
    client = console()
    client.cookies["feishu_portal_language"] = "en"
    assert "adoptrestore" in client.get(reverse("admin:index")).text


def test_form_of_the_console_changes_nothing_and_says_so(bot):
    client = console()
    client.cookies["feishu_portal_language"] = "en"
    page = reverse("admin:bots_bot_change", args=[bot.pk])
    response = client.post(
        page, {"name": "Other"}, headers={"Referer": f"http://testserver{page}"}, follow=True
    )
    assert response.redirect_chain == [(f"http://testserver{page}", 303)]
    assert "nothing was changed" in response.text
    bot.refresh_from_db()
    assert bot.name != "Other"


def test_refused_form_leads_to_no_foreign_page(bot):
    response = console().post(reverse("admin:bots_bot_add"), headers={"Referer": "https://evil.example/"})
    assert (response.status_code, response["Location"]) == (303, reverse("admin:index"))


def test_operators_sign_in_and_out_and_choose_their_language():
    user = make_operator(superuser=True)
    user.set_password("correct horse battery")
    user.save()
    client = Client()
    form = {"username": user.username, "password": "correct horse battery", "next": "/admin/"}
    assert client.post(reverse("admin:login"), form).status_code == 302
    assert client.get("/admin/").status_code == 200
    assert client.post(reverse("set_language"), {"language": "en", "next": "/admin/"}).status_code == 302
    assert client.post(reverse("admin:logout")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/oauth/start/abc/", "/oauth/callback/cli_1/?code=c&state=s", "/oauth/mine/"]
)
def test_person_who_comes_back_from_the_platform_is_told_to_ask(path):
    response = Client().get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert "<h1>" in response.text
    assert not AuditEntry.objects.exists()


def test_stranger_learns_no_more_than_that():
    assert Client().post("/api/v1/bots/x/messages", "{}", content_type="application/json").status_code == 503
    assert Client().get("/api/v1/bots").status_code == 401
    assert Client().get("/admin/").status_code == 302


def test_health_is_ready_and_names_the_mode():
    answer = Client().get("/healthz/ready")
    assert (answer.status_code, answer.json()["mode"]) == (200, "passive")


@pytest.mark.parametrize(
    "path",
    [
        "/api/feishu/webhook/cli_a1b2c3d4e5f60718",
        "/proxy/cli_a1b2c3d4e5f60718/app/open-apis/im/v1/messages",
        "/proxy/cli_a1b2c3d4e5f60718/users/ou_asked/open-apis/im/v1/chats",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_pushes_are_left_to_be_pushed_again_and_calls_are_not_sent(method, path):
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://portal.test") as client:
        response = await client.request(method, path, json={"challenge": "c", "type": "url_verification"})
    assert (response.status_code, response.headers["retry-after"]) == (503, "60")
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.json()["code"], response.json()["cause"]) == ("passive", "place")
