"""Every interaction comes in here and is acknowledged before anything slow; what the conversation answers goes out."""

import asyncio
import io
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import discord

from bots.conversation.desk import Desk
from bots.conversation.screens import Answer, Choices, Document, Form, Post, Screen, Tried, Watch, told
from bots.conversation.verbs import BOOK
from bots.discord_bot.hearing import Heard, data_of, filled, picked, speaker_of, typed
from bots.discord_bot.posting import CardPoster, tried
from bots.discord_bot.rendering import action_in, choices_of, embed_of, modal_of, view_of
from bots.network import UNREACHABLE

log = logging.getLogger(__name__)

FORM_SECONDS = 1.5
"""For what a form needs from the database: nothing can be shown as a form after the acknowledgement."""
COMPLETE_SECONDS = 2.0
TOLD_BEFORE = frozenset({10062, 40060})
"""Discord does not know the interaction (any more), or it was acknowledged already: a repetition, or too late."""
_BESIDE = frozenset({"test", "channel_add"})
"""Presses whose answer stands beside the screen with their button, not in its place."""

Work = Callable[[], Coroutine[Any, Any, Answer]]


class Door:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._poster = CardPoster(desk)

    async def take(self, interaction: Heard) -> None:
        """Nothing is raised: a person who waits is told by the conversation, and what Discord refuses is logged."""
        try:
            await self._take(interaction)
        except discord.HTTPException as error:
            if error.code in TOLD_BEFORE:
                log.info("an interaction was acknowledged before, or too late (%d)", error.code)
            else:
                log.warning("Discord refused an answer: %d, code %d", error.status, error.code)
        except UNREACHABLE as error:
            log.warning("an answer did not reach Discord: %s", type(error).__name__)
        except Exception:
            log.exception("an interaction of type %s failed", interaction.type)

    async def _take(self, interaction: Heard) -> None:
        kind = discord.InteractionType
        if interaction.type is kind.autocomplete:
            await self._complete(interaction)
        elif interaction.type is kind.application_command:
            await self._command(interaction)
        elif interaction.type in (kind.component, kind.modal_submit):
            await self._press(interaction)

    async def _complete(self, interaction: Heard) -> None:
        group, name, given, focused = typed(interaction)
        offered = Choices(())
        if focused is not None:
            asked = self._desk.complete(speaker_of(interaction), group, name, focused, given[focused], given)
            try:
                offered = await asyncio.wait_for(asked, COMPLETE_SECONDS)
            except TimeoutError:
                log.info("completing %s took too long", focused)
        await interaction.response.autocomplete(choices_of(offered))

    async def _command(self, interaction: Heard) -> None:
        group, name, given, _ = typed(interaction)
        command = BOOK.commands.get((group, name))
        work = partial(self._desk.command, speaker_of(interaction), group, name, given)
        await self._answer(interaction, work, form=command is not None and command.asks(given))

    async def _press(self, interaction: Heard) -> None:
        pressed = action_in(str(data_of(interaction).get("custom_id", "")))
        verb = pressed.split(":")[1] if ":" in pressed else ""
        form = interaction.type is discord.InteractionType.component
        given = picked(interaction) if form else filled(interaction)
        press = BOOK.presses.get(verb)
        work = partial(self._desk.press, speaker_of(interaction), pressed, given)
        opens = form and press is not None and press.opens_form
        await self._answer(interaction, work, form=opens, beside=verb in _BESIDE)

    async def _answer(self, interaction: Heard, work: Work, *, form: bool, beside: bool = False) -> None:
        reply = Reply(interaction, beside=beside)
        if not form:
            await reply.acknowledge()
            await self._show(reply, await work())
            return
        task = asyncio.create_task(work())
        done, _ = await asyncio.wait({task}, timeout=FORM_SECONDS)
        if done and isinstance(answer := task.result(), Form):
            await interaction.response.send_modal(modal_of(answer))
            return
        await reply.acknowledge()
        answer = await task
        if isinstance(answer, Form):
            answer = told("That took longer than Discord lets a form wait.", "Please ask once more.")
        await self._show(reply, answer)

    async def _show(self, reply: "Reply", answer: Answer) -> None:
        match answer:
            case Screen():
                await reply.show(answer)
            case Watch():
                async for screen in answer.screens:
                    await reply.show(screen)
            case Document():
                await reply.show(answer.screen, answer)
            case Post():
                await self._show(reply, await self._poster.post(reply.interaction, answer))
            case Tried():
                await reply.show(tried(reply.interaction, answer))
            case Form():
                await reply.show(told("Please ask for that form with its button."))
            case Choices():
                raise AssertionError("choices are for whoever types")


class Reply:
    """The answer to one interaction: in the place of the private screen with the pressed button, else a new one."""

    def __init__(self, interaction: Heard, *, beside: bool = False) -> None:
        self.interaction = interaction
        message = interaction.message
        self._in_place = message is not None and message.flags.ephemeral and not beside

    async def acknowledge(self) -> None:
        if self._in_place:
            await self.interaction.response.defer()
        else:
            await self.interaction.response.defer(ephemeral=True, thinking=True)

    async def show(self, screen: Screen, document: Document | None = None) -> None:
        files = [discord.File(io.BytesIO(document.body), document.name)] if document is not None else []
        await self.interaction.edit_original_response(
            embed=embed_of(screen),
            view=view_of(screen),
            attachments=files,
            allowed_mentions=discord.AllowedMentions.none(),
        )
