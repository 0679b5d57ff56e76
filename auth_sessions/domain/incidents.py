"""Apps whose users' tokens are not refreshed, as incidents: it takes a person to have the platform accept them again."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from auth_sessions.models import RefreshGate
from bots.enums import IncidentCause
from bots.incidents.detection import Trouble, Watch, register
from bots.models import Bot


def refused_apps() -> Iterator[Trouble]:
    """Apps that the platform refuses, so that their refreshing is paused."""
    paused = RefreshGate.objects.filter(paused_at__isnull=False, bot__in=Bot.objects.enabled())
    for gate in paused.select_related("bot"):
        if gate.paused_at is not None:
            yield Trouble(gate.bot, IncidentCause.REFRESH, gate.paused_at, code=gate.code)


def _enabled() -> Iterable[UUID]:
    return Bot.objects.enabled().values_list("pk", flat=True)


register(
    Watch(causes=frozenset({IncidentCause.REFRESH}), troubles=refused_apps, concerned=_enabled),
)
