"""Which one is meant. What Discord completes while it is typed may also just be typed there, and Slack completes
nothing: a name is looked for, and of several one is to be picked."""

import re

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Command, Option
from bots.conversation.screens import Answer, Choice, Menu, Screen, line, told
from bots.conversation.speaker import Turn

RUN = "run"
"""A press that stands for typing a command: `soonish:run::command`."""
_ID = re.compile(r"(?:https?://\S+/e/)?([1-9A-HJ-NP-Za-km-z]{10})")
"""A public id, or a page's address with it: looked up, not looked for."""


async def run(turn: Turn, command: Command) -> Answer:
    """The command's answer, or what is to be picked first."""
    option = next((each for each in command.options if each.required and each.completes), None)
    if option is not None:
        found = await meant(turn, command, option)
        if isinstance(found, Screen):
            return found
        turn.given = {**turn.given, option.name: found}
    return await command.handler(turn)


@BOOK.press(RUN, opens_form=True)
async def run_again(turn: Turn) -> Answer:
    command = command_of(turn.more)
    if command is None:
        return told("This button is from another time.", "Ask again with a command.")
    picked, turn.action = turn.given.get("picked", ""), None
    turn.given = {command.options[0].name: picked} if command.options and picked else {}
    return await run(turn, command)


def command_of(name: str) -> Command | None:
    """No two commands are called alike, whatever their group."""
    return next((each for each in BOOK.commands.values() if each.name == name), None)


async def meant(turn: Turn, command: Command, option: Option) -> str | Screen:
    """The one value that was typed or is offered for it, or what is to be picked."""
    text = turn.given.get(option.name, "").strip()
    if found := _ID.fullmatch(text):
        return found[1]
    offered = (await BOOK.completers[option.completes or ""](turn, text)).items
    exact = [each for each in offered if text.casefold() in _names(each)]
    if text and (len(exact) == 1 or len(offered) == 1):
        return (exact or list(offered))[0].value
    if offered:
        return Screen((line(f"{option.words}?"),), rows=(Menu(Action(RUN, more=command.name), "Pick one", offered),))
    return text or told(f"Nothing to choose from. Try {turn.speaker.dialect.command('event', 'list')}.")


def _names(choice: Choice) -> set[str]:
    """An event's label is its name and its time."""
    return {each.casefold() for each in (choice.value, choice.label, choice.label.rpartition(" · ")[0]) if each}
