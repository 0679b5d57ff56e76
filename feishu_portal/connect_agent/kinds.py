"""What an operator copies into each kind of agent. No secret stands in it: keys are named by the variable that holds them."""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bots.models import Bot
from feishu_portal.token_file import KEY_VARIABLE

MCP: Final = "/mcp"
Words = str | Promise


class Kind(models.TextChoices):
    CLAUDE_CODE = "claude-code", "Claude Code"
    CURSOR = "cursor", "Cursor"
    VS_CODE = "vscode", "VS Code"
    CODEX = "codex", "Codex CLI"
    GEMINI = "gemini", "Gemini CLI"
    MCP = "mcp", _("Another MCP client")
    LARK_CLI = "lark-cli", _("lark-cli, the official command line")
    LARK_MCP = "lark-mcp", _("lark-mcp, the official MCP server")
    CURL = "curl", "curl"


@dataclass(frozen=True, slots=True)
class Step:
    """A block to copy, and what it is for."""

    text: Words
    block: str


@dataclass(frozen=True, slots=True)
class AgentPlace:
    """Where an agent is to connect, and as whom. ``portal``: its address. ``by_oauth``: people may connect agents themselves."""

    portal: str
    bot: Bot | None
    person: str
    by_oauth: bool

    @property
    def mcp(self) -> str:
        """The address for an API key, with what it fixes."""
        fixed = {"bot": self.bot.app_id if self.bot else "", "person": self.person}
        query = urlencode({name: value for name, value in fixed.items() if value}, safe="@")
        return f"{self.portal}{MCP}?{query}" if query else f"{self.portal}{MCP}"


def steps(kind: Kind, place: AgentPlace) -> list[Step]:
    """In the order in which they are done."""
    match kind:
        case Kind.LARK_CLI:
            return _lark_cli(place)
        case Kind.LARK_MCP:
            return _lark_mcp(place)
        case Kind.CURL:
            return [
                _variable(),
                Step(_("Ask for the tools:"), _curl(place, "tools/list")),
                Step(_("Call one of them:"), _curl(place, "tools/call", **_first_call(place))),
            ]
    by_hand = _by_key(kind, place)
    own = _without_key(kind, f"{place.portal}{MCP}") if place.by_oauth else ""
    if not own:
        return by_hand
    return [
        Step(_("Without a key: the agent opens a browser, where its person signs in and consents."), own),
        *by_hand,
    ]


def _without_key(kind: Kind, address: str) -> str:
    """Empty for agents that come back from the browser by a scheme of their own, which the portal takes for no redirect URI."""
    match kind:
        case Kind.CLAUDE_CODE:
            return f"claude mcp add --transport http feishu {address}"
        case Kind.VS_CODE:
            return _json({"type": "http", "url": address}, under="servers")
        case Kind.CODEX:
            return f"codex mcp add feishu --url {address}\ncodex mcp login feishu"
        case Kind.GEMINI:
            return f"gemini mcp add --scope user --transport http feishu {address}"
        case Kind.MCP:
            return _json({"type": "http", "url": address})
    return ""


def _variable() -> Step:
    return Step(
        _("With the key of an API client, which the agent reads from a variable:"),
        f"export {KEY_VARIABLE}=fp_…",
    )


def _by_key(kind: Kind, place: AgentPlace) -> list[Step]:
    match kind:
        case Kind.CLAUDE_CODE:
            command = (
                f"claude mcp add --transport http feishu '{place.mcp}' \\\n"
                f'  --header "Authorization: Bearer ${{{KEY_VARIABLE}}}"'
            )
            return [_variable(), Step(_("Once, in a shell:"), command)]
        case Kind.CURSOR:
            server = {"url": place.mcp, "headers": _bearer(f"${{env:{KEY_VARIABLE}}}")}
            return [_variable(), Step(_("In ~/.cursor/mcp.json:"), _json(server))]
        case Kind.VS_CODE:
            server = {"type": "http", "url": place.mcp, "headers": _bearer("${input:feishu-key}")}
            asked = {
                "type": "promptString",
                "id": "feishu-key",
                "description": KEY_VARIABLE,
                "password": True,
            }
            block = _json(server, under="servers", inputs=[asked])
            return [
                Step(
                    _("In .vscode/mcp.json; VS Code asks for the key of an API client once and keeps it:"),
                    block,
                )
            ]
        case Kind.CODEX:
            block = f'[mcp_servers.feishu]\nurl = "{place.mcp}"\nbearer_token_env_var = "{KEY_VARIABLE}"'
            return [_variable(), Step(_("In ~/.codex/config.toml:"), block)]
        case Kind.GEMINI:
            server = {"httpUrl": place.mcp, "headers": _bearer(f"${KEY_VARIABLE}")}
            return [_variable(), Step(_("In ~/.gemini/settings.json:"), _json(server))]
    server = {"type": "http", "url": place.mcp, "headers": _bearer(f"${{{KEY_VARIABLE}}}")}
    words = _("In the client's configuration; where it fills in no variables, the key stands there itself:")
    return [_variable(), Step(words, _json(server))]


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _json(server: dict[str, Any], *, under: str = "mcpServers", **beside: Any) -> str:
    return json.dumps({**beside, under: {"feishu": server}}, indent=2, ensure_ascii=False)


def _lark_cli(place: AgentPlace) -> list[Step]:
    bot, person = place.bot.app_id if place.bot else "cli_…", place.person or "li.lei@example.com"
    keep = (
        f"feishu-portal token-file ~/.feishu.env --format lark-cli \\\n"
        f"  --portal {place.portal} --bot {bot} --person {person}"
    )
    use = "( set -a; . ~/.feishu.env; lark-cli auth status )"
    return [
        Step(
            _("With the key of an API client that has the scope tokens:issue:"), f"export {KEY_VARIABLE}=fp_…"
        ),
        Step(
            _("Beside it, for as long as it is used; this keeps a file with the person's fresh token:"), keep
        ),
        Step(_("Each command with the variables of that file:"), use),
    ]


def _lark_mcp(place: AgentPlace) -> list[Step]:
    """It goes through the portal's proxy: the key is its App Secret, or the token of the person it acts for."""
    bot = place.bot.app_id if place.bot else "cli_…"
    start = f"npx -y @larksuiteoapi/lark-mcp mcp -a {bot}"
    proxy = f"{place.portal}/proxy/{bot}"
    if place.person:
        command = (
            f"{start} -s none \\\n  -d '{proxy}/users/{place.person}' \\\n"
            f'  -u "${KEY_VARIABLE}" --token-mode user_access_token'
        )
        scope = _("With the key of an API client that has the scope proxy:user:")
    else:
        command = f'{start} -s "${KEY_VARIABLE}" \\\n  -d {proxy}/app'
        scope = _("With the key of an API client that has the scope proxy:app:")
    words = _("What the agent starts; it speaks by the portal's proxy and holds no token of the platform:")
    return [Step(scope, f"export {KEY_VARIABLE}=fp_…"), Step(words, command)]


def _first_call(place: AgentPlace) -> dict[str, object]:
    """A call that changes nothing."""
    if place.person:
        return {"name": "list_tasks", "arguments": {"completed": False}}
    return {"name": "who_am_i", "arguments": {}}


def _curl(place: AgentPlace, method: str, **params: object) -> str:
    message: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": method}
    if params:
        message["params"] = params
    return (
        f"curl '{place.mcp}' \\\n"
        f'  --header "Authorization: Bearer ${KEY_VARIABLE}" \\\n'
        "  --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' \\\n"
        f"  --data '{json.dumps(message)}'"
    )
