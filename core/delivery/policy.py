"""Which addresses Soonish may connect to on somebody else's behalf; the resolver and the gate that enforce it."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult
from apprise.utils.http import is_public_ip_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What Python 3.11 takes for public and is not: protocol assignments, old 6to4 relays, Azure's metadata service.
NOT_PUBLIC = tuple(ipaddress.ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32"))
# All public IPv6 there is, and NAT64, which the check below judges by the IPv4 address inside.
IPV6 = tuple(ipaddress.ip_network(network) for network in ("2000::/3", "64:ff9b::/96", "64:ff9b:1::/48"))

RESOLVER_THREADS = 16
RESOLVE_SECONDS = 5.0


class BlockedDestination(OSError):  # noqa: N818
    """Every address behind the name is one that Soonish does not connect to."""


class Opening(NamedTuple):
    """One network and port that is open for the time being."""

    network: Network
    port: int


def _no_openings() -> Collection[Opening]:
    return ()


class DestinationPolicy:
    """Public addresses, the operator's allowed networks, and whatever is open just now; nothing else."""

    def __init__(
        self, allowed: Sequence[Network] = (), openings: Callable[[], Collection[Opening]] = _no_openings
    ) -> None:
        self._allowed = tuple(allowed)
        self._openings = openings

    def permits(self, address: str, port: int) -> bool:
        """`address` is an IP address in text; a name is never permitted: resolve it first."""
        ip = _plain(address)
        if ip is None:
            return False
        if _is_public(ip):
            return True
        if any(ip in network for network in self._allowed):
            return True
        return any(port == opening.port and ip in opening.network for opening in self._openings())

    def socket(self, info: tuple[Any, ...]) -> socket.socket:
        """The socket for one address about to be connected to; the last gate, which literal addresses pass as well."""
        family, kind, protocol, _, sockaddr = info
        if not self.permits(sockaddr[0], sockaddr[1]):
            raise BlockedDestination("this address is not open to Soonish")
        return socket.socket(family, kind, protocol)


def _is_public(ip: Address) -> bool:
    if isinstance(ip, ipaddress.IPv6Address) and not any(ip in network for network in IPV6):
        return False
    if any(ip in network for network in NOT_PUBLIC):
        return False
    return bool(is_public_ip_address(str(ip)))  # type: ignore[no-untyped-call]


def _plain(address: str) -> Address | None:
    """The address itself, without zone, and IPv4 where it only travels inside IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip


class GuardedResolver(AbstractResolver):
    """Resolves in its own few threads and hands out permitted addresses only."""

    def __init__(self, policy: DestinationPolicy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, thread_name_prefix="resolve")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises BlockedDestination when the name has addresses and none is permitted, OSError when it has none."""
        answers = await self.lookup(host, port, family)
        permitted = [
            ResolveResult(
                hostname=host,
                host=sockaddr[0],
                port=port,
                family=answer_family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for answer_family, _, protocol, _, sockaddr in answers
            if self._policy.permits(sockaddr[0], port)
        ]
        if not permitted:
            raise BlockedDestination("no address of this name is open to Soonish")
        return permitted

    async def lookup(self, host: str, port: int, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Any]:
        """What the system's resolver says, unfiltered."""
        loop = asyncio.get_running_loop()
        answer = loop.run_in_executor(self._threads, _getaddrinfo, host, port, family)
        async with asyncio.timeout(RESOLVE_SECONDS):
            return await answer

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _getaddrinfo(host: str, port: int, family: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except UnicodeError as error:  # an IDNA label that is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
