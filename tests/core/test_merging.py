"""Two accounts of one person become one: everything moves, nothing is told twice, and no refusal is undone."""

import datetime as dt

import pytest
from sqlalchemy import select, update

from core.accounts.calendars import make_calendar, read_calendar
from core.accounts.users import authenticate, vouch
from core.db.models import (
    AuditEntry,
    Base,
    Delivery,
    Event,
    EventGrant,
    EventInvitation,
    EventOrganizer,
    Identity,
    Integration,
    Session,
    Subscription,
    Token,
    User,
)
from core.errors import Code
from core.events.changes import change_event
from core.events.model import EventChange, EventView
from core.events.usecases import get_event
from core.identities.linking import confirm_linking, look_at_linking, mint_link_of_identity
from core.identities.merge import merge
from core.identities.model import LinkPreview
from core.identities.signed import SignedIdentity
from core.integrations.usecases import remove_integration
from core.invitations.accept import accept_invitation
from core.invitations.model import NewLink
from core.invitations.offer import invite
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.subscriptions.leave import change_mine, end_mine, remove_subscriber, unsubscribe
from core.subscriptions.model import StateChange
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import UnsubscribeToken, unsubscribe_token
from core.work import Work
from tests.core.look import NOBODY, deliveries, refusal, rows, states, subscriptions, table_sizes
from tests.core.test_identities import DORA, pressed, seated
from tests.people import OPERATOR, Person, Town

pytestmark = pytest.mark.both_databases

HOOK = "json://192.0.2.7/same"


async def other_account(town: Town, signed: SignedIdentity = DORA) -> Person:
    """Bob's second account: known by a chat identity alone."""
    return Person("dora", "", await pressed(town, signed), "")


async def merged(town: Town, gone: Person, kept: Person) -> None:
    assert gone.actor.signed is not None
    token = (await town.core.act(gone.actor, mint_link_of_identity)).token
    done = await town.core.act(await seated(town, kept), confirm_linking, token)
    assert done.merged == gone.actor.user_id


async def preview(town: Town, gone: Person, kept: Person) -> LinkPreview:
    token = (await town.core.act(gone.actor, mint_link_of_identity)).token
    return await town.core.ask(await seated(town, kept), look_at_linking, token)


async def grown(town: Town) -> tuple[Person, str]:
    """A second account with everything: a verified address, an API token, a session. And that token."""
    dora = await other_account(town)
    async with town.core.db.write() as session:
        user = await session.get_one(User, dora.actor.user_id)
        user.email, user.password_hash, user.timezone = "dora@example.org", "a hash", "Europe/Lisbon"
    issued = await town.core.act(OPERATOR, vouch, "dora@example.org")
    assert issued.user_id == dora.actor.user_id
    await seated(town, dora)
    return dora, issued.token


def columns_naming_accounts() -> set[str]:
    named = {"event_updates.created_by"}
    for table in Base.metadata.sorted_tables:
        named |= {f"{table.name}.{key.parent.name}" for key in table.foreign_keys if key.column.table.name == "users"}
    return named


