"""Django settings. What an operator may set stands in ``settings_table``; the rest is the product's own choice."""

import os
import sys
from urllib.parse import urlsplit

import django_stubs_ext
import environ
from celery.schedules import crontab
from csp.constants import NONCE, NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.urls import reverse_lazy

from feishu_portal import console
from feishu_portal.database_url import database
from feishu_portal.environment import add_handler_switches, read_environment
from feishu_portal.files import BASE_DIR, RESOURCES, static_files_of
from feishu_portal.logs import logging_config
from feishu_portal.queues import DEFAULT_QUEUE, REFRESH_QUEUE

django_stubs_ext.monkeypatch()

environment = read_environment()

DEBUG = environment.DEBUG
DATA_DIR = environment.DATA_DIR

# --- secrets

SECRET_KEY = environment.SECRET_KEY
ENCRYPTION_KEYS = environment.ENCRYPTION_KEYS

# --- where the portal is reached

PUBLIC_URL = environment.PUBLIC_URL
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = environment.ALLOWED_HOSTS or [
    *("localhost", "127.0.0.1", "[::1]"),
    *filter(None, [_public.netloc.removesuffix(f":{_public.port}")]),
]
CSRF_TRUSTED_ORIGINS = environment.CSRF_TRUSTED_ORIGINS or (
    [f"{_public.scheme}://{_public.netloc}"] if _public.netloc else []
)

# Whether browsers reach the portal by https alone. Then cookies are secure, and the proxy in front is believed.
HTTPS = bool(CSRF_TRUSTED_ORIGINS) and all(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
USE_X_FORWARDED_HOST = environment.TRUST_X_FORWARDED_HOST
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS and environment.HSTS != "off" else 0
# These speak for hosts that are not the portal's, so an operator has to ask for them.
SECURE_HSTS_INCLUDE_SUBDOMAINS = environment.HSTS in {"subdomains", "preload"}
SECURE_HSTS_PRELOAD = environment.HSTS == "preload"
SESSION_COOKIE_AGE = environment.FEISHU_LOGIN_DAYS * 86_400  # seconds; expired logins are deleted every hour
SESSION_ENGINE = "core.access.sessions"
SIGN_IN_BOT = environment.FEISHU_SIGN_IN_BOT
SECOND_FACTOR = environment.FEISHU_SECOND_FACTOR
LOGIN_IDLE_SECONDS = environment.FEISHU_LOGIN_IDLE_MINUTES * 60
# Under https no other host of the domain can set a cookie of these names.
_COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}feishu_portal_session"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}feishu_portal_csrf"
LANGUAGE_COOKIE_NAME = "feishu_portal_language"
CSRF_FAILURE_VIEW = "feishu_portal.front.arrival.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
DEFAULT_EXCEPTION_REPORTER_FILTER = "feishu_portal.debug_page.WithoutVariables"

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
    "feishu_portal.alerts",
    "feishu_portal.approvals",
    "feishu_portal.greetings",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "feishu_portal.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "csp",
    "servestatic",
]

MIDDLEWARE = [
    "feishu_portal.front.access_log.note_route",
    "feishu_portal.runtime.health.answer_probes",
    "feishu_portal.api.error_pages.problems_for_callers",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.console.policy.console_policy",
    "feishu_portal.front.arrival.check_arrival",
    "feishu_portal.front.static_files.static_files",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.access.sessions.keep_login",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "core.unstorable.refuse_unstorable",
    "feishu_portal.front.passive.refuse_while_passive",
    "feishu_portal.front.missing.own_missing_page",
]

ROOT_URLCONF = "feishu_portal.urls"
ASGI_APPLICATION = "feishu_portal.asgi.application"
AUTH_USER_MODEL = "access.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [RESOURCES / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "core.console.template_loading.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "feishu_portal.front.passive.passive_banner",
            ],
        },
    },
]

# Widgets are read by the same loaders as pages.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

