"""Asking a person whether a call may be made for them; and the calls that an approval for an hour covers."""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from bots.models import Bot
from core.access import audit
from core.access.actors import Actor
from core.access.call_contents import CallContents
from core.access.models import ApiClient
from core.database.text import storable
from feishu_portal.approvals.ending import expire
from feishu_portal.approvals.enums import ApprovalState
from feishu_portal.approvals.errors import AskedTooOftenError, DeniedLatelyError
from feishu_portal.approvals.metrics import COVERED, count_approval
from feishu_portal.approvals.models import CallApproval, StoredCall
from feishu_portal.approvals.notify import notify_card

MAX_OPEN: Final = 20
"""Calls of one client that wait for one person."""
MAX_RESOURCES: Final = 10
"""A call that names more is approved once only: nobody would read what an hour covers."""
MAX_RESOURCE: Final = 200  # characters
MAX_PATH: Final = 500  # characters
_SAY_NOTHING: Final = frozenset({"accept", "accept-language", "x-request-id"})
"""Headers that make no other call of one: a denied one does not come back under another number."""


@dataclass(frozen=True, slots=True)
class CallInQuestion:
    """A call that a rule asks about: who sends it, for whom, and what it is."""

    client: ApiClient
    bot: Bot
    tenant_key: str
    open_id: str
    rule: str
    method: str
    path: str
    contents: CallContents = field(repr=False)
    agent: str = ""
    """What the agent is called that sends it, where a person connected that; ``agent_key`` tells it from its namesakes."""
    agent_key: str = ""

    @property
    def resources(self) -> list[str]:
        """What it acts on beside what its path says, each as ``field=token``."""
        return sorted({f"{said.name}={said.value}" for said in self.contents.resources})

    @property
    def scope_hash(self) -> str:
        """Of what is approved with it for an hour; empty where that cannot be said on a card."""
        resources = self.resources
        is_sayable = (
            len(self.path) <= MAX_PATH
            and len(resources) <= MAX_RESOURCES
            and all(len(one) <= MAX_RESOURCE for one in resources)
        )
        if not self.contents.is_whole or not is_sayable:
            return ""
        return _digest([*self._whose, self.rule, self.method, self.path, resources])

    def call_hash(self, call: StoredCall) -> str:
        headers = tuple(header for header in call.headers if header[0] not in _SAY_NOTHING)
        return _digest([*self._whose, self.method, replace(call, headers=headers).text])

    @property
    def _whose(self) -> list[str]:
        return [str(self.client.pk), self.agent_key, str(self.bot.pk), self.tenant_key, self.open_id]


def is_covered(question: CallInQuestion) -> bool:
    """Whether an approval for an hour lets the call through now; it is counted there."""
    scope = question.scope_hash
    covering = CallApproval.objects.standing().filter(scope_hash=scope, client=question.client)
    is_let_through = bool(scope) and bool(covering.update(covered=F("covered") + 1))
    if is_let_through:
        count_approval(question.bot, COVERED)
    return is_let_through


@transaction.atomic
def ask(question: CallInQuestion, *, call: StoredCall, actor: Actor) -> CallApproval:
    """The approval that the call waits for; for the same call sent again it is the same one as long as that is open.

    Raises NotAskedError.
    """
    now = timezone.now()
    call_hash = question.call_hash(call)
    same = CallApproval.objects.filter(call_hash=call_hash)
    expire(same)
    if waiting := same.open().select_related("bot").first():
        return waiting
    patience = timedelta(minutes=settings.APPROVAL_MINUTES)
    if same.filter(state=ApprovalState.DENIED, decided_at__gt=now - patience).exists():
        raise DeniedLatelyError
    asked = CallApproval.objects.filter(
        client=question.client, state=ApprovalState.ASKED, expires_at__gt=now, bot=question.bot
    ).filter(open_id=question.open_id, tenant_key=question.tenant_key)
    if len(asked.values_list("pk")[:MAX_OPEN]) == MAX_OPEN:
        raise AskedTooOftenError
    approval = CallApproval(
        bot=question.bot,
        client=question.client,
        caller=question.client.name,
        agent=storable(question.agent, 200),
        agent_key=question.agent_key,
        tenant_key=question.tenant_key,
        open_id=question.open_id,
        rule=question.rule,
        method=question.method,
        path=storable(question.path, MAX_PATH),
        resources=[storable(one, MAX_RESOURCE) for one in question.resources[:MAX_RESOURCES]],
        call=call.text,
        body_bytes=len(call.body),
        body_hash=hashlib.sha256(call.body).hexdigest() if call.body else "",
        call_hash=call_hash,
        scope_hash=question.scope_hash,
        asked_at=now,
        expires_at=now + patience,
    )
    try:
        with transaction.atomic():
            approval.save(force_insert=True)
    except IntegrityError:  # the same call, sent twice at once
        return same.open().select_related("bot").get()
    audit.record(
        actor=actor,
        action="approval.asked",
        bot=question.bot,
        target=approval,
        approval=str(approval.pk),
        person=approval.open_id,
        rule=approval.rule,
    )
    notify_card(approval.pk)
    return approval


def _digest(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
