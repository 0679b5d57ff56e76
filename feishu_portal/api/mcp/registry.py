"""How a tool is declared, who sees it, and with which arguments."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from core.access.path_rules import may_allow
from core.access.scopes import Scope
from feishu.text import Text
from feishu_portal.api.mcp.acting import Acting
from feishu_portal.api.mcp.agent import SHOWN_BOTS, Agent

Schema = dict[str, Any]


class Arguments(BaseModel):
    """What a tool takes beside bot and person; unknown arguments are refused."""

    model_config = ConfigDict(extra="forbid")


class Effect(Enum):
    """What a call of the tool may do to what is there."""

    READS = "reads"
    ADDS = "adds"
    CHANGES = "changes"


class Whose(Enum):
    """Who may call: people, the bot as well, or nobody at the platform, for a tool about the portal itself."""

    PERSON = "person"
    EITHER = "either"
    PORTAL = "portal"


A = TypeVar("A", bound=Arguments)
Run = Callable[[Acting, A], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Tool:
    """``apis``: what it calls at the platform, written ``GET /open-apis/…/{id}``. ``scopes``: any of them opens a tool of
    the portal; where there are none, every key does. ``of_a_bot``: it is for one bot, which the arguments name. ``is_shown``:
    whether the agent has a use for it."""

    name: str
    title: Text
    description: str
    takes: type[Arguments]
    run: Run[Any]
    effect: Effect
    whose: Whose
    apis: tuple[str, ...]
    scopes: tuple[Scope, ...]
    of_a_bot: bool
    is_shown: Callable[[Agent], bool]

    def is_for(self, agent: Agent) -> bool:
        """Whether the key's scopes and path rules let a call of the tool through, whatever its arguments."""
        if not self.is_shown(agent):
            return False
        if self.whose is Whose.PORTAL:
            return not self.scopes or agent.may(*self.scopes)
        may_act = agent.may_act_as_a_person or (self.whose is Whose.EITHER and agent.may_act_as_the_bot)
        return may_act and all(_may_be_allowed(agent, api) for api in self.apis)

    def schema_for(self, agent: Agent) -> Schema:
        """JSON Schema of the arguments, with bot and person where the connection leaves them open."""
        schema = plain_schema(self.takes)
        properties: Schema = {}
        required: list[str] = []
        if self.of_a_bot and not agent.bot:
            properties["bot"] = _bot_property(agent)
            required.append("bot")
        if self.whose is not Whose.PORTAL and agent.may_act_as_a_person and not agent.person:
            properties["person"] = {"type": "string", "description": _PERSON}
            if self.whose is Whose.EITHER and agent.may_act_as_the_bot:
                properties["person"]["description"] += " Left out, the bot acts as itself."
            else:
                required.append("person")
        return schema | {
            "properties": properties | schema["properties"],
            "required": [*required, *schema["required"]],
        }


_PERSON: Final = "The person to act as: open_id (ou_…), union_id (on_…), user_id or e-mail address."

TOOLS: Final[dict[str, Tool]] = {}
"""By name, in the order in which agents read them."""


def tool(
    takes: type[A],
    *,
    title: Text,
    effect: Effect = Effect.READS,
    whose: Whose = Whose.EITHER,
    apis: tuple[str, ...] = (),
    scopes: tuple[Scope, ...] = (),
    of_a_bot: bool = True,
    is_shown: Callable[[Agent], bool] = lambda _agent: True,
) -> Callable[[Run[A]], Run[A]]:
    """Declares a tool: its name is the function's, and its description the function's docstring."""

    def declare(run: Run[A]) -> Run[A]:
        name = run.__name__
        description = " ".join((run.__doc__ or "").split())
        TOOLS[name] = Tool(
            name, title, description, takes, run, effect, whose, apis, scopes, of_a_bot, is_shown
        )
        return run

    return declare


@cache
def plain_schema(model: type[BaseModel]) -> Schema:
    """A model's schema without the titles that pydantic makes of names; made once, and not to be changed."""
    schema: Schema = _untitled(model.model_json_schema())
    return {"required": [], "properties": {}} | schema


def _untitled(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    is_model = "properties" in schema
    return {
        name: {key: _untitled(one) for key, one in value.items()}
        if name in {"properties", "$defs"}
        else _untitled(value)
        for name, value in schema.items()
        if name != "title" and not (is_model and name == "description")
    }


def _bot_property(agent: Agent) -> Schema:
    names = "; ".join(f"{app_id}: {' '.join(name.split())}" for app_id, name in agent.bots)
    chosen: Schema = {"type": "string", "description": f"App ID of the bot. {names}"}
    if len(agent.bots) < SHOWN_BOTS:
        chosen["enum"] = [app_id for app_id, _name in agent.bots]
    return chosen


def _may_be_allowed(agent: Agent, api: str) -> bool:
    method, path = api.split(" ", 1)
    segments = [None if part.startswith("{") else part for part in path.split("/")[1:]]
    return may_allow(agent.client.proxy_paths, method, segments)
