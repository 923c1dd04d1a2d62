"""Direct messages by the bot: what arrives, what each answer of Discord's means, and where nothing may go."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from cli.demo.small_discord.rest import DiscordRest, Refusal, buttons, dm_of, units
from core.delivery.addresses import DISCORD_BOT
from core.delivery.bot import NO_TOKEN
from core.delivery.channels import read_channel
from core.delivery.hosts import Hosts
from core.delivery.message import Direct, Message
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.delivery.services import SERVICES, host_of
from core.errors import Code, SoonishError
from core.rendering.discord_parts import link_button

BOB = "80351110224678912"
URL = f"discorddm://{BOB}"
WORDS = Message(
    "Launch party is *tomorrow*",
    "Doors at six.",
    "Doors at six\\.",
    direct=Direct("Doors at six\\.", "Doors at six.", "https://soonish.example/e/abc", "abc"),
    key="0123456789abcdef012345678",
)
Senders = Callable[..., Any]


@pytest.fixture
async def bot(senders: Senders, discord: DiscordRest) -> AsyncIterator[Sender]:
    """Its policy for everybody's channels lets nothing on this machine be reached."""
    async with senders(DestinationPolicy(), **discord.settings) as sender:
        yield sender


async def test_a_direct_message_is_escaped_pings_nobody_and_has_buttons(bot: Sender, discord: DiscordRest) -> None:
    outcome = await bot.send(URL, WORDS)
    assert outcome.delivered
    (payload,) = discord.direct(BOB)
    assert payload["content"] == "**Launch party is \\*tomorrow\\***\nDoors at six\\."
    assert payload["allowed_mentions"] == {"parse": []}
    assert [(each["label"], each.get("url", each.get("custom_id"))) for each in buttons(payload)] == [
        ("Open page", "https://soonish.example/e/abc"), ("Unsubscribe", "soonish:leave:abc"),
    ]  # fmt: skip


async def test_the_channel_to_somebody_is_opened_once(bot: Sender, discord: DiscordRest) -> None:
    for number in range(3):
        assert (await bot.send(URL, replace(WORDS, key=str(number)))).delivered
    assert [path for _, path in discord.calls].count("/users/@me/channels") == 1
    assert len(discord.direct(BOB)) == 3


async def test_a_channel_that_is_known_no_more_is_opened_again(bot: Sender, discord: DiscordRest) -> None:
    await bot.send(URL, WORDS)
    discord.refuse(rf"POST /channels/{dm_of(BOB)}/messages", Refusal(404, 10003), times=1)
    assert (await bot.send(URL, replace(WORDS, key="another"))).delivered
    assert len(discord.direct(BOB)) == 2


async def test_a_message_that_is_sent_again_after_a_crash_arrives_once(bot: Sender, discord: DiscordRest) -> None:
    for _ in range(2):
        assert (await bot.send(URL, WORDS)).delivered
    assert len(discord.direct(BOB)) == 1


async def test_a_message_longer_than_discord_takes_is_cut(bot: Sender, discord: DiscordRest) -> None:
    long = Message("T" * 400, "", "", direct=Direct("b" * 9000))
    assert (await bot.send(URL, long)).delivered
    assert units(discord.direct(BOB)[0]["content"]) <= 2000


@pytest.mark.parametrize(("status", "code"), [(403, 50007), (403, 50278), (403, 50001), (404, 10013), (400, 50033)])
async def test_somebody_who_cannot_be_reached_is_dead_with_a_reason(
    bot: Sender, discord: DiscordRest, status: int, code: int
) -> None:
    discord.refuse("POST .*/messages", Refusal(status, code))
    outcome = await bot.send(URL, WORDS)
    assert (outcome.permanent, outcome.about_message, outcome.host_fault) == (True, False, False)
    assert outcome.code == f"discord_{code}"
    assert outcome.reason.endswith(".")
    assert BOB not in outcome.reason


async def test_a_wrong_token_is_the_operators_fault_and_pauses_the_bot(senders: Senders, discord: DiscordRest) -> None:
    async with senders(DestinationPolicy(), **discord.settings | {"discord_bot_token": "wrong"}) as sender:
        outcome = await sender.send(URL, WORDS)
    assert (outcome.code, outcome.permanent, outcome.deferred, outcome.host_fault) == ("discord_401", False, True, True)
    hosts = Hosts(32)
    hosts.record(DISCORD_BOT, outcome)
    gate = hosts.enter(DISCORD_BOT)
    assert gate is not None
    assert gate.deferral is not None


