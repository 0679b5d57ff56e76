"""Why something failed where the platform gave no code of its own: stable names, and what to do about each."""

from enum import StrEnum
from typing import Final, TypeAlias

from feishu.categories import Category
from feishu.text import Text


class Reason(StrEnum):
    """What stood between us and an answer. The names are stored; what they mean is said when it is read."""

    DNS = "dns"
    """The host's name is not found."""
    UNREACHABLE = "unreachable"
    """Nobody takes the connection, or no way leads there."""
    TIMEOUT = "timeout"
    BROKEN = "broken"
    """The line went dead in the middle."""
    CUT = "cut"
    """The answer began and did not end."""
    PACED = "paced"
    """More is waiting for one chat than the platform takes."""
    TLS = "tls"
    """The other end does not prove to be who it should be."""
    PROXY_UNREACHABLE = "proxy_unreachable"
    PROXY_REFUSED = "proxy_refused"
    """The proxy wants other credentials."""
    PROXY_FORBIDS = "proxy_forbids"
    """The proxy does not let anybody through to this host."""
    PROXY_FAILED = "proxy_failed"
    """The proxy itself did not get through."""
    PROXY_TIMEOUT = "proxy_timeout"
    """Nothing came back through the proxy in time."""
    PROXY_NO_WAY = "proxy_no_way"
    """A proxy that an operator typed opened no way. Not told how: the reasons would show which hosts and ports there are."""
    PROXY_UNUSABLE = "proxy_unusable"
    """The proxy's address is none that can be used."""
    FORBIDDEN_ADDRESS = "forbidden_address"
    """The host is in a network that the portal may not connect to."""
    PASSIVE = "passive"
    """The portal works with a copy of its database, and sends nothing."""
    RESTORED = "restored"
    """The database was restored from a backup, and does not know what was sent since."""
    GATEWAY_UNENCRYPTED = "gateway_plain"
    """The platform was asked in TLS, and names a gateway without."""
    MALFORMED = "malformed"
    """An answer came that the platform would not give."""
    HTTP = "http"
    """The platform, or something in its place, refused with an HTTP status alone."""
    REDIRECTED = "redirected"
    """Something in the platform's place sent the request elsewhere; the platform's APIs never do."""
    NO_ENDPOINT = "no_endpoint"
    """The host has no such token endpoint."""
    CLIENT_REFUSED = "client_refused"
    """The token endpoint does not accept the app's credentials, in OAuth's words and without a code."""
    HANDSHAKE = "handshake"
    """The gateway refused the WebSocket."""
    SILENT = "silent"
    """The connection was open, and nothing ever came on it."""
    DATABASE = "database"
    """The credentials could not be read from the database."""
    SEALED = "sealed"
    """The key ring does not open the credentials."""
    INTERRUPTED = "interrupted"
    """The process that had sent the request ended before the answer was stored."""
    INTERNAL = "internal"
    """A fault of our own; the log has it."""


Row: TypeAlias = tuple[Category, Text, Text]

_NETWORK = Text(
    "检查本机到平台的 DNS、路由与防火墙；若必须经代理出网，请在机器人设置中填写代理，或设置 HTTPS_PROXY。系统会自动重试",
    "Check DNS, routes and firewall from this host to the platform; where only a proxy leads out, set it on the bot or "
    "as HTTPS_PROXY. It is retried automatically",
)
_PROXY = Text(
    "检查机器人设置中的代理（未填写时为 HTTPS_PROXY）的地址，以及代理是否在运行。系统会自动重试",
    "Check the address of the bot's proxy (or HTTPS_PROXY where it has none) and that the proxy is running. It is "
    "retried automatically",
)
_WAIT = Text("系统会自动重试，无需处理", "Nothing to do: it is retried automatically")

