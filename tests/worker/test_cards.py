"""Cards are kept true: every change and every follower shows, however Temporal and the worker are doing."""

import asyncio
import datetime as dt

from sqlalchemy import update

from cli.demo.small_discord.rest import DiscordRest
from core.cards.hands import hands
from core.cards.keep import AT_ONCE, COUNTING, COUNTING_OLD, claim_card, look_at_card, record_edit
from core.db.models import EventAnnouncement
from core.delivery.addresses import DISCORD_BOT
from core.delivery.hosts import Hosts
from core.delivery.message import OK
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange
from core.operations.pause import pause_sending, resume_sending
from core.privacy.erase import NOBODY_ANY_MORE, erase_account
from core.settings import Settings
from core.subscriptions.leave import end_mine
from core.work import SYSTEM
from tests.conftest import MakeSettings
from tests.core.look import statements
from tests.core.steps import joined
from tests.people import OPERATOR, Town, until
from tests.servers import free_port
from tests.worker.cards import GENERAL, announced, card_row, due, keeping, rename, shows, words
from worker.cards import CardKeeper
from worker.main import working


async def test_every_change_and_follower_shows_on_every_card(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    cards = [await announced(town, discord, event, GENERAL.model_copy(update={"channel_id": str(n)})) for n in (1, 2)]
    async with keeping(town, bot_settings):
        await rename(town, event, "Garden party")
        for card in cards:
            await shows(discord, card, "Garden party")
        await town.follow(town.bob, event)
        town.clock.shift += COUNTING
        for card in cards:
            await shows(discord, card, "1 subscribed")
        await town.core.act(town.bob.actor, end_mine, (await town.follow(town.bob, event))[0].id)
        town.clock.shift += COUNTING
        for card in cards:
            await shows(discord, card, "0 subscribed")
        await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="rain"))
        for card in cards:
            await shows(discord, card, "~~Garden party~~ · cancelled: rain")


