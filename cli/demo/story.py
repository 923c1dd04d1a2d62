"""The whole story against the running stack: an organizer, three people who follow, a move, a reminder, a goodbye.

Everything goes over HTTP as anybody's client would, but the two things that are the operator's: API tokens, and the
opening for the demo's own webhook servers on this machine.
"""

import datetime as dt
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar

from cli import stack
from cli.demo.props import JSON, Mail, Site, Webhook, until
from cli.demo.reminder import watch_reminder
from cli.demo.stage import Say, Stage
from cli.terminal import how_many
from core.accounts.users import vouch
from core.clock import UTC
from core.errors import SoonishError, conflict
from core.operations.openings import close_destination, open_destination, refuse_in_production
from core.settings import Settings
from core.temporal import Temporal, TemporalAwayError
from core.wiring import build_core
from core.work import Actor, Core

T = TypeVar("T")

OPERATOR = Actor(None, "cli")
OPEN_FOR = dt.timedelta(minutes=10)
SOON = 20.0
"""Seconds in which something that goes out at once must have arrived."""
REMINDER_SECONDS = 60.0
AHEAD = dt.timedelta(hours=1, seconds=17)
"""Far enough ahead for the reminder's schedule to be set, near enough to wait for."""


async def play(settings: Settings, say: Say) -> bool:
    """Whether every promise was kept. Raises SoonishError when there is nothing to play on."""
    refuse_in_production(settings, "The demo")
    found = stack.running_stack(settings.soonish_data)
    if found is None:
        raise conflict("Soonish is not running here.", hint="Start it in another terminal: ./dev run")
    if found.mailbox is None:
        raise conflict("The demo reads the development mailbox.", hint="Run Soonish without SMTP_SERVER for it.")
    core = build_core(settings)
    site = Site(found.url)
    stage = Stage(say)
    try:
        story = Story(core, site, stage, found)
        await story.play()
    except SoonishError as error:
        stage.promise(f"The story could not go on: {error.message} {error.hint or ''}".strip(), ok=False)
    finally:
        await site.close()
        await core.db.close()
    return stage.end()


