"""In which workspaces the app is: kept sealed, on either database; ended, put back, and forgotten in the end."""

import asyncio
import dataclasses
import datetime as dt

import pytest
from sqlalchemy import select, update

from core.chat.installations import Grant, install, token_of, token_refused, uninstall
from core.chat.workspaces import FRESH_SECONDS, Workspaces
from core.db.models import ChatInstallation, Integration
from core.delivery.slackbot import NO_TOKEN, NOT_INSTALLED
from core.identities.actors import actor_of_identity
from core.identities.direct import direct_channel
from core.identities.signed import Platform, SignedIdentity
from core.integrations.usecases import disable_channel
from core.keys import KeyMissingError, Keys
from core.operations.keys import check_keys, rotate_keys
from core.upkeep import tidy
from core.work import SYSTEM, Core, Work
from tests.core.look import audit
from tests.people import OPERATOR, Town

DAY = dt.timedelta(days=1)
GRANT = Grant(platform="slack", tenant_id="T0001", name="Beta", token="xoxb-first", scopes="commands", external_id="U1")


async def rows(core: Core) -> list[ChatInstallation]:
    async with core.db.read() as session:
        return list(await session.scalars(select(ChatInstallation)))


def installable(core: Core) -> Core:
    """By workspaces themselves."""
    secrets = {"slack_client_id": "1.2", "slack_client_secret": "s3cret", "slack_signing_secret": "signed"}
    settings = type(core.settings)(_env_file=None, **core.settings.model_dump(exclude_unset=True) | secrets)
    return dataclasses.replace(core, settings=settings)


@pytest.mark.both_databases
async def test_what_is_put_in_is_sealed_and_put_in_again_is_the_same_row(core: Core) -> None:
    await core.act(SYSTEM, install, GRANT)
    done = await core.act(SYSTEM, install, GRANT.model_copy(update={"token": "xoxb-second", "name": "Gamma"}))
    (row,) = await rows(core)
    assert (row.name, core.keys.open(row.bot_token or b""), done.channels) == ("Gamma", "xoxb-second", 0)
    assert b"xoxb" not in (row.bot_token or b"")
    assert await core.ask(SYSTEM, token_of, "slack", "T0001") == "xoxb-second"
    assert await core.ask(SYSTEM, token_of, "slack", "T0002") is None
    assert [(entry.action, entry.subject) for entry in await audit(core)] == [("install", f"installation:{row.id}")] * 2
    assert "xoxb" not in str([entry.detail for entry in await audit(core)])


@pytest.mark.both_databases
async def test_channels_that_ended_with_the_app_work_again_and_others_stay_as_they_are(town: Town) -> None:
    core = town.core
    await core.act(SYSTEM, install, GRANT)
    ids = {}
    for team, member, reason in (
        ("T0001", "U1", NOT_INSTALLED.reason),
        ("T0001", "U2", "This Slack account was deactivated."),
        ("T0001", "U3", None),
        ("T0002", "U1", NOT_INSTALLED.reason),
    ):
        person = await actor_of_identity(core, SignedIdentity("slack", team, member, member), "slack")
        ids[team, member] = (await core.act(person, direct_channel)).id
        if reason is not None:
            await core.act(SYSTEM, disable_channel, ids[team, member], reason)
    async with core.db.write() as session:  # as somebody does who wants no messages
        await session.execute(update(Integration).where(Integration.id == ids["T0001", "U3"]).values(is_active=False))
    await core.act(SYSTEM, uninstall, "slack", "T0001", town.clock.now())
    assert (await core.act(SYSTEM, install, GRANT)).channels == 1
    async with core.db.read() as session:
        on = set(await session.scalars(select(Integration.id).where(Integration.is_active)))
    assert on & set(ids.values()) == {ids["T0001", "U1"]}


@pytest.mark.both_databases
async def test_two_who_put_it_in_at_the_same_moment_make_one_row(core: Core) -> None:
    grants = [GRANT.model_copy(update={"token": f"xoxb-{number}"}) for number in range(8)]
    await asyncio.gather(*(core.act(SYSTEM, install, grant) for grant in grants))
    (row,) = await rows(core)
    assert core.keys.open(row.bot_token or b"") in {grant.token for grant in grants}


