"""Private events: who is let in, by what, and that nobody else is; and who manages an event beside its owner."""

import pytest
from sqlalchemy import select

from core.db.models import EventInvitation
from core.errors import Code, SoonishError
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.events.usecases import get_event, list_events
from core.invitations.accept import accept_by_email, accept_invitation, look_at_invitation
from core.invitations.model import Invited, NewLink, NewMail, OneAddress
from core.invitations.offer import invite, invite_organizer, list_invitations, offer_event, revoke_invitation
from core.invitations.organizers import list_organizers, remove_organizer
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.subscriptions.confirm import confirm, look_at_confirm
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.leave import end_mine, let_back, look_at_leaving, remove_subscriber, unsubscribe
from core.subscriptions.model import SubscribeByChannel, SubscribeByEmail
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import ConfirmToken, UnsubscribeToken, confirm_token, invitation_token, unsubscribe_token
from core.work import Actor
from tests.core.look import (
    NOBODY,
    deliveries,
    notifications,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    rows,
    statements,
    subscriptions,
)
from tests.people import EVERYTHING, Person, Town

NORA = "nora@example.org"


async def private(town: Town) -> EventView:
    return await town.event(is_public=False)


async def link(town: Town, event: EventView, **more: int) -> tuple[int, str]:
    """A new link's id and token."""
    made: Invited = await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link", **more))
    assert made.link is not None
    return made.id, made.link.rpartition("/")[2]


async def mailed(town: Town, event: EventView, email: str) -> tuple[int, str]:
    made = await town.core.act(town.alice.actor, invite, event.id, NewMail(kind="email", email=email))
    assert made.link is None
    return made.id, invitation_token(town.core.keys, made.id)


async def accept(town: Town, who: Person, token: str) -> EventView:
    return await town.core.act(who.actor, accept_invitation, token)


async def by_email(town: Town, event: EventView, token: str, email: str = NORA) -> str:
    """That address asks to come in; the link with which it says yes."""
    await town.core.act(NOBODY, accept_by_email, token, SubscribeByEmail(email=email))
    row = (await subscriptions(town, event))[-1]
    return confirm_token(town.core.keys, ConfirmToken("subscription", row.id, int(row.requested_at.timestamp())))


async def helper(town: Town, event: EventView, who: Person) -> None:
    """Makes somebody a co-organizer."""
    made = await town.core.act(town.alice.actor, invite_organizer, event.id, OneAddress(email=who.email))
    await accept(town, who, invitation_token(town.core.keys, made.id))


async def sees(town: Town, who: Actor, event: EventView) -> bool:
    try:
        await town.core.ask(who, get_event, event.id)
    except SoonishError as refused:
        return refused.code is not Code.NOT_FOUND
    return True


# Links


async def test_a_link_lets_an_account_in_once_however_often_it_is_pressed(town: Town) -> None:
    event = await private(town)
    number, token = await link(town, event, max_uses=1)
    assert not await sees(town, town.bob.actor, event)
    async with one_audit_row(town.core, "accept_invitation"):
        assert (await accept(town, town.bob, token)).mine is False
    await accept(town, town.bob, token)
    assert await sees(town, town.bob.actor, event)
    await town.follow(town.bob, event)
    (shown,) = (await town.core.ask(town.alice.actor, list_invitations, event.id, EVERYTHING)).items
    assert (shown.id, shown.uses, shown.state) == (number, 1, "used")
    refused = await refused_without_a_trace(town.core, accept(town, town.carol, token), Code.NOT_FOUND)
    assert "used up" in refused.message


async def test_looking_at_a_link_changes_nothing_and_tells_the_name_and_time_alone(town: Town) -> None:
    event = await private(town)
    _, token = await link(town, event)
    with statements(town.core) as seen:
        about = await town.core.ask(NOBODY, look_at_invitation, token)
    assert (about.event_name, about.host, about.label) == ("Launch party", "Alice", None)
    assert len(seen) == 2