class Story:
    def __init__(self, core: Core, site: Site, stage: Stage, running: stack.Stack) -> None:
        self.core = core
        self.site = site
        self.stage = stage
        self.running = running
        run = secrets.token_hex(3)
        self.addresses = {name: f"{name}.{run}@example.org" for name in ("alice", "nora", "ben", "cleo")}
        self.tokens: dict[str, str] = {}
        self.start = (dt.datetime.now(UTC) + dt.timedelta(days=3)).replace(minute=0, second=0, microsecond=0)

    async def play(self) -> None:
        async with AsyncExitStack() as held:
            self.ben = await held.enter_async_context(_served())
            self.cleo = await held.enter_async_context(_served())
            await held.enter_async_context(self._opened())
            await self._organize()
            await self._nora_follows()
            await self._follow_by_webhook("ben", self.ben)
            await self._follow_by_webhook("cleo", self.cleo)
            await self._move()
            await self._write()
            await self._remind()
            await self._look_at_report()
            await self._nora_leaves()
            await self._count()

    async def _organize(self) -> None:
        self.stage.act("Alice has an event")
        await self._token("alice")
        self.event = await self._as(
            "alice",
            "POST",
            "/api/events",
            {
                "name": "Board games",
                "start_date": self.start.isoformat(),
                "location": "Café Central",
                "description": "Bring a game, or just yourself.",
                "timezone": "Europe/Berlin",
            },
        )
        self.stage.step(
            f"She created “{self.event['name']}”, in three days.", self.event["url"], event=self.event["id"]
        )

    async def _nora_follows(self) -> None:
        self.stage.act("Nora follows with nothing but her e-mail address")
        nora = self.addresses["nora"]
        answer = await self.site.call("POST", f"/api/events/{self.event['id']}/subscribe", {"email": nora})
        self.stage.step(f"She gave her address; the site says {answer['status']}.")
        confirm = await self._mail("Confirm", "the mail that asks her")
        if confirm is None:
            return
        link = confirm.link("/c/")
        self.stage.step(f"She got “{confirm.subject}”.", link)
        await self.site.open_page(link)
        event = await self.site.call("GET", f"/api/events/{self.event['id']}")
        self.stage.promise("Opening the link changes nothing: robots do that too", event["subscribers"] == 0)
        await self.site.press_button(link)
        event = await self.site.call("GET", f"/api/events/{self.event['id']}")
        self.stage.promise("Pressing the button does: Nora follows", event["subscribers"] == 1)
        await self._mail("You'll hear about", "her welcome")
        self.stage.step("Her mailbox:", f"{self.site.url}/dev/mailbox")

    async def _follow_by_webhook(self, name: str, hook: Webhook) -> None:
        who = name.title()
        self.stage.act(f"{who} follows by a webhook")
        await self._token(name)
        url = f"json://127.0.0.1:{hook.port}/{name}"
        channel = await self._as(name, "POST", "/api/integrations", {"name": f"{who}'s hook", "apprise_url": url})
        self.stage.step(f"{who} added {url}; a test arrived there before it was saved.", tests=len(hook.titles))
        await self._as(name, "POST", f"/api/events/{self.event['id']}/subscribe", {"integration_ids": [channel["id"]]})
        await self._hooked(hook, "You'll hear about", f"{who} was welcomed there")

    async def _move(self) -> None:
        self.stage.act("Alice moves the event by an hour")
        self.start += dt.timedelta(hours=1)
        await self._change({"start_date": self.start.isoformat(), "notify": "now"})
        await self._mail("was moved", "the news")
        await self._hooked(self.ben, "was moved", "Ben was told")
        await self._hooked(self.cleo, "was moved", "Cleo was told")

    async def _write(self) -> None:
        self.stage.act("Cleo's server goes away, and Alice writes to everybody")
        await self.cleo.stop()
        self.message = await self._send("Bring a chair", "We are more than we thought.")
        await self._mail("Bring a chair", "the message")
        await self._hooked(self.ben, "Bring a chair", "Ben got it")

    async def _remind(self) -> None:
        self.stage.act("The event comes closer: an hour and some seconds from now")
        self.start = (dt.datetime.now(UTC) + AHEAD).replace(microsecond=0)
        await self._change({"start_date": self.start.isoformat(), "notify": False})
        due = self.start - dt.timedelta(hours=1)
        status = await self._as("alice", "GET", f"/api/events/{self.event['id']}/workflow/status")
        self.stage.step(
            f"The reminder “1 hour before” is due at {due:%H:%M:%S} UTC; the event's workflow is {status['state']}.",
            reminders=status["reminders"],
        )
        temporal = Temporal(self.core.settings.model_copy(update={"temporal_url": self.running.temporal}))
        try:
            await watch_reminder(temporal, self.stage, self.event["id"], due)
        except TemporalAwayError as error:
            self.stage.promise(f"Temporal can be asked: {error}", ok=False)
        await self._mail("starts in", "the reminder", REMINDER_SECONDS)
        await self._hooked(self.ben, "starts in", "Ben was reminded", REMINDER_SECONDS)
        came = next((at for title, at in self.ben.titles if "starts in" in title), None)
        if came is not None:
            late = came - due.timestamp()
            self.stage.promise(f"Not early, and not late: {late:+.1f} s", -1.0 <= late <= 5.0, seconds=round(late, 2))

    async def _look_at_report(self) -> None:
        self.stage.act("Alice reads the report of her message")
        path = f"/api/notifications/{self.message}"

        async def settled() -> JSON | None:
            report = await self._as("alice", "GET", path)
            return report if report["waiting"] == 0 else None

        self.stage.wait("Waiting until the last attempt at Cleo's server …")
        report = await until(settled, 30) or await self._as("alice", "GET", path)
        for row in report["results"]:
            why = f": {row['reason']}" if row["reason"] else ""
            self.stage.step(f"{row['label']}: {row['status']} after {how_many(row['attempts'], 'try', 'tries')}{why}")
        counts = {name: report[name] for name in ("delivered", "failed", "waiting", "skipped")}
        missed = [row for row in report["results"] if row["status"] != "delivered"]
        self.stage.promise(
            "Two got it, and the third one's row says why not",
            counts["delivered"] == 2 and len(missed) == 1 and bool(missed[0]["reason"]),
            **counts,
        )
        if report["waiting"]:
            self.stage.step("It is still waiting for another attempt, so it counts as waiting and not as failed.")

    async def _nora_leaves(self) -> None:
        self.stage.act("Nora leaves, by her mail program's own button")
        mails = await self.site.mails(self.addresses["nora"])
        link = mails[-1].unsubscribe_link()
        await self.site.leave_by_mail_program(link)
        self.stage.step("It posted the link in the mail's header; no page, no questions.", link)
        before = len(mails)
        await self._send("See you there", "The door is open from six.")
        await self._hooked(self.ben, "See you there", "Ben got Alice's next message")
        after = len(await self.site.mails(self.addresses["nora"]))
        self.stage.promise("Nora got nothing more", after == before, mails=after)

    async def _count(self) -> None:
        mails = Counter(mail.subject for mail in await self.site.mails(self.addresses["nora"]))
        hooks = Counter(title for title, _ in self.ben.titles)
        twice = [name for name in mails | hooks if max(mails[name], hooks[name]) > 1]
        self.stage.promise("Nobody got anything twice", not twice, mails=mails.total(), hooks=hooks.total())

    async def _token(self, name: str) -> None:
        issued = await self.core.act(OPERATOR, vouch, self.addresses[name], display_name=name.title())
        self.tokens[name] = issued.token
        self.stage.step(f"{name.title()} has an API token: soonish token create --email {self.addresses[name]}")

    async def _as(self, name: str, method: str, path: str, body: JSON | None = None) -> JSON:
        return await self.site.call(method, path, body, self.tokens[name])

    async def _change(self, change: JSON) -> None:
        await self._as("alice", "PATCH", f"/api/events/{self.event['id']}", change)

    async def _send(self, title: str, body: str) -> int:
        sent = await self._as("alice", "POST", f"/api/events/{self.event['id']}/notify", {"title": title, "body": body})
        self.stage.step(f"“{title}” is on its way to {sent['recipients']}.", message=sent["id"])
        return int(sent["id"])

    async def _mail(self, words: str, what: str, seconds: float = SOON) -> Mail | None:
        """Wait for a mail to Nora."""

        async def look() -> Mail | None:
            mails = await self.site.mails(self.addresses["nora"])
            return next((mail for mail in reversed(mails) if words in mail.subject), None)

        return await self._arrives(look, f"Nora got {what}", seconds)

    async def _hooked(self, hook: Webhook, words: str, what: str, seconds: float = SOON) -> None:
        async def look() -> bool:
            return hook.count(words) > 0

        await self._arrives(look, what, seconds)

    async def _arrives(self, look: Callable[[], Awaitable[T]], what: str, seconds: float) -> T | None:
        self.stage.wait(f"Waiting: {what} …")
        found = await until(look, seconds)
        self.stage.promise(what, found)
        return found

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        """Exactly these two ports of this machine, until the demo ends or ten minutes have passed."""
        async with AsyncExitStack() as held:
            held.callback(self.stage.step, "Closed them again.")
            for hook in (self.ben, self.cleo):
                opening = await self.core.act(OPERATOR, open_destination, "127.0.0.1", hook.port, OPEN_FOR)
                held.push_async_callback(self.core.act, OPERATOR, close_destination, opening)
            ports = f"{self.ben.port} and {self.cleo.port}"
            self.stage.step(f"Opened 127.0.0.1, ports {ports}, to deliveries for the length of this demo.")
            yield


@asynccontextmanager
async def _served() -> AsyncIterator[Webhook]:
    hook = await Webhook.start()
    try:
        yield hook
    finally:
        await hook.stop()
