"""What there is to type."""

from bots.conversation.book import BOOK, Command, Who
from bots.conversation.screens import Answer, Line, Screen, Strong, line
from bots.conversation.speaker import Turn

_FOR: dict[Who, str] = {
    "everybody": "For everybody",
    "creators": "For who may create events here",
    "organizers": "For an event's organizers",
    "themselves": "Your own things",
    "admins": "For admins of this {space}",
}


@BOOK.command("soonish", "help", "What you can do here", "everybody")
async def help_(turn: Turn) -> Answer:
    """Every command, in the words of the menu."""
    lines = [line("Create events, follow them with one press, and hear in time.")]
    for who, title in _FOR.items():
        lines.append(line(Strong(turn.speaker.dialect.says(title))))
        lines += [_words(turn, each) for each in BOOK.commands.values() if each.who == who and each.name != "help"]
    return Screen(tuple(lines), title="Soonish")


def _words(turn: Turn, command: Command) -> Line:
    dialect = turn.speaker.dialect
    return line(f"{dialect.command(command.group, command.name)}: {dialect.says(command.words)}")
