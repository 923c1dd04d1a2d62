"""What Slack makes of a command's text where the app's manifest says `should_escape`."""

import re
from collections.abc import Mapping

_LINK = re.compile(r"https?://\S+|(?<![\w@./-])[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|example)\b(?:/\S*)?")
_NAMED = re.compile(r"(?<![\w/])([@#])([\w.-]+)")


def escaped(text: str, named: Mapping[str, str]) -> str:
    """`named`: what `@name` and `#name` stand for, in Slack's angle brackets. Anything else stays as it is typed."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    pieces, at = [], 0
    for link in _LINK.finditer(text):
        pieces += [_mentioned(text[at : link.start()], named), _linked(link[0])]
        at = link.end()
    return "".join([*pieces, _mentioned(text[at:], named)])


def _linked(typed: str) -> str:
    return f"<{typed}>" if typed.startswith("http") else f"<http://{typed}|{typed}>"


def _mentioned(text: str, named: Mapping[str, str]) -> str:
    return _NAMED.sub(lambda found: named.get(found[0].lower(), found[0]), text)
