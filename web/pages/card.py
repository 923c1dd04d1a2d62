"""The picture that other sites show beside a link to an event (OpenGraph): the sunrise of its page, and its name."""

import functools
import hashlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from web.pages.cover import horizon

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1200, 630
FORM = 1
"""Rises when the same event is drawn otherwise."""
_TWICE = 2
"""Drawn that much larger and then reduced, so that edges are smooth."""
_LEFT, _TOP, _ROOM = 72, 64, 1056
_LINES = 3


@dataclass(frozen=True, slots=True)
class Card:
    public_id: str
    name: str
    when: str
    location: str

    def digest(self, *more: object) -> str:
        return hashlib.sha256(repr((self, more)).encode()).hexdigest()[:20]


@functools.lru_cache(maxsize=64)
def draw_card(card: Card) -> bytes:
    """PNG. Takes a tenth of a second: whoever answers requests lets a thread do it."""
    from PIL import ImageDraw  # many megabytes, for a process that may never be asked for a card

    picture = _scene(card.public_id)
    pen = ImageDraw.Draw(picture)
    pen.text((_LEFT, _TOP), card.when, font=_font(34, 600), fill="#ffe3b0")
    below = _name(pen, card.name, _TOP + 58)
    if readable(card.location):
        pen.text((_LEFT, below + 14), _cut(pen, card.location, _font(34, 400)), font=_font(34, 400), fill="#ffffff")
    pen.text((_LEFT, HEIGHT - 86), "soonish", font=_font(36, 700), fill="#ffe3b0")
    found = io.BytesIO()
    picture.quantize(128).save(found, "PNG", optimize=True)
    return found.getvalue()


def readable(text: str) -> str:
    """What of a text the typeface has letters for; nothing, when that would not be the text any more."""
    has = "".join(ch for ch in text if ch == " " or _drawn(ch))
    kept = " ".join(has.split())
    return kept if len(kept) * 2 > len(text) else ""


def _name(pen: "ImageDraw.ImageDraw", name: str, top: float) -> float:
    """As large as it fits in three lines; where it ends."""
    text = readable(name)
    if not text:
        return top
    for size in (84, 68, 54):
        lines = _wrapped(pen, text, _font(size, 700))
        if len(lines) <= _LINES:
            break
    for line in lines[:_LINES]:
        pen.text((_LEFT, top), _cut(pen, line, _font(size, 700)), font=_font(size, 700), fill="#ffffff")
        top += size * 1.16
    return top


def _wrapped(pen: "ImageDraw.ImageDraw", text: str, font: "ImageFont.FreeTypeFont") -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and pen.textlength(longer, font=font) > _ROOM:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _cut(pen: "ImageDraw.ImageDraw", line: str, font: "ImageFont.FreeTypeFont") -> str:
    line = readable(line)
    if pen.textlength(line, font=font) <= _ROOM:
        return line
    while pen.textlength(f"{line}…", font=font) > _ROOM:
        line = line[:-1]
    return f"{line}…"


def _scene(public_id: str) -> "Image.Image":
    from PIL import Image, ImageDraw

    seen, (width, height) = horizon(public_id, WIDTH, HEIGHT), (WIDTH * _TWICE, HEIGHT * _TWICE)
    sky = Image.linear_gradient("L").resize((width, height))
    picture = Image.merge("RGB", [sky.point(_ramp(seen.sky, part)) for part in range(3)])
    pen = ImageDraw.Draw(picture)
    x, y, radius = (each * _TWICE for each in seen.sun)
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=seen.light)
    for points, colour in zip(seen.hills, seen.earth, strict=True):
        pen.polygon([(px * _TWICE, py * _TWICE) for px, py in points], fill=colour)
    return picture.reduce(_TWICE)


def _ramp(colours: tuple[str, str, str], part: int) -> list[int]:
    """For each of 256 heights how much of red, green or blue."""
    top, middle, bottom = (int(each[1 + 2 * part : 3 + 2 * part], 16) for each in colours)
    upper = [top + (middle - top) * step / 140 for step in range(140)]
    return [int(each) for each in (*upper, *(middle + (bottom - middle) * step / 116 for step in range(116)))]


@functools.cache
def _font(size: int, weight: int) -> "ImageFont.FreeTypeFont":
    import fontpkg_open_sans
    from PIL import ImageFont

    [file] = fontpkg_open_sans.ROOT.glob("files/OpenSans[[]*")
    font = ImageFont.truetype(str(file), size)
    axes = [weight if axis["name"] == b"Weight" else axis["default"] for axis in font.get_variation_axes()]
    font.set_variation_by_axes([float(each or 0) for each in axes])
    return font


@functools.lru_cache(maxsize=2_000)
def _drawn(ch: str) -> bool:
    font = _font(34, 400)
    return ch.isprintable() and bytes(font.getmask(ch)) != bytes(font.getmask("\uffff"))