async def test_every_link_that_opens_nothing_says_so_with_the_same_code(town: Town) -> None:
    event = await private(town)
    number, token = await link(town, event)
    _, short = await link(town, event, expires_in_days=1)
    _, used = await link(town, event, max_uses=1)
    await accept(town, town.bob, used)
    await town.core.act(town.alice.actor, revoke_invitation, event.id, number)
    assert await sees(town, town.bob.actor, event)
    _, good = await link(town, event)
    for bad in (token, used, good[:-1], good + "x", "", "x" * 5000, "\x00é"):
        await refusal(town.core.ask(NOBODY, look_at_invitation, bad), Code.NOT_FOUND)
        await refused_without_a_trace(town.core, accept(town, town.carol, bad), Code.NOT_FOUND)
        asking = town.core.act(NOBODY, accept_by_email, bad, SubscribeByEmail(email=NORA))
        await refused_without_a_trace(town.core, asking, Code.NOT_FOUND)
    await town.core.ask(NOBODY, look_at_invitation, short)
    town.clock.shift += (await town.core.ask(town.alice.actor, get_event, event.id)).start_date - town.clock.now()
    assert "expired" in (await refusal(town.core.ask(NOBODY, look_at_invitation, short), Code.NOT_FOUND)).message


async def test_only_a_hash_of_a_links_token_is_kept(town: Town) -> None:
    event = await private(town)
    _, token = await link(town, event)
    (row,) = await rows(town.core, select(EventInvitation))  # type: ignore[type-var]
    assert token not in repr(vars(row))


# Addresses


async def test_an_address_comes_in_by_saying_yes_and_is_out_when_the_invitation_is_taken_back(town: Town) -> None:
    event = await private(town)
    number, token = await link(town, event)
    yes = await by_email(town, event, token)
    assert (await town.core.ask(NOBODY, look_at_confirm, yes)).event_id is None
    assert [row.state for row in await subscriptions(town, event)] == ["unconfirmed"]
    assert (await town.core.act(NOBODY, confirm, yes)).state == "done"
    message = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    assert message.recipients == 1
    async with one_audit_row(town.core, "revoke_invitation"):
        done = await town.core.act(town.alice.actor, revoke_invitation, event.id, number)
    assert done.ended_subscriptions == 1
    (row,) = await deliveries(town.core, message.id)
    assert (row.status, row.code, row.reason) == ("skipped", "no_access", "Their invitation was withdrawn.")
    await refusal(town.core.ask(NOBODY, look_at_confirm, yes), Code.NOT_FOUND)
    await refusal(town.core.act(NOBODY, confirm, yes), Code.NOT_FOUND)
    again = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    assert again.recipients == 0
    (ended,) = await subscriptions(town, event)
    leave = unsubscribe_token(town.core.keys, UnsubscribeToken(ended.event_id, ended.integration_id))
    assert (await town.core.ask(NOBODY, look_at_leaving, leave)).event_name == "a private event"
    assert (await town.core.act(town.alice.actor, revoke_invitation, event.id, number)).ended_subscriptions == 0


async def test_who_asked_before_the_invitation_was_taken_back_cannot_say_yes_after_it(town: Town) -> None:
    event = await private(town)
    number, token = await link(town, event, max_uses=1)
    first, second = await by_email(town, event, token), await by_email(town, event, token, "olga@example.org")
    await town.core.act(NOBODY, confirm, first)
    await refusal(town.core.act(NOBODY, confirm, second), Code.NOT_FOUND)
    await town.core.act(town.alice.actor, revoke_invitation, event.id, number)
    assert {row.state for row in await subscriptions(town, event)} == {"ended"}


async def test_a_mailed_invitation_is_good_for_its_address_alone(town: Town) -> None:
    event = await private(town)
    _, token = await mailed(town, event, NORA)
    (mail,) = await notifications(town, event, "invitation")
    (row,) = await deliveries(town.core, mail.id)
    assert (row.label, "nora" in repr(mail.data)) == ("n•••a@example.org", False)
    wrong = town.core.act(NOBODY, accept_by_email, token, SubscribeByEmail(email="olga@example.org"))
    assert (await refused_without_a_trace(town.core, wrong, Code.INVALID)).field == "email"
    await refused_without_a_trace(town.core, accept(town, town.carol, token), Code.FORBIDDEN)
    await town.core.act(NOBODY, confirm, await by_email(town, event, token))
    assert [each.state for each in await subscriptions(town, event)] == ["active"]
    _, carols = await mailed(town, event, town.carol.email)
    assert (await accept(town, town.carol, carols)).id == event.id


