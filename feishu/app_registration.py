"""Registering an app by QR code: an operator scans it, confirms in the client, and App ID and App Secret arrive by themselves.

A device flow (RFC 8628) without credentials. No page documents it: it is as the official SDK (`lark_oapi/scene/registration`)
and the official command line tool do it, and what differs between the two is read either way.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias, TypeGuard
from urllib.parse import parse_qsl, urlencode, urlsplit

from feishu.device_code import DEFAULT_INTERVAL, web_address
from feishu.errors import MalformedAnswer, OAuthError
from feishu.numbers import seconds
from feishu.platforms import FEISHU, LARK, Platform
from feishu.responses import json_object, read_answer
from feishu.transport import RawAnswer, Transport, unpooled_transport
from feishu.values import mapping_of

Brand: TypeAlias = Literal["feishu", "lark"]

DEFAULT_LIFETIME: Final = 600
"""Seconds that a QR code lasts where the answer does not say it, as in the official SDK."""
LONGEST_LIFETIME: Final = 3600
LONGEST_INTERVAL: Final = 60
SOURCE: Final = "python-sdk/feishu-portal"
"""What the platform is told of who shows the QR code, in the form of the official SDK."""
_PATH: Final = "/oauth/v1/app/registration"
_METHOD: Final = "client_secret"
_LONGEST_ID: Final = 64
_LONGEST_SECRET: Final = 512


@dataclass(frozen=True, slots=True)
class Addons:
    """Scopes, events and callbacks that the app gets besides the platform's preset, or instead of it (`preset` False)."""

    tenant_scopes: tuple[str, ...] = ()
    user_scopes: tuple[str, ...] = ()
    tenant_events: tuple[str, ...] = ()
    user_events: tuple[str, ...] = ()
    callbacks: tuple[str, ...] = ()
    preset: bool = True

    def encoded(self) -> str:
        """As the QR code carries them: base64url without padding of gzip of JSON; empty where nothing is asked for."""
        scopes = _filled(tenant=self.tenant_scopes, user=self.user_scopes)
        events = _filled(tenant=self.tenant_events, user=self.user_events)
        document = {
            **({} if self.preset else {"preset": False}),
            **({"scopes": scopes} if scopes else {}),
            **({"events": {"items": events}} if events else {}),
            **({"callbacks": {"items": list(self.callbacks)}} if self.callbacks else {}),
        }
        if not document:
            return ""
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(gzip.compress(text.encode(), mtime=0)).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class PendingRegistration:
    """A registration that waits for somebody to scan its QR code. `interval` (between polls) and `expires_in` in seconds."""

    device_code: str = field(repr=False)
    verification_uri: str = field(repr=False)
    """The platform's address with the user code in it; `qr_address` makes of it what the QR code holds."""
    interval: int
    expires_in: int


@dataclass(frozen=True, slots=True)
class RegisteredApp:
    """An app that somebody has made or extended. `open_id`: who did, as the app knows the person; empty where the answer does
    not say it."""

    app_id: str
    app_secret: str = field(repr=False)
    open_id: str
    brand: Brand


class RegistrationStatus(StrEnum):
    """How a registration stands."""

    PENDING = "authorization_pending"
    SLOW_DOWN = "slow_down"
    """Add `device_code.SLOW_DOWN_SECONDS` to the interval."""
    SWITCH_TO_LARK = "switch_to_lark"
    """The person is on Lark: poll there from now on, the first time at once."""
    DENIED = "access_denied"
    EXPIRED = "expired_token"
    REGISTERED = "registered"


@dataclass(frozen=True, slots=True)
class RegistrationPoll:
    """The answer to one poll. `app` is there with REGISTERED and with nothing else; the platform gives it once."""

    status: RegistrationStatus
    app: RegisteredApp | None = None


