"""Values of environment variables that have a form of their own. Each function returns the value or raises WrongValueError."""

import re
import ssl
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from feishu.networks import WORDS
from feishu.text import Text
from feishu_portal.variables import WrongValueError, is_on, items

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
"""As Django has it: under a host with an underscore it would answer no request."""
_ZONES = Path("/usr/share/zoneinfo")
MAX_INSTALLATION = 100
_SWITCH = re.compile(r"[A-Z][A-Z0-9_]*")


def public_url(value: str) -> str:
    """The address of the site as browsers write it in ``Origin``; paths are added to it."""
    parts = _split(value)
    host = _host(parts.hostname) if parts is not None and parts.hostname else ""
    if (
        parts is None
        or parts.scheme not in _DEFAULT_PORTS
        or not host
        or parts.username is not None
        or parts.path.strip("/")
        or {"?", "#"} & set(value)
    ):
        raise WrongValueError(
            Text(
                "应为站点的地址，由协议与主机组成，主机名不含下划线，不含路径（门户须使用独立的主机名），"
                "例如 https://portal.example.com",
                "has to be the address of a site, of scheme and host, without an underscore in the host and without a path (the "
                "portal needs a host name of its own), e.g. https://portal.example.com",
            )
        )
    return _origin(parts, host)


def _origin(parts: SplitResult, host: str) -> str:
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _host(value: str) -> str:
    """A host name or address in the form in which browsers send it; empty where it is none. An address of one link alone,
    ``fe80::1%eth0``, is none: browsers cannot be sent there."""
    if "%" in value:
        return ""
    if ":" in value:
        try:
            return f"[{IPv6Address(value).compressed}]"
        except ValueError:
            return ""
    try:
        name = value.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        return ""
    return name if _HOST.fullmatch(name) else ""


def http_address(value: str) -> str:
    """An address of http or https; without the slash at its end."""
    parts = _split(value)
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise WrongValueError(
            Text("应为 http 或 https 地址", "has to be an address that begins with http:// or https://")
        )
    return value.rstrip("/")


def platform_addresses(value: str) -> list[str]:
    """The OpenAPI address and the accounts address of a platform, or none."""
    addresses = [http_address(item) for item in items(value)]
    if len(addresses) not in {0, 2}:
        raise WrongValueError(
            Text("应为以逗号分隔的两个地址", "has to be two addresses, separated by a comma")
        )
    return addresses


def redis_url(value: str) -> str:
    """With ``rediss`` the server's certificate is verified unless the address says otherwise: Celery would not by itself."""
    parts = _split(value)
    database = parts.path.strip("/") if parts else ""
    if (
        parts is None
        or parts.scheme not in {"redis", "rediss"}
        or not parts.hostname
        or not (database.isdecimal() or not database)
    ):
        raise WrongValueError(
            Text(
                "应为 redis://:密码@主机:端口/数据库编号（或 rediss://），密码中的特殊字符须转义为 %XX",
                "has to be redis://:password@host:port/number, or rediss://, with special characters of the password "
                "written as %XX",
            )
        )
    value = parts.scheme + value[len(parts.scheme) :]  # in small letters, as all that connect know it
    if parts.scheme == "rediss" and "ssl_cert_reqs=" not in parts.query:
        return f"{value}{'&' if parts.query else '?'}ssl_cert_reqs=required"
    return value


def email_url(value: str) -> str:
    parts = _split(value)
    try:
        config = environ.Env.email_url_config(value)
    except (ValueError, ImproperlyConfigured):
        config = None
    if parts is None or config is None or (parts.scheme.startswith("smtp") and not parts.hostname):
        raise WrongValueError(
            Text(
                "应为 smtp+tls://用户:密码@主机:端口（或 smtp+ssl://、smtp://），密码中的特殊字符须转义为 %XX",
                "has to be smtp+tls://user:password@host:port, or smtp+ssl:// or smtp://, with special characters of the "
                "password written as %XX",
            )
        )
    return value


def _split(value: str) -> SplitResult | None:
    """The parts of an address; None where it has no such parts, or a space, or a port that is no number."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    return None if re.search(r"\s", value) else parts


def host(value: str) -> str:
    """A host as Django's ALLOWED_HOSTS has it: ``*``, or with a dot in front for its subdomains as well."""
    bare = value.removeprefix("[").removesuffix("]") if value.startswith("[") else value.removeprefix(".")
    found = value if value == "*" else _host(bare)
    if not found:
        raise WrongValueError(
            Text(
                "应为主机名，不含协议、端口与下划线",
                "has to be host names, without scheme, port and underscores",
            )
        )
    return f".{found}" if value.startswith(".") else found


def listening_host(value: str) -> str:
    """An address to listen on."""
    try:
        return str(ip_address(value.removeprefix("[").removesuffix("]")))
    except ValueError:
        raise WrongValueError(Text("应为 IP 地址", "has to be an IP address")) from None


