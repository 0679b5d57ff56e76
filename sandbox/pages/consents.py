"""An authorize request: whether it is in order, and where its answer goes.

Page "Obtain OAuth code".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

from feishu.text import Text
from sandbox.config import AppConfig
from sandbox.world.authorizations import DeviceCode
from sandbox.world.world import World

MAX_SCOPES = 50
UNKNOWN_APP = 20048
SCOPE_NOT_ENABLED = 20027
REDIRECT_NOT_LEGAL = 20029
MALFORMED = 20063
NOT_AVAILABLE = 20010

Decision: TypeAlias = Literal["allow", "deny"]


class ConsentProblem(Exception):
    """The page shows an error and the app hears nothing."""

    def __init__(self, code: int, text: Text) -> None:
        super().__init__(f"{code} {text.en_us}")
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What an app asks a person for."""

    app: AppConfig
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str
    challenge_method: str


def read(world: World, query: Mapping[str, str]) -> ConsentRequest:
    """The request in the query of an authorize URL. Raises ConsentProblem."""
    # `app_id` is how the historic pages, which software still opens, name it.
    app = world.apps.get(query.get("client_id") or query.get("app_id", ""))
    if app is None or not app.enabled:
        raise ConsentProblem(
            UNKNOWN_APP, Text("应用不存在或未启用", "The app does not exist or is not enabled")
        )
    redirect_uri = query.get("redirect_uri", "")
    if _without_query(redirect_uri) not in map(_without_query, app.redirect_urls):
        raise ConsentProblem(
            REDIRECT_NOT_LEGAL,
            Text(
                "redirect_uri 请求不合法：不在应用安全设置的重定向 URL 列表中",
                "redirect_uri request not legal: it is not among the app's redirect URLs",
            ),
        )
    method = query.get("code_challenge_method") or "plain"
    if query.get("response_type", "code") != "code" or method not in {"S256", "plain"}:
        raise ConsentProblem(MALFORMED, Text("授权请求的参数有误", "A parameter of the request is wrong"))
    return ConsentRequest(
        app=app,
        redirect_uri=redirect_uri,
        scopes=_scopes(app, query.get("scope", "")),
        state=query.get("state"),
        challenge=query.get("code_challenge", ""),
        challenge_method=method,
    )


def decide(world: World, request: ConsentRequest, person_id: str, decision: Decision) -> str:
    """Where the browser goes with the person's decision. Raises ConsentProblem."""
    person = world.people.get(person_id)
    if person is None or person.status != "active" or not world.may_use(request.app, person):
        raise ConsentProblem(NOT_AVAILABLE, Text("你没有使用该应用的权限", "You may not use this app"))
    if decision == "deny":
        return _with_query(request.redirect_uri, {"error": "access_denied"}, request.state)
    world.authorizations.consent(request.app, person_id, request.scopes)
    code = world.authorizations.new_code(
        request.app,
        person_id,
        redirect_uri=request.redirect_uri,
        challenge=request.challenge,
        challenge_method=request.challenge_method,
    )
    return _with_query(request.redirect_uri, {"code": code.value}, request.state)


def decide_device(world: World, waiting: DeviceCode, person_id: str, decision: Decision) -> None:
    """Allow or deny what a device asked for."""
    waiting.person_id = person_id
    waiting.decision = "allowed" if decision == "allow" else "denied"
    if decision == "allow":
        world.authorizations.consent(world.apps[waiting.app_id], person_id, waiting.scopes)


def _scopes(app: AppConfig, text: str) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys(text.split()))
    if len(scopes) > MAX_SCOPES:
        raise ConsentProblem(
            MALFORMED, Text("单次最多请求 50 个权限", "At most 50 scopes can be asked for at once")
        )
    missing = [scope for scope in scopes if scope not in app.scopes]
    if missing:
        names = ", ".join(missing)
        raise ConsentProblem(
            SCOPE_NOT_ENABLED,
            Text(f"应用未开通权限：{names}", f"Scopes that are not enabled for the app: {names}"),
        )
    return scopes


def _without_query(url: str) -> str:
    """What of a redirect URL has to be registered.

    The rule is not documented; the official MCP server registers one URL and asks with a query behind it.
    """
    return url.partition("#")[0].partition("?")[0]


def _with_query(url: str, answer: dict[str, str], state: str | None) -> str:
    """The answer is inserted before a fragment and after a query that is already there."""
    pairs = answer if state is None else {**answer, "state": state}
    added = "&".join(f"{key}={quote(value, safe='')}" for key, value in pairs.items())
    parts = urlsplit(url)
    query = f"{parts.query}&{added}" if parts.query else added
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))
