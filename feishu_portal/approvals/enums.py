"""Choices of the approval model."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ApprovalState(models.TextChoices):
    """``asked → approved → sending → done | failed | uncertain``; or ``denied``, ``expired``, ``not_asked``."""

    ASKED = "asked", _("Waiting for the person")
    APPROVED = "approved", _("Approved")
    SENDING = "sending", _("Being carried out")
    DONE = "done", _("Carried out")
    FAILED = "failed", _("Not carried out")
    UNCERTAIN = "uncertain", _("Outcome unknown")
    DENIED = "denied", _("Denied")
    EXPIRED = "expired", _("Expired")
    NOT_ASKED = "not_asked", _("Card could not be sent")


OPEN_STATES = (ApprovalState.ASKED, ApprovalState.APPROVED, ApprovalState.SENDING)


class Approved(models.TextChoices):
    """What the person who approved a call approved."""

    ONCE = "once", _("This call")
    HOUR = "hour", _("Such calls for an hour")
