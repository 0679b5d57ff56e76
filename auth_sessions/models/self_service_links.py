"""Links to a person's own page."""

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bots.models import Bot


class SelfServiceLinkQuerySet(models.QuerySet["SelfServiceLink"]):
    def to_open(self) -> Self:
        """Links that were not opened and have not expired."""
        return self.filter(opened_at=None, expires_at__gt=timezone.now(), bot__enabled=True)

    def open_pages(self) -> Self:
        """Opened links whose page has not expired."""
        return self.filter(opened_at__isnull=False, expires_at__gt=timezone.now())


class SelfServiceLink(models.Model):
    """A one-time link to a person's page, and then that page in the one browser that opened it. Both secrets are looked up
    by hash."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+", editable=False)
    tenant_key = models.CharField(max_length=64, blank=True, editable=False)
    open_id = models.CharField(max_length=128, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    browser_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 -- unique when set
    expires_at = models.DateTimeField(editable=False, db_index=True)
    opened_at = models.DateTimeField(null=True, editable=False)

    objects = SelfServiceLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("self-service link")
        verbose_name_plural = _("self-service links")

    def __str__(self) -> str:
        return self.open_id
