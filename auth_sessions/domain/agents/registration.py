"""Programs that register themselves, and the addresses to which their people are sent back.

Anybody may register, so everything is bounded: the rate, the number, and the life of what nobody used. Where there are as many
unused ones as may be, one of whoever has the most gives way.
"""

import logging
import re
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from auth_sessions.domain.agents.shares import give_way
from auth_sessions.errors import AgentRefused
from auth_sessions.models import MAX_AGENT_NAME, AgentRegistration, ConnectedAgent
from core.database.text import storable
from core.log_pace import THINNED

logger = logging.getLogger(__name__)

UNUSED_KEPT: Final = timedelta(days=1)
"""A registration that no person has consented to."""
MAX_UNUSED: Final = 2_000
MAX_REDIRECTS: Final = 10
MAX_ADDRESS: Final = 500
"""Characters of a redirect URI."""
_PLACE: Final = re.compile(r"(?:[0-9A-Za-z.-]+|\[::1\])(?::[0-9]{1,5})?", re.ASCII)
"""Host and port. They stand in the policy of the page that asks, where a semicolon would begin another directive."""
_UNCLEAR: Final = frozenset(" \\\"'<>`#")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def register(*, name: str, redirect_uris: list[str], address: str) -> AgentRegistration:
    """Keep what a program says of itself. Raises AgentRefused."""
    if not redirect_uris or len(redirect_uris) > MAX_REDIRECTS:
        raise AgentRefused("invalid_redirect_uri", f"Name 1 to {MAX_REDIRECTS} redirect_uris.")
    for uri in redirect_uris:
        check_redirect(uri)
    _make_room()
    return AgentRegistration.objects.create(name=_shown(name), redirect_uris=redirect_uris, address=address)


def _make_room() -> None:
    """For one more that is unused."""
    too_many = unused().count() - MAX_UNUSED + 1
    if too_many <= 0:
        return
    logger.warning("agent_registrations_full", extra={"kept": MAX_UNUSED} | THINNED)
    oldest_first = unused().order_by("registered_at").values_list("pk", "address")
    unused().filter(pk__in=give_way(oldest_first, too_many)).delete()


def _shown(name: str) -> str:
    """On one line, and without characters that turn the direction of what stands around them."""
    return storable("".join(filter(str.isprintable, " ".join(name.split()))), MAX_AGENT_NAME)


def registered(client_id: str) -> AgentRegistration | None:
    """The registration with this ``client_id``."""
    try:
        return AgentRegistration.objects.filter(pk=UUID(client_id)).first()
    except ValueError:
        return None


def unused() -> QuerySet[AgentRegistration]:
    """Registrations by which no agent is connected or was."""
    return AgentRegistration.objects.filter(
        ~Exists(ConnectedAgent.objects.filter(registration=OuterRef("pk")))
    )


def overdue() -> QuerySet[AgentRegistration]:
    """Those that have had their time."""
    return unused().filter(registered_at__lt=timezone.now() - UNUSED_KEPT).order_by("registered_at")


def check_redirect(uri: str) -> None:
    """Raises AgentRefused for an address to which nobody is sent: neither https nor the person's own machine."""
    if not _is_allowed(uri):
        raise AgentRefused(
            "invalid_redirect_uri",
            "A redirect URI is an https address or one of this machine (http://127.0.0.1), without user or fragment.",
        )


def _is_allowed(uri: str) -> bool:
    # Characters that browsers read otherwise than this parser does are in no address that a program needs.
    if len(uri) > MAX_ADDRESS or not uri.isascii() or not uri.isprintable() or set(uri) & _UNCLEAR:
        return False
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    is_encrypted_or_here = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    return bool(host) and _PLACE.fullmatch(parts.netloc) is not None and is_encrypted_or_here


def is_registered(registration: AgentRegistration, uri: str) -> bool:
    """Whether people may be sent to ``uri``: it is registered, character by character but for what is the same in every address
    (RFC 3986, 6.2.2.1 and 6.2.3); on the person's own machine with any port, which programs are given when they start (RFC
    8252, 7.3)."""
    if not _is_allowed(uri):
        return False
    wanted = _compared(uri)
    return any(wanted == _compared(known) for known in registration.redirect_uris)


def _compared(uri: str) -> str:
    """With scheme and host in small letters and no path as the root, as the SDK of some agents writes what others do not."""
    parts = urlsplit(uri)
    place = parts.netloc.lower()
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        place = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, place, parts.path or "/", parts.query, ""))
