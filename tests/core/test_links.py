"""Registering and signing in by mailed links: who knows what, what a link opens, and what becomes of both."""

import datetime as dt

import pytest
from sqlalchemy import select

from core.accounts.lifecycle import session_duties, verification_duties
from core.accounts.links import ask_to_register, ask_to_sign_in, look_at_link, use_link
from core.accounts.model import AskForLink, Opened
from core.accounts.sessions import end_session, list_sessions, session_actor, sign_out
from core.accounts.users import vouch
from core.db.models import Delivery, Integration, Notification, Session, Subscription, SuppressedAddress, Token, User
from core.errors import Code
from core.notifications.ledger import Ledger
from core.subscriptions.confirm import confirm
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.leave import remove_subscriber, unsubscribe
from core.subscriptions.model import SubscribeByEmail
from core.subscriptions.undo import undo_unsubscribe
from core.tokens import (
    ConfirmToken,
    LinkToken,
    UnsubscribeToken,
    browser_token,
    confirm_token,
    link_token,
    unsubscribe_token,
)
from core.upkeep import tidy
from core.work import Actor, Core
from tests.core.look import NOBODY, refusal, refused_without_a_trace, rows, statements, table_sizes
from tests.people import EVERYTHING, OPERATOR, Town

NORA = AskForLink(email="nora@example.org")


async def newest_link(core: Core) -> str:
    """The link that stands in the latest mail."""
    async with core.db.read() as session:
        row = (await session.scalars(select(Token).where(Token.purpose != "api").order_by(Token.id.desc()))).first()
    assert row is not None
    purpose = "verify" if row.purpose == "verify" else "sign_in"
    return link_token(core.keys, LinkToken(purpose, row.id, int(row.created_at.timestamp())))  # type: ignore[arg-type]


async def registered(core: Core, email: str = "nora@example.org") -> str:
    await ask_to_register(core, NOBODY, AskForLink(email=email), browser_token(core.keys))
    return await newest_link(core)


async def verified(core: Core, email: str = "nora@example.org") -> Opened:
    return await core.act(NOBODY, use_link, await registered(core, email), "Firefox")


async def one_user(core: Core, email: str = "nora@example.org") -> User:
    async with core.db.read() as session:
        return (await session.scalars(select(User).where(User.email == email))).one()


async def sendable(core: Core) -> list[str]:
    """The kinds of account mail that a worker would send now."""
    ledger = Ledger(core.db, "test", lease=dt.timedelta(seconds=30), grace=dt.timedelta(0), retry_delays=[1])
    found = []
    async with core.db.read() as session:
        ids = list(await session.scalars(select(Notification.id).where(Notification.event_id.is_(None))))
    for each in ids:
        claim = await ledger.claim(each, 10, core.clock.now())
        found += [claim.about.notification.kind for _ in claim.recipients if claim.about]
    return found


async def test_registering_verifying_and_signing_in_again(core: Core) -> None:
    link = await registered(core)
    user = await one_user(core)
    assert (user.is_verified, user.email_verified_at) == (False, None)
    (channel,) = await rows(core, select(Integration))
    assert (channel.user_id, channel.is_active, channel.confirmed_at, channel.tag) == (user.id, False, None, "email")
    assert await sendable(core) == ["verify"]
    assert (await core.ask(NOBODY, look_at_link, link, None)).label == "n•••a@example.org"
    opened = await core.act(NOBODY, use_link, link, "Firefox")
    user, (channel,) = await one_user(core), await rows(core, select(Integration))
    assert (opened.user_id, user.is_verified, channel.is_active) == (user.id, True, True)
    assert user.email_verified_at is not None
    who = await session_actor(core, opened.token, "web")
    assert who is not None
    assert who.user_id == user.id
    await ask_to_sign_in(core, NOBODY, NORA, browser_token(core.keys))
    assert await sendable(core) == ["sign_in"]
    again = await core.act(NOBODY, use_link, await newest_link(core), "Firefox")
    assert again.token != opened.token


async def test_registering_an_address_that_has_an_account_touches_nothing_and_mails_a_way_in(town: Town) -> None:
    before = vars(await one_user(town.core, town.alice.email)).copy()
    await registered(town.core, "ALICE@example.org")
    after = vars(await one_user(town.core, town.alice.email))
    for name in ("display_name", "email_verified_at", "password_hash", "timezone", "created_at", "id"):
        assert after[name] == before[name]
    assert await sendable(town.core) == ["sign_in"]


