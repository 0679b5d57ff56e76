"""Sending one message to many: a batch with its progress, and what became of each recipient."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias, cast, get_args
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema, Status
from pydantic import model_validator

from bots.enums import RecipientKind, RecipientState
from bots.errors import (
    BotDisabledError,
    ContentError,
    KeyReusedError,
    MailingStateError,
    SendingError,
    SendingUnderWayError,
    TooManyBatchesError,
)
from bots.mailings.recipients import MAX_GIVEN, MAX_NAMED, Named
from bots.mailings.service import cancel, retry
from bots.models import BatchRecipient, MessageBatch
from bots.sending.batches import BATCHES, create_batch
from core.access.scopes import Scope
from feishu.openapi import ReceiveIdType, agreed_id_type
from feishu_portal.api.keys import actor_of, bot_for, caller
from feishu_portal.api.messages import Key, MessageBody
from feishu_portal.api.paging import page_of
from feishu_portal.api.problems import Problem, not_found

if TYPE_CHECKING:
    from core.access.models import ApiClient

router = Router()

MAX_LIMIT = 200

Kind: TypeAlias = Literal[
    "open_id", "union_id", "user_id", "email", "phone", "name", "department", "chat_id", "chat",
]  # fmt: skip
State: TypeAlias = Literal["resolving", "ready", "sending", "done", "cancelling", "cancelled"]
Outcome: TypeAlias = Literal[
    "waiting", "ready", "sent", "failed", "unknown", "not_found", "repeated", "left_out", "cancelled",
]  # fmt: skip
Limit: TypeAlias = Annotated[int, Field(ge=1, le=MAX_LIMIT)]


class RecipientIn(Schema):
    receive_id: Annotated[
        str, Field(min_length=1, max_length=MAX_GIVEN, pattern=r"^[^\x00-\x1f]*\S[^\x00-\x1f]*$")
    ]
    receive_id_type: Annotated[
        Kind | None,
        Field(
            description="Left out, it is told by the look: ou_, on_, oc_, od-, @, a phone number with +; what can be no ID is a "
            "person's name, and anything else a user_id. `chat` is a group's name, `department` a department's name or ID, "
            "with all departments below; 0 is the whole company."
        ),
    ] = None

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        if self.receive_id_type in get_args(ReceiveIdType):
            agreed_id_type(self.receive_id.strip(), cast("ReceiveIdType", self.receive_id_type))
        return self

    @property
    def named(self) -> Named:
        """Whom it names."""
        if self.receive_id_type is None:
            return Named.by_look(self.receive_id)
        return Named(RecipientKind(self.receive_id_type), " ".join(self.receive_id.split()))


class BatchIn(MessageBody):
    recipients: Annotated[list[RecipientIn], Field(min_length=1, max_length=MAX_NAMED)]


class BatchOut(Schema):
    """``counts``: recipients by state, as of the last step. ``error``: of the last step, where it failed and is tried again."""

    id: UUID
    state: State
    msg_type: str
    counts: dict[str, int]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    platform_code: int | None
    error: str
    log_id: str


class BatchPage(Schema):
    items: list[BatchOut]
    next_cursor: str | None


class RecipientOut(Schema):
    """``receive_id``: the open_id or chat_id, empty until it is known. ``reason``: where no code says it, e.g. ``ambiguous``."""

    receive_id: str
    named: str
    named_by: Kind
    state: Outcome
    message_id: str
    chat_id: str
    platform_code: int | None
    reason: str
    error: str
    log_id: str


class RecipientPage(Schema):
    items: list[RecipientOut]
    next_cursor: str | None


class Retried(Schema):
    recipients: int


class BatchesIn(Schema):
    limit: Limit = 50
    cursor: Annotated[str, Field(max_length=36, description="The next_cursor of the page before.")] = ""


class RecipientsIn(Schema):
    state: Outcome | None = None
    limit: Limit = 100
    cursor: Annotated[str, Field(pattern=r"^\d{0,18}$")] = ""


@router.post("/{bot_id}/messages/batch", response={202: BatchOut}, summary="Send a message to many")
def create_message_batch(
    request: HttpRequest, response: HttpResponse, bot_id: str, data: BatchIn, *, key: Key = ""
) -> Status[BatchOut]:
    """At most 1,000 recipients in the request and 5,000 people with those of departments; whoever is named twice gets one message.
    Recipients are looked up, then the message is sent at up to eight a second; both go on by themselves, whatever process dies.
    Ask for the batch to follow it. Under an ``Idempotency-Key`` the same request begins one batch, for 24 hours
    (``Idempotency-Replayed: true``)."""
    bot = bot_for(caller(request, Scope.MESSAGES_SEND), bot_id)
    try:
        msg_type, content = data.read(bot)
        created = create_batch(
            bot=bot,
            named=[recipient.named for recipient in data.recipients],
            msg_type=msg_type,
            content=content,
            actor=actor_of(request),
            key=key,
        )
    except TooManyBatchesError as error:
        raise Problem(429, error.code, str(error), headers={"Retry-After": "30"}) from None
    except SendingUnderWayError as error:
        raise Problem(409, error.code, str(error), headers={"Retry-After": str(error.seconds)}) from None
    except (ContentError, KeyReusedError) as error:
        raise Problem(422, error.code, str(error)) from None
    except (SendingError, BotDisabledError) as error:
        raise Problem(409, error.code, str(error)) from None
    if created.is_repeated:
        response["Idempotency-Replayed"] = "true"
    return Status(202, _out(created.batch))


@router.get("/{bot_id}/messages/batch", response=BatchPage, summary="Batches of the key, newest first")
def list_message_batches(request: HttpRequest, bot_id: str, wanted: Query[BatchesIn]) -> BatchPage:
    """Those that this key began for the bot."""
    client = caller(request, Scope.MESSAGES_SEND)
    rows = MessageBatch.objects.filter(bot=bot_for(client, bot_id), client=client).defer("content")
    if wanted.cursor:
        before = _batch(request, bot_id, wanted.cursor)
        rows = rows.filter(created_at__lte=before.created_at).exclude(
            created_at=before.created_at, pk__gte=before.pk
        )
    page, last = page_of(rows.order_by("-created_at", "-pk"), wanted.limit)
    return BatchPage(items=[_out(batch) for batch in page], next_cursor=str(last.pk) if last else None)


@router.get("/{bot_id}/messages/batch/{batch_id}", response=BatchOut, summary="How far a batch is")
def get_message_batch(request: HttpRequest, bot_id: str, batch_id: str) -> BatchOut:
    """``done`` when nobody is left to be sent to; ``counts`` says with what outcome."""
    return _out(_batch(request, bot_id, batch_id))


@router.get(
    "/{bot_id}/messages/batch/{batch_id}/recipients", response=RecipientPage, summary="Recipients of a batch"
)
def list_batch_recipients(
    request: HttpRequest, bot_id: str, batch_id: str, wanted: Query[RecipientsIn]
) -> RecipientPage:
    """What became of each, in the order in which they were named; people of a department are recipients of their own."""
    rows = BatchRecipient.objects.addressees().filter(mailing=_batch(request, bot_id, batch_id))
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.cursor:
        rows = rows.filter(pk__gt=int(wanted.cursor))
    page, last = page_of(rows.order_by("pk"), wanted.limit)
    return RecipientPage(
        items=[_recipient_out(row) for row in page], next_cursor=str(last.pk) if last else None
    )


@router.post(
    "/{bot_id}/messages/batch/{batch_id}/retry", response={202: Retried}, summary="Try the failed again"
)
def retry_message_batch(request: HttpRequest, bot_id: str, batch_id: str) -> Status[Retried]:
    """Looks up again who was not found, and sends to who did not get the message. Recipients whose outcome is ``unknown`` are left
    alone: they may have it."""
    try:
        count = retry(BATCHES, _batch(request, bot_id, batch_id), actor=actor_of(request))
    except MailingStateError:
        words = "The batch is not done: wait until it is. One that was cancelled stays so."
        raise Problem(409, "batch_not_done", words) from None
    return Status(202, Retried(recipients=count))


@router.post("/{bot_id}/messages/batch/{batch_id}/cancel", response=BatchOut, summary="Cancel a batch")
def cancel_message_batch(request: HttpRequest, bot_id: str, batch_id: str) -> BatchOut:
    """Nobody more gets the message. Harmless where the batch has ended."""
    batch = _batch(request, bot_id, batch_id)
    cancel(BATCHES, batch, actor=actor_of(request))
    batch.refresh_from_db()
    return _out(batch)


def _batch(request: HttpRequest, bot_id: str, batch_id: str) -> MessageBatch:
    """The client's own batch of the bot; raises Problem 404 otherwise."""
    client: ApiClient = caller(request, Scope.MESSAGES_SEND)
    own = MessageBatch.objects.filter(bot=bot_for(client, bot_id), client=client).select_related("bot")
    try:
        found = own.filter(pk=UUID(batch_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise not_found("batch")
    return found


def _out(batch: MessageBatch) -> BatchOut:
    hidden = (RecipientState.EXPANDED,)
    return BatchOut(
        id=batch.pk,
        state=cast("State", batch.state),
        msg_type=batch.msg_type,
        counts={state: count for state, count in batch.counts.items() if state not in hidden},
        created_at=batch.created_at,
        started_at=batch.started_at,
        finished_at=batch.finished_at,
        platform_code=batch.code,
        error=batch.said or batch.reason,
        log_id=batch.log_id,
    )


def _recipient_out(row: BatchRecipient) -> RecipientOut:
    values: dict[str, Any] = {"named_by": row.kind, "state": row.state}
    return RecipientOut(
        receive_id=row.target,
        named=row.given,
        message_id=row.message_id,
        chat_id=row.chat_id,
        platform_code=row.code,
        reason=row.reason,
        error=row.said,
        log_id=row.log_id,
        **values,
    )
