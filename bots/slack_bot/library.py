"""What there is to know of Slack's library: what it logs, what it raises, and how long Slack asks to wait."""

import logging
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler

from bots.network import UNREACHABLE

QUIET = logging.getLogger("bots.slack_bot.library")
"""What the library says of itself quotes requests and addresses: tickets, response URLs, what people typed."""
QUIET.setLevel(logging.CRITICAL + 1)
SECONDS = 10
NO_RETRY: list[AsyncRetryHandler] = []
"""By itself the library sends again what was cut off before its answer: Slack has often taken it already."""
PATIENCE = 30.0
FAILED = (SlackClientError, *UNREACHABLE)
"""Slack refused, or was not reached."""


def reason(error: Exception) -> str:
    """Slack's own word, where it said one. Errors quote requests, so nothing else of one is logged."""
    if isinstance(error, SlackApiError):
        return str(error.response.get("error", "no reason"))
    return type(error).__name__


def asked_to_wait(headers: Mapping[str, Any], otherwise: float = 1.0) -> float:
    """Seconds, as Slack says: somebody looks at a window meanwhile."""
    found = headers.get("Retry-After") or headers.get("retry-after") or ""
    return min(float(found), PATIENCE) if str(found).isdecimal() else otherwise
