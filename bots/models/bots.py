"""Bots: for whom the portal speaks."""

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, Self, cast

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from bots.enums import GroupPolicy, PlatformName, TokenEndpoint, Transport, WebhookSecret
from bots.validators import validate_address, validate_proxy, validate_scopes
from core.access.visibility import OwnedQuerySet
from core.vault.fields import EncryptedField, encrypted_field
from core.vault.keyring import SealedValueError
from feishu.credentials import AppCredentials
from feishu.networks import EVERYWHERE, Networks
from feishu.outgoing import Route
from feishu.platforms import FEISHU, LARK, Platform
from feishu.proxies import proxy_address

if TYPE_CHECKING:
    from core.access.models import User

MAX_SLOTS = 50  # connections the platform allows per app


def platform_networks() -> Networks:
    """Where addresses that operators enter for a bot may lead."""
    return _parsed(tuple(settings.PLATFORM_NETWORKS))


@lru_cache(maxsize=4)
def _parsed(entries: tuple[str, ...]) -> Networks:
    return Networks.parse(entries, setting="FEISHU_PLATFORM_NETWORKS")


def default_scopes() -> list[str]:
    """Without ``offline_access`` the platform issues no refresh token and the grant dies after two hours; by the others the
    portal knows who authorized."""
    return ["offline_access", "auth:user.id:read", "contact:user.base:readonly"]


def arriving_by(transport: Transport) -> models.Q:
    """Bots whose events, callbacks or both arrive by ``transport``."""
    return models.Q(transport=transport) | models.Q(callback_transport=transport)


class BotQuerySet(OwnedQuerySet["Bot"]):
    owned_by = "owners"

    def enabled(self) -> Self:
        return self.filter(enabled=True)

    def by(self, transport: Transport) -> Self:
        """Bots whose events, callbacks or both arrive by ``transport``."""
        return self.filter(arriving_by(transport))

    def listening(self) -> Self:
        """Bots that should hold a long connection."""
        return self.enabled().by(Transport.WEBSOCKET).filter(connect=True)


def own_bot_ids(user: "User") -> tuple[uuid.UUID, ...] | None:
    """Ids of the bots that an operator sees; None for one who sees all."""
    return None if user.sees_everything else tuple(Bot.objects.visible_to(user).values_list("pk", flat=True))


class PresentBots(models.Manager["Bot"]):
    """Bots without those that are deleted and whose rows are only being cleared away."""

    def get_queryset(self) -> models.QuerySet["Bot"]:
        return super().get_queryset().filter(deleted_at=None)


