"""What to set in which agent, and a test of the connection with a key that is kept nowhere."""

import json
import re
import tomllib
from html import unescape

import pytest
from django.test import Client

from bots.models import Bot
from bots.people.directory import remember
from core.access.actors import SYSTEM
from core.access.api_keys import add_api_client
from core.access.scopes import Scope
from feishu.people import Profile
from feishu_portal.api.mcp.server import PREFIX
from feishu_portal.connect_agent.kinds import MCP, Kind
from tests.auth_sessions.agents import open_access
from tests.factories import make_bot, make_grant, make_operator

# The test asks on a thread of the endpoint's own.
pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/agents/connect/"


@pytest.fixture
def bot(settings) -> Bot:
    settings.PUBLIC_URL = "https://portal.example.com"
    settings.CHANNEL_LAYERS = {}
    return make_bot(name="Assistant")


@pytest.fixture
def browser(bot) -> Client:
    operator = make_operator()
    bot.owners.add(operator)
    made = Client(headers={"Accept-Language": "en"})
    made.force_login(operator)
    return made


def key(bot: Bot, *scopes: Scope, **values) -> str:
    made = {"name": "agent", "scopes": scopes, "bots": [bot], "expires_at": None, "actor": SYSTEM} | values
    return add_api_client(**made)[1]


def blocks(browser: Client, **picked) -> list[str]:
    page = browser.get(PAGE, picked).content.decode()
    return [
        unescape(block)
        for block in re.findall(r'<pre class="portal-block"[^>]*>(.*?)</pre>', page, re.DOTALL)
    ]


def said(answer) -> list[tuple[str, str]]:
    assert answer.status_code == 200
    return re.findall(r'<p data-good="(yes|no)">. (.*?)</p>', answer.content.decode())


def test_only_bot_of_an_operator_is_chosen_already(browser, bot):
    chosen = f'<option value="{bot.pk}" selected>'
    assert chosen in browser.get(PAGE).content.decode()
    assert any(bot.app_id in block for block in blocks(browser))
    make_bot().owners.add(*bot.owners.all())
    assert chosen not in browser.get(PAGE).content.decode()
    assert not any(bot.app_id in block for block in blocks(browser))


@pytest.mark.parametrize("kind", list(Kind))
def test_each_agent_is_told_the_address_and_no_secret(browser, bot, kind):
    shown = "\n".join(blocks(browser, kind=kind, bot=bot.pk, person="li.lei@example.com"))
    assert bot.app_id in shown
    assert "li.lei@example.com" in shown
    assert "https://portal.example.com" in shown
    assert "FEISHU_PORTAL_KEY" in shown
    assert MCP == PREFIX


@pytest.mark.parametrize(
    ("kind", "under", "address", "key"),
    [
        (Kind.CURSOR, "mcpServers", "url", "${env:FEISHU_PORTAL_KEY}"),
        (Kind.VS_CODE, "servers", "url", "${input:feishu-key}"),
        (Kind.GEMINI, "mcpServers", "httpUrl", "$FEISHU_PORTAL_KEY"),
        (Kind.MCP, "mcpServers", "url", "${FEISHU_PORTAL_KEY}"),
    ],
)
def test_configurations_are_json(browser, bot, kind, under, address, key):
    [settings] = [
        json.loads(block) for block in blocks(browser, kind=kind, bot=bot.pk) if block.startswith("{")
    ]
    server = settings[under]["feishu"]
    assert server[address] == f"https://portal.example.com/mcp?bot={bot.app_id}"
    assert server["headers"] == {"Authorization": f"Bearer {key}"}
    assert [one["id"] for one in settings.get("inputs", [])] == ["feishu-key"] * (kind is Kind.VS_CODE)


def test_codex_is_given_a_table_of_its_file(browser, bot):
    server = tomllib.loads(blocks(browser, kind=Kind.CODEX, bot=bot.pk)[-1])["mcp_servers"]["feishu"]
    assert server["url"] == f"https://portal.example.com/mcp?bot={bot.app_id}"
    assert server["bearer_token_env_var"] == "FEISHU_PORTAL_KEY"


