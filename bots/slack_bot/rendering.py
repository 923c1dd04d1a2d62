"""Screens and forms as Slack's blocks and views: every string escaped, every limit kept."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bots.conversation.actions import LONGEST
from bots.conversation.screens import (
    Button,
    ChannelMenu,
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
    told,
)
from core.rendering.slack_parts import SECTION_AT_MOST, escape, link_button, moment, plain, press_button, section
from core.text import characters

Block = dict[str, Any]
View = dict[str, Any]

HEADER, MODAL_TITLE = 150, 24
OPTION, VALUE, CHOICES = 75, 150, 100
INPUT, HINT, LABEL = 3000, 150, 150
IN_A_ROW, BLOCKS = 25, 50
METADATA = 3000
PICKED = ".picked"
"""Behind a field's name: the calendar beside what is typed."""
WINDOW = "soonish-window"
_AGAIN = "#"
_CHANNELS: Block = {"filter": {"include": ["public", "private"], "exclude_bot_users": True}}
_STYLES = {"plain": None, "primary": "primary", "danger": "danger"}
_MENTIONS = {"role": "<!subteam^{}>", "channel": "<#{}>"}
"""Where they are shown, in what only one person sees, nobody is notified."""
WAIT = told("Just a moment…")


def blocks_of(screen: Screen) -> list[Block]:
    head = [{"type": "header", "text": plain(screen.title, HEADER)}] if screen.title else []
    rows = [made for row in screen.rows if (made := _row(row)) is not None]
    return [*head, *_sections(screen.lines, BLOCKS - len(head) - len(rows)), *rows][:BLOCKS]


def text_of(screen: Screen) -> str:
    """For notifications and screen readers, and beside a field: words alone."""
    return " ".join(filter(None, [screen.title, *("".join(map(_words, each)) for each in screen.lines)]))


def _words(piece: Piece) -> str:
    match piece:
        case str():
            return piece
        case Moment() | Clock() | Distance():
            return piece.fallback
        case Mention():
            return piece.external_id
        case _:
            return piece.words


def _sections(lines: Sequence[Line], at_most: int) -> list[Block]:
    """Lines together as long as they fit into one block: Slack shows a gap between two."""
    found: list[str] = []
    for each in (portion for whole in lines for portion in _portions(whole)):
        text = _line(each)
        if found and len(found[-1]) + 1 + len(text) <= SECTION_AT_MOST:
            found[-1] += f"\n{text}"
        else:
            found.append(text)
    return [section(text) for text in found[: max(1, at_most)] if text.strip()]


def _portions(pieces: Line) -> Iterator[Line]:
    """Somebody's own words may be longer than a block: between two words of theirs another one begins."""
    words = pieces[0] if len(pieces) == 1 else None
    if not isinstance(words, str | Quote):
        yield pieces
        return
    said, again = (words.words, Quote) if isinstance(words, Quote) else (words, str)
    taken: list[str] = []
    room = SECTION_AT_MOST
    for each in characters(said):
        room -= _cost(each)
        if taken and room < _cost("\n"):
            at = next((at for at in range(len(taken), 0, -1) if taken[at - 1].isspace()), len(taken))
            yield (again("".join(taken[:at]).rstrip()),)
            taken = taken[at:]
            room = SECTION_AT_MOST - sum(map(_cost, taken)) - _cost(each)
        taken.append(each)
    yield (again("".join(taken)),)


def _cost(character: str) -> int:
    """A new line begins with the mark of a quote."""
    return len(escape(character, SECTION_AT_MOST)) + 2 * (len(f"{character}.".splitlines()) - 1)


def _line(pieces: Line) -> str:
    shown = ""
    for piece in pieces:
        left = SECTION_AT_MOST - len(shown)
        if left <= 1:
            break
        text = _piece(piece, left)
        shown += text if len(text) <= left else "…"
    return shown


def _piece(piece: Piece, room: int) -> str:
    match piece:
        case str():
            return escape(piece, room)
        case Moment():
            return moment(piece.at, piece.fallback)
        case Clock():
            return moment(piece.at, piece.fallback, "{time}")
        case Distance():
            return escape(piece.fallback, room)
        case Strong():
            return f"*{escape(piece.words, max(1, room - 2))}*"
        case Struck():
            return f"~{escape(piece.words, max(1, room - 2))}~"
        case Quote():
            return _quoted(piece.words, room)
        case Mention():
            return _MENTIONS[piece.what].format(piece.external_id)


def _quoted(words: str, room: int) -> str:
    lines = words.splitlines() or [""]
    return "\n".join(f"> {line}" for line in escape("\n".join(lines), max(1, room - 2 * len(lines))).split("\n"))


def action_in(action_id: str) -> str:
    """What `str(action)` was."""
    return action_id.partition(_AGAIN)[0]


def _row(row: Row) -> Block | None:
    if isinstance(row, ChannelMenu):
        picker = {
            "type": "conversations_select",
            "action_id": str(row.action),
            "placeholder": plain(row.placeholder, HINT),
            **_CHANNELS,
        }
        return {"type": "actions", "elements": [picker]}
    if isinstance(row, Menu):
        return _menu(row)
    taken: set[str] = set()
    made = [found for button in row[:IN_A_ROW] if (found := _button(button, taken)) is not None]
    return {"type": "actions", "elements": made} if made else None


