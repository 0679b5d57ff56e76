"""What can be set from outside. The settings, docs/reference/settings.md and .env.example are made of this table.

After a change here, ``make docs`` rewrites the documents.
"""

import secrets

from cryptography.fernet import Fernet

from feishu.text import Text
from feishu_portal import validators
from feishu_portal.database_url import POOLERS, database_url
from feishu_portal.files import BASE_DIR, default_data_dir
from feishu_portal.variables import (
    KeyVariable,
    Table,
    Variable,
    choice,
    decimal,
    integer,
    switch,
    text,
    texts,
)

A_CENTURY = 36_500  # days; a date further back may be before the first year


class SettingsTable(Table):
    ENV_FILE = text(Text("存放以下变量的文件。", "File with more of these variables."), default=".env")
    SECRET_KEY = KeyVariable(
        Text(
            "用于签名登录会话与 Cookie。除非开启 DEBUG，否则必填；开发环境会在 DATA_DIR 下自动生成。",
            "Signs sessions and cookies. Required unless DEBUG is on; in development one is made under DATA_DIR.",
        ),
        parse=str,
        allowed=Text("随机的长字符串", "long random text"),
        make=lambda: secrets.token_urlsafe(50),
        command='python -c "import secrets; print(secrets.token_urlsafe(50))"',
        file="secret_key",
    )
    ENCRYPTION_KEYS = KeyVariable(
        Text(
            "用于加密存储凭证的 Fernet 密钥，逗号分隔；第一个用于写入，全部可用于读取。"
            "除非开启 DEBUG，否则必填；开发环境会在 DATA_DIR 下自动生成。",
            "Comma-separated Fernet keys that seal secrets at rest; the first one writes, all of them read. "
            "Required unless DEBUG is on; in development one is made under DATA_DIR.",
        ),
        parse=validators.fernet_keys,
        allowed=Text("Fernet 密钥", "Fernet keys"),
        make=lambda: Fernet.generate_key().decode(),
        command='python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
        file="encryption_key",
    )
    DATABASE_URL = text(
        Text("数据库。生产环境请使用 PostgreSQL。", "Database. PostgreSQL in production."),
        parse=database_url,
        unset=Text("DATA_DIR 下的 SQLite", "SQLite in DATA_DIR"),
        example="postgres://user:password@host:5432/name",
        is_secret=True,
    )
    FEISHU_POOLER = choice(
        Text(
            "数据库前的连接池（如 PgBouncer）的 pool_mode；直连为 none。迁移请直连数据库执行。",
            "The pool_mode of a pooler such as PgBouncer in front of the database; none for a direct connection. Migrate past it.",
        ),
        *POOLERS,
        default="none",
    )
    FEISHU_MIGRATE_LOCK_SECONDS = decimal(
        Text(
            "migrate 每次等待表锁的时间（秒）；等待期间其他进程也会排队，因此到时放弃并稍后重试。",
            "How long migrate waits for a table's lock, in seconds. Everybody else queues behind it meanwhile, so it then lets them "
            "through and tries again.",
        ),
        default="3",
        least=0.1,
        most=3_600,
    )
    FEISHU_WEB_DATABASE_CONNECTIONS = integer(
        Text(
            "每个 Web 进程最多打开的 PostgreSQL 连接数；超出的请求排队等待。",
            "How many connections to PostgreSQL one web process opens at most; requests beyond wait for one of them.",
        ),
        default="20",
        least=1,
        most=1_000,
    )
    FEISHU_WORKER_DATABASE_CONNECTIONS = integer(
        Text(
            "单个工作进程中的事件处理器最多共用的 PostgreSQL 连接数；超出的排队等待，等待时间不计入处理时限。"
            "此外，每个工作进程自身还需要四个连接。",
            "How many connections to PostgreSQL the handlers of one worker process share at most; queries beyond wait for one "
            "of them, which does not count as time of the handler. The process needs four more for itself.",
        ),
        default="8",
        least=1,
        most=1_000,
    )
    REDIS_URL = text(
        Text(
            "Celery、页面实时更新以及各进程共用的单群发送限速使用的 Redis。不设置时，全部功能须在同一个 runportal 进程内运行。"
            "rediss:// 使用 TLS 并验证证书，私有 CA 另加 ?ssl_ca_certs=/路径。不支持 Sentinel、Cluster 与 Unix 套接字：请填写始终指向主节点的地址。",
            "Redis for Celery, for live pages and for the pace of messages to one chat. Without it everything must run in one "
            "runportal process. rediss:// is TLS with a verified certificate, of a company's own authority with ?ssl_ca_certs=/path. "
            "No Sentinel, Cluster or Unix socket: give an address that leads to the primary.",
        ),
        parse=validators.redis_url,
        example="redis://host:6379/0",
        is_secret=True,
    )
    PUBLIC_URL = text(
        Text(
            "浏览器访问门户的地址：独立的主机名，不含路径。机器人的重定向 URL 为 PUBLIC_URL + /oauth/callback/<app_id>/。"
            "不设置时，用户使用设备码在平台页面中授权。",
            "Address at which browsers reach the portal: a host name of its own, without a path. A bot's redirect URI is PUBLIC_URL + /oauth/callback/<app_id>/. "
            "Without it people authorize by device code, on a page of the platform.",
        ),
        parse=validators.public_url,
        example="https://portal.example.com",
    )
    ALLOWED_HOSTS = texts(
        Text("门户响应的主机名，逗号分隔。", "Comma-separated host names the portal answers to."),
        parse=validators.host,
        unset=Text("PUBLIC_URL 的主机与本机", "the host of PUBLIC_URL and loopback"),
        example="portal.example.com,portal",
    )
    CSRF_TRUSTED_ORIGINS = texts(
        Text(
            "浏览器访问控制台的来源（协议与主机），逗号分隔。由前置代理终止 TLS 而未设置 PUBLIC_URL 时必填；"
            "全部为 https 时信任 X-Forwarded-Proto。",
            "Origins, of scheme and host, at which browsers reach the console, comma-separated. Needed behind a TLS proxy when "
            "PUBLIC_URL is not set. Where all are https, X-Forwarded-Proto is trusted.",
        ),
        parse=validators.origin,
        unset=Text("PUBLIC_URL 的来源", "the origin of PUBLIC_URL"),
        example="https://portal.example.com",
    )
    TRUST_X_FORWARDED_HOST = switch(
        Text(
            "前置代理是否通过 X-Forwarded-Host 传递主机名。仅当代理必定设置此标头时开启。",
            "Whether the proxy in front names the host in X-Forwarded-Host. Only where it always sets that header itself.",
        ),
        default="off",
    )
    HSTS = choice(
        Text(
            "使用 https 时的 HSTS：仅本主机，或包括其全部子域名，或另加 preload。",
            "HSTS under https: for the portal's host alone, with all its subdomains, or with preload as well.",
        ),
        "off",
        "host",
        "subdomains",
        "preload",
        default="host",
    )
    DEBUG = switch(
        Text("开发模式：调试页面、自动生成密钥。", "Development mode: debug pages, keys made by themselves."),
        default="off",
    )
    DATA_DIR = Variable(
        Text(
            "存放 SQLite、开发密钥，以及数据库不可用时平台应答的目录；参见 docs/operations/data-dir.zh.md。",
            "Folder for SQLite, the keys made in development, and the platform's answers while the database is away: see "
            "docs/operations/data-dir.md.",
        ),
        parse=lambda value: BASE_DIR / value if value else default_data_dir(),
        unset=Text(
            "`data`；以 wheel 安装时为用户数据目录", "`data`; of a wheel, a folder in the user's data"
        ),
        example="/var/lib/feishu-portal",
    )
    LANGUAGE_CODE = choice(
        Text("浏览器未指定时页面使用的语言。", "Language of pages when the browser asks for neither."),
        "zh-hans",
        "en",
        default="zh-hans",
    )
    TIME_ZONE = text(
        Text("控制台使用的时区。", "Time zone of the console."),
        parse=validators.time_zone,
        default="Asia/Shanghai",
    )
    EMAIL_URL = text(
        Text(
            "向操作员发送通知的邮件服务器，所有进程都要设置：异常通知由仍在运行的任意进程发送。不设置则不发送邮件。",
            "Mail server for notices to operators, for every process: whichever is left sends them. Without it no e-mail is sent.",
        ),
        parse=validators.email_url,
        example="smtp+tls://user:password@mail.example.com:587",
        is_secret=True,
    )
    DEFAULT_FROM_EMAIL = text(
        Text("通知邮件的发件人。", "Sender of these e-mails."),
        parse=validators.sender,
        default="feishu-portal@localhost",
    )
    LOG_FORMAT = choice(
        Text("console 便于阅读，json 便于采集。", "console for people, json for machines."),
        "console",
        "json",
        default="console",
    )
    LOG_LEVEL = choice(
        Text("写入日志的最低级别。", "The least severe entries that are logged."),
        "DEBUG",
        "INFO",
        "WARNING",
        "ERROR",
        "CRITICAL",
        default="INFO",
    )
    FEISHU_METRICS_PORT = integer(
        Text(
            "提供指标（/metrics）与健康检查（/healthz/live、/healthz/ready）的端口；0 表示不提供。"
            "同一主机上的每个进程须各用一个端口，命令行的 --metrics-port 优先。",
            "Port of metrics (/metrics) and health (/healthz/live, /healthz/ready); 0 for none. On one host each process needs a "
            "port of its own; --metrics-port has precedence.",
        ),
        default="0",
        least=0,
        most=65_535,
    )
    FEISHU_METRICS_HOST = text(
        Text(
            "该端口监听的地址。默认监听所有地址，便于其他容器中的 Prometheus 抓取；该端口无需登录，请勿对外开放。"
            "仅供本机抓取时设为 127.0.0.1，IPv6 为 ::。",
            "Address that port listens on. All by default, for a Prometheus in another container. The port asks nobody to sign in: "
            "keep it off the internet. 127.0.0.1 for a Prometheus on the same host, :: for IPv6.",
        ),
        parse=validators.listening_host,
        default="0.0.0.0",  # noqa: S104 -- the port is opened only where an operator asks for it
        example="127.0.0.1",
    )
    OTEL_EXPORTER_OTLP_ENDPOINT = text(
        Text(
            "OpenTelemetry 采集器的地址（OTLP，HTTP），用于发送链路追踪；不设置则不追踪。须安装 feishu-portal[opentelemetry]，"
            "其余选项使用 OpenTelemetry 的 OTEL_ 变量。",
            "Address of an OpenTelemetry collector (OTLP over HTTP) that gets traces; without it there are none. Needs "
            "feishu-portal[opentelemetry]; everything else is set by OpenTelemetry's own OTEL_ variables.",
        ),
        parse=validators.http_address,
        example="http://collector.example.com:4318",
    )
    SENTRY_DSN = text(
        Text(
            "Sentry 的 DSN，用于上报 ERROR 及以上级别的日志；不设置则不上报。须安装 feishu-portal[sentry]。",
            "DSN of a Sentry project that gets what is logged at ERROR and above; without it nothing is sent. Needs "
            "feishu-portal[sentry].",
        ),
        parse=validators.http_address,
        example="https://key@sentry.example.com/1",
        is_secret=True,
    )
    FEISHU_INSTALLATION = text(
        Text(
            "本安装的名称，记入数据库。名称不一致的进程（例如测试环境使用生产库的副本）保持被动：不连接、不刷新、不发送。",
            "Name of this installation, kept in the database. A process with another one, e.g. staging with a copy of "
            "production's database, stays passive: it connects, refreshes and sends nothing.",
        ),
        parse=validators.installation,
        example="production",
    )
    FEISHU_PASSIVE = switch(
        Text(
            "开启后始终保持被动：可查看控制台，但不连接机器人、不刷新令牌、不发送任何内容。",
            "Stay passive whatever the database says: the console can be looked at, and nothing is connected, refreshed or sent.",
        ),
        default="off",
    )
    FEISHU_HANDLERS = texts(
        Text(
            "除各应用的 handlers.py 之外，另外加载的事件处理模块，逗号分隔。",
            "Comma-separated modules with event handlers, besides handlers.py of every installed app.",
        ),
        parse=validators.module,
        example="company.handlers",
    )
    FEISHU_CALLBACK_TYPES = texts(
        Text(
            "除已知的回调类型与以 .get 结尾的类型之外，另外按回调（需在 3 秒内应答）处理的类型，逗号分隔。",
            "Comma-separated types that are answered within 3 s as callbacks are, besides those known and all that end in .get.",
        ),
        parse=validators.event_type,
        example="card.form.trigger",
    )
    FEISHU_HANDLER_SWITCHES = Variable(
        Text(
            "处理器的 enabled 选项可引用的 Django 设置，逗号分隔：NAME 与 NAME=on 为开启，NAME=off 为关闭。",
            "Django settings for the option enabled of handlers, comma-separated: NAME and NAME=on are on, NAME=off is off.",
        ),
        parse=validators.handler_switches,
        example="GREETING,SURVEY=off",
        takes_empty=True,
    )
    FEISHU_AUTH_SESSION_MINUTES = integer(
        Text("授权卡片的有效时间（分钟）。", "How long an authorization card can be used, in minutes."),
        default="30",
        least=1,
        most=10_080,
    )
    FEISHU_APPROVAL_MINUTES = integer(
        Text(
            "批准卡片的有效时间（分钟）：API 客户端的规则为 ask 时，用户须在此期间批准调用。",
            "How long a person has to approve a call on its card, in minutes, where a rule of an API client says ask.",
        ),
        default="15",
        least=1,
        most=1_440,
    )
    FEISHU_APPROVAL_DAYS = integer(
        Text("调用批准记录的保留天数。", "How long the records of approvals are kept, in days."),
        default="90",
        least=2,
        most=A_CENTURY,
    )
    FEISHU_TOKEN_USE_DAYS = integer(
        Text(
            "令牌使用记录与消息发送记录的保留天数。",
            "How long the records of who used which token and sent which message are kept, in days.",
        ),
        default="90",
        least=1,
        most=A_CENTURY,
    )
    FEISHU_AUTH_SESSION_DAYS = integer(
        Text("已结束的授权请求的保留天数。", "How long ended authorization requests are kept, in days."),
        default="90",
        least=2,
        most=A_CENTURY,
    )
    FEISHU_CAMPAIGN_DAYS = integer(
        Text(
            "授权活动（含其成员名单）在结束后的保留天数。",
            "How long authorization campaigns, with the people of each, are kept after they ended, in days.",
        ),
        default="180",
        least=8,
        most=A_CENTURY,
    )
    FEISHU_REFRESH_ATTEMPT_DAYS = integer(
        Text(
            "令牌刷新记录的保留天数。仍需用于防止刷新令牌重复提交的记录不会删除。",
            "How long the records of token refreshes are kept, in days. Those that still keep a refresh token from being "
            "sent twice stay.",
        ),
        default="30",
        least=8,
        most=A_CENTURY,
    )
    FEISHU_REVOCATION_DAYS = integer(
        Text(
            "授权撤销记录的保留天数。每位用户最近一次的记录不会删除。",
            "How long the records of revoked authorizations are kept, in days. The last one of each person stays.",
        ),
        default="365",
        least=1,
        most=A_CENTURY,
    )
    FEISHU_AUDIT_DAYS = integer(
        Text("审计日志的保留天数。", "How long the audit log is kept, in days."),
        default="365",
        least=1,
        most=A_CENTURY,
    )
    FEISHU_SIGN_IN_BOT = text(
        Text(
            "操作员可通过此机器人（App ID）使用飞书账号登录控制台；须设置 PUBLIC_URL，并在应用中登记门户的重定向 URL。不设置则不提供。",
            "App ID of the bot through which operators may sign in to the console with their Feishu account. Needs PUBLIC_URL, and the "
            "portal's redirect URL among the app's. Unset: not offered.",
        ),
        example="cli_a1b2c3d4e5f60718",
    )
    FEISHU_SECOND_FACTOR = choice(
        Text(
            "要求谁启用两步验证（验证器应用或通行密钥）：不要求、仅管理员、所有操作员。"
            "尚未启用的操作员登录后须先完成设置。",
            "Of whom a second factor (an authenticator app or a passkey) is demanded: nobody, administrators, every operator. Who "
            "has none yet sets one up after signing in.",
        ),
        "off",
        "administrators",
        "everybody",
        default="off",
    )
    FEISHU_LOGIN_DAYS = integer(
        Text(
            "操作员登录控制台后的有效天数，到期后须重新登录。",
            "How long an operator stays signed in to the console, in days.",
        ),
        default="14",
        least=1,
        most=365,
    )
    FEISHU_LOGIN_IDLE_MINUTES = integer(
        Text(
            "操作员多久没有打开任何页面后须重新登录（分钟）。",
            "After how long without opening a page an operator has to sign in again, in minutes.",
        ),
        default="720",
        least=5,
        most=525_600,
    )
    FEISHU_RECONCILE_SECONDS = decimal(
        Text(
            "runfeishu 检查机器人增、改、停用的间隔（秒）。",
            "How often runfeishu looks for bots added, changed or disabled, in seconds.",
        ),
        default="2",
        least=0.1,
        most=3_600,
    )
    FEISHU_LEASE_SECONDS = decimal(
        Text(
            "runfeishu 进程异常退出后，其他进程接管其连接前的等待时间（秒）。",
            "How long a runfeishu process that died keeps its connections from the others, in seconds.",
        ),
        default="6",
        least=1,
        most=3_600,
    )
    FEISHU_REFRESH_LEASE_SECONDS = decimal(
        Text(
            "刷新进程异常退出后，其他进程接管其令牌前的等待时间（秒）。单次请求最长为其三分之一。",
            "How long a refresher that died keeps a token from the others, in seconds. One call may take a third of it.",
        ),
        default="45",
        least=1,
        most=1_800,
    )
    FEISHU_REFRESH_PER_SECOND = decimal(
        Text(
            "同一应用每秒最多刷新的令牌数（所有刷新进程合计）。平台限制为每分钟 1000 次令牌请求。",
            "How many tokens of one app are refreshed in a second, all refreshers together. The platform allows 1000 token "
            "requests a minute.",
        ),
        default="15",
        least=0.1,
        most=1_000,
    )
    FEISHU_RETRY_SECONDS = decimal(
        Text(
            "两次连接尝试之间的最长间隔；配置有误时即按此间隔重试（秒）。",
            "The longest time between two attempts to connect, and the time between attempts with a wrong configuration, "
            "in seconds.",
        ),
        default="60",
        least=1,
        most=3_600,
    )
    FEISHU_MAX_CONNECTIONS = integer(
        Text(
            "单个 runfeishu 进程最多保持的连接数。",
            "How many connections one runfeishu process holds at most.",
        ),
        default="500",
        least=1,
        most=100_000,
    )
    FEISHU_ALERT_SECONDS = decimal(
        Text(
            "机器人失去全部连接多久后通知其负责人，某项必要工作无进程承担多久后通知管理员（秒）。",
            "How long a bot may be without any connection before its owners are told, and how long nobody may hold connections, run "
            "handlers, refresh or schedule before administrators are, in seconds.",
        ),
        default="120",
        least=1,
        most=86_400,
    )
    FEISHU_LOST_GRANTS_PERCENT = integer(
        Text(
            "一小时内被平台拒绝刷新的授权达到机器人全部授权的百分之多少时视为异常；少于 5 个不算，达到 1000 个一律算。",
            "How much of a bot's grants, in percent, the platform has to refuse to refresh within an hour to be an incident. Fewer "
            "than 5 grants are none, 1000 always are one.",
        ),
        default="10",
        least=1,
        most=100,
    )
    FEISHU_PLATFORM_POLL_MINUTES = decimal(
        Text(
            "查询平台侧长连接数的间隔（分钟）；0 表示不查询。",
            "How often the platform's own count of a bot's connections is asked for, in minutes; 0 for never.",
        ),
        default="30",
        least=0,
        most=10_080,
    )
    FEISHU_SWEEP_SECONDS = decimal(
        Text(
            "调度器补做丢失任务的间隔（秒）。",
            "How often the scheduler picks up what a lost task message left behind, in seconds.",
        ),
        default="5",
        least=0.1,
        most=3_600,
    )
    FEISHU_HANDLER_ATTEMPTS = integer(
        Text(
            "单个事件处理器的最多尝试次数；用尽后该次处理判定为失败。",
            "How many attempts a handler has before its run for an event counts as dead.",
        ),
        default="5",
        least=1,
        most=100,
    )
    FEISHU_PROXY_CALLS = integer(
        Text(
            "单个 Web 进程同时转发的平台调用数上限。",
            "How many calls to the platform one web process relays at once.",
        ),
        default="256",
        least=1,
        most=100_000,
    )
    FEISHU_PROXY_CLIENT_CALLS = integer(
        Text("其中同一 API 客户端的调用数上限。", "How many of them may be of the same API client."),
        default="64",
        least=1,
        most=100_000,
    )
    FEISHU_EVENT_RETENTION_DAYS = integer(
        Text(
            "已处理事件的保留天数，至少 2 天：重复推送依靠已存储的事件识别。",
            "How long events that were handled are kept, in days, at least 2: a repeated push is known by the event it "
            "repeats.",
        ),
        default="30",
        least=2,
        most=A_CENTURY,
    )
    FEISHU_FAILED_EVENT_RETENTION_DAYS = integer(
        Text(
            "失败、过期或无法解析的事件的保留天数。",
            "How long events that failed, came too late or could not be read are kept, in days.",
        ),
        default="90",
        least=2,
        most=A_CENTURY,
    )
    FEISHU_IGNORED_EVENT_RETENTION_DAYS = integer(
        Text("没有处理器的事件的保留天数。", "How long events without a handler are kept, in days."),
        default="7",
        least=2,
        most=A_CENTURY,
    )
    FEISHU_HANDLER_SECONDS = decimal(
        Text(
            "事件处理器单次执行的时间上限（秒）。",
            "How long one attempt of an event handler may take, in seconds.",
        ),
        default="60",
        least=0.1,
        most=86_400,
    )
    FEISHU_HANDLER_THREADS = integer(
        Text(
            "单个工作进程同时运行的处理器数。",
            "How many handlers one worker process runs at once.",
        ),
        default="16",
        least=1,
        most=1_000,
    )
    FEISHU_WORKER_PROCESSES = integer(
        Text(
            "单个 worker 的进程数（refresher 则为线程数），与主机核数无关；命令行的 --concurrency 优先。"
            "每个进程各有自己的处理器线程与数据库连接。",
            "How many processes one worker has, however many cores the host has; of a refresher, threads. --concurrency has "
            "precedence. Each process has handler threads and database connections of its own.",
        ),
        default="2",
        least=1,
        most=256,
    )
    FEISHU_PLATFORM_HOSTS = texts(
        Text(
            "非管理员的操作员也可以为机器人填写的平台主机（自定义地址），逗号分隔，可带端口或以 *. 开头。"
            "不设置时，只有管理员可以填写。",
            "Hosts of custom platforms that operators who are no administrators may enter for a bot, comma-separated, with a port "
            "or with *. in front if need be. Without it only administrators enter any.",
        ),
        parse=validators.platform_host,
        example="open.feishu.example.com,*.lark.example.com",
    )
    FEISHU_PLATFORM_NETWORKS = texts(
        Text(
            "机器人的自定义平台地址、代理以及成员头像允许位于的网络，逗号分隔：public 表示公网，private 表示内网（RFC 1918 与 fc00::/7），"
            "loopback 表示本机，另可填写网段。云厂商元数据地址须单独写明才允许。",
            "Where custom platforms and proxies of bots and pictures of people may be, comma-separated: public, private (RFC 1918 and fc00::/7), "
            "loopback, and networks. A cloud's metadata service is allowed only where it is named by itself.",
        ),
        parse=validators.network,
        unset=Text(
            "`public,private`；开发模式下另有 `loopback`",
            "`public,private`, in development `loopback` as well",
        ),
        example="public,private,100.64.0.0/10",
    )
    FEISHU_REGISTRATION_ADDRESSES = Variable(
        Text(
            "扫码添加机器人所用的平台替身（例如沙箱）：OpenAPI 地址与账号地址，以逗号分隔。不设置时使用飞书，Lark 会自动识别。",
            "The stand-in, such as a sandbox, at which bots are added by QR code: its OpenAPI and its accounts address, separated "
            "by a comma. Unset: Feishu, where people of Lark are recognized.",
        ),
        parse=validators.platform_addresses,
        default="",
        example="http://localhost:9800,http://localhost:9800",
        takes_empty=True,
    )
    FEISHU_CA_FILE = text(
        Text(
            "除系统信任的证书外，另外信任的 CA 证书文件（PEM），例如公司内部 CA；用于平台、长连接与事件推送。",
            "PEM file with authorities that are trusted besides those of the system, e.g. the company's own: by calls to "
            "the platform, long connections and deliveries.",
        ),
        parse=validators.ca_file,
        example="/etc/ssl/company-ca.pem",
    )
    FEISHU_DELIVERY_NETWORKS = texts(
        Text(
            "允许推送事件（以及请求 Alertmanager 静默）的网络，逗号分隔：public 表示公网；内网系统请填写网段，例如 10.0.0.0/8。"
            "其余地址（包括本机回环与云厂商元数据地址）一律拒绝。",
            "Where events may be pushed to, and Alertmanager be asked for silences, comma-separated: public for the public internet, and networks such as 10.0.0.0/8 "
            "for the company's own. Everything else is refused, loopback and cloud metadata included.",
        ),
        parse=validators.network,
        default="public",
        example="public,10.0.0.0/8",
    )
    FEISHU_DELIVERY_CALLS = integer(
        Text("单个工作进程同时推送的事件数。", "How many events one worker process pushes at once."),
        default="64",
        least=1,
        most=10_000,
    )
    FEISHU_DELIVERY_KEEP_DAYS = integer(
        Text(
            "订阅方未取走的事件的保留天数。",
            "How long an event waits for a subscription that does not take it, in days.",
        ),
        default="7",
        least=1,
        most=A_CENTURY,
    )
    FEISHU_CALLBACK_THREADS = integer(
        Text(
            "单个进程同时处理的卡片点击数；来不及开始的由工作进程接手。",
            "How many card clicks one process handles at once; the workers take over what cannot begin in time.",
        ),
        default="64",
        least=1,
        most=1_000,
    )
    FEISHU_WEBHOOK_MAX_BYTES = integer(
        Text("Webhook 请求体的最大长度（字节）。", "The longest webhook request taken, in bytes."),
        default="1048576",
        least=1_024,
        most=104_857_600,
    )
    FEISHU_WEBHOOK_REQUESTS = integer(
        Text(
            "单个 Web 进程同时处理的 Webhook 请求数上限；超出时拒绝，由平台重新推送。",
            "How many webhook requests one web process serves at once; the platform pushes again what is refused beyond.",
        ),
        default="512",
        least=1,
        most=100_000,
    )
    FEISHU_WEBHOOK_BOT_RATE = integer(
        Text(
            "单个 Web 进程每秒为同一机器人接收的 Webhook 事件数上限；超出时拒绝，由平台重新推送。卡片回调不受限。",
            "How many webhook events a second one web process takes for one bot; the platform pushes again what is refused "
            "beyond. Callbacks are not limited.",
        ),
        default="1000",
        least=1,
        most=100_000,
    )
    FEISHU_WEBHOOK_BOT_REQUESTS = integer(
        Text("其中同一机器人的请求数上限。", "How many of them may be for the same bot."),
        default="128",
        least=1,
        most=100_000,
    )
