"""The card of a notice: what happened to what, since when, where it is repaired, and who takes care. From rows to card JSON."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Final

from django.conf import settings
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from bots.incidents.causes import cause_named
from bots.incidents.repairs import problem_of
from bots.incidents.silences import silences_of
from bots.models import Incident, NoticeCard, ProblemSilence
from core.access.actors import Actor
from core.console.sentences import cause_and_cure
from feishu.cards import Json, Template, button, card, escape, header, in_a_row, markdown, single_line
from feishu.text import Text

TAKE_ACTION: Final = "incidents.take"
SILENCE_ACTION: Final = "incidents.silence"
END_SILENCE_ACTION: Final = "incidents.end_silence"
CHECK_ACTION: Final = "incidents.check"

MAX_SHOWN: Final = 4
"""Incidents with all that is known of them and their buttons; a card has 30 KB for three copies of everything it says."""
MAX_LISTED: Final = 10
"""Of the others, by their first line."""
MAX_LINE: Final = 120  # characters
MAX_ADVICE: Final = 500


class Stage(Enum):
    """How an incident stands, as its card shows it."""

    OPEN = "open"
    TAKEN = "taken"
    SILENCED = "silenced"
    RECOVERED = "recovered"
    ENDED = "ended"
    """What it was about is not watched any more: nobody knows whether it is over."""


_COLOURS: Final[Mapping[Stage, Template]] = {
    Stage.TAKEN: "turquoise",
    Stage.SILENCED: "grey",
    Stage.RECOVERED: "green",
    Stage.ENDED: "grey",
}
_BEFORE: Final[Mapping[Stage, Text]] = {
    Stage.TAKEN: Text("处理中：", "Being handled: "),
    Stage.SILENCED: Text("已静默：", "Silenced: "),
    Stage.ENDED: Text("不再检查：", "No longer watched: "),
}


def incidents_on(card: NoticeCard) -> list[Incident]:
    """What a card shows, in its order."""
    incidents = Incident.objects.filter(notices__card=card)
    return list(incidents.select_related("bot", "assignee").order_by("pk"))


def notice_card(incidents: Sequence[Incident]) -> Json:
    """The card for these incidents as they are now, with less of each where it would be larger than the platform takes."""
    for most in (MAX_SHOWN, 1):
        try:
            return _card(incidents, most)
        except ValueError:  # long names, in both languages
            continue
    return _card(incidents, 0)


def _card(incidents: Sequence[Incident], most: int) -> Json:
    """``most``: incidents with all that is known of them. Raises ValueError where it is too large."""
    silenced = silences_of(incidents)
    stages = {one.pk: _stage(one, silenced.get(one.pk)) for one in incidents}
    title = _title(incidents, stages)
    elements: list[Json] = []
    for incident in incidents[:most]:
        if elements:
            elements.append({"tag": "hr"})
        if len(incidents) > 1:
            line = _line(incident, stages[incident.pk])
            elements.append(markdown(Text(f"**{escape(line.zh_cn)}**", f"**{escape(line.en_us)}**")))
        elements += _section(incident, stages[incident.pk], silenced.get(incident.pk))
    if others := incidents[most:]:
        elements += [{"tag": "hr"}, markdown(_list_of(others, stages))]
    colour = _colour(incidents, stages)
    return card(header=header(title, template=colour), elements=elements, summary=title)


def _stage(incident: Incident, silence: ProblemSilence | None) -> Stage:
    if incident.closed_at is not None:
        return Stage.RECOVERED if incident.recovered_at else Stage.ENDED
    if silence is not None:
        return Stage.SILENCED
    return Stage.TAKEN if incident.assignee_id else Stage.OPEN


def _title(incidents: Sequence[Incident], stages: Mapping[int, Stage]) -> Text:
    if len(incidents) == 1:
        return _line(incidents[0], stages[incidents[0].pk])
    count = sum(incident.closed_at is None for incident in incidents)
    if not count:
        return _both(lambda: gettext("All recovered"))
    return _both(
        lambda: (
            ngettext("%(count)d incident needs you", "%(count)d incidents need you", count) % {"count": count}
        )
    )


def _line(incident: Incident, stage: Stage) -> Text:
    """What happened to what, and how it stands."""
    if stage is Stage.RECOVERED:
        said = _both(lambda: gettext("%(subject)s has recovered") % {"subject": incident.affected_name})
        before = Text("", "")
    else:
        said = _both(lambda: incident.headline)
        before = _BEFORE.get(stage) or _severity(incident)
    return Text(
        Truncator(single_line(before.zh_cn + said.zh_cn)).chars(MAX_LINE),
        Truncator(single_line(before.en_us + said.en_us)).chars(MAX_LINE),
    )


def _severity(incident: Incident) -> Text:
    is_severe = cause_named(incident.cause).is_severe
    return Text("严重：", "Severe: ") if is_severe else Text("提醒：", "Warning: ")


def _colour(incidents: Sequence[Incident], stages: Mapping[int, Stage]) -> Template:
    """Of the incident that needs somebody most."""
    for stage in Stage:
        concerned = [incident for incident in incidents if stages[incident.pk] is stage]
        if concerned and stage is Stage.OPEN:
            return "red" if any(cause_named(one.cause).is_severe for one in concerned) else "orange"
        if concerned:
            return _COLOURS[stage]
    return "grey"


def _section(incident: Incident, stage: Stage, silence: ProblemSilence | None) -> list[Json]:
    elements = [markdown(_facts(incident))]
    if stage in {Stage.OPEN, Stage.TAKEN, Stage.SILENCED}:
        advice = _both(lambda: Truncator(cause_and_cure(incident.explanation)).chars(MAX_ADVICE))
        elements.append(markdown(Text(escape(advice.zh_cn), escape(advice.en_us))))
    if incident.assignee is not None:
        who = escape(incident.assignee.get_username())
        elements.append(markdown(Text(f"由 **{who}** 处理", f"**{who}** takes care of it.")))
    if silence is not None:
        until, by = _moment(silence.until), escape(Actor.read(silence.by).name)
        elements.append(markdown(Text(f"{by} 已静默至 {until}", f"Silenced by {by} until {until}")))
    if incident.closed_at is None:
        elements.append(in_a_row(_buttons(incident, is_silenced=silence is not None)))
    return elements


def _facts(incident: Incident) -> Text:
    """The bot, the platform's code, and from when to when."""
    zh: list[str] = []
    en: list[str] = []
    if incident.bot is not None:
        name, app_id = escape(incident.bot.name), escape(incident.bot.app_id)
        zh.append(f"机器人：{name}（{app_id}）")
        en.append(f"Bot: {name} ({app_id})")
    if incident.code is not None:
        zh.append(f"错误码：{incident.code}")
        en.append(f"Error code: {incident.code}")
    began = _moment(incident.began_at)
    if incident.closed_at is None:
        zh.append(f"始于 {began}")
        en.append(f"since {began}")
    else:
        # Of one that is known to be over: when the problem went away, not when that was certain.
        ended = _moment(incident.recovered_at or incident.closed_at)
        zh.append(f"{began} – {ended}")
        en.append(f"{began} – {ended}")
    return Text(" · ".join(zh), " · ".join(en))


