"""Which installation the database belongs to, and by which keys it is read."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.vault.fields import EncryptedField


class KeyCanary(models.Model):
    """A known plaintext, sealed. Every process opens it when it starts: a key ring that lacks the key of this database is
    noticed then, and not when the first secret is needed."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    sealed = EncryptedField(editable=False)

    class Meta:
        verbose_name = _("key canary")
        verbose_name_plural = _("key canaries")
        constraints = (models.CheckConstraint(name="canary_is_alone", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return "canary"


class Installation(models.Model):
    """Which installation this database belongs to, and where it lay when that was last confirmed. A process compares this with
    what it sees: see ``core.installation``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    identity = models.UUIDField(default=uuid.uuid4, editable=False)
    """Another one after every adoption, so that a copy and its original are told apart."""
    name = models.CharField(max_length=100, blank=True, editable=False)
    """FEISHU_INSTALLATION of the processes that it belongs to."""
    host = models.CharField(max_length=255, blank=True, editable=False)
    """The host of their PUBLIC_URL."""
    place = models.CharField(max_length=100, blank=True, editable=False)
    """See ``core.installation.place``."""
    marked_at = models.DateTimeField(default=timezone.now, editable=False)
    """When an active process last said that it works with this database; every minute or so."""
    found_behind_at = models.DateTimeField(null=True, editable=False)
    """When a host noticed that it had seen the database in a later state."""
    adopted_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("installation")
        verbose_name_plural = _("installations")
        constraints = (models.CheckConstraint(name="installation_is_alone", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return self.name or str(self.identity)


class DatabaseAnchor(models.Model):
    """A row that is written when the database is made or adopted, and never otherwise: whatever else rewrites it is a
    restore. See ``core.installation.place``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("database anchor")
        verbose_name_plural = _("database anchors")
        constraints = (models.CheckConstraint(name="anchor_is_alone", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return "anchor"
