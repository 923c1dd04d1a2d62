"""Workspaces put the app in by themselves: from the front page to Slack's page and back, by a browser over real HTTP;
each is answered with its own token, until it takes the app out, and again when it puts it back."""

import contextlib
import datetime as dt
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from cli.demo.small_slack.api import BOT_TOKEN, TEAM, Member
from cli.demo.small_slack.grants import Consent
from cli.demo.small_slack.limits import Payload
from cli.demo.small_slack.people import Person, read
from cli.demo.small_slack.server import SmallSlack
from cli.processes import free_port
from core.chat.installations import Grant, install
from core.chat.workspaces import Workspaces
from core.db.models import ChatInstallation, EventAnnouncement, Integration
from core.delivery.message import Message
from core.delivery.slackbot import NO_TOKEN, NOT_INSTALLED
from core.integrations.usecases import disable_channel
from core.tokens import OAUTH_LIFETIME
from core.wiring import Outbound, build_outbound
from core.work import SYSTEM, Core
from tests.core.look import statements
from tests.people import Town, until
from tests.slack_bot.conftest import Workspace, app_core, serving

BETA, GAMMA = Consent("T2002"), Consent("T3003", "Gamma", "U902")
WORDS = Message("Launch is tomorrow", "Doors at six.", "")


@dataclass
class House:
    """The site, which any workspace may take the app from."""

    town: Town
    core: Core
    outbound: Outbound
    slack: SmallSlack
    url: str

    async def adds(self, choice: Consent, path: str = "/slack/install") -> tuple[int, str]:
        """Somebody presses “Add to Slack” in a browser of their own and makes that choice: what they see at the end."""
        self.slack.grants.choice = choice
        async with browser() as page, page.get(self.url + path) as answer:
            return answer.status, await answer.text()

    async def rows(self) -> list[ChatInstallation]:
        async with self.core.db.read() as session:
            return list(await session.scalars(select(ChatInstallation).order_by(ChatInstallation.id)))

    def somebody(self, team: str, user_id: str = "U901") -> Person:
        return Person(self.slack, user_id, f"Zoe of {team}", team=team, workspace=team)

    async def card(self) -> EventAnnouncement:
        async with self.core.db.read() as session:
            return (await session.scalars(select(EventAnnouncement))).one()

    async def channel(self) -> Integration:
        async with self.core.db.read() as session:
            return (await session.scalars(select(Integration).where(Integration.kind == "Slack DM"))).one()

    async def gone(self, team: str, event: Payload, **more: object) -> None:
        """Slack says that the app was taken out, and takes its token no more."""
        self.slack.grants.end(team)
        await self.tells(team, event, **more)
        await until(self.rows, lambda rows: all(row.revoked_at for row in rows if row.tenant_id == team), 5)

    async def tells(self, team: str, event: Payload, **more: object) -> None:
        body = {"type": "event_callback", "team_id": team, "api_app_id": "A1", "event": event, "event_id": "Ev1"}
        assert (await self.slack.deliver("events_api", body | more)).status == 200


def browser() -> contextlib.AbstractAsyncContextManager[aiohttp.ClientSession]:
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


@pytest.fixture
async def house(town: Town, small: SmallSlack) -> AsyncIterator[House]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = small.installable | {"public_base_url": url}
    async with app_core(town, settings) as (core, outbound), serving(core, outbound, port):
        small.target = f"{url}/slack/events"
        yield House(town, core, outbound, small, url)


async def test_two_workspaces_add_the_app_and_each_is_answered_and_written_to_with_its_own_token(house: House) -> None:
    async with browser() as page, page.get(house.url) as answer:
        assert '<a class="btn" href="/slack/install" rel="noopener">Add to Slack</a>' in await answer.text()
    for choice in (BETA, GAMMA):
        assert "Soonish is in your workspace" in (await house.adds(choice))[1]
        zoe = house.somebody(choice.team_id, choice.user_id)
        preview = await (await zoe.types("create Film night tomorrow 7pm")).message()
        await (await zoe.presses(preview, "Post in #general")).message()
        card = house.slack.in_channel()[-1]
        assert "Film night" in read(card.payload)
        said = await (await zoe.presses(card.payload, "Subscribe")).message()
        assert "You'll hear about Film night here by direct message" in read(said)
        welcome = list(house.slack.messages.values())[-1]
        assert (card.team_id, welcome.channel_id, welcome.team_id) == (choice.team_id, zoe.id, choice.team_id)
    beta, gamma = await house.rows()
    assert (beta.tenant_id, beta.name, beta.external_id) == ("T2002", "Beta", "U901")
    assert (gamma.tenant_id, "usergroups:read" in gamma.scopes) == ("T3003", True)