AUTHENTICATION_BACKENDS = ["core.access.sign_in.OperatorBackend"]
PASSWORD_HASHERS = [
    "core.access.passwords.Argon2",
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
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# --- data

DATABASES = {
    "default": database(
        environment.DATABASE_URL or f"sqlite:///{DATA_DIR / 'portal.sqlite3'}",
        connections=environment.FEISHU_WEB_DATABASE_CONNECTIONS
        if os.environ.get("PORTAL_PROCESS") == "web"
        else None,
        pooler=environment.FEISHU_POOLER,
    )
}
POOLER = environment.FEISHU_POOLER
WEB_DATABASE_CONNECTIONS = environment.FEISHU_WEB_DATABASE_CONNECTIONS
MIGRATE_LOCK_SECONDS = environment.FEISHU_MIGRATE_LOCK_SECONDS
REDIS_URL = environment.REDIS_URL
SILENCED_SYSTEM_CHECKS = [
    # The portal's own middleware sends browsers to https, and tells a loop.
    "security.W008",
    # HSTS for hosts that are not the portal's: the operator asks for it, not Django.
    "security.W005",
    "security.W021",
    # SQLite has no covering indexes: there the same queries read the table, too.
    "models.W040",
]

# --- languages

LANGUAGE_CODE = environment.LANGUAGE_CODE
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
LOCALE_PATHS = [RESOURCES / "locale"]
FORMAT_MODULE_PATH = "core.console.formats"
TIME_ZONE = environment.TIME_ZONE
USE_TZ = True

# --- static files: served from where the packages keep them, so that there is no collecting step to forget

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static" / "collected"
# Ninja is no installed app: that would load it, with Pydantic and Django's test client, in processes that serve no API.
# The sandbox's pages draw cards, and so does the preview of card templates.
STATICFILES_DIRS = [
    RESOURCES / "static",
    static_files_of("ninja"),
    ("sandbox", static_files_of("sandbox.pages")),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "feishu_portal.front.static_files.ReleaseStorage"},
}
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = False

# --- background work: the database is the truth, a task message is a notification (so no results, no eta, short publishing)

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"socket_timeout": 5, "socket_connect_timeout": 2} if REDIS_URL else {"polling_interval": 0.01}
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # an outage of an hour ends no worker
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = DEFAULT_QUEUE
CELERY_TASK_ROUTES = {"auth_sessions.refresh_*": {"queue": REFRESH_QUEUE}}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONSUMER = "feishu_portal.celery_programs:LastingConsumer"
CELERY_WORKER_CONCURRENCY = environment.FEISHU_WORKER_PROCESSES
# Every task is short and bounded by itself. A prefork worker whose process stands still all the same is replaced.
CELERY_TASK_TIME_LIMIT = 300
# Celery would close the connection to the database after every task: see runtime.celery_process.
CELERY_DB_REUSE_MAX = sys.maxsize
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TIMEZONE = "UTC"
SWEEP_SECONDS = environment.FEISHU_SWEEP_SECONDS
CELERY_BEAT_SCHEDULER = "feishu_portal.runtime.celery_process:PersistentTicking"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat-schedule")
# Tasks that one message asks for, every SWEEP_SECONDS and one after the other; each is bounded, and short where there is
# nothing to do. A message each would cost as much again as the passes themselves.
SWEEPS = (
    "events.sweep", "events.sweep_deliveries", "auth_sessions.sweep", "alerts.sweep", "approvals.sweep", "events.count",
)  # fmt: skip
# What runs once an hour goes by the clock: counted from its own start, a scheduler that is restarted more often would never
# come to it.
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": SWEEP_SECONDS, "options": {"expires": SWEEP_SECONDS * 4}}
    for name in ("portal.sweep", "auth_sessions.refresh_due")
} | {
    "bots.sweep": {"task": "bots.sweep", "schedule": 15.0, "options": {"expires": 60.0}},
    "events.prune": {"task": "events.prune", "schedule": crontab(minute=7), "options": {"expires": 3600.0}},
    "bots.prune": {"task": "bots.prune", "schedule": crontab(minute=17), "options": {"expires": 3600.0}},
    "access.prune": {"task": "access.prune", "schedule": crontab(minute=27), "options": {"expires": 3600.0}},
    "auth_sessions.prune": {"task": "auth_sessions.prune", "schedule": crontab(minute=37), "options": {"expires": 3600.0}},
    "alerts.prune": {"task": "alerts.prune", "schedule": crontab(minute=47), "options": {"expires": 3600.0}},
    "approvals.prune": {"task": "approvals.prune", "schedule": crontab(minute=57), "options": {"expires": 3600.0}},
    "greetings.prune": {"task": "greetings.prune", "schedule": crontab(minute=52), "options": {"expires": 3600.0}},
}  # fmt: skip

# --- live pages: notifications between processes. Without Redis a page gets those of its own process; the rest it finds by
# reading every few seconds

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

