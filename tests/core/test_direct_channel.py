"""The direct messages of a chat identity as a channel: made by one press, one for each identity, never tested."""

import asyncio

import pytest
from sqlalchemy import select

from core.db.models import Delivery, Identity, Integration
from core.errors import Code
from core.identities.direct import direct_channel
from core.identities.linking import confirm_linking, mint_link_of_identity
from core.identities.signed import SignedIdentity
from core.identities.unlink import unlink_identity
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration, disable_channel, list_integrations, remove_integration
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.work import SYSTEM, Actor
from tests.core.look import NOBODY, refusal, rows, subscriptions, table_sizes
from tests.core.test_identities import DORA, pressed, seated
from tests.people import EVERYTHING, Town, follow_by_direct_message


async def channels(town: Town, actor: Actor) -> list[Integration]:
    query = select(Integration).where(Integration.user_id == actor.user_id).order_by(Integration.id)
    return await rows(town.core, query)


async def test_one_press_makes_the_channel_and_follows(town: Town) -> None:
    event, dora = await town.event(), await pressed(town, DORA)
    answer = await town.core.act(dora, follow_by_direct_message, event.id)
    (row,) = await channels(town, dora)
    assert town.core.keys.open(row.apprise_url) == f"discorddm://{DORA.external_id}"
    assert (row.name, row.kind, row.tag, row.is_active) == ("Discord DM", "Discord DM", "discord", True)
    assert row.label == f"{DORA.display_name} by Discord DM"
    assert row.confirmed_at is not None
    assert row.identity_id is not None
    assert [each.state for each in answer.subscriptions] == ["active"]
    assert answer.created


async def test_a_second_press_makes_nothing_new(town: Town) -> None:
    event, dora = await town.event(), await pressed(town, DORA)
    first = await town.core.act(dora, follow_by_direct_message, event.id)
    before = await table_sizes(town.core)
    again = await town.core.act(dora, follow_by_direct_message, event.id)
    assert await table_sizes(town.core) == before
    assert (first.subscriptions[0].id, False) == (again.subscriptions[0].id, again.created)


async def test_an_event_that_cannot_be_followed_leaves_no_channel(town: Town) -> None:
    hidden, dora = await town.event(is_public=False), await pressed(town, DORA)
    await refusal(town.core.act(dora, follow_by_direct_message, hidden.id), Code.NOT_FOUND)
    assert await channels(town, dora) == []


async def test_only_a_signed_identity_of_the_account_has_direct_messages(town: Town) -> None:
    dora = await pressed(town, DORA)
    carol = town.carol.actor
    await refusal(town.core.act(NOBODY, direct_channel), Code.UNAUTHENTICATED)
    await refusal(town.core.act(carol, direct_channel), Code.FORBIDDEN)
    await refusal(town.core.act(carol, follow_by_direct_message, (await town.event()).id), Code.FORBIDDEN)
    stolen = Actor(carol.user_id, "discord", signed=dora.signed)
    await refusal(town.core.act(stolen, direct_channel), Code.FORBIDDEN)
    assert [row.kind for row in await channels(town, carol)] == ["E-mail"]


async def test_of_two_presses_at_a_time_one_is_told_that_it_opened_the_channel(town: Town) -> None:
    dora = await pressed(town, DORA)
    both = await asyncio.gather(*(town.core.act(dora, direct_channel) for _ in range(2)))
    assert len({each.id for each in both}) == 1
    assert sorted(each.opened for each in both) == [False, True]
    await town.core.act(SYSTEM, disable_channel, both[0].id, "Their DMs are closed.")
    assert (await town.core.act(dora, direct_channel)).opened


async def test_somebody_in_slack_is_reached_in_their_own_workspace(town: Town) -> None:
    someone = await pressed(town, SignedIdentity("slack", "T1", "U1", "Sam"))
    made = await town.core.act(someone, direct_channel)
    assert (made.kind, made.tag) == ("Slack DM", "slack")
    (row,) = await channels(town, someone)
    assert town.core.keys.open(row.apprise_url) == "slackdm://T1/U1"


