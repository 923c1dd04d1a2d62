"""The book of commands as Discord's JSON."""

import hashlib
import json
from collections import defaultdict
from typing import Any

from bots.conversation.book import Command, Option
from bots.conversation.dialect import DIALECTS
from bots.conversation.verbs import BOOK

SUB_COMMAND, TEXT = 1, 3
_TYPES = {"text": TEXT, "member": 6, "channel": 7, "role": 8}
_TEXT_CHANNELS = [0, 5]
"""Text and announcement channels."""
_GROUPS = {
    "event": "Events: create them, follow them, write to those who come",
    "me": "Yours: what you follow, where you are reached, your account",
    "soonish": "Help, and how this server wants it",
}
_CONTEXTS = [0, 1]
"""In servers, and in direct messages with the bot."""
WORDS_AT_MOST = 100


def command_tree() -> list[dict[str, Any]]:
    """What Discord is told; in the order of the book, so that the same book gives the same bytes."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for command in BOOK.commands.values():
        groups[command.group].append(_command(command))
    return [
        {
            "type": 1,
            "name": name,
            "description": _GROUPS[name],
            "options": commands,
            "contexts": _CONTEXTS,
            "integration_types": [0],
        }
        for name, commands in groups.items()
    ]


def _command(command: Command) -> dict[str, Any]:
    required_first = sorted(command.options, key=lambda option: not option.required)
    options = [_option(option) for option in required_first]
    return {
        "type": SUB_COMMAND,
        "name": command.name,
        "description": _words(command.words),
        "options": options,
    }


def _option(option: Option) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _TYPES[option.kind],
        "name": option.name,
        "description": _words(option.words),
        "required": option.required,
    }
    if option.completes:
        found["autocomplete"] = True
    if option.choices:
        found["choices"] = [{"name": each, "value": each} for each in option.choices]
    if option.kind == "channel":
        found["channel_types"] = _TEXT_CHANNELS
    return found


def _words(words: str) -> str:
    return DIALECTS["discord"].says(words)[:WORDS_AT_MOST]


def fingerprint(tree: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()[:32]