async def test_a_token_that_was_looked_up_while_it_ended_is_not_remembered(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = installable(core)
    await core.act(SYSTEM, install, GRANT)
    workspaces = Workspaces(core)

    async def meanwhile(work: Work, platform: Platform, tenant_id: str) -> str | None:
        found = await token_of(work, platform, tenant_id)
        await core.act(SYSTEM, uninstall, platform, tenant_id, core.clock.now())
        workspaces.forget(tenant_id)
        return found

    with monkeypatch.context() as patch:
        patch.setattr("core.chat.workspaces.token_of", meanwhile)
        assert await workspaces.find("T0001") == "xoxb-first"
    assert await workspaces.find("T0001") == NOT_INSTALLED


async def test_a_token_that_was_replaced_meanwhile_ends_nothing(core: Core) -> None:
    await core.act(SYSTEM, install, GRANT)
    assert not await core.act(SYSTEM, token_refused, "slack", "T0001", "xoxb-older")
    assert not await core.act(SYSTEM, token_refused, "slack", "T0002", "xoxb-first")
    assert await core.act(SYSTEM, token_refused, "slack", "T0001", "xoxb-first")
    (row,) = await rows(core)
    assert (row.bot_token, row.revoked_at is not None) == (None, True)


@pytest.mark.both_databases
async def test_keys_are_rotated_under_tokens_too_and_one_that_is_lost_is_missed(core: Core) -> None:
    await core.act(SYSTEM, install, GRANT)
    await core.act(SYSTEM, install, GRANT.model_copy(update={"tenant_id": "T0002"}))
    await core.act(SYSTEM, uninstall, "slack", "T0002", core.clock.now())
    old, new = "e" * 40, "n" * 40
    before = dataclasses.replace(core, keys=Keys("s" * 32, [old]))
    await before.act(SYSTEM, install, GRANT)
    both = dataclasses.replace(core, keys=Keys("s" * 32, [new, old]))
    done = await rotate_keys(both, OPERATOR, lambda *_: None)
    assert (done.sealed, done.unreadable) == (1, 0)
    assert (await rotate_keys(both, OPERATOR, lambda *_: None)).sealed == 0
    after = dataclasses.replace(core, keys=Keys("s" * 32, [new]))
    await check_keys(after)
    assert await after.ask(SYSTEM, token_of, "slack", "T0001") == "xoxb-first"
    with pytest.raises(KeyMissingError):
        await before.ask(SYSTEM, token_of, "slack", "T0001")


async def test_a_workspace_that_the_app_left_is_forgotten_after_a_month(town: Town) -> None:
    for team in ("T0001", "T0002"):
        await town.core.act(SYSTEM, install, GRANT.model_copy(update={"tenant_id": team}))
    await town.core.act(SYSTEM, uninstall, "slack", "T0001", town.clock.now())
    for days, left in ((29, {"T0001", "T0002"}), (31, {"T0002"})):
        town.clock.shift = days * DAY
        await town.core.step(tidy)
        assert {row.tenant_id for row in await rows(town.core)} == left


async def test_a_token_is_believed_in_for_a_minute_and_a_key_that_is_lost_makes_it_wait(core: Core) -> None:
    core = installable(core)
    await core.act(SYSTEM, install, GRANT)
    now = [1_000.0]
    workspaces = Workspaces(core, lambda: now[0])
    assert await workspaces.find("T0001") == "xoxb-first"
    await core.act(SYSTEM, uninstall, "slack", "T0001", core.clock.now())
    assert await workspaces.find("T0001") == "xoxb-first"  # this process was not told
    now[0] += FRESH_SECONDS
    assert await workspaces.find("T0001") == NOT_INSTALLED
    await core.act(SYSTEM, install, GRANT)
    assert await workspaces.find("T0001") == "xoxb-first"  # what is not there is asked for each time
    other = Workspaces(dataclasses.replace(core, keys=Keys("s" * 32, ["another" * 8])))
    assert await other.find("T0001") == NO_TOKEN
