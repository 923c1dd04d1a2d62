"""One line a record: time, level, logger, message. What looks like a URL or an address is left out, whoever logs it."""

import logging
import os
import re
import sys
import time

from core.errors import invalid

LEVEL = "SOONISH_LOG_LEVEL"
_SECRETS = (
    (re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,31}://[^\s'\"<>]+"), "<url>"),
    (re.compile(r"[^\s@'\"<>()]+@[A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,}"), "<address>"),
)
_QUIET = ("aiohttp.access", "uvicorn.access", "uvicorn.error", "httpx", "aiosqlite")
"""They would write a line a request, with its path and token, or speak of the server's own steps."""


class OneLine(logging.Formatter):
    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = " | ".join(part.strip() for part in super().format(record).splitlines() if part.strip())
        for pattern, shown in _SECRETS:
            line = pattern.sub(shown, line)
        return line


def set_up_logging(level: str | None = None) -> None:
    """For a role's whole process. Raises SoonishError for a level that does not exist."""
    name = (level or os.environ.get(LEVEL) or "INFO").upper()
    if name not in logging.getLevelNamesMapping():
        raise invalid(f"{LEVEL} is not a level.", hint="Use DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    logging.basicConfig(level=name, handlers=[handler], force=True)
    for logger in _QUIET:
        logging.getLogger(logger).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    if not sys.stderr.isatty():
        # Temporal's client writes some lines of its own: in a file their colours would be rubbish.
        os.environ.setdefault("NO_COLOR", "1")