async def test_a_card_says_that_its_event_is_over_although_nobody_rings(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event(town.in_(hours=1))
    card = await announced(town, discord, event)
    async with keeping(town, bot_settings):
        town.clock.shift += dt.timedelta(hours=2, minutes=1)
        await shows(discord, card, "over")


async def test_what_happened_while_no_worker_ran_is_found_at_its_start(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    await rename(town, event, "Garden party")
    async with keeping(town, bot_settings):
        await shows(discord, card, "Garden party")


async def test_a_crowd_is_counted_in_one_edit(town: Town, discord: DiscordRest, bot_settings: Settings) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    async with keeping(town, bot_settings) as keeper:
        for number in range(30):
            await joined(town, event, f"guest{number}@example.org")
        await until(lambda: due(keeper), lambda found: len(found) == 1)
        assert discord.edits(card) == []
        town.clock.shift += COUNTING
        await shows(discord, card, "30 subscribed")
    assert len(discord.edits(card)) == 1


async def test_an_old_card_counts_less_often_and_changes_at_once(town: Town, discord: DiscordRest) -> None:
    event = await town.event()
    card = (await card_row(town, await announced(town, discord, event))).id
    town.clock.shift += dt.timedelta(hours=2)
    async with town.core.db.write() as session:
        await session.execute(update(EventAnnouncement).values(edited_at=town.clock.now()))
    await town.follow(town.bob, event)
    counted = await town.core.ask(SYSTEM, look_at_card, card)
    await rename(town, event, "Garden party")
    changed = await town.core.ask(SYSTEM, look_at_card, card)
    assert counted is not None
    assert changed is not None
    assert counted.at - changed.at == COUNTING_OLD - AT_ONCE


async def test_two_workers_edit_a_card_once_for_each_change(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    discord.delay = 0.4
    event = await town.event()
    card = await announced(town, discord, event)
    async with keeping(town, bot_settings) as first, keeping(town, bot_settings) as second:
        for number in range(3):
            town.clock.shift += dt.timedelta(seconds=2)
            await rename(town, event, f"Party {number}")
            await shows(discord, card, f"Party {number}")

        async def busy() -> int:
            town.clock.shift += dt.timedelta(seconds=1)
            return len(first._due) + len(second._due) + len(first._editing) + len(second._editing)

        await until(busy, lambda count: count == 0)
    assert len(discord.edits(card)) == 3


async def test_of_two_that_saw_the_same_stale_card_one_edits_it(town: Town, discord: DiscordRest) -> None:
    event = await town.event()
    card = (await card_row(town, await announced(town, discord, event))).id
    await rename(town, event, "Garden party")
    stale = await town.core.ask(SYSTEM, look_at_card, card)
    assert stale is not None
    assert await town.core.step(claim_card, stale, "one")
    assert not await town.core.step(claim_card, stale, "other")
    await town.core.step(record_edit, stale, "other", OK)
    assert await town.core.ask(SYSTEM, look_at_card, card) is not None
    await town.core.step(record_edit, stale, "one", OK)
    assert await town.core.ask(SYSTEM, look_at_card, card) is None
    assert not await town.core.step(claim_card, stale, "other")


async def test_many_direct_messages_do_not_hold_back_a_card(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    hosts = Hosts(32)
    while hosts.enter(DISCORD_BOT) is not None:  # every place of the bot's host is taken
        pass
    async with keeping(town, bot_settings, hosts):
        await rename(town, event, "Garden party")
        await shows(discord, card, "Garden party")


async def test_an_edit_whose_worker_died_is_made_by_the_next(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    await rename(town, event, "Garden party")
    async with town.core.db.write() as session:
        leased = {"lease_owner": "dead", "lease_until": town.clock.now() + dt.timedelta(seconds=60)}
        await session.execute(update(EventAnnouncement).values(leased))
    async with keeping(town, bot_settings) as keeper:
        await until(lambda: due(keeper), lambda found: len(found) == 1)
        assert discord.edits(card) == []
        town.clock.shift += dt.timedelta(seconds=61)
        await shows(discord, card, "Garden party")


async def test_an_event_gone_private_is_told_on_no_card(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event(description="Bring a secret")
    card = await announced(town, discord, event)
    async with keeping(town, bot_settings):
        await town.core.act(town.alice.actor, change_event, event.id, EventChange(is_public=False))
        shown = await shows(discord, card, "A private event")
    assert "Launch" not in str(shown)
    assert "secret" not in str(shown)


async def test_an_erased_organizer_is_named_on_no_card(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event(town.in_(hours=1))
    card = await announced(town, discord, event)
    async with keeping(town, bot_settings):
        town.clock.shift += dt.timedelta(hours=3)
        assert "Alice" in words(await shows(discord, card, "over"))
        await town.core.act(town.alice.actor, erase_account)
        town.clock.shift += COUNTING_OLD
        assert "Alice" not in words(await shows(discord, card, NOBODY_ANY_MORE))


async def test_a_pause_of_all_sending_is_a_pause_of_cards(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    card = await announced(town, discord, event)
    await town.core.act(OPERATOR, pause_sending)
    async with keeping(town, bot_settings) as keeper:
        await rename(town, event, "Garden party")

        async def paused() -> bool:
            return keeper._paused_until is not None

        await until(paused, bool)
        assert discord.calls == []
        await town.core.act(OPERATOR, resume_sending)
        town.clock.shift += dt.timedelta(seconds=6)
        await shows(discord, card, "Garden party")


async def test_a_worker_keeps_cards_while_temporal_is_away(
    town: Town, discord: DiscordRest, make_settings: MakeSettings
) -> None:
    settings = make_settings(**discord.settings, temporal_url=f"127.0.0.1:{free_port()}")
    event = await town.event()
    card = await announced(town, discord, event)

    async def serve() -> None:
        async with working(settings, clock=town.clock):
            raise AssertionError("there is no Temporal")

    task = asyncio.create_task(serve())
    await rename(town, event, "Garden party")
    await shows(discord, card, "Garden party")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_edit_costs_three_statements_however_many_follow(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    for number in range(20):
        channel = await town.channel(town.bob, f"json://192.0.2.7/{number}", tag=f"t{number}")
        await town.follow(town.bob, event, channel)
    card = await announced(town, discord, event)
    await rename(town, event, "Garden party")
    town.clock.shift += dt.timedelta(seconds=2)
    sender = Sender(bot_settings, DestinationPolicy())
    await sender.start()
    keeper = CardKeeper(town.core, hands(bot_settings, sender), Hosts(32))
    number = (await card_row(town, card)).id
    with statements(town.core) as edited:
        await keeper._keep_one(number)
    with statements(town.core) as looked:
        await keeper._keep_one(number)
    await sender.close()
    assert len(discord.edits(card)) == 1
    assert (len(edited), len(looked)) == (3, 1)
