"""What Discord answers 50035 for: the limits of a message, a form and the choices for an option."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

Payload = dict[str, Any]

BUTTON, MENU, TEXT_INPUT, LABEL = 2, 3, 4, 18
CHANNEL_MENU, TEXT = 8, 10


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def buttons(payload: Payload) -> list[Payload]:
    """Everything to press or to pick."""
    return [button for row in payload.get("components") or [] for button in row["components"]]


def faults(payload: Payload) -> Iterator[str]:
    """Of a message."""
    if units(payload.get("content") or "") > 2000 or not (payload.get("content") or payload.get("embeds")):
        yield "content"
    if len(payload.get("nonce", "")) > 25:
        yield "nonce"
    for embed in payload.get("embeds", []):
        title, description = embed.get("title") or "", embed.get("description") or ""
        if units(title) > 256 or units(description) > 4096 or not title + description:
            yield "embed"
    rows = payload.get("components") or []
    if len(rows) > 5:
        yield "rows"
    for row in rows:
        menus = [each for each in row["components"] if each["type"] != BUTTON]
        if not 0 < len(row["components"]) <= (1 if menus else 5):
            yield "row"
    pressed = Counter(each["custom_id"] for each in buttons(payload) if "custom_id" in each)
    if any(count > 1 for count in pressed.values()):
        yield "custom_id twice"
    for each in buttons(payload):
        yield from _button_faults(each)


def _button_faults(button: Payload) -> Iterator[str]:
    if len(button.get("custom_id", "")) > 100 or ("url" in button and "." not in button["url"]):
        yield "button"
    if button["type"] == BUTTON:
        if units(button.get("label") or "") > 80 or not (button.get("label") or button.get("emoji")):
            yield "label"
        return
    if units(button.get("placeholder") or "") > 150:
        yield "placeholder"
    if button["type"] == MENU:
        options = button.get("options", [])
        values = {each["value"] for each in options}
        if not 0 < len(options) <= 25 or len(values) < len(options):
            yield "options"
        if not all(0 < units(each[name]) <= 100 for each in options for name in ("label", "value")):
            yield "option"
        if any(units(each.get("description") or "") > 100 for each in options):
            yield "option description"


def form_faults(data: Payload) -> Iterator[str]:
    if not 0 < units(data["title"]) <= 45 or not 0 < len(data["custom_id"]) <= 100:
        yield "title"
    if not 0 < len(data["components"]) <= 5:
        yield "fields"
    for label in data["components"]:
        if label["type"] == TEXT:
            if not 0 < units(label["content"]) <= 4000:
                yield "text"
            continue
        field = label["component"] if label["type"] == LABEL else label["components"][0]
        words = label.get("label") or field.get("label") or ""
        if not 0 < units(words) <= 45 or units(field.get("placeholder") or "") > 100:
            yield "field"
        if field["type"] == TEXT_INPUT and not (
            1 <= field.get("max_length", 4000) <= 4000
            and units(field.get("value") or "") <= field.get("max_length", 4000)
        ):
            yield "value"


def choice_faults(choices: list[Payload]) -> Iterator[str]:
    if len(choices) > 25:
        yield "choices"
    for each in choices:
        if not 0 < units(each["name"]) <= 100 or not 0 < units(each["value"]) <= 100:
            yield "choice"


def command_faults(tree: list[Payload]) -> Iterator[str]:
    """Names, descriptions, and that what is required comes first."""
    for each in tree:
        if not 0 < len(each["name"]) <= 32 or not 0 < units(each["description"]) <= 100:
            yield each["name"]
        options = each.get("options", [])
        needed = [bool(option.get("required")) for option in options if option["type"] > 2]
        if len(options) > 25 or needed != sorted(needed, reverse=True):
            yield f"options of {each['name']}"
        yield from command_faults(options)


def event_faults(event: Payload) -> Iterator[str]:
    """Of one that a server lists itself, elsewhere than in its own channels."""
    if not 0 < units(event["name"]) <= 100 or units(event.get("description") or "") > 1000:
        yield "words"
    if (event["entity_type"], event["privacy_level"]) != (3, 2):
        yield "kind"
    if not 0 < units(event["entity_metadata"]["location"]) <= 100:
        yield "location"
    if not event["scheduled_start_time"] < event["scheduled_end_time"]:
        yield "times"