def _menu(menu: Menu) -> Block | None:
    """Nothing where there is nothing to choose: Slack takes no empty menu."""
    options = list(_options(menu.choices))
    if not options:
        return None
    select: Block = {"action_id": str(menu.action), "placeholder": plain(menu.placeholder, HINT), "options": options}
    if menu.most == 1:
        return {"type": "actions", "elements": [{"type": "static_select", **select}]}
    several = {"type": "multi_static_select", "max_selected_items": min(menu.most, len(options)), **select}
    return {**section(escape(menu.placeholder, HINT)), "accessory": several}


def _options(choices: Sequence[Any]) -> Iterator[Block]:
    seen: set[str] = set()
    for each in choices:
        value = each.value[:VALUE]
        if not value or value in seen or len(seen) >= CHOICES:
            continue
        seen.add(value)
        more = {"description": plain(each.description, OPTION)} if each.description else {}
        yield {"text": plain(each.label or "·", OPTION), "value": value, **more}


def _button(button: Button, taken: set[str]) -> Block | None:
    if button.action is None:
        return link_button(button.label, button.url or "")
    action_id, number = str(button.action), 1
    while action_id in taken:  # Slack refuses the same id twice in a row of buttons
        number += 1
        action_id = f"{str(button.action)[: LONGEST - 3]}{_AGAIN}{number}"
    taken.add(action_id)
    return press_button(button.label, action_id, _STYLES[button.style])


def window_of(screen: Screen, metadata: str = "") -> View:
    """A screen in a modal; it has no button of its own to send it."""
    return {
        "type": "modal",
        "callback_id": WINDOW,
        "title": plain("Soonish", MODAL_TITLE),
        "close": plain("Close", MODAL_TITLE),
        "private_metadata": metadata[:METADATA],
        "blocks": blocks_of(screen) or [section("…")],
    }


def home_of(screen: Screen) -> View:
    return {"type": "home", "blocks": blocks_of(screen)}


def modal_of(form: Form, metadata: str = "", *, wrong: str = "") -> View:
    """`wrong`: what is said on top of it, where it cannot be said beside a field any more."""
    first = [section(f"⚠️ {escape(wrong, 500)}")] if wrong else []
    return {
        "type": "modal",
        "callback_id": str(form.action),
        "title": plain(form.title, MODAL_TITLE),
        "submit": plain("Continue", MODAL_TITLE),
        "close": plain("Close", MODAL_TITLE),
        "private_metadata": metadata[:METADATA],
        "blocks": [*first, *(block for field in (*form.fields, *form.more) for block in _inputs(field))],
    }


def _inputs(field: Field) -> Iterator[Block]:
    if field.kind == "role" and not field.choices:
        return  # Slack has no list of its own, and there is nothing to choose here
    if len(field.value) > INPUT:
        yield section(f"*{escape(field.label, LABEL)}* is too long to be changed here: use the page.")
        return
    optional = not field.required or field.moment
    yield _input(field.name, field.label, _element(field), optional=optional)
    if field.moment:
        picker = {"type": "datetimepicker", "action_id": field.name + PICKED}
        yield _input(field.name + PICKED, f"{field.label}: or pick it, in your own time", picker, optional=True)


def _input(name: str, label: str, element: Block, *, optional: bool) -> Block:
    return {"type": "input", "block_id": name, "label": plain(label, LABEL), "element": element, "optional": optional}


def _element(field: Field) -> Block:
    if field.kind == "channel":
        chosen_channel = {"initial_conversation": field.value} if field.value else {}
        return {"type": "conversations_select", "action_id": field.name, **_CHANNELS, **chosen_channel}
    if field.choices:
        options = list(_options(field.choices))
        chosen = [each for each in options if each["value"] == field.value]
        first = {"initial_option": chosen[0]} if chosen else {}
        return {"type": "static_select", "action_id": field.name, "options": options, **first}
    return {
        "type": "plain_text_input",
        "action_id": field.name,
        "multiline": field.long,
        "max_length": min(max(field.at_most, len(field.value)), INPUT),
        **({"initial_value": field.value} if field.value else {}),
        **({"placeholder": plain(field.hint, HINT)} if field.hint else {}),
    }


def refilled(view: Mapping[str, Any], given: Mapping[str, str], wrong: str) -> View:
    """The form that was sent, as it was typed, for an answer that came too late to stand beside its field."""
    blocks = [_refilled(block, given) for block in view.get("blocks", []) if block["type"] == "input"]
    kept = {name: view[name] for name in ("type", "callback_id", "title", "submit", "close", "private_metadata")}
    return {**kept, "blocks": [section(f"⚠️ {escape(wrong, 500)}"), *blocks]}


def _refilled(block: Mapping[str, Any], given: Mapping[str, str]) -> Block:
    element, typed = dict(block["element"]), given.get(block["block_id"], "")
    if element["type"] == "plain_text_input":
        element.pop("initial_value", None)
        if typed:
            element["initial_value"] = typed
    elif element["type"] == "static_select":
        chosen = [each for each in element["options"] if each["value"] == typed]
        element |= {"initial_option": chosen[0]} if chosen else {}
    elif element["type"] == "conversations_select":
        element.pop("initial_conversation", None)
        element |= {"initial_conversation": typed} if typed else {}
    return {**block, "element": element}


def metadata_of(channel_id: str | None, channel_name: str) -> str:
    """Where a window was opened: it comes back with what is sent from it."""
    return json.dumps({"channel": channel_id, "name": channel_name}) if channel_id else ""
