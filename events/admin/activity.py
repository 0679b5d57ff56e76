"""What the list of bots shows of their events: a day in small bars, and when the last message came."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from bots.admin.activity import Activity, show_activity
from bots.models import Bot
from core.console.rendering import ago
from events.log.history import hourly
from events.models import Event
from feishu.envelope import MESSAGE_RECEIVED

HEIGHT = 24
STEP = 4
WIDTH = 3


@show_activity
def activity(bots: Sequence[Bot]) -> Mapping[UUID, Activity]:
    """In two queries for all of them."""
    pks = [bot.pk for bot in bots]
    days = hourly(pks)
    latest = Event.objects.filter(bot=OuterRef("pk"), event_type=MESSAGE_RECEIVED).order_by("-pk")
    messages = dict(
        Bot.objects.filter(pk__in=pks)
        .annotate(last_message_at=Subquery(latest.values("received_at")[:1]))
        .values_list("pk", "last_message_at")
    )
    return {pk: Activity(sparkline(days[pk]), ago(messages.get(pk))) for pk in pks}


def sparkline(numbers: Sequence[int]) -> SafeString:
    """Events by the hour in small bars, the sum beside them; words where there are none."""
    total, most = sum(numbers), max(numbers, default=0)
    if not total:
        return format_html('<span class="portal-subtle">{}</span>', gettext("None"))
    heights = [max(1, round(HEIGHT * number / most)) if number else 0 for number in numbers]
    # One path for all bars: an element for each would cost a list a twentieth of its time.
    bars = "".join(
        f"M{STEP * place} {HEIGHT}v-{height}h{WIDTH}v{height}z"
        for place, height in enumerate(heights)
        if height
    )
    words = ngettext("%(count)s event in the past 24 hours", "%(count)s events in the past 24 hours", total)
    return format_html(
        '<span class="figures-spark" title="{0}"><svg viewBox="0 0 {1} {2}" width="{1}" height="{2}" role="img" '
        'aria-label="{0}"><path d="{3}"/></svg><span aria-hidden="true">{4}</span></span>',
        words % {"count": f"{total:,}"},
        STEP * len(numbers),
        HEIGHT,
        bars,
        f"{total:,}",
    )