def _buttons(incident: Incident, *, is_silenced: bool) -> list[Json]:
    buttons: list[Json] = []
    if settings.PUBLIC_URL:
        repair = problem_of(incident).repair
        words = _both(lambda: str(repair.words))
        buttons.append(button(words, style="primary", url=settings.PUBLIC_URL + repair.link))
    taking = Text("接手", "Take over") if incident.assignee_id else Text("我来处理", "Take it")
    silencing = (
        (END_SILENCE_ACTION, Text("结束静默", "End silence"))
        if is_silenced
        else (SILENCE_ACTION, Text("静默一天", "Silence for a day"))
    )
    actions = [(TAKE_ACTION, taking), silencing]
    if incident.bot_id is not None:
        actions.append((CHECK_ACTION, Text("重新检测", "Check again")))
    for action, words in actions:
        value = {"action": action, "incident": incident.pk}
        buttons.append(button(words, name=f"{action.rpartition('.')[2]}_{incident.pk}", value=value))
    return buttons


def _list_of(incidents: Sequence[Incident], stages: Mapping[int, Stage]) -> Text:
    """Those that there is no room for, a line each."""
    lines = [_line(incident, stages[incident.pk]) for incident in incidents[:MAX_LISTED]]
    zh, en = [escape(line.zh_cn) for line in lines], [escape(line.en_us) for line in lines]
    if hidden := len(incidents) - len(lines):
        zh.append(f"……以及另外 {hidden} 条")
        en.append(f"… and {hidden} more")
    return Text("\n".join(zh), "\n".join(en))


def _both(say: Callable[[], str]) -> Text:
    """What the console says, in both languages of a card."""
    with translation.override("zh-hans"):
        zh = say()
    with translation.override("en"):
        return Text(zh, say())


def _moment(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%m-%d %H:%M}"
