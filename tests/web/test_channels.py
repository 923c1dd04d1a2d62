"""One's own channels in a browser."""

import html
import re

import pytest

from core.delivery.message import Outcome
from core.integrations.guided import GUIDES
from tests.web.client import Answer, Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in
from tests.web.test_creating import fields

HOOK = {"name": "Hook", "hook": "https://192.0.43.8/hook?secret=7Qm2", "tag": ""}


@pytest.fixture
async def bob(stage: Stage) -> Browser:
    return await signed_in(stage, "bob@example.org")


async def add(browser: Browser, kind: str, typed: dict[str, str], key: str = "k" * 22) -> Answer:
    return await browser.form(f"/channels/add/{kind}", {**typed, "key": key, "step": "add"})


async def newest(browser: Browser) -> str:
    found = re.search(r'action="/channels/(\d+)"', (await browser.get("/channels")).text)
    assert found is not None
    return found[1]


async def test_every_kind_has_a_form_that_says_where_to_find_what_it_asks(bob: Browser) -> None:
    offered = re.findall(r'href="/channels/add/(\w+)"', (await bob.get("/channels")).text)
    assert offered == list(GUIDES)
    for kind in offered:
        page = html.unescape((await bob.get(f"/channels/add/{kind}")).text)
        assert GUIDES[kind].about in page
        assert all(f'name="{each.name}"' in page for each in GUIDES[kind].asked)
    assert (await bob.get("/channels/add/pigeon")).status == 404


@pytest.mark.parametrize(
    ("kind", "typed", "url"),
    [
        ("webhook", HOOK, "jsons://192.0.43.8/hook"),
        (
            "ntfy",
            {"topic": "nudges", "server": "https://192.0.43.8", "token": "tk_a"},
            "ntfys://tk_a@192.0.43.8/nudges",
        ),
        ("gotify", {"server": "192.0.43.8/push/", "token": "Aa.b"}, "gotifys://192.0.43.8/push/Aa.b"),
        ("discord", {"hook": f"https://discord.com/api/webhooks/123456789012345678/{'x' * 68}"}, "discord://"),
        ("slack", {"hook": f"https://hooks.slack.com/services/T12345678/B12345678/{'x' * 24}"}, "slack://"),
        ("other", {"apprise_url": "jsons://192.0.43.8/other"}, "jsons://192.0.43.8/other"),
    ],
)
async def test_a_channel_is_tested_and_then_saved_once(
    stage: Stage, bob: Browser, kind: str, typed: dict[str, str], url: str
) -> None:
    before = (await stage.rows())["integrations"]
    for _ in range(2):
        done = await add(bob, kind, {"name": "Mine", "tag": "mine", **typed})
        assert (done.status, done.headers.get("location")) == (303, "/channels?said=works"), done.text
    assert len(stage.sender.sent) == 1
    assert stage.sender.sent[0][0].startswith(url)
    assert (await stage.rows())["integrations"] == before + 1


async def test_another_address_is_off_until_it_says_yes(bob: Browser) -> None:
    done = await add(bob, "email", {"name": "Work", "email": "work@example.org", "tag": "work"})
    assert done.headers["location"] == "/channels?said=asked"
    assert "Not confirmed" in (await bob.get("/channels")).text


@pytest.mark.parametrize(
    ("kind", "typed", "field"),
    [
        ("email", {"email": "nobody"}, "email"),
        ("email", {"email": "a@example.org,b@example.org"}, "email"),
        ("discord", {"hook": "https://discord.com.evil.example/api/webhooks/1/x"}, "hook"),
        ("slack", {"hook": "https://example.org/services/T/B/x"}, "hook"),
        ("ntfy", {"topic": "a/b", "server": "https://ntfy.sh"}, "topic"),
        ("ntfy", {"topic": "a", "server": "https://u:p@ntfy.sh"}, "server"),
        ("ntfy", {"topic": "a", "server": "https://[", "token": ""}, "server"),
        ("ntfy", {"topic": "a", "server": "https://ntfy.sh", "token": "x@evil.example/"}, "token"),
        ("gotify", {"server": "https://g.example.org/?x=1", "token": "A"}, "server"),
        ("webhook", {"hook": "ftp://example.org/"}, "hook"),
        ("webhook", {"hook": "http://127.0.0.1/"}, "hook"),
        ("webhook", {"hook": "https://192.0.43.8/", "tag": "two words"}, "tag"),
        ("other", {"apprise_url": "file:///etc/passwd"}, "apprise_url"),
        ("webhook", {"hook": "https://192.0.43.8/", "name": ""}, "name"),
    ],
)
async def test_what_cannot_be_a_channel_is_refused_beside_its_field_and_kept_as_typed(
    stage: Stage, bob: Browser, kind: str, typed: dict[str, str], field: str
) -> None:
    before = (await stage.rows())["integrations"]
    answer = await add(bob, kind, {"name": "Mine", "tag": "", **typed})
    assert answer.status == 422
    assert f'id="{field}-error"' in answer.text
    assert f'value="{typed[field]}"' in answer.text
    assert (await stage.rows())["integrations"] == before
    assert stage.sender.sent == []


