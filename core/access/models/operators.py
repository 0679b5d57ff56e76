"""Operators of the console, how they sign in, and the sessions of their browsers."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.access.roles import MANAGING, SEEING_EVERYTHING, Role, allows
from core.remote_address import MAX_LENGTH as MAX_ADDRESS


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
