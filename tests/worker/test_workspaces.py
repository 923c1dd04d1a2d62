"""Several workspaces on Slack through the whole product: the worker writes to each with its own token, gives up where
the app was taken out, and goes on where it was put back."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from cli.demo.small_slack.api import GENERAL, Member, SlackApi
from cli.demo.small_slack.limits import Payload
from cli.demo.small_slack.people import read
from core.cards.announcements import announce, card_for
from core.cards.model import Posted, Space
from core.cards.on_slack import slack_card
from core.chat.installations import REMOVED, Grant, install, uninstall
from core.db.models import EventAnnouncement, Integration
from core.events.changes import change_event
from core.events.model import EventChange
from core.identities.actors import actor_of_identity
from core.identities.signed import SignedIdentity
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.settings import Settings
from core.work import SYSTEM
from tests.conftest import MakeSettings
from tests.core.look import rows
from tests.people import Town, follow_by_direct_message, until
from tests.servers import SmtpSink, TemporalServer

MEMBERS = {"T2002": "U902", "T3003": "U903"}


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as api:
        api.members |= {member: Member(f"Member of {team}") for team, member in MEMBERS.items()}
        yield api
        assert api.complaints == []


@pytest.fixture
def live_settings(make_settings: MakeSettings, temporal: TemporalServer, smtp: SmtpSink, slack: SlackApi) -> Settings:
    return make_settings(**slack.installable, temporal_url=temporal.address, smtp_server=smtp.host, smtp_port=smtp.port)


async def put_in(town: Town, slack: SlackApi, team: str) -> None:
    token = slack.grants.give(team, f"Team {team}")
    grant = Grant(platform="slack", tenant_id=team, name=team, token=token, scopes="")
    await town.core.act(SYSTEM, install, grant)


async def says(slack: SlackApi, member: str, text: str) -> str:
    """In which workspace that message to the member was sent."""

    async def look() -> list[str]:
        return [each.team_id for each in slack.in_channel(member) if text in read(each.payload)]

    (team,) = await until(look, bool)
    return team


async def shows(slack: SlackApi, ts: str, text: str) -> Payload:
    async def look() -> Payload:
        return slack.messages[ts].shown

    return await until(look, lambda shown: text in read(shown))


async def the(town: Town, table: type[EventAnnouncement]) -> EventAnnouncement:
    async with town.core.db.read() as session:
        return (await session.scalars(select(table))).one()


async def test_each_workspace_is_written_to_with_its_own_token_and_one_that_left_and_came_back_goes_on(
    live: Town, slack: SlackApi
) -> None:
    event = await live.event()
    for team, member in MEMBERS.items():
        await put_in(live, slack, team)
        person = await actor_of_identity(live.core, SignedIdentity("slack", team, member, member), "slack")
        await live.core.act(person, follow_by_direct_message, event.id)
        assert await says(slack, member, "hear about Launch party") == team
    place = Space(platform="slack", tenant_id="T2002", channel_id=GENERAL)
    card = await live.core.ask(live.alice.actor, card_for, event.id, place)
    ts = slack.posted(GENERAL, slack_card(card))
    await live.core.act(live.alice.actor, announce, event.id, Posted(space=place, message_id=ts, card=card))

    slack.grants.end("T2002")
    await live.core.act(SYSTEM, uninstall, "slack", "T2002", live.clock.now())
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Doors", body="at six"))
    found = await live.settled(sent.id)
    assert (found.delivered, found.failed) == (1, 1)
    assert [each.reason for each in found.results if each.status == "dead"] == [REMOVED]
    off = await until(lambda: rows(live.core, select(Integration).where(Integration.disabled_reason == REMOVED)), bool)
    assert [each.is_active for each in off] == [False]
    slack.calls.clear()
    await live.core.act(live.alice.actor, change_event, event.id, EventChange(name="Garden party"))
    waits = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Bring", body="a chair"))
    assert await says(slack, "U903", "a chair") == "T3003"
    assert "chat.update" not in slack.calls  # its card is not tried for ever

    await put_in(live, slack, "T2002")
    assert await says(slack, "U902", "a chair") == "T2002"
    assert (await live.settled(waits.id)).delivered == 2
    await shows(slack, ts, "Garden party")


async def test_somebody_who_was_deactivated_is_told_of_in_the_report(live: Town, slack: SlackApi) -> None:
    event = await live.event()
    await put_in(live, slack, "T2002")
    person = await actor_of_identity(live.core, SignedIdentity("slack", "T2002", "U902", "Zoe"), "slack")
    await live.core.act(person, follow_by_direct_message, event.id)
    await says(slack, "U902", "hear about Launch party")
    slack.members["U902"].deleted = True
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Doors", body="at six"))
    assert [each.reason for each in (await live.settled(sent.id)).results] == ["This Slack account was deactivated."]
