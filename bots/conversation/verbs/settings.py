"""How this server or workspace wants it."""

from typing import Any

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.screens import Answer, Button, Line, Mention, Screen, line, told
from bots.conversation.speaker import Turn
from core.chat.settings import ChatSettings, ChatSettingsChange, change_chat_settings
from core.errors import Code, SoonishError


@BOOK.command(
    "soonish", "settings", "How this {space} wants it", "admins",
    Option("timezone", "The clock of this {space}", completes="zone"),
    Option("organizer_role", "Who has it may create events", kind="role"),
    Option("channel", "Where cards are posted", kind="channel"),
)  # fmt: skip
async def settings(turn: Turn) -> Answer:
    """`organizer_role` and `channel` are the platform's own ids. Without an option: what is set."""
    turn.speaker.rights_are_known()
    space = turn.speaker.dialect.space
    if not turn.speaker.administers:
        raise SoonishError(Code.FORBIDDEN, f"Only admins of this {space} see its settings.", hint="Ask one of them.")
    names = {"timezone": "timezone", "organizer_role": "organizer_role", "channel": "channel_id"}
    change: dict[str, Any] = {to: turn.given[name].strip() for name, to in names.items() if turn.given.get(name)}
    if not change:
        return _shown(await turn.here(), f"Settings of this {space}", turn)
    done = await turn.act(change_chat_settings, ChatSettingsChange(**change), administers=True)
    return _shown(done, "Saved", turn)


@BOOK.press("settings_clear")
async def cleared(turn: Turn) -> Answer:
    change = ChatSettingsChange(timezone=None, organizer_role=None, channel_id=None)
    await turn.act(change_chat_settings, change, administers=turn.speaker.administers)
    return told("Back to the plain settings.")


def _shown(found: ChatSettings, title: str, turn: Turn) -> Screen:
    lines = (
        line("Clock: ", found.timezone or f"{turn.core.settings.default_timezone} (not set)"),
        line("May create events: ", *_creators(found, turn)),
        line("Cards go to: ", Mention("channel", found.channel_id) if found.channel_id else "where they are created"),
    )
    rows = ((Button("Clear all", Action("settings_clear")),),)
    return Screen(lines, title=title, rows=rows)


def _creators(found: ChatSettings, turn: Turn) -> Line:
    dialect = turn.speaker.dialect
    if found.organizer_role is None:
        return line(dialect.creators)
    role = Mention("role", found.organizer_role)
    return (
        line("who is in ", role, ", and admins")
        if dialect.platform == "slack"
        else (line(f"{dialect.creators} or has ", role))
    )