async def test_a_scope_that_slack_did_not_grant_is_named_on_the_page_after_it(house: House) -> None:
    house.slack.grants.choice = BETA
    async with browser() as page:
        async with page.get(house.url + "/slack/install", allow_redirects=False) as off:
            fewer = off.headers["Location"].replace("groups%3Aread%2C", "").replace("groups%3Aread", "")
        async with page.get(await back_from(fewer)) as answer:
            said = await answer.text()
        assert "Slack did not grant groups:read" in said
        async with page.get(house.url + "/slack/installed?lacks=groups:read,Call+0900") as answer:
            assert "0900" not in await answer.text()
    assert "did not grant" not in (await house.adds(GAMMA))[1]


async def test_somebody_of_another_workspace_is_invited_as_its_member_if_the_app_is_there(house: House) -> None:
    for choice in (BETA, GAMMA):
        await house.adds(choice)
    zoe, guest = house.somebody("T2002"), Person(house.slack, "U902", "Ext", team="T3003", workspace="T2002")
    preview = await (await zoe.types("create Secret tomorrow 7pm")).message()
    preview = await (await zoe.presses(preview, "Make it private")).message()
    done = await (await zoe.presses(preview, "just create")).message()
    (event,) = set(re.findall(r"soonish:edit:([\w-]+)", str(done)))
    at_home = Person(house.slack, guest.id, "Ext", team="T3003", workspace="T3003")
    assert "no such event" in read(await (await at_home.types(f"show {event}")).message()).lower()
    assert "from their next press on" in read(await (await zoe.types(f"invite {event} @ext")).message())
    assert "Secret" in read(await (await at_home.types(f"show {event}")).message())
    house.slack.members["U903"] = Member("Far", team="T4004")
    refused = read(await (await zoe.types(f"invite {event} @far")).message())
    assert refused.startswith("They are not of this workspace, and I am not in theirs. Send them the link")
    house.slack.refuse("users.info", "ratelimited", retry_after=3)
    assert "Try again in a moment" in read(await (await zoe.types(f"invite {event} @ext")).message())


async def test_a_token_is_nowhere_to_be_read(house: House) -> None:
    await house.adds(BETA)
    (row,) = await house.rows()
    token = house.core.keys.open(row.bot_token or b"")
    assert house.slack.grants.team_of(token) == "T2002"
    file = house.core.settings.sqlite_file
    assert file is not None
    for each in file.parent.glob("soonish.db*"):
        assert token.encode() not in each.read_bytes()
    async with browser() as page, page.get(house.url + "/slack/installed") as answer:
        assert "xox" not in await answer.text()


async def test_who_says_no_on_slacks_page_is_told_how_to_start_again(house: House) -> None:
    status, page = await house.adds(Consent("T2002", agreed=False))
    assert status == 403
    assert "Soonish was not added to Slack." in page
    assert "Add to Slack" in page
    assert await house.rows() == []


async def test_a_state_that_is_forged_used_too_old_or_another_browsers_adds_nothing(house: House) -> None:
    house.slack.grants.choice = BETA
    status, page = await house.adds(BETA, "/slack/install/callback?code=code-1&state=forged")
    assert (status, "not one of ours" in page) == (404, True)
    async with browser() as mine, mine.get(house.url + "/slack/install", allow_redirects=False) as off:
        back = await back_from(off.headers["Location"])
        async with browser() as theirs, theirs.get(back) as answer:
            assert (answer.status, "did not ask for that" in await answer.text()) == (404, True)
        async with mine.get(back.replace("/slack/install/callback", "/sign-in/slack/callback")) as answer:
            assert answer.status == 404
        house.town.clock.shift += OAUTH_LIFETIME + dt.timedelta(seconds=1)
        async with mine.get(back) as answer:
            assert (answer.status, "longer than ten minutes" in await answer.text()) == (404, True)
        house.town.clock.shift = dt.timedelta()
        assert await house.rows() == []
        async with mine.get(back) as answer:
            assert answer.status == 200
        async with mine.get(back) as answer:
            assert (answer.status, "was used already" in await answer.text()) == (409, True)
    assert house.slack.calls.count("oauth.v2.access") == 1


async def test_the_state_of_a_sign_in_adds_nothing(house: House) -> None:
    async with browser() as mine, mine.get(house.url + "/sign-in/slack", allow_redirects=False) as off:
        (state,) = re.findall(r"state=([\w-]+)", off.headers["Location"])
        async with mine.get(f"{house.url}/slack/install/callback?code=code-1&state={state}") as answer:
            assert answer.status == 404
    assert house.slack.calls == []


