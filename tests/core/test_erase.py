"""Erasing: nothing of the person is left, nothing of others is lost, and what may not go yet is named."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.accounts.users import authenticate, vouch
from core.db.models import (
    Base,
    Delivery,
    Event,
    EventUpdate,
    Integration,
    Notification,
    Subscription,
    SuppressedAddress,
    Token,
    User,
)
from core.db.models import Session as SessionRow
from core.delivery.addresses import mail_channel
from core.errors import Code
from core.events.usecases import event_page
from core.integrations.usecases import store_integration
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.privacy.erase import ERASED, KEPT, NOBODY_ANY_MORE, STEPS, erase_account, erase_address
from core.privacy.export import LEFT_OUT, SECTIONS
from core.subscriptions.confirm import look_at_confirm
from core.subscriptions.leave import look_at_leaving, remove_subscriber, unsubscribe
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import UnsubscribeToken, address_token, unsubscribe_token
from core.work import Actor
from tests.core.look import NOBODY, audit, deliveries, refusal, refused_without_a_trace, rows, states, the_one
from tests.core.own_data import ADDRESS, NAME, channels_of, found_in, traces, zebulon
from tests.core.steps import NORA, ask, confirm_link, joined, leave_link
from tests.people import OPERATOR, Town

pytestmark = pytest.mark.both_databases

LATER_DAY = dt.timedelta(days=1, seconds=1)

PERSONAL = re.compile(r"(user_id|integration_id|external_id|created_by|requested_by|destination|email)$")


def _personal_tables() -> set[str]:
    """Those that refer to a person or a channel, or hold what names one."""
    return {
        table.name
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if PERSONAL.search(column.name)
        or any(key.column.table.name in ("users", "integrations") for key in column.foreign_keys)
    } | {"users", "integrations"}


def test_every_table_about_people_is_erased_or_says_why_not() -> None:
    assert _personal_tables() - set(STEPS) - set(KEPT) == set()
    assert set(STEPS) & set(KEPT) == set()
    assert set(STEPS) | set(KEPT) <= set(Base.metadata.tables)


def test_every_table_about_people_is_exported_or_says_why_not() -> None:
    exported = {section.table.__tablename__ for section in SECTIONS.values()}
    assert _personal_tables() - exported - set(LEFT_OUT) == set()
    assert exported | set(LEFT_OUT) <= set(Base.metadata.tables)


async def test_after_an_erase_no_cell_of_the_database_tells_of_the_person(town: Town) -> None:
    person = await zebulon(town)
    before = await found_in(town.core, traces(town.core))
    # The sweep can fail: each kind of trace is there beforehand, in all these places.
    assert {each.partition(":")[0] for each in before} >= {
        "users.email", "users.display_name", "integrations.apprise_url", "integrations.destination",
        "integrations.name", "integrations.label", "deliveries.label", "deliveries.destination",
        "event_invitations.label",
        "event_invitations.destination", "tokens.subject", "sessions.agent", "events.contact", "notifications.data",
        "notifications.title", "requests.answer", "chat_installations.external_id", "identities.external_id",
    }  # fmt: skip
    await town.core.act(person.actor, erase_account)
    assert await found_in(town.core, traces(town.core)) == []


async def test_an_erased_account_is_out_everywhere_and_what_was_for_others_goes_on(town: Town) -> None:
    person = await zebulon(town)
    others = await rows(town.core, select(Delivery).where(Delivery.label == "Bob"))
    done = await town.core.act(person.actor, erase_account)
    assert (done.ended_subscriptions, done.skipped_messages > 0) == (2, True)
    async with town.core.db.read() as session:
        user = await session.get_one(User, person.user_id)
        assert (user.email, user.display_name, user.is_verified) == (None, NOBODY_ANY_MORE, False)
        assert await session.scalar(select(SessionRow.id).where(SessionRow.user_id == person.user_id)) is None
        assert await session.scalar(select(Token.id).where(Token.user_id == person.user_id)) is None
        assert await session.scalar(select(SuppressedAddress.destination)) is None
        event = (await session.scalars(select(Event).where(Event.public_id == person.theirs.id))).one()
        assert (event.owner_user_id, event.contact) == (person.user_id, "")
        assert list(await session.scalars(select(EventUpdate.created_by).where(EventUpdate.event_id == event.id))) == [
            None
        ]
    assert all(row.removed_at and not row.is_active for row in await channels_of(town, person.user_id))
    assert await states(town, person.alices) == ["ended", "ended"]
    after = await rows(town.core, select(Delivery).where(Delivery.label == "Bob"))
    assert [(row.id, row.status) for row in after] == [(row.id, row.status) for row in others]
    _, host, updates = await town.core.ask(NOBODY, event_page, person.theirs.id)
    assert host == NOBODY_ANY_MORE
    assert [each.title for each in updates] == ["Bring a board"]
    assert [(row.action, row.subject) for row in (await audit(town.core))[-1:]] == [
        ("erase_account", f"user:{person.user_id}")
    ]


async def test_what_waits_for_the_erased_is_skipped_and_the_report_keeps_its_counts(town: Town) -> None:
    event = await town.event()
    await town.follow(town.bob, event)
    await town.follow(town.carol, event)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    await town.core.act(town.bob.actor, erase_account)
    (bobs, carols) = await deliveries(town.core, sent.id)
    assert (bobs.status, bobs.code, bobs.label) == ("skipped", ERASED, ERASED)
    assert (carols.status, carols.label) == ("queued", "Carol")
    found = await town.report(sent.id)
    assert (found.skipped, found.waiting) == (1, 1)


async def test_an_account_that_owns_what_is_to_come_is_not_erased_and_hears_which(town: Town) -> None:
    await town.event(name="Chess night")
    found = await refused_without_a_trace(town.core, town.core.act(town.alice.actor, erase_account), Code.CONFLICT)
    assert "Chess night" in found.message
    assert "hand it over" in (found.hint or "")


async def test_only_somebody_erases_only_themselves(town: Town) -> None:
    await refusal(town.core.act(NOBODY, erase_account), Code.UNAUTHENTICATED)
    await town.core.act(town.carol.actor, erase_account)
    await refusal(town.core.act(town.carol.actor, erase_account), Code.NOT_FOUND)
    assert len(await channels_of(town, town.bob.actor.user_id)) == 1
    await refusal(authenticate(town.core, town.carol.token, "api"), Code.UNAUTHENTICATED)


async def test_a_session_of_an_hour_ago_does_not_erase(town: Town) -> None:
    person = await zebulon(town)
    (session,) = await rows(town.core, select(SessionRow))  # type: ignore[type-var]
    signed_in = Actor(person.user_id, "web", None, session.id)
    assert "sign in again" in ((await refusal(town.core.act(signed_in, erase_account), Code.FORBIDDEN)).hint or "")


async def test_the_same_address_may_register_anew_and_starts_from_nothing(town: Town) -> None:
    person = await zebulon(town)
    await town.core.act(person.actor, erase_account)
    again = await town.core.act(OPERATOR, vouch, ADDRESS, display_name=NAME)
    assert again.user_id != person.user_id
    (channel,) = await channels_of(town, again.user_id)
    assert channel.confirmed_at is not None
    followed = await rows(town.core, select(Subscription).where(Subscription.user_id == again.user_id))
    assert followed == []


@pytest.mark.parametrize("never_again", [False, True])
async def test_never_write_to_me_again_is_a_choice_of_its_own(town: Town, *, never_again: bool) -> None:
    person = await zebulon(town)
    await town.core.act(person.actor, erase_account, never_again=never_again)
    async with town.core.db.read() as session:
        known = list(await session.scalars(select(SuppressedAddress.destination)))
    own = town.core.keys.digest("destination", mail_channel(ADDRESS).destination)
    # An address that never said yes may be somebody else's: nobody silences it for them.
    assert known == ([own] if never_again else [])


async def test_a_channel_that_was_being_added_meanwhile_is_not_saved(town: Town) -> None:
    await town.core.act(town.bob.actor, erase_account)
    late = town.core.act(
        town.bob.actor, store_integration, mail_channel("late@example.org"), "Late", "late", confirmed=True
    )
    await refusal(late, Code.NOT_FOUND)


async def _nora(town: Town) -> tuple[str, Subscription]:
    """The link to all that nora follows, and what that is."""
    row = await joined(town, await town.event())
    return address_token(town.core.keys, row.integration_id), row


async def test_an_address_is_erased_by_its_link_and_no_cell_tells_of_it(town: Town) -> None:
    link, row = await _nora(town)
    needles = ["nora", "n•••", town.core.keys.digest("destination", mail_channel(NORA).destination)]
    assert len(await found_in(town.core, needles)) >= 5
    await town.core.act(NOBODY, erase_address, link)
    assert await found_in(town.core, needles) == []
    (after,) = await rows(town.core, select(Subscription).where(Subscription.id == row.id))
    assert (after.state, after.ended_by) == ("ended", ERASED)
    await refusal(town.core.act(NOBODY, erase_address, link), Code.NOT_FOUND)


async def test_old_links_of_an_erased_address_answer_kindly_and_bring_nothing_back(town: Town) -> None:
    link, row = await _nora(town)
    left = await town.core.act(NOBODY, unsubscribe, leave_link(town, row))
    confirm = confirm_link(town, row)
    await town.core.act(NOBODY, erase_address, link)
    for about_event in (row.event_id, 0):
        old = unsubscribe_token(town.core.keys, UnsubscribeToken(about_event, row.integration_id))
        await refusal(town.core.ask(NOBODY, look_at_leaving, old), Code.NOT_FOUND)
        # It must not promise never to write to an address that is not known any more.
        await refusal(town.core.act(NOBODY, unsubscribe, old, "everything"), Code.NOT_FOUND)
    assert left.undo is not None
    assert (await town.core.act(NOBODY, undo_unsubscribe, left.undo)).restored == 0
    assert (await town.core.ask(NOBODY, look_at_confirm, confirm)).state == "ended"


async def test_an_erased_address_that_comes_back_is_a_new_one(town: Town) -> None:
    link, row = await _nora(town)
    await town.core.act(NOBODY, erase_address, link)
    other = await town.event()
    back = await joined(town, other, NORA)
    assert (back.state, back.integration_id == row.integration_id) == ("active", False)


async def test_whom_an_organizer_removed_does_not_come_back_by_erasing(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    await town.core.act(NOBODY, erase_address, address_token(town.core.keys, row.integration_id))
    own = town.core.keys.digest("destination", mail_channel(NORA).destination)
    assert await found_in(town.core, ["nora", "n•••", own]) == [f"integrations.destination: {own}"]
    town.clock.shift += LATER_DAY
    await ask(town, event, NORA)
    assert (await the_one(town, event)).state == "ended"


@pytest.mark.parametrize("token_of", [lambda row: "forged", lambda row: "A" * 32])
async def test_a_forged_link_of_a_stranger_erases_nothing(town: Town, token_of: Callable[[object], str]) -> None:
    _, row = await _nora(town)
    await refused_without_a_trace(town.core, town.core.act(NOBODY, erase_address, token_of(row)), Code.NOT_FOUND)


async def test_a_link_of_an_address_never_erases_an_account(town: Town) -> None:
    (channel,) = await channels_of(town, town.bob.actor.user_id)
    link = address_token(town.core.keys, channel.id)
    await refusal(town.core.act(NOBODY, erase_address, link), Code.NOT_FOUND)


async def test_account_mail_that_waits_says_nothing_any_more(town: Town) -> None:
    person = await zebulon(town)
    await town.core.act(person.actor, erase_account)
    texts = await rows(town.core, select(Notification).where(Notification.event_id.is_(None)))
    assert {(row.title, row.body, str(row.data)) for row in texts if row.superseded_at} >= {(ERASED, "", "{}")}
    waiting = (
        select(Delivery.id).join(Integration).where(Integration.erased_at.is_not(None), Delivery.status == "queued")
    )
    async with town.core.db.read() as session:
        assert await session.scalar(waiting) is None
