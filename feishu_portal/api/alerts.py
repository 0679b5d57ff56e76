"""The webhook for Alertmanager."""

from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Final, Literal, TypeAlias
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, Router, Schema
from pydantic import AfterValidator

from core.access.models import ApiClient
from core.access.scopes import Scope
from core.background.limits import ConcurrencyLimits
from core.log_context import add_to_log
from core.vault.keyring import SealedValueError
from feishu.errors import FeishuError, RateLimited
from feishu_portal.alerts import groups
from feishu_portal.alerts.card_sync import CARDS
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from feishu_portal.alerts.notifications import Alert, Notification
from feishu_portal.alerts.notify import notify_card
from feishu_portal.api.keys import caller
from feishu_portal.api.platform_errors import upstream_problem
from feishu_portal.api.problems import Problem, not_found, overloaded, secret_sealed

router = Router()

MAX_SENDING: Final = 64  # requests in one process; each holds a thread until the platform answers
CALL_SECONDS: Final = 5.0
"""For each call to the platform within the request; the worker that tries again has longer."""

EARLIEST: Final = datetime(1, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(9999, 12, 30, tzinfo=UTC)
LIMITED: Final = "The platform takes no more messages for the chat right now."

_limits = ConcurrencyLimits()


def _in_utc(moment: datetime) -> datetime:
    """In the years that every time zone has, also where the sender names none: Alertmanager names UTC."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment, EARLIEST), LATEST).astimezone(UTC)


Moment: TypeAlias = Annotated[datetime, AfterValidator(_in_utc)]


class AlertIn(Schema):
    status: Literal["firing", "resolved"]
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    startsAt: Moment  # noqa: N815 -- Alertmanager's name
    endsAt: Moment  # noqa: N815 -- see above
    generatorURL: str = ""  # noqa: N815 -- see above
    fingerprint: str = ""


class AlertmanagerMessage(Schema):
    """The message of Alertmanager's webhook, version "4", or of Grafana's, which is the same and says "1"; further members are
    ignored."""

    version: Literal["4", "1"] = "4"
    groupKey: Annotated[str, Field(min_length=1)]  # noqa: N815 -- see above
    status: Literal["firing", "resolved"]
    groupLabels: dict[str, str] = {}  # noqa: N815 -- see above
    commonLabels: dict[str, str] = {}  # noqa: N815 -- see above
    commonAnnotations: dict[str, str] = {}  # noqa: N815 -- see above
    alerts: list[AlertIn]
    truncatedAlerts: Annotated[int, Field(ge=0, lt=2**31)] = 0  # noqa: N815 -- see above
    externalURL: str = ""  # noqa: N815 -- see above

    def read(self) -> Notification:
        return Notification(
            group_key=self.groupKey,
            is_firing=self.status == "firing",
            group_labels=self.groupLabels,
            common_labels=self.commonLabels,
            common_annotations=self.commonAnnotations,
            alerts=[
                Alert(
                    fingerprint=alert.fingerprint,
                    is_firing=alert.status == "firing",
                    labels=alert.labels,
                    annotations=alert.annotations,
                    starts_at=alert.startsAt,
                    ends_at=alert.endsAt,
                    generator_url=alert.generatorURL,
                )
                for alert in self.alerts
            ],
            truncated=self.truncatedAlerts,
            external_url=self.externalURL,
        )


class AlertsTakenOut(Schema):
    """``card``: ``shown`` as it is now; ``pending`` where somebody else is about to show it; ``none`` where there is nothing to
    show, because what is over was never shown."""

    card: Literal["shown", "pending", "none"]


@router.post("/alertmanager/{receiver_id}", response=AlertsTakenOut, summary="Take alerts of Alertmanager")
def take_alerts(request: HttpRequest, receiver_id: UUID, data: AlertmanagerMessage) -> AlertsTakenOut:
    """For ``webhook_configs`` of Alertmanager, the key in ``http_config.authorization``. One card for each group, in the chat of
    the receiver, changed in place; a group that fires again gets a new one. Taking a message twice changes nothing. An error of
    the platform is told as such, for Alertmanager to try again and to count; the portal tries again as well."""
    client = caller(request, Scope.ALERTS_SEND)
    receiver = _own(client, receiver_id)
    if not receiver.bot.enabled:
        raise Problem(409, "bot_disabled", "The bot is disabled.")
    group = groups.take(data.read(), receiver=receiver)
    if group is None:
        return AlertsTakenOut(card="none")
    if _is_old(group):
        _show(client, group)
    return AlertsTakenOut(card="pending" if _is_old(group) else "shown")


def _show(client: ApiClient, group: AlertGroup) -> None:
    """Show the card before the answer, so that an alert of workers that do not work needs none."""
    full = overloaded("Too many cards are being sent at once; a worker sends this one.")
    try:
        with _limits.fair_place(client.pk, limit=MAX_SENDING, full=full):
            CARDS.sync(group.pk, timeout=CALL_SECONDS)
    except Problem:
        notify_card(group.pk)
        raise
    except SealedValueError:
        raise secret_sealed() from None
    except RateLimited as error:
        # Not 429, after which Alertmanager would not try again soon.
        retry = {"Retry-After": str(max(1, ceil(error.reset_after)))}
        raise Problem(503, "overloaded", LIMITED, sent="no", headers=retry) from error
    except FeishuError as error:
        raise upstream_problem(error) from error


def _is_old(group: AlertGroup) -> bool:
    return AlertGroup.objects.card_out_of_date().filter(pk=group.pk).exists()


def _own(client: ApiClient, receiver_id: UUID) -> AlertReceiver:
    """The receiver, if the key may use its bot; the same 404 otherwise."""
    rows = AlertReceiver.objects.filter(pk=receiver_id, bot__deleted_at=None)
    receiver = rows.select_related("bot").first()
    if receiver is None or not client.may_use(receiver.bot_id):
        raise not_found("alert receiver")
    add_to_log(app_id=receiver.bot.app_id, client=client.name, alert_receiver=str(receiver.pk))
    return receiver
