"""How this server or workspace wants it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.screens import Answer, Button, Choice, Field, Form, Line, Mention, Screen, Tried, line, told
from bots.conversation.speaker import Turn
from core.chat.settings import ChatSettings, ChatSettingsChange, change_chat_settings
from core.errors import Code, SoonishError

_NAMES = {"timezone": "timezone", "organizer_role": "organizer_role", "channel": "channel_id"}
"""Options and fields, and what they set."""
_IDS = {"organizer_role": re.compile(r"S[A-Z0-9]+"), "channel": re.compile(r"[CG][A-Z0-9]+")}
"""As Slack numbers user groups and channels."""
_ANYBODY = "-"
"""Chosen from a list, which cannot be left empty."""


@BOOK.command(
    "soonish", "settings", "How this {space} wants it", "admins",
    Option("timezone", "The clock of this {space}", completes="zone"),
    Option("organizer_role", "Who has it may create events", kind="role"),
    Option("channel", "Where cards are posted", kind="channel"),
    opens_form=True, unless=tuple((name,) for name in _NAMES),
)  # fmt: skip
async def settings(turn: Turn) -> Answer:
    """`organizer_role` and `channel` are the platform's own ids. Without an option: a form with what is set."""
    _admins_alone(turn)
    typed = {name: turn.given[name] for name in _NAMES if turn.given.get(name)}
    return await _changed(turn, typed) if typed else _form(await turn.here(), turn)


@BOOK.press("settings_form", opens_form=True)
async def form_asked(turn: Turn) -> Answer:
    _admins_alone(turn)
    return _form(await turn.here(), turn)


@BOOK.press("settings_set")
async def form_sent(turn: Turn) -> Answer:
    """What stands empty is unset; what was not asked stays. A list whose first words are for anybody was not touched
    where it comes back empty."""
    turn.again = _form_again
    typed = {name: turn.given[name] for name in _NAMES if name in turn.given}
    if turn.speaker.dialect.platform == "slack" and not typed.get("organizer_role"):
        typed.pop("organizer_role", None)
    return await _changed(turn, typed)


async def _form_again() -> Action:
    return Action("settings_form")


def _admins_alone(turn: Turn) -> None:
    space, place = turn.speaker.dialect.space, turn.speaker.place
    if place is None or not place.tenant_id:
        raise SoonishError(Code.INVALID, f"Settings are those of a {space}.", hint=f"Ask for them in your {space}.")
    turn.speaker.rights_are_known()
    if not turn.speaker.administers:
        raise SoonishError(Code.FORBIDDEN, f"Only admins of this {space} see its settings.", hint="Ask one of them.")


async def _changed(turn: Turn, typed: Mapping[str, str]) -> Screen | Tried:
    turn.speaker.rights_are_known()
    meant = {_NAMES[name]: _id_of(name, value.strip(), turn) for name, value in typed.items()}
    change: dict[str, Any] = {name: None if value in ("", _ANYBODY) else value for name, value in meant.items()}
    administers = turn.speaker.administers
    done = await turn.act(change_chat_settings, ChatSettingsChange(**change), administers=administers)
    saved = _shown(done, "Saved", turn)
    return Tried(done.channel_id, saved) if done.channel_id and "channel" in typed else saved


def _id_of(name: str, value: str, turn: Turn) -> str:
    """On Slack it may have been typed as words, where an id of nothing would keep everybody out."""
    if turn.speaker.dialect.platform != "slack" or name not in _IDS or value in ("", _ANYBODY):
        return value
    called = f"@{value.casefold().removeprefix('@')}"
    groups = turn.speaker.groups if name == "organizer_role" else ()
    found = next((each.value for each in groups if each.label.casefold() == called), value)
    if not _IDS[name].fullmatch(found):
        what = turn.speaker.dialect.role if name == "organizer_role" else "channel"
        raise SoonishError(Code.INVALID, f"That is no {what} here.", hint="Pick it from the list: /soonish settings")
    return found


@BOOK.press("settings_clear")
async def clearing(turn: Turn) -> Answer:
    _admins_alone(turn)
    said = "The clock, who may create events, and the channel for cards go back to the plain settings."
    clear = Button("Clear all", Action("settings_cleared"), style="danger")
    return told(said, rows=((clear, Button("Keep them", Action("settings_kept"))),))


@BOOK.press("settings_cleared")
async def cleared(turn: Turn) -> Answer:
    change = ChatSettingsChange(timezone=None, organizer_role=None, channel_id=None)
    await turn.act(change_chat_settings, change, administers=turn.speaker.administers)
    return told("Back to the plain settings.")


@BOOK.press("settings_kept")
async def kept(turn: Turn) -> Answer:
    _admins_alone(turn)
    return _shown(await turn.here(), "Nothing changed", turn)


def _form(found: ChatSettings, turn: Turn) -> Form:
    dialect = turn.speaker.dialect
    role = Field("organizer_role", "Who may create events", found.organizer_role or "", kind="role")
    if dialect.platform == "slack":
        role = replace(role, value=role.value or _ANYBODY, choices=_offered(found.organizer_role, turn))
    return Form(
        f"This {dialect.space}",
        Action("settings_set"),
        (
            Field("timezone", "Clock", found.timezone or "", "Europe/Berlin", at_most=64),
            role,
            Field("channel", "Where cards are posted", found.channel_id or "", kind="channel"),
        ),
    )


def _offered(chosen: str | None, turn: Turn) -> tuple[Choice, ...]:
    """What is chosen stands first, so that it is there however many groups there are, and when the workspace tells of
    none any more. Nothing where there is nothing to choose."""
    dialect, groups = turn.speaker.dialect, turn.speaker.groups
    known = next((each for each in groups if each.value == chosen), None)
    here = known or (Choice(f"The {dialect.role} {chosen}", chosen) if chosen else None)
    if here is None and not groups:
        return ()
    others = (each for each in groups if each != here)
    return (*((here,) if here else ()), Choice(dialect.creators.capitalize(), _ANYBODY), *others)


def _shown(found: ChatSettings, title: str, turn: Turn) -> Screen:
    lines = (
        line("Clock: ", found.timezone or f"{turn.core.settings.default_timezone} (not set)"),
        line("May create events: ", *_creators(found, turn)),
        line("Cards go to: ", Mention("channel", found.channel_id) if found.channel_id else "where they are created"),
    )
    rows = ((Button("Change", Action("settings_form")), Button("Clear all", Action("settings_clear"))),)
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
