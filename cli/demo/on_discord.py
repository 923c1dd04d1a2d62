"""The chat demo on Discord: a card, somebody who follows, a move, a message, a bot that is killed, a goodbye."""

import datetime as dt
import os
import re
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from cli.demo.small_discord.people import MANAGE_EVENTS, Person, Screen, labels, read
from cli.demo.small_discord.rest import Sent
from cli.demo.small_discord.server import SmallDiscord, Talk
from cli.demo.stage import Stage
from cli.demo.telling import SOON, Telling

_TIMES = re.compile(r"<t:(\d+):([FfRtTdD])>")
_ESCAPED = re.compile(r"\\([^\w\s])")


async def talk_on_discord(stage: Stage, launch: Callable[[dict[str, str]], AbstractAsyncContextManager[Path]]) -> None:
    async with SmallDiscord() as discord:
        stage.wait("Starting Soonish with a Discord of its own …")
        env = {**discord.environment, "UPDATE_DELAY_SECONDS": "1", "DISCORD_REQUESTS_PER_SECOND": "40"}
        async with launch(env) as data:
            await discord.wait_for_bot(SOON)
            await discord.until(lambda: bool(discord.commands), lambda: "no commands were told", SOON)
            await Story(stage, discord, data).play()


class Story(Telling[Screen]):
    def __init__(self, stage: Stage, discord: SmallDiscord, data: Path) -> None:
        super().__init__(stage)
        self.discord = discord
        self.data = data
        self.alice = Person(discord, "101", "Alice")
        self.alice.rights |= MANAGE_EVENTS
        self.bob = Person(discord, "102", "Bob")

    async def play(self) -> None:
        await self._create()
        await self._subscribe()
        await self._move()
        await self._write()
        await self._killed()
        await self._leave()
        self.stage.act("Looking back")
        self.acknowledged()

    async def _create(self) -> None:
        self.stage.act("#general: Alice has an event")
        preview = await self._types(self.alice, "event create", name="Launch party", when="tomorrow 7pm", duration="2h")
        self.stage.promise("Nothing is public before she posts it", not self.discord.messages)
        await self._presses(self.alice, preview, "Post in #general")
        self.card: Sent = next(iter(self.discord.messages.values()))
        self.shows_card()
        (self.event,) = re.findall(r"soonish:details:([\w-]+)", str(self.card.payload))

    async def _subscribe(self) -> None:
        self.stage.act("#general: Bob wants to hear about it")
        talk = await self._presses(self.bob, self.card.shown, "Subscribe")
        self.stage.promise("One press was enough", "You'll hear about" in read(talk))
        again = await self._presses(self.bob, self.card.shown, "Subscribe")
        self.stage.promise("A second press says so", "already subscribed" in read(again))
        await self.card_says("1 subscribed", "The card counts him")

    async def _move(self) -> None:
        self.stage.act("#general: Alice moves it")
        form = await self.alice.types("event edit", event=self.event)
        self.stage.step("A form opens, filled in; she changes the time.")
        change = await self._done(self.alice, "sends the form", await self.alice.fills_in(form, when="tomorrow 8pm"))
        await self._presses(self.alice, change, "Save and tell them")
        await self.bob_reads("Changed|moved|Moved|New time", "Bob is told by direct message")

    async def _write(self) -> None:
        self.stage.act("#general: Alice writes to everybody")
        preview = await self._types(
            self.alice, "event notify", event=self.event, message="Doors open at six. @everyone bring a friend."
        )
        sending = await self._presses(self.alice, preview, "Send to 1")
        await self.bob_reads("Doors open at six", "Bob reads it")
        await self.discord.until(lambda: "Delivered 1" in read(sending), lambda: read(sending), SOON)
        self.shows("Soonish, to Alice alone", sending)
        again = await self._presses(self.alice, preview, "Send to 1")
        self.stage.promise("Send works once", "Already sent at" in read(again))
        sent = [each.payload for each in self.discord.messages.values()]
        quiet = all(each["allowed_mentions"] == {"parse": []} for each in sent)
        self.stage.promise("Nobody was pinged by what was typed", quiet)

    async def _killed(self) -> None:
        self.stage.act("The bot is killed")
        before = len(self.discord.gateway.identified)
        os.kill(int((self.data / "run" / "discord.pid").read_text()), signal.SIGKILL)
        self.stage.wait("Waiting until it is there again …")
        await self.discord.until(
            lambda: len(self.discord.gateway.identified) > before, lambda: "it did not come back", SOON
        )
        talk = await self._presses(self.bob, self.card.shown, "Details")
        self.stage.promise("A button from before works", "Launch party" in read(talk))
        self.stage.promise("The commands were told to Discord once", len(self.discord.syncs) == 1)

    async def _leave(self) -> None:
        self.stage.act("#general: Alice calls it off")
        asked = await self._types(self.alice, "event cancel", event=self.event, reason="venue flooded")
        await self._presses(self.alice, asked, "Cancel the event")
        await self.bob_reads("ancelled", "Bob is told")
        await self.card_says("cancelled", "The card says so")
        self.shows_card()

    async def _types(self, who: Person, command: str, **options: str) -> Talk:
        typed = " ".join([f"/{command}", *(f"{name}:{value}" for name, value in options.items())])
        return await self._done(who, typed, await who.types(command, **options))

    async def _presses(self, who: Person, on: Screen, label: str) -> Talk:
        return await self._done(who, f"presses [{label}]", await who.presses(on, label))

    async def _done(self, who: Person, what: str, talk: Talk) -> Talk:
        self.slowest = max(self.slowest, talk.seconds)
        self.stage.step(f"{who.name}: {what}")
        self.shows(f"Soonish, to {who.name} alone", talk)
        return talk

    def read(self, on: Screen) -> str:
        return read(on)

    def appears(self, on: Screen) -> str:
        return appears(on)

    def labels(self, on: Screen) -> list[str]:
        return labels(on)

    def card_now(self) -> Screen:
        return self.card.shown

    def direct(self) -> list[Screen]:
        return list(self.discord.direct(self.bob.id))


def appears(on: Screen) -> str:
    """As somebody reads it, in UTC: Discord shows times on each reader's own clock."""
    return _ESCAPED.sub(r"\1", _TIMES.sub(_time, read(on)))


def _time(found: re.Match[str]) -> str:
    at = dt.datetime.fromtimestamp(int(found[1]), dt.UTC)
    if found[2] == "R":
        hours = round((at - dt.datetime.now(dt.UTC)).total_seconds() / 3600)
        return f"in {hours} hours" if hours >= 0 else f"{-hours} hours ago"
    return f"{at:%H:%M}" if found[2] == "t" else f"{at:%A, %d %B %Y %H:%M}"
