"""The card of an approval: from a row, and the call as long as it is there, to card JSON.

What stands in the call was perhaps written by somebody who wants it approved. Every value of it is one line, without
formatting, links, mentions or invisible characters, behind the name of its field; what the portal says stands above it and
in the buttons, where nothing of the call can come. Names of chats and documents were chosen by others as well: they stand
in quotation marks, each behind its kind and its id, and not in the question before an hour, which goes by ids.

What is too long for a card stands whole on the person's page, to which the card leads where browsers reach the portal.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.text import Truncator

from core.access.call_contents import CallContents, Said, header_of, read_contents
from feishu.cards import Json, Template, button, card, escape, header, in_a_row, markdown, single_line
from feishu.codes import TABLE
from feishu.quoting import quoted
from feishu.text import Text
from feishu_portal.approvals.enums import ApprovalState, Approved
from feishu_portal.approvals.models import CallApproval, StoredCall
from feishu_portal.approvals.resources import Resource
from feishu_portal.approvals.words import in_words

APPROVE_ACTION: Final = "approvals.approve"
DENY_ACTION: Final = "approvals.deny"
END_ACTION: Final = "approvals.end"

MAX_VALUE: Final = 800
"""Characters of one value that are shown."""
MAX_LINES: Final = 60
MAX_BYTES: Final = 12 * 1024
"""Of all lines, escaped: the card has 30 KB."""
MAX_PATH: Final = 500
MAX_NAME: Final = 80
MAX_NAMED: Final = 12
"""Chats, documents, tables and people that are named."""
MAX_FOREIGN_NAME: Final = 40
_NOTHING: Final[Mapping[Resource, str]] = {}

_OUTCOMES: Final[Mapping[str, tuple[Template, Text, Text]]] = {
    ApprovalState.APPROVED: (
        "turquoise",
        Text("已批准，正在执行", "Approved, being carried out"),
        Text("你已批准，这次调用正在执行。", "You approved. The call is on its way."),
    ),
    ApprovalState.DONE: (
        "green",
        Text("已批准并执行", "Approved and carried out"),
        Text("这次调用已执行一次。", "The call was carried out, once."),
    ),
    ApprovalState.FAILED: (
        "grey",
        Text("已批准，但未执行", "Approved, but not carried out"),
        Text(
            "这次调用没有发送到飞书，什么也没有发生。",
            "The call never reached the platform. Nothing has happened.",
        ),
    ),
    ApprovalState.UNCERTAIN: (
        "orange",
        Text("结果未知，请自行确认", "Outcome unknown: please look"),
        Text(
            "这次调用可能已经执行，也可能没有；不会再次发送。",
            "The call may have been carried out, or not. It is not sent again.",
        ),
    ),
    ApprovalState.DENIED: (
        "grey",
        Text("已拒绝", "Denied"),
        Text("你拒绝了这次调用，什么也没有发生。", "You denied the call. Nothing has happened."),
    ),
    ApprovalState.EXPIRED: (
        "grey",
        Text("已过期", "Expired"),
        Text("没有在有效期内处理，什么也没有发生。", "It was not answered in time. Nothing has happened."),
    ),
}


def approval_card(approval: CallApproval, names: Mapping[Resource, str] = _NOTHING) -> Json:
    """The card for the approval as it is. ``names``: what the person knows things by that the call names. Raises
    SealedValueError."""
    if approval.is_asked:
        return _question(approval, approval.stored_call, names)
    colour, title, text = outcome_of(approval)
    elements = [markdown(_who(approval)), markdown(_line(approval)), markdown(text)]
    elements += _hour(approval)
    return card(header=header(title, template=colour), elements=elements, summary=title)


def outcome_of(approval: CallApproval) -> tuple[Template, Text, Text]:
    """What became of a call that is asked about no more: colour, title, sentence."""
    if approval.is_refused:
        return _refusal(approval)
    if approval.state == ApprovalState.SENDING:
        return _OUTCOMES[ApprovalState.APPROVED]
    return _OUTCOMES.get(approval.state, _OUTCOMES[ApprovalState.EXPIRED])


def page_of(approval: CallApproval) -> str:
    """Where the person reads the whole call; empty where no browser reaches the portal. It opens for nobody else, so the address
    is no secret."""
    return f"{settings.PUBLIC_URL}{reverse('approval', args=[approval.pk])}" if settings.PUBLIC_URL else ""


def seal_of(approval: CallApproval) -> str:
    """Stands in the buttons: who may send cards as the bot can make a button of the same name, and not its seal."""
    return salted_hmac("feishu_portal.approvals.card", str(approval.pk), algorithm="sha256").hexdigest()[:32]


def is_sealed(approval: CallApproval, seal: object) -> bool:
    return isinstance(seal, str) and constant_time_compare(seal, seal_of(approval))


def _question(approval: CallApproval, call: StoredCall, names: Mapping[Resource, str]) -> Json:
    words = in_words(approval.method, call.path)
    title = question_of(words)
    contents = contents_of(call)
    elements = [markdown(_who(approval)), markdown(_line(approval, call))]
    elements += [markdown(text) for text in _named(names)]
    lines = _lines(contents, call)
    if lines:
        elements.append({"tag": "markdown", "content": "\n".join(lines)})  # once: it is in nobody's language
    elements += [markdown(text) for text in _left_out(approval, contents, lines)]
    until = f"{timezone.localtime(approval.expires_at):%H:%M}"
    elements.append(
        markdown(
            Text(
                f"仅在你批准后执行，{until} 前有效。",
                f"It is carried out only if you approve, by {until}.",
            )
        )
    )
    elements.append(in_a_row(_buttons(approval)))
    return card(header=header(title, template="orange"), elements=elements, summary=title)


def question_of(words: Text) -> Text:
    """The heading, with the call in words."""
    return Text(f"请你批准：{words.zh_cn}", f"Your approval, please: {words.en_us}")


def _who(approval: CallApproval) -> Text:
    caller = escape(caller_of(approval))
    return Text(f"**{caller}** 请求以你的身份调用飞书：", f"**{caller}** asks to call Feishu as you:")


def caller_of(approval: CallApproval) -> str:
    """The agent that the person connected, which chose its name itself, or the API client; in quotation marks."""
    return quoted(approval.agent, most=MAX_NAME) or quoted(approval.caller, most=MAX_NAME)


def _line(approval: CallApproval, call: StoredCall | None = None) -> Text:
    """Method and path, with what it does in words."""
    path = call.path if call else approval.path
    words = in_words(approval.method, path)
    shown = escape(Truncator(path).chars(MAX_PATH))
    return Text(
        f"**{words.zh_cn}**\n{approval.method} {shown}", f"**{words.en_us}**\n{approval.method} {shown}"
    )


def named_lines(names: Mapping[Resource, str]) -> list[Text]:
    """What is named, one line each: the kind in the portal's words, the id, and last the name in quotation marks."""
    lines = []
    for resource, name in names.items():
        if shown := quoted(name, most=MAX_FOREIGN_NAME):
            kind = resource.words
            lines.append(Text(f"{kind.zh_cn} {resource.id} {shown}", f"{kind.en_us} {resource.id} {shown}"))
    return lines[:MAX_NAMED]