def origin(value: str) -> str:
    """Scheme and host, as browsers send it in ``Origin``; ``*.`` in front of a domain stands for its subdomains."""
    parts = _split(value)
    name = (parts.hostname or "") if parts is not None else ""
    found = _host(name.removeprefix("*."))
    if (
        parts is None
        or parts.scheme not in _DEFAULT_PORTS
        or not found
        or value.lower() != f"{parts.scheme}://{parts.netloc}".lower()
        or "@" in value
    ):
        raise WrongValueError(
            Text(
                "应为来源，由协议与主机组成，例如 https://portal.example.com",
                "has to be origins, of scheme and host, e.g. https://portal.example.com",
            )
        )
    return _origin(parts, f"*.{found}" if name.startswith("*.") else found)


def platform_host(value: str) -> str:
    """A host name or address, perhaps with a port, or ``*.`` and a domain."""
    parts = _split(f"//{value}")
    if (
        parts is None
        or parts.netloc != value
        or not parts.hostname
        or "@" in value
        or "*" in value.removeprefix("*.")
    ):
        raise WrongValueError(
            Text(
                "应为主机名，可带端口或以 *. 开头，例如 *.lark.example.com",
                "has to be host names, perhaps with a port or *. in front, e.g. *.lark.example.com",
            )
        )
    return value.lower()


def network(value: str) -> str:
    """A word or a network that ``feishu.networks`` reads."""
    try:
        if value not in WORDS:
            ip_network(value)
    except ValueError:
        raise WrongValueError(
            Text(
                "应为 public、private、loopback 或以首地址表示的网段，逗号分隔，例如 public,10.0.0.0/8",
                "has to be networks, each named by its first address, or public, private, loopback, comma-separated: "
                "public,10.0.0.0/8",
            )
        ) from None
    return value


def ca_file(value: str) -> str:
    """A readable file with at least one certificate."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=value)
    except (OSError, ssl.SSLError):
        raise WrongValueError(
            Text("应为可读取的 PEM 证书文件", "has to be a readable file with certificates in PEM")
        ) from None
    return value


def module(value: str) -> str:
    if not all(part.isidentifier() for part in value.split(".")):
        raise WrongValueError(
            Text(
                "应为 Python 模块名，例如 company.handlers",
                "has to be names of Python modules, e.g. company.handlers",
            )
        )
    return value


def event_type(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", value):
        raise WrongValueError(
            Text(
                "应为回调类型，例如 profile.view.get",
                "has to be types of callbacks, e.g. profile.view.get",
            )
        )
    return value


def sender(value: str) -> str:
    """An e-mail address, alone or as ``Name <address>``."""
    if not re.fullmatch(r"[^@\r\n]*[^@\s]@[^@\s]+", value):
        raise WrongValueError(Text("应为邮件地址", "has to be an e-mail address"))
    return value


def time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        is_known = False
    else:
        # Where the system has zones, Django takes only those; Python also has its own.
        is_known = not _ZONES.exists() or _ZONES.joinpath(*value.split("/")).exists()
    if not is_known:
        raise WrongValueError(
            Text("应为时区名称，例如 Asia/Shanghai", "has to be the name of a time zone, e.g. Asia/Shanghai")
        )
    return value


def fernet_keys(value: str) -> list[str]:
    """The keys, first the one that writes; at least one."""
    keys = items(value)
    for position, key in enumerate(keys or [""], start=1):
        try:
            Fernet(key)
        except ValueError:
            raise WrongValueError(
                Text(
                    f"应为逗号分隔的 Fernet 密钥，但第 {position} 个不是",
                    f"has to be Fernet keys, comma-separated, and key {position} is not one",
                )
            ) from None
    return keys


def handler_switches(value: str) -> dict[str, bool]:
    """``NAME`` and ``NAME=on|off``, comma-separated: settings that handlers name with ``enabled``."""
    switches: dict[str, bool] = {}
    for item in items(value):
        name, _, state = (part.strip() for part in item.partition("="))
        if not _SWITCH.fullmatch(name) or name in switches:
            raise WrongValueError(
                Text(
                    "应为 NAME 或 NAME=off，逗号分隔，名称由大写字母、数字与下划线组成且不重复",
                    "has to be NAME or NAME=off, comma-separated, each name once and in capitals, digits and underscores",
                )
            )
        switches[name] = is_on(state) if "=" in item else True
    return switches


def installation(value: str) -> str:
    """A name that fits its column."""
    if len(value) > MAX_INSTALLATION or not value.isprintable():
        raise WrongValueError(
            Text(
                f"应为不超过 {MAX_INSTALLATION} 个字符的名称，例如 production",
                f"has to be a name of at most {MAX_INSTALLATION} characters, e.g. production",
            )
        )
    return value
