"""Whose request it is, as far as limits go: an address that a stranger cannot choose."""

import ipaddress
from collections.abc import Sequence

from starlette.types import Scope

from core.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_network(scope: Scope, trusted: Sequence[Network]) -> str | None:
    """The client's IPv4 address or IPv6 /64 (what one subscriber line is given). None over a local socket."""
    found = _client(scope, trusted)
    if found is None:
        return None
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def from_trusted(scope: Scope, trusted: Sequence[Network]) -> bool:
    """Whether the peer itself is a proxy of ours."""
    peer = _address(scope["client"][0]) if scope.get("client") else None
    return peer is not None and any(peer in network for network in trusted)


def _client(scope: Scope, trusted: Sequence[Network]) -> Address | None:
    """The peer, unless it is a proxy of ours: then X-Forwarded-For is read from the right, up to the first address
    that is not; what stands left of it may be invented."""
    found = _address(scope["client"][0]) if scope.get("client") else None
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for text in reversed(",".join(lines).split(",")):
        if found is None or not any(found in network for network in trusted):
            return found
        named = _address(text.strip())
        if named is None:
            return found
        found = named
    return found


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
