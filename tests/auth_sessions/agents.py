"""A person who connects an agent: the platform's answers, a browser, and an agent that speaks plain OAuth."""

import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.test import Client

from auth_sessions.models import AgentAccess
from bots.models import Bot
from core.access.models import ApiClient
from core.access.scopes import Scope
from feishu.errors import OAuthError
from feishu.oauth import TokenSet, UserInfo

PUBLIC_URL = "http://testserver"
REDIRECT = "http://127.0.0.1:33418/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Platform:
    """Answers in the place of the token endpoint; ``person`` is who signs in."""

    def __init__(self, person: str = "ou_asked") -> None:
        self.person = person
        self.refuses = False

    def exchange_code(self, **values: str) -> TokenSet:
        assert values["verifier"]
        if self.refuses:
            raise OAuthError("invalid_grant", code=20003)
        return TokenSet("u-token-of-a-moment", 7200, None, None, ())

    def user_info(self, _token: str) -> UserInfo:
        return UserInfo(self.person, "on_x", None, "tenant", "Lin", "Lin", "", "")


def open_access(bot: Bot, *scopes: Scope, **rules: Any) -> AgentAccess:
    """People may connect agents, under the rules of an API client."""
    client = ApiClient.objects.create(
        name="agents",
        key_hash="none",
        scopes=scopes or [Scope.PROXY_USER, Scope.AUTH_CREATE],
        bot_ids=[str(bot.pk)],
        **rules,
    )
    return AgentAccess.objects.create(enabled=True, bot=bot, client=client)


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def person(browser: Client, bot: Bot, link: str, *, answer: str = "allow") -> str:
    """What a person does with an agent's link: signs in and answers. Returns where the agent gets its answer."""
    parts = urlsplit(link)
    sent = browser.get(f"{parts.path}?{parts.query}")
    assert sent.status_code == 302, sent.content
    back = browser.get(
        f"/oauth/callback/{bot.app_id}/",
        {"code": "the-code", "state": query_of(sent.headers["Location"])["state"]},
    )
    assert back.status_code == 302, back.content
    page = back.headers["Location"]
    assert browser.get(page).status_code == 200
    answered = browser.post(page, {"answer": answer})
    assert answered.status_code == 302, answered.content
    return str(answered.headers["Location"])


class PlainAgent:
    """Speaks OAuth as the RFCs have it."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.http = Client()
        self.client_id = ""

    def register(self, *redirect_uris: str, **more: Any) -> Any:
        body = {"client_name": "Test agent", "redirect_uris": redirect_uris or [REDIRECT]} | more
        answer = self.http.post("/oauth/agents/register/", json.dumps(body), content_type="application/json")
        if answer.status_code == 201:
            self.client_id = answer.json()["client_id"]
        return answer

    def link(self, **changes: str | None) -> str:
        """Where it sends its person; a change to None leaves a parameter out."""
        query: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "state": "own state",
            "resource": f"{PUBLIC_URL}/mcp",
        } | changes
        said = {name: value for name, value in query.items() if value is not None}
        return f"/oauth/agents/authorize/?{urlencode(said)}"

    def post(self, endpoint: str, **fields: str) -> Any:
        return self.http.post(
            f"/oauth/agents/{endpoint}/",
            urlencode({"client_id": self.client_id} | fields),
            content_type="application/x-www-form-urlencoded",
        )

    def redeem(self, code: str, **changes: str) -> Any:
        fields = {"code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT} | changes
        return self.post("token", grant_type="authorization_code", **fields)

    def refresh(self, token: str) -> Any:
        return self.post("token", grant_type="refresh_token", refresh_token=token)

    def code(self, browser: Client | None = None) -> str:
        return query_of(person(browser or Client(), self.bot, self.link()))["code"]

    def connect(self, browser: Client | None = None) -> dict[str, str]:
        """The tokens of an agent whose person consents."""
        self.register()
        answer = self.redeem(self.code(browser))
        assert answer.status_code == 200, answer.content
        tokens: dict[str, str] = answer.json()
        return tokens
