"""What chat alone asks of the core: previews, what is offered, a server's settings; and none of it for strangers."""

import datetime as dt
from dataclasses import replace

from core.chat.drafts import LIFETIME, change_draft, drop_draft, keep_draft, read_draft
from core.chat.find import Which, find_events
from core.chat.settings import ChatSettingsChange, change_chat_settings, chat_settings
from core.errors import Code
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange
from core.identities.signed import Place, SignedIdentity
from core.identities.unlink import unlink_here
from core.invitations.chat import come_in
from core.invitations.model import NewInChat
from core.invitations.offer import invite, revoke_invitation
from core.notifications.audience import audience
from core.notifications.usecases import event_messages
from core.subscriptions.leave import leave_event
from core.subscriptions.views import subscriptions_to, ways_to
from core.work import Actor
from tests.core.look import NOBODY, refusal, refused_without_a_trace
from tests.people import Clock, Person, Town


def in_server(person: Person, server: str | None = "1001") -> Actor:
    """As Discord signs them in that server."""
    place = Place(server, "2001", frozenset()) if server is not None else None
    return Actor(person.actor.user_id, "discord", signed=SignedIdentity("discord", "", "7", "Someone", place))


async def test_a_preview_is_read_changed_and_dropped_by_whoever_made_it(town: Town) -> None:
    core = town.core
    event = await town.event()
    await refused_without_a_trace(core, core.act(NOBODY, keep_draft, "create", {}), Code.UNAUTHENTICATED)
    await refused_without_a_trace(core, core.act(town.carol.actor, keep_draft, "edit", {}, event.id), Code.FORBIDDEN)
    number = await core.act(town.alice.actor, keep_draft, "edit", {"name": "Ball"}, event.id)
    await refusal(core.ask(NOBODY, read_draft, number, "edit"), Code.UNAUTHENTICATED)
    await refusal(core.ask(town.carol.actor, read_draft, number, "edit"), Code.NOT_FOUND)
    await refusal(core.ask(town.alice.actor, read_draft, number, "notify"), Code.NOT_FOUND)
    await refusal(core.act(town.carol.actor, change_draft, number, "edit", {"name": "Carol's"}), Code.NOT_FOUND)
    await refusal(core.act(NOBODY, drop_draft, number), Code.UNAUTHENTICATED)
    await core.act(town.carol.actor, drop_draft, number)
    assert (await core.ask(town.alice.actor, read_draft, number, "edit")).data == {"name": "Ball"}
    await core.act(town.alice.actor, drop_draft, number)
    await refusal(core.ask(town.alice.actor, read_draft, number, "edit"), Code.NOT_FOUND)


async def test_a_preview_ends_after_a_day(town: Town, clock: Clock) -> None:
    number = await town.core.act(town.alice.actor, keep_draft, "create", {})
    clock.shift = LIFETIME - dt.timedelta(minutes=1)
    await town.core.ask(town.alice.actor, read_draft, number, "create")
    clock.shift = LIFETIME + dt.timedelta(minutes=1)
    await refusal(town.core.ask(town.alice.actor, read_draft, number, "create"), Code.NOT_FOUND)


async def test_a_servers_settings_are_its_admins_alone(town: Town) -> None:
    core, change = town.core, ChatSettingsChange(timezone="Europe/Berlin")
    bob = in_server(town.bob)
    await refusal(core.act(NOBODY, change_chat_settings, change, administers=True), Code.UNAUTHENTICATED)
    await refused_without_a_trace(core, core.act(bob, change_chat_settings, change, administers=False), Code.FORBIDDEN)
    nowhere = in_server(town.bob, None)
    await refused_without_a_trace(
        core, core.act(nowhere, change_chat_settings, change, administers=True), Code.FORBIDDEN
    )
    unknown = ChatSettingsChange(timezone="Mars/Olympus")
    await refused_without_a_trace(core, core.act(bob, change_chat_settings, unknown, administers=True), Code.INVALID)
    await core.act(bob, change_chat_settings, change, administers=True)
    role = ChatSettingsChange(organizer_role="77")
    done = await core.act(bob, change_chat_settings, role, administers=True)
    assert (done.timezone, done.organizer_role, done.channel_id) == ("Europe/Berlin", "77", None)
    assert (await core.ask(bob, chat_settings, "discord", "1002")).timezone is None


