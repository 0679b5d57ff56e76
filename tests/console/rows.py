"""One bot and one row of everything that belongs to it, with a secret in every place that can hold one."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from auth_sessions.enums import FailureReason, SessionState
from auth_sessions.models import (
    AgentRegistration,
    AuthSession,
    Campaign,
    CampaignMember,
    ConnectedAgent,
    RefreshAttempt,
    TokenUse,
    UserToken,
)
from bots.enums import (
    LossReason,
    MailingState,
    RecipientKind,
    RecipientState,
    SendingKind,
    SendingState,
    SlotState,
    StreamState,
)
from bots.models import (
    BatchRecipient,
    Bot,
    ConnectionLoss,
    ConnectionSlot,
    Incident,
    MessageBatch,
    ReplyStream,
    Sending,
)
from core.access.models import User
from events.enums import EventStatus, RunStatus
from events.models import Event, HandlerRun
from feishu_portal.alerts.models import AlertGroup, AlertReceiver
from feishu_portal.approvals.models import CallApproval, StoredCall
from tests.factories import make_bot, make_grant, message_event

SECRETS = (
    "the-app-secret", "the-encrypt-key", "the-verification-token", "the-access-token", "the-refresh-token",
    "the-start-token", "the-code-verifier", "verification-token", "the-card-token", "the-proxy-password", "proxy-user", "the-next-key", "the-next-token", "the-approved-call",
)  # fmt: skip
PAGES = {
    "bots_bot": Bot,
    "bots_connectionslot": ConnectionSlot,
    "bots_connectionloss": ConnectionLoss,
    "bots_incident": Incident,
    "bots_sending": Sending,
    "bots_messagebatch": MessageBatch,
    "bots_batchrecipient": BatchRecipient,
    "bots_replystream": ReplyStream,
    "events_event": Event,
    "auth_sessions_authsession": AuthSession,
    "auth_sessions_usertoken": UserToken,
    "auth_sessions_campaign": Campaign,
    "auth_sessions_campaignmember": CampaignMember,
    "auth_sessions_tokenuse": TokenUse,
    "auth_sessions_connectedagent": ConnectedAgent,
    "alerts_alertgroup": AlertGroup,
    "alerts_alertreceiver": AlertReceiver,
    "approvals_callapproval": CallApproval,
}


@dataclass
class Rows:
    bot: Bot
    slot: ConnectionSlot
    loss: ConnectionLoss
    incident: Incident
    event: Event
    session: AuthSession
    token: UserToken
    use: TokenUse
    agent: ConnectedAgent
    sending: Sending
    member: CampaignMember
    recipient: BatchRecipient
    stream: ReplyStream
    alert_group: AlertGroup
    approval: CallApproval

    def of(self, page: str) -> Any:
        rows = (
            self.bot,
            self.slot,
            self.loss,
            self.incident,
            self.event,
            self.session,
            self.token,
            self.use,
            self.agent,
            self.sending,
            self.member,
            self.member.mailing,
            self.recipient,
            self.recipient.mailing,
            self.stream,
            self.alert_group,
            self.alert_group.receiver,
            self.approval,
        )
        by_model = {type(row): row for row in rows}
        return by_model[PAGES[page]]


def make_rows(**bot: Any) -> Rows:
    now = timezone.now()
    made = make_bot(
        **(
            {
                "app_secret": "the-app-secret",
                "encrypt_key": "the-encrypt-key",
                "verification_token": "the-verification-token",
                "proxy_url": "http://proxy-user:the-proxy-password@127.0.0.1:9",
            }
            | bot
        )
    )
    made.slots.update(
        state=SlotState.ERROR, error_code=10014, error_message="app secret invalid", error_at=now
    )
    token = make_token(made)
    session = make_session(made)
    return Rows(
        bot=made,
        slot=made.slots.get(),
        loss=ConnectionLoss.objects.create(
            bot=made,
            number=1,
            node="a",
            at=now,
            reason=LossReason.REFUSED,
            code=10014,
            message="app secret invalid",
        ),
        incident=Incident.objects.create(
            bot=made,
            cause="configuration",
            code=10014,
            message="app secret invalid",
            began_at=now,
            closed_at=now,
        ),
        event=make_event(made),
        session=session,
        token=token,
        use=make_use(token),
        agent=make_agent(made),
        sending=make_sending(made),
        member=make_member(session),
        recipient=make_recipient(made),
        stream=make_stream(made),
        alert_group=make_alert_group(made),
        approval=make_approval(made),
    )


def make_alert_group(bot: Bot) -> AlertGroup:
    receiver = AlertReceiver.objects.create(bot=bot, name="Helper", chat_id="oc_duty")
    content = {
        "matchers": [],
        "labels": {},
        "annotations": {},
        "alerts": [],
        "resolved": 0,
        "more": 0,
        "external_url": "",
    }
    return AlertGroup.objects.create(
        bot=bot, receiver=receiver, key_hash=uuid4().hex, title="Helper", content=content, firing=1
    )


def make_approval(bot: Bot) -> CallApproval:
    call = StoredCall("/open-apis/task/v2/tasks", "", (), b'{"summary": "the-approved-call"}')
    return CallApproval.objects.create(
        bot=bot,
        caller="CRM",
        open_id=f"ou_{uuid4().hex}",
        rule="ask POST /open-apis/**",
        method="POST",
        path=call.path,
        call=call.text,
        body_bytes=len(call.body),
        body_hash=uuid4().hex,
        call_hash=uuid4().hex,
        expires_at=timezone.now() + timedelta(minutes=15),
        log_id="log-of-approval",
    )


def make_sending(bot: Bot) -> Sending:
    return Sending.objects.create(
        bot=bot,
        actor="api:crm",
        kind=SendingKind.MESSAGE,
        receive_id_type="open_id",
        target=f"ou_{uuid4().hex}",
        msg_type="text",
        state=SendingState.NOT_SENT,
        code=230013,
        log_id="log-of-sending",
    )


def make_recipient(bot: Bot) -> BatchRecipient:
    batch = MessageBatch.objects.create(
        bot=bot,
        requested_by="api:crm",
        state=MailingState.DONE,
        msg_type="text",
        content={"text": "hello"},
        fingerprint=uuid4().hex,
        counts={"failed": 1},
        started_at=timezone.now(),
        finished_at=timezone.now(),
    )
    return BatchRecipient.objects.create(
        mailing=batch,
        bot=bot,
        kind=RecipientKind.EMAIL,
        given="lilei@example.test",
        target=f"ou_{uuid4().hex}",
        state=RecipientState.FAILED,
        code=230013,
    )


def make_member(session: AuthSession) -> CampaignMember:
    bot = session.bot
    campaign = Campaign.objects.create(
        bot=bot,
        name="Calendars",
        scopes=["offline_access"],
        requested_by="operator:lin",
        state=MailingState.DONE,
        counts={"sent": 1},
        started_at=timezone.now(),
        finished_at=timezone.now(),
    )
    return CampaignMember.objects.create(
        mailing=campaign,
        bot=bot,
        kind=RecipientKind.EMAIL,
        given="lilei@example.test",
        target=f"ou_{uuid4().hex}",
        state=RecipientState.SENT,
        session=session,
    )


def make_stream(bot: Bot) -> ReplyStream:
    return ReplyStream.objects.create(
        bot=bot,
        actor="handler:company.answer",
        kind=SendingKind.MESSAGE,
        receive_id_type="open_id",
        target=f"ou_{uuid4().hex}",
        state=StreamState.FAILED,
        is_open=False,
        cards=[["7000000000000000001", "om_stream"]],
        code=200750,
        log_id="log-of-stream",
    )


def make_agent(bot: Bot) -> ConnectedAgent:
    return ConnectedAgent.objects.create(
        registration=AgentRegistration.objects.create(
            name="Notes", redirect_uris=["http://127.0.0.1:33418/callback"]
        ),
        name="Notes",
        redirect_host="127.0.0.1",
        bot=bot,
        open_id=f"ou_{uuid4().hex}",
        expires_at=timezone.now() + timedelta(days=30),
    )


def make_event(bot: Bot, status: EventStatus = EventStatus.DEAD, *, open_id: str = "ou_asked") -> Event:
    body = message_event(open_id=open_id)
    body["event"]["token"] = "the-card-token"
    now = timezone.now()
    event = Event.objects.create(
        bot=bot,
        dedupe_key=uuid4().hex,
        event_id=body["header"]["event_id"],
        event_type="im.message.receive_v1",
        arrived_by="websocket",
        status=status,
        payload=json.dumps(body).encode(),
        created_at=now,
        received_at=now,
    )
    HandlerRun.objects.create(
        event=event,
        bot=event.bot,
        handler="shop.handlers.order",
        status=RunStatus.DEAD,
        error='Traceback (most recent call last):\n  {"token": "the-card-token"}\nValueError: no such order',
    )
    return event


def make_session(bot: Bot, state: SessionState = SessionState.FAILED) -> AuthSession:
    return AuthSession.objects.create(
        bot=bot,
        open_id=f"ou_{uuid4().hex}",
        scopes=["offline_access"],
        state=state,
        reason=FailureReason.PLATFORM_ERROR if state == SessionState.FAILED else "",
        error_code=20027 if state == SessionState.FAILED else None,
        error_log_id="log-of-session",
        requested_by="operator:lin",
        start_token="the-start-token",
        code_verifier="the-code-verifier",
        start_hash=uuid4().hex,
        expires_at=timezone.now() + timedelta(minutes=20),
    )


def make_token(bot: Bot, **values: Any) -> UserToken:
    token = make_grant(
        bot,
        open_id=f"ou_{uuid4().hex}",
        access_token="the-access-token",
        refresh_token="the-refresh-token",
        last_code=20037,
        **values,
    )
    RefreshAttempt.objects.create(token=token, generation=1, fingerprint=uuid4().hex, outcome="ok")
    return token


def make_use(token: UserToken, **values: Any) -> TokenUse:
    call = {
        "caller": "CRM",
        "kind": "call",
        "generation": token.generation,
        "method": "GET",
        "path": "/open-apis/task/v2/tasks",
        "status": 400,
        "code": 99991679,
        "log_id": "log-of-use",
        "seconds": 0.25,
    }
    return TokenUse.objects.create(
        bot=token.bot, tenant_key=token.tenant_key, open_id=token.open_id, **(call | values)
    )


def signed_in(user: User, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def list_of(page: str) -> str:
    return reverse(f"admin:{page}_changelist")


def page_of(page: str, row: Any, name: str = "change") -> str:
    return reverse(f"admin:{page}_{name}", args=[row.pk])


def text_of(response: Any) -> str:
    return response.content.decode()


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]