class AppRegistration:
    """The registration endpoint of Feishu with that of Lark, or of a stand-in for both. Thread-safe; never waits, never retries.

    Methods raise TransportError, MalformedAnswer, RateLimited or OAuthError. No error holds a device code or a secret.
    """

    def __init__(
        self, feishu: Platform = FEISHU, lark: Platform = LARK, transport: Transport | None = None
    ) -> None:
        self._platforms: Mapping[Brand, Platform] = {"feishu": feishu, "lark": lark}
        # The poll that is answered with the App Secret works once, so it is sent as a code or a refresh token is.
        self._transport = transport or unpooled_transport()

    def begin(self, *, timeout: float | None = None) -> PendingRegistration:
        """Ask for an address to show as QR code: always at Feishu, which recognizes people of Lark. Two requests of at most
        `timeout` seconds (15) each."""
        methods = self._checked(self._post("feishu", {"action": "init"}, timeout)).get(
            "supported_auth_methods"
        )
        if not isinstance(methods, list) or _METHOD not in methods:
            raise MalformedAnswer("the platform registers no app with an App Secret")
        form = {
            "action": "begin",
            "archetype": "PersonalAgent",
            "auth_method": _METHOD,
            "request_user_info": "open_id tenant_brand",
        }
        body = self._checked(self._post("feishu", form, timeout))
        link = web_address(body.get("verification_uri_complete"))
        device_code = body.get("device_code")
        if not isinstance(device_code, str) or not device_code or not link:
            raise MalformedAnswer("the answer holds no device code or no address to show")
        lifetime = seconds(body.get("expires_in")) or seconds(body.get("expire_in")) or DEFAULT_LIFETIME
        return PendingRegistration(
            device_code=device_code,
            verification_uri=self._platforms["feishu"].for_browsers(link),
            interval=min(seconds(body.get("interval")) or DEFAULT_INTERVAL, LONGEST_INTERVAL),
            expires_in=min(lifetime, LONGEST_LIFETIME),
        )

    def poll(
        self, device_code: str, *, brand: Brand = "feishu", timeout: float | None = None
    ) -> RegistrationPoll:
        """Ask once how the registration stands, within `timeout` seconds (15). `brand`: where, see SWITCH_TO_LARK."""
        raw = self._post(brand, {"action": "poll", "device_code": device_code}, timeout)
        body = json_object(raw.content) or {}
        user = mapping_of(body.get("user_info"))
        if body.get("client_id") and body.get("client_secret"):
            return RegistrationPoll(RegistrationStatus.REGISTERED, _app(body, user, brand))
        # Before what else the answer says, as in the official SDK: the other brand's word is what counts.
        if user.get("tenant_brand") == "lark" and brand != "lark":
            return RegistrationPoll(RegistrationStatus.SWITCH_TO_LARK)
        error = body.get("error")
        if isinstance(error, str) and error in _TOLD_AS_ERRORS:
            return RegistrationPoll(RegistrationStatus(error))
        self._checked(raw)
        raise MalformedAnswer("the answer holds neither an app nor an error", http_status=raw.status)

    def _post(self, brand: Brand, form: Mapping[str, str], timeout: float | None) -> RawAnswer:
        url = self._platforms[brand].accounts_url + _PATH
        return self._transport.exchange("POST", url, form=form, timeout=timeout)

    @staticmethod
    def _checked(raw: RawAnswer) -> dict[str, Any]:
        """The body of a success."""
        try:
            return read_answer(raw.status, raw.headers, raw.content).body
        except MalformedAnswer as error:
            error.excerpt = ""  # may hold the secret
            raise
        except OAuthError as error:
            error.error = error.error[:_LONGEST_ID]
            raise


_TOLD_AS_ERRORS: Final = frozenset(
    {
        RegistrationStatus.PENDING,
        RegistrationStatus.SLOW_DOWN,
        RegistrationStatus.DENIED,
        RegistrationStatus.EXPIRED,
    }
)


def qr_address(
    verification_uri: str,
    *,
    source: str = SOURCE,
    name: str = "",
    description: str = "",
    addons: Addons | None = None,
    app_id: str = "",
    create_only: bool = False,
) -> str:
    """The address that the QR code holds and a browser may open.

    `name` and `description` are proposals; `{user}` in a name stands for the person's. `app_id`: of an app to extend, else
    one is made, or chosen by the person unless `create_only`.
    """
    parts = urlsplit(verification_uri)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query |= {"from": "sdk", "tp": "sdk", "source": source}
    offered = {
        "name": name,
        "desc": description,
        "addons": addons.encoded() if addons else "",
        "createOnly": "true" if create_only else "",
        "clientID": app_id,
    }
    query |= {key: value for key, value in offered.items() if value}
    return f"{parts.scheme}://{parts.netloc}{parts.path}?{urlencode(query)}"


def _app(body: Mapping[str, Any], user: Mapping[str, Any], brand: Brand) -> RegisteredApp:
    app_id, app_secret, open_id = body["client_id"], body["client_secret"], user.get("open_id")
    if not _is_word(app_id, _LONGEST_ID) or not _is_word(app_secret, _LONGEST_SECRET):
        raise MalformedAnswer("the App ID or the App Secret in the answer is none")
    told: Brand | None = {"feishu": "feishu", "lark": "lark"}.get(str(user.get("tenant_brand")))  # type: ignore[assignment]  # a literal each
    return RegisteredApp(
        app_id=app_id,
        app_secret=app_secret,
        open_id=open_id if _is_word(open_id, _LONGEST_ID) else "",
        brand=told or brand,
    )


def _is_word(value: object, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isascii() and value.isprintable()


def _filled(**lists: tuple[str, ...]) -> dict[str, list[str]]:
    return {name: list(items) for name, items in lists.items() if items}