async def test_nothing_but_the_tombstone_names_the_merged_account_afterwards(town: Town) -> None:
    dora, _ = await grown(town)
    town.alice, alice = dora, town.alice  # what she organizes
    event = await town.event(is_public=False)
    await town.core.act(dora.actor, invite, event.id, NewLink(kind="link"))
    message = await town.core.act(dora.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    town.alice = alice
    other = await town.event(is_public=False)
    link = (await town.core.act(alice.actor, invite, other.id, NewLink(kind="link"))).link or ""
    await town.core.act(dora.actor, accept_invitation, link.rpartition("/")[2])
    hook = await town.channel(dora, HOOK)
    await town.follow(dora, other, hook)
    async with town.core.db.write() as session:
        organizer = EventOrganizer(event_id=(await town.row(other)).id, user_id=dora.actor.user_id)
        organizer.created_at = town.clock.now()
        session.add(organizer)
        session.add(User(display_name="", merged_into=dora.actor.user_id, created_at=town.clock.now()))
    before = await table_sizes(town.core)
    await merged(town, dora, town.bob)
    left = set()
    async with town.core.db.read_rows() as connection:
        for name in columns_naming_accounts():
            table, _, column = name.partition(".")
            query = f"SELECT count(*) FROM {table} WHERE {column} = {dora.actor.user_id}"  # noqa: S608
            if (await connection.exec_driver_sql(query)).scalar():
                left.add(name)
    assert left == {"tokens.user_id"}
    (user,) = await rows(town.core, select(User).where(User.id == dora.actor.user_id))  # type: ignore[type-var]
    assert (user.merged_into, user.email, user.password_hash, user.display_name) == (
        town.bob.actor.user_id, None, None, "",
    )  # fmt: skip
    after = await table_sizes(town.core)
    gone = {name for name in after if after[name] < before[name]}
    assert gone == set(), "only what let the merged account in is deleted, and a session came for the one that stays"
    assert (await town.core.ask(town.bob.actor, get_event, event.id)).id == event.id
    assert message.recipients == 0


async def test_sessions_and_tokens_of_the_merged_account_stop(town: Town) -> None:
    dora, token = await grown(town)
    assert (await authenticate(town.core, token, "api")).user_id == dora.actor.user_id
    await merged(town, dora, town.bob)
    await refusal(authenticate(town.core, token, "api"), Code.UNAUTHENTICATED)
    left = await rows(town.core, select(Session))  # type: ignore[type-var]
    assert {row.user_id for row in left} == {town.bob.actor.user_id}
    open_ones = select(Token).where(Token.user_id == dora.actor.user_id, Token.used_at.is_(None))
    assert await rows(town.core, open_ones) == []  # type: ignore[type-var]
    assert (await authenticate(town.core, town.bob.token, "api")).user_id == town.bob.actor.user_id


async def test_the_account_that_stays_keeps_its_address_and_the_other_becomes_a_channel(town: Town) -> None:
    dora, _ = await grown(town)
    found = await preview(town, dora, town.bob)
    assert (found.address, found.address_becomes) == ("d•••a@example.org", "channel")
    await merged(town, dora, town.bob)
    (bob,) = await rows(town.core, select(User).where(User.id == town.bob.actor.user_id))  # type: ignore[type-var]
    assert (bob.email, bob.password_hash, bob.timezone) == (town.bob.email, None, "Europe/Berlin")
    channels = await rows(town.core, select(Integration).where(Integration.user_id == bob.id).order_by(Integration.id))
    assert [(row.tag, row.is_active, row.confirmed_at is not None) for row in channels] == [
        ("email", True, True),
        ("email-2", True, True),
    ]


async def test_an_account_without_an_address_takes_the_others_and_its_password(town: Town) -> None:
    dora, _ = await grown(town)
    stays = await other_account(town, SignedIdentity("slack", "T1", "U1", "Sam"))
    assert (await preview(town, dora, stays)).address_becomes == "yours"
    await merged(town, dora, stays)
    (user,) = await rows(town.core, select(User).where(User.id == stays.actor.user_id))  # type: ignore[type-var]
    assert (user.email, user.password_hash, user.email_verified_at is not None) == ("dora@example.org", "a hash", True)
    assert [row.tag for row in await rows(town.core, select(Integration).where(Integration.user_id == user.id))] == [
        "email"
    ]


async def test_an_address_that_never_said_yes_does_not_come_along(town: Town) -> None:
    dora, stays = await other_account(town), await other_account(town, SignedIdentity("slack", "T1", "U1", "Sam"))
    async with town.core.db.write() as session:
        (await session.get_one(User, dora.actor.user_id)).email = "victim@example.org"
    found = await preview(town, dora, stays)
    assert found.address_becomes is None
    await merged(town, dora, stays)
    assert await rows(town.core, select(User).where(User.email == "victim@example.org")) == []  # type: ignore[type-var]


async def twice_followed(town: Town, first: Person, second: Person) -> tuple[EventView, list[Subscription]]:
    """An event that both follow at the same end point, the first of them first."""
    event = await town.event()
    for person in (first, second):
        await town.follow(person, event, await town.channel(person, HOOK))
    return event, await subscriptions(town, event)


@pytest.mark.parametrize("older_goes", [True, False])
async def test_the_older_of_two_subscriptions_stays_at_a_channel_that_works(town: Town, older_goes: bool) -> None:
    dora, bob = await other_account(town), town.bob
    event, (older, younger) = await twice_followed(town, *((dora, bob) if older_goes else (bob, dora)))
    assert (await preview(town, dora, bob)).twice.names == [event.name]
    await merged(town, dora, bob)
    (left,) = await subscriptions(town, event)
    assert (left.id, left.state, left.user_id) == (older.id, "active", bob.actor.user_id)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == left.integration_id))
    assert (channel.user_id, channel.removed_at, channel.is_active) == (bob.actor.user_id, None, True)
    for row in await rows(town.core, select(Delivery)):
        assert row.subscription_id in (left.id, None)
        assert row.integration_id != younger.integration_id or younger.integration_id == left.integration_id