@pytest.mark.parametrize("tag", ["discord", "phone"])
async def test_a_removed_channel_is_revived_when_it_is_asked_for_again(town: Town, tag: str) -> None:
    dora = await pressed(town, DORA)
    made = await town.core.act(dora, direct_channel)
    await town.core.act(dora, change_integration, made.id, IntegrationChange(tag=tag))
    await town.core.act(dora, remove_integration, made.id)
    again = await town.core.act(dora, direct_channel)
    (row,) = await channels(town, dora)
    assert (again.id, again.tag, row.removed_at) == (made.id, "discord", None)
    assert town.core.keys.open(row.apprise_url) == f"discorddm://{DORA.external_id}"


async def test_one_that_failed_is_switched_on_by_a_press_and_sends_what_waited(town: Town) -> None:
    event, dora = await town.event(), await pressed(town, DORA)
    await town.core.act(dora, follow_by_direct_message, event.id)
    (row,) = await channels(town, dora)
    await town.core.act(SYSTEM, disable_channel, row.id, "Closed.")
    async with town.core.db.write() as session:
        (waiting,) = await session.scalars(select(Delivery).where(Delivery.integration_id == row.id))
        waiting.status = "pending"
    assert (await town.core.act(dora, direct_channel)).is_active
    (delivery,) = await rows(town.core, select(Delivery).where(Delivery.integration_id == row.id))
    assert delivery.status == "queued"


async def test_one_that_its_person_switched_off_stays_off(town: Town) -> None:
    dora = await pressed(town, DORA)
    made = await town.core.act(dora, direct_channel)
    await town.core.act(dora, change_integration, made.id, IntegrationChange(is_active=False))
    assert not (await town.core.act(dora, direct_channel)).is_active


async def test_unlinking_ends_it_and_linking_again_brings_it_back(town: Town) -> None:
    dora, event = await pressed(town, DORA), await town.event()
    await town.core.act(dora, follow_by_direct_message, event.id)
    bob = await seated(town, town.bob)
    await town.core.act(bob, confirm_linking, (await town.core.act(dora, mint_link_of_identity)).token)
    (moved,) = [row for row in await channels(town, bob) if row.kind == "Discord DM"]
    (identity,) = await rows(town.core, select(Identity).where(Identity.user_id == bob.user_id))  # type: ignore[type-var]
    assert (moved.identity_id, moved.tag, moved.removed_at) == (identity.id, "discord", None)
    await town.core.act(bob, unlink_identity, identity.id)
    (gone,) = [row for row in await channels(town, bob) if row.kind == "Discord DM"]
    assert (gone.identity_id, gone.is_active, town.core.keys.open(gone.apprise_url)) == (None, False, "")
    assert [row.state for row in await subscriptions(town, event)] == ["ended"]
    # Who presses now is somebody new; linked again, both are one channel.
    anew = await pressed(town, DORA)
    await town.core.act(anew, follow_by_direct_message, event.id)
    bob = await seated(town, town.bob)
    await town.core.act(bob, confirm_linking, (await town.core.act(anew, mint_link_of_identity)).token)
    live = [row for row in await channels(town, bob) if row.kind == "Discord DM" and row.removed_at is None]
    (identity,) = await rows(town.core, select(Identity).where(Identity.user_id == bob.user_id))  # type: ignore[type-var]
    assert [(row.id, row.identity_id, row.is_active) for row in live] == [(moved.id, identity.id, True)]
    assert town.core.keys.open(live[0].apprise_url) == f"discorddm://{DORA.external_id}"
    # The press afterwards finds it.
    assert (await town.core.act(await pressed(town, DORA), direct_channel)).id == moved.id


async def test_two_identities_of_one_account_have_a_channel_each(town: Town) -> None:
    dora = await pressed(town, DORA)
    await town.core.act(dora, direct_channel)
    other = await pressed(town, SignedIdentity("discord", "", "4242", "Dora at work"))
    await town.core.act(other, direct_channel)
    bob = await seated(town, town.bob)
    for each in (dora, other):
        await town.core.act(bob, confirm_linking, (await town.core.act(each, mint_link_of_identity)).token)
    found = await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)
    assert len([view for view in found.items if view.kind == "Discord DM"]) == 2


async def test_a_report_names_the_person_and_not_their_number(town: Town) -> None:
    event, dora = await town.event(), await pressed(town, DORA)
    await town.core.act(dora, follow_by_direct_message, event.id)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    text = (await town.report(sent.id)).model_dump_json()
    assert f"{DORA.display_name} by Discord DM" in text
    assert DORA.external_id not in text
