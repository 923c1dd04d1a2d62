"""Where every command, press and form arrives: who it is, what it leads to, and what a refusal reads like."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from pydantic import ValidationError

from bots.conversation import posting
from bots.conversation.actions import Action
from bots.conversation.book import Handler
from bots.conversation.choosing import run
from bots.conversation.refusals import InsteadError, new_reference, refused
from bots.conversation.screens import Answer, Button, Choices, Post, Screen, told
from bots.conversation.speaker import Speaker, Turn
from bots.conversation.verbs import BOOK
from core.errors import SoonishError
from core.wiring import Outbound
from core.work import Core

log = logging.getLogger(__name__)


class Desk:
    """The conversation. Stateless: what it needs from one press to the next is in the database."""

    def __init__(self, core: Core, outbound: Outbound) -> None:
        self._core = core
        self._outbound = outbound

    async def command(self, speaker: Speaker, group: str, name: str, given: Mapping[str, str]) -> Answer:
        command = BOOK.commands.get((group, name), BOOK.commands["soonish", "help"])

        async def typed(turn: Turn) -> Answer:
            return await run(turn, command)

        return await self._answer(speaker, typed, given)

    async def press(self, speaker: Speaker, pressed: str, given: Mapping[str, str] | None = None) -> Answer:
        """A button, a menu or a form that was sent: `pressed` is what `str(action)` was."""
        action = Action.of(pressed)
        press = BOOK.presses.get(action.verb) if action is not None else None
        if action is None or press is None:
            return told("This button is from another time.", "Ask again with a command.")
        return await self._answer(speaker, press.handler, given or {}, action)

    async def posted(self, speaker: Speaker, post: Post, message_id: str) -> Answer:
        """The card stands in the channel, as this message."""

        async def posted(turn: Turn) -> Answer:
            return await posting.posted(turn, post, message_id)

        return await self._answer(speaker, posted, {})

    async def not_posted(self, post: Post, why: str) -> Answer:
        """The platform refused. `why`: a sentence with what to do."""
        return await posting.not_posted(post, why)

    async def complete(
        self, speaker: Speaker, group: str, name: str, option: str, text: str, given: Mapping[str, str]
    ) -> Choices:
        """What is offered while an option is typed: nothing rather than an error, for nobody can be told there."""
        command = BOOK.commands.get((group, name))
        wanted = next((each.completes for each in command.options if each.name == option), None) if command else None
        if wanted is None:
            return Choices(())
        try:
            looking = Turn(self._core, self._outbound, speaker, given, only_looks=True)
            return await BOOK.completers[wanted](looking, text)
        except SoonishError:
            return Choices(())
        except Exception:
            log.exception("completing %s for /%s %s failed", option, group, name)
            return Choices(())

    async def _answer(
        self, speaker: Speaker, handler: Handler, given: Mapping[str, str], action: Action | None = None
    ) -> Answer:
        turn = self._turn(speaker, given, action)
        try:
            return await handler(turn)
        except InsteadError as instead:
            return instead.screen
        except (SoonishError, ValidationError) as refusal:
            return await _changeable(turn, refused(refusal))
        except Exception:
            said = new_reference()
            log.exception("reference %s: %s failed", said, handler.__name__)
            return told(f"Something broke on our side. Nothing was sent. Reference {said}.")

    def _turn(self, speaker: Speaker, given: Mapping[str, str], action: Action | None = None) -> Turn:
        return Turn(self._core, self._outbound, speaker, given, action)


async def _changeable(turn: Turn, refusal: Screen) -> Screen:
    """Nobody types a form twice: what they typed is in the one behind Change."""
    if turn.again is None:
        return refusal
    try:
        return replace(refusal, rows=((Button("Change", await turn.again(), style="primary"),),))
    except SoonishError:
        return refusal
    except Exception:
        log.exception("what was typed could not be kept")
        return refusal