@pytest.mark.parametrize("who_left", ["gone", "kept"])
@pytest.mark.parametrize("who_is_older", ["gone", "kept"])
async def test_an_unsubscribe_is_not_undone_by_a_merge(town: Town, who_left: str, who_is_older: str) -> None:
    people = {"gone": await other_account(town), "kept": town.bob}
    order = (people["gone"], people["kept"]) if who_is_older == "gone" else (people["kept"], people["gone"])
    event, both = await twice_followed(town, *order)
    leaver = people[who_left].actor
    mine = next(row for row in both if row.user_id == leaver.user_id)
    left = await town.core.act(leaver, end_mine, mine.id)
    await merged(town, people["gone"], people["kept"])
    assert await states(town, event) == ["ended"]
    message = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    assert message.recipients == 0
    assert (await town.core.act(NOBODY, undo_unsubscribe, left.undo or "")).restored == 1
    assert await states(town, event) == ["active"]


async def test_who_asked_again_after_leaving_goes_on(town: Town) -> None:
    dora, event = await other_account(town), await town.event()
    (row,) = await town.follow(dora, event, await town.channel(dora, HOOK))
    await town.core.act(dora.actor, end_mine, row.id)
    town.clock.shift += dt.timedelta(hours=1)
    await town.follow(town.bob, event, await town.channel(town.bob, HOOK))
    await merged(town, dora, town.bob)
    assert await states(town, event) == ["active"]


async def test_what_one_of_them_paused_stays_paused(town: Town) -> None:
    dora = await other_account(town)
    event, (theirs, _) = await twice_followed(town, dora, town.bob)
    await town.core.act(dora.actor, change_mine, theirs.id, StateChange(state="paused"))
    await merged(town, dora, town.bob)
    assert await states(town, event) == ["paused"]


@pytest.mark.parametrize("removed", ["gone", "kept"])
async def test_whom_the_organizer_removed_does_not_come_back_by_a_merge(town: Town, removed: str) -> None:
    people, event = {"gone": await other_account(town), "kept": town.bob}, await town.event(is_public=False)
    link = (await town.core.act(town.alice.actor, invite, event.id, NewLink(kind="link"))).link or ""
    for name, person in people.items():
        await town.core.act(person.actor, accept_invitation, link.rpartition("/")[2])
        await town.follow(person, event, await town.channel(person, f"json://192.0.2.7/{name}"))
    mine = [row for row in await subscriptions(town, event) if row.user_id == people[removed].actor.user_id]
    await town.core.act(town.alice.actor, remove_subscriber, event.id, mine[0].id)
    await merged(town, people["gone"], people["kept"])
    assert await states(town, event) == ["ended", "ended"]
    live = await rows(town.core, select(EventGrant).where(EventGrant.revoked_at.is_(None)))  # type: ignore[type-var]
    assert live == []


@pytest.mark.parametrize("same", [True, False])
async def test_old_unsubscribe_links_of_the_merged_account_still_leave(town: Town, same: bool) -> None:
    dora, event = await other_account(town), await town.event()
    if same:
        await town.follow(town.bob, event, await town.channel(town.bob, HOOK))
    (row,) = await town.follow(dora, event, await town.channel(dora, HOOK))
    old = unsubscribe_token(
        town.core.keys,
        UnsubscribeToken((await town.row(event)).id, (await subscriptions(town, event))[-1].integration_id),
    )
    assert row.state == "active"
    await merged(town, dora, town.bob)
    gone = await town.core.act(NOBODY, unsubscribe, old)
    assert gone.ended == 1
    assert await states(town, event) == ["ended"]
    assert (await town.core.act(NOBODY, undo_unsubscribe, gone.undo or "")).restored == 1


async def test_a_message_that_waits_goes_once_to_one_end_point_after_a_merge(town: Town) -> None:
    dora = await other_account(town)
    event, _ = await twice_followed(town, dora, town.bob)
    only = await town.channel(dora, "json://192.0.2.7/only", tag="only")
    await town.follow(dora, event, only)
    message = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    await merged(town, dora, town.bob)
    found = await deliveries(town.core, message.id)
    assert [row.status for row in found] == ["queued", "queued"]
    channels = {row.id: row for row in await rows(town.core, select(Integration))}
    for row in found:
        channel = channels[row.integration_id or 0]
        assert (channel.user_id, channel.removed_at) == (town.bob.actor.user_id, None)
        assert channel.destination == row.destination
    after = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="again"))
    assert after.recipients == 2