async def test_an_invitation_that_was_taken_back_is_not_mailed_any_more(town: Town) -> None:
    event = await private(town)
    number, _ = await mailed(town, event, NORA)
    await town.core.act(town.alice.actor, revoke_invitation, event.id, number)
    (mail,) = await notifications(town, event, "invitation")
    assert [(row.status, row.reason) for row in await deliveries(town.core, mail.id)] == [
        ("skipped", "The invitation was withdrawn.")
    ]


async def test_an_address_is_invited_by_one_mail_a_day_and_never_when_it_said_never(town: Town) -> None:
    event = await private(town)
    first, token = await mailed(town, event, NORA)
    assert (await mailed(town, event, "Nora@Example.org"))[0] == first
    assert len(await notifications(town, event, "invitation")) == 1
    await town.core.act(NOBODY, confirm, await by_email(town, event, token))
    (row,) = await subscriptions(town, event)
    leave = unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    await town.core.act(NOBODY, unsubscribe, leave, "everything")
    other = await private(town)
    assert (await mailed(town, other, NORA))[0]
    assert await notifications(town, other, "invitation") == []


async def test_every_invitation_is_mailed_whatever_else_the_address_was_asked_that_day(town: Town) -> None:
    event, bob = await private(town), town.bob.email
    number, _ = await mailed(town, event, bob)
    await town.core.act(town.alice.actor, invite_organizer, event.id, OneAddress(email=bob))
    await town.core.act(town.alice.actor, revoke_invitation, event.id, number)
    again, _ = await mailed(town, event, bob)
    sent = [(row.data["invitation"], row.data["purpose"]) for row in await notifications(town, event, "invitation")]
    assert sent == [(number, "follow"), (number + 1, "organize"), (again, "follow")]


# Visibility


async def test_undo_brings_nobody_back_whose_access_ended_since(town: Town) -> None:
    event = await private(town)
    number, token = await link(town, event)
    await accept(town, town.bob, token)
    (row,) = await town.follow(town.bob, event)
    left = await town.core.act(town.bob.actor, end_mine, row.id)
    await town.core.act(town.alice.actor, revoke_invitation, event.id, number)
    assert left.undo is not None
    assert (await town.core.act(town.bob.actor, undo_unsubscribe, left.undo)).restored == 0


async def test_who_follows_when_it_goes_private_may_undo_leaving_and_is_still_written_to(town: Town) -> None:
    event = await town.event()
    (row,) = await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, change_event, event.id, EventChange(is_public=False))
    left = await town.core.act(town.bob.actor, end_mine, row.id)
    assert not await sees(town, town.bob.actor, event)
    assert left.undo is not None
    assert (await town.core.act(town.bob.actor, undo_unsubscribe, left.undo)).restored == 1
    assert await sees(town, town.bob.actor, event)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    assert sent.recipients == 1


async def test_a_removed_guest_comes_back_by_no_old_link_but_by_the_organizer(town: Town) -> None:
    event = await private(town)
    _, token = await link(town, event)
    await accept(town, town.bob, token)
    (row,) = await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    assert not await sees(town, town.bob.actor, event)
    await refused_without_a_trace(town.core, accept(town, town.bob, token), Code.FORBIDDEN)
    await town.core.act(town.alice.actor, let_back, event.id, row.id)
    await town.follow(town.bob, event)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    _, anew = await mailed(town, event, town.bob.email)
    await accept(town, town.bob, anew)
    await town.follow(town.bob, event)


# Organizers


async def test_a_co_organizer_does_everything_but_what_is_the_owners(town: Town) -> None:
    event = await private(town)
    await helper(town, event, town.bob)
    bob, core = town.bob.actor, town.core
    assert (await core.ask(bob, get_event, event.id)).mine
    assert [each.id for each in (await core.ask(bob, list_events, "mine", EVERYTHING)).items] == [event.id]
    await core.act(bob, change_event, event.id, EventChange(location="Roof"))
    await core.act(bob, send_message, event.id, NewMessage(title="Hi", body="there"))
    made = await core.act(bob, invite, event.id, NewLink(kind="link"))
    found = await core.ask(bob, list_organizers, event.id)
    assert [(each.name, each.role) for each in found.items] == [("Alice", "owner"), ("Bob", "organizer")]
    carol = OneAddress(email=town.carol.email)
    for doing in (
        core.act(bob, invite_organizer, event.id, carol),
        core.act(bob, offer_event, event.id, carol),
        core.act(bob, remove_organizer, event.id, found.items[0].user_id),
    ):
        refused = await refused_without_a_trace(core, doing, Code.FORBIDDEN)
        assert "owner" in refused.message
    await core.act(bob, revoke_invitation, event.id, made.id)
    assert (await core.act(bob, cancel_event, event.id, Cancellation())).status == "cancelled"


