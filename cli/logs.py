"""One line a record: time, level, logger, trail, message; as text or as one JSON object. What looks like a URL or an
address is left out, whoever logs it."""

import json
import logging
import os
import re
import sys
import time
from typing import Any, Literal

from core.errors import invalid
from core.trail import current

LEVEL = "SOONISH_LOG_LEVEL"
_SECRETS = (
    (re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s'\"<>]+"), "<url>"),
    (re.compile(r"[^\s@'\"<>()]+@[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,}"), "<address>"),
    (re.compile(r"\bsoonish_[\w-]{40,}"), "<token>"),
)
_QUIET = ("aiohttp.access", "uvicorn.access", "uvicorn.error", "httpx", "aiosqlite")
"""They would write a line a request, with its path and token, or speak of the server's own steps."""


class OneLine(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(shown_trail)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        trail = current()
        record.shown_trail = f" [{trail}]" if trail else ""
        return " | ".join(part.strip() for part in _clean(super().format(record)).splitlines() if part.strip())


class Json(logging.Formatter):
    """`time`, `level`, `logger`, `message`; `trail` is a list, because several requests may travel together; `error`
    is the trace."""

    converter = staticmethod(time.gmtime)
    default_msec_format = OneLine.default_msec_format
    default_time_format = OneLine.default_time_format

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _clean(record.getMessage()),
        }
        if trail := current():
            line["trail"] = trail.split(",")
        if record.exc_info:
            line["error"] = _clean(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


FORMATS: dict[str, type[logging.Formatter]] = {"text": OneLine, "json": Json}


def _clean(text: str) -> str:
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


def set_up_logging(level: str | None = None, form: Literal["text", "json"] = "text") -> None:
    """For a role's whole process. Raises SoonishError for a level that does not exist."""
    name = (level or os.environ.get(LEVEL) or "INFO").upper()
    if name not in logging.getLevelNamesMapping():
        raise invalid(f"{LEVEL} is not a level.", hint="Use DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FORMATS[form]())
    logging.basicConfig(level=name, handlers=[handler], force=True)
    for logger in _QUIET:
        logging.getLogger(logger).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    if not sys.stderr.isatty():
        # Temporal's client writes some lines of its own: in a file their colours would be rubbish.
        os.environ.setdefault("NO_COLOR", "1")