def test_official_mcp_server_goes_by_the_proxy_as_the_bot_or_as_the_person(browser, bot):
    proxy = f"https://portal.example.com/proxy/{bot.app_id}"
    as_bot = blocks(browser, kind=Kind.LARK_MCP, bot=bot.pk)[-1]
    assert f'-s "$FEISHU_PORTAL_KEY" \\\n  -d {proxy}/app' in as_bot
    as_person = blocks(browser, kind=Kind.LARK_MCP, bot=bot.pk, person="ou_asked")[-1]
    assert f"-d '{proxy}/users/ou_asked'" in as_person
    assert '-u "$FEISHU_PORTAL_KEY" --token-mode user_access_token' in as_person


def test_people_need_no_key_where_they_may_connect_agents(browser, bot):
    assert blocks(browser)[0].startswith("export")
    open_access(bot)
    assert blocks(browser)[0] == "claude mcp add --transport http feishu https://portal.example.com/mcp"
    for kind in (Kind.VS_CODE, Kind.CODEX, Kind.GEMINI, Kind.MCP):
        block = blocks(browser, kind=kind)[0]
        assert "https://portal.example.com/mcp" in block
        assert "FEISHU_PORTAL_KEY" not in block


def test_person_is_picked_by_name_among_the_people_of_the_bot(browser, bot):
    remember(bot, [Profile("ou_wang", name="王芳")])
    page = browser.get(PAGE, {"bot": bot.pk, "person": "ou_wang"}).content.decode()
    assert 'data-people="id_person" data-bot="id_bot"' in page
    assert '"name": "\\u738b\\u82b3"' in page
    assert "portal/people.js" in page


@pytest.mark.parametrize("person", ["ou_1\nou_2", "li lei", "a" * 129])
def test_acts_for_one_person_or_none(browser, bot, person):
    page = browser.get(PAGE, {"bot": bot.pk, "person": person})
    assert page.status_code == 200
    assert page.context["pick"].errors["person"]


def test_bots_of_others_are_not_offered(browser):
    other = make_bot(name="Somebody else's")
    page = browser.get(PAGE, {"bot": other.pk})
    assert other.app_id not in page.content.decode()
    assert page.status_code == 200


def test_good_key_is_told_what_the_agent_would_see(browser, bot):
    make_grant(bot)
    secret = key(bot, Scope.PROXY_USER)
    answer = browser.post(f"{PAGE}?bot={bot.pk}&person=ou_asked", {"key": secret})
    assert [good for good, _words in said(answer)] == ["yes"] * 3
    text = answer.content.decode()
    assert "list_tasks" in text
    assert secret not in text
    assert answer.headers["Cache-Control"].startswith("max-age=0")


def test_each_obstacle_is_said(browser, bot):
    address = f"{PAGE}?bot={bot.pk}&person=ou_asked"
    [(good, words)] = said(browser.post(address, {"key": "fp_wrong"}))
    assert (good, words) == ("no", "The portal does not accept this key: it is wrong, disabled or expired.")
    lines = said(browser.post(address, {"key": key(bot, Scope.MESSAGES_SEND)}))
    assert [good for good, _words in lines] == ["yes", "no", "no"]
    [(good, words)] = said(browser.post(address, {"key": key(make_bot(), Scope.PROXY_USER, name="other")}))
    assert (good, words) == ("no", "The key may not use this bot.")


def test_empty_key_is_asked_for(browser):
    answer = browser.post(PAGE, {"key": ""})
    assert said(answer) == []
    assert "This field is required" in answer.content.decode()


def test_page_says_where_a_key_comes_from(browser, bot) -> None:
    assert "An administrator makes one" in browser.get(PAGE).text
    administrator = Client(headers={"Accept-Language": "en"})
    administrator.force_login(make_operator("chief", superuser=True))
    assert 'href="/admin/access/apiclient/add/"' in administrator.get(PAGE).text
