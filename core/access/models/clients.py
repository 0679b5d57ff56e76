"""Internal systems that call the API, by their keys."""

import hashlib
import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access.scopes import Scope


class ApiClientQuerySet(models.QuerySet["ApiClient"]):
    def usable(self) -> "ApiClientQuerySet":
        """Clients that are enabled and not expired."""
        return self.filter(models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()), enabled=True)

    def with_key(self, key: str) -> "ApiClientQuerySet":
        """The client that holds ``key``; only the hash is stored, so the look-up is by hash."""
        return self.filter(key_hash=hashlib.sha256(key.encode()).hexdigest())


class ApiClient(models.Model):
    """An internal system that calls the API with a key of the form ``fp_<prefix>_<secret>``."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    prefix = models.CharField(_("key prefix"), max_length=16, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(_("scopes"), default=list, help_text=_("What this client may do."))
    all_bots = models.BooleanField(_("all bots"), default=False)
    bot_ids = models.JSONField(default=list, blank=True, editable=False)
    """The keys of the bots this client may act for, unless it may for all, as text. In the row itself: who has a copy of it
    sees by its version when they change."""
    proxy_paths = models.JSONField(
        _("calls by the proxy"),
        default=list,
        blank=True,
        help_text=_("Calls this client may send by the proxy; every call if there are none."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = ApiClientQuerySet.as_manager()

    class Meta:
        verbose_name = _("API client")
        verbose_name_plural = _("API clients")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def may(self, scope: Scope) -> bool:
        """Whether the client holds ``scope``."""
        return scope.value in self.scopes

    def may_use(self, bot_id: uuid.UUID) -> bool:
        """Whether the client may act for the bot with this key."""
        return self.all_bots or str(bot_id) in self.bot_ids
