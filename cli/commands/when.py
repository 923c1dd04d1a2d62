"""`soonish when`: what a time that somebody typed would be read as."""

import datetime as dt
import json
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from cli.terminal import AsJson

_OTHER_LINE_ENDS = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


def add_to(app: typer.Typer) -> None:
    app.command()(when)


def when(
    phrase: Annotated[str, typer.Argument(metavar="PHRASE", help='Like "fri 7pm"; - reads one a line from the input.')],
    now: Annotated[str | None, typer.Option(metavar="TIME", help="Like 2027-05-01T19:00:00+02:00; unset: now.")] = None,
    zone: Annotated[str | None, typer.Option(metavar="ZONE", help="The writer's; unset: DEFAULT_TIMEZONE.")] = None,
    locale: Annotated[str | None, typer.Option(help="Like en-GB: settles whether 11/12 is in November.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a time is read, or why it is not. With --json, and line by line, a refusal is an answer too."""
    from core.errors import invalid
    from core.zones import zone as zone_of

    at = _moment(now)
    name = zone_of(zone if zone is not None else _default_zone()).key

    if phrase == "-":
        for line in _lines(sys.stdin.buffer):
            _print_line(_answer(line, at, name, locale))
        return
    answer = _answer(_plain(phrase), at, name, locale)
    if as_json:
        _print_line(answer)
    elif "error" in answer:
        raise invalid(answer["error"], hint=answer["hint"])
    else:
        typer.echo("\n".join(answer["say"]))


def _answer(text: str, now: dt.datetime, zone: str, locale: str | None) -> dict[str, Any]:
    from core.errors import SoonishError
    from core.when import read, say

    try:
        readings = read(text, now, zone, locale)
    except SoonishError as refused:
        return {"text": text, "readings": [], "error": refused.message, "hint": refused.hint}
    return {
        "text": text,
        "readings": [reading.isoformat().replace("+00:00", "Z") for reading in readings],
        "say": [say(reading, now, zone) for reading in readings],
    }


def _moment(now: str | None) -> dt.datetime:
    from core.clock import SystemClock
    from core.errors import invalid
    from core.times import parse_instant

    if now is None:
        return SystemClock().now()
    try:
        return parse_instant(now)
    except ValueError as error:
        raise invalid(f"--now: {error}", hint="Leave --now out to mean this moment.") from None


def _default_zone() -> str:
    from cli.terminal import settings_in_force

    return settings_in_force().default_timezone


def _lines(stream: Iterable[bytes]) -> Iterator[str]:
    """Read as bytes: only a line feed ends a line, and what is no UTF-8 is refused as a phrase, not with a trace."""
    for line in stream:
        yield line.removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace")


def _plain(argument: str) -> str:
    """Bytes that were no UTF-8 reach an argument as surrogates, which cannot be printed."""
    return argument.encode(errors="surrogateescape").decode(errors="replace")


def _print_line(document: dict[str, Any]) -> None:
    """At once, for a program that asks line by line; some of those end a line at more than a line feed."""
    line = json.dumps(document, ensure_ascii=False)
    typer.echo(_OTHER_LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", line))
    sys.stdout.flush()