async def test_without_a_token_messages_wait_and_nothing_is_asked(senders: Senders, discord: DiscordRest) -> None:
    async with senders(DestinationPolicy(), **discord.settings | {"discord_bot_token": None}) as sender:
        assert await sender.send(URL, WORDS) == NO_TOKEN
    assert discord.calls == []


@pytest.mark.parametrize(
    ("refusal", "everybody"),
    [
        (Refusal(429, 0, {"Retry-After": "1"}, {"retry_after": 7.5, "global": False}), False),
        (Refusal(429, 0, {"Retry-After": "8"}, {"retry_after": 7.5, "global": True}), True),
        (Refusal(429, None, {"Retry-After": "7.5"}), True),
    ],
)
async def test_a_limit_is_waited_for_by_whom_it_names(
    bot: Sender, discord: DiscordRest, refusal: Refusal, everybody: bool
) -> None:
    discord.refuse("POST .*/messages", refusal)
    outcome = await bot.send(URL, WORDS)
    assert (outcome.deferred, outcome.retry_after, outcome.host_wide) == (True, 7.5, everybody)


async def test_a_limit_on_old_messages_that_names_no_time_is_not_asked_again_at_once(
    bot: Sender, discord: DiscordRest
) -> None:
    discord.refuse("PATCH", Refusal(429, 30046))
    outcome = await bot.discord.edit("600", "1", {"content": "x"})
    assert (outcome.deferred, outcome.retry_after, outcome.host_wide) == (True, 60.0, False)


async def test_the_limit_on_opening_channels_is_the_whole_bots(bot: Sender, discord: DiscordRest) -> None:
    discord.refuse("POST /users", Refusal(429, 0, more={"retry_after": 3, "global": False}))
    assert (await bot.send(URL, WORDS)).host_wide
    discord.accept()
    discord.refuse("POST /users", Refusal(403, 40003))
    outcome = await bot.send(URL, WORDS)
    assert (outcome.deferred, outcome.host_wide, outcome.permanent) == (True, True, False)


@pytest.mark.parametrize("refusal", [Refusal(403, None), Refusal(403, 999), Refusal(404, 0), Refusal(502, None)])
async def test_what_does_not_name_the_person_is_not_held_against_their_channel(
    bot: Sender, discord: DiscordRest, refusal: Refusal
) -> None:
    discord.refuse("POST .*/messages", refusal)
    outcome = await bot.send(URL, WORDS)
    assert (outcome.delivered, outcome.permanent, outcome.host_fault) == (False, False, not refusal.code)


async def test_a_message_that_discord_does_not_take_leaves_the_channel_on(bot: Sender, discord: DiscordRest) -> None:
    discord.refuse("POST .*/messages", Refusal(400, 50035))
    outcome = await bot.send(URL, WORDS)
    assert (outcome.permanent, outcome.about_message) == (True, True)


async def test_requests_of_a_token_are_paced(senders: Senders, discord: DiscordRest) -> None:
    clock = asyncio.get_running_loop().time
    async with senders(DestinationPolicy(), **discord.settings | {"discord_requests_per_second": 20}) as sender:
        start = clock()
        await asyncio.gather(*(sender.send(URL, replace(WORDS, key=str(number))) for number in range(6)))
        assert clock() - start >= 6 / 20


async def test_the_bot_reaches_its_own_base_on_this_machine_and_nothing_else(
    bot: Sender, discord: DiscordRest, server: Any
) -> None:
    assert (await bot.send(URL, WORDS)).delivered
    assert (await bot.send(f"json://127.0.0.1:{discord.port}/users", WORDS)).code == "blocked"
    for wrong in (
        "discorddm://..%2F..%2Fguilds",
        "discorddm://1/../2",
        "discorddm://",
        "discorddm://1?x=y",
        "discorddm://١",
    ):
        assert (await bot.send(wrong, WORDS)).code == "unreadable"
    assert len(discord.calls) == 2


@pytest.mark.parametrize("url", [URL, f"DISCORDDM://{BOB}", "discorddm://"])
def test_nobody_adds_a_direct_channel_by_its_address(url: str) -> None:
    with pytest.raises(SoonishError) as refused:
        read_channel(url)
    assert refused.value.code == Code.INVALID
    assert BOB not in refused.value.message


def test_everybody_shares_the_bots_limits() -> None:
    assert host_of(URL) == DISCORD_BOT
    assert SERVICES["discorddm"].native


@pytest.mark.parametrize("url", ["http://localhost:8000/e/x", "", "javascript:alert(1).", "https://a.b/" + "x" * 600])
def test_a_link_that_would_cost_the_whole_message_is_no_button(url: str) -> None:
    assert link_button("Open page", url) is None
