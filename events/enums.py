"""Choices of the event models."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class EventStatus(models.TextChoices):
    RECEIVED = "received", _("Received")
    DISPATCHED = "dispatched", _("Being handled")
    DONE = "done", _("Done")
    DEAD = "dead", _("Failed")
    IGNORED = "ignored", _("No handler")
    QUARANTINED = "quarantined", _("Unreadable")


class DeliveryStatus(models.TextChoices):
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    RETRYING = "retrying", _("Waiting to retry")
    SUCCEEDED = "succeeded", _("Succeeded")
    DEAD = "dead", _("Failed")


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
