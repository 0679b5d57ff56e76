"""Choices of the bot models."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PlatformName(models.TextChoices):
    FEISHU = "feishu", _("Feishu")
    LARK = "lark", _("Lark")
    CUSTOM = "custom", _("Custom addresses")


class TokenEndpoint(models.TextChoices):
    V3 = "v3", _("v3 (current)")
    V2 = "v2", _("v2 (historic)")
    V1 = "v1", _("v1 (older private deployments)")


class Transport(models.TextChoices):
    WEBSOCKET = "websocket", _("Long connection")
    WEBHOOK = "webhook", _("Webhook")


class GroupPolicy(models.TextChoices):
    """Which messages of a group a bot answers. In a direct chat it answers all."""

    MENTIONED = "mentioned", _("When it is mentioned")
    MENTIONED_OR_ALL = "mentioned_or_all", _("When it or everybody (@all) is mentioned")
    EVERY_MESSAGE = "every_message", _("Every message")
    """But one that mentions another bot and not this one: that is for the other."""
    NEVER = "never", pgettext_lazy("group policy", "Never")


ANSWERING_UNMENTIONED: Final = (GroupPolicy.MENTIONED_OR_ALL, GroupPolicy.EVERY_MESSAGE)
"""With these a bot answers messages that do not mention it."""


class WebhookSecret(models.TextChoices):
    """What proves that a webhook request is the platform's; the values are the names of the bot's fields."""

    ENCRYPT_KEY = "encrypt_key", _("Encrypt Key")
    VERIFICATION_TOKEN = "verification_token", _("Verification Token")

    @property
    def next_field(self) -> str:
        """The bot's field for the one that takes its place during a rotation."""
        return f"next_{self.value}"


class SlotState(models.TextChoices):
    STOPPED = "stopped", _("Stopped")
    CONNECTING = "connecting", _("Connecting")
    CONNECTED = "connected", _("Connected")
    BACKOFF = "backoff", _("Waiting to reconnect")
    ERROR = "error", _("Error")


class LossReason(models.TextChoices):
    """Why a connection ended or could not be made."""

    SILENT = "silent", _("Nothing received")
    CLOSED = "closed", _("Closed by the platform")
    NETWORK = "network", _("Network")
    REFUSED = "refused", _("Refused by the platform")
    HALF_OPEN = "half_open", _("Half open")
    SLEPT = "slept", _("The machine slept")
    DIED = "died", _("Its process fell silent")
    MOVED = "moved", _("Moved to another process")
    ASKED = "asked", _("By an operator")
    CHANGED = "changed", _("Settings changed")
    ENDED = "ended", _("Its process ended")
    ERROR = "error", _("Internal error")


PLANNED_LOSSES = frozenset({LossReason.MOVED, LossReason.ASKED, LossReason.CHANGED, LossReason.ENDED})
"""Ends that the portal or an operator intended."""


class ProcessKind(models.TextChoices):
    """The processes of the portal, by how they are started."""

    WEB = "web", _("Web")
    RUNFEISHU = "runfeishu", _("Connections")
    WORKER = "worker", _("Worker")
    REFRESHER = "refresher", _("Refresher")
    BEAT = "beat", _("Scheduler")
    RUNPORTAL = "runportal", _("All in one")


LISTENING: Final = (ProcessKind.RUNFEISHU, ProcessKind.RUNPORTAL)
"""Kinds that hold connections."""


class ProcessRole(models.TextChoices):
    """What has to be done by some process of an installation; of which kind it is does not matter."""

    LISTEN = "listen", _("hold connections")
    WORK = "work", _("run handlers and tasks")
    REFRESH = "refresh", _("refresh tokens")
    SCHEDULE = "schedule", _("schedule tasks")


class ProcessHealth(models.TextChoices):
    """How a process is, by its heartbeats."""

    WORKING = "working", _("Working")
    STALLED = "stalled", _("Stands still")
    """It is heard of, and a part of it makes no passes any more."""
    SILENT = "silent", _("Silent")
    """It died, hangs as a whole, or has no database."""
    STOPPED = "stopped", _("Stopped")


class ProcessPart(models.TextChoices):
    """What a process does again and again, and is missed when it does not."""

    EVENT_LOOP = "event_loop", _("event loop")
    CONNECTIONS = "connections", _("reconciling connections")
    TASKS = "tasks", _("receiving tasks")
    HANDLERS = "handlers", _("running handlers")
    REFRESH = "refresh", _("refreshing tokens")
    SCHEDULE = "schedule", _("scheduling tasks")


