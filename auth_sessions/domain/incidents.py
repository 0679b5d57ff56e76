"""Apps whose users' tokens are not refreshed, as incidents: it takes a person to have the platform accept them again."""

from collections.abc import Iterator
from typing import Final

from django.utils.translation import gettext_lazy as _

from auth_sessions.models import RefreshGate
from bots.incidents.causes import Cause, Details
from bots.incidents.detectors import DetectedProblem, Detector, register
from bots.models import Bot
from feishu.codes import explain

REFRESH: Final = Cause(
    name="refresh",
    label=_("Tokens not refreshed"),
    headline=_("The platform refuses %(subject)s: its users' tokens are not refreshed"),
    explain=lambda details: explain(details.code, details.reason),
)


def refused_apps() -> Iterator[DetectedProblem]:
    """Apps that the platform refuses, so that their refreshing is paused."""
    paused = RefreshGate.objects.filter(paused_at__isnull=False, bot__in=Bot.objects.enabled())
    for gate in paused.select_related("bot"):
        if gate.paused_at is not None:
            yield DetectedProblem(
                gate.bot, REFRESH, gate.paused_at, Details(code=gate.code, reason=gate.reason)
            )


register(
    Detector(
        causes=(REFRESH,),
        find=refused_apps,
        monitored=lambda: Bot.objects.enabled().values_list("pk", flat=True),
    )
)
