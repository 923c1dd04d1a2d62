"""What there is to type."""

from bots.conversation.book import BOOK
from bots.conversation.screens import Answer, Screen, line
from bots.conversation.speaker import Turn


@BOOK.command("soonish", "help", "What you can do here", "everybody")
async def help_(turn: Turn) -> Answer:
    """Every command, in the words of the menu."""
    dialect = turn.speaker.dialect
    lines = [
        line(f"{dialect.command(each.group, each.name)}: {dialect.says(each.words)}")
        for each in BOOK.commands.values()
        if each.name != "help"
    ]
    return Screen((line("Create events, follow them with one press, and hear in time."), *lines), title="Soonish")
