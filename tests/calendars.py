"""A second reader of iCalendar files: it knows what RFC 5545 allows, and forgives nothing."""

import datetime as dt
import re
from dataclasses import dataclass

_LINE = re.compile(r'([A-Z-]+)((?:;[A-Z-]+=(?:"[^"]*"|[^";:,]*))*):(.*)', re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PLAIN = re.compile(r"(?:[^\\;,]|\\[\\;,n])*")
_ESCAPES = {"\\\\": "\\", "\\;": ";", "\\,": ",", "\\n": "\n"}
_TEXTS = ("SUMMARY", "DESCRIPTION", "LOCATION", "UID", "PRODID")


@dataclass(frozen=True)
class Entry:
    """The one event of a file, with the properties of the file around it."""

    names: list[str]
    values: dict[str, str]

    def __getitem__(self, name: str) -> str:
        value = self.values[name]
        return _text(value) if name in _TEXTS else value

    def get(self, name: str, otherwise: str = "") -> str:
        return self[name] if name in self.values else otherwise

    def __contains__(self, name: str) -> bool:
        return name in self.values

    @property
    def sequence(self) -> int:
        return int(self["SEQUENCE"])

    def instant(self, name: str) -> dt.datetime:
        """Fails for a floating time, a day without an hour, and a time in any zone but UTC."""
        assert re.fullmatch(r"\d{8}T\d{6}Z", self[name]), self[name]
        return dt.datetime.strptime(self[name], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)


def read_strictly(text: str) -> Entry:
    lines = [_content(line) for line in _unfold(text)]
    names = [name for name, _, _ in lines]
    assert [(name, value) for name, _, value in lines if name in ("BEGIN", "END")] == [
        ("BEGIN", "VCALENDAR"), ("BEGIN", "VEVENT"), ("END", "VEVENT"), ("END", "VCALENDAR"),
    ]  # fmt: skip
    assert names[0] == "BEGIN"
    assert names[-2:] == ["END", "END"]
    once = [name for name in names if name not in ("BEGIN", "END")]
    assert len(once) == len(set(once)), once
    assert {"PRODID", "VERSION", "METHOD"} <= set(names[: names.index("BEGIN", 1)])
    assert {"UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY"} <= set(names[names.index("BEGIN", 1) :])
    assert {params for name, params, _ in lines if name.startswith("DT")} == {""}
    return Entry(once, {name: value for name, _, value in lines if name in once})


def read_many_strictly(text: str) -> list[Entry]:
    """Each event of a file, read as if it stood alone in it."""
    before, *entries = text.removesuffix("END:VCALENDAR\r\n").split("BEGIN:VEVENT\r\n")
    alone = [entry.partition("END:VEVENT\r\n")[0] for entry in entries]
    assert text == before + "".join(f"BEGIN:VEVENT\r\n{each}END:VEVENT\r\n" for each in alone) + "END:VCALENDAR\r\n"
    frame = "{}BEGIN:VEVENT\r\n{}END:VEVENT\r\nEND:VCALENDAR\r\n"
    return [read_strictly(frame.format(before, each)) for each in alone]


def _unfold(text: str) -> list[str]:
    """Content lines; each line of the file is at most 75 octets and ends in CRLF."""
    *lines, rest = text.encode().split(b"\r\n")
    assert rest == b""
    found: list[str] = []
    for line in lines:
        assert 0 < len(line) <= 75
        part = line.decode()  # no letter is cut in two
        assert not _CONTROL.search(part), part
        if part.startswith(" "):
            found[-1] += part[1:]
        else:
            found.append(part)
    return found


def _content(line: str) -> tuple[str, str, str]:
    match = _LINE.fullmatch(line)
    assert match, line
    name, params, value = match.groups()
    return name, params, value


def _text(value: str) -> str:
    assert _PLAIN.fullmatch(value), value
    return re.sub(r"\\.", lambda found: _ESCAPES[found[0]], value)