def _named(names: Mapping[Resource, str]) -> list[Text]:
    lines = named_lines(names)
    if not lines:
        return []
    zh = "\n".join(escape(line.zh_cn) for line in lines)
    en = "\n".join(escape(line.en_us) for line in lines)
    return [
        Text(
            f"涉及（引号内的名称由他人填写，以 ID 为准）：\n{zh}",
            f"It names (what stands in quotation marks was written by others; the ID counts):\n{en}",
        )
    ]


def contents_of(call: StoredCall) -> CallContents:
    """What the call says beside its path, as far as it can be read."""
    return read_contents(
        call.query,
        call.body,
        content_type=header_of(call.headers, "content-type"),
        encoding=header_of(call.headers, "content-encoding"),
    )


def _lines(contents: CallContents, call: StoredCall) -> list[str]:
    """A line for each value: what the call acts on is never what there is no room for."""
    said = said_in(contents)
    if not contents.is_whole:
        said.append(Said("", "", call.body.decode(errors="replace")))
    lines: list[str] = []
    left = MAX_BYTES
    for one in said[:MAX_LINES]:
        line = _shown(one)
        left -= len(line.encode())
        if left < 0:
            break
        lines.append(line)
    return lines


def said_in(contents: CallContents) -> list[Said]:
    """Each value once, to be shown: one that is JSON itself, as the content of a message is, by the fields within, which can be read. Ids
    and tokens come first."""
    shown = [one for one in contents.said if not one.is_opened]
    acted_on = frozenset(contents.resources)
    return [one for one in shown if one in acted_on] + [one for one in shown if one not in acted_on]


