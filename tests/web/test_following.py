"""Following an event with an account, in a browser: by chosen channels, each of which stops by itself."""

import re

import pytest

from tests.web.client import Answer, Browser
from tests.web.conftest import HOOK, Stage
from tests.web.test_accounts import signed_in


@pytest.fixture
async def bob(stage: Stage) -> Browser:
    """He has mail, two webhooks that share a tag, and one that is off."""
    for number, tag in ((1, "hooks"), (2, "hooks"), (3, "quiet")):
        new = {"name": f"Hook {number}", "apprise_url": f"{HOOK}{number}", "tag": tag}
        made = await stage.bob.post("/api/integrations", new)
        assert made.status == 201, made.text
    await stage.bob.patch(f"/api/integrations/{made.json['id']}", {"is_active": False})
    return await signed_in(stage, "bob@example.org")


def channel(answer: Answer, name: str) -> str:
    found = re.search(rf'name="channel" value="(\d+)"[^>]*>{name}<', answer.read)
    assert found is not None
    return found[1]


async def follows(stage: Stage, event: str) -> dict[str, str]:
    items = (await stage.bob.get("/api/me/subscriptions")).json["items"]
    return {each["label"]: each["state"] for each in items if each["event_id"] == event}


async def test_a_chosen_channel_alone_gets_it_and_then_another_is_added(stage: Stage, bob: Browser) -> None:
    event = await stage.event()
    page = await bob.get(f"/e/{event}")
    done = await bob.form(f"/e/{event}/follow", {"channel": channel(page, "Hook 1")})
    assert "You're set." in done.text
    assert await follows(stage, event) == {"Hook 1": "active"}
    page = await bob.get(f"/e/{event}")
    assert "You follow this" in page.text
    await bob.form(f"/e/{event}/follow", {"channel": channel(page, "E-mail")})
    assert await follows(stage, event) == {"Hook 1": "active", "E-mail": "active"}


async def test_a_tag_names_all_channels_that_have_it(stage: Stage, bob: Browser) -> None:
    event = await stage.event()
    assert re.findall(r'name="tag" value="(\w+)"', (await bob.get(f"/e/{event}")).text) == ["hooks"]
    await bob.form(f"/e/{event}/follow", {"tag": "hooks"})
    assert sorted(await follows(stage, event)) == ["Hook 1", "Hook 2"]


async def test_what_is_off_cannot_be_chosen_and_is_refused_if_it_is(stage: Stage, bob: Browser) -> None:
    event = await stage.event()
    page = await bob.get(f"/e/{event}")
    off = channel(page, "Hook 3")
    assert f'value="{off}" disabled' in page.text
    refused = await bob.form(f"/e/{event}/follow", {"channel": off})
    assert (refused.status, "None of these channels is switched on." in refused.text) == (422, True)


async def test_one_is_paused_resumed_and_stopped_and_the_stop_undone(stage: Stage, bob: Browser) -> None:
    event = await stage.event()
    await bob.form(f"/e/{event}/follow", {})
    number = re.search(r'name="subscription" value="(\d+)"', (await bob.get(f"/e/{event}")).text)
    assert number is not None
    where, which = f"/e/{event}/unfollow", {"subscription": number[1]}
    await bob.form(where, {**which, "step": "pause"})
    paused = (await bob.get(f"/e/{event}")).text
    assert ("Paused, as you asked" in paused, 'role="alert"' in paused, "Resume" in paused) == (True, False, True)
    await bob.form(where, {**which, "step": "resume"})
    assert await follows(stage, event) == {"E-mail": "active"}
    stopped = await bob.form(where, {**which, "step": "stop"})
    assert await follows(stage, event) == {}
    undo = re.search(r'action="(/u/[^"]+/undo)"', stopped.text)
    assert undo is not None
    await bob.form(undo[1], {})
    assert await follows(stage, event) == {"E-mail": "active"}


async def test_nobody_stops_what_another_follows(stage: Stage, bob: Browser) -> None:
    event = await stage.event()
    await bob.form(f"/e/{event}/follow", {})
    number = re.search(r'name="subscription" value="(\d+)"', (await bob.get(f"/e/{event}")).text)
    assert number is not None
    carol = await signed_in(stage, "carol@example.org")
    assert (await carol.form(f"/e/{event}/unfollow", {"subscription": number[1], "step": "stop"})).status == 303
    assert await follows(stage, event) == {"E-mail": "active"}


async def test_who_has_no_channel_that_is_on_is_told_where_to_see_to_it(stage: Stage, bob: Browser) -> None:
    event = await stage.event()
    for each in (await stage.bob.get("/api/integrations")).json["items"]:
        await stage.bob.patch(f"/api/integrations/{each['id']}", {"is_active": False})
    page = (await bob.get(f"/e/{event}")).text
    assert "None of your channels is on" in page
    assert "Nudge me" not in page
