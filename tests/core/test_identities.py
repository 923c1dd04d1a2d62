"""Signed identities: the account behind a press in chat, links between accounts, and letting an identity go."""

import asyncio
import datetime as dt

import pytest
from sqlalchemy import select

from core.accounts.sessions import begin_session
from core.db.models import Identity, Integration, Session, User
from core.errors import Code
from core.events.model import NewEvent
from core.events.usecases import create_event
from core.identities.actors import actor_of_identity, first_press
from core.identities.linking import confirm_linking, look_at_linking, mint_link_of_identity
from core.identities.sign_in import open_by_identity, use_up_state
from core.identities.signed import SignedIdentity
from core.identities.unlink import list_identities, unlink_identity
from core.tokens import OAuthState, browser_hash, browser_token, oauth_state
from core.work import Actor, Work
from tests.core.look import (
    NOBODY,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    rows,
    statements,
    states,
    table_sizes,
)
from tests.people import Person, Town

DORA = SignedIdentity("discord", "", "80351110224678912", "Dora")
SAM = SignedIdentity("slack", "T0001", "U0001", "Sam")


async def pressed(town: Town, signed: SignedIdentity = DORA) -> Actor:
    return await actor_of_identity(town.core, signed, "discord")


async def seated(town: Town, who: Person | Actor) -> Actor:
    """The same person, in a browser that signed in just now."""
    user_id = (who if isinstance(who, Actor) else who.actor).require_user()

    async def begin(work: Work) -> int:
        return (await begin_session(work, user_id, "Firefox"))[0]

    return Actor(user_id, "web", session_id=await town.core.step(begin))


async def minted(town: Town, signed: SignedIdentity = DORA) -> str:
    return (await town.core.act(await pressed(town, signed), mint_link_of_identity)).token


async def linked(town: Town, person: Person, signed: SignedIdentity = DORA) -> Actor:
    """That identity has joined this person's account."""
    here = await seated(town, person)
    await town.core.act(here, confirm_linking, await minted(town, signed))
    return here


async def test_the_first_press_makes_an_account_without_an_address_and_the_next_ones_one_read(town: Town) -> None:
    async with one_audit_row(town.core, "first_press"):
        first = await pressed(town)
    (user,) = await rows(town.core, select(User).where(User.id == first.user_id))  # type: ignore[type-var]
    assert (user.email, user.is_verified, user.email_verified_at, user.display_name) == (None, True, None, "Dora")
    before = await table_sizes(town.core, without=())
    with statements(town.core) as seen:
        again = await pressed(town)
    assert (len(seen), again) == (1, first)
    assert await table_sizes(town.core, without=()) == before


async def test_two_first_presses_at_once_are_one_account(town: Town) -> None:
    found = await asyncio.gather(*(pressed(town) for _ in range(5)))
    assert len({actor.user_id for actor in found}) == 1
    assert (await table_sizes(town.core))["identities"] == 1


@pytest.mark.parametrize("name", ["", "\u202e", "a\x00b\nc", "x" * 500])
async def test_whatever_people_call_themselves_there_is_one_line_here(town: Town, name: str) -> None:
    await pressed(town, SignedIdentity("slack", "T1", "U1", name))
    (row,) = await rows(town.core, select(Identity))  # type: ignore[type-var]
    assert row.display_name.isprintable()
    assert 0 < len(row.display_name) <= 100


async def test_a_signed_identity_may_create_an_event_and_an_unverified_address_may_not(town: Town) -> None:
    new = NewEvent.model_validate({"name": "Board games", "start_date": town.in_(days=3)})
    assert (await town.core.act(await pressed(town), create_event, new)).name == "Board games"
    async with town.core.db.write() as session:
        user = User(email="new@example.org", display_name="new", is_verified=False, created_at=town.clock.now())
        session.add(user)
        await session.flush()
    await refusal(town.core.act(Actor(user.id, "api"), create_event, new), Code.FORBIDDEN)


async def test_only_the_identity_itself_mints_its_link(town: Town) -> None:
    await pressed(town)
    impostor = Actor(town.carol.actor.user_id, "discord", signed=DORA)
    for stranger in (town.carol.actor, impostor):
        doing = town.core.act(stranger, mint_link_of_identity)
        await refused_without_a_trace(town.core, doing, Code.FORBIDDEN)
    await refusal(town.core.act(NOBODY, mint_link_of_identity), Code.UNAUTHENTICATED)


async def test_merging_into_an_account_without_its_consent_is_refused(town: Town) -> None:
    token = await minted(town)
    for carol in (town.carol.actor, await pressed(town)):
        doing = town.core.act(carol, confirm_linking, token)
        await refused_without_a_trace(town.core, doing, Code.FORBIDDEN)
        await refusal(town.core.ask(carol, look_at_linking, token), Code.FORBIDDEN)
    await refusal(town.core.act(NOBODY, confirm_linking, token), Code.UNAUTHENTICATED)
    await refusal(town.core.ask(NOBODY, look_at_linking, token), Code.UNAUTHENTICATED)
    stale = await seated(town, town.carol)
    town.clock.shift += dt.timedelta(minutes=16)
    token = await minted(town)
    await refused_without_a_trace(town.core, town.core.act(stale, confirm_linking, token), Code.FORBIDDEN)
    assert (await rows(town.core, select(Identity)))[0].user_id == (await pressed(town)).user_id  # type: ignore[type-var]


