"""Operators, API clients and the audit log; the key canary, and which installation the database belongs to."""

import hashlib
import uuid
from collections.abc import Iterable
from importlib import import_module
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access.roles import MANAGING, SEEING_EVERYTHING, Role, allows
from core.access.scopes import Scope
from core.access.visibility import OwnedQuerySet
from core.remote_address import MAX_LENGTH as MAX_ADDRESS
from core.vault.fields import EncryptedField

MAX_FACTOR_NAME = 60
"""Characters of what an operator calls an authenticator app or a passkey."""


class SignInMethod(models.TextChoices):
    """How an operator has signed in."""

    PASSWORD = "password", _("Password")
    SECOND_FACTOR = "second_factor", _("Password and second factor")
    PASSKEY = "passkey", _("Passkey")
    FEISHU = "feishu", _("Feishu account")
    SETUP_LINK = "setup_link", _("Setup link")


class Operators(UserManager["User"]):
    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **more: Any
    ) -> "User":
        """As Django's command calls it: what it knows as an administrator is an administrator here."""
        return super().create_superuser(username, email, password, **more, role=Role.ADMINISTRATOR)


class User(AbstractUser):
    """An operator of the console, and how to reach them when one of their bots needs a person.

    ``role`` decides what the operator sees and does; without one nobody gets into the console. Django's ``is_staff`` and
    ``is_superuser`` follow from it, and its groups and permissions are not used.
    """

    role = models.CharField(
        _("role"),
        max_length=13,
        blank=True,
        choices=Role.choices,
        help_text=_(
            "Administrators see and manage everything. Operators add bots, and manage those they own. Auditors see "
            "everything, the audit log and the use of tokens included, and change nothing. Viewers see the bots they are "
            "given, and change nothing."
        ),
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Of the messages about this operator's bots; the portal's own when empty."),
    )
    feishu_address = models.CharField(
        _("Feishu account"),
        max_length=100,
        blank=True,
        help_text=_(
            "Where the portal's bots may write about bots that need a person: the e-mail address of the Feishu account, "
            "its union_id (on_…) or user_id, or the chat_id (oc_…) of a group that the bots are in."
        ),
    )

    objects = Operators()  # type: ignore[misc]  # the stubs take it for one of each row

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        constraints = (
            models.CheckConstraint(
                name="user_flags_follow_role",
                condition=models.Q(role=Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
                | models.Q(
                    role__in=(Role.OPERATOR, Role.AUDITOR, Role.VIEWER), is_staff=True, is_superuser=False
                )
                | models.Q(role="", is_staff=False, is_superuser=False),
            ),
        )

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **named: Any) -> None:
        """With the flags of Django's that follow from the role."""
        self.is_staff, self.is_superuser = bool(self.role), self.role == Role.ADMINISTRATOR
        if update_fields is not None and "role" in update_fields:
            update_fields = {*update_fields, "is_staff", "is_superuser"}
        super().save(*args, update_fields=update_fields, **named)

    @property
    def sees_everything(self) -> bool:
        """Whether rows of all bots are visible, and those of the whole portal."""
        return self.is_active and self.role in SEEING_EVERYTHING

    @property
    def may_manage(self) -> bool:
        """Whether the operator may change what they see."""
        return self.is_active and self.role in MANAGING

    def has_perm(self, perm: str, obj: object = None) -> bool:  # noqa: ARG002 -- Django's signature
        """By the role alone."""
        return allows(self, perm)

    def has_module_perms(self, app_label: str) -> bool:  # noqa: ARG002 -- Django's signature
        """Every app has pages for every role; what is on them is decided by model."""
        return self.is_active and bool(self.role)


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


class SignInAttempts(models.Model):
    """How often a password was tried lately for one name, from one address or from one browser. Kept a day."""

    subject = models.CharField(primary_key=True, max_length=160, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    last_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)
    blocked_until = models.DateTimeField(null=True, editable=False)
    refusal_noted = models.BooleanField(default=False, editable=False)
    """The audit log has a refusal of the present pause."""

    class Meta:
        verbose_name = _("attempts to sign in")
        verbose_name_plural = _("attempts to sign in")

    def __str__(self) -> str:
        return self.subject


