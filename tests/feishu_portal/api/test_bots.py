import pytest

from core.access.scopes import Scope
from tests.factories import make_bot
from tests.feishu_portal.api.callers import api_client

pytestmark = pytest.mark.django_db


def test_bots_are_paged(django_assert_num_queries):
    bots = sorted((make_bot() for _ in range(3)), key=lambda bot: bot.app_id)
    client = api_client(Scope.BOTS_READ)
    client.get("/api/v1/bots")
    with django_assert_num_queries(4):  # key, bots, their counts of the platform, their slots
        first = client.get("/api/v1/bots", {"limit": 2}).json()
    rest = client.get("/api/v1/bots", {"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["app_id"] for item in first["items"] + rest["items"]] == [bot.app_id for bot in bots]
    assert rest["next_cursor"] is None


def test_answers_hold_no_secret():
    make_bot(app_secret="the-app-secret", encrypt_key="the-encrypt-key")
    text = api_client(Scope.BOTS_READ).get("/api/v1/bots").text
    assert "the-app-secret" not in text
    assert "the-encrypt-key" not in text


@pytest.mark.parametrize(
    ("values", "open_url", "browser_url"),
    [
        ({"platform": "feishu"}, "https://open.feishu.cn", "https://accounts.feishu.cn"),
        ({"platform": "lark"}, "https://open.larksuite.com", "https://accounts.larksuite.com"),
        ({}, "http://platform.test", "http://platform.test"),
        (
            {"open_url": "http://gateway.test/feishu/", "browser_url": "https://accounts.example.test/"},
            "http://gateway.test/feishu",
            "https://accounts.example.test",
        ),
    ],
)
def test_bot_says_where_servers_and_where_browsers_reach_its_platform(values, open_url, browser_url):
    bot = make_bot(**values)
    found = api_client(Scope.BOTS_READ).get(f"/api/v1/bots/{bot.pk}").json()
    assert (found["open_url"], found["browser_url"]) == (open_url, browser_url)


def test_next_secrets_are_no_part_of_an_answer():
    bot = make_bot(encrypt_key="the-encrypt-key", next_encrypt_key="the-next-key")
    client = api_client(Scope.BOTS_READ)
    for answer in (client.get("/api/v1/bots"), client.get(f"/api/v1/bots/{bot.pk}")):
        assert "the-next-key" not in answer.text
        assert "rotation" not in answer.text
