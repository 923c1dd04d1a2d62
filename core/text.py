"""Text that people typed: cleaned, bounded, and shown without giving anybody away."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, StringConstraints

_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]")
_BLOCK = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]")
_ISOLATES = re.compile("[\u2066-\u2069]")
_LINE_OF_TEXT = re.compile(r"[^\r\n]+")
_END_OF_ISOLATE = "\u2069"


def _one_line(value: str) -> str:
    if _LINE.search(value) or any("\ud800" <= ch <= "\udfff" for ch in value):
        raise ValueError("must be one line without control characters")
    return value


def _clean_block(value: str) -> str:
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if _BLOCK.search(value):
        raise ValueError("contains control characters")
    return value


def _normalise(value: object) -> object:
    return unicodedata.normalize("NFC", _isolated(value)).strip() if isinstance(value, str) else value


def _isolated(value: str) -> str:
    """Telephones put marks around numbers in Arabic and Hebrew, which come along when something is pasted. In pairs on
    one line they stay: what is around them is not turned. Others would turn what follows, and nobody typed them."""
    return _LINE_OF_TEXT.sub(lambda found: _paired(found[0]), value) if _ISOLATES.search(value) else value


def _paired(text: str) -> str:
    """One line of it."""
    depth = 0
    for mark in _ISOLATES.findall(text):
        depth += -1 if mark == _END_OF_ISOLATE else 1
        if depth < 0:
            break
    return text if depth == 0 else _ISOLATES.sub("", text)


def _visible(value: str) -> str:
    if not any(unicodedata.category(ch)[0] in "LNPS" for ch in value):
        raise ValueError("must contain something to read")
    return value


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    BeforeValidator(_normalise),
    AfterValidator(_one_line),
    AfterValidator(_visible),
]
Line = Annotated[str, StringConstraints(max_length=300), BeforeValidator(_normalise), AfterValidator(_one_line)]
Block = Annotated[str, StringConstraints(max_length=10_000), BeforeValidator(_normalise), AfterValidator(_clean_block)]
MessageBody = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4_000),
    BeforeValidator(_normalise),
    AfterValidator(_clean_block),
    AfterValidator(_visible),
]


def cut(pieces: Sequence[str], limit: int, size: Callable[[str], int] = len) -> str:
    """All pieces, or as many as leave room for an ellipsis; `size` counts as the reader of the limit does."""
    if sum(map(size, pieces)) <= limit:
        return "".join(pieces)
    kept, room = [], limit - 1
    for piece in pieces:
        room -= size(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…"


def characters(text: str) -> Iterator[str]:
    """What people take for one character at a time: with its accents, its skin tone, the other half of its flag or
    family. A cut between two of them is a cut nobody sees."""
    start = 0
    for at in range(1, len(text)):
        if not _joined(text, start, at):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def _joined(text: str, start: int, at: int) -> bool:
    """Whether the character that begins at `start` goes on at `at`."""
    before, here = text[at - 1], text[at]
    if here in "\u200d\ufe0e\ufe0f" or before == "\u200d" or unicodedata.category(here)[0] == "M":
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":
        return True
    flag = "\U0001f1e6" <= here <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff"
    return flag and (at - start) % 2 == 1


def mask_address(address: str) -> str:
    """`n•••a@example.org`: enough to recognise one's own, too little to write to."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••{local[-1:] if len(local) > 2 else ''}@{domain}"
