"""What a sandbox is made of: its apps, its people, its limits. Shapes of the control API as well."""

import re
import secrets
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

APP_ID = re.compile(r"^cli_[0-9a-f]{16}$")
TENANT_KEY = "1a2b3c4d5e6f7081"

AppId: TypeAlias = Annotated[str, Meta(pattern=APP_ID.pattern)]
PersonId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Mode: TypeAlias = Literal["websocket", "webhook"]
Seconds: TypeAlias = Annotated[int, Meta(ge=1)]

DEFAULT_SCOPES = (
    "offline_access",
    "auth:user.id:read",
    "auth:user_access_token:read",
    "contact:user.base:readonly",
    "contact:user.employee_id:readonly",
    "contact:user.email:readonly",
    "contact:contact.base:readonly",
    "im:message",
    "im:message:send_as_bot",
    "im:message.p2p_msg:readonly",
    "im:message.group_at_msg:readonly",
    "im:chat:read",
    "im:chat:create",
    "im:chat.members:write_only",
    "im:resource",
    "cardkit:card:write",
    "event:ip_list",
    "docx:document:readonly",
    "drive:drive:readonly",
    "calendar:calendar:readonly",
    "task:task:read",
    "application:application:self_manage",
    "app_engine:apps:read",
    "app_engine:workspace.table:read",
    "app_engine:workspace.table.record:read",
    "app_engine:workspace.table.record:write",
    "app_engine:workspace.sql_commands:write",
)


class ClientConfig(Struct, forbid_unknown_fields=True, frozen=True):
    """What discovery and pongs tell a client of the long connection; seconds but for `ReconnectCount`."""

    ReconnectCount: int = -1
    ReconnectInterval: int = 120
    ReconnectNonce: int = 30
    PingInterval: int = 120


class MenuEntry(Struct, forbid_unknown_fields=True, kw_only=True):
    """An entry of a bot's menu that pushes `application.bot.menu_v6`."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    event_key: Annotated[str, Meta(min_length=1, max_length=30)]


class AppConfig(Struct, forbid_unknown_fields=True, kw_only=True):
    """An app as its developer console shows it. Lifetimes are seconds."""

    app_id: AppId
    app_secret: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(24))
    name: str = "测试应用"
    en_name: str = "Test App"
    tenant_key: str = TENANT_KEY
    scopes: list[str] = msgspec.field(default_factory=lambda: list(DEFAULT_SCOPES))
    redirect_urls: list[str] = []
    enabled: bool = True
    bot_enabled: bool = True
    owner: PersonId | None = None
    """Who created the app and owns it; None is the first person of the sandbox."""
    available_to: list[PersonId] | None = None
    """Who may use the app; None is everybody in its tenant."""

    mode: Mode = "websocket"
    webhook_url: str = ""
    callback_url: str = ""
    """Where callbacks go in webhook mode; `webhook_url` unless set."""
    callback_mode: Mode | None = None
    """How callbacks reach the app, when not as events do."""
    callbacks: list[str] = msgspec.field(default_factory=lambda: ["card.action.trigger"])
    """The subscribed callbacks, as `callback_info` lists them."""
    callback_info: Literal["shown", "null", "absent"] = "shown"
    """Whether "Obtain app info" tells of callbacks; the platform leaves it out when none is subscribed."""
    encrypt_key: str = ""
    verification_token: str = msgspec.field(default_factory=lambda: secrets.token_hex(16))
    menu: list[MenuEntry] = []
    """The bot's menu in the chat."""
    events: list[str] | None = None
    """The subscribed event types; None is all of them."""
    ordered_events: list[str] = []
    """Types of which a later event waits for the earlier one."""
    max_connections: Annotated[int, Meta(ge=0)] = 50
    client_config: ClientConfig = ClientConfig()

    tenant_token_lifetime: Seconds = 7200
    access_token_lifetime: Seconds = 7200
    refresh_token_lifetime: Seconds = 604800
    refresh_enabled: bool = True
    """The console's switch "refresh user_access_token"."""
    replayed_refresh_code: Literal[20064, 20073] = 20073
    assertion_key: str = ""
    """Public key (PEM, RSA or P-256) of the client assertions that are taken in the place of the secret; "" takes none."""
    assertion_issuer: str = ""
    """Their `iss`; "" is any. `assertion_subject` likewise for `sub`."""
    assertion_subject: str = ""
    device_code_lifetime: Seconds = 240
    device_interval: Annotated[int, Meta(ge=0)] = 5