async def test_registering_an_unverified_address_again_gives_its_asker_nothing(core: Core) -> None:
    """Whoever registers first has no hold on the account: it is its address that opens it."""
    first = await registered(core)
    second = await registered(core)
    assert first != second
    assert len(await rows(core, select(User))) == 1  # type: ignore[type-var]
    await core.act(NOBODY, use_link, second, "")
    found = await refusal(core.act(NOBODY, use_link, first, ""), Code.CONFLICT)
    assert "verified already" in found.message


async def test_an_unverified_account_cannot_sign_in_and_its_link_verifies_instead(core: Core) -> None:
    await registered(core)
    await ask_to_sign_in(core, NOBODY, NORA, browser_token(core.keys))
    assert await sendable(core) == ["verify", "verify"]


async def test_nothing_is_mailed_to_an_address_without_an_account_that_wants_in(town: Town) -> None:
    await ask_to_sign_in(town.core, NOBODY, NORA, browser_token(town.core.keys))
    assert await sendable(town.core) == []
    (kept,) = await rows(town.core, select(Integration).where(Integration.user_id.is_(None)))
    assert (town.core.keys.open(kept.apprise_url), kept.label) == ("", "•••")
    await refusal(town.core.act(NOBODY, use_link, await newest_link(town.core), ""), Code.NOT_FOUND)


async def test_not_even_to_one_that_follows_an_event_by_mail(town: Town) -> None:
    event = await town.event()
    await _follow_anonymously(town, event.id)
    await ask_to_sign_in(town.core, NOBODY, NORA, browser_token(town.core.keys))
    async with town.core.db.read() as session:
        query = select(Notification).where(Notification.kind == "sign_in")
        assert (await session.scalars(query)).one().superseded_at is not None
    assert "sign_in" not in await sendable(town.core)


@pytest.mark.parametrize("ask", [ask_to_register, ask_to_sign_in])
@pytest.mark.parametrize("again", [False, True])
async def test_known_and_unknown_addresses_cost_the_same_statements(town: Town, ask: object, again: bool) -> None:
    await registered(town.core, "unverified@example.org")
    await _follow_anonymously(town, (await town.event()).id, "follower@example.org")
    async with town.core.db.write() as session:
        digest = town.core.keys.digest("destination", "mailto:bob@example.org")
        session.add(SuppressedAddress(destination=digest, created_at=town.clock.now()))
    counts = {}
    for name in ("alice", "bob", "unverified", "unknown", "other", "follower"):
        for _ in range(2 if again else 1):
            with statements(town.core) as seen:
                asking = ask(  # type: ignore[operator]
                    town.core, NOBODY, AskForLink(email=f"{name}@example.org"), browser_token(town.core.keys)
                )
                assert (await asking).model_dump() == {"status": "check_inbox"}
        counts[name] = len(seen)
    assert len(set(counts.values())) == 1, counts


async def test_a_link_works_once_for_its_time_and_for_its_address(town: Town) -> None:
    core = town.core
    link = await registered(core, town.alice.email)
    opened = await core.act(NOBODY, use_link, link, "")
    assert opened.user_id == town.alice.actor.user_id
    await refused_without_a_trace(core, core.act(NOBODY, use_link, link, ""), Code.CONFLICT)
    late = await registered(core, town.alice.email)
    town.clock.shift += dt.timedelta(minutes=15, seconds=2)
    found = await refused_without_a_trace(core, core.act(NOBODY, use_link, late, ""), Code.NOT_FOUND)
    assert "fifteen minutes" in found.message
    foreign = await registered(core, town.alice.email)
    async with core.db.write() as session:
        (await session.get_one(User, town.alice.actor.user_id)).email = "elsewhere@example.org"
    await refused_without_a_trace(core, core.act(NOBODY, use_link, foreign, ""), Code.NOT_FOUND)
    for bent in (foreign[:-1], foreign[:10], "x", "", foreign + "A"):
        await refused_without_a_trace(core, core.act(NOBODY, use_link, bent, ""), Code.NOT_FOUND)


async def test_an_address_gets_ten_links_an_hour_and_is_told_nothing_else(core: Core) -> None:
    for _ in range(12):
        await registered(core)
    assert len(await sendable(core)) == 10


async def test_a_client_gets_twenty_attempts_an_hour_whomever_it_names(core: Core) -> None:
    for number in range(core.settings.sign_in_per_ip_hour):
        ask = ask_to_register if number % 2 else ask_to_sign_in
        await ask(core, NOBODY, AskForLink(email=f"n{number}@example.org"), browser_token(core.keys))
    found = await refusal(ask_to_sign_in(core, NOBODY, NORA, ""), Code.LIMITED)
    assert found.retry_after is not None


