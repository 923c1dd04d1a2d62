"""Invitations for whom a chat platform knows: checked at the press, kept as a grant, and gone when taken back."""

from dataclasses import replace

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from core.db.models import EventGrant, EventInvitation
from core.errors import Code
from core.events.changes import change_event
from core.events.model import EventChange, EventView
from core.events.usecases import get_event
from core.identities.actors import actor_of_identity
from core.identities.signed import Place, SignedIdentity
from core.integrations.usecases import list_integrations
from core.invitations.chat import come_in, leave_with_role, meet
from core.invitations.model import InvitationView, NewInChat
from core.invitations.offer import invite, invite_organizer, list_invitations, revoke_invitation
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.subscriptions.leave import remove_subscriber
from core.work import Actor
from tests.core.look import NOBODY, deliveries, refusal, refused_without_a_trace, rows, states, subscriptions
from tests.people import EVERYTHING, Person, Town

SERVER, OTHER_SERVER, CREW, GENERAL = "1000", "2000", "275", "555"
MEMBER = {"kind": "identity", "platform": "discord", "external_id": "80351110224678912"}
ROLE = {"kind": "role", "platform": "discord", "tenant_id": SERVER, "external_id": CREW}
WHOLE_SERVER = {"kind": "space", "platform": "discord", "tenant_id": SERVER}
CHANNEL = {**WHOLE_SERVER, "external_id": GENERAL}


async def dora(town: Town, tenant: str | None = SERVER, space: str = GENERAL, *roles: str) -> Actor:
    """A press on Discord: in that server and channel, with these roles."""
    place = Place(tenant, space, frozenset(roles)) if tenant is not None else None
    return await actor_of_identity(town.core, SignedIdentity("discord", "", "80351110224678912", "Dora", place), "bot")


async def invited(town: Town, event: EventView, whom: dict[str, str]) -> int:
    made = await town.core.act(town.alice.actor, invite, event.id, NewInChat.model_validate(whom))
    assert (made.link, made.state) == (None, "open")
    return made.id


async def private(town: Town) -> EventView:
    return await town.event(is_public=False)


@pytest.mark.parametrize("whom", [MEMBER, ROLE, WHOLE_SERVER, CHANNEL])
async def test_who_fits_comes_in_at_the_press_and_stays_let_in(town: Town, whom: dict[str, str]) -> None:
    event, stranger = await private(town), await dora(town, SERVER, GENERAL, CREW, "276")
    await refused_without_a_trace(town.core, town.core.act(stranger, come_in, event.id), Code.NOT_FOUND)
    invitation = await invited(town, event, whom)
    await refusal(town.core.ask(stranger, get_event, event.id), Code.NOT_FOUND)
    for _ in range(2):
        assert (await town.core.act(stranger, come_in, event.id)).name == event.name
    later = await dora(town, None)
    assert (await town.core.ask(later, get_event, event.id)).id == event.id
    (grant,) = await rows(town.core, select(EventGrant))  # type: ignore[type-var]
    assert (grant.user_id, grant.invitation_id) == (stranger.user_id, invitation)
    (row,) = await rows(town.core, select(EventInvitation))  # type: ignore[type-var]
    assert row.uses == 1


@pytest.mark.parametrize(
    ("whom", "press"),
    [
        ({**MEMBER, "external_id": "1"}, (SERVER, GENERAL, CREW)),
        ({**MEMBER, "platform": "slack", "tenant_id": "T1"}, (SERVER, GENERAL, CREW)),
        (ROLE, (SERVER, GENERAL)),
        (ROLE, (OTHER_SERVER, GENERAL, CREW)),
        ({**ROLE, "platform": "slack"}, (SERVER, GENERAL, CREW)),
        (ROLE, (None, "")),
        (WHOLE_SERVER, (OTHER_SERVER, GENERAL)),
        (CHANNEL, (SERVER, "556")),
        (CHANNEL, (OTHER_SERVER, GENERAL)),
        (WHOLE_SERVER, (None, "")),
    ],
)
async def test_who_does_not_fit_hears_that_there_is_no_such_event(
    town: Town, whom: dict[str, str], press: tuple[str, ...]
) -> None:
    event = await private(town)
    await invited(town, event, whom)
    stranger = await dora(town, *press)
    await refused_without_a_trace(town.core, town.core.act(stranger, come_in, event.id), Code.NOT_FOUND)
    await refused_without_a_trace(town.core, town.core.act(town.carol.actor, come_in, event.id), Code.NOT_FOUND)
    await refusal(town.core.act(NOBODY, come_in, event.id), Code.UNAUTHENTICATED)
    await refusal(town.core.act(stranger, come_in, "3kTMd9aQxZ"), Code.NOT_FOUND)