async def test_naming_an_organizer_answers_the_same_for_every_address_and_takes_their_yes(town: Town) -> None:
    event = await town.event()
    known, unknown = [
        (await town.core.act(town.alice.actor, invite_organizer, event.id, OneAddress(email=email))).model_dump(
            exclude={"id", "label"}
        )
        for email in (town.bob.email, "nobody@example.org")
    ]
    assert known | {"created_at": 0, "expires_at": 0} == unknown | {"created_at": 0, "expires_at": 0}
    assert len((await town.core.ask(town.alice.actor, list_organizers, event.id)).items) == 1


async def test_who_organizes_no_more_sees_a_private_event_no_more(town: Town) -> None:
    event = await private(town)
    await helper(town, event, town.bob)
    await town.follow(town.bob, event)
    assert town.bob.actor.user_id is not None
    await town.core.act(town.alice.actor, remove_organizer, event.id, town.bob.actor.user_id)
    assert not await sees(town, town.bob.actor, event)
    assert [row.state for row in await subscriptions(town, event)] == ["ended"]
    assert town.alice.actor.user_id is not None
    owner = town.core.act(town.alice.actor, remove_organizer, event.id, town.alice.actor.user_id)
    await refused_without_a_trace(town.core, owner, Code.CONFLICT)


async def test_a_transfer_changes_nothing_until_it_is_accepted_and_a_later_offer_voids_it(town: Town) -> None:
    event = await private(town)
    bobs, carols = [
        invitation_token(
            town.core.keys,
            (await town.core.act(town.alice.actor, offer_event, event.id, OneAddress(email=person.email))).id,
        )
        for person in (town.bob, town.carol)
    ]
    assert (await town.row(event)).owner_user_id == town.alice.actor.user_id
    assert not await sees(town, town.carol.actor, event)
    await refused_without_a_trace(town.core, accept(town, town.bob, bobs), Code.NOT_FOUND)
    assert (await accept(town, town.carol, carols)).mine
    assert (await town.row(event)).owner_user_id == town.carol.actor.user_id
    roles = {each.name: each.role for each in (await town.core.ask(town.alice.actor, list_organizers, event.id)).items}
    assert roles == {"Carol": "owner", "Alice": "organizer"}
    bob = OneAddress(email=town.bob.email)
    await refusal(town.core.act(town.alice.actor, offer_event, event.id, bob), Code.FORBIDDEN)


@pytest.mark.parametrize("public", [True, False])
async def test_strangers_are_refused_by_every_use_case_about_invitations_and_organizers(
    town: Town, public: bool
) -> None:
    event = await town.event(is_public=public)
    number, _ = await link(town, event)
    core, bob = town.core, OneAddress(email=town.bob.email)
    for who, code in ((town.carol.actor, Code.FORBIDDEN if public else Code.NOT_FOUND), (NOBODY, Code.UNAUTHENTICATED)):
        for doing in (
            core.act(who, invite, event.id, NewLink(kind="link")),
            core.act(who, invite, event.id, NewMail(kind="email", email=NORA)),
            core.act(who, revoke_invitation, event.id, number),
            core.act(who, invite_organizer, event.id, bob),
            core.act(who, offer_event, event.id, bob),
            core.act(who, remove_organizer, event.id, 1),
        ):
            await refused_without_a_trace(core, doing, code)
        await refusal(core.ask(who, list_invitations, event.id, EVERYTHING), code)
        await refusal(core.ask(who, list_organizers, event.id), code)
    forged = core.act(town.carol.actor, accept_invitation, "forged")
    await refused_without_a_trace(core, forged, Code.NOT_FOUND)
    other = await town.event()
    await refused_without_a_trace(core, core.act(town.alice.actor, revoke_invitation, other.id, number), Code.NOT_FOUND)
    if not public:
        asking = core.act(town.carol.actor, subscribe_by_channel, event.id, SubscribeByChannel())
        await refused_without_a_trace(core, asking, Code.NOT_FOUND)
