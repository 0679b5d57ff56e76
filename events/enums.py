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
    QUARANTINED = "quarantined", _("Unreadable")


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", _("Waiting for its turn")
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    RETRYING = "retrying", _("Waiting to retry")
    SUCCEEDED = "succeeded", _("Succeeded")
    DEAD = "dead", _("Failed")
    SKIPPED = "skipped", _("Switched off")


ACTIVE = (DeliveryStatus.PENDING, DeliveryStatus.RUNNING, DeliveryStatus.RETRYING)
"""Deliveries that are under way: of those with the same order key there is never more than one."""

ENDED = (DeliveryStatus.SUCCEEDED, DeliveryStatus.DEAD, DeliveryStatus.SKIPPED)


class Failure(models.TextChoices):
    """Why the last try of a delivery failed."""

    RAISED = "raised", _("The handler raised an error")
    TIMED_OUT = "timed_out", _("The handler took too long")
    WORKER_LOST = "worker_lost", _("Its worker was gone")
    NOT_INSTALLED = "not_installed", _("The handler is not installed")


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


class Extra(models.TextChoices):
    """What can be left out when events come faster than they can be stored. The events themselves never are."""

    HINTS = "hints", _("Hints to the workers")
    DUPLICATES = "duplicates", _("Counting of duplicates")
    LIVE = "live", _("Live messages")
    REFUSED = "refused", _("Events refused, to be pushed again")
