"""Choices of the event models."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EventStatus(models.TextChoices):
    RECEIVED = "received", _("Received")
    DISPATCHED = "dispatched", _("Being handled")
    DONE = "done", _("Done")
    DEAD = "dead", _("Failed")
    IGNORED = "ignored", _("No handler")
    STALE = "stale", _("Too old")
    QUARANTINED = "quarantined", _("Quarantined")


class RunStatus(models.TextChoices):
    """Of one event for one handler."""

    QUEUED = "queued", _("Waiting for its turn")
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    RETRYING = "retrying", _("Waiting to retry")
    SUCCEEDED = "succeeded", _("Succeeded")
    DEAD = "dead", _("Failed")
    SKIPPED = "skipped", _("Switched off")


ACTIVE_RUNS = (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.RETRYING)
"""Handler runs that are under way: of those with the same order key there is never more than one."""

ENDED_RUNS = (RunStatus.SUCCEEDED, RunStatus.DEAD, RunStatus.SKIPPED)


class RunFailure(models.TextChoices):
    """Why the last attempt of a handler run failed, or none was made."""

    RAISED = "raised", _("The handler raised an error")
    TIMED_OUT = "timed_out", _("The handler took too long")
    WORKER_LOST = "worker_lost", _("Its worker was gone")
    NOT_INSTALLED = "not_installed", _("The handler is not installed")
    MISREGISTERED = "misregistered", _("The handler is registered wrongly")
    RESTORED = "restored", _("Set aside when a backup was restored")
    NOT_ADDRESSED = "not_addressed", _("The message was not for the bot")
    """Of a run that was skipped: the handler is for messages that are."""


class DeliveryStatus(models.TextChoices):
    """Of one event for one subscription."""

    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    RETRYING = "retrying", _("Waiting to retry")
    SUCCEEDED = "succeeded", _("Succeeded")
    DEAD = "dead", _("Failed")
    SKIPPED = "skipped", _("Switched off")


OPEN_DELIVERIES = (DeliveryStatus.PENDING, DeliveryStatus.RUNNING, DeliveryStatus.RETRYING)
ENDED_DELIVERIES = (DeliveryStatus.SUCCEEDED, DeliveryStatus.DEAD, DeliveryStatus.SKIPPED)


class DeliveryFailure(models.TextChoices):
    """Why the last attempt of a delivery failed."""

    REFUSED = "refused", _("The receiver did not take it")
    UNREACHABLE = "unreachable", _("The receiver was not reached")
    WORKER_LOST = "worker_lost", _("Its worker was gone")
    EXPIRED = "expired", _("Nobody took it in time")
    BAD_FILTER = "bad_filter", _("The filter of its subscription failed")
    RESTORED = "restored", _("Set aside when a backup was restored")
    BAD_ANSWER = "bad_answer", _("The receiver's answer cannot be shown")
    NOT_ASKED = "not_asked", _("The subscription was paused")


class SubscriptionKind(models.TextChoices):
    PUSH = "push", _("Pushed to an address")
    PULL = "pull", _("Fetched by the receiver")
    ANSWER = "answer", _("Asked to answer card clicks")


POSTED = (SubscriptionKind.PUSH, SubscriptionKind.ANSWER)
"""Subscriptions of these kinds have an address, which gets signed requests."""


class SubscriptionState(models.TextChoices):
    ACTIVE = "active", _("Active")
    PAUSED = "paused", _("Paused")
    FAILING = "failing", _("Paused: it keeps failing")
    GONE = "gone", _("Off: the receiver said it is gone")
    OFF = "off", _("Off")


COLLECTING = (SubscriptionState.ACTIVE, SubscriptionState.PAUSED, SubscriptionState.FAILING)
"""Subscriptions in these states get deliveries for what arrives."""

SENDING = (SubscriptionState.ACTIVE, SubscriptionState.FAILING)
"""And in these, deliveries are sent."""


class Arrived(models.TextChoices):
    WEBSOCKET = "websocket", _("Long connection")
    WEBHOOK = "webhook", _("Webhook")


class AttemptOutcome(models.TextChoices):
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class ReplayMode(models.TextChoices):
    FAILED = "failed", _("Those that failed")
    ALL = "all", _("All")


class ReplayState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


class OptionalWork(models.TextChoices):
    """What can be shed when events come faster than they can be stored. The events themselves never are."""

    NOTICES = "notices", _("Notifications to the workers")
    DUPLICATES = "duplicates", _("Counting of duplicates")
    LIVE = "live", _("Live messages")
    REFUSED = "refused", _("Events refused, to be pushed again")
