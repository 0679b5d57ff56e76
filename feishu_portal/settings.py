"""Django settings. What an operator may set stands in ``environment.py``; the rest is the product's own choice."""

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from feishu_portal.environment import BASE_DIR, database, env, made_once
from feishu_portal.logs import logging_config

if TYPE_CHECKING:
    from django.http import HttpRequest

django_stubs_ext.monkeypatch()

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = BASE_DIR / env.str("DATA_DIR", default="data")
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

# --- secrets

SECRET_KEY = made_once("SECRET_KEY", DATA_DIR / "secret_key", debug=DEBUG)
ENCRYPTION_KEYS = [
    key.strip()
    for key in made_once("ENCRYPTION_KEYS", DATA_DIR / "encryption_key", debug=DEBUG).split(",")
    if key.strip()
]

# --- where the portal is reached

PUBLIC_URL: str = env.str("PUBLIC_URL", default="").rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[])
if not ALLOWED_HOSTS:
    ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *([_public.hostname] if _public.hostname else [])]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if _public.netloc else []

HTTPS = _public.scheme == "https"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_NAME = "feishu_portal_session"
CSRF_COOKIE_NAME = "feishu_portal_csrf"
LANGUAGE_COOKIE_NAME = "feishu_portal_language"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DEFAULT_EXCEPTION_REPORTER_FILTER = "feishu_portal.error_pages.WithoutVariables"

# Strict everywhere; Unfold's Alpine needs eval, which the console's own middleware allows under /admin/ alone.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        # Not every browser counts sockets of the same host as "self".
        "connect-src": [
            SELF,
            *([f"{'wss' if HTTPS else 'ws'}://{_public.netloc}"] if _public.netloc else []),
        ],
    }
}
CONSOLE_CSP = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}

# --- applications

INSTALLED_APPS = [
    "feishu_portal.apps.PortalConfig",
    "core.access",
    "bots",
    "events",
    "auth_sessions",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "feishu_portal.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "ninja",
    "servestatic",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.console.policy.ConsolePolicyMiddleware",
]

ROOT_URLCONF = "feishu_portal.urls"
ASGI_APPLICATION = "feishu_portal.asgi.application"
AUTH_USER_MODEL = "access.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
        },
    },
]

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = reverse_lazy("admin:login")

# --- data

DATABASES = {"default": database(DATA_DIR, shared=os.environ.get("PORTAL_PROCESS") == "web")}
REDIS_URL: str = env.str("REDIS_URL", default="")
SILENCED_SYSTEM_CHECKS = [
    "models.W040"
]  # SQLite has no covering indexes: there the same queries read the table, too

# --- languages

LANGUAGE_CODE = env.str("LANGUAGE_CODE", default="zh-hans")
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.str("TIME_ZONE", default="Asia/Shanghai")
USE_TZ = True

# --- static files: served from where the packages keep them, so that there is no collecting step to forget

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static" / "collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = False

# --- background work: the database is the truth, a task message is a hint (so no results, no eta, short publishing)

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_timeout": 5, "socket_connect_timeout": 2} if REDIS_URL else {"polling_interval": 0.01}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {"auth_sessions.refresh_*": {"queue": "token_refresh"}}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Every task is short and bounded by itself. A prefork worker whose process stands still all the same is replaced.
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"
SWEEP_SECONDS = env.float("FEISHU_SWEEP_SECONDS", default=5.0)
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS * 4}}
    for name in ("events.sweep", "events.sweep_deliveries", "events.replay", "bots.clear_away", "auth_sessions.sweep", "auth_sessions.refresh_due")
} | {
    "bots.watch": {"task": "bots.watch", "schedule": 15.0, "options": {"expires": 60.0}},
    "events.prune": {"task": "events.prune", "schedule": 3600.0, "options": {"expires": 3600.0}},
    "bots.prune": {"task": "bots.prune", "schedule": 3600.0, "options": {"expires": 3600.0}},
    "auth_sessions.prune_uses": {
        "task": "auth_sessions.prune_uses", "schedule": 3600.0, "options": {"expires": 3600.0},
    }
}  # fmt: skip

# --- live pages: hints between processes; without Redis the pages hear those of their own process, and look themselves

CHANNEL_LAYERS = (
    {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_connect_timeout": 2, "socket_timeout": 10}],
                "prefix": "feishu_portal",
                "expiry": 10,
                "group_expiry": 120,
            },
        }
    }
    if REDIS_URL
    else {}
)

# --- the product's tunables

