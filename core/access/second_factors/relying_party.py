"""The portal as passkeys know it: by a host name, and the addresses of its pages. Apart from ``passkeys``, whose library takes a
while to load, for pages that only say whether there are any."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The portal as passkeys know it: a passkey works for ``id``, a host name, on pages of the ``origins``."""

    id: str
    origins: tuple[str, ...]

    @property
    def has_passkeys(self) -> bool:
        """An IP address has none: the standard wants a name."""
        try:
            ip_address(self.id.strip("[]"))
        except ValueError:
            return True
        return False


def relying_party(request: HttpRequest) -> RelyingParty:
    """By PUBLIC_URL where it is set, else by the host of the request, which ALLOWED_HOSTS has let through."""
    own = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    host = urlsplit(own).hostname or ""
    known = [own, *(origin for origin in settings.CSRF_TRUSTED_ORIGINS if urlsplit(origin).hostname == host)]
    return RelyingParty(host, tuple(dict.fromkeys(_origin(url) for url in known)))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
