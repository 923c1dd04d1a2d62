"""Which one is meant. What Discord completes while it is typed may also just be typed there, and Slack completes
nothing: a name is looked for, and of several one is to be picked."""

import re
from collections.abc import Sequence

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Command, Option
from bots.conversation.screens import Answer, Choice, Menu, Screen, line, told
from bots.conversation.speaker import Turn

RUN = "run"
"""A press that stands for typing a command: `soonish:run::command`."""
_PAGE = re.compile(r"https?://\S+/e/([1-9A-HJ-NP-Za-km-z]{10})")
"""A page's address, with the event's id: looked up, not looked for. An id alone may be somebody's name for an event."""
LOOKED_FOR = 100
"""Characters of a name."""
_QUOTED = re.compile(r'["“]([^"“”]+)["”]\s+(.+)')


async def run(turn: Turn, command: Command) -> Answer:
    """The command's answer, or what is to be picked first."""
    option = next((each for each in command.options if each.required and each.completes), None)
    if option is not None:
        await _divided(turn, command, option)
        found = await meant(turn, command, option)
        if isinstance(found, Screen):
            return found
        turn.given = {**turn.given, option.name: found}
    return await command.handler(turn)


@BOOK.press(RUN, opens_form=True)
async def run_again(turn: Turn) -> Answer:
    command = BOOK.called(turn.more)
    if command is None:
        return told("This button is from another time.", "Ask again with a command.")
    picked, turn.action = turn.given.get("picked", ""), None
    turn.given = {command.options[0].name: picked} if command.options and picked else {}
    return await run(turn, command)


async def meant(turn: Turn, command: Command, option: Option) -> str | Screen:
    """The one value that was typed or is offered for it, or what is to be picked."""
    text = turn.given.get(option.name, "").strip()
    if found := _PAGE.fullmatch(text):
        return found[1]
    offered = (await BOOK.completers[option.completes or ""](turn, text)).items
    if text and (one := _the_one(text, offered)) is not None:
        return one.value
    if offered:
        return Screen((line(f"{option.words}?"),), rows=(Menu(Action(RUN, more=command.name), "Pick one", offered),))
    return text or told(f"Nothing to choose from. Try {turn.speaker.dialect.command('event', 'list')}.")


async def _divided(turn: Turn, command: Command, option: Option) -> None:
    """`Film night Doors at six`: where no event is called all of it, the longest beginning that names exactly one is
    the event, and the rest is what is said of it."""
    text, more = turn.given.get(option.name, "").strip(), command.words_last
    if more is None or turn.given.get(more.name) or " " not in text:
        return
    if quoted := _QUOTED.fullmatch(text):
        turn.given = {**turn.given, option.name: quoted[1], more.name: quoted[2]}
        return
    first, _, rest = text.partition(" ")
    if _PAGE.fullmatch(first):
        turn.given = {**turn.given, option.name: first, more.name: rest.strip()}
        return
    complete, words = BOOK.completers[option.completes or ""], text.split()
    if (await complete(turn, text)).items:
        return
    for at in range(1, len(words)):  # a longer beginning fits no more events than a shorter one
        beginning = " ".join(words[:at])
        offered = (await complete(turn, beginning)).items
        if not offered or len(beginning) > LOOKED_FOR:
            return
        if _the_one(beginning, offered) is not None:
            turn.given = {**turn.given, option.name: beginning, more.name: " ".join(words[at:])}


def _the_one(text: str, offered: Sequence[Choice]) -> Choice | None:
    exact = [each for each in offered if text.casefold() in _names(each)]
    if len(exact) == 1:
        return exact[0]
    return offered[0] if len(offered) == 1 else None


def _names(choice: Choice) -> set[str]:
    """An event's label is its name and its time."""
    return {each.casefold() for each in (choice.value, choice.label, choice.label.rpartition(" · ")[0]) if each}
