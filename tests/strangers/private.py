"""One bot with everything that can belong to one, under names that stand nowhere else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.apps import apps
from django.db.models import CharField, JSONField, Model, TextField
from django.utils import timezone

from auth_sessions.enums import SessionState
from auth_sessions.models import AgentAccess, AgentRegistration, ConnectedAgent
from bots.enums import Channel, CheckResult, GroupPolicy
from bots.models import Bot, FleetProcess, GroupException, Notice, Person, PersonPicture, StoredFinding
from bots.people.directory import remember
from core.access.actors import SYSTEM, Actor
from core.access.api_keys import add_api_client
from core.access.audit import record
from core.access.models import AuditEntry, TotpDevice, User
from core.access.scopes import Scope
from events.enums import DeliveryStatus, OptionalWork, SubscriptionKind
from events.models import Delivery, DeliveryAttempt, HandledBot, HandlerSwitch, ReplayJob, ShedCount
from feishu.people import Profile
from feishu_portal.alerts.notifications import Alert, Notification
from feishu_portal.greetings.enums import Occasion
from feishu_portal.greetings.models import Greeting
from tests.console.rows import make_event, make_rows
from tests.factories import make_bot, make_card_template, make_operator, make_subscription, message_event

WORD = "zulu"
"""Stands in every text of the private bot, and in no text of the portal's own."""
UNCOMPARED = {
    "access.OperatorSession",
    "contenttypes.ContentType",
    "auth.Permission",
    "access.PasskeyChallenge",  # of the own browser
    "bots.RefusedPush",  # counts what strangers send to a webhook
}
USED = {"last_used_at", "last_login"}
"""Columns that a refused request may write."""
ZULU_ALERT = Notification(
    group_key="zulu",
    is_firing=True,
    group_labels={"alertname": "Zulu alert"},
    common_labels={"alertname": "Zulu alert"},
    common_annotations={},
    alerts=[
        Alert(
            fingerprint="zulu",
            is_firing=True,
            labels={"alertname": "Zulu alert"},
            annotations={},
            starts_at=datetime(2026, 1, 1, tzinfo=UTC),
            ends_at=datetime(2026, 1, 2, tzinfo=UTC),
        )
    ],
)
OWN_DEEDS = ("operator.signed_out", "operator.second_factor_failed", "audit.exported")
"""What strangers may do, and the audit log says."""


@dataclass(frozen=True)
class Private:
    """The bot, the rows by model, and every text and key of theirs that nobody else may read."""

    bot: Bot
    rows: dict[str, Model]
    telling: frozenset[str]
    scopeless_key: str

    def key_of(self, label: str) -> str:
        """The primary key of the row of a model, e.g. "bots.Bot"."""
        return str(self.rows[label].pk)


@dataclass(frozen=True)
class Strangers:
    """Another bot; the operator who owns it; a client of it, with every scope; a person who may sign
    in, but not to the console."""

    bot: Bot
    operator: User
    client_key: str
    guest: User


