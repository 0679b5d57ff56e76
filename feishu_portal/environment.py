"""What can be set from outside: one table, read by the settings and shown in the README.

Every variable can also be given as ``NAME_FILE``, the path of a file that holds the value, so that secrets can come
from Docker, Kubernetes or systemd without standing in the environment.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable; ``default`` is what the README prints, as it would be written in ``.env``."""

    name: str
    default: str
    help_en: str
    help_zh: str


VARIABLES = (
    Variable("ENV_FILE", ".env", "File with more of these variables.", "存放以下变量的文件。"),
    Variable(
        "SECRET_KEY",
        "",
        "Signs sessions and cookies. Required unless DEBUG is on; in development one is made under DATA_DIR.",
        "用于签名会话与 Cookie。除非开启 DEBUG，否则必填；开发环境会在 DATA_DIR 下自动生成。",
    ),
    Variable(
        "ENCRYPTION_KEYS",
        "",
        "Comma-separated Fernet keys that seal secrets at rest; the first one writes, all of them read. "
        "Required unless DEBUG is on; in development one is made under DATA_DIR.",
        "加密落盘密钥的 Fernet 密钥，逗号分隔；第一个用于写入，全部可用于读取。"
        "除非开启 DEBUG，否则必填；开发环境会在 DATA_DIR 下自动生成。",
    ),
    Variable(
        "DATABASE_URL",
        "sqlite in DATA_DIR",
        "Database, e.g. postgres://user:password@host:5432/name. PostgreSQL in production.",
        "数据库，例如 postgres://user:password@host:5432/name。生产环境请使用 PostgreSQL。",
    ),
    Variable(
        "FEISHU_WEB_DATABASE_CONNECTIONS",
        "20",
        "How many connections to PostgreSQL one web process opens at most; requests beyond wait for one of them.",
        "每个 Web 进程最多打开的 PostgreSQL 连接数；超出的请求排队等待。",
    ),
    Variable(
        "REDIS_URL",
        "",
        "Redis for Celery and for live pages, e.g. redis://host:6379/0. Without it everything must run in one runportal process.",
        "Celery 与页面实时更新使用的 Redis，例如 redis://host:6379/0。不设置时，全部功能须在同一个 runportal 进程内运行。",
    ),
    Variable(
        "PUBLIC_URL",
        "",
        "Address at which browsers reach the portal, e.g. https://portal.example.com. A bot's redirect URI is "
        "PUBLIC_URL + /oauth/callback/<app_id>/. Without it people authorize by device code, on a page of the platform.",
        "浏览器访问门户的地址，例如 https://portal.example.com。机器人的重定向 URL 为 "
        "PUBLIC_URL + /oauth/callback/<app_id>/。不设置时，用户使用设备码在平台页面中授权。",
    ),
    Variable(
        "ALLOWED_HOSTS",
        "the host of PUBLIC_URL and loopback",
        "Comma-separated host names the portal answers to.",
        "门户响应的主机名，逗号分隔。",
    ),
    Variable(
        "DEBUG",
        "off",
        "Development mode: debug pages, keys made by themselves.",
        "开发模式：调试页面、自动生成密钥。",
    ),
    Variable(
        "DATA_DIR",
        "data",
        "Folder for SQLite and the keys made in development.",
        "存放 SQLite 与开发密钥的目录。",
    ),
    Variable(
        "LANGUAGE_CODE",
        "zh-hans",
        "Language of pages when the browser asks for neither: zh-hans or en.",
        "浏览器未指定时页面使用的语言：zh-hans 或 en。",
    ),
    Variable("TIME_ZONE", "Asia/Shanghai", "Time zone of the console.", "控制台使用的时区。"),
    Variable(
        "EMAIL_URL",
        "",
        "Mail server for notices to operators, e.g. smtp+tls://user:password@mail.example.com:587. Without it no e-mail is "
        "sent; in development it is printed.",
        "向操作员发送通知的邮件服务器，例如 smtp+tls://user:password@mail.example.com:587。不设置则不发送邮件；"
        "开发环境会打印到终端。",
    ),
    Variable(
        "DEFAULT_FROM_EMAIL",
        "feishu-portal@localhost",
        "Sender of these e-mails.",
        "通知邮件的发件人。",
    ),
    Variable(
        "LOG_FORMAT", "console", "console for people, json for machines.", "console 便于阅读，json 便于采集。"
    ),
    Variable("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.", "DEBUG、INFO、WARNING 或 ERROR。"),
    Variable(
        "FEISHU_HANDLERS",
        "",
        "Comma-separated modules with event handlers, besides handlers.py of every installed app.",
        "除各应用的 handlers.py 之外，另外加载的事件处理模块，逗号分隔。",
    ),
    Variable(
        "FEISHU_AUTH_SESSION_MINUTES",
        "30",
        "How long an authorization card can be used, in minutes.",
        "授权卡片的有效时间（分钟）。",
    ),
    Variable(
        "FEISHU_TOKEN_USE_DAYS",
        "90",
        "How long the records of who used which token and sent which message are kept, in days.",
        "令牌使用记录与消息发送记录的保留天数。",
    ),
    Variable(
        "FEISHU_RECONCILE_SECONDS",
        "2",
        "How often runfeishu looks for bots added, changed or disabled, in seconds.",
        "runfeishu 检查机器人增、改、停用的间隔（秒）。",
    ),
    Variable(
        "FEISHU_LEASE_SECONDS",
        "6",
        "How long a runfeishu process that died keeps its connections from the others, in seconds.",
        "runfeishu 进程异常退出后，其他进程接管其连接前的等待时间（秒）。",
    ),
    Variable(
        "FEISHU_REFRESH_LEASE_SECONDS",
        "45",
        "How long a refresher that died keeps a token from the others, in seconds. One call may take a third of it; "
        "an unknown outcome is probed four times as long before the access token ends.",
        "刷新进程异常退出后，其他进程接管其令牌前的等待时间（秒）。单次请求最长为其三分之一；"
        "结果未知时，在访问令牌到期前四倍于此的时间核实一次。",
    ),
    Variable(
        "FEISHU_REFRESH_PER_SECOND",
        "15",
        "How many tokens of one app are refreshed in a second, all refreshers together. The platform allows 1000 token "
        "requests a minute.",
        "同一应用每秒最多刷新的令牌数（所有刷新进程合计）。平台限制为每分钟 1000 次令牌请求。",
    ),
    Variable(
        "FEISHU_RETRY_SECONDS",
        "60",
        "The longest time between two attempts to connect, and the time between attempts with a wrong configuration, in seconds.",
        "两次连接尝试之间的最长间隔；配置有误时即按此间隔重试（秒）。",
    ),
    Variable(
        "FEISHU_MAX_CONNECTIONS",
        "500",
        "How many connections one runfeishu process holds at most.",
        "单个 runfeishu 进程最多保持的连接数。",
    ),
    Variable(
        "FEISHU_ALERT_SECONDS",
        "120",
        "How long a bot may be without any connection before its owners are told, in seconds.",
        "机器人失去全部连接多久后通知其所有者（秒）。",
    ),
    Variable(
        "FEISHU_PLATFORM_LOOK_MINUTES",
        "30",
        "How often the platform's own count of a bot's connections is asked for, in minutes; 0 for never.",
        "查询平台侧长连接数的间隔（分钟）；0 表示不查询。",
    ),
    Variable(
        "FEISHU_SWEEP_SECONDS",
        "5",
        "How often the scheduler picks up what a lost task message left behind, in seconds.",
        "调度器补做丢失任务的间隔（秒）。",
    ),
    Variable(
        "FEISHU_HANDLER_TRIES",
        "5",
        "How often an event handler is tried before its delivery counts as dead.",
        "事件处理器在判定失败前的尝试次数。",
    ),
    Variable(
        "FEISHU_PROXY_CALLS",
        "256",
        "How many calls to the platform one web process relays at once.",
        "单个 Web 进程同时转发的平台调用数上限。",
    ),
    Variable(
        "FEISHU_PROXY_CLIENT_CALLS",
        "64",
        "How many of them may be of the same API client.",
        "其中同一 API 客户端的调用数上限。",
    ),
    Variable(
        "FEISHU_EVENT_RETENTION_DAYS",
        "30",
        "How long events that were handled are kept, in days, at least 2: a repeated push is known by the event it repeats.",
        "已处理事件的保留天数，至少 2 天：重复推送依靠已存储的事件识别。",
    ),
    Variable(
        "FEISHU_FAILED_EVENT_RETENTION_DAYS",
        "90",
        "How long events that failed, came too late or could not be read are kept, in days.",
        "失败、过期或无法解析的事件的保留天数。",
    ),
    Variable(
        "FEISHU_IGNORED_EVENT_RETENTION_DAYS",
        "7",
        "How long events without a handler are kept, in days.",
        "没有处理器的事件的保留天数。",
    ),
    Variable(
        "FEISHU_HANDLER_SECONDS",
        "60",
        "How long one try of an event handler may take, in seconds.",
        "事件处理器单次执行的时间上限（秒）。",
    ),
    Variable(
        "FEISHU_HANDLER_THREADS",
        "16",
        "How many handlers one worker process runs at once; each may hold a database connection.",
        "单个工作进程同时运行的处理器数，每个可能占用一个数据库连接。",
    ),
    Variable(
        "FEISHU_DELIVERY_NETWORKS",
        "public",
        "Where events may be pushed to, comma-separated: public for the public internet, and networks such as 10.0.0.0/8 for "
        "the company's own. Everything else is refused, loopback and cloud metadata included.",
        "允许推送事件的网络，逗号分隔：public 表示公网；内网系统请填写网段，例如 10.0.0.0/8。其余地址（包括本机回环与云厂商元数据地址）一律拒绝。",
    ),
    Variable(
        "FEISHU_DELIVERY_CALLS",
        "64",
        "How many events one worker process pushes at once.",
        "单个工作进程同时推送的事件数。",
    ),
    Variable(
        "FEISHU_DELIVERY_KEEP_DAYS",
        "7",
        "How long an event waits for a subscription that does not take it, in days.",
        "订阅方未取走的事件的保留天数。",
    ),
    Variable(
        "FEISHU_CALLBACK_THREADS",
        "64",
        "How many card clicks one process handles at once; the workers take over what cannot begin in time.",
        "单个进程同时处理的卡片点击数；来不及开始的由工作进程接手。",
    ),
    Variable(
        "FEISHU_WEBHOOK_MAX_BYTES",
        "1048576",
        "The longest webhook request taken, in bytes.",
        "Webhook 请求体的最大长度（字节）。",
    ),
    Variable(
        "FEISHU_WEBHOOK_REQUESTS",
        "512",
        "How many webhook requests one web process serves at once; the platform pushes again what is refused beyond.",
        "单个 Web 进程同时处理的 Webhook 请求数上限；超出时拒绝，由平台重新推送。",
    ),
    Variable(
        "FEISHU_WEBHOOK_BOT_REQUESTS",
        "128",
        "How many of them may be for the same bot.",
        "其中同一机器人的请求数上限。",
    ),
)

