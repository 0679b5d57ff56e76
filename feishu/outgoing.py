"""How requests leave this host: through which proxy, and to which addresses. All HTTP clients are made of these transports.

The HTTP library's own reading of the environment is switched off everywhere: it refuses to start with proxies that it does
not know, and reads NO_PROXY in a way of its own.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import httpcore2
import httpx2

from feishu.cancellation import send
from feishu.deadlines import TimedBackend
from feishu.departures import DeparturesClosedError, departures
from feishu.errors import TransportError
from feishu.networks import (
    EVERYWHERE,
    ForbiddenAddressError,
    Networks,
    Resolver,
    allowed_addresses,
    resolve,
    resolve_now,
    resolve_within,
)
from feishu.proxies import environment_proxy, proxy_address
from feishu.reasons import Reason

LOOKUP_SECONDS: Final = 2.0
"""For the address of a host that a proxy looks up as well. Behind a proxy a resolver often knows no outer names, and says so
late or never."""

_NO_WAY: Final = frozenset(
    {
        Reason.DNS,
        Reason.UNREACHABLE,
        Reason.TIMEOUT,
        Reason.BROKEN,
        Reason.PROXY_UNREACHABLE,
        Reason.PROXY_FORBIDS,
        Reason.PROXY_FAILED,
        Reason.PROXY_TIMEOUT,
    }
)
"""What a host and port show of themselves that are asked to be a proxy. Only a proxy answers 407."""

logger = logging.getLogger(__name__)

T = TypeVar("T", httpx2.HTTPTransport, httpx2.AsyncHTTPTransport)


@dataclass(frozen=True, slots=True)
class Route:
    """The way of an app's requests. `networks`: where addresses that somebody typed may lead, None for addresses that nobody
    did; `proxy_networks` the same of `proxy`."""

    proxy: str = field(default="", repr=False)
    """http://user:password@host:port; where there is none, the environment decides."""
    networks: Networks | None = EVERYWHERE
    proxy_networks: Networks | None = EVERYWHERE
    tells_proxy_errors: bool = True
    """Whether an error says how `proxy` failed. Not where it reaches people who may type one and not look into the network."""

    def told(self, error: TransportError) -> TransportError:
        """The error as it may be told; the log has it as it is."""
        if not self.proxy or self.tells_proxy_errors or error.reason not in _NO_WAY:
            return error
        facts = {"proxy": proxy_address(self.proxy), "reason": error.reason, "error": error.message}
        logger.warning("proxy_failed", extra=facts)
        return TransportError("the proxy opened no way", sent=error.sent, reason=Reason.PROXY_NO_WAY)

    def proxy_for(self, url: str) -> str:
        """The proxy for this address; empty where it is reached directly."""
        return self.proxy or environment_proxy(url)

    def networks_of_first_hop(self, proxy: str) -> Networks | None:
        """The rule for the connection itself. A proxy of the environment is its administrator's choice."""
        if not proxy:
            return self.networks
        return self.proxy_networks if proxy == self.proxy else EVERYWHERE


DIRECT: Final = Route()


