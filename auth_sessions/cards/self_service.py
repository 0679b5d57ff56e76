"""The card that shows a person what they allowed."""

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from auth_sessions.cards.revocation import START_ACTION
from auth_sessions.cards.scopes import bullets
from auth_sessions.enums import TokenStatus, UseKind
from feishu.cards import Template, button, card, escape, header, markdown, single_line
from feishu.scopes import scope_text
from feishu.text import Text

if TYPE_CHECKING:
    from datetime import datetime

    from auth_sessions.domain.self_service import SelfServiceView
    from auth_sessions.models import TokenUse, UserToken

SHOW_ACTION = "auth.mine"
REVOKE_ACTION = "auth.revoke"

SHOWN_PATH = 100  # characters of a path; a card has 30 KB

_COLOURS: dict[str, Template] = {TokenStatus.ACTIVE: "green", TokenStatus.NEEDS_REAUTH: "orange"}


def manage_button() -> dict[str, Any]:
    """A button that sends the person who clicks what they themselves allowed."""
    text = Text("查看与管理授权", "See and manage")
    return button(text, style="default", name="mine", value={"action": SHOW_ACTION})


def self_service_card(view: "SelfServiceView", *, link: str, asked_again: bool = False) -> dict[str, Any]:
    """What the person allowed, until when, and who used it lately. ``link`` to their page; empty where there is none.
    ``asked_again``: the person wanted to authorize, and has already."""
    title = (
        Text("你已授权", "You have authorized already")
        if asked_again
        else Text("我的授权", "My authorizations")
    )
    name = escape(view.bot.name)
    grant = view.grant
    if grant is None or grant.status == TokenStatus.REVOKED:
        nothing = Text(f"你目前没有授权 **{name}**。", f"You have not allowed **{name}** anything.")
        elements = [markdown(nothing), *_page_button(link), _authorize()]
        return card(header=header(title, template="grey"), elements=elements, summary=title)
    elements = [
        markdown(_facts(grant, name, view.ends_at)),
        markdown(_scopes(grant)),
        markdown(_uses(view.uses)),
    ]
    if grant.status == TokenStatus.NEEDS_REAUTH:
        elements.append(_authorize())
    elif asked_again:
        elements.append(_authorize(Text("重新授权", "Authorize again")))
    elements += [*_page_button(link), _revoke(single_line(view.bot.name))]
    colour = _COLOURS.get(grant.status, "green")
    return card(header=header(title, template=colour), elements=elements, summary=title)


def _facts(grant: "UserToken", name: str, ends_at: "datetime | None") -> Text:
    since = _day(grant.authorized_at)
    until = f"{timezone.localtime(ends_at):%Y-%m-%d %H:%M}" if ends_at else "—"
    if grant.status == TokenStatus.NEEDS_REAUTH:
        return Text(
            f"你对 **{name}** 的授权（{since}）需要重新确认。",
            f"What you allowed **{name}** on {since} needs your confirmation again.",
        )
    return Text(
        f"你已授权 **{name}** 代表你使用飞书。\n授权时间：{since}\n最晚有效至：{until}",
        f"You have allowed **{name}** to act for you.\nSince: {since}\nAt the latest until: {until}",
    )


def _scopes(grant: "UserToken") -> Text:
    words = bullets([scope_text(scope) for scope in grant.scopes])
    return Text(f"**权限**\n{words.zh_cn}", f"**Permissions**\n{words.en_us}")


def _uses(uses: "list[TokenUse]") -> Text:
    if not uses:
        return Text("**最近使用**\n暂无", "**Recent use**\nNot yet")
    zh = [f"- {_moment(use.at)} {escape(use.caller)} {_did(use).zh_cn}" for use in uses]
    en = [f"- {_moment(use.at)} {escape(use.caller)} {_did(use).en_us}" for use in uses]
    return Text("**最近使用**\n" + "\n".join(zh), "**Recent use**\n" + "\n".join(en))


def _did(use: "TokenUse") -> Text:
    if use.kind == UseKind.ISSUED:
        return Text("取得了访问令牌", "obtained an access token")
    path = use.path if len(use.path) <= SHOWN_PATH else f"{use.path[:SHOWN_PATH]}…"
    return Text(f"调用了接口 {escape(path)}", f"called {escape(path)}")


def _page_button(link: str) -> list[dict[str, Any]]:
    if not link:
        return []
    return [button(Text("打开我的授权页", "Open my page"), style="primary", url=link)]


def _authorize(words: Text = Text("去授权", "Authorize")) -> dict[str, Any]:  # noqa: B008 -- it never changes
    return button(words, style="primary", name="start", value={"action": START_ACTION})


def _revoke(name: str) -> dict[str, Any]:
    return button(
        Text("撤销授权", "Revoke"),
        style="danger",
        name="revoke",
        value={"action": REVOKE_ACTION},
        confirm=(
            Text("撤销授权？", "Revoke?"),
            Text(f"{name} 将立即不能代表你使用飞书。", f"{name} can no longer act for you, at once."),
        ),
    )


def _day(moment: "datetime") -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d}"


def _moment(moment: "datetime") -> str:
    return f"{timezone.localtime(moment):%m-%d %H:%M}"