async def test_a_channel_that_was_removed_on_one_side_works_as_it_did_on_the_other(town: Town) -> None:
    dora, event = await other_account(town), await town.event()
    removed = await town.channel(town.bob, HOOK)
    await town.core.act(town.bob.actor, remove_integration, removed)
    await town.follow(dora, event, await town.channel(dora, HOOK))
    await merged(town, dora, town.bob)
    (row,) = await subscriptions(town, event)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == removed))
    assert (row.integration_id, row.state, channel.removed_at, channel.is_active) == (removed, "active", None, True)
    assert town.core.keys.open(channel.apprise_url) == "json://192.0.2.7/same"


async def test_who_owned_and_helped_is_the_owner_once(town: Town) -> None:
    dora, event = await other_account(town), await town.event()
    event_id = (await town.row(event)).id
    async with town.core.db.write() as session:
        await session.execute(update(Event).values(owner_user_id=dora.actor.user_id))
        for user in (town.bob, town.carol, dora):
            row = EventOrganizer(event_id=event_id, user_id=user.actor.user_id, created_at=town.clock.now())
            session.add(row)
    await merged(town, dora, town.bob)
    assert (await town.row(event)).owner_user_id == town.bob.actor.user_id
    assert [row.user_id for row in await rows(town.core, select(EventOrganizer))] == [  # type: ignore[type-var]
        town.carol.actor.user_id
    ]
    await town.core.act(town.bob.actor, change_event, event.id, EventChange(name="Mine now"))


async def test_what_was_offered_by_the_merged_account_is_offered_by_the_one_that_stays(town: Town) -> None:
    dora, event = await other_account(town), await town.event()
    async with town.core.db.write() as session:
        await session.execute(update(Event).values(owner_user_id=dora.actor.user_id))
    await town.core.act(dora.actor, invite, event.id, NewLink(kind="link"))
    await merged(town, dora, town.bob)
    (offer,) = await rows(town.core, select(EventInvitation))  # type: ignore[type-var]
    assert offer.created_by == town.bob.actor.user_id


async def test_the_preview_counts_and_names_what_comes_over_and_nothing_else_is_told(town: Town) -> None:
    dora, _ = await grown(town)
    secret = await town.event(name="Surprise", is_public=False)
    assert secret.id
    for number in range(7):
        event = await town.event(name=f"Night {number}")
        await town.follow(dora, event)
    found = await preview(town, dora, town.bob)
    assert (found.follows.count, len(found.follows.names)) == (7, 5)
    assert (found.organizes.count, found.twice.count, found.channels.names) == (0, 0, ["E-mail"])
    assert found.identities == ["Discord: Dora"]
    assert "Surprise" not in found.model_dump_json()
    assert "dora@" not in found.model_dump_json()


async def test_accounts_that_were_merged_meanwhile_are_not_merged_again(town: Town) -> None:
    dora = await other_account(town)

    async def twice(work: Work) -> None:
        gone = await work.session.get_one(User, dora.actor.user_id)
        kept = await work.session.get_one(User, town.bob.actor.user_id)
        await merge(work, gone, kept)
        await merge(work, gone, kept)

    before = await table_sizes(town.core)
    await refusal(town.core.act(town.bob.actor, twice), Code.CONFLICT)
    assert await table_sizes(town.core) == before


async def test_the_audit_says_which_account_went_where_and_keeps_its_own_rows(town: Town) -> None:
    dora = await other_account(town)
    await town.channel(dora, HOOK)
    await merged(town, dora, town.bob)
    hers = await rows(town.core, select(AuditEntry).where(AuditEntry.actor_user_id == dora.actor.user_id))
    assert {row.action for row in hers} >= {"store_integration"}
    last = (await rows(town.core, select(AuditEntry).order_by(AuditEntry.id)))[-1]
    assert (last.action, last.detail["merged"]) == ("confirm_linking", dora.actor.user_id)


async def test_the_identity_opens_the_account_that_stays(town: Town) -> None:
    dora = await other_account(town)
    await merged(town, dora, town.bob)
    assert (await pressed(town)).user_id == town.bob.actor.user_id
    (row,) = await rows(town.core, select(Identity))  # type: ignore[type-var]
    assert row.user_id == town.bob.actor.user_id


async def test_a_calendar_of_the_account_that_is_gone_shows_nothing_and_the_other_ones_goes_on(town: Town) -> None:
    dora = await other_account(town)
    old, new = [await town.core.act(each.actor, make_calendar, "follows") for each in (dora, town.bob)]
    await merged(town, dora, town.bob)
    await refusal(town.core.ask(NOBODY, read_calendar, old), Code.NOT_FOUND)
    assert "VCALENDAR" in await town.core.ask(NOBODY, read_calendar, new)