async def test_taking_it_back_ends_what_the_role_let_in_and_what_waits(town: Town) -> None:
    event, member = await private(town), await dora(town, SERVER, GENERAL, CREW)
    invitation = await invited(town, event, ROLE)
    await town.core.act(member, come_in, event.id)
    person = Person("dora", "", member, "")
    await town.follow(person, event, await town.channel(person, "json://192.0.2.7/dora"))
    message = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    done = await town.core.act(town.alice.actor, revoke_invitation, event.id, invitation)
    assert done.ended_subscriptions == 1
    assert await states(town, event) == ["ended"]
    assert [row.status for row in await deliveries(town.core, message.id)] == ["skipped"]
    await refusal(town.core.act(member, come_in, event.id), Code.NOT_FOUND)
    assert len((await town.core.ask(member, list_integrations, EVERYTHING)).items) == 1


async def test_whom_the_organizer_removed_comes_back_by_being_invited_in_person_only(town: Town) -> None:
    event, member = await private(town), await dora(town, SERVER, GENERAL, CREW)
    await invited(town, event, ROLE)
    await town.core.act(member, come_in, event.id)
    person = Person("dora", "", member, "")
    await town.follow(person, event, await town.channel(person, "json://192.0.2.7/dora"))
    (row,) = await subscriptions(town, event)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    await invited(town, event, WHOLE_SERVER)
    await refusal(town.core.act(member, come_in, event.id), Code.FORBIDDEN)
    await invited(town, event, MEMBER)
    assert (await town.core.act(member, come_in, event.id)).id == event.id


async def test_a_role_may_organize_from_the_first_press_on(town: Town) -> None:
    event, member = await private(town), await dora(town, SERVER, GENERAL, CREW)
    crew = NewInChat.model_validate(ROLE)
    await refusal(town.core.act(member, invite_organizer, event.id, crew), Code.NOT_FOUND)
    made: InvitationView = await town.core.act(town.alice.actor, invite_organizer, event.id, crew)
    await refusal(town.core.act(member, change_event, event.id, EventChange(name="Ours")), Code.NOT_FOUND)
    await town.core.act(member, come_in, event.id)
    assert (await town.core.act(member, change_event, event.id, EventChange(name="Ours"))).name == "Ours"
    await refusal(town.core.act(member, invite_organizer, event.id, crew), Code.FORBIDDEN)
    await town.core.act(town.alice.actor, revoke_invitation, event.id, made.id)
    await refusal(town.core.act(member, change_event, event.id, EventChange(name="Mine")), Code.NOT_FOUND)


async def test_only_who_an_open_invitation_to_organize_fits_is_asked_to(town: Town) -> None:
    event, member = await town.event(), await dora(town, SERVER, GENERAL, CREW)
    await invited(town, event, ROLE)
    assert not (await town.core.ask(member, meet, event.id)).asked
    made = await town.core.act(town.alice.actor, invite_organizer, event.id, NewInChat.model_validate(ROLE))
    assert (await town.core.ask(member, meet, event.id)).asked
    for stranger in (await dora(town, SERVER), await dora(town, OTHER_SERVER, GENERAL, CREW), town.carol.actor, NOBODY):
        assert not (await town.core.ask(stranger, meet, event.id)).asked
    await town.core.act(member, come_in, event.id)
    assert not (await town.core.ask(member, meet, event.id)).asked
    await town.core.act(town.alice.actor, revoke_invitation, event.id, made.id)
    assert not (await town.core.ask(member, meet, event.id)).asked