ROWS: Final[dict[Reason, Row]] = {
    Reason.DNS: (
        Category.RETRY,
        Text("无法解析平台的域名", "The platform's host name cannot be resolved"),
        _NETWORK,
    ),
    Reason.UNREACHABLE: (
        Category.RETRY,
        Text("无法连接到平台", "The platform cannot be reached"),
        _NETWORK,
    ),
    Reason.TIMEOUT: (
        Category.RETRY,
        Text("平台没有在规定时间内应答", "The platform did not answer in time"),
        _NETWORK,
    ),
    Reason.BROKEN: (
        Category.RETRY,
        Text("与平台的连接中途断开", "The line to the platform broke"),
        _NETWORK,
    ),
    Reason.CUT: (
        Category.RETRY,
        Text("平台的应答中途被截断", "The answer was cut off in the middle"),
        Text(
            "该请求可能已执行，请先确认结果再决定是否重新发送；若持续出现，请检查代理或网关的应答大小与超时限制",
            "The request may have been carried out: look before you send it again. If it stays, check what a proxy or gateway "
            "on the way allows in size and time",
        ),
    ),
    Reason.PACED: (
        Category.RATE_LIMIT,
        Text("该会话排队的消息过多", "Too many messages wait for this chat"),
        Text(
            "平台每秒只接受同一用户、群或消息的 5 次请求；请按 Retry-After 稍后再发送",
            "The platform takes five requests a second for one person, chat or message: send again after Retry-After",
        ),
    ),
    Reason.TLS: (
        Category.RETRY,
        Text("TLS 握手失败：对方的证书不可信", "TLS failed: the other end's certificate is not trusted"),
        Text(
            "检查是否有网关或代理在拦截 HTTPS、系统时间是否正确，以及机器人的平台地址",
            "Check whether a gateway or proxy intercepts HTTPS, this host's clock, and the bot's platform",
        ),
    ),
    Reason.PROXY_UNREACHABLE: (
        Category.RETRY,
        Text("无法连接到代理", "The proxy cannot be reached"),
        _PROXY,
    ),
    Reason.PROXY_REFUSED: (
        Category.CONFIGURATION,
        Text("代理拒绝了连接：需要正确的用户名与密码", "The proxy refused: wrong user or password"),
        Text(
            "更正机器人设置（或 HTTPS_PROXY）中代理的用户名与密码",
            "Correct user and password in the bot's proxy, or in HTTPS_PROXY",
        ),
    ),
    Reason.PROXY_FORBIDS: (
        Category.CONFIGURATION,
        Text("代理不允许访问平台", "The proxy forbids the platform's hosts"),
        Text(
            "请让代理管理员放行平台的域名",
            "Have the proxy's administrator allow the platform's hosts",
        ),
    ),
    Reason.PROXY_NO_WAY: (
        Category.RETRY,
        Text("代理没有接通平台", "The proxy opened no way to the platform"),
        Text(
            "检查机器人设置中代理的地址、代理是否在运行，以及是否放行平台的域名。系统会自动重试；具体原因见日志，管理员也可在机器人页面点击“重新检测”查看",
            "Check the address of the bot's proxy, that it is running, and that it allows the platform's hosts. It is retried "
            "automatically; how it failed is in the log, and administrators see it by “Check again” on the bot's page",
        ),
    ),
    Reason.PROXY_FAILED: (
        Category.RETRY,
        Text("代理无法连接到平台", "The proxy did not get through to the platform"),
        Text(
            "检查代理自身的出网与 DNS。系统会自动重试",
            "Check the proxy's own way out and its DNS. It is retried automatically",
        ),
    ),
    Reason.PROXY_TIMEOUT: (
        Category.RETRY,
        Text("经代理的请求没有在规定时间内得到应答", "Nothing came back through the proxy in time"),
        _PROXY,
    ),
    Reason.PROXY_UNUSABLE: (
        Category.CONFIGURATION,
        Text("代理地址不可用", "The proxy's address cannot be used"),
        Text(
            "使用 HTTP CONNECT 代理，格式为 http://用户名:密码@主机:端口",
            "Use an HTTP CONNECT proxy, written http://user:password@host:port",
        ),
    ),
    Reason.FORBIDDEN_ADDRESS: (
        Category.CONFIGURATION,
        Text("该主机位于不允许连接的网络", "The host is in a network that may not be connected to"),
        Text(
            "检查机器人的平台地址与代理；若确为本公司的网络，请管理员将其加入 FEISHU_PLATFORM_NETWORKS",
            "Check the bot's addresses and proxy; if the network is the company's own, have an administrator add it to "
            "FEISHU_PLATFORM_NETWORKS",
        ),
    ),
    Reason.GATEWAY_UNENCRYPTED: (
        Category.CONFIGURATION,
        Text("平台给出的长连接地址没有加密", "The platform names a gateway that is not encrypted"),
        Text(
            "平台地址为 https 时，长连接也必须为 wss；请检查中间网关改写的地址",
            "Where the platform is asked by https the gateway has to be wss; check what a gateway in between rewrites",
        ),
    ),
    Reason.MALFORMED: (
        Category.RETRY,
        Text("应答不是平台约定的格式", "The answer is not what the platform promises"),
        Text(
            "检查机器人的平台地址；也可能是代理或登录页代为应答",
            "Check the bot's platform; a proxy or a sign-in page may be answering in its place",
        ),
    ),
    Reason.HTTP: (
        Category.RETRY,
        Text("请求被拒绝，且没有平台错误码", "The request was refused without a code of the platform"),
        Text(
            "系统会自动重试；若持续出现，请检查机器人的平台地址与代理",
            "It is retried automatically; if it stays, check the bot's platform and its proxy",
        ),
    ),
    Reason.REDIRECTED: (
        Category.RETRY,
        Text("请求被重定向到了别处，应答并非来自平台", "The request was redirected: it was not the platform that answered"),
        Text(
            "检查网关、代理或登录认证页是否拦截了请求，以及机器人的平台地址。系统会自动重试",
            "Check whether a gateway, a proxy or a sign-in page intercepts the request, and the bot's platform. It is "
            "retried automatically",
        ),
    ),
    Reason.NO_ENDPOINT: (
        Category.CONFIGURATION,
        Text("该地址没有此版本的令牌接口", "This address has no token endpoint of this version"),
        Text(
            "在机器人设置中选择平台支持的令牌接口版本（v3、v2 或较早私有化部署的 v1），并检查平台地址",
            "Choose a version of the token endpoint that the platform has in the bot's settings (v3, v2, or v1 of older private "
            "deployments), and check its addresses",
        ),
    ),
    Reason.CLIENT_REFUSED: (
        Category.CONFIGURATION,
        Text("令牌接口不接受该应用的凭证", "The token endpoint does not accept the app's credentials"),
        Text(
            "核对机器人的 App ID、App Secret 与平台地址，并确认应用已启用",
            "Compare the bot's App ID, App Secret and platform addresses, and make sure that the app is enabled",
        ),
    ),
    Reason.HANDSHAKE: (
        Category.RETRY,
        Text("网关拒绝了 WebSocket 连接", "The gateway refused the WebSocket"),
        Text(
            "系统会用新的地址自动重试；若持续出现，请确认代理允许 WebSocket",
            "It is retried with a new address; if it stays, make sure that the proxy lets WebSockets through",
        ),
    ),
    Reason.SILENT: (
        Category.RETRY,
        Text("连接已建立，但没有收到平台的任何数据", "Connected, but the platform sends nothing"),
        Text(
            "系统会自动重建连接；若持续出现，请检查代理或防火墙是否截断了 WebSocket",
            "It is connected again; if it stays, check whether a proxy or firewall holds back WebSocket traffic",
        ),
    ),
    Reason.DATABASE: (
        Category.RETRY,
        Text("暂时无法从数据库读取凭证", "The credentials cannot be read from the database for now"),
        _WAIT,
    ),
    Reason.SEALED: (
        Category.CONFIGURATION,
        Text("现有的 ENCRYPTION_KEYS 打不开机器人的密钥", "None of the ENCRYPTION_KEYS opens the bot's secrets"),
        Text(
            "把写入时所用的密钥加回 ENCRYPTION_KEYS，或在控制台重新填写 App Secret 与代理",
            "Put the key they were written with back into ENCRYPTION_KEYS, or enter App Secret and proxy again in the console",
        ),
    ),
    Reason.PASSIVE: (
        Category.CONFIGURATION,
        Text("本门户处于被动模式，不发送任何请求", "The portal is passive and sends nothing"),
        Text(
            "其数据库是副本，或从备份恢复而来；若应由本安装工作，请执行 manage.py adoptrestore（或取消 FEISHU_PASSIVE）",
            "Its database is a copy or was restored from a backup: where it should act, run manage.py adoptrestore (or unset "
            "FEISHU_PASSIVE)",
        ),
    ),
    Reason.RESTORED: (
        Category.RETRY,
        Text(
            "数据库从备份恢复，无法得知此后是否已使用过该刷新令牌",
            "The database was restored from a backup: whether the refresh token was used since is unknown",
        ),
        Text(
            "访问令牌在到期前仍可使用，到期后以逐渐加长的间隔重试探测，直到平台明确答复；若平台不再接受，会请用户重新授权",
            "The access token is served until its end and the refresh token probed after that; where the platform no longer "
            "takes it, the person is asked to authorize again",
        ),
    ),
    Reason.INTERRUPTED: (
        Category.RETRY,
        Text("应答保存之前，发出请求的进程就结束了", "The process that sent the request ended before it stored the answer"),
        _WAIT,
    ),
    Reason.INTERNAL: (
        Category.RETRY,
        Text("门户内部错误", "A fault of the portal itself"),
        Text("详情见日志；系统会自动重试", "The log has the details; it is retried automatically"),
    ),
}  # fmt: skip
