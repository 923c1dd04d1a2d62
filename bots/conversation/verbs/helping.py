"""What there is to type."""

from bots.conversation.book import BOOK, Command, Option, Who
from bots.conversation.screens import Answer, Line, Screen, Strong, line
from bots.conversation.speaker import Turn

_FOR: dict[Who, str] = {
    "everybody": "For everybody",
    "creators": "For who may create events here",
    "organizers": "For an event's organizers",
    "themselves": "Your own things",
    "admins": "For admins of this {space}",
}
UNKNOWN = "unknown"
"""What was typed in the place of a command, where no menu offers them."""
_TYPED = {
    "create": "[name] [when]",
    "invite": "event [@somebody or @group] [to organize]",
    "settings": "[timezone, organizers or channel, and what it is to be]",
    "notify": "event [message]",
    "cancel": "event [reason]",
}
"""What stands behind the verb, where that is all there is to a command."""


@BOOK.command("soonish", "help", "What you can do here", "everybody")
async def help_(turn: Turn) -> Answer:
    """Every command, in the words of the menu."""
    unknown = turn.given.get(UNKNOWN, "")
    first = [line(f"I don't know `{unknown[:50]}`. This is what there is:")] if unknown else []
    lines = [*first, line("Create events, follow them with one press, and hear in time.")]
    for who, title in _FOR.items():
        lines.append(line(Strong(turn.speaker.dialect.says(title))))
        lines += [_words(turn, each) for each in BOOK.commands.values() if each.who == who and each.name != "help"]
    return Screen(tuple(lines), title="Soonish")


def _words(turn: Turn, command: Command) -> Line:
    dialect = turn.speaker.dialect
    typed = dialect.command(command.group, command.name)
    if dialect.flat and command.options:
        typed += f" {_TYPED.get(command.name) or ' '.join(map(_argument, command.options[:1]))}"
    return line(f"{typed}: {dialect.says(command.words)}")


def _argument(option: Option) -> str:
    return option.name if option.required else f"[{option.name}]"
