"""Apps on their way: a program has shown a QR code, and somebody is to make an app for it in the client."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sandbox.errors import TokenError
from sandbox.world import ids
from sandbox.world.authorizations import SLOW_DOWN_SECONDS

_KEPT = 10_000

Brand: TypeAlias = Literal["feishu", "lark"]


@dataclass(slots=True, kw_only=True)
class Registration:
    """`app_id` and `person_id` are set by who decides. `brand`: of whoever has opened the page."""

    device_code: str
    user_code: str
    expires_at: float
    interval: float
    polled_at: float = 0.0
    decision: Literal["pending", "made", "denied"] = "pending"
    app_id: str = ""
    person_id: str = ""
    brand: Brand = "feishu"
    has_told_brand: bool = False
    used: bool = False


class Registrations:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_device_code: OrderedDict[str, Registration] = OrderedDict()

    def begin(self, *, lifetime: float, interval: float) -> Registration:
        """Both in seconds."""
        registration = Registration(
            device_code=ids.authorization_code(),
            user_code=ids.user_code(),
            expires_at=self._clock() + lifetime,
            interval=interval,
        )
        self._by_device_code[registration.device_code] = registration
        if len(self._by_device_code) > _KEPT:
            self._by_device_code.popitem(last=False)
        return registration

    def waiting(self, user_code: str) -> Registration | None:
        """The registration that still waits under this code."""
        wanted = user_code.strip().upper()
        for registration in self._by_device_code.values():
            waits = registration.decision == "pending" and registration.expires_at > self._clock()
            if registration.user_code == wanted and waits:
                return registration
        return None

    def poll(self, device_code: str) -> Registration:
        """A registration that was decided in favour, once, or one that has just learned another brand.

        Raises TokenError with the errors of RFC 8628.
        """
        registration, now = self._by_device_code.get(device_code), self._clock()
        if registration is None or registration.used:
            raise TokenError(None, "The device code is invalid.", error="invalid_grant")
        if now >= registration.expires_at and registration.decision != "made":
            raise TokenError(None, "The device code has expired.", error="expired_token")
        hurried = registration.polled_at and now - registration.polled_at < registration.interval
        registration.polled_at = now
        if hurried:
            registration.interval += SLOW_DOWN_SECONDS
            raise TokenError(None, "Polling too fast.", error="slow_down")
        if registration.decision == "denied":
            raise TokenError(None, "The user denied the registration.", error="access_denied")
        if registration.decision == "made":
            registration.used = True
            return registration
        if registration.brand == "lark" and not registration.has_told_brand:
            # The client changes to the other brand's host and polls there at once.
            registration.has_told_brand, registration.polled_at = True, 0.0
            return registration
        raise TokenError(None, "The user has not decided yet.", error="authorization_pending")
