"""Only public addresses, what the operator allows, and what is open just now."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest

from core.delivery import policy as policy_module
from core.delivery.message import Message
from core.delivery.policy import DestinationPolicy, GuardedResolver, Opening

INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0",  # noqa: S104
    "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1",
    "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "::ffff:168.63.129.16",
    "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "2002:7f00:1::", "2002:a00:1::1",
    "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "5f00::1", "100::1", "4000::1",
]  # fmt: skip
NOT_ADDRESSES = [
    "localhost",
    "example.org",
    "127.1",
    "0x7f.1",
    "2130706433",
    "017700000001",
    "",
    "[::1]",
    "１２７.0.0.1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_an_inside_address_is_never_permitted(address: str) -> None:
    assert not DestinationPolicy().permits(address, 443)


@pytest.mark.parametrize("text", NOT_ADDRESSES)
def test_what_is_not_an_address_is_never_permitted(text: str) -> None:
    assert not DestinationPolicy([ipaddress.ip_network("0.0.0.0/0")]).permits(text, 443)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "140.82.121.4", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_a_public_address_is_permitted(address: str) -> None:
    assert DestinationPolicy().permits(address, 443)


def test_an_allowed_network_opens_every_port_in_it_and_nothing_beside_it() -> None:
    policy = DestinationPolicy([ipaddress.ip_network("10.1.0.0/16")])
    assert policy.permits("10.1.2.3", 9)
    assert policy.permits("::ffff:10.1.2.3", 9)
    assert not policy.permits("10.2.0.1", 9)


def test_an_opening_counts_for_its_port_and_only_while_it_lasts() -> None:
    openings = [Opening(ipaddress.ip_network("127.0.0.1/32"), 8080)]
    policy = DestinationPolicy([], lambda: openings)
    assert policy.permits("127.0.0.1", 8080)
    assert not policy.permits("127.0.0.1", 8081)
    openings.clear()
    assert not policy.permits("127.0.0.1", 8080)


@pytest.mark.parametrize(
    "name", ["localhost", "localhost.", "127.1", "0x7f.1", "2130706433", "017700000001", "0177.0.0.1"]
)
async def test_the_resolver_refuses_every_name_for_this_machine(name: str) -> None:
    resolver = GuardedResolver(DestinationPolicy())
    with pytest.raises(OSError, match=r"open to Soonish|not known"):
        await resolver.resolve(name, 80)
    await resolver.close()


async def test_the_resolver_hands_out_the_permitted_addresses_of_a_mixed_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _answer(monkeypatch, lambda: ["10.0.0.1", "1.1.1.1", "127.0.0.1"])
    resolver = GuardedResolver(DestinationPolicy())
    assert [answer["host"] for answer in await resolver.resolve("mixed.example", 443)] == ["1.1.1.1"]
    await resolver.close()


@pytest.mark.parametrize(
    "url", ["json://[::1]:{port}/", "json://127.0.0.1:{port}/", "json://0.0.0.0:{port}/", "json://localhost:{port}/"]
)
async def test_a_stored_url_to_the_inside_is_blocked_when_it_is_used(
    senders: Callable[..., Any], server: Any, message: Message, url: str
) -> None:
    async with senders(DestinationPolicy()) as sender:
        outcome = await sender.send(url.format(port=server.port), message)
    assert (outcome.code, outcome.permanent, outcome.host_fault) == ("blocked", True, False)
    assert server.received == []


async def test_a_name_that_changes_its_answer_is_connected_to_the_approved_one(
    monkeypatch: pytest.MonkeyPatch, senders: Callable[..., Any], server: Any, message: Message
) -> None:
    """DNS rebinding: approved first, the inside on the second look. There is no second look."""
    answers = iter([["127.0.0.1"], ["127.0.0.99"]])
    asked = _answer(monkeypatch, lambda: next(answers))
    policy = DestinationPolicy([ipaddress.ip_network("127.0.0.1/32")])
    async with senders(policy) as sender:
        outcome = await sender.send(f"json://rebind.example:{server.port}/hook", message)
    assert outcome.delivered
    assert len(server.received) == len(asked) == 1


async def test_a_name_that_now_points_inside_is_blocked(
    monkeypatch: pytest.MonkeyPatch, senders: Callable[..., Any], server: Any, message: Message
) -> None:
    _answer(monkeypatch, lambda: ["127.0.0.99"])
    async with senders(DestinationPolicy([ipaddress.ip_network("127.0.0.1/32")])) as sender:
        outcome = await sender.send(f"json://rebind.example:{server.port}/hook", message)
    assert outcome.code == "blocked"
    assert server.received == []


def _answer(monkeypatch: pytest.MonkeyPatch, addresses: Callable[[], list[str]]) -> list[str]:
    """Replaces the system's resolver, the outermost edge; returns the names asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, family: int = 0, kind: int = 0, *_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses()]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


async def test_a_resolver_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hang(*_: Any) -> list[Any]:
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
        return []

    monkeypatch.setattr(policy_module, "_getaddrinfo", hang)
    monkeypatch.setattr(policy_module, "RESOLVE_SECONDS", 0.05)
    resolver = GuardedResolver(DestinationPolicy())
    with pytest.raises(TimeoutError):
        await resolver.resolve("slow.example", 443)
    release.set()
    await resolver.close()