def make_private() -> Private:
    rows = make_rows(name="Zulu secret project", auth_scopes=["zulu:scope:read"])
    bot = rows.bot
    owner = make_operator("zulu-owner")
    bot.owners.add(owner)
    for row in (rows.slot, rows.loss, rows.incident):
        name = "error_message" if row is rows.slot else "message"
        _change(row, **{name: f"zulu {row._meta.model_name} message"})
    Notice.objects.create(
        incident=rows.incident, user=owner, channel=Channel.EMAIL, error="zulu notice error"
    )
    payload = message_event(
        text="zulu-confidential",
        open_id="ou_zulu_sender",
        chat_id="oc_zulu",
        message_id="om_zulu",
        event_id="zulu-event",
    )
    _change(
        rows.event, payload=json.dumps(payload).encode(), event_id="zulu-event", trace_id="zulu-trace",
        error="zulu event error", dedupe_key="message:om_zulu", event_type="zulu.secret.type_v1",
    )  # fmt: skip
    rows.event.handler_runs.update(handler="zulu.handlers.order", error="zulu traceback")
    _change(rows.stream, target="ou_zulu_target", log_id="zulu-stream-log", actor="api:zulu-crm")
    _change(rows.sending, target="ou_zulu_target", log_id="zulu-sending-log", actor="api:zulu-crm")
    _change(
        rows.session, open_id="ou_zulu", why="zulu purpose", error_log_id="zulu-session-log", message_id="om_zulu_card",
        scopes=["zulu:scope:read"], requested_by="operator:zulu-owner", return_url="https://zulu.example.com/back",
        state=SessionState.OPENED, reason="", error_code=None,
    )  # fmt: skip
    _change(
        rows.token, open_id="ou_zulu", email="zulu@example.com", union_id="on_zulu", user_id="zulu_id",
        scopes=["zulu:scope:read"],
    )  # fmt: skip
    _change(
        rows.recipient.mailing,
        content={"text": "zulu-confidential"},
        said="zulu batch error",
        log_id="zulu-batch-log",
    )
    _change(
        rows.recipient,
        given="zulu@example.com",
        target="ou_zulu",
        said="zulu recipient error",
        message_id="om_zulu_batch",
    )
    _change(rows.member.mailing, name="Zulu campaign", why="zulu purpose", scopes=["zulu:scope:read"])
    _change(
        rows.member,
        given="zulu@example.com",
        target="ou_zulu",
        said="zulu member error",
        log_id="zulu-member-log",
    )
    remember(bot, [Profile("ou_zulu", "on_zulu", "Zulu Person", "Zulu English", "zulu@example.com")])
    picture = PersonPicture.objects.create(
        person=Person.objects.get(bot=bot, open_id="ou_zulu"),
        url="https://zulu.example.com/72",
        digest="ab" * 32,
    )
    rows.token.refresh_attempts.update(log_id="zulu-refresh-log", said="zulu refresh answer")
    _change(
        rows.use,
        open_id="ou_zulu",
        path="/open-apis/zulu/v1/things",
        log_id="zulu-use-log",
        caller="zulu-crm",
    )
    _change(
        rows.alert_group,
        title="Zulu alert",
        content=ZULU_ALERT.content,
        card_shows=1,
        message_id="om_zulu_alert",
        card_error="zulu card error",
    )
    _change(
        rows.alert_group.receiver,
        name="Zulu duty",
        chat_id="oc_zulu",
        alertmanager_url="http://zulu.example.com:9093",
    )
    _change(
        rows.approval, open_id="ou_zulu", caller="zulu-caller", rule="ask POST /open-apis/zulu/**", path="/open-apis/zulu/v1/call",
        resources=["zulu_id=oc_zulu"], message_id="om_zulu_approval", card_error="zulu approval error", log_id="zulu-approval-log",
    )  # fmt: skip
    StoredFinding.objects.create(
        bot=bot, check_name="redirect_url", result=CheckResult.WRONG, cause_zh="zulu finding 原因", cause_en="zulu finding",
        cure_zh="zulu cure 处理", cure_en="zulu cure", value="zulu value", since=timezone.now(), looked_at=timezone.now(),
    )  # fmt: skip
    HandlerSwitch.objects.create(bot=bot, handler="zulu.handlers.order", is_on=False)
    subscription = make_subscription(
        bot, name="Zulu shop", owner=owner, kind=SubscriptionKind.PULL, event_types=["zulu.secret.type_v1"]
    )
    GroupException.objects.create(
        bot=bot,
        chat_id="oc_zulu",
        name="Zulu group",
        policy=GroupPolicy.NEVER,
        changed_by="operator:zulu-owner",
    )
    template = make_card_template(bot, name="zulu-card", description="Zulu card")
    greeting = Greeting.objects.create(
        bot=bot, occasion=Occasion.MENU, menu_key="zulu_key", text="Zulu greeting"
    )
    delivery = Delivery.objects.create(
        event=rows.event,
        bot=bot,
        subscription=subscription,
        status=DeliveryStatus.PENDING,
        error="zulu delivery error",
    )
    DeliveryAttempt.objects.create(
        delivery=delivery, number=1, started_at=timezone.now(), finished_at=timezone.now(), outcome="failed",
        error="zulu attempt error", response="zulu answer",
    )  # fmt: skip
    replay = ReplayJob.objects.create(
        requested_by="operator:zulu-owner", operator=owner, rate=5, last=9, criteria={"text": "zulu search"},
        error="zulu replay error",
    )  # fmt: skip
    entry = record(
        actor=Actor.operator(owner),
        action="bot.updated",
        bot=bot,
        target="Zulu audit target",
        note="zulu detail",
    )
    client, _key = add_api_client(name="zulu-crm", scopes=[*Scope], bots=[bot], expires_at=None, actor=SYSTEM)
    _scopeless, scopeless_key = add_api_client(
        name="zulu-idle", scopes=[], bots=[bot], expires_at=None, actor=SYSTEM
    )
    registration = AgentRegistration.objects.create(
        name="Zulu agent", redirect_uris=["https://zulu.example.com/agent"]
    )
    agent = ConnectedAgent.objects.create(
        registration=registration, name="Zulu agent", redirect_host="zulu.example.com", bot=bot, open_id="ou_zulu",
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    access = AgentAccess.objects.create(enabled=True, bot=bot, client=client)
    # Of the whole portal: what it shows names no bot.
    shed = ShedCount.objects.create(hour=timezone.now(), work=OptionalWork.LIVE, count=7)
    process = FleetProcess.objects.create(name="zulu-host:1", host="zulu-host", seen_at=timezone.now())
    app = TotpDevice.objects.create(
        user=owner, name="Zulu phone", secret="JBSWY3DPEHPK3PXP", confirmed_at=timezone.now()
    )
    made: list[Model] = [
        bot, rows.slot, rows.loss, rows.incident, rows.event, rows.session, rows.token, rows.use, rows.sending, rows.stream,
        rows.alert_group, rows.alert_group.receiver, template, greeting, rows.approval,
        agent, access, app, subscription, replay, entry, client, owner, shed, process, HandledBot.objects.get(pk=bot.pk),
        rows.member.mailing, rows.member, rows.recipient.mailing, rows.recipient, picture,
        picture.person,
    ]  # fmt: skip
    return Private(
        bot=bot,
        rows={row._meta.label: row for row in made},
        telling=frozenset({bot.app_id, "the-app-secret", *_telling_texts(), *_keys(made)}),
        scopeless_key=scopeless_key,
    )


def make_strangers() -> Strangers:
    operator = make_operator("stranger")
    bot = make_bot(name="Somebody else's")
    bot.owners.add(operator)
    make_event(bot)
    _client, key = add_api_client(name="theirs", scopes=[*Scope], bots=[bot], expires_at=None, actor=SYSTEM)
    return Strangers(bot, operator, key, User.objects.create_user("guest", password=None))


def contents() -> dict[str, dict[Any, tuple[Any, ...]]]:
    """Every row of every table, for comparison."""
    return {
        model._meta.label: {
            row[0]: row
            for row in cast("Any", model)._base_manager.values_list(
                "pk", *(field.attname for field in model._meta.concrete_fields if field.name not in USED)
            )
        }
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label not in UNCOMPARED and not model._meta.proxy
    } | {
        "access.AuditEntry": {
            entry.pk: (entry.pk, str(entry), entry.detail)
            for entry in AuditEntry.objects.exclude(action__in=OWN_DEEDS)
        },
        # Everybody may begin one of their own.
        "access.TotpDevice": {
            device.pk: (device.user_id, device.last_step)
            for device in TotpDevice.objects.filter(confirmed_at__isnull=False)
        },
    }


def _change(row: Model, **values: Any) -> None:
    type(row)._base_manager.filter(pk=row.pk).update(**values)
    row.refresh_from_db()


def _keys(rows: list[Model]) -> Iterator[str]:
    """Keys that cannot stand in a page by accident; a number can."""
    yield from (str(row.pk) for row in rows if isinstance(row.pk, UUID))


def _telling_texts() -> Iterator[str]:
    for model in apps.get_models():
        names = [
            field.attname
            for field in model._meta.concrete_fields
            if isinstance(field, CharField | TextField | JSONField)
        ]
        for values in cast("Any", model)._base_manager.values_list(*names) if names else ():
            for value in values:
                yield from (text for text in _texts(value) if WORD in text.casefold())
    yield "zulu-confidential"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
