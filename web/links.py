"""Addresses in what people wrote become links, and nothing else of it becomes markup."""

import re

from markupsafe import Markup, escape

# Bounded, and only from where a word begins: a long text without addresses is read once, not once for each letter.
_ADDRESS = re.compile(
    r"\bhttps?://[^\s<>\"]+|(?<![\w.%+@/-])[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w@])", re.IGNORECASE
)
_ENDS_A_SENTENCE = ".,;:!?'’”»*_"
_PAIRS = {")": "(", "]": "[", "}": "{"}


def linked(text: str) -> Markup:
    """For templates. Who links this way is not who runs the site: search engines and the page behind are told so."""
    found, done = [], 0
    for match in _ADDRESS.finditer(text):
        shown = _without_the_rest(match[0])
        if shown.endswith("//"):
            continue
        href = shown if "://" in shown else f"mailto:{shown}"
        link = Markup('<a href="{}" rel="nofollow noopener ugc">{}</a>').format(href, shown)
        found += [escape(text[done : match.start()]), link]
        done = match.start() + len(shown)
    return Markup("").join([*found, escape(text[done:])])


def _without_the_rest(address: str) -> str:
    """Without what belongs to the sentence around it: its full stop, and a bracket that was opened before it."""
    end = len(address)
    while end:
        last = address[end - 1]
        opened = _PAIRS.get(last)
        unpaired = opened is not None and address.count(last, 0, end) > address.count(opened, 0, end)
        if last not in _ENDS_A_SENTENCE and not unpaired:
            break
        end -= 1
    return address[:end]