def _shown(said: Said) -> str:
    value = said.value.replace("\r\n", "\n").replace("\n", " ⏎ ")
    shown = escape(Truncator(value).chars(MAX_VALUE))
    return f"**{escape(Truncator(said.where).chars(MAX_NAME))}**: {shown}" if said.where else shown


def _left_out(approval: CallApproval, contents: CallContents, lines: list[str]) -> list[Text]:
    """Says that the lines are not all of the call."""
    size = f"{approval.body_bytes:,}"
    if not contents.is_whole:
        return [
            Text(
                f"正文无法识别，仅显示开头：共 {size} 字节，SHA-256 {approval.body_hash}",
                f"The body cannot be read; this is its beginning. It has {size} bytes, SHA-256 {approval.body_hash}",
            )
        ]
    shown = said_in(contents)
    is_all = len(lines) == len(shown) and all(len(one.value) <= MAX_VALUE for one in shown)
    if is_all:
        return []
    return [
        Text(
            f"内容过长，仅显示部分：正文共 {size} 字节，SHA-256 {approval.body_hash}",
            f"Too long to be shown in full. The body has {size} bytes, SHA-256 {approval.body_hash}",
        )
    ]


def _hour(approval: CallApproval) -> list[Json]:
    """What was approved for an hour, with a button that ends it."""
    if approval.is_standing and approval.covers_until:
        until = f"{timezone.localtime(approval.covers_until):%H:%M}"
        words = Text(
            f"同样的调用在 {until} 之前不再询问。", f"Until {until} such calls go on without a question."
        )
        ending = button(Text("立即结束", "End now"), name="end", value=_value(approval, END_ACTION))
        return [markdown(words), ending]
    if approval.is_hour_cut_short:
        return [markdown(Text("同样的调用会重新询问你。", "You are asked about such calls again."))]
    return []


def _value(approval: CallApproval, action: str, **more: Any) -> dict[str, Any]:
    return {"action": action, "approval": str(approval.pk), "seal": seal_of(approval), **more}


def _buttons(approval: CallApproval) -> list[Json]:
    buttons = [
        button(
            Text("批准一次", "Approve once"),
            style="primary_filled",
            name="once",
            value=_value(approval, APPROVE_ACTION, kind=Approved.ONCE.value),
        )
    ]
    if approval.scope_hash:
        title = Text("一小时内不再询问？", "Approve such calls for an hour?")
        buttons.append(
            button(
                Text("批准一小时", "Approve for an hour"),
                name="hour",
                value=_value(approval, APPROVE_ACTION, kind=Approved.HOUR.value),
                confirm=(title, hour_of(approval)),
            )
        )
    buttons.append(
        button(Text("拒绝", "Deny"), style="danger", name="deny", value=_value(approval, DENY_ACTION))
    )
    if page := page_of(approval):
        buttons.append(button(Text("查看完整内容", "Read all of it"), name="whole", url=page))
    return buttons


def hour_of(approval: CallApproval) -> Text:
    """What an hour covers, for the question before it; on one line."""
    named = single_line("; ".join([f"{approval.method} {approval.path}", *approval.resources]))
    caller = single_line(caller_of(approval))
    return Text(
        f"{caller}的同样调用将直接执行，内容可以不同：{named}",
        f"Such calls of {caller} go on at once, whatever else they say: {named}",
    )


def _refusal(approval: CallApproval) -> tuple[Template, Text, Text]:
    """What the platform did not carry out, though the person approved it."""
    told = f"HTTP {approval.status}" + (f", {approval.code}" if approval.code else "")
    info = TABLE.get(approval.code or 0)
    cause = Text(f"：{info.cause.zh_cn}", f": {info.cause.en_us}") if info else Text("", "")
    return (
        "grey",
        Text("已批准，但被飞书拒绝", "Approved, but refused by the platform"),
        Text(
            f"飞书拒绝了这次调用，没有执行{cause.zh_cn}（{told}）。",
            f"The platform refused the call{cause.en_us} ({told}).",
        ),
    )