class PersonConfig(Struct, forbid_unknown_fields=True, kw_only=True):
    """Somebody with a Feishu account. `id` is the tenant's own user id as well."""

    id: PersonId
    name: str
    en_name: str = ""
    tenant_key: str = TENANT_KEY
    tenant_brand: Literal["feishu", "lark"] = "feishu"
    status: Literal["active", "resigned", "frozen"] = "active"
    departments: list[str] = []
    """Ids of the departments that the person is in directly; none: in the company itself."""


class DepartmentConfig(Struct, forbid_unknown_fields=True, kw_only=True):
    """A department of the sandbox's company; `parent` is another one's id, or the company, "0"."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    name: str
    en_name: str = ""
    parent: str = "0"


def default_people() -> list[PersonConfig]:
    return [
        PersonConfig(id="lilei", name="李雷", en_name="Li Lei", departments=["backend"]),
        PersonConfig(id="hanmeimei", name="韩梅梅", en_name="Han Meimei", departments=["engineering"]),
        PersonConfig(id="wangfang", name="王芳", en_name="Wang Fang"),
    ]


def default_departments() -> list[DepartmentConfig]:
    return [
        DepartmentConfig(id="engineering", name="研发部", en_name="Engineering"),
        DepartmentConfig(id="backend", name="后端组", en_name="Backend", parent="engineering"),
        DepartmentConfig(id="marketing", name="市场部", en_name="Marketing"),
    ]


class SandboxConfig(Struct, forbid_unknown_fields=True, kw_only=True):
    """A whole sandbox."""

    apps: list[AppConfig] = []
    people: Annotated[list[PersonConfig], Meta(min_length=1)] = msgspec.field(default_factory=default_people)
    departments: list[DepartmentConfig] = msgspec.field(default_factory=default_departments)
    speed: Annotated[float, Meta(gt=0)] = 1.0
    """How many times faster than on the platform a failed event is pushed again."""
    ack_deadline: Annotated[float, Meta(gt=0)] = 3.0
    rate_limits: bool = True
    registration_lifetime: Seconds = 600
    registration_interval: Annotated[int, Meta(ge=0)] = 5
    """How long an app registration waits, and how long its program waits between polls."""
    portal_url: str = ""
    """Where the portal is whose bots the apps are, if there is one: pushed events are linked to its pages."""
    hosts: list[str] = []
    """Names besides `localhost` under which the control API may be called, as those of `--allow-host`."""
    keep_calls: Annotated[int, Meta(ge=1)] = 500
    keep_deliveries: Annotated[int, Meta(ge=1)] = 100_000


DEMO_APP_ID = "cli_a5d0feed5a4db0c5"
# The secret of an app that exists in this process alone.
DEMO_APP_SECRET = "sandbox-demo-secret-of-the-portal"  # noqa: S105 -- see above


def demo_app(redirect_urls: list[str]) -> AppConfig:
    """The app that the portal's demonstration speaks for."""
    return AppConfig(
        app_id=DEMO_APP_ID,
        app_secret=DEMO_APP_SECRET,
        name="飞书门户演示",
        en_name="Feishu Portal Demo",
        redirect_urls=redirect_urls,
        verification_token="sandbox-demo-verification-token",  # noqa: S106 - see the secret above
    )
