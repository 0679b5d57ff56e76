"""Making a copy of a database the installation's own: what has to happen to what it holds before anything acts on it.

Every step can be repeated. The database counts as the installation's own after the last one, so that an adoption that was
interrupted leaves a portal that is still passive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from django.db import transaction

from auth_sessions.domain import restored as grants
from auth_sessions.models import AuthSession, UserToken
from bots.connections.leases import release_all
from bots.incidents.notices import drop_all_notices
from bots.models import Bot, FleetProcess
from core.access import audit
from core.access.actors import Actor
from core.access.models import ApiClient, OperatorSession
from core.installation import state
from core.installation.watch import watch
from events.enums import ACTIVE_RUNS, OPEN_DELIVERIES, SENDING, SubscriptionState
from events.log import restored as work
from events.models import Delivery, HandlerRun, Subscription
from feishu_portal.alerts.groups import drop_unshown
from feishu_portal.approvals.ending import drop_open


class Adoption(Enum):
    """What became of the original."""

    RESTORED = "restored"
    """It is gone, and did things that the database does not know."""
    MOVED = "moved"
    """It is gone, and did nothing since the copy was made: the database was moved."""
    COPY = "copy"
    """It goes on. The copy becomes an installation of its own, with nothing of the original's that it could spend."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the database would act on if it were active; counts."""

    bots: int
    grants: int
    sessions: int
    runs: int
    deliveries: int
    clients: int

    @classmethod
    def taken(cls) -> "Inventory":
        return cls(
            bots=Bot.objects.enabled().count(),
            grants=UserToken.objects.refreshable().count(),
            sessions=AuthSession.objects.open().count(),
            runs=HandlerRun.objects.filter(status__in=ACTIVE_RUNS).count(),
            deliveries=Delivery.objects.filter(status__in=OPEN_DELIVERIES).count(),
            clients=ApiClient.objects.usable().count(),
        )


Step = tuple[str, Callable[[], int]]

_LEASES: Final[tuple[Step, ...]] = (
    ("connections released", release_all),
    ("processes forgotten", lambda: FleetProcess.objects.all().delete()[0]),
)
_UNSENT: Final[tuple[Step, ...]] = (
    ("authorization sessions ended", grants.end_open_sessions),
    ("reminders skipped", grants.skip_reminders),
    ("notices dropped", drop_all_notices),
    ("alert cards left as they are", drop_unshown),
    ("approvals ended", drop_open),
    ("replays cancelled", work.cancel_replays),
    ("sign-ins ended", lambda: OperatorSession.objects.all().delete()[0]),
)
_WORK: Final[tuple[Step, ...]] = (
    ("handler runs set aside", work.set_runs_aside),
    ("deliveries set aside", work.set_deliveries_aside),
)
_DOUBT: Final[tuple[Step, ...]] = (("grants to be probed", grants.put_grants_in_doubt),)
_DETACHED: Final[tuple[Step, ...]] = (
    ("grants destroyed", grants.destroy_grants),
    ("bots disabled", lambda: Bot.objects.enabled().update(enabled=False)),
    ("API clients disabled", lambda: ApiClient.objects.filter(enabled=True).update(enabled=False)),
    (
        "subscriptions paused",
        lambda: Subscription.objects.filter(state__in=SENDING).update(state=SubscriptionState.PAUSED),
    ),
)


def adopt(kind: Adoption, *, keep_work: bool, actor: Actor) -> Mapping[str, int]:
    """Adopt the database; returns what was done, with counts. ``keep_work``: handler runs and deliveries that wait go on."""
    done = {name: step() for name, step in _steps(kind, keep_work=keep_work)}
    with transaction.atomic():
        installation = state.adopt()
        counts: dict[str, Any] = {name.replace(" ", "_"): count for name, count in done.items()}
        audit.record(
            actor=actor, action="installation.adopted", target=installation, kind=kind.value, **counts
        )
    watch.forget()
    return done


def _steps(kind: Adoption, *, keep_work: bool) -> tuple[Step, ...]:
    if kind == Adoption.MOVED:
        return _LEASES
    steps = (*_LEASES, *_UNSENT, *(() if keep_work else _WORK))
    return (*steps, *(_DETACHED if kind == Adoption.COPY else _DOUBT))
