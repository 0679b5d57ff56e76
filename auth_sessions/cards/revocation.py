"""The notice of a revocation."""

from collections.abc import Mapping
from typing import Any

from auth_sessions.enums import PlatformReason
from auth_sessions.models import Revocation
from core.access.actors import Actor
from feishu.cards import button, card, escape, header, markdown
from feishu.text import Text

START_ACTION = "auth.start"

_BY_PLATFORM: Mapping[str, Text] = {
    PlatformReason.ADMINISTRATOR: Text("企业管理员撤销了", "Your tenant's administrator revoked"),
    PlatformReason.SECURITY: Text("飞书安全风控撤销了", "Feishu's risk control revoked"),
}
_BY_ACTOR: Mapping[str, Text] = {
    "operator": Text("门户管理员撤销了", "An administrator of the portal revoked"),
    "api": Text("业务系统撤销了", "An internal system revoked"),
}
_BY_ANYBODY = Text("系统撤销了", "The system revoked")


def revocation_card(revocation: Revocation) -> dict[str, Any]:
    """Who revoked the grant, what follows, and a button to authorize again."""
    title = Text("授权已被撤销", "Your authorization was revoked")
    kind = Actor.read(revocation.actor).kind
    who = _BY_PLATFORM.get(revocation.platform_reason) or _BY_ACTOR.get(kind, _BY_ANYBODY)
    name = escape(revocation.grant.bot.name)
    body = Text(
        f"{who.zh_cn}你对 **{name}** 的授权，它不能再代表你使用飞书。如仍需使用，可以重新授权。",
        f"{who.en_us} what you had allowed **{name}**. It can no longer act for you. "
        "If you still need it, you can authorize again.",
    )
    again = button(
        Text("重新授权", "Authorize again"), style="primary", name="start", value={"action": START_ACTION}
    )
    return card(header=header(title, template="orange"), elements=[markdown(body), again], summary=title)
