"""How well we and the libraries read the times that people type: the phrases of the tests, each with its meaning.

The libraries are installed beside the project for this measure only, from pins of their own.
"""

import datetime as dt
import importlib
import logging
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from core.errors import SoonishError
from core.when import read
from tests.core.phrasebook import Phrase, phrases

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "requirements" / "compare.txt"
LIBRARIES = ROOT / ".tools" / "compare"

Reader = Callable[[Phrase], list[dt.datetime]]
"""The instants a phrase is read as; none when the reader says that it cannot tell, or asks."""


def readers() -> dict[str, Reader]:
    """By name; the libraries each as their own documentation says for times to come."""
    _install()
    sys.path.append(str(LIBRARIES))
    warnings.simplefilter("ignore")
    logging.getLogger("ctparse").setLevel(logging.ERROR)
    return {
        "Soonish": _soonish,
        "dateparser": _dateparser(),
        "ctparse": _ctparse(),
        "parsedatetime": _parsedatetime(),
        "recurrent": _recurrent(),
    }


def compare() -> list[tuple[str, tuple[Counter[str], float]]]:
    """For each reader how many phrases it read in which way, and milliseconds for a phrase."""
    table = [phrase for phrase in phrases() if _english(phrase)]
    found = []
    for name, reader in readers().items():
        began = time.process_time()
        counts = Counter(verdict(phrase, reader) for phrase in table)
        found.append((name, (counts, (time.process_time() - began) / len(table) * 1000)))
    return found


def _english(phrase: Phrase) -> bool:
    """Two of the libraries know no other language."""
    return phrase.subject != "languages" and (phrase.locale or "en").startswith("en")


def verdict(phrase: Phrase, reader: Reader) -> str:
    """`right`; `asked` about what can be read; `raised`; `one of two` where both should be offered; `guessed` what
    should have been asked; `wrong`: another instant than meant."""
    try:
        found = reader(phrase)
    except Exception:  # noqa: BLE001 - whatever a library raises for a text is its answer
        return "raised"
    if found == phrase.readings:
        return "right"
    if not found:
        return "asked"
    if len(phrase.readings) > 1 and set(found) < set(phrase.readings):
        return "one of two"
    return "wrong" if phrase.readings else "guessed"


def _install() -> None:
    stamp = LIBRARIES / "stamp"
    if stamp.exists() and stamp.read_text() == PINS.read_text():
        return
    uv = ROOT / ".tools" / "bin" / "uv"
    options = ("--quiet", "--require-hashes", "--python", sys.executable, "--target", str(LIBRARIES))
    subprocess.run([uv, "pip", "install", *options, "-r", str(PINS)], check=True)
    stamp.write_text(PINS.read_text())


def _soonish(phrase: Phrase) -> list[dt.datetime]:
    try:
        return read(phrase.text, phrase.now, phrase.zone, phrase.locale)
    except SoonishError:
        return []


def _local_now(phrase: Phrase) -> dt.datetime:
    return phrase.now.astimezone(ZoneInfo(phrase.zone)).replace(tzinfo=None)


def _instants(moment: dt.datetime | None, phrase: Phrase) -> list[dt.datetime]:
    if moment is None:
        return []
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(phrase.zone))
    try:
        return [aware.astimezone(dt.UTC)]
    except OverflowError:
        return [aware]


def _dateparser() -> Reader:
    dateparser = importlib.import_module("dateparser")

    def read_one(phrase: Phrase) -> list[dt.datetime]:
        settings = {
            "RELATIVE_BASE": _local_now(phrase),
            "TIMEZONE": phrase.zone,
            "RETURN_AS_TIMEZONE_AWARE": True,
            "PREFER_DATES_FROM": "future",
        }
        if phrase.locale is not None:
            settings["DATE_ORDER"] = "MDY" if phrase.locale == "en-US" else "DMY"
        return _instants(dateparser.parse(phrase.text, settings=settings), phrase)

    return read_one


def _parsedatetime() -> Reader:
    calendar = importlib.import_module("parsedatetime").Calendar()

    def read_one(phrase: Phrase) -> list[dt.datetime]:
        moment, kind = calendar.parseDT(phrase.text, sourceTime=_local_now(phrase))
        # 0: nothing found, 1: a day without a time, which we let it say.
        return _instants(moment if kind in (2, 3) else None, phrase)

    return read_one


def _recurrent() -> Reader:
    parser = importlib.import_module("recurrent.event_parser").RecurringEvent

    def read_one(phrase: Phrase) -> list[dt.datetime]:
        found = parser(now_date=_local_now(phrase)).parse(phrase.text)
        # A rule as text is a recurrence, which it rightly does not take for one time.
        return _instants(found if isinstance(found, dt.datetime) else None, phrase)

    return read_one


def _ctparse() -> Reader:
    ctparse = importlib.import_module("ctparse").ctparse

    def read_one(phrase: Phrase) -> list[dt.datetime]:
        found = ctparse(phrase.text, ts=_local_now(phrase), timeout=1.0)
        answer = getattr(found, "resolution", None)
        # A duration or an interval is an answer of its own kind; a day without an hour says that the hour is missing.
        if getattr(answer, "hour", None) is None:
            return []
        moment: dt.datetime | None = answer.dt if answer else None
        return _instants(moment, phrase)

    return read_one
