"""Who did what."""

from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access.models.clients import ApiClient
from core.access.models.operators import User
from core.access.visibility import OwnedQuerySet
from core.remote_address import MAX_LENGTH as MAX_ADDRESS


class AuditEntryQuerySet(OwnedQuerySet["AuditEntry"]):
    def visible_to(self, user: User) -> Self:
        """What was done to the operator's own bots; who sees everything sees the rest too.

        As in ``OwnedQuerySet`` the keys of the bots stand in the statement, so that an index finds the entries of a quiet
        one.
        """
        return (
            self
            if user.sees_everything
            else self.filter(bot_id__in=list(user.bots.values_list("pk", flat=True)))
        )


class AuditEntry(models.Model):
    """Who did what, and to which thing. Rows are only ever added, and outlive the rows they name."""

    at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    actor = models.CharField(_("actor"), max_length=200)
    operator = models.ForeignKey(
        User,
        verbose_name=_("operator"),
        null=True,
        blank=True,
        db_index=False,  # the one below begins with it
        on_delete=models.SET_NULL,
        related_name="+",
    )
    """The operator who acted, where one did; ``actor`` stays when the account is deleted."""
    client = models.ForeignKey(
        ApiClient,
        verbose_name=_("API client"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    """The API client that acted, where one did."""
    address = models.CharField(_("client address"), max_length=MAX_ADDRESS, blank=True)
    """Where the request came from, of what was done by one: an operator's, a person's or a client's address."""
    action = models.CharField(_("action"), max_length=80)
    bot_id = models.UUIDField(_("bot"), null=True, blank=True, editable=False)
    """The key of the bot that it was done to. No foreign key: this package knows no bots, and an entry outlives its own."""
    app_id = models.CharField(_("App ID"), max_length=64, blank=True)
    target = models.CharField(_("target"), max_length=200, blank=True)
    detail: models.JSONField[dict[str, Any]] = models.JSONField(_("detail"), default=dict, blank=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ("-id",)
        indexes = (
            models.Index(name="audit_by_bot", fields=("bot_id", "-id")),
            models.Index(name="audit_by_action", fields=("action", "-id")),
            models.Index(name="audit_by_operator", fields=("operator", "-id")),
            # What the search of the list looks for in full.
            models.Index(name="audit_by_app_id", fields=("app_id",)),
            models.Index(name="audit_by_target", fields=("target",)),
            models.Index(name="audit_by_actor", fields=("actor",)),
            models.Index(name="audit_by_address", fields=("address",)),
        )

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.target}"