async def back_from(slacks_page: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(slacks_page, allow_redirects=False) as answer:
        return answer.headers["Location"]


async def test_what_slack_refuses_or_garbles_is_said_and_nothing_is_kept(house: House) -> None:
    for error, retry_after, status, says in (
        ("invalid_code", None, 403, "Slack did not confirm that Soonish was added."),
        ("ratelimited", 30, 503, "Slack does not answer right now."),
    ):
        house.slack.refuse("oauth.v2.access", error, retry_after=retry_after)
        found, page = await house.adds(BETA)
        assert (found, says in page) == (status, True)
        assert "sign in by mail" not in page
    assert await house.rows() == []


async def test_a_whole_organization_is_told_to_choose_a_workspace(house: House) -> None:
    status, page = await house.adds(Consent("T2002", organization=True))
    assert (status, "cannot be added to a whole organization" in page) == (409, True)
    assert "Choose one of its workspaces" in page
    assert await house.rows() == []


async def test_a_known_workspace_costs_no_query_and_one_that_left_is_forgotten_at_once(house: House) -> None:
    await house.adds(BETA)
    token = await house.outbound.workspaces.find("T2002")
    with statements(house.core) as asked:
        assert await house.outbound.workspaces.find("T2002") == token
        # Through the app too: a look at its messages asks for nothing else.
        await house.tells("T2002", {"type": "app_home_opened", "user": "U901", "tab": "messages"}, event_id="Ev2")
    assert asked == []
    await house.gone("T2002", {"type": "app_uninstalled"})
    assert await house.outbound.workspaces.find("T2002") == NOT_INSTALLED
    (row,) = await house.rows()
    assert row.bot_token is None
    said = await house.somebody("T2002").types("list")
    assert "not in this workspace any more" in str(said.ack.body) + str(said.messages)


@pytest.mark.parametrize(
    "event", [{"type": "app_uninstalled"}, {"type": "tokens_revoked", "tokens": {"bot": ["U0BOT"]}}]
)
async def test_what_went_with_the_app_comes_back_with_it(house: House, event: Payload) -> None:
    await house.adds(BETA)
    zoe = house.somebody("T2002")
    preview = await (await zoe.types("create Film night tomorrow 7pm")).message()
    await (await zoe.presses(preview, "Post in #general")).message()
    await (await zoe.presses(house.slack.in_channel()[-1].payload, "Subscribe")).message()
    await house.gone("T2002", event)
    # A delivery dies of it, and the channel with it: what the worker does is tried in tests/worker.
    outcome = await house.outbound.sender.send("slackdm://T2002/U901", WORDS)
    assert outcome == NOT_INSTALLED
    await house.core.act(SYSTEM, disable_channel, (await house.channel()).id, outcome.reason)
    assert (await house.card()).gone_at is not None
    await house.adds(BETA)
    assert (await house.card()).gone_at is None
    assert ((await house.channel()).is_active, (await house.channel()).disabled_reason) == (True, None)
    assert (await house.outbound.sender.send("slackdm://T2002/U901", WORDS)).delivered
    assert len(await house.rows()) == 1


async def test_the_tokens_of_people_end_nothing(house: House) -> None:
    await house.adds(BETA)
    await house.tells("T2002", {"type": "tokens_revoked", "tokens": {"oauth": ["U901"]}})
    zoe = house.somebody("T2002")
    assert "No events yet" in read(await (await zoe.types("list")).message())
    (row,) = await house.rows()
    assert row.revoked_at is None


async def test_an_end_that_nobody_told_of_is_learned_from_slacks_refusal(house: House) -> None:
    await house.adds(BETA)
    house.slack.grants.end("T2002")
    assert await house.outbound.sender.send("slackdm://T2002/U901", WORDS) == NOT_INSTALLED
    (row,) = await house.rows()
    assert (row.bot_token, row.revoked_at is not None) == (None, True)


async def test_a_refusal_that_may_be_slacks_own_ends_nothing(house: House) -> None:
    await house.adds(BETA)
    house.slack.refuse("chat.postMessage", "invalid_auth")
    outcome = await house.outbound.sender.send("slackdm://T2002/U901", WORDS)
    assert (outcome.deferred, outcome.permanent) == (True, False)
    (row,) = await house.rows()
    assert row.revoked_at is None


async def test_news_of_an_end_from_before_it_was_put_back_are_none(house: House) -> None:
    await house.adds(BETA)
    told = int(house.town.clock.now().timestamp()) - 30
    await house.tells("T2002", {"type": "app_uninstalled"}, event_time=told)
    await house.tells("T2002", {"type": "app_uninstalled"}, event_time=told, event_id="Ev2")
    zoe = house.somebody("T2002")
    assert "No events yet" in read(await (await zoe.types("list")).message())


async def test_the_same_event_told_again_after_it_was_put_back_does_nothing(house: House) -> None:
    await house.adds(BETA)
    event = {"type": "app_uninstalled"}
    await house.gone("T2002", event)
    await house.adds(BETA)
    await house.tells("T2002", event)
    assert "No events yet" in read(await (await house.somebody("T2002").types("list")).message())
    assert (await house.rows())[0].revoked_at is None


async def test_another_process_that_knows_the_old_token_goes_on_with_the_new_one(house: House) -> None:
    await house.adds(BETA)
    sender = house.outbound.sender
    assert isinstance(await house.outbound.workspaces.find("T2002"), str)
    token = house.slack.grants.give("T2002", "Beta")
    grant = Grant(platform="slack", tenant_id="T2002", name="Beta", token=token, scopes="")
    await house.core.act(SYSTEM, install, grant)
    house.slack.members["U901"] = Member("Zoe")
    assert (await sender.send("slackdm://T2002/U901", WORDS)).delivered
    assert await house.outbound.workspaces.find("T2002") == token


async def test_a_team_whose_token_is_in_the_settings_needs_no_installation(house: House) -> None:
    settings = house.core.settings.model_copy(update={"slack_bot_token": SecretStr(BOT_TOKEN)})
    now = [1_000.0]
    workspaces = Workspaces(Core(settings, house.core.clock, house.core.db, house.core.keys), lambda: now[0])
    house.slack.refuse("auth.test", "internal_error", times=1)
    # Until Slack says to which team it belongs, what is owed waits.
    assert await workspaces.find(TEAM) == NO_TOKEN
    assert await workspaces.find(TEAM) == NO_TOKEN
    now[0] += 5
    assert await workspaces.find(TEAM) == BOT_TOKEN
    assert await workspaces.find("T2002") == NOT_INSTALLED
    await house.adds(BETA)
    assert await workspaces.find("T2002") == house.slack.grants.token_in("T2002")
    assert house.slack.calls.count("auth.test") == 2


async def test_while_slack_does_not_say_whose_the_token_is_people_are_asked_to_wait_and_not_to_install(
    house: House,
) -> None:
    alice = Person(house.slack, "U101", "Alice")
    settings = house.core.settings.model_copy(update={"slack_bot_token": SecretStr(BOT_TOKEN)})
    core = Core(settings, house.core.clock, house.core.db, house.core.keys)
    async with serving(core, build_outbound(core)) as port:
        house.slack.target = f"http://127.0.0.1:{port}/slack/events"
        window = await (await alice.types("create")).opened()
        channels = await (await alice.types("channels")).message()
    async with serving(core, build_outbound(core)) as port:  # which has to ask again
        house.slack.target = f"http://127.0.0.1:{port}/slack/events"
        house.slack.refuse("auth.test", "internal_error")
        assert "Try again in a minute" in str((await alice.types("list")).ack.body)
        pressed = await alice.presses(channels, "Add a channel")
        assert "Try again in a minute" in (await pressed.message())["text"]
        sent = await alice.sends(window, name="Quiz", when="tomorrow 7pm")
        assert "Try again in a minute" in read(sent.ack.body["view"])


async def test_somebody_in_a_shared_channel_whose_own_workspace_has_the_app_is_written_to_there(house: House) -> None:
    await house.adds(BETA)
    await house.adds(GAMMA)
    zoe = house.somebody("T2002")
    listed = await (await zoe.types("list")).message()
    preview = await (await zoe.types("create Film night tomorrow 7pm")).message()
    await (await zoe.presses(preview, "Post in #general")).message()
    card = house.slack.in_channel()[-1].payload
    guest = Person(house.slack, "U902", "Gil", team="T3003", workspace="T2002")
    assert "direct message" in read(await (await guest.presses(card, "Subscribe")).message())
    assert [each.team_id for each in house.slack.in_channel("U902")] == ["T3003"]
    # There they may do what guests may.
    refused = await (await guest.presses(listed, "Create one")).message()
    assert "Only people who manage events" in read(refused)
    stranger = Person(house.slack, "U903", "Sam", team="T4004", workspace="T2002")
    assert "another workspace" in read(await (await stranger.presses(card, "Subscribe")).message())


async def test_without_oauth_nobody_is_shown_the_way_in(space: Workspace) -> None:
    base = str(space.slack.target).removesuffix("/slack/events")
    async with browser() as page, page.get(base) as answer:
        assert "Add to Slack" not in await answer.text()
    for path in ("/slack/install", "/slack/install/callback", "/slack/installed"):
        async with browser() as page, page.get(base + path) as answer:
            assert answer.status == 404
