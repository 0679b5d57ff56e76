"""Agents that people connected themselves, by OAuth: which of them there are, and what each of them may be shown."""

import uuid
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from auth_sessions.enums import AgentEnd, AgentTokenKind
from bots.models import Bot
from core.access.actors import MAX_LENGTH as MAX_ACTOR
from core.access.models import ApiClient
from core.access.visibility import OwnedQuerySet
from core.remote_address import MAX_LENGTH as MAX_ADDRESS
from core.vault.fields import EncryptedField
from feishu.oauth import MAX_ID

MAX_AGENT_NAME = 60
"""Characters of what an agent calls itself that are kept."""


class AgentAccess(models.Model):
    """Whether people may connect agents by themselves, through which bot, and under whose rules. One row at most; without one
    nobody may."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    enabled = models.BooleanField(
        _("people may connect agents"),
        default=False,
        help_text=_("While this is off, no agent connects, and those that are connected are refused."),
    )
    bot = models.ForeignKey(
        Bot,
        verbose_name=_("bot"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_(
            "People sign in through this bot, and agents act for them with what they have allowed it."
        ),
    )
    client = models.ForeignKey(
        ApiClient,
        verbose_name=_("API client with the rules"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_(
            "Its rules for calls hold for every agent that a person connects, and only as that person. It needs the scope "
            "proxy:user, and auth:create so that agents can hand out links to what is missing. Its key is not needed."
        ),
    )
    updated_at = models.DateTimeField(auto_now=True, editable=False)

    class Meta:
        default_permissions = ("add", "change", "view")
        verbose_name = _("access of agents")
        verbose_name_plural = _("access of agents")
        constraints = (models.CheckConstraint(name="agent_access_is_alone", condition=models.Q(id=1)),)

    def __str__(self) -> str:
        return str(_("Access of agents"))


class AgentRegistration(models.Model):
    """A program that registered itself (RFC 7591); its key is its ``client_id``. It has no secret: whoever may register can have
    one, so it would prove nothing. What it says of itself is shown to the person who is asked, and believed by nobody."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=MAX_AGENT_NAME, blank=True, editable=False)
    redirect_uris = models.JSONField(default=list, editable=False)
    address = models.CharField(max_length=MAX_ADDRESS, blank=True, editable=False)
    registered_at = models.DateTimeField(default=timezone.now, db_index=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("registration of an agent")
        verbose_name_plural = _("registrations of agents")

    def __str__(self) -> str:
        return self.name or str(self.id)


class ConnectedAgentQuerySet(OwnedQuerySet["ConnectedAgent"]):
    def live(self) -> Self:
        """Agents that may act, as far as it is theirs to say."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now())


class ConnectedAgent(models.Model):
    """A person's consent that one agent acts as them with one bot; all its tokens end with it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(
        AgentRegistration, on_delete=models.CASCADE, related_name="agents", editable=False
    )
    name = models.CharField(_("agent"), max_length=MAX_AGENT_NAME, blank=True, editable=False)
    """What it called itself when the person was asked."""
    redirect_host = models.CharField(_("came from"), max_length=255, editable=False)
    bot = models.ForeignKey(
        Bot,
        verbose_name=_("bot"),
        db_index=False,  # agent_of_person begins with it
        on_delete=models.CASCADE,
        related_name="+",
        editable=False,
    )
    tenant_key = models.CharField(_("tenant"), max_length=MAX_ID, blank=True, editable=False)
    open_id = models.CharField(_("person"), max_length=MAX_ID, editable=False)
    connected_at = models.DateTimeField(_("connected"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    expires_at = models.DateTimeField(_("ends"), db_index=True, editable=False)
    """When its refresh token ends, which every refresh puts off; or when it was ended."""
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    end = models.CharField(_("reason"), max_length=8, choices=AgentEnd.choices, blank=True, editable=False)
    ended_by = models.CharField(_("ended by"), max_length=MAX_ACTOR, blank=True, editable=False)

    objects = ConnectedAgentQuerySet.as_manager()

    class Meta:
        default_permissions = ("view",)
        verbose_name = _("connected agent")
        verbose_name_plural = _("connected agents")
        ordering = ("-connected_at",)
        indexes = (
            models.Index(name="agent_newest", fields=("-connected_at", "-id")),
            models.Index(name="agent_of_person", fields=("bot", "open_id", "-connected_at")),
        )
        constraints = (
            models.CheckConstraint(
                name="agent_end_known", condition=models.Q(end="") | models.Q(end__in=AgentEnd.values)
            ),
            models.CheckConstraint(
                name="agent_end_has_time",
                condition=models.Q(end="", ended_at=None) | (~models.Q(end="") & ~models.Q(ended_at=None)),
            ),
        )

    def __str__(self) -> str:
        return self.name or str(self.id)

    @property
    def is_live(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()


class AgentConsent(models.Model):
    """An agent's request to act as whoever signs in: from the agent's link to the platform and back, to the person's answer, to
    the code that the agent redeems. Minutes."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    registration = models.ForeignKey(
        AgentRegistration, on_delete=models.CASCADE, related_name="+", editable=False
    )
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="+", editable=False)
    redirect_uri = models.TextField(editable=False)
    is_redirect_named = models.BooleanField(editable=False)
    """The request named it; then the code is redeemed with it as well."""
    agent_state = models.TextField(blank=True, editable=False)
    """What the agent wants back as it is; opaque."""
    challenge = models.CharField(max_length=43, editable=False)
    """The agent's, of PKCE: S256 of its verifier."""
    browser_hash = models.CharField(max_length=64, editable=False)
    state_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 -- unique when set
    """Of the state that comes back from the platform; None once it did."""
    code_verifier = EncryptedField(bound_to="bot.destination", editable=False)
    """The portal's own, towards the platform."""
    tenant_key = models.CharField(max_length=MAX_ID, blank=True, editable=False)
    open_id = models.CharField(max_length=MAX_ID, blank=True, editable=False)
    """Who signed in; empty before."""
    person_name = models.CharField(max_length=200, blank=True, editable=False)
    code_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 -- unique when set
    agent = models.ForeignKey(
        ConnectedAgent, null=True, on_delete=models.CASCADE, related_name="+", editable=False
    )
    """What the code was redeemed for; who shows it again ends that."""
    expires_at = models.DateTimeField(db_index=True, editable=False)

    class Meta:
        default_permissions = ()
        verbose_name = _("request of an agent")
        verbose_name_plural = _("requests of agents")

    def __str__(self) -> str:
        return str(self.id)


class AgentToken(models.Model):
    """A token of a connected agent; only its digest is stored. A refresh token that was used stays until its end: whoever shows
    it again, the agent or a thief, ends the agent."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    agent = models.ForeignKey(ConnectedAgent, on_delete=models.CASCADE, related_name="tokens", editable=False)
    kind = models.CharField(max_length=7, choices=AgentTokenKind.choices, editable=False)
    expires_at = models.DateTimeField(db_index=True, editable=False)
    used_at = models.DateTimeField(null=True, editable=False)
    """When a refresh token was exchanged."""

    class Meta:
        default_permissions = ()
        verbose_name = _("token of an agent")
        verbose_name_plural = _("tokens of agents")
        constraints = (
            models.CheckConstraint(
                name="agent_token_kind_known", condition=models.Q(kind__in=AgentTokenKind.values)
            ),
        )

    def __str__(self) -> str:
        return self.get_kind_display()
