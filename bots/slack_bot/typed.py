"""`/soonish <verb> …`: which command that is, and what the rest says."""

import re

from bots.conversation.book import Command
from bots.conversation.times import divide
from bots.conversation.verbs import BOOK
from bots.conversation.verbs.helping import UNKNOWN

ALIASES = {
    "": "help", "me": "subscriptions", "mine": "subscriptions", "new": "create", "invites": "invite", "tz": "timezone",
    "zone": "timezone", "stop": "unsubscribe",
}  # fmt: skip
_SETTINGS = {"timezone": "timezone", "clock": "timezone", "organizers": "organizer_role", "channel": "channel"}
_PERSON = re.compile(r"<@([A-Z0-9]{2,32})(?:\|[^>]*)?>")
_GROUP = re.compile(r"<!subteam\^([A-Z0-9]{2,32})(?:\|[^>]*)?>")
_CHANNEL = re.compile(r"<#([A-Z0-9]{2,32})(?:\|[^>]*)?>")
_LINKED = re.compile(r"<([^<>|\s]+)(?:\|([^<>]*))?>")
"""What Slack makes of addresses and mentions that are typed; every other `<` comes as an entity."""
_QUOTED = re.compile(r'["“]([^"“”]*)["”]')
_TO = re.compile(r"\bto (follow|organize)\s*$", re.IGNORECASE)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def read_command(text: str, locale: str | None) -> tuple[Command, dict[str, str]]:
    """Slack has one command for everything, so a verb is enough. An unknown one is a question for help, which says
    so."""
    verb, _, rest = " ".join(text.split()).partition(" ")
    command = BOOK.called(ALIASES.get(verb.lower(), verb.lower()))
    if command is None:
        return BOOK.commands["soonish", "help"], {UNKNOWN: _plain(verb)}
    return command, _given(command, rest, locale)


def _given(command: Command, rest: str, locale: str | None) -> dict[str, str]:
    if command.name == "create":
        name, when = divide(_unescaped(rest), locale)
        return {"name": name, "when": when}
    if command.name == "settings":
        what, _, value = rest.partition(" ")
        found = _id_in(value)
        return {_SETTINGS[what.lower()]: found} if what.lower() in _SETTINGS and found else {}
    if command.name == "invite":
        person, group, purpose = _PERSON.search(rest), _GROUP.search(rest), _TO.search(rest)
        event = _plain(_TO.sub("", _GROUP.sub("", _PERSON.sub("", rest))))
        return {
            "event": event, "member": person[1] if person else "", "role": group[1] if group else "",
            "to": purpose[1].lower() if purpose else "",
        }  # fmt: skip
    return {command.options[0].name: _plain(rest)} if command.options and rest else {}


def _id_in(value: str) -> str:
    for kind in (_GROUP, _CHANNEL):
        if found := kind.fullmatch(value.strip()):
            return found[1]
    return _plain(value)


def _plain(text: str) -> str:
    """As it was typed, before Slack escaped it."""
    said = _unescaped(text).strip()
    quoted = _QUOTED.fullmatch(said)
    return quoted[1].strip() if quoted else said


def _said(linked: re.Match[str]) -> str:
    """A link as its address, and whoever is mentioned as they are called."""
    target, label = linked[1], linked[2] or ""
    if target[0] not in "@#!":
        return label if label and target.startswith("mailto:") else target
    mark = "#" if target[0] == "#" else "@"
    return mark + (label.removeprefix(mark) or target[1:].rpartition("^")[2])


def _unescaped(text: str) -> str:
    text = _LINKED.sub(_said, text)
    return re.sub("&(?:lt|gt|amp);", lambda found: _ENTITIES[found[0]], text)