async def test_what_organizers_see_of_their_event_no_stranger_sees(town: Town) -> None:
    core, carol = town.core, town.carol.actor
    event, secret = await town.event(), await town.event(is_public=False)
    await town.follow(town.bob, event)
    assert sum((await core.ask(town.alice.actor, audience, event.id)).values()) == 1
    for use_case in (audience, subscriptions_to, leave_event):
        await refusal(core.act(carol, use_case, secret.id), Code.NOT_FOUND)
    await refusal(core.ask(carol, event_messages, secret.id, 5), Code.NOT_FOUND)
    await refusal(core.ask(carol, audience, event.id), Code.FORBIDDEN)
    await refusal(core.ask(carol, event_messages, event.id, 5), Code.FORBIDDEN)
    await refusal(core.ask(NOBODY, subscriptions_to, event.id), Code.UNAUTHENTICATED)
    assert await core.ask(carol, subscriptions_to, event.id) == []
    assert (await core.act(carol, leave_event, event.id)).ended == 0
    assert len(await core.ask(town.bob.actor, subscriptions_to, event.id)) == 1


async def test_how_one_hears_about_an_event_is_what_follows_it_and_all_of_ones_channels(town: Town) -> None:
    event, other = await town.event(), await town.event()
    await refusal(town.core.ask(NOBODY, ways_to, event), Code.UNAUTHENTICATED)
    hook = await town.channel(town.bob, "json://192.0.2.7/x")
    await town.follow(town.bob, event, hook)
    await town.follow(town.bob, other)
    bobs = await town.core.ask(town.bob.actor, ways_to, event)
    assert [(each.event_id, each.event_name, each.integration_id) for each in bobs.follows] == [
        (event.id, event.name, hook)
    ]
    assert [each.kind for each in bobs.channels] == ["Webhook", "E-mail"]
    carols = await town.core.ask(town.carol.actor, ways_to, event)
    assert (carols.follows, [each.kind for each in carols.channels]) == ([], ["E-mail"])
    await town.core.act(town.bob.actor, leave_event, event.id)
    assert (await town.core.ask(town.bob.actor, ways_to, event)).follows == []


async def test_only_events_of_ones_own_world_are_offered(town: Town) -> None:
    core = town.core
    event, _ = await town.event(), await town.event(is_public=False)
    await refusal(core.ask(NOBODY, find_events, "upcoming"), Code.UNAUTHENTICATED)
    assert await core.ask(in_server(town.carol), find_events, "upcoming") == ([], 0)
    assert (await core.ask(town.alice.actor, find_events, "mine"))[1] == 2
    await town.follow(town.bob, event)
    (found,), total = await core.ask(town.bob.actor, find_events, "following")
    assert (found.id, total) == (event.id, 1)


async def test_an_event_that_runs_is_found_and_what_is_over_only_to_speak_of_it(town: Town) -> None:
    core, alice = town.core, town.alice.actor
    runs, off, later = [await town.event(name=name) for name in ("Runs", "Off", "Later")]
    await core.act(alice, cancel_event, off.id, Cancellation(reason=""))
    await core.act(alice, change_event, later.id, EventChange(start_date=later.start_date + dt.timedelta(days=9)))

    async def names(which: Which) -> list[str]:
        return [event.name for event in (await core.ask(alice, find_events, which))[0]]

    town.clock.shift = runs.start_date - town.clock.now() + dt.timedelta(minutes=50)
    assert await names("mine") == ["Runs", "Later"]
    assert await names("told") == ["Runs", "Off", "Later"]
    town.clock.shift += dt.timedelta(minutes=20)
    assert await names("mine") == ["Later"]
    first, *over = await names("told")
    assert (first, set(over)) == ("Later", {"Runs", "Off"})
    town.clock.shift += dt.timedelta(days=41)
    assert await names("told") == []


async def test_who_is_invited_or_let_in_finds_a_private_event_and_nobody_else_does(town: Town) -> None:
    core = town.core
    event = await town.event(is_public=False)
    place = Place("1001", "2001", frozenset({"77"}))
    dora = Actor(None, "discord", signed=SignedIdentity("discord", "", "88", "Dora", place))
    member = NewInChat(kind="identity", platform="discord", external_id="88")
    role = NewInChat(kind="role", platform="discord", tenant_id="1001", external_id="77")
    for whom in (member, role):
        assert (await core.ask(dora, find_events, "upcoming"))[1] == 0
        made = await core.act(town.alice.actor, invite, event.id, whom)
        assert (await core.ask(dora, find_events, "upcoming"))[1] == 1
        assert (await core.ask(in_server(town.carol), find_events, "upcoming"))[1] == 0
        await core.act(town.alice.actor, revoke_invitation, event.id, made.id)
    await core.act(town.alice.actor, invite, event.id, role)
    carol = replace(in_server(town.carol), signed=SignedIdentity("discord", "", "7", "Carol", place))
    await core.act(carol, come_in, event.id)
    assert (await core.ask(in_server(town.carol, None), find_events, "upcoming"))[1] == 1


async def test_a_chat_account_that_is_not_linked_cannot_be_unlinked(town: Town) -> None:
    await refusal(town.core.act(town.carol.actor, unlink_here), Code.NOT_FOUND)
    await refusal(town.core.act(in_server(town.carol), unlink_here), Code.NOT_FOUND)
