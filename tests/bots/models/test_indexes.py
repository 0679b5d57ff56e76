"""Every index costs each write: here stands the statement that needs it."""

import uuid
from typing import Final

from django.db.models import Min
from django.utils import timezone

from bots.enums import CheckResult, RecipientState
from bots.models import (
    BatchRecipient,
    Bot,
    CardTemplate,
    Checkup,
    ConnectionLoss,
    ConnectionSlot,
    GroupException,
    Incident,
    MessageBatch,
    Notice,
    NoticeCard,
    PeopleLookup,
    Person,
    PersonKey,
    PersonPicture,
    PlatformCount,
    ProblemSilence,
    RefusedPush,
    Registration,
    ReplyStream,
    SecretUse,
    Sending,
    StoredFinding,
)
from core.database.prefixes import starting_with
from tests.indexes import Statement, astray, declared

ID = uuid.uuid4()
NOW = timezone.now()

STATEMENTS: dict[str, Statement] = {
    # REST and commands name bots by it.
    "bot.app_id": lambda: Bot.objects.filter(app_id="cli"),
    # --- batches of messages
    # The list in the console, a client's by REST.
    "messagebatch_newest": lambda: MessageBatch.objects.order_by("-created_at", "-pk")[:100],
    "messagebatch_of_bot": lambda: MessageBatch.objects.filter(bot=ID, client=1).order_by("-created_at", "-pk")[:50],
    "messagebatch_moving": lambda: MessageBatch.objects.moving().order_by("created_at")[:1],
    # The same request once more.
    "batch_once_per_key": lambda: MessageBatch.objects.filter(bot=ID, client=1, key_hash="h"),
    # Deleting an operator; batches of a client that are under way.
    "messagebatch.operator": lambda: MessageBatch.objects.filter(operator=1),
    "messagebatch.client": lambda: MessageBatch.objects.moving().filter(client=1),
    # The walk: the next people of a batch.
    "batchrecipient_state": lambda: BatchRecipient.objects.filter(mailing=ID, state=RecipientState.READY).order_by("pk")[:50],
    # Retention of people: whether anything refers to one.
    "batchrecipient_person": lambda: BatchRecipient.objects.filter(bot=ID, target="ou"),
    # --- card templates
    # Sending by name, of the bot's own and of all bots'.
    "card_template_once_per_bot": lambda: CardTemplate.objects.filter(bot=ID, name="n"),
    "card_template_once_for_all": lambda: CardTemplate.objects.filter(bot=None, name="n"),
    # --- checklist
    "checkup.next_check_at": lambda: Checkup.objects.filter(next_check_at__lte=NOW).order_by("next_check_at")[:10],
    "checkup.observed_at": lambda: Checkup.objects.filter(observed_at__lte=NOW).order_by("observed_at")[:10],
    # The first page: bots that have waited longest.
    "finding_not_in_order": lambda: StoredFinding.objects.filter(result__in=(CheckResult.WRONG, CheckResult.WARNING))
    .order_by()
    .values("bot")
    .annotate(first=Min("since")),
    "finding_once_per_check": lambda: StoredFinding.objects.filter(bot=ID, check_name__in=["c"]),
    # --- connections
    "slot_once_per_bot": lambda: ConnectionSlot.objects.filter(bot__in=[ID]).order_by("number"),
    # A connection's panel; losses of a day.
    "loss_by_bot": lambda: ConnectionLoss.objects.since(NOW).filter(bot=ID).order_by("-at")[:10],
    "loss_by_age": lambda: ConnectionLoss.objects.filter(at__lt=NOW).order_by("at"),
    "platformcount.next_check_at": lambda: PlatformCount.objects.filter(next_check_at__lte=NOW).order_by("next_check_at")[:10],
    # Whether a message of a group is for the bot.
    "group_exception_once": lambda: GroupException.objects.filter(bot=ID, chat_id="oc"),
    # --- incidents
    # Retention, and those that are over on the first page.
    "incident_by_age": lambda: Incident.objects.filter(closed_at__lt=NOW).order_by("closed_at"),
    # Silencing and sending: what a bot, or something else, suffers from.
    "incident_open_once": lambda: Incident.objects.open().filter(bot=ID),
    "incident_of_subject_open_once": lambda: Incident.objects.open().filter(subject_id=ID),
    # REST, and removing a bot.
    "incident.bot": lambda: Incident.objects.filter(bot=ID).order_by("-pk")[:50],
    # What an operator sees.
    "incident.owner": lambda: Incident.objects.filter(owner=1),
    # Deleting an operator, and what is theirs to do.
    "incident.assignee": lambda: Incident.objects.filter(assignee=1),
    "notice_due": lambda: Notice.objects.filter(due_at__lte=NOW).order_by(),
    # Whether somebody was notified lately.
    "notice_by_user": lambda: Notice.objects.filter(user=1, channel="email", problem_sent_at__gt=NOW),
    # When an incident ends: who heard of it.
    "notice_once": lambda: Notice.objects.filter(incident=1),
    # What a card shows, and forgetting it.
    "notice.card": lambda: Notice.objects.filter(card=1),
    # The sweep: what is to be patched.
    "notice_card_old": lambda: NoticeCard.objects.card_out_of_date().order_by("card_retry_at")[:500],
    # Retention, and removing a bot.
    "noticecard.sent_at": lambda: NoticeCard.objects.filter(sent_at__lt=NOW).order_by("sent_at"),
    "noticecard.bot": lambda: NoticeCard.objects.filter(bot=ID),
    "problemsilence.key": lambda: ProblemSilence.objects.filter(key="k"),
    # Removing a bot.
    "problemsilence.bot": lambda: ProblemSilence.objects.filter(bot=ID),
    "problemsilence.until": lambda: ProblemSilence.objects.filter(until__lt=NOW).order_by("until"),
    # --- people
    "person_by_age": lambda: Person.objects.filter(updated_at__lt=NOW).order_by("updated_at"),
    # The person's page: how other bots know them.
    "person_of_union_id": lambda: Person.objects.exclude(union_id="").filter(union_id="on", bot__in=[ID]),
    "person_to_look_up": lambda: Person.objects.filter(bot=ID, look_up_at__lte=NOW).order_by("look_up_at")[:50],
    "person_once_per_bot": lambda: Person.objects.filter(bot=ID, open_id="ou"),
    # A person was renamed.
    "personkey.person": lambda: PersonKey.objects.filter(person__in=[1]),
    # The picker.
    "personkey.key": lambda: PersonKey.objects.filter(starting_with("key", "li")),
    # A picture by its address.
    "picture_by_digest": lambda: PersonPicture.objects.filter(digest="d"),
    "picture_to_fetch": lambda: PersonPicture.objects.filter(fetch_at__lte=NOW).order_by("fetch_at")[:10],
    "peoplelookup.next_at": lambda: PeopleLookup.objects.filter(next_at__lte=NOW).order_by("next_at")[:10],
    "peoplelookup.pictures_at": lambda: PeopleLookup.objects.filter(pictures_at__lte=NOW).order_by("pictures_at")[:10],
    # --- registrations of apps
    "registration_due": lambda: Registration.objects.waiting().filter(next_poll_at__lte=NOW).order_by("next_poll_at")[:10],
    "registration_by_age": lambda: Registration.objects.filter(began_at__lt=NOW).order_by("began_at"),
    # The page: the latest QR code of an operator.
    "registration.operator": lambda: Registration.objects.filter(operator=1, extends=None).order_by("-began_at", "-pk")[:1],
    # Deleting a bot.
    "registration.extends": lambda: Registration.objects.filter(extends=ID),
    "registration.bot": lambda: Registration.objects.filter(bot=ID),
    # --- messages and streamed replies
    "sending_by_age": lambda: Sending.objects.filter(at__lt=NOW).order_by("at"),
    "sending_by_bot": lambda: Sending.objects.filter(bot=ID).order_by("-pk")[:100],
    # The search: by the client's name, by the recipient.
    "sending_by_client": lambda: Sending.objects.filter(client__in=[1]).order_by("-pk")[:100],
    "sending_by_target": lambda: Sending.objects.filter(target="ou").order_by("-pk")[:100],
    "sending_once_per_key": lambda: Sending.objects.filter(bot=ID, client=1, key_hash="h"),
    "stream_by_age": lambda: ReplyStream.objects.filter(at__lt=NOW).order_by("at"),
    "stream_by_bot": lambda: ReplyStream.objects.filter(bot=ID).order_by("-pk")[:100],
    "stream_by_client": lambda: ReplyStream.objects.filter(client__in=[1]).order_by("-pk")[:100],
    "stream_by_target": lambda: ReplyStream.objects.filter(target="ou").order_by("-pk")[:100],
    # The sweep: cards that say that text is coming.
    "stream_left_open": ReplyStream.objects.left_open,
    "stream_once_per_key": lambda: ReplyStream.objects.filter(bot=ID, key_hash="h"),
    # --- webhook
    # Rotation: whether the platform uses the next secret.
    "secret_use_once": lambda: SecretUse.objects.filter(bot=ID),
    "refused_push_once": lambda: RefusedPush.objects.filter(bot=ID, reason="r"),
    "refusedpush.last_at": lambda: RefusedPush.objects.filter(last_at__lt=NOW).order_by("last_at"),
}  # fmt: skip

ONE_PER: Final = {
    "batchrecipient_once": "recipient of a batch",
    "registration_waits_once": "operator, of QR codes that wait",
    "registration_of_bot_waits_once": "operator and bot, of QR codes that wait",
}


def test_every_index_has_a_statement_that_needs_it():
    assert declared("bots").keys() == {*STATEMENTS, *ONE_PER}
    assert astray("bots", STATEMENTS) == []
