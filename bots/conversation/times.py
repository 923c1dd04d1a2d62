"""A name and a time out of one line that somebody typed."""

import re

from core.when import is_a_time
from core.when.words import DAYPARTS


def divide(text: str, locale: str | None) -> tuple[str, str]:
    """`Film night tomorrow 7pm` as a name and a time: the longest end of it that reads as one, and does not begin with
    a word like "night", which names what happens as often. A name in quotes is itself. Empty where none is: a line that
    is all a time has no name."""
    quoted = re.match(r'\s*["“](.+?)["”]\s*(.*)', text)
    if quoted:
        return quoted[1].strip(), quoted[2].strip()
    if is_a_time(text, locale):
        return "", text.strip()
    words = text.split()
    for at in range(1, len(words)):
        when = " ".join(words[at:])
        if words[at].lower() not in DAYPARTS and is_a_time(when, locale):
            return " ".join(words[:at]), when
    return " ".join(words), ""
