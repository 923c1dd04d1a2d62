"""What there is to know of Slack's library: what it logs, what it raises, and how long Slack asks to wait."""

import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler

QUIET = logging.getLogger("bots.slack_bot.library")
"""What the library says of itself quotes requests and addresses: tickets, response URLs, what people typed."""
QUIET.setLevel(logging.CRITICAL + 1)
SECONDS = 10
NO_RETRY: list[AsyncRetryHandler] = []
"""By itself the library sends again what was cut off before its answer: Slack has often taken it already."""
PATIENCE = 30.0
UNREACHABLE = (TimeoutError, OSError, aiohttp.ClientError)
"""A connection that is cut in the middle is neither a timeout nor an `OSError`."""


def asked_to_wait(headers: Mapping[str, Any], otherwise: float = 1.0) -> float:
    """Seconds, as Slack says: somebody looks at a window meanwhile."""
    found = headers.get("Retry-After") or headers.get("retry-after") or ""
    return min(float(found), PATIENCE) if str(found).isdecimal() else otherwise
