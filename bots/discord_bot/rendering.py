"""Screens and forms as Discord's own: every string escaped, every limit kept."""

from collections.abc import Callable, Sequence

import discord
from discord import ui

from bots.conversation.actions import LONGEST, Action
from bots.conversation.screens import (
    Button,
    ChannelMenu,
    Choices,
    Clock,
    Distance,
    Field,
    Form,
    Line,
    Mention,
    Menu,
    Moment,
    Piece,
    Quote,
    Row,
    Screen,
    Strong,
    Struck,
)
from core.rendering.discord_parts import escape, link_button, moment, size
from core.text import characters, cut

COLOUR = 0xB8420B
TITLE, DESCRIPTION = 256, 4096
LABEL, PLACEHOLDER, OPTION, VALUE = 80, 150, 100, 100
CHOICES, ROWS, IN_A_ROW = 25, 5, 5
MODAL_TITLE, FIELD_LABEL, FIELD_HINT, FIELD_TEXT, FIELDS = 45, 45, 100, 4000, 5
_AGAIN = "#"
_STYLES = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}
_MENTIONS = {"role": "<@&{}>", "channel": "<#{}>"}
_Picker = ui.RoleSelect[ui.View] | ui.ChannelSelect[ui.View]
_TEXT_CHANNELS = [discord.ChannelType.text, discord.ChannelType.news]


def embed_of(screen: Screen) -> discord.Embed:
    """The words of a screen. In an embed nobody is notified by a mention."""
    return discord.Embed(
        title=escape(screen.title, TITLE) or None, description=_lines(screen.lines) or None, colour=COLOUR
    )


def _lines(lines: Sequence[Line]) -> str:
    """As many lines as there is room for; the last of them is cut where it may be."""
    shown: list[str] = []
    room = DESCRIPTION
    for pieces in lines:
        text = _line(pieces, room)
        room -= size(text) + 1
        shown.append(text)
        if room <= 1:
            break
    return "\n".join(shown)


def _line(pieces: Line, room: int) -> str:
    shown = ""
    for piece in pieces:
        left = room - size(shown)
        if left <= 1:
            break
        text = _piece(piece, left)
        shown += text if size(text) <= left else "…"
    return shown


def _piece(piece: Piece, room: int) -> str:
    match piece:
        case str():
            return escape(piece, room)
        case Moment():
            return moment(piece.at, "F")
        case Clock():
            return moment(piece.at, "t")
        case Distance():
            return moment(piece.at, "R")
        case Strong():
            return _around("**", piece.words, room)
        case Struck():
            return _around("~~", piece.words, room)
        case Quote():
            return _quoted(piece.words, room)
        case Mention():
            return _MENTIONS[piece.what].format(piece.external_id)


def _around(mark: str, words: str, room: int) -> str:
    return f"{mark}{escape(words, max(1, room - 4))}{mark}"


def _quoted(words: str, room: int) -> str:
    lines = words.splitlines() or [""]
    return "\n".join(f"> {line}" for line in escape("\n".join(lines), max(1, room - 2 * len(lines))).split("\n"))


def view_of(screen: Screen) -> ui.View:
    """Stopped before it is sent: presses are found by what their ids say, not by what this process remembers."""
    view = ui.View(timeout=None)
    taken: set[str] = set()

    def named(action: Action) -> str:
        return _unlike(str(action), taken)

    rows = [made for row in screen.rows if (made := _row(row, named))]
    for number, items in enumerate(rows[:ROWS]):
        for item in items:
            item.row = number
            view.add_item(item)
    view.stop()
    return view


def action_in(custom_id: str) -> str:
    """What `str(action)` was."""
    return custom_id.partition(_AGAIN)[0]


def _unlike(custom_id: str, taken: set[str]) -> str:
    """Discord refuses a message with the same id twice, so a second one gets a number."""
    found, number = custom_id, 1
    while found in taken:
        number += 1
        found = f"{custom_id[: LONGEST - 3]}{_AGAIN}{number}"
    taken.add(found)
    return found


def _row(row: Row, named: Callable[[Action], str]) -> list[ui.Item[ui.View]]:
    if isinstance(row, ChannelMenu):
        picker: ui.ChannelSelect[ui.View] = ui.ChannelSelect(
            custom_id=named(row.action), placeholder=_cut(row.placeholder, PLACEHOLDER), channel_types=_TEXT_CHANNELS
        )
        return [picker]
    if isinstance(row, Menu):
        return _menu(row, named)
    return [made for button in row[:IN_A_ROW] if (made := _button(button, named)) is not None]