async def test_a_link_works_once_for_ten_minutes_and_a_new_one_voids_it(town: Town) -> None:
    here, first = await seated(town, town.bob), await minted(town)
    token = await minted(town)
    await refused_without_a_trace(town.core, town.core.act(here, confirm_linking, first), Code.CONFLICT)
    for bent in ("", "x", token[:-1], token + "x"):
        await refused_without_a_trace(town.core, town.core.act(here, confirm_linking, bent), Code.NOT_FOUND)
    before = await table_sizes(town.core, without=())
    for _ in range(2):
        assert (await town.core.ask(here, look_at_linking, token)).display_name == "Dora"
    assert await table_sizes(town.core, without=()) == before
    async with one_audit_row(town.core, "confirm_linking"):
        await town.core.act(here, confirm_linking, token)
    assert (await pressed(town)).user_id == town.bob.actor.user_id
    await refused_without_a_trace(town.core, town.core.act(here, confirm_linking, token), Code.CONFLICT)
    late = await minted(town, SAM)
    town.clock.shift += dt.timedelta(minutes=10, seconds=1)
    await refused_without_a_trace(town.core, town.core.act(here, confirm_linking, late), Code.NOT_FOUND)


async def test_a_link_of_an_identity_that_went_elsewhere_meanwhile_joins_nothing(town: Town) -> None:
    await linked(town, town.bob)
    await linked(town, town.bob, SAM)
    token = await minted(town)
    (dora, _) = await rows(town.core, select(Identity).order_by(Identity.id))  # type: ignore[type-var]
    await town.core.act(await seated(town, town.bob), unlink_identity, dora.id)
    await pressed(town)
    here = await seated(town, town.carol)
    await refused_without_a_trace(town.core, town.core.act(here, confirm_linking, token), Code.NOT_FOUND)


async def test_an_identity_that_is_here_already_changes_nothing(town: Town) -> None:
    here, before = await linked(town, town.bob), await table_sizes(town.core)
    token = await minted(town)
    assert (await town.core.ask(here, look_at_linking, token)).mine_already
    assert (await town.core.act(here, confirm_linking, token)).merged is None
    after = await table_sizes(town.core)
    assert {name for name in after if after[name] != before[name]} <= {"tokens", "buckets"}


async def test_an_identity_gets_ten_links_an_hour(town: Town) -> None:
    for _ in range(10):
        await minted(town)
    await refusal(minted(town), Code.LIMITED)


async def test_a_way_through_a_platform_is_used_up_and_counted(town: Town) -> None:
    bound = browser_hash(town.core.keys, browser_token(town.core.keys)) or ""
    state = oauth_state(town.core.keys, OAuthState("discord", "sign_in", int(town.clock.now().timestamp()), bound))
    await town.core.act(NOBODY, use_up_state, state)
    await refused_without_a_trace(town.core, town.core.act(NOBODY, use_up_state, state), Code.CONFLICT)
    stranger = await town.core.act(NOBODY, first_press, DORA)
    await town.core.act(NOBODY, open_by_identity, stranger, "Firefox")
    assert (await rows(town.core, select(Session)))[0].user_id == stranger  # type: ignore[type-var]


async def test_unlinking_ends_the_direct_messages_and_the_next_press_begins_with_nothing(town: Town) -> None:
    here = await linked(town, town.bob)
    (dora,) = await rows(town.core, select(Identity))  # type: ignore[type-var]
    event, hook = await town.event(), await town.channel(town.bob, "json://192.0.2.7/dm", tag="dm")
    async with town.core.db.write() as session:
        (await session.get_one(Integration, hook)).identity_id = dora.id
    await town.follow(town.bob, event, hook)
    for stranger in (town.carol.actor, await pressed(town, SAM)):
        doing = town.core.act(stranger, unlink_identity, dora.id)
        await refused_without_a_trace(town.core, doing, Code.NOT_FOUND)
        assert all(each.id != dora.id for each in (await town.core.ask(stranger, list_identities)).items)
    await refusal(town.core.act(NOBODY, unlink_identity, dora.id), Code.UNAUTHENTICATED)
    async with one_audit_row(town.core, "unlink_identity"):
        await town.core.act(here, unlink_identity, dora.id)
    (channel,) = await rows(town.core, select(Integration).where(Integration.id == hook))
    assert (channel.removed_at is not None, channel.identity_id) == (True, None)
    assert await states(town, event) == ["ended"]
    assert (await town.core.ask(here, list_identities)).items == []
    assert (await pressed(town)).user_id != town.bob.actor.user_id


async def test_the_only_way_into_an_account_stays(town: Town) -> None:
    dora = await pressed(town)
    (row,) = (await town.core.ask(dora, list_identities)).items
    await refused_without_a_trace(town.core, town.core.act(dora, unlink_identity, row.id), Code.CONFLICT)
    here = await seated(town, dora)
    await town.core.act(here, confirm_linking, await minted(town, SAM))
    await town.core.act(here, unlink_identity, row.id)
    assert [each.platform for each in (await town.core.ask(here, list_identities)).items] == ["slack"]
    town.clock.shift += dt.timedelta(minutes=16)
    (last,) = (await town.core.ask(here, list_identities)).items
    await refused_without_a_trace(town.core, town.core.act(here, unlink_identity, last.id), Code.FORBIDDEN)
