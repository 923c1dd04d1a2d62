"""What stands among a Discord server's own events is kept true like a card."""

import datetime as dt

import pytest

from cli.demo.small_discord.rest import ACTIVE, CANCELED, COMPLETED, SCHEDULED, DiscordRest, Payload, Refusal
from core.cards.announcements import announce, card_for
from core.cards.keep import maybe_stale
from core.cards.model import CALENDAR, Posted, Space
from core.cards.on_discord import server_event
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.settings import Settings
from core.work import SYSTEM
from tests.people import Town, until
from tests.worker.cards import card_row, keeping, rename

SERVER = Space(platform="discord", tenant_id="500", channel_id=CALENDAR)


async def added(town: Town, discord: DiscordRest, event: EventView) -> str:
    card = await town.core.ask(town.alice.actor, card_for, event.id, SERVER)
    number = f"4{len(discord.scheduled)}"
    made = {"id": number, "guild_id": "500", "creator_id": "900", "status": 1}
    discord.scheduled[number] = made | server_event(card, town.clock.now())
    await town.core.act(town.alice.actor, announce, event.id, Posted(space=SERVER, message_id=number, card=card))
    return number


async def becomes(discord: DiscordRest, number: str, **said: object) -> Payload:
    async def look() -> Payload:
        return discord.scheduled[number]

    return await until(look, lambda event: said.items() <= event.items())


async def test_a_change_of_name_place_or_time_shows_there(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    number = await added(town, discord, event)
    later = event.start_date + dt.timedelta(days=1)
    async with keeping(town, bot_settings):
        await town.core.act(
            town.alice.actor, change_event, event.id,
            EventChange(name="Garden party", location="The garden", start_date=later),
        )  # fmt: skip
        shown = await becomes(discord, number, name="Garden party", entity_metadata={"location": "The garden"})
    assert dt.datetime.fromisoformat(shown["scheduled_start_time"]) == later


async def test_followers_are_not_counted_there_and_cost_no_request(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    number = await added(town, discord, event)
    await town.follow(town.bob, event)
    assert await town.core.ask(SYSTEM, maybe_stale, ["discord"]) == []
    async with keeping(town, bot_settings):
        await rename(town, event, "Garden party")
        await becomes(discord, number, name="Garden party")
    assert len(discord.calls) == 1


async def test_a_cancelled_event_is_cancelled_there(town: Town, discord: DiscordRest, bot_settings: Settings) -> None:
    event = await town.event()
    number = await added(town, discord, event)
    async with keeping(town, bot_settings):
        await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="rain"))
        await becomes(discord, number, status=4, name=event.name)


@pytest.mark.parametrize(("has_begun_there", "becomes_there"), [(True, COMPLETED), (False, CANCELED)])
async def test_an_event_that_is_cancelled_while_it_runs_ends_there(
    town: Town, discord: DiscordRest, bot_settings: Settings, *, has_begun_there: bool, becomes_there: int
) -> None:
    event = await town.event(town.in_(hours=1))
    number = await added(town, discord, event)
    town.clock.shift += dt.timedelta(minutes=70)
    discord.scheduled[number]["status"] = ACTIVE if has_begun_there else SCHEDULED
    async with keeping(town, bot_settings):
        await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="rain"))
        await becomes(discord, number, status=becomes_there, name=event.name)


async def test_an_event_that_becomes_private_leaves_the_servers_events(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    number = await added(town, discord, event)
    async with keeping(town, bot_settings):
        await town.core.act(town.alice.actor, change_event, event.id, EventChange(is_public=False))
        row = await until(lambda: card_row(town, number), lambda row: row.gone_at is not None)
    assert discord.scheduled == {}
    assert "became private" in (row.last_error or "")


async def test_what_has_begun_is_changed_without_its_start_and_what_is_over_not_at_all(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event(town.in_(hours=1))
    number = await added(town, discord, event)
    town.clock.shift += dt.timedelta(minutes=90)
    card = await town.core.ask(town.alice.actor, card_for, event.id, SERVER)
    assert "scheduled_start_time" not in server_event(card, town.clock.now())
    town.clock.shift += dt.timedelta(hours=1)

    async with keeping(town, bot_settings):
        await until(lambda: card_row(town, number), lambda row: row.shown_status == "ended")
    assert discord.calls == []


async def test_one_that_was_deleted_on_discord_is_never_tried_again_and_a_lost_right_is_waited_for(
    town: Town, discord: DiscordRest, bot_settings: Settings
) -> None:
    event = await town.event()
    gone, kept = await added(town, discord, event), await added(town, discord, event)
    del discord.scheduled[gone]
    discord.refuse(f"PATCH .*/{kept}$", Refusal(403, 50013))
    async with keeping(town, bot_settings):
        await rename(town, event, "Garden party")
        await until(lambda: card_row(town, gone), lambda row: row.gone_at is not None)
        row = await until(lambda: card_row(town, kept), lambda row: row.retry_at is not None)
        assert "does not let Soonish" in (row.last_error or "")
    discord.accept()
    town.clock.shift += dt.timedelta(minutes=2)
    async with keeping(town, bot_settings):
        await becomes(discord, kept, name="Garden party")