class OperatorSession(AbstractBaseSession):
    """A browser's session; ``session_key`` is the digest of its key. The columns beside Django's are written by
    ``core.access.sessions`` when an operator signs in, and stay empty before."""

    user = models.ForeignKey(
        User, null=True, on_delete=models.CASCADE, related_name="sessions", editable=False
    )
    method = models.CharField(max_length=20, choices=SignInMethod.choices, blank=True, editable=False)
    address = models.CharField(max_length=MAX_ADDRESS, blank=True, editable=False)
    browser = models.CharField(max_length=300, blank=True, editable=False)
    """The User-Agent header."""
    started_at = models.DateTimeField(null=True, editable=False)
    seen_at = models.DateTimeField(null=True, editable=False)
    """When a page was last asked for; a tenth of the idle time behind at most."""

    class Meta:
        default_permissions = ()
        verbose_name = _("session of an operator")
        verbose_name_plural = _("sessions of operators")

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class TotpDevice(models.Model):
    """An authenticator app of an operator; without ``confirmed_at`` it waits for its first code. See
    ``core.access.second_factors.totp``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="totp_devices", editable=False)
    name = models.CharField(_("name"), max_length=MAX_FACTOR_NAME, blank=True)
    secret = EncryptedField(editable=False)
    last_step = models.BigIntegerField(default=0, editable=False)
    """The time step of the last code that was accepted: that one and earlier ones are not accepted again."""
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    confirmed_at = models.DateTimeField(null=True, db_index=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")

    def __str__(self) -> str:
        return self.name


class Passkey(models.Model):
    """A passkey of an operator. What is stored opens nothing: it is the public key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passkeys", editable=False)
    name = models.CharField(_("name"), max_length=MAX_FACTOR_NAME)
    credential_id = models.CharField(max_length=1400, unique=True, editable=False)
    """As base64url; 1,023 bytes at most."""
    public_key = models.BinaryField(editable=False)
    sign_count = models.BigIntegerField(default=0, editable=False)
    """What the authenticator said last; 0 for ever of those that do not count."""
    user_handle = models.BinaryField(max_length=64, editable=False)
    """Random, the same for all passkeys of an operator: authenticators show one entry for each."""
    host = models.CharField(max_length=255, editable=False)
    """The host name that it works for."""
    synced = models.BooleanField(default=False, editable=False)
    """Whether its provider keeps copies on other devices."""
    created_at = models.DateTimeField(auto_now_add=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("passkey")
        verbose_name_plural = _("passkeys")

    def __str__(self) -> str:
        return self.name


class PasskeyChallenge(models.Model):
    """A challenge that a browser is to sign: for one purpose, in one session, once, within minutes."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    session = models.CharField(max_length=40, editable=False)
    """The stored key of the session."""
    purpose = models.CharField(max_length=20, editable=False)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+", editable=False)
    user_handle = models.BinaryField(max_length=64, default=b"", editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("passkey challenge")
        verbose_name_plural = _("passkey challenges")
        indexes = (models.Index(name="challenge_of_session", fields=("session", "purpose")),)

    def __str__(self) -> str:
        return self.purpose


class RecoveryCode(models.Model):
    """One of the codes that stand in for a second factor, once each."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="recovery_codes", editable=False)
    digest = models.CharField(max_length=64, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        constraints = (models.UniqueConstraint(name="recovery_code_once", fields=("user", "digest")),)

    def __str__(self) -> str:
        return "recovery code"


class SetupLink(models.Model):
    """The link by which the first operator is made; none where there is an operator. See ``core.access.setup_link``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    expires_at = models.DateTimeField(editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("setup link")
        verbose_name_plural = _("setup links")
        constraints = (models.CheckConstraint(name="setup_link_is_alone", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return "setup link"


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
    """A row that is written when the database is made or adopted, and never otherwise: whatever else writes it anew is a
    restore. See ``core.installation.place``."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("database anchor")
        verbose_name_plural = _("database anchors")
        constraints = (models.CheckConstraint(name="anchor_is_alone", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return "anchor"
