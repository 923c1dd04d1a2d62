"""The chat demo on Slack: a window, a card, somebody who follows, a move, a message, a kill, a goodbye."""

import datetime as dt
import html
import os
import re
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from cli.demo.small_slack.api import Sent
from cli.demo.small_slack.limits import Payload
from cli.demo.small_slack.people import Person, Talk, labels, read
from cli.demo.small_slack.server import SmallSlack
from cli.demo.stage import Stage
from cli.demo.telling import SOON, Telling

_TIMES = re.compile(r"<!date\^(\d+)\^([^|]*)\|[^>]*>")
_CALLS = re.compile(r"<[!@#](?!date\^)")


async def talk_on_slack(stage: Stage, launch: Callable[[dict[str, str]], AbstractAsyncContextManager[Path]]) -> None:
    async with SmallSlack() as slack:
        stage.wait("Starting Soonish with a Slack of its own …")
        env = {**slack.environment, "UPDATE_DELAY_SECONDS": "1", "SLACK_REQUESTS_PER_SECOND": "40"}
        async with launch(env) as data:
            await slack.wait_for_app(SOON)
            await Story(stage, slack, data).play()


class Story(Telling[Payload]):
    def __init__(self, stage: Stage, slack: SmallSlack, data: Path) -> None:
        super().__init__(stage)
        self.slack = slack
        self.data = data
        self.alice = Person(slack, "U101", "Alice")
        self.bob = Person(slack, "U102", "Bob")

    async def play(self) -> None:
        await self._create()
        await self._subscribe()
        await self._move()
        await self._write()
        await self._killed()
        await self._leave()
        self.stage.act("Looking back")
        self.acknowledged()
        self.stage.promise("Slack took everything that it was sent", not self.slack.complaints)

    async def _create(self) -> None:
        self.stage.act("#general: Alice has an event")
        window = await self._window(await self._types(self.alice, "create Launch party"))
        wrong = await self._sends(self.alice, window, when="someday")
        self.stage.promise("What is wrong stands beside its field", "when" in wrong.ack.body.get("errors", {}))
        preview = await self._window(await self._sends(self.alice, window, when="tomorrow 7pm", duration="2h"))
        self.stage.promise("Nothing is public before she posts it", not self.slack.messages)
        await self._window(await self._presses(self.alice, preview, "Post in #general"))
        self.card: Sent = self.slack.in_channel()[0]
        self.shows_card()
        (self.event,) = re.findall(r"soonish:details:([\w-]+)", str(self.card.payload))

    async def _subscribe(self) -> None:
        self.stage.act("#general: Bob wants to hear about it")
        said = await self._message(await self._presses(self.bob, self.card.shown, "Subscribe"))
        self.stage.promise("One press was enough", "You'll hear about" in read(said))
        again = await self._message(await self._presses(self.bob, self.card.shown, "Subscribe"))
        self.stage.promise("A second press says so", "already subscribed" in read(again))
        await self.card_says("1 subscribed", "The card counts him")

    async def _move(self) -> None:
        self.stage.act("#general: Alice moves it")
        window = await self._window(await self._types(self.alice, "edit launch"))
        change = await self._window(await self._sends(self.alice, window, when="tomorrow 8pm"))
        await self._window(await self._presses(self.alice, change, "Save and tell them"))
        await self.bob_reads("Changed|moved|Moved|New time", "Bob is told by direct message")

    async def _write(self) -> None:
        self.stage.act("#general: Alice writes to everybody")
        window = await self._window(await self._types(self.alice, "notify launch"))
        words = "Doors open at six. <!channel> bring a friend."
        preview = await self._window(await self._sends(self.alice, window, body=words))
        sending = await self._presses(self.alice, preview, "Send to 1")
        await self.bob_reads("Doors open at six", "Bob reads it")
        await self.slack.until(lambda: "Delivered 1" in read(sending.window), lambda: read(sending.window), SOON)
        await self._window(sending)
        again = await self._window(await self._presses(self.alice, preview, "Send to 1"))
        self.stage.promise("Send works once", "Already sent at" in read(again))
        sent = " ".join(read(each.shown) + str(each.shown["text"]) for each in self.slack.messages.values())
        self.stage.promise("Nobody was pinged by what was typed", not _CALLS.search(sent))

    async def _killed(self) -> None:
        self.stage.act("The app is killed")
        before = self.slack.connections
        os.kill(int((self.data / "run" / "slack.pid").read_text()), signal.SIGKILL)
        self.stage.wait("Waiting until it is there again …")
        await self.slack.until(lambda: self.slack.connections > before, lambda: "it did not come back", SOON)
        said = await self._message(await self._presses(self.bob, self.card.shown, "Details"))
        self.stage.promise("A button from before works", "Launch party" in read(said))

    async def _leave(self) -> None:
        self.stage.act("#general: Alice calls it off")
        asked = await self._message(await self._types(self.alice, "cancel launch"))
        await self._message(await self._presses(self.alice, asked, "Cancel the event"))
        await self.bob_reads("ancelled", "Bob is told")
        await self.card_says("cancelled", "The card says so")
        self.shows_card()

    async def _types(self, who: Person, text: str) -> Talk:
        return self._done(who, f"/soonish {text}", await who.types(text))

    async def _presses(self, who: Person, on: Payload, label: str) -> Talk:
        return self._done(who, f"presses [{label}]", await who.presses(on, label))

    async def _sends(self, who: Person, window: Payload, **typed: str) -> Talk:
        filled = ", ".join(f"{name}: {value}" for name, value in typed.items())
        return self._done(who, f"sends the form ({filled})", await who.sends(window, **typed))

    def _done(self, who: Person, what: str, talk: Talk) -> Talk:
        self.slowest = max(self.slowest, talk.ack.seconds)
        self.stage.step(f"{who.name}: {what}")
        return talk

    async def _message(self, talk: Talk) -> Payload:
        found = await talk.message(SOON)
        self.shows("Soonish, to them alone", found)
        return found

    async def _window(self, talk: Talk) -> Payload:
        found = await talk.opened(SOON)
        self.shows("A window", found)
        return found

    def read(self, on: Payload) -> str:
        return read(on)

    def appears(self, on: Payload) -> str:
        return appears(on)

    def labels(self, on: Payload) -> list[str]:
        return labels(on)

    def card_now(self) -> Payload:
        return self.card.shown

    def direct(self) -> list[Payload]:
        return list(self.slack.direct(self.bob.id))


def appears(on: Payload) -> str:
    """As somebody reads it, in UTC: Slack shows times on each reader's own clock."""
    return html.unescape(_TIMES.sub(_time, read(on)))


def _time(found: re.Match[str]) -> str:
    at = dt.datetime.fromtimestamp(int(found[1]), dt.UTC)
    return f"{at:%H:%M}" if found[2] == "{time}" else f"{at:%A, %d %B %Y %H:%M}"
