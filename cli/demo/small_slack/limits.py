"""What Slack refuses of blocks and views: as its reference says, and nothing that it would take."""

from collections.abc import Iterator
from typing import Any

Payload = dict[str, Any]
MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
# https://docs.slack.dev/reference/block-kit
_TEXT = {"header": 150, "section": 3000}
_ELEMENT_TEXT, _OPTION, _VALUE, _OPTIONS, _ACTION, _PLACEHOLDER, _URL = 75, 75, 150, 100, 255, 150, 3000
_LABEL, _TITLE, _METADATA, _INPUT = 2000, 24, 3000, 3000


def message_faults(payload: Payload) -> list[str]:
    blocks = payload.get("blocks") or []
    found = list(_blocks(blocks, MESSAGE_BLOCKS))
    found += ["an input in a message"] if any(block.get("type") == "input" for block in blocks) else []
    if not payload.get("text") and not blocks:
        found.append("nothing to say")
    return found


def view_faults(view: Payload) -> list[str]:
    found = list(_blocks(view.get("blocks") or [], VIEW_BLOCKS))
    if view.get("type") == "modal":
        found += _plain(view.get("title"), _TITLE, "title")
        inputs = [block for block in view["blocks"] if block["type"] == "input"]
        if inputs and "submit" not in view:
            found.append("inputs without submit")
        names = [block["block_id"] for block in view["blocks"] if "block_id" in block]
        found += ["a block_id twice"] if len(names) != len(set(names)) else []
    if len(view.get("private_metadata") or "") > _METADATA:
        found.append("private_metadata")
    return found


def _blocks(blocks: list[Payload], at_most: int) -> Iterator[str]:
    if len(blocks) > at_most:
        yield f"{len(blocks)} blocks"
    for block in blocks:
        kind = block.get("type", "")
        if kind == "actions":
            elements = block.get("elements") or []
            if not 1 <= len(elements) <= 25:
                yield f"{len(elements)} elements"
            ids = [each.get("action_id") for each in elements]
            if len(ids) != len(set(ids)):
                yield "an action_id twice"
            for each in elements:
                yield from _element(each)
                if each.get("type") == "multi_static_select":
                    yield "a multi select in actions"
        elif kind == "input":
            yield from _plain(block.get("label"), _LABEL, "label")
            yield from _element(block["element"])
        elif kind in _TEXT:
            text = (block.get("text") or {}).get("text", "")
            if not 1 <= len(text) <= _TEXT[kind]:
                yield f"{kind} of {len(text)}"
            if "accessory" in block:
                yield from _element(block["accessory"])
        else:
            yield f"a block of type {kind!r}"


def _element(element: Payload) -> Iterator[str]:
    kind = element.get("type", "")
    if not 1 <= len(element.get("action_id", "")) <= _ACTION:
        yield "action_id"
    if kind == "button":
        yield from _plain(element.get("text"), _ELEMENT_TEXT, "button")
        if len(element.get("url", "")) > _URL:
            yield "url"
        if element.get("style", "primary") not in ("primary", "danger"):
            yield "style"
    if "placeholder" in element:
        yield from _plain(element["placeholder"], _PLACEHOLDER, "placeholder")
    if kind in ("static_select", "multi_static_select"):
        options = element.get("options") or []
        if not 1 <= len(options) <= _OPTIONS:
            yield f"{len(options)} options"
        for option in options:
            yield from _plain(option.get("text"), _OPTION, "option")
            if not 1 <= len(option.get("value", "")) <= _VALUE:
                yield "value"
    if kind == "plain_text_input":
        if not 1 <= element.get("max_length", 1) <= _INPUT:
            yield "max_length"
        if len(element.get("initial_value", "")) > element.get("max_length", _INPUT):
            yield "initial_value"


def _plain(text: Payload | None, at_most: int, what: str) -> Iterator[str]:
    if text is None or text.get("type") != "plain_text" or not 1 <= len(text.get("text", "")) <= at_most:
        yield what