class Bot(models.Model):
    """One app on the platform."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=100)
    app_id = models.CharField(
        _("App ID"),
        max_length=64,
        unique=True,
        validators=[RegexValidator(r"^cli_[0-9a-zA-Z]+$", _("An App ID looks like cli_a1b2c3d4e5f60718."))],
        help_text=_("Developer console → Credentials & basic info."),
    )
    platform = models.CharField(
        _("platform"), max_length=10, choices=PlatformName.choices, default=PlatformName.FEISHU
    )
    open_url = models.CharField(
        _("OpenAPI address"),
        max_length=200,
        blank=True,
        validators=[validate_address],
        help_text=_("Only for custom addresses."),
    )
    accounts_url = models.CharField(
        _("accounts address"),
        max_length=200,
        blank=True,
        validators=[validate_address],
        help_text=_("Only for custom addresses."),
    )
    browser_url = models.CharField(
        _("accounts address for browsers"),
        max_length=200,
        blank=True,
        validators=[validate_address],
        help_text=_(
            "Only where people's browsers reach the consent page at another address than the portal reaches the accounts "
            "address, e.g. because servers have to go through a gateway."
        ),
    )
    token_endpoint = models.CharField(
        _("token endpoint"), max_length=2, choices=TokenEndpoint.choices, default=TokenEndpoint.V3
    )
    app_secret = EncryptedField(_("App Secret"), bound_to="destination")
    encrypt_key = EncryptedField(_("Encrypt Key"))
    verification_token = EncryptedField(_("Verification Token"))
    next_encrypt_key = EncryptedField(_("next Encrypt Key"), bound_to="destination")
    next_verification_token = EncryptedField(_("next Verification Token"), bound_to="destination")
    """Valid beside the ones above while they are being replaced on the platform, see ``bots.webhook.rotation``."""
    rotation_ends_at = models.DateTimeField(null=True, editable=False)
    """Until when the next secrets are valid; None without any."""
    proxy_url = EncryptedField(_("proxy"), validators=[validate_proxy])
    transport = models.CharField(
        _("events arrive by"), max_length=10, choices=Transport.choices, default=Transport.WEBSOCKET
    )
    callback_transport = models.CharField(
        _("callbacks arrive by"),
        max_length=10,
        blank=True,
        choices=[("", _("The same way as events")), *Transport.choices],
        help_text=_(
            "Clicks on cards and the like. The developer console sets events and callbacks on two tabs: choose here what the "
            "callback tab says."
        ),
    )
    slot_count = models.PositiveSmallIntegerField(
        _("connections"), default=1, validators=[MinValueValidator(1), MaxValueValidator(MAX_SLOTS)]
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    connect = models.BooleanField(
        _("hold long connections"),
        default=True,
        help_text=_("Switch off to let another system receive this bot's events for a while."),
    )
    reconnect_asked_at = models.DateTimeField(null=True, editable=False)
    asked_by = models.CharField(max_length=200, blank=True, editable=False)
    """Who last switched the bot on or off, connected or disconnected it or changed how its events arrive."""
    asked_at = models.DateTimeField(null=True, editable=False)
    stale_after_minutes = models.PositiveIntegerField(
        _("events too old after"),
        default=30,
        help_text=_(
            "Minutes. Events that reach the portal later than that are stored but not handled. 0: never."
        ),
    )
    handlers_per_second = models.PositiveIntegerField(
        _("handlers a second"),
        default=0,
        help_text=_(
            "How many handlers may start for this bot in a second, on all workers together. 0: no limit."
        ),
    )
    open_id = models.CharField(max_length=64, blank=True, editable=False)
    """The bot's own open_id, by which mentions of it are told from those of others; empty until the platform was asked, see
    ``bots.identity``."""
    group_policy = models.CharField(
        _("answers in groups"),
        max_length=16,
        choices=GroupPolicy.choices,
        default=GroupPolicy.MENTIONED,
        help_text=_(
            "Which messages of a group are for the bot: its commands obey this, and handlers that ask for it. To receive every "
            "message the app needs the scope im:message.group_msg; one that mentions another bot alone is left to that bot."
        ),
    )
    has_group_exceptions = models.BooleanField(default=False, editable=False)
    """Whether there is a ``GroupException`` of the bot: without one, no message costs a query."""
    auth_scopes = models.JSONField(
        _("scopes to ask for"),
        default=default_scopes,
        validators=[validate_scopes],
        help_text=_("Permissions an authorization card asks for when nothing else is said."),
    )
    asks_by_device_code = models.BooleanField(
        _("consent by device code"),
        default=False,
        help_text=_(
            "People confirm on a page of Feishu, and the app needs no redirect URL. Bots added by QR code begin this way; switch "
            "it off once the redirect URL is registered in the developer console. Without PUBLIC_URL it is always so."
        ),
    )
    owners = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owners"),
        blank=True,
        related_name="bots",
        help_text=_(
            "Operators who see this bot, and those of them who manage it. Administrators and auditors see every bot."
        ),
    )
    event_retention_days = models.PositiveSmallIntegerField(
        _("keep events for"),
        null=True,
        blank=True,
        validators=[MinValueValidator(2)],
        help_text=_("Days, at least 2. Empty: as the portal is set up."),
    )
    deleted_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = PresentBots.from_queryset(BotQuerySet)()
    with_deleted = BotQuerySet.as_manager()

    class Meta:
        verbose_name = _("bot")
        verbose_name_plural = _("bots")
        ordering = ("name", "app_id")
        constraints = (
            models.CheckConstraint(
                name="bot_platform_known", condition=models.Q(platform__in=PlatformName.values)
            ),
            models.CheckConstraint(
                name="bot_transport_known", condition=models.Q(transport__in=Transport.values)
            ),
            models.CheckConstraint(
                name="bot_callback_transport_known",
                condition=models.Q(callback_transport__in=["", *Transport.values]),
            ),
            models.CheckConstraint(
                name="bot_group_policy_known", condition=models.Q(group_policy__in=GroupPolicy.values)
            ),
            models.CheckConstraint(
                name="bot_custom_has_addresses",
                condition=~models.Q(platform=PlatformName.CUSTOM)
                | (~models.Q(open_url="") & ~models.Q(accounts_url="")),
                violation_error_message=_("Custom addresses need both an OpenAPI and an accounts address."),
            ),
            models.CheckConstraint(
                name="bot_slot_count_in_range",
                condition=models.Q(slot_count__gte=1, slot_count__lte=MAX_SLOTS),
            ),
        )

    def __str__(self) -> str:
        return self.name

    def has_secret(self, secret: WebhookSecret) -> bool:
        """Whether there is a current one, without opening it."""
        return encrypted_field(Bot, secret.value).is_set(self)

    @property
    def next_secrets(self) -> list[WebhookSecret]:
        """Which secrets have a next one; opens none."""
        return [one for one in WebhookSecret if encrypted_field(Bot, one.next_field).is_set(self)]

    @property
    def callbacks_by(self) -> Transport:
        """How callbacks arrive, chosen or the way of events."""
        return Transport(self.callback_transport or self.transport)

    @property
    def uses_connection(self) -> bool:
        """Whether events, callbacks or both arrive by long connection."""
        return Transport.WEBSOCKET in {self.transport, self.callbacks_by}

    @property
    def uses_webhook(self) -> bool:
        """Whether events, callbacks or both arrive by webhook."""
        return Transport.WEBHOOK in {self.transport, self.callbacks_by}

    @property
    def addresses(self) -> Platform:
        """Where the platform is reached for this bot."""
        endpoint = cast("Literal['v3', 'v2', 'v1']", self.token_endpoint)
        if self.platform == PlatformName.CUSTOM:
            return Platform(self.open_url, self.accounts_url, endpoint, self.browser_url)
        brand = LARK if self.platform == PlatformName.LARK else FEISHU
        return Platform(brand.open_url, brand.accounts_url, endpoint)

    @property
    def destination(self) -> str:
        """Whom the app's secrets and its users' tokens are sealed for; after a change of it, none of the old ones opens.

        A brand, or the addresses that secrets are sent to; and the proxy where it would read along, because one of the
        addresses is plain http. Not the version of the token endpoint, which is at one of these addresses.
        """
        if self.platform != PlatformName.CUSTOM:
            return self.platform
        addresses = [self.open_url.rstrip("/"), self.accounts_url.rstrip("/")]
        if any(address.lower().startswith("http:") for address in addresses):
            addresses += self._proxy_that_reads_along()
        return " ".join(addresses)

    def _proxy_that_reads_along(self) -> list[str]:
        """The proxy's address, if there is one. One that no key opens is none that anything would be sent through."""
        try:
            return [f"via {proxy_address(self.proxy_url)}"] if self.proxy_url else []
        except SealedValueError:
            return ["via ?"]

    @property
    def credentials(self) -> AppCredentials:
        """What the client layer needs to act as this app; opens the App Secret and the proxy."""
        return AppCredentials(
            self.app_id,
            self.app_secret,
            self.addresses,
            self.proxy_url,
            networks=self.route.networks,
            proxy_networks=self.route.proxy_networks,
            tells_proxy_errors=self.route.tells_proxy_errors,
        )

    @property
    def route(self) -> Route:
        """The way of this bot's requests; opens the proxy. Errors do not say how the proxy failed: an owner may type any."""
        typed = platform_networks()
        return Route(
            self.proxy_url,
            typed if self.platform == PlatformName.CUSTOM else EVERYWHERE,
            typed,
            tells_proxy_errors=False,
        )

    @property
    def redirect_uri(self) -> str:
        """The redirect URL to register in the developer console; empty without PUBLIC_URL."""
        return f"{settings.PUBLIC_URL}/oauth/callback/{self.app_id}/" if settings.PUBLIC_URL else ""

    @property
    def webhook_url(self) -> str:
        """The request URL to enter in the developer console; empty without PUBLIC_URL."""
        return f"{settings.PUBLIC_URL}/api/feishu/webhook/{self.app_id}" if settings.PUBLIC_URL else ""
