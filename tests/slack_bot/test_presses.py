"""What is pressed or asked twice, late, or while something else is slow."""

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

from bots.conversation.screens import Screen, Watch, told
from bots.conversation.verbs import BOOK
from bots.slack_bot.door import watched
from bots.slack_bot.hearing import of_command
from bots.slack_bot.replying import InMessage
from cli.demo.small_slack.people import read
from core.db.models import EventAnnouncement
from core.wiring import build_outbound
from tests.slack_bot.conftest import Workspace, serving

ROOT = Path(__file__).parents[2]
HOSTILE = "<!channel> <!here> <@U102> <https://evil.example|free> @everyone"
CALLS = re.compile(r"<(?!!date\^)[^>]*>")
"""Anything in angle brackets but a time is a mention or a link."""


async def test_a_repeated_request_does_nothing_twice(space: Workspace) -> None:
    preview = await space.previewed()
    body = space.alice.press(preview, "Post in #general")
    talks = await asyncio.gather(*(space.alice.does("interactive", body) for _ in range(3)))
    await talks[0].message()
    assert len(space.slack.in_channel()) == 1
    window = await (await space.alice.types("create")).opened()
    form = space.alice.form(window, name="Quiz", when="tomorrow 7pm")
    acks = [(await space.alice.does("interactive", form)).ack for _ in range(2)]
    assert [ack.status for ack in acks] == [200, 200]
    command = space.bob.command("list")
    for _ in range(2):
        talk = await space.bob.does("slash_commands", command)
    await talk.message()
    assert len(talk.messages) == 1


async def test_the_same_press_twice_over_two_processes_posts_one_card(space: Workspace) -> None:
    preview = await space.previewed()
    body = space.alice.press(preview, "Post in #general")
    first = await space.alice.does("interactive", body)
    await first.message()
    (row,) = await space.rows(EventAnnouncement)
    async with space.core.db.write() as session:
        await session.delete(await session.get(EventAnnouncement, row.id))
    async with serving(space.core, build_outbound(space.core)) as port:
        space.slack.target = f"http://127.0.0.1:{port}/slack/events"
        await space.alice.does("interactive", body)
        await space.slack.until(lambda: len(first.messages) == 2, lambda: "no second answer", 5)
    assert "posted already" in read(first.messages[-1])
    assert len(space.slack.in_channel()) == 1


async def test_two_presses_post_one_card_and_what_slack_refused_is_posted_at_the_next(space: Workspace) -> None:
    preview = await space.previewed()
    space.slack.refuse("chat.postMessage", "internal_error", times=1)
    assert "not posted" in read(await space.after(space.alice, preview, "Post in #general"))
    talks = await asyncio.gather(*(space.alice.presses(preview, "Post in #general") for _ in range(3)))
    said = [read(await talk.message()) for talk in talks]
    assert sum("Posted Film night in" in each for each in said) == 1
    assert len(space.slack.in_channel()) == len(await space.rows(EventAnnouncement)) == 1


async def test_a_post_that_a_crash_cut_off_is_tried_again_after_a_while(space: Workspace) -> None:
    preview = await space.previewed()
    await space.after(space.alice, preview, "Post in #general")
    (row,) = await space.rows(EventAnnouncement)
    async with space.core.db.write() as session:  # as if the process had ended before it was written down
        await session.delete(await session.get(EventAnnouncement, row.id))
    assert "posted already" in read(await space.after(space.alice, preview, "Post in #general"))
    space.town.clock.shift += dt.timedelta(minutes=3)
    assert "Posted Film night" in read(await space.after(space.alice, preview, "Post in #general"))


async def test_every_verb_is_acknowledged_at_once_and_answered(space: Workspace) -> None:
    event, _ = await space.posted()
    for (_, verb), command in BOOK.commands.items():
        if verb in ("delete", "unlink"):
            continue
        text = f"{verb} {event}" if command.options and command.options[0].name == "event" else verb
        talk = await space.alice.types(text)
        assert (talk.ack.status, talk.ack.seconds < 2) == (200, True), verb
        await space.slack.until(lambda talk=talk: bool(talk.messages) or bool(talk.window), lambda verb=verb: verb, 5)  # type: ignore[misc]
    assert space.slack.files != {}


async def test_a_locked_database_delays_the_answer_and_not_the_acknowledgement(space: Workspace) -> None:
    await space.created()
    async with asyncio.timeout(20):
        locked, free = asyncio.Event(), asyncio.Event()

        async def thief() -> None:
            async with space.core.db.write() as session:
                await session.flush()
                locked.set()
                await free.wait()

        task = asyncio.create_task(thief())
        await locked.wait()
        talk = await space.bob.types("list")
        window = await space.carol.types("create")
        assert talk.ack.seconds < 1
        assert window.ack.seconds < 1
        free.set()
        await task
        await talk.message()


async def test_answers_to_one_press_come_at_once_and_are_five_at_most_with_the_last_among_them(
    space: Workspace,
) -> None:
    heard = of_command(space.bob.command("help"))
    reply = InMessage(heard, AsyncWebClient(), beside=True)

    given = space.slack.responses[heard.response_url.rpartition("/")[2]]

    async def screens() -> AsyncIterator[Screen]:
        for number in range(20):
            yield told(f"Sending… {number} of 20")
            assert number or [read(each) for each in given] == ["Sending… 0 of 20"]  # not when the next one comes

    await watched(reply, Watch(screens()))
    assert len(given) <= 5
    assert read(given[-1]) == "Sending… 19 of 20"