class CheckResult(models.TextChoices):
    """What the doctor says of one thing it looks at."""

    OK = "ok", _("In order")
    WARNING = "warning", _("Should be better")
    """It works, but not as well or as safely as it should."""
    WRONG = "wrong", _("Wrong")
    UNKNOWN = "unknown", _("Not known")
    """It could not be found out; a person has to look."""
    WAITING = "waiting", _("Not yet")
    """It has not happened so far, e.g. the first message."""


class RegistrationState(models.TextChoices):
    """How a registration of an app by QR code stands."""

    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Registered")
    DENIED = "denied", _("Denied")
    EXPIRED = "expired", _("Expired")
    REPLACED = "replaced", _("Replaced by a new QR code")
    FAILED = "failed", _("Failed")


class RegistrationFailure(models.TextChoices):
    """Why a registration failed; ``bots.admin.registration`` has the sentences."""

    REFUSED = "refused", _("Refused by the platform")
    OTHER_APP = "other_app", _("Another app was confirmed")
    NOT_YOURS = "not_yours", _("The bot belongs to others")
    NOT_ALLOWED = "not_allowed", _("The operator may not add bots")
    NOT_STORED = "not_stored", _("The app could not be stored")


class Channel(models.TextChoices):
    """Ways to reach an operator."""

    EMAIL = "email", _("E-mail")
    FEISHU = "feishu", _("Feishu message")


class SendingKind(models.TextChoices):
    """What an API client has sent."""

    MESSAGE = "message", _("Message")
    REPLY = "reply", _("Reply")
    UPDATE = "update", _("Card update")


class SendingState(models.TextChoices):
    """What became of it."""

    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    NOT_SENT = "not_sent", _("Not sent")
    UNKNOWN = "unknown", _("Outcome unknown")


class VariableKind(models.TextChoices):
    """What the variable of a card template stands for; it decides where in the card it may stand."""

    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    BOOLEAN = "boolean", _("Yes or no")
    LINK = "link", _("Link")
    IMAGE = "image", _("Image key")
    PERSON = "person", _("Person (open_id)")
    CHOICE = "choice", _("One of some words")


class StreamState(models.TextChoices):
    """What became of a reply that grew."""

    RUNNING = "running", _("Being written")
    COMPLETE = "complete", _("Complete")
    INTERRUPTED = "interrupted", _("Interrupted")
    TOO_LONG = "too_long", _("Too long")
    FAILED = "failed", _("Failed")


class MailingState(models.TextChoices):
    """How far something that is sent to many has come."""

    RESOLVING = "resolving", _("Looking people up")
    READY = "ready", _("To be confirmed")
    SENDING = "sending", _("Being sent")
    DONE = "done", _("Sent")
    CANCELLING = "cancelling", _("Being cancelled")
    CANCELLED = "cancelled", _("Cancelled")


MOVING_MAILINGS: Final = (MailingState.RESOLVING, MailingState.SENDING, MailingState.CANCELLING)
"""States in which the portal has something to do."""


class RecipientKind(models.TextChoices):
    """How a recipient was named."""

    OPEN_ID = "open_id", _("open_id")
    UNION_ID = "union_id", _("union_id")
    USER_ID = "user_id", _("Employee number (user_id)")
    EMAIL = "email", pgettext_lazy("recipient", "E-mail")
    PHONE = "phone", _("Phone number")
    NAME = "name", pgettext_lazy("recipient", "Name")
    DEPARTMENT = "department", _("Department")
    CHAT_ID = "chat_id", _("chat_id")
    CHAT = "chat", _("Name of the chat")


class RecipientState(models.TextChoices):
    WAITING = "waiting", _("To be looked up")
    READY = "ready", _("To be sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Outcome unknown")
    NOT_FOUND = "not_found", _("Not found")
    REPEATED = "repeated", _("Named twice")
    EXPANDED = "expanded", _("Members listed")
    """A department, whose people are recipients of their own."""
    LEFT_OUT = "left_out", _("Left out")
    CANCELLED = "cancelled", _("Cancelled")


class RecipientProblem(models.TextChoices):
    """What the portal itself has against a recipient, where no code of the platform says it."""

    AMBIGUOUS = "ambiguous", _("Several have this name")
    TOO_MANY = "too_many", _("More people than can be sent to at once")