FEISHU_HANDLERS = env.list("FEISHU_HANDLERS", default=[])
EVENT_RETENTION_DAYS = env.int("FEISHU_EVENT_RETENTION_DAYS", default=30)
FAILED_EVENT_RETENTION_DAYS = env.int("FEISHU_FAILED_EVENT_RETENTION_DAYS", default=90)
IGNORED_EVENT_RETENTION_DAYS = env.int("FEISHU_IGNORED_EVENT_RETENTION_DAYS", default=7)
TOKEN_USE_DAYS = env.int("FEISHU_TOKEN_USE_DAYS", default=90)
AUTH_SESSION_MINUTES = env.int("FEISHU_AUTH_SESSION_MINUTES", default=30)
RECONCILE_SECONDS = env.float("FEISHU_RECONCILE_SECONDS", default=2.0)
ALERT_SECONDS = env.float("FEISHU_ALERT_SECONDS", default=120.0)
PLATFORM_LOOK_MINUTES = env.float("FEISHU_PLATFORM_LOOK_MINUTES", default=30.0)
LEASE_SECONDS = env.float("FEISHU_LEASE_SECONDS", default=6.0)
REFRESH_LEASE_SECONDS = env.float("FEISHU_REFRESH_LEASE_SECONDS", default=45.0)
REFRESH_PER_SECOND = env.float("FEISHU_REFRESH_PER_SECOND", default=15.0)
RETRY_SECONDS = env.float("FEISHU_RETRY_SECONDS", default=60.0)
MAX_CONNECTIONS = env.int("FEISHU_MAX_CONNECTIONS", default=500)
HANDLER_TRIES = env.int("FEISHU_HANDLER_TRIES", default=5)
PROXY_CALLS = env.int("FEISHU_PROXY_CALLS", default=256)
PROXY_CLIENT_CALLS = env.int("FEISHU_PROXY_CLIENT_CALLS", default=64)
HANDLER_SECONDS = env.float("FEISHU_HANDLER_SECONDS", default=60.0)
HANDLER_THREADS = env.int("FEISHU_HANDLER_THREADS", default=16)
DELIVERY_NETWORKS = env.list("FEISHU_DELIVERY_NETWORKS", default=["public"])
DELIVERY_CALLS = env.int("FEISHU_DELIVERY_CALLS", default=64)
DELIVERY_KEEP_DAYS = env.int("FEISHU_DELIVERY_KEEP_DAYS", default=7)
CALLBACK_THREADS = env.int("FEISHU_CALLBACK_THREADS", default=64)
WEBHOOK_MAX_BYTES = env.int("FEISHU_WEBHOOK_MAX_BYTES", default=1_048_576)
WEBHOOK_REQUESTS = env.int("FEISHU_WEBHOOK_REQUESTS", default=512)
WEBHOOK_BOT_REQUESTS = env.int("FEISHU_WEBHOOK_BOT_REQUESTS", default=128)

# --- e-mail, for notices to operators; nothing sends it while a page waits

EMAIL_IS_SET_UP = bool(env.str("EMAIL_URL", default=""))
vars().update(env.email_url("EMAIL_URL", default="consolemail://" if DEBUG else "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="feishu-portal@localhost")

# --- logs

LOGGING_CONFIG = None
logging_config(
    level=env.str("LOG_LEVEL", default="INFO").upper(),
    as_json=env.str("LOG_FORMAT", default="console") == "json",
)

# --- console


def _by_superuser(request: "HttpRequest") -> bool:
    return bool(getattr(request.user, "is_superuser", False))


UNFOLD = {
    "SITE_TITLE": _("Feishu Portal"),
    "SITE_HEADER": _("Feishu Portal"),
    "SITE_SUBHEADER": _("Bots, events and authorizations"),
    "SITE_SYMBOL": "hub",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("portal/icon.svg")}],
    "STYLES": [
        lambda _request: static("portal/console.css"),
        lambda _request: static("portal/overview.css"),
        lambda _request: static("portal/events.css"),
    ],
    "SCRIPTS": [lambda _request: static("portal/console.js")],
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "8px",
    "DASHBOARD_CALLBACK": "feishu_portal.overview.dashboard.fill",
    "COLORS": {
        "primary": {
            "50": "239 244 255", "100": "219 230 254", "200": "191 211 254", "300": "147 180 253",
            "400": "96 141 250", "500": "51 112 255", "600": "36 91 219", "700": "29 72 184",
            "800": "30 58 138", "900": "30 50 102", "950": "23 33 66",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "items": [
                    {"title": _("Overview"), "icon": "space_dashboard", "link": reverse_lazy("admin:index")},
                ],
            },
            {
                "title": _("Bots"),
                "items": [
                    {"title": _("Bots"), "icon": "smart_toy", "link": reverse_lazy("admin:bots_bot_changelist")},
                    {"title": _("Connections"), "icon": "cable", "link": reverse_lazy("connections")},
                    {"title": _("Lost connections"), "icon": "link_off", "link": reverse_lazy("admin:bots_connectionloss_changelist")},
                    {"title": _("Incidents"), "icon": "emergency_home", "link": reverse_lazy("admin:bots_incident_changelist")},
                    {"title": _("Sent messages"), "icon": "outgoing_mail", "link": reverse_lazy("admin:bots_sending_changelist")},
                ],
            },
            {
                "title": _("Events"),
                "items": [
                    {"title": _("Event log"), "icon": "stream", "link": reverse_lazy("admin:events_event_changelist")},
                    {"title": _("Subscriptions"), "icon": "outbox", "link": reverse_lazy("admin:events_subscription_changelist")},
                    {"title": _("Handlers"), "icon": "rule_settings", "link": reverse_lazy("admin:events_handledbot_changelist")},
                    {"title": _("Left out under load"), "icon": "filter_alt_off", "link": reverse_lazy("admin:events_leftout_changelist"), "permission": _by_superuser},
                ],
            },
            {
                "title": _("Authorizations"),
                "items": [
                    {"title": _("Authorization sessions"), "icon": "how_to_reg", "link": reverse_lazy("admin:auth_sessions_authsession_changelist")},
                    {"title": _("User tokens"), "icon": "key", "link": reverse_lazy("admin:auth_sessions_usertoken_changelist")},
                    {"title": _("Token use"), "icon": "quick_reference_all", "link": reverse_lazy("admin:auth_sessions_tokenuse_changelist")},
                ],
            },
            {
                "title": _("Access"),
                "items": [
                    {"title": _("Operators"), "icon": "group", "link": reverse_lazy("admin:access_user_changelist"), "permission": _by_superuser},
                    {"title": _("Groups"), "icon": "groups", "link": reverse_lazy("admin:auth_group_changelist"), "permission": _by_superuser},
                    {"title": _("API clients"), "icon": "api", "link": reverse_lazy("admin:access_apiclient_changelist"), "permission": _by_superuser},
                    {"title": _("Audit log"), "icon": "history", "link": reverse_lazy("admin:access_auditentry_changelist")},
                ],
            },
        ],
    },
}  # fmt: skip
