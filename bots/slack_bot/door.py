"""Every request of Slack's comes in here and is acknowledged before anything slow; what the conversation answers goes
out."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bots.conversation.actions import Action
from bots.conversation.book import Command
from bots.conversation.choosing import RUN
from bots.conversation.desk import Desk
from bots.conversation.refusals import new_reference
from bots.conversation.screens import (
    Answer,
    Button,
    Choices,
    Document,
    Form,
    Post,
    Screen,
    Tried,
    Watch,
    line,
    told,
)
from bots.conversation.speaker import Speaker
from bots.conversation.verbs import BOOK
from bots.slack_bot.directory import Directory
from bots.slack_bot.hearing import Body, Heard, filled, of_command, of_event, of_interaction, pressed
from bots.slack_bot.library import FAILED, reason
from bots.slack_bot.posting import CardPoster, tried
from bots.slack_bot.rendering import WAIT, WINDOW, home_of, refilled, text_of, window_of
from bots.slack_bot.replying import InMessage, InWindow, Reply, hand_over, in_direct_message, opened
from bots.slack_bot.typed import read_command
from core.delivery.slackbot import Tokens

log = logging.getLogger(__name__)

Ack = Callable[..., Awaitable[Any]]
Work = Coroutine[Any, Any, Answer]
Ask = Callable[[Speaker], Awaitable[Answer]]

FORM_SECONDS = 1.0
"""For what a form needs from the database; then a window opens that waits for it."""
SENT_SECONDS = 2.0
"""For what is wrong with a form that was sent: it must be said in the acknowledgement."""
REMEMBERED, FORMS_REMEMBERED = 2_000, 200
_BESIDE = frozenset({"test", "channel_add"})
"""Presses whose answer stands beside the screen with their button, not in its place."""

_FOLLOWS = frozenset({"subscribe", "via", "also", "leave", "undo"})
"""Presses that change what the home shows; it stands behind a window that was opened in no channel."""


class Door:
    """Slack repeats what it was not told in time that we have it: `seen` is not done again, and of `forms` a
    repetition gets the same answer, because nothing at all closes the window."""

    def __init__(self, desk: Desk, poster: CardPoster, tokens: Tokens, directory: Directory | None = None) -> None:
        self._desk = desk
        self._poster = poster
        self._tokens = tokens
        self._directory = directory or Directory()
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._forms: OrderedDict[str, asyncio.Task[Answer]] = OrderedDict()

    async def command(self, ack: Ack, body: Body, client: AsyncWebClient) -> None:
        heard = of_command(body)
        await ack()
        if self.repeated(heard):
            return
        text = str(body.get("text", ""))
        reply = InMessage(heard, client, beside=True)
        command, given = read_command(text, None)
        form = command.asks(given) and not (command.options and command.options[0].required and not given)
        await self._answer(heard, client, reply, self._typed(heard, client, command, given), form=form)

    async def shortcut(self, ack: Ack, body: Body, client: AsyncWebClient) -> None:
        heard = of_interaction(body)
        await ack()
        if not self.repeated(heard):
            await self._in_new_window(heard, client, self._pressed(heard, client, str(Action("create_form")), {}))

    async def press(self, ack: Ack, body: Body, client: AsyncWebClient) -> None:
        heard = of_interaction(body)
        await ack()
        action, given = pressed(body)
        if self.repeated(heard) or Action.of(action) is None:  # a link: the browser has followed it
            return
        work = self._pressed(heard, client, action, given)
        verb = action.split(":")[1]
        if heard.view is None:
            reply: Reply = InMessage(heard, client, beside=verb in _BESIDE)
            await self._answer(heard, client, reply, work, form=_opens_form(action))
            return
        if heard.view.get("type") == "home":
            await self._in_new_window(heard, client, work)
        else:
            window = InWindow(heard, client, str(heard.view["id"]))
            await self._answer(heard, client, window, work, form=_opens_form(action))
        if verb in _FOLLOWS and heard.channel_id is None:
            await self._publish(heard, client)

    async def sent(self, ack: Ack, body: Body, client: AsyncWebClient) -> None:
        """A form. What is wrong with a field stands beside it, if that is known in time."""
        heard = of_interaction(body)
        view = body["view"]
        if view.get("callback_id") == WINDOW:
            await ack()
            return
        given = filled(view)
        repeated = heard.key in self._forms
        if not repeated:
            self._forms[heard.key] = asyncio.create_task(self._pressed(heard, client, str(view["callback_id"]), given))
            if len(self._forms) > FORMS_REMEMBERED:
                self._forms.popitem(last=False)
        task = self._forms[heard.key]
        done, _ = await asyncio.wait({task}, timeout=SENT_SECONDS)
        answer = task.result() if done else None
        await ack(**_taken(view, given, answer))
        if not isinstance(answer, Screen):
            if repeated:
                log.info("a repeated form is answered once")
                return
            answer = await task
            window = InWindow(heard, client, str(view["id"]))
            if isinstance(answer, Screen) and answer.about:
                await window.put(refilled(view, given, text_of(answer)))
            else:
                await self._show(heard, client, window, answer)
        if isinstance(answer, Screen) and answer.about:
            self._forms.pop(heard.key, None)  # what is sent again is another try, under the same key

    async def home(self, body: Body, client: AsyncWebClient) -> None:
        if (body["event"].get("tab") or "home") != "home":
            return
        heard = of_event(body)
        if not self.repeated(heard):
            await self._publish(heard, client)

    async def _publish(self, heard: Heard, client: AsyncWebClient) -> None:
        speaker = await self._directory.speaker(heard, client)
        mine = await self._desk.command(speaker, "me", "subscriptions", {})
        screen = mine if isinstance(mine, Screen) else told("Soonish")
        await client.views_publish(user_id=heard.user_id, view=home_of(_home(screen)))

    def repeated(self, heard: Heard) -> bool:
        """By this process; what another has done already, the keys in the database know."""
        if heard.key in self._seen:
            log.info("a repeated request is answered once")
            return True
        self._seen[heard.key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False

    async def _typed(self, heard: Heard, client: AsyncWebClient, command: Command, given: dict[str, str]) -> Answer:
        return await self._said(heard, client, lambda who: self._desk.command(who, command.group, command.name, given))

    async def _pressed(self, heard: Heard, client: AsyncWebClient, action: str, given: Mapping[str, str]) -> Answer:
        return await self._said(heard, client, lambda who: self._desk.press(who, action, given))

    async def _said(self, heard: Heard, client: AsyncWebClient, ask: Ask) -> Answer:
        """Nothing is raised: what breaks on the way to the conversation is told as what breaks in it is."""
        try:
            if (stranger := await self._stranger(heard)) is not None:
                return stranger
            answer = await ask(await self._directory.speaker(heard, client))
            return await tried(client, answer) if isinstance(answer, Tried) else answer
        except Exception:
            said = new_reference()
            log.exception("reference %s: a request of Slack's failed", said)
            return told(f"Something broke on our side. Reference {said}.")

    async def _stranger(self, heard: Heard) -> Screen | None:
        """In a channel that two workspaces share. Where the app is not, nobody is written to."""
        if heard.home_team_id == heard.team_id:
            return None
        theirs = await self._tokens.find(heard.home_team_id)
        if isinstance(theirs, str) and theirs != await self._tokens.find(heard.team_id):
            return None
        return told(
            "You are here from another workspace, where I am not.",
            "Open the event's page to subscribe by e-mail, or ask your own admins to add Soonish.",
        )

    async def _in_new_window(self, heard: Heard, client: AsyncWebClient, work: Work) -> None:
        """From where there is no message to answer in."""
        task = asyncio.create_task(work)
        try:
            window = await opened(heard, client)
        except FAILED:
            await task
            await in_direct_message(heard, client, "Slack did not open a window for that. Please press it once more.")
            raise
        await self._show(heard, client, window, await task)

    async def _answer(self, heard: Heard, client: AsyncWebClient, reply: Reply, work: Work, *, form: bool) -> None:
        task = asyncio.create_task(work)
        if form:
            done, _ = await asyncio.wait({task}, timeout=FORM_SECONDS)
            if not done:
                reply = await _held(reply)
        await self._show(heard, client, reply, await task)

    async def _show(self, heard: Heard, client: AsyncWebClient, reply: Reply, answer: Answer) -> None:
        match answer:
            case Screen():
                await reply.show(answer)
            case Form():
                await self._ask(reply, answer)
            case Watch():
                await watched(reply, answer)
            case Document():
                await reply.show(await _handed_over(heard, client, answer))
            case Post():
                speaker = await self._directory.speaker(heard, client)
                await self._show(heard, client, reply, await self._poster.post(speaker, client, answer))
            case Choices() | Tried():
                raise AssertionError("choices are for whoever types, and what is tried is a screen by now")

    async def _ask(self, reply: Reply, form: Form) -> None:
        try:
            await reply.ask(form)
        except FAILED as error:
            said = reason(error)
            late = said in ("expired_trigger_id", "exchanged_trigger_id")
            log.info("Slack opened no form: %s", said)
            why = "That took longer than Slack lets a form wait." if late else "Slack did not open the form."
            await reply.show(told(why, "Please ask once more." if late else "Please ask again in a moment."))


async def _held(reply: Reply) -> Reply:
    """A window that waits, or the reply as it was: what was asked is answered somewhere."""
    try:
        return await reply.hold()
    except FAILED as error:
        log.info("Slack opened no window: %s", reason(error))
        return reply


async def watched(reply: Reply, watch: Watch) -> None:
    """Each at once. The last of them is shown in any case."""
    left_out: Screen | None = None
    async for screen in watch.screens:
        left_out = None if await reply.show(screen, last=False) else screen
    if left_out is not None:
        await reply.show(left_out)


async def _handed_over(heard: Heard, client: AsyncWebClient, document: Document) -> Screen:
    try:
        await hand_over(heard, client, document)
    except FAILED as error:
        log.warning("Slack did not take a file: %s", reason(error))
        return told("Slack did not take the file.", "Try again in a moment, or export it on the site.")
    return Screen((*document.screen.lines, line("It is in our direct messages.")), document.screen.title)


def _opens_form(action: str) -> bool:
    found = Action.of(action)
    if found is None:
        return False
    if found.verb == RUN:
        command = BOOK.called(found.more)
        return command is not None and command.opens_form
    press = BOOK.presses.get(found.verb)
    return press is not None and press.opens_form


def _taken(view: Body, given: Mapping[str, str], answer: Answer | None) -> dict[str, Any]:
    """What a form is acknowledged with. `answer`: None while there is none."""
    if not isinstance(answer, Screen):
        return {"response_action": "update", "view": window_of(WAIT, _kept(view))}
    if not answer.about:
        return {"response_action": "update", "view": window_of(answer, _kept(view))}
    if answer.about in given:
        return {"response_action": "errors", "errors": {answer.about: text_of(answer)[:150]}}
    return {"response_action": "update", "view": refilled(view, given, text_of(answer))}


def _kept(view: Body) -> str:
    return str(view.get("private_metadata") or "")


def _home(screen: Screen) -> Screen:
    """What they follow, and the way to everything else."""
    first = (
        Button("Create event", Action("create_form"), style="primary"),
        Button("Coming up", Action("list")),
        Button("Channels", Action("channels")),
    )
    second = tuple(
        Button(label, Action(RUN, more=verb))
        for label, verb in (("Time zone", "timezone"), ("Link account", "link"), ("Export", "export"), ("Help", "help"))
    )
    return Screen(screen.lines, screen.title or "Soonish", (first, *screen.rows, second))