INSTALLATION = environment.FEISHU_INSTALLATION
PASSIVE = environment.FEISHU_PASSIVE
METRICS_PORT = environment.FEISHU_METRICS_PORT
METRICS_HOST = environment.FEISHU_METRICS_HOST
OTLP_ENDPOINT = environment.OTEL_EXPORTER_OTLP_ENDPOINT
SENTRY_DSN = environment.SENTRY_DSN
FEISHU_HANDLERS = environment.FEISHU_HANDLERS
CALLBACK_TYPES = environment.FEISHU_CALLBACK_TYPES
EVENT_RETENTION_DAYS = environment.FEISHU_EVENT_RETENTION_DAYS
FAILED_EVENT_RETENTION_DAYS = environment.FEISHU_FAILED_EVENT_RETENTION_DAYS
IGNORED_EVENT_RETENTION_DAYS = environment.FEISHU_IGNORED_EVENT_RETENTION_DAYS
TOKEN_USE_DAYS = environment.FEISHU_TOKEN_USE_DAYS
AUTH_SESSION_DAYS = environment.FEISHU_AUTH_SESSION_DAYS
CAMPAIGN_DAYS = environment.FEISHU_CAMPAIGN_DAYS
REFRESH_ATTEMPT_DAYS = environment.FEISHU_REFRESH_ATTEMPT_DAYS
REVOCATION_DAYS = environment.FEISHU_REVOCATION_DAYS
AUDIT_DAYS = environment.FEISHU_AUDIT_DAYS
AUTH_SESSION_MINUTES = environment.FEISHU_AUTH_SESSION_MINUTES
APPROVAL_MINUTES = environment.FEISHU_APPROVAL_MINUTES
APPROVAL_DAYS = environment.FEISHU_APPROVAL_DAYS
RECONCILE_SECONDS = environment.FEISHU_RECONCILE_SECONDS
ALERT_SECONDS = environment.FEISHU_ALERT_SECONDS
LOST_GRANTS_PERCENT = environment.FEISHU_LOST_GRANTS_PERCENT
PLATFORM_POLL_MINUTES = environment.FEISHU_PLATFORM_POLL_MINUTES
LEASE_SECONDS = environment.FEISHU_LEASE_SECONDS
REFRESH_LEASE_SECONDS = environment.FEISHU_REFRESH_LEASE_SECONDS
REFRESH_PER_SECOND = environment.FEISHU_REFRESH_PER_SECOND
RETRY_SECONDS = environment.FEISHU_RETRY_SECONDS
MAX_CONNECTIONS = environment.FEISHU_MAX_CONNECTIONS
HANDLER_ATTEMPTS = environment.FEISHU_HANDLER_ATTEMPTS
PROXY_CALLS = environment.FEISHU_PROXY_CALLS
PROXY_CLIENT_CALLS = environment.FEISHU_PROXY_CLIENT_CALLS
HANDLER_SECONDS = environment.FEISHU_HANDLER_SECONDS
HANDLER_THREADS = environment.FEISHU_HANDLER_THREADS
WORKER_DATABASE_CONNECTIONS = environment.FEISHU_WORKER_DATABASE_CONNECTIONS
SANDBOX_URL = ""
"""Where the sandbox is that runs beside the portal: `runportal --sandbox` sets it."""
PLATFORM_NETWORKS = environment.FEISHU_PLATFORM_NETWORKS or [
    *("public", "private"),
    *(["loopback"] if DEBUG else []),
]
CA_FILE = environment.FEISHU_CA_FILE
PLATFORM_HOSTS = environment.FEISHU_PLATFORM_HOSTS
REGISTRATION_ADDRESSES = environment.FEISHU_REGISTRATION_ADDRESSES
DELIVERY_NETWORKS = environment.FEISHU_DELIVERY_NETWORKS
DELIVERY_CALLS = environment.FEISHU_DELIVERY_CALLS
DELIVERY_KEEP_DAYS = environment.FEISHU_DELIVERY_KEEP_DAYS
CALLBACK_THREADS = environment.FEISHU_CALLBACK_THREADS
WEBHOOK_MAX_BYTES = environment.FEISHU_WEBHOOK_MAX_BYTES
WEBHOOK_REQUESTS = environment.FEISHU_WEBHOOK_REQUESTS
WEBHOOK_BOT_REQUESTS = environment.FEISHU_WEBHOOK_BOT_REQUESTS
WEBHOOK_BOT_RATE = environment.FEISHU_WEBHOOK_BOT_RATE

# --- e-mail, for notices to operators; nothing sends it while a page waits

EMAIL_IS_SET_UP = bool(environment.EMAIL_URL)
vars().update(environ.Env.email_url_config(environment.EMAIL_URL or "dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = environment.DEFAULT_FROM_EMAIL

# --- logs

LOGGING_CONFIG = None
LOG_FORMAT = environment.LOG_FORMAT
logging_config(level=environment.LOG_LEVEL, as_json=LOG_FORMAT == "json")

# --- console

UNFOLD = console.UNFOLD

# --- switches that handlers name, after every other setting: they replace none

add_handler_switches(vars(), environment.FEISHU_HANDLER_SWITCHES)