def _menu(menu: Menu, named: Callable[[Action], str]) -> list[ui.Item[ui.View]]:
    """Nothing where there is nothing to choose: Discord takes no empty menu, and no value twice."""
    choices = {each.value[:VALUE]: each for each in menu.choices if each.value}
    options = [
        discord.SelectOption(
            label=_cut(each.label, OPTION) or "·", value=value, description=_cut(each.description, OPTION) or None
        )
        for value, each in list(choices.items())[:CHOICES]
    ]
    if not options:
        return []
    most = max(1, min(menu.most, len(options)))
    select: ui.Select[ui.View] = ui.Select(
        custom_id=named(menu.action), placeholder=_cut(menu.placeholder, PLACEHOLDER), options=options, max_values=most
    )
    return [select]


def _button(button: Button, named: Callable[[Action], str]) -> ui.Item[ui.View] | None:
    label = _cut(button.label, LABEL)
    if button.action is not None:
        return ui.Button(label=label, custom_id=named(button.action), style=_STYLES[button.style])
    fits = link_button(label, button.url or "")
    return ui.Button(label=label, url=button.url) if fits else None


def modal_of(form: Form) -> ui.Modal:
    modal = ui.Modal(title=_cut(form.title, MODAL_TITLE), custom_id=str(form.action), timeout=None)
    for field in form.fields[:FIELDS]:
        modal.add_item(_field(field))
    modal.stop()
    return modal


def _field(field: Field) -> "ui.TextDisplay[ui.LayoutView] | ui.Label[ui.View]":
    """What does not fit is not asked: whoever sent a shortened text back would lose the rest of it."""
    if field.kind == "text" and size(field.value) > FIELD_TEXT:
        return ui.TextDisplay(f"**{escape(field.label, FIELD_LABEL)}** is too long to be changed here: use the page.")
    return ui.Label(text=_cut(field.label, FIELD_LABEL), component=_input(field))


def _input(field: Field) -> "ui.TextInput[ui.View] | ui.Select[ui.View] | _Picker":
    if field.kind != "text":
        return _picker(field)
    if field.choices:
        options = [
            discord.SelectOption(label=_cut(each.label, OPTION), value=each.value, default=each.value == field.value)
            for each in field.choices[:CHOICES]
        ]
        return ui.Select(custom_id=field.name, options=options, required=field.required)
    return ui.TextInput(
        custom_id=field.name,
        style=discord.TextStyle.paragraph if field.long else discord.TextStyle.short,
        default=field.value or None,
        placeholder=_cut(field.hint, FIELD_HINT) or None,
        required=field.required,
        # Discord counts an emoji twice; what is there already comes back whole.
        max_length=min(max(field.at_most, size(field.value)), FIELD_TEXT),
    )


def _picker(field: Field) -> "_Picker":
    """Discord's own list, with what was chosen; nothing may be."""
    kind = discord.SelectDefaultValueType.role if field.kind == "role" else discord.SelectDefaultValueType.channel
    chosen = [discord.SelectDefaultValue(id=int(field.value), type=kind)] if field.value.isdecimal() else []
    at_least = 1 if field.required else 0
    if field.kind == "role":
        return ui.RoleSelect(custom_id=field.name, default_values=chosen, min_values=at_least, required=field.required)
    return ui.ChannelSelect(
        custom_id=field.name, default_values=chosen, channel_types=_TEXT_CHANNELS, min_values=at_least,
        required=field.required,
    )  # fmt: skip


def choices_of(choices: Choices) -> list[discord.app_commands.Choice[str]]:
    """Labels are shown as they stand: nothing in them is markup there. What would not come back whole is left out."""
    return [
        discord.app_commands.Choice(name=_cut(each.label, OPTION), value=each.value)
        for each in choices.items[:CHOICES]
        if each.label and 0 < size(each.value) <= VALUE
    ]


def _cut(text: str, at_most: int) -> str:
    """At most so many of Discord's units, of text that is not markup where it stands."""
    return cut(tuple(characters(text)), at_most, size)
