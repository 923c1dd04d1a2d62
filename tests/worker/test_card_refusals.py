"""Discord refuses an edit of a card: what passes is waited for, what stays is given up, no other card pays for it."""

import datetime as dt

import pytest

from cli.demo.small_discord.rest import DiscordRest, Refusal
from core.delivery.addresses import DISCORD_BOT
from core.delivery.hosts import Hosts
from core.settings import Settings
from tests.people import Town, until
from tests.worker.cards import GENERAL, announced, card_row, due, keeping, rename, shows


@pytest.mark.parametrize(("status", "code"), [(404, 10008), (404, 10003), (403, 50001)])
async def test_a_card_that_was_deleted_is_gone_and_never_tried_again(
    town: Town, discord: DiscordRest, bot_settings: Settings, status: int, code: int
) -> None:
    event = await town.event()
    gone, other = await announced(town, discord, event), await announced(town, discord, event)
    discord.refuse(f"PATCH .*/{gone}$", Refusal(status, code))
    async with keeping(town, bot_settings):
        for name in ("Garden party", "Roof party"):
            town.clock.shift += dt.timedelta(minutes=2)
            await rename(town, event, name)
            await shows(discord, other, name)
    row = await card_row(town, gone)
    assert row.gone_at is not None
    assert row.last_error
    assert [path for method, path in discord.calls if path.endswith(gone)] == [f"/channels/600/messages/{gone}"]


async def test_a_limit_is_waited_for_and_then_the_newest_is_shown(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    discord.refuse("PATCH", Refusal(429, 0, more={"retry_after": 30, "global": False}))
    async with keeping(town, bot_settings) as keeper:
        await rename(town, event, "Garden party")
        row = await until(lambda: card_row(town, card), lambda row: row.retry_at is not None)
        await rename(town, event, "Roof party")
        discord.accept()
        town.clock.shift += dt.timedelta(seconds=20)
        # It was looked at again, and waits.
        await until(lambda: due(keeper), lambda found: found == {row.id: row.retry_at})
        assert len(discord.calls) == 1
        town.clock.shift += dt.timedelta(seconds=20)
        await shows(discord, card, "Roof party")
    assert len(discord.edits(card)) == 1
    assert (await card_row(town, card)).attempts == 0


async def test_a_limit_on_the_whole_bot_holds_back_every_card(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    cards = [await announced(town, discord, event) for _ in range(20)]
    discord.refuse("PATCH", Refusal(429, 0, more={"retry_after": 30, "global": True}))
    hosts = Hosts(32, lambda: town.clock.now().timestamp())
    async with keeping(town, bot_settings, hosts) as keeper:
        await rename(town, event, "Garden party")
        await until(lambda: due(keeper), lambda found: len(found) == 20 and min(found.values()) > town.in_(seconds=10))
        assert len(discord.calls) <= 4
        discord.accept()
        town.clock.shift += dt.timedelta(seconds=40)
        for card in cards:
            await shows(discord, card, "Garden party")


@pytest.mark.parametrize("refusal", [Refusal(500, None), Refusal(401), Refusal(403, None)])
async def test_trouble_that_is_not_the_cards_is_tried_again(
    town: Town, discord: DiscordRest, bot_settings: Settings, refusal: Refusal
) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    discord.refuse("PATCH", refusal)
    async with keeping(town, bot_settings):
        await rename(town, event, "Garden party")
        row = await until(lambda: card_row(town, card), lambda row: row.retry_at is not None)
        assert row.gone_at is None
    discord.accept()
    town.clock.shift += dt.timedelta(minutes=2)
    async with keeping(town, bot_settings):
        await shows(discord, card, "Garden party")
        await until(lambda: card_row(town, card), lambda row: row.last_error is None)


@pytest.mark.parametrize("code", [50035, 50083, 160005])
async def test_what_discord_does_not_take_is_not_tried_until_it_changes(
    town: Town, discord: DiscordRest, bot_settings: Settings, code: int
) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    discord.refuse("PATCH", Refusal(400, code), times=1)
    async with keeping(town, bot_settings):
        await rename(town, event, "Garden party")
        await until(lambda: card_row(town, card), lambda row: row.last_error is not None)
        town.clock.shift += dt.timedelta(minutes=2)
        await rename(town, event, "Roof party")
        await shows(discord, card, "Roof party")
    assert len(discord.calls) == 2


@pytest.mark.parametrize("code", [50083, 30999])
async def test_cards_that_discord_refuses_hold_back_nobody_elses_messages(
    town: Town, discord: DiscordRest, bot_settings: Settings, code: int
) -> None:
    event = await town.event()
    places = [GENERAL.model_copy(update={"channel_id": f"30{number}"}) for number in range(12)]
    cards = [await announced(town, discord, event, place) for place in places]
    discord.refuse("PATCH", Refusal(400, code))
    hosts = Hosts(32)
    async with keeping(town, bot_settings, hosts):
        await rename(town, event, "Garden party")
        for card in cards:
            await until(lambda card=card: card_row(town, card), lambda row: row.last_error is not None)  # type: ignore[misc]
    assert hosts.states().get(DISCORD_BOT, "closed") == "closed"
