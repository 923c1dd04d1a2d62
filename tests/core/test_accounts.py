"""Accounts as far as an operator vouches for them, and the tokens that name them."""

import datetime as dt

import pytest
from sqlalchemy import select

from core.accounts.passwords import Passwords
from core.accounts.users import actor_by_email, authenticate, list_tokens, revoke_token, vouch
from core.db.models import Integration, Token, User
from core.errors import Code
from core.work import Core
from tests.core.look import one_audit_row, refusal, refused_without_a_trace, rows, statements, table_sizes
from tests.people import OPERATOR, Town


async def test_vouching_makes_a_verified_account_with_a_mail_channel_and_a_token(core: Core) -> None:
    async with one_audit_row(core, "vouch"):
        issued = await core.act(OPERATOR, vouch, " Dora@Example.ORG ", display_name="Dora", timezone="Asia/Tokyo")
    async with core.db.read() as session:
        user = await session.get_one(User, issued.user_id)
        token = (await session.scalars(select(Token))).one()
    assert (user.email, user.is_verified, user.timezone) == ("dora@example.org", True, "Asia/Tokyo")
    assert issued.token.startswith("soonish_")
    assert issued.token not in repr(vars(token))
    (channel,) = await rows(core, select(Integration))
    assert (channel.tag, channel.is_active, channel.label) == ("email", True, "Dora")
    assert core.keys.open(channel.apprise_url) == "systemmail://dora%40example.org"


async def test_vouching_again_adds_a_token_and_nothing_else(core: Core) -> None:
    first = await core.act(OPERATOR, vouch, "dora@example.org", timezone="Asia/Tokyo")
    second = await core.act(OPERATOR, vouch, "DORA@example.org")
    sizes = await table_sizes(core)
    assert (sizes["users"], sizes["integrations"], sizes["tokens"]) == (1, 1, 2)
    for issued in (first, second):
        assert (await authenticate(core, issued.token, "api", "203.0.113.9")).user_id == first.user_id


@pytest.mark.parametrize(("email", "zone"), [("nobody", None), ("a@example.org", "Mars/Phobos"), ("a@b,c@d.org", None)])
async def test_an_account_needs_a_real_address_and_zone(core: Core, email: str, zone: str | None) -> None:
    await refused_without_a_trace(core, core.act(OPERATOR, vouch, email, timezone=zone), Code.INVALID)


@pytest.mark.parametrize("bearer", ["", "soonish_", "soonish_x", "x" * 5000, "é"])
async def test_any_other_token_is_refused(town: Town, bearer: str) -> None:
    await refusal(authenticate(town.core, bearer, "api"), Code.UNAUTHENTICATED)


async def test_an_expired_token_or_one_of_another_purpose_is_refused(town: Town) -> None:
    async with town.core.db.write() as session:
        for token in await session.scalars(select(Token).order_by(Token.id)):
            if token.user_id == town.alice.actor.user_id:
                token.expires_at = town.clock.now() + dt.timedelta(hours=1)
            if token.user_id == town.bob.actor.user_id:
                token.purpose = "sign_in"
    assert (await authenticate(town.core, town.alice.token, "api")).user_id == town.alice.actor.user_id
    town.clock.shift = dt.timedelta(hours=1)
    for person in (town.alice, town.bob):
        await refusal(authenticate(town.core, person.token, "api"), Code.UNAUTHENTICATED)


async def test_the_terminal_acts_for_the_named_account_or_the_only_one(core: Core) -> None:
    await refusal(core.ask(OPERATOR, actor_by_email, None), Code.INVALID)
    only = await core.act(OPERATOR, vouch, "dora@example.org")
    assert (await core.ask(OPERATOR, actor_by_email, None)).user_id == only.user_id
    other = await core.act(OPERATOR, vouch, "emil@example.org")
    await refusal(core.ask(OPERATOR, actor_by_email, None), Code.INVALID)
    assert (await core.ask(OPERATOR, actor_by_email, " Emil@example.org")).user_id == other.user_id
    unknown = await refusal(core.ask(OPERATOR, actor_by_email, "zoe@example.org"), Code.INVALID)
    assert "zoe@" not in unknown.message


async def test_a_revoked_token_opens_nothing_and_the_others_still_do(town: Town) -> None:
    other = await town.core.act(OPERATOR, vouch, town.alice.email)
    first = (await town.core.ask(OPERATOR, list_tokens, " Alice@Example.org ")).items[0]
    async with one_audit_row(town.core, "revoke_token"):
        await town.core.act(OPERATOR, revoke_token, first.id)
    await refusal(authenticate(town.core, town.alice.token, "api"), Code.UNAUTHENTICATED)
    assert (await authenticate(town.core, other.token, "api")).user_id == town.alice.actor.user_id
    assert len((await town.core.ask(OPERATOR, list_tokens, town.alice.email)).items) == 1
    await refused_without_a_trace(town.core, town.core.act(OPERATOR, revoke_token, first.id), Code.NOT_FOUND)


async def test_a_token_remembers_its_use_to_the_hour_and_is_never_shown(town: Town) -> None:
    async def used() -> dt.datetime | None:
        return (await town.core.ask(OPERATOR, list_tokens, town.alice.email)).items[0].used_at

    assert await used() is None
    await authenticate(town.core, town.alice.token, "api")
    first = await used()
    town.clock.shift = dt.timedelta(minutes=50)
    with statements(town.core) as seen:
        await authenticate(town.core, town.alice.token, "api")
    assert len(seen) == 1
    assert await used() == first
    town.clock.shift = dt.timedelta(minutes=61)
    await authenticate(town.core, town.alice.token, "api")
    assert await used() != first
    assert town.alice.token not in (await town.core.ask(OPERATOR, list_tokens, town.alice.email)).model_dump_json()


async def test_a_password_costs_whoever_guesses_it_what_it_should() -> None:
    assert (await Passwords().hash("correct horse battery")).startswith("$argon2id$v=19$m=65536,t=3,p=4$")
