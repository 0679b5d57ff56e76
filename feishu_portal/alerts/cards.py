"""The card of a group of alerts. Pure: from a row to card JSON. Labels and annotations are anybody's text."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.text import Truncator

from core.access.actors import Actor
from feishu.cards import Json, Template, button, card, escape, header, in_a_row, markdown, single_line
from feishu.text import Text
from feishu_portal.alerts.enums import GroupState
from feishu_portal.alerts.models import AlertGroup

ACKNOWLEDGE_ACTION: Final = "alerts.acknowledge"
SILENCE_ACTION: Final = "alerts.silence"
SILENCES: Final[Mapping[int, Text]] = {
    1: Text("静默 1 小时", "Silence 1 h"),
    4: Text("静默 4 小时", "Silence 4 h"),
    24: Text("静默 1 天", "Silence 1 day"),
}
"""Hours that a silence can last, and the words of its button."""

MAX_SHOWN: Final = 20
MAX_BYTES: Final = 4 * 1024
"""Of all alerts in one language: a card has 30 KB for three copies of everything it says."""
MAX_FACTS_BYTES: Final = 1024
"""Of labels on one line."""
MAX_SUMMARY: Final = 200  # characters
MAX_DESCRIPTION: Final = 500
MAX_FACT: Final = 150
MAX_TITLE: Final = 100
MAX_NAMED: Final = 60  # of what a silence matches

_COLOURS: Final[Mapping[str, Template]] = {
    "critical": "red",
    "page": "red",
    "error": "red",
    "warning": "orange",
    "info": "blue",
    "none": "blue",
}
_OPEN_ID: Final = re.compile(r"ou_[0-9A-Za-z_-]{1,100}")
_SEPARATOR: Final = " · "


def group_card(group: AlertGroup, *, note: Text | None = None) -> Json:
    """The card for the group as it is. ``note``: a last line, of what was tried and failed."""
    title = _title(group)
    elements = [
        *_text_block(_facts(group.content["labels"])),
        *(markdown(text) for text in _alerts(group.content)),
        *(markdown(text) for text in _deeds(group)),
    ]
    if note is not None:
        elements.append(markdown(Text(escape(note.zh_cn), escape(note.en_us))))
    if group.is_firing and (buttons := _buttons(group)):
        elements.append(in_a_row(buttons))
    if links := _links(group.content):
        elements.append(in_a_row(links))
    return card(header=header(title, template=_colour(group)), elements=elements, summary=title)


def _title(group: AlertGroup) -> Text:
    title = Truncator(single_line(group.title)).chars(MAX_TITLE)
    match group.state:
        case GroupState.RESOLVED:
            return Text(f"已恢复：{title}", f"Resolved: {title}")
        case GroupState.REPLACED:
            return Text(f"见新卡片：{title}", f"See the newer card: {title}")
    count = Text(f"（{group.firing} 条）", f" ({group.firing})") if group.firing > 1 else Text("", "")
    return Text(f"告警：{title}{count.zh_cn}", f"Alert: {title}{count.en_us}")


def _colour(group: AlertGroup) -> Template:
    if group.state == GroupState.RESOLVED:
        return "green"
    if group.state == GroupState.REPLACED:
        return "grey"
    if group.acknowledged_at is not None:
        return "turquoise"
    severities = {alert["labels"].get("severity", "") for alert in group.content["alerts"] if alert["firing"]}
    colours = {_COLOURS.get(severity.lower(), "orange") for severity in severities}
    return next((colour for colour in ("red", "orange") if colour in colours), "blue")


def _alerts(content: Mapping[str, Any]) -> list[Text]:
    """A paragraph for each alert, as many as there is room for; a last one counts the others."""
    alerts = content["alerts"]
    paragraphs: list[Text] = []
    zh_left = en_left = MAX_BYTES
    for alert in alerts[:MAX_SHOWN]:
        text = _alert(alert, common=content["labels"])
        if not paragraphs and max(len(text.zh_cn.encode()), len(text.en_us.encode())) > MAX_BYTES:
            text = _alert(alert, common=content["labels"], is_brief=True)
        zh_left -= len(text.zh_cn.encode())
        en_left -= len(text.en_us.encode())
        if min(zh_left, en_left) < 0:
            break
        paragraphs.append(text)
    if hidden := len(alerts) - len(paragraphs) + content["more"]:
        paragraphs.append(Text(f"……以及另外 {hidden} 条", f"… and {hidden} more"))
    return paragraphs


def _alert(alert: Mapping[str, Any], *, common: Mapping[str, str], is_brief: bool = False) -> Text:
    """What it says and since when, and unless ``is_brief`` its description and the labels that are its own."""
    labels = {name: value for name, value in alert["labels"].items() if name not in common}
    facts = "" if is_brief else _facts(labels)
    began, ended = _moment(alert["starts_at"]), _moment(alert["ends_at"])
    times = f"{began} – {ended}" if ended else began
    since = Text(times, times) if ended else Text(f"始于 {times}", f"since {times}")
    over = Text("", "") if alert["firing"] else Text("已恢复：", "Resolved: ")

    def words(language: str, over: str, since: str) -> str:
        summary = _annotation(alert, "summary", language) or _annotation(alert, "message", language)
        name = alert["labels"].get("alertname", "")
        lines = [f"{over}**{escape((summary or name or '—')[:MAX_SUMMARY])}**"]
        if not is_brief:
            description = _annotation(alert, "description", language)[:MAX_DESCRIPTION]
            lines += [escape(line) for line in description.splitlines() if line.strip()]
        return "\n".join([*lines, _SEPARATOR.join(part for part in (facts, since) if part)])

    return Text(words("_zh", over.zh_cn, since.zh_cn), words("", over.en_us, since.en_us))


def _annotation(alert: Mapping[str, Any], name: str, language: str) -> str:
    annotations: Mapping[str, str] = alert["annotations"]
    return annotations.get(f"{name}{language}") or annotations.get(name, "")


def _facts(labels: Mapping[str, str]) -> str:
    """Labels on one line, as many as there is room for."""
    shown: list[str] = []
    left = MAX_FACTS_BYTES
    for name, value in labels.items():
        if name == "alertname":
            continue
        fact = escape(f"{name}={value}"[:MAX_FACT])
        left -= len(fact.encode())
        if left < 0:
            return _SEPARATOR.join([*shown, "…"])
        shown.append(fact)
    return _SEPARATOR.join(shown)


def _text_block(text: str) -> list[Json]:
    return [markdown(Text(text, text))] if text else []


def _deeds(group: AlertGroup) -> list[Text]:
    """What people did about it."""
    deeds = []
    if group.acknowledged_at is not None:
        who, at = _person(group.acknowledged_by), _local(group.acknowledged_at)
        deeds.append(Text(f"{who} 已于 {at} 确认", f"Acknowledged by {who} at {at}"))
    if group.silenced_until is not None:
        who, until = _person(group.silenced_by), _local(group.silenced_until)
        deeds.append(Text(f"{who} 已静默至 {until}", f"Silenced by {who} until {until}"))
    return deeds


def _person(actor: str) -> str:
    """A member of the chat by a mention, which does not ring in a card that is changed; an operator by name."""
    by = Actor.read(actor)
    if by.kind == "user" and _OPEN_ID.fullmatch(by.name):
        return f"<at id={by.name}></at>"
    return escape(by.name)


def _buttons(group: AlertGroup) -> list[Json]:
    buttons = []
    if group.acknowledged_at is None:
        buttons.append(
            button(
                Text("确认", "Acknowledge"),
                style="primary",
                name="acknowledge",
                value={"action": ACKNOWLEDGE_ACTION, "group": group.pk},
            )
        )
    if not group.receiver.alertmanager_url or not group.content["matchers"]:
        return buttons
    matched = _SEPARATOR.join(f"{name}={value}" for name, value in group.content["matchers"])
    named = Truncator(single_line(matched)).chars(MAX_NAMED)
    for hours, words in SILENCES.items():
        question = Text(
            f"匹配 {named} 的告警在此期间不再通知。", f"Alerts with {named} notify nobody meanwhile."
        )
        buttons.append(
            button(
                words,
                name=f"silence_{hours}",
                value={"action": SILENCE_ACTION, "group": group.pk, "hours": hours},
                confirm=(words, question),
            )
        )
    return buttons


def _links(content: Mapping[str, Any]) -> list[Json]:
    """Where to read on: buttons, since an address in one can hold no markup."""
    alerts = content["alerts"]
    runbook = content["annotations"].get("runbook_url") or next(
        (url for alert in alerts if (url := alert["annotations"].get("runbook_url"))), ""
    )
    source = alerts[0]["url"] if len(alerts) == 1 and not content["more"] else ""
    links = (
        (Text("处置手册", "Runbook"), runbook),
        (Text("查看图表", "Graph"), source),
        (Text("Alertmanager", "Alertmanager"), content["external_url"]),
    )
    return [button(words, style="text", url=url) for words, url in links if _is_web(url)]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        return False


def _moment(stored: str) -> str:
    """A stored time in the portal's time zone; empty for one that nobody has set, which Go writes as the year 1."""
    if not stored:
        return ""
    moment = datetime.fromisoformat(stored)
    return _local(moment) if moment.year > 1970 else ""


def _local(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%m-%d %H:%M}"