env = environ.FileAwareEnv()
environ.Env.read_env(BASE_DIR / env.str("ENV_FILE", default=".env"))


def made_once(name: str, path: Path, *, debug: bool) -> str:
    """The secret ``name``: from the environment, or in development from ``path``, where it is made once.

    Raises ImproperlyConfigured in production when it is missing, saying how to make one.
    """
    value: str = env.str(name, default="").strip()
    if value:
        return value
    command = {
        "SECRET_KEY": 'python -c "import secrets; print(secrets.token_urlsafe(50))"',
        "ENCRYPTION_KEYS": 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
    }[name]
    if not debug:
        raise ImproperlyConfigured(
            f"{name} is not set. Make one with\n    {command}\nand set it as {name} or, in a file, as {name}_FILE. "
            f"没有设置 {name}：请用上面的命令生成并设置。"
        )
    if not path.exists():
        _write_private(
            path, secrets.token_urlsafe(50) if name == "SECRET_KEY" else Fernet.generate_key().decode()
        )
    return path.read_text().strip()


def _write_private(path: Path, value: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(value + "\n")


# A server that vanishes without a farewell, as in a failover, is noticed in seconds and not in the kernel's 15 minutes.
_POSTGRES_TIMEOUTS = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds
}

_POOL_PATIENCE = 10.0  # seconds that a request waits for a connection


def database(data_dir: Path, *, shared: bool) -> dict[str, Any]:
    """Django's ``DATABASES["default"]`` from DATABASE_URL, with what each engine needs to be safe under threads.

    ``shared``: the threads of the process share few connections, as many requests at once would else open one each.
    """
    config: dict[str, Any] = env.db_url("DATABASE_URL", default=f"sqlite:///{data_dir / 'portal.sqlite3'}")
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"] == "django.db.backends.sqlite3":
        options |= {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
        }
    else:
        options |= _POSTGRES_TIMEOUTS
        # An acknowledged event must survive the server's crash, whatever the server's own default is.
        options["options"] = f"{options.get('options', '')} -c synchronous_commit=on".strip()
        config["CONN_HEALTH_CHECKS"] = True
        # Only for statements that are sent as such, see core.database.sql: Django's own carry their values in them.
        options.setdefault("prepare_threshold", 5)
        if shared:
            most = env.int("FEISHU_WEB_DATABASE_CONNECTIONS", default=20)
            options["pool"] = {"min_size": min(2, most), "max_size": most, "timeout": _POOL_PATIENCE}
    return config