async def test_an_address_that_is_never_written_to_is_not_asked_to_verify_and_may_still_sign_in(town: Town) -> None:
    async with town.core.db.write() as session:
        for name in ("alice", "nora"):
            digest = town.core.keys.digest("destination", f"mailto:{name}@example.org")
            session.add(SuppressedAddress(destination=digest, created_at=town.clock.now()))
    await registered(town.core)
    assert await sendable(town.core) == []
    await registered(town.core, "alice@example.org")
    assert await sendable(town.core) == ["sign_in"]


async def test_a_link_that_arrives_too_late_is_not_sent(town: Town) -> None:
    await registered(town.core, town.alice.email)
    town.clock.shift += dt.timedelta(minutes=16)
    assert await sendable(town.core) == []


async def _follow_anonymously(town: Town, event_id: str, email: str = "nora@example.org") -> Subscription:
    await town.core.act(Actor(None, "web"), subscribe_by_email, event_id, SubscribeByEmail(email=email))
    row = (await rows(town.core, select(Subscription).order_by(Subscription.id.desc())))[0]
    token = ConfirmToken("subscription", row.id, int(row.requested_at.timestamp()))
    await town.core.act(NOBODY, confirm, confirm_token(town.core.keys, token))
    return row


async def test_verifying_adopts_what_the_address_followed_and_old_links_still_leave(town: Town) -> None:
    event = await town.event()
    row = await _follow_anonymously(town, event.id)
    old = unsubscribe_token(town.core.keys, UnsubscribeToken(row.event_id, row.integration_id))
    who = await session_actor(town.core, (await verified(town.core)).token, "web")
    assert who is not None
    (mine,) = await rows(town.core, select(Integration).where(Integration.user_id == who.user_id))
    (after,) = await rows(town.core, select(Subscription).where(Subscription.id == row.id))
    assert (after.user_id, after.integration_id, after.state) == (who.user_id, mine.id, "active")
    (left,) = await rows(town.core, select(Integration).where(Integration.user_id.is_(None)))
    assert town.core.keys.open(left.apprise_url) == ""
    welcome = (await rows(town.core, select(Delivery).where(Delivery.subscription_id == row.id)))[0]
    assert welcome.integration_id == mine.id
    gone = await town.core.act(NOBODY, unsubscribe, old)
    assert gone.ended == 1
    assert gone.undo is not None
    assert (await town.core.act(NOBODY, undo_unsubscribe, gone.undo)).restored == 1


async def test_adopting_counts_one_end_point_once(town: Town) -> None:
    event, other = await town.event(), await town.event()
    row, elsewhere = await _follow_anonymously(town, event.id), await _follow_anonymously(town, other.id)
    await town.core.act(OPERATOR, vouch, "nora@example.org")
    nora = await one_user(town.core)
    (mine,) = await rows(town.core, select(Integration).where(Integration.user_id == nora.id))
    async with town.core.db.write() as session:
        for event_id in (row.event_id, elsewhere.event_id):
            ended = event_id == elsewhere.event_id
            session.add(
                Subscription(
                    event_id=event_id,
                    user_id=nora.id,
                    integration_id=mine.id,
                    state="ended" if ended else "active",
                    ended_by="unsubscribed" if ended else None,
                    requested_at=town.clock.now(),
                    created_at=town.clock.now(),
                )
            )
    await ask_to_sign_in(town.core, NOBODY, NORA, browser_token(town.core.keys))
    await town.core.act(NOBODY, use_link, await newest_link(town.core), "")
    live = await rows(town.core, select(Subscription).where(Subscription.state == "active"))
    assert sorted((one.event_id, one.integration_id) for one in live) == sorted(
        [(row.event_id, mine.id), (elsewhere.event_id, mine.id)]
    )


async def test_who_was_removed_by_the_organizer_does_not_come_back_with_an_account(town: Town) -> None:
    event = await town.event()
    row = await _follow_anonymously(town, event.id)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    opened = await verified(town.core)
    (after,) = await rows(town.core, select(Subscription).where(Subscription.id == row.id))
    assert (after.state, after.ended_by, after.user_id) == ("ended", "removed", opened.user_id)


async def test_a_removed_mail_channel_lets_its_owner_in_and_stays_off(town: Town) -> None:
    async with town.core.db.write() as session:
        (channel,) = await session.scalars(select(Integration).where(Integration.user_id == town.alice.actor.user_id))
        channel.removed_at, channel.is_active = town.clock.now(), False
        channel.apprise_url = town.core.keys.seal("")
    await registered(town.core, town.alice.email)
    assert await sendable(town.core) == ["sign_in"]
    await town.core.act(NOBODY, use_link, await newest_link(town.core), "")
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id == town.alice.actor.user_id))
    assert (channel.is_active, channel.removed_at) == (False, None)