async def test_a_private_event_is_met_by_who_may_see_it_alone(town: Town) -> None:
    event, member = await private(town), await dora(town, SERVER, GENERAL, CREW)
    for stranger in (member, town.carol.actor, NOBODY):
        await refusal(town.core.ask(stranger, meet, event.id), Code.NOT_FOUND)
    await invited(town, event, ROLE)
    await town.core.act(member, come_in, event.id)
    met = await town.core.ask(member, meet, event.id, ways=True)
    assert (met.event.id, met.event.mine, met.ways.follows) == (event.id, False, [])
    assert (await town.core.ask(town.alice.actor, meet, event.id)).event.mine


async def test_who_organizes_by_a_role_does_while_they_have_it(town: Town) -> None:
    event, member = await private(town), await dora(town, SERVER, GENERAL, CREW)
    await town.core.act(town.alice.actor, invite_organizer, event.id, NewInChat.model_validate(ROLE))
    await town.core.act(member, come_in, event.id)
    without, elsewhere = await dora(town, SERVER), await dora(town, OTHER_SERVER)
    for actor in (member, elsewhere, await dora(town, None), town.alice.actor):
        met = await town.core.ask(actor, meet, event.id)
        assert (met.event.mine, met.lost) == (True, False)
    await town.core.act(member, leave_with_role, event.id)
    assert (await town.core.act(member, change_event, event.id, EventChange(name="Ours"))).name == "Ours"
    await refusal(town.core.act(town.carol.actor, leave_with_role, event.id), Code.NOT_FOUND)
    assert (await town.core.ask(without, meet, event.id)).lost
    await town.core.act(without, leave_with_role, event.id)
    await refusal(town.core.act(elsewhere, change_event, event.id, EventChange(name="Mine")), Code.NOT_FOUND)
    await town.core.act(member, come_in, event.id)
    assert (await town.core.act(member, change_event, event.id, EventChange(name="Again"))).name == "Again"


async def test_roles_that_the_platform_does_not_say_are_not_lost_and_let_nobody_in(town: Town) -> None:
    event, member = await private(town), await dora(town, SERVER, GENERAL, CREW)
    await town.core.act(town.alice.actor, invite_organizer, event.id, NewInChat.model_validate(ROLE))
    assert member.signed is not None
    unsaid = replace(member, signed=replace(member.signed, place=Place(SERVER, GENERAL, None)))
    await refusal(town.core.act(unsaid, come_in, event.id), Code.NOT_FOUND)
    await town.core.act(member, come_in, event.id)
    assert not (await town.core.ask(unsaid, meet, event.id)).lost
    await town.core.act(unsaid, leave_with_role, event.id)
    assert (await town.core.act(unsaid, change_event, event.id, EventChange(name="Ours"))).name == "Ours"


async def test_a_lost_role_takes_nothing_from_who_organizes_by_name_too(town: Town) -> None:
    event, member = await private(town), await dora(town, SERVER, GENERAL, CREW)
    for whom in (ROLE, MEMBER):
        await town.core.act(town.alice.actor, invite_organizer, event.id, NewInChat.model_validate(whom))
    await town.core.act(member, come_in, event.id)
    assert not (await town.core.ask(await dora(town, SERVER), meet, event.id)).lost


async def test_inviting_the_same_people_again_is_the_same_invitation(town: Town) -> None:
    event = await private(town)
    first = await invited(town, event, ROLE)
    assert await invited(town, event, {**ROLE, "name": "The crew"}) == first
    assert await invited(town, event, {**ROLE, "external_id": "276"}) != first
    listed = (await town.core.ask(town.alice.actor, list_invitations, event.id, EVERYTHING)).items
    assert [row.label for row in listed] == ["Discord role 276", "Discord role 275"]


@pytest.mark.parametrize(
    "whom",
    [
        {**MEMBER, "tenant_id": SERVER},
        {**MEMBER, "platform": "slack"},
        {**MEMBER, "external_id": ""},
        {**ROLE, "tenant_id": ""},
        {**ROLE, "external_id": ""},
        {"kind": "space", "platform": "slack"},
        {**ROLE, "platform": "irc"},
        {**ROLE, "external_id": "a b"},
    ],
)
def test_an_invitation_says_whom_it_means(whom: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        NewInChat.model_validate(whom)
