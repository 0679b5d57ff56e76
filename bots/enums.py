"""Choices of the bot models."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class PlatformName(models.TextChoices):
    FEISHU = "feishu", _("Feishu")
    LARK = "lark", _("Lark")
    CUSTOM = "custom", _("Custom addresses")


class TokenEndpoint(models.TextChoices):
    V3 = "v3", _("v3 (current)")
    V2 = "v2", _("v2 (historic)")


class Transport(models.TextChoices):
    WEBSOCKET = "websocket", _("Long connection")
    WEBHOOK = "webhook", _("Webhook")


class SlotState(models.TextChoices):
    STOPPED = "stopped", _("Stopped")
    CONNECTING = "connecting", _("Connecting")
    CONNECTED = "connected", _("Connected")
    BACKOFF = "backoff", _("Waiting to reconnect")
    ERROR = "error", _("Error")
