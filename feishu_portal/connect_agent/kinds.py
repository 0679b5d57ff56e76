"""What an operator copies into each kind of agent. No secret stands in it: keys are named by the variable that holds them."""

import json
from dataclasses import dataclass
from typing import Final
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
    MCP = "mcp", _("Another MCP client")
    LARK_CLI = "lark-cli", _("lark-cli, the official command line")
    CURL = "curl", "curl"


@dataclass(frozen=True, slots=True)
class Step:
    """A block to copy, and what it is for."""

    text: Words
    block: str


@dataclass(frozen=True, slots=True)
class Place:
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


def steps(kind: Kind, place: Place) -> list[Step]:
    """In the order in which they are done."""
    match kind:
        case Kind.LARK_CLI:
            return _lark_cli(place)
        case Kind.CURL:
            return [
                _variable(),
                Step(_("Ask for the tools:"), _curl(place, "tools/list")),
                Step(_("Call one of them:"), _curl(place, "tools/call", **_first_call(place))),
            ]
    by_hand = [_variable(), *_by_key(kind, place)]
    if not place.by_oauth:
        return by_hand
    own = {
        Kind.CLAUDE_CODE: f"claude mcp add --transport http feishu {place.portal}{MCP}",
        Kind.CURSOR: "",
        Kind.MCP: _json({"type": "http", "url": f"{place.portal}{MCP}"}),
    }[kind]
    if not own:
        return by_hand
    return [
        Step(_("Without a key: the agent opens a browser, where its person signs in and consents."), own),
        *by_hand,
    ]


def _variable() -> Step:
    return Step(
        _("With the key of an API client, which the agent reads from a variable:"),
        f"export {KEY_VARIABLE}=fp_…",
    )


def _by_key(kind: Kind, place: Place) -> list[Step]:
    if kind is Kind.CLAUDE_CODE:
        command = (
            f"claude mcp add --transport http feishu '{place.mcp}' \\\n"
            f'  --header "Authorization: Bearer ${{{KEY_VARIABLE}}}"'
        )
        return [Step(_("Once, in a shell:"), command)]
    if kind is Kind.CURSOR:
        headers = {"Authorization": f"Bearer ${{env:{KEY_VARIABLE}}}"}
        return [Step(_("In ~/.cursor/mcp.json:"), _json({"url": place.mcp, "headers": headers}))]
    headers = {"Authorization": f"Bearer ${{{KEY_VARIABLE}}}"}
    return [
        Step(
            _("In the client's configuration; where it fills in no variables, the key stands there itself:"),
            _json({"type": "http", "url": place.mcp, "headers": headers}),
        )
    ]


def _json(server: dict[str, object]) -> str:
    return json.dumps({"mcpServers": {"feishu": server}}, indent=2, ensure_ascii=False)


def _lark_cli(place: Place) -> list[Step]:
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


def _first_call(place: Place) -> dict[str, object]:
    """A call that changes nothing."""
    if place.person:
        return {"name": "list_tasks", "arguments": {"completed": False}}
    return {"name": "who_am_i", "arguments": {}}


def _curl(place: Place, method: str, **params: object) -> str:
    message: dict[str, object] = {"jsonrpc": "2.0", "id": 1, "method": method}
    if params:
        message["params"] = params
    return (
        f"curl '{place.mcp}' \\\n"
        f'  --header "Authorization: Bearer ${KEY_VARIABLE}" \\\n'
        "  --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' \\\n"
        f"  --data '{json.dumps(message)}'"
    )