class OutgoingTransport(httpx2.BaseTransport):
    """For clients in threads. Every connection is checked when it is made, and goes to the address that was checked."""

    def __init__(self, route: Route, *, verify: ssl.SSLContext, limits: httpx2.Limits) -> None:
        self._route = route
        self._pools: _Pools[httpx2.HTTPTransport] = _Pools(
            lambda proxy: _with_backend(
                httpx2.HTTPTransport(verify=verify, limits=limits, proxy=proxy or None, trust_env=False),
                TimedBackend(_backend(route.networks_of_first_hop(proxy))),
            )
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        _check_departures()
        proxy = self._route.proxy_for(str(request.url))
        if proxy and self._route.networks is not None:
            host, port = request.url.host, _port(request.url)
            try:
                addresses = resolve_within(host, port, LOOKUP_SECONDS)
            except OSError:
                addresses = ()
            try:
                _check_known(host, addresses, self._route.networks)
            except ForbiddenAddressError as error:
                raise httpx2.ConnectError(str(error)) from error
        return self._pools.get(proxy).handle_request(request)

    def close(self) -> None:
        for pool in self._pools.all():
            pool.close()


class AsyncOutgoingTransport(httpx2.AsyncBaseTransport):
    """The same for asyncio."""

    def __init__(
        self, route: Route, *, verify: ssl.SSLContext, limits: httpx2.Limits, resolver: Resolver = resolve
    ) -> None:
        self._route = route
        self._resolver = resolver
        self._pools: _Pools[httpx2.AsyncHTTPTransport] = _Pools(
            lambda proxy: _with_backend(
                httpx2.AsyncHTTPTransport(verify=verify, limits=limits, proxy=proxy or None, trust_env=False),
                # A proxy's name is looked up here, its target's there.
                _async_backend(route.networks_of_first_hop(proxy), resolve if proxy else resolver),
            )
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        _check_departures()
        proxy = self._route.proxy_for(str(request.url))
        if proxy and self._route.networks is not None:
            host, port = request.url.host, _port(request.url)
            try:
                await check_for_proxy(host, port, self._route.networks, resolver=self._resolver)
            except ForbiddenAddressError as error:
                raise httpx2.ConnectError(str(error)) from error
        return await send(self._pools.get(proxy), request)

    async def aclose(self) -> None:
        for pool in self._pools.all():
            await pool.aclose()


class _Pools(Generic[T]):
    """The connections to each proxy, made when first asked for: a bot has one, the environment names two more."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make: Callable[[str], T] = make
        self._pools: dict[str, T] = {}

    def get(self, proxy: str) -> T:
        if proxy not in self._pools:
            # Where two threads make one, the first is kept; the other has opened nothing yet.
            self._pools.setdefault(proxy, self._make(proxy))
        return self._pools[proxy]

    def all(self) -> list[T]:
        return list(self._pools.values())


def _with_backend(transport: T, backend: Any) -> T:
    """httpx2 has no argument for what httpcore2's pools take: the maker of their connections. None: the library's own."""
    if backend is not None:
        transport._pool._network_backend = backend  # noqa: SLF001 -- see above; a test connects with it
    return transport


def _backend(networks: Networks | None) -> httpcore2.NetworkBackend:
    return httpcore2.SyncBackend() if networks is None else _CheckedBackend(networks)


def _async_backend(networks: Networks | None, resolver: Resolver) -> httpcore2.AsyncNetworkBackend | None:
    return None if networks is None else _AsyncCheckedBackend(networks, resolver=resolver)


async def check_for_proxy(host: str, port: int, networks: Networks, *, resolver: Resolver = resolve) -> None:
    """Whether a proxy may be asked for the host: by its addresses as this host knows them, or by its name where it knows
    none in time, for then the proxy looks by itself. Raises ForbiddenAddressError."""
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            addresses = await resolver(host, port)
    except OSError:  # TimeoutError is one
        addresses = ()
    _check_known(host, addresses, networks)


def _check_departures() -> None:
    try:
        departures.check()
    except DeparturesClosedError as error:
        raise httpx2.ConnectError(str(error)) from error


def _check_known(host: str, addresses: Sequence[str], networks: Networks) -> None:
    networks.check(host, addresses)
    if not addresses and not networks.allows_name(host):
        raise ForbiddenAddressError(networks.setting)


class _CheckedBackend(httpcore2.NetworkBackend):
    """Resolves a host once, checks what it resolves to, and connects to one of these addresses."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            addresses = resolve_now(host, port) if timeout is None else resolve_within(host, port, timeout)
            self._networks.check(host, addresses)
        except (OSError, ForbiddenAddressError) as error:
            raise httpcore2.ConnectError(str(error)) from error
        waits = _Waits(timeout, len(addresses))
        for address in addresses[:-1]:
            try:
                return self._backend.connect_tcp(address, port, waits.next(), local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return self._backend.connect_tcp(addresses[-1], port, waits.next(), local_address, socket_options)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _AsyncCheckedBackend(httpcore2.AsyncNetworkBackend):
    """The same for asyncio."""

    def __init__(self, networks: Networks, *, resolver: Resolver) -> None:
        self._networks = networks
        self._resolver = resolver
        self._backend = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await allowed_addresses(
                    host, port, networks=self._networks, resolver=self._resolver
                )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error
        except (OSError, ForbiddenAddressError) as error:
            raise httpcore2.ConnectError(str(error)) from error
        waits = _Waits(timeout, len(addresses))
        for address in addresses[:-1]:
            try:
                return await self._backend.connect_tcp(
                    address, port, waits.next(), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(
            addresses[-1], port, waits.next(), local_address, socket_options
        )

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _Waits:
    """Shares the time for connecting among the addresses that are left."""

    def __init__(self, seconds: float | None, attempts: int) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._left = attempts

    def next(self) -> float | None:
        if self._until is None:
            return None
        share = max(self._until - time.monotonic(), 0.05) / max(self._left, 1)
        self._left -= 1
        return share


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)