async def test_vouching_for_somebody_who_registered_switches_their_channel_on(core: Core) -> None:
    await registered(core)
    await core.act(OPERATOR, vouch, "nora@example.org")
    (channel,) = await rows(core, select(Integration))
    assert (channel.is_active, channel.confirmed_at is not None) == (True, True)


async def test_a_session_slides_by_the_hour_and_ends_when_it_was_not_seen(town: Town) -> None:
    opened = await core_sign_in(town)
    for days in (29, 29, 29):
        town.clock.shift += dt.timedelta(days=days)
        assert await session_actor(town.core, opened.token, "web") is not None
    with statements(town.core) as seen:
        assert await session_actor(town.core, opened.token, "web") is not None
    assert len(seen) == 1
    town.clock.shift += dt.timedelta(days=30, seconds=1)
    assert await session_actor(town.core, opened.token, "web") is None
    assert await session_actor(town.core, "", "web") is None


async def core_sign_in(town: Town) -> Opened:
    return await town.core.act(NOBODY, use_link, await registered(town.core, town.alice.email), "Firefox\x00 on Nut")


async def test_sessions_are_listed_and_ended_by_their_own_person_only(town: Town) -> None:
    first, second = await core_sign_in(town), await core_sign_in(town)
    here = await session_actor(town.core, second.token, "web")
    assert here is not None
    found = (await town.core.ask(here, list_sessions, EVERYTHING)).items
    assert [(one.current, one.agent) for one in found] == [(True, "Firefox on Nut"), (False, "Firefox on Nut")]
    assert (await town.core.ask(town.carol.actor, list_sessions, EVERYTHING)).items == []
    stranger = town.core.act(town.carol.actor, end_session, found[1].id)
    await refused_without_a_trace(town.core, stranger, Code.NOT_FOUND)
    await refusal(town.core.act(NOBODY, end_session, found[1].id), Code.UNAUTHENTICATED)
    await town.core.act(here, end_session, found[1].id)
    assert await session_actor(town.core, first.token, "web") is None
    await town.core.act(here, sign_out)
    assert await session_actor(town.core, second.token, "web") is None


async def test_the_database_holds_no_token_of_a_session_and_no_link(town: Town) -> None:
    link = await registered(town.core, town.alice.email)
    opened = await town.core.act(NOBODY, use_link, link, "Firefox")
    async with town.core.db.read_rows() as connection:
        dump = [
            str((await connection.exec_driver_sql(f"SELECT * FROM {table}")).all())  # noqa: S608
            for table in await table_sizes(town.core, without=())
        ]
    assert not any(opened.token in text or link in text for text in dump)
    assert opened.token not in repr(opened)


async def test_an_account_that_nobody_verified_goes_after_a_week_and_takes_nothing_with_it(town: Town) -> None:
    before = await table_sizes(town.core)
    await registered(town.core)
    user = await one_user(town.core)
    town.clock.shift += dt.timedelta(days=6)
    await registered(town.core)
    until = await town.core.step(verification_duties, user.id)
    assert until is not None
    assert until - town.clock.now() > dt.timedelta(days=6)
    town.clock.shift += dt.timedelta(days=7, seconds=1)
    assert await town.core.step(verification_duties, user.id) is None
    after = await table_sizes(town.core)
    assert {name: after[name] for name in ("users", "tokens", "integrations")} == {
        name: before[name] for name in ("users", "tokens", "integrations")
    }


async def test_a_verified_account_is_left_alone(town: Town) -> None:
    await verified(town.core)
    user = await one_user(town.core)
    town.clock.shift += dt.timedelta(days=400)
    assert await town.core.step(verification_duties, user.id) is None
    assert (await one_user(town.core)).id == user.id


async def test_a_session_is_looked_after_until_it_ends(town: Town) -> None:
    await core_sign_in(town)
    async with town.core.db.read() as session:
        row = (await session.scalars(select(Session))).one()
    assert await town.core.step(session_duties, row.id) == row.expires_at
    town.clock.shift += dt.timedelta(days=30, seconds=1)
    assert await town.core.step(session_duties, row.id) is None
    assert await town.core.step(session_duties, row.id) is None
    assert (await table_sizes(town.core))["sessions"] == 0


async def test_upkeep_erases_what_a_lost_workflow_left(town: Town) -> None:
    await core_sign_in(town)
    await registered(town.core)
    town.clock.shift += dt.timedelta(days=31)
    done = await town.core.step(tidy)
    assert (done["sessions"], done["accounts"], done["links"]) == (1, 1, 1)
    assert {user.email for user in await rows(town.core, select(User))} == {  # type: ignore[type-var]
        "alice@example.org", "bob@example.org", "carol@example.org",
    }  # fmt: skip