async def test_a_test_that_fails_saves_nothing_and_says_why(stage: Stage, bob: Browser) -> None:
    stage.sender.outcome = Outcome(False, "http_404", "Nobody is at that address (404).", permanent=True)
    answer = await add(bob, "webhook", HOOK)
    assert answer.status == 422
    assert "Nobody is at that address (404)." in answer.text


async def test_a_saved_address_is_never_shown_again(bob: Browser) -> None:
    await add(bob, "webhook", HOOK)
    page = (await bob.get("/channels")).text
    assert "Hook" in page
    assert "7Qm2" not in page
    assert "192.0.43.8" not in page


async def test_a_channel_is_tried_renamed_switched_and_removed(stage: Stage, bob: Browser) -> None:
    await add(bob, "webhook", HOOK)
    where = f"/channels/{await newest(bob)}"
    assert "It works" in (await bob.form(where, {"step": "test"})).text
    stage.sender.outcome = Outcome(False, "timeout", "It did not answer in time.")
    assert "It did not answer in time." in (await bob.form(where, {"step": "test"})).text
    assert (await bob.form(where, {"step": "rename", "name": "Bell"})).headers["location"] == "/channels?said=renamed"
    assert (await bob.form(where, {"step": "rename", "name": " "})).status == 422
    await bob.form(where, {"step": "off"})
    assert "Switch on" in (await bob.get("/channels")).text
    await bob.form(where, {"step": "on"})
    assert (await bob.form(where, {"step": "remove_yes"})).headers["location"] == "/channels?said=removed"
    assert "Bell" not in (await bob.get("/channels")).text


async def test_removing_a_channel_asks_first_and_names_what_ends(stage: Stage, bob: Browser) -> None:
    await add(bob, "webhook", HOOK)
    number = await newest(bob)
    for name, by in (("Soup kitchen", [int(number)]), ("Film club", None)):
        event = await stage.event(name=name)
        await stage.bob.post(f"/api/events/{event}/subscribe", {"integration_ids": by} if by else None)
    over = await stage.event(name="Called off")
    await stage.bob.post(f"/api/events/{over}/subscribe", {"integration_ids": [int(number)]})
    await stage.alice.post(f"/api/events/{over}/cancel", {})
    page = (await bob.form(f"/channels/{number}", {"step": "remove"})).text
    assert [name in page for name in ("Remove Hook?", "Soup kitchen", "Film club", "Called off")] == [
        True, True, False, False,
    ]  # fmt: skip
    assert "Hook" in (await bob.get("/channels")).text


async def test_a_channel_that_was_removed_in_another_tab_is_said_to_be_gone(bob: Browser) -> None:
    await add(bob, "webhook", HOOK)
    where = f"/channels/{await newest(bob)}"
    await bob.form(where, {"step": "remove_yes"})
    for step in ("rename", "test", "remove", "remove_yes"):
        answer = await bob.form(where, {"step": step, "name": "Bell"})
        assert answer.status == 404
        assert 'role="alert" tabindex="-1" autofocus>There is no such channel.' in answer.text


async def test_who_signed_in_long_ago_proves_it_first_and_goes_on_with_what_was_typed(
    stage: Stage, bob: Browser
) -> None:
    stage.clock.pass_(hours=2)
    first = await bob.get("/channels/add/webhook")
    assert first.headers["location"] == "/sign-in/again?next=%2Fchannels%2Fadd%2Fwebhook"
    held = await add(bob, "webhook", HOOK)
    assert (held.status, "Is it still you?" in held.text) == (403, True)
    back = await bob.form("/channels/add/webhook", {**fields(held), "step": "edit"})
    assert f'value="{HOOK["hook"]}"' in back.text


async def test_nobody_changes_the_channels_of_another(stage: Stage, bob: Browser) -> None:
    await add(bob, "webhook", HOOK)
    where = f"/channels/{await newest(bob)}"
    carol = await signed_in(stage, "carol@example.org")
    for step in ("test", "rename", "off", "remove", "remove_yes"):
        assert (await carol.form(where, {"step": step, "name": "Hers"})).status == 404
    assert "Hook" in (await bob.get("/channels")).text
