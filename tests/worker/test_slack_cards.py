"""Cards on Slack are kept true by the same keeper, in each workspace for itself."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from cli.demo.small_slack.api import GENERAL, TEAM, SlackApi
from cli.demo.small_slack.people import labels, read
from core.cards.announcements import announce, card_for
from core.cards.hands import hands
from core.cards.keep import COUNTING
from core.cards.model import Posted, Space
from core.cards.on_slack import slack_card
from core.db.models import EventAnnouncement
from core.delivery.hosts import Hosts
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from tests.conftest import MakeSettings
from tests.people import Town, until
from worker.cards import CardKeeper

HERE = Space(platform="slack", tenant_id=TEAM, channel_id=GENERAL)


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as api:
        yield api
        assert api.complaints == []


@contextlib.asynccontextmanager
async def keeping(town: Town, make_settings: MakeSettings, slack: SlackApi) -> AsyncIterator[None]:
    settings = make_settings(**slack.settings)
    sender = Sender(settings, DestinationPolicy())
    await sender.start()
    task = asyncio.create_task(CardKeeper(town.core, hands(settings, sender), Hosts(32)).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await sender.close()


async def announced(town: Town, slack: SlackApi, event: EventView) -> str:
    card = await town.core.ask(town.alice.actor, card_for, event.id, HERE)
    ts = slack.posted(GENERAL, slack_card(card))
    await town.core.act(town.alice.actor, announce, event.id, Posted(space=HERE, message_id=ts, card=card))
    return ts


async def shows(slack: SlackApi, ts: str, text: str) -> None:
    async def look() -> str:
        return read(slack.messages[ts].shown)

    await until(look, lambda shown: text in shown)


async def row(town: Town) -> EventAnnouncement:
    async with town.core.db.read() as session:
        return (await session.scalars(select(EventAnnouncement))).one()


async def test_changes_and_followers_show_until_it_is_called_off(
    town: Town, slack: SlackApi, make_settings: MakeSettings
) -> None:
    event = await town.event()
    card = await announced(town, slack, event)
    assert labels(slack.messages[card].shown) == ["🔔 Subscribe", "Details", "Open page"]
    async with keeping(town, make_settings, slack):
        change = EventChange(name="<!channel> party")
        await town.core.act(town.alice.actor, change_event, event.id, change)
        await shows(slack, card, "*&lt;!channel&gt; party*")
        await town.follow(town.bob, event)
        town.clock.shift += COUNTING
        await shows(slack, card, "1 subscribed")
        await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="rain"))
        await shows(slack, card, "~&lt;!channel&gt; party~ · cancelled: rain")
    assert labels(slack.messages[card].shown) == ["Details", "Open page"]


@pytest.mark.parametrize("error", ["message_not_found", "is_archived", "not_in_channel", "channel_not_found"])
async def test_a_card_that_is_gone_is_edited_no_more(
    town: Town, slack: SlackApi, make_settings: MakeSettings, error: str
) -> None:
    event = await town.event()
    await announced(town, slack, event)
    slack.refuse("chat.update", error)
    async with keeping(town, make_settings, slack):
        await town.core.act(town.alice.actor, change_event, event.id, EventChange(name="Garden party"))
        found = await until(lambda: row(town), lambda found: found.gone_at is not None)
    assert found.last_error


async def test_a_token_that_is_revoked_for_a_while_costs_no_card(
    town: Town, slack: SlackApi, make_settings: MakeSettings
) -> None:
    event = await town.event()
    card = await announced(town, slack, event)
    slack.refuse("chat.update", "token_revoked")
    async with keeping(town, make_settings, slack):
        await town.core.act(town.alice.actor, change_event, event.id, EventChange(name="Garden party"))
        waiting = await until(lambda: row(town), lambda found: found.retry_at is not None)
        assert waiting.gone_at is None
    slack.accept()
    town.clock.shift += dt.timedelta(minutes=2)
    async with keeping(town, make_settings, slack):
        await shows(slack, card, "Garden party")
