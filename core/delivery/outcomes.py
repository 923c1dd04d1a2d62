"""From what a server answered, or how it failed, to an Outcome with a sentence a person can read."""

import asyncio
import datetime as dt
import email.utils
import socket
import ssl

import aiohttp

from core.delivery.message import OK, Outcome
from core.delivery.policy import BlockedDestination

MAX_RETRY_AFTER = 3600.0

SENTENCES = {
    400: "it could not make sense of the message",
    401: "it does not accept this address or token any more",
    403: "it does not allow messages to this address",
    404: "there is nothing at this address (any more)",
    405: "it does not take this kind of request",
    408: "it took too long to read the message",
    410: "this address is gone for good",
    413: "the message is too large for it",
    425: "it asked to try again later",
    429: "it is receiving too many messages",
    500: "it ran into an error of its own",
    502: "the service behind it did not answer",
    503: "it is overloaded or down for maintenance",
    504: "the service behind it took too long",
}
TRY_AGAIN = frozenset({408, 425, 429})
# About what was sent, by its meaning; 405 is not: the method is the same for every message and stands in the address.
ABOUT_MESSAGE = frozenset({400, 406, 411, 413, 414, 415, 422, 431})
WAITS = frozenset({429, 503})


def from_status(status: int, retry_after: str | float | None = None, now: dt.datetime | None = None) -> Outcome:
    """`retry_after` is the header's text, or seconds; `now` is only needed to read a date in it."""
    if 200 <= status < 300:
        return OK
    code = f"http_{status}"
    if 300 <= status < 400:
        return Outcome(
            False, code, f"The server answered {status}: it moved, and redirects are not followed.", permanent=True
        )
    reason = f"The server answered {status}: {SENTENCES.get(status) or _by_class(status)}."
    wait = parse_retry_after(retry_after, now) if status in WAITS else None
    return Outcome(
        False,
        code,
        reason,
        permanent=status < 500 and status not in TRY_AGAIN,
        about_message=status in ABOUT_MESSAGE,
        retry_after=wait,
        host_fault=status >= 500 and wait is None,
        deferred=wait is not None,
    )


def _by_class(status: int) -> str:
    return "it did not accept the message" if status < 500 else "it is in trouble"


def parse_retry_after(value: str | float | None, now: dt.datetime | None = None) -> float | None:
    """Seconds to wait, at most an hour; None when there is nothing sensible in the header."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(str(value), now)
    if not 0 <= seconds < float("inf"):
        return None
    return min(seconds, MAX_RETRY_AFTER)


def _until(date: str, now: dt.datetime | None) -> float:
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except ValueError:
        return float("nan")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return max(0.0, (moment - (now or dt.datetime.now(dt.UTC))).total_seconds())


BLOCKED = Outcome(
    False, "blocked", "The address is not on the public internet, and Soonish does not connect to it.", permanent=True
)
TIMEOUT = Outcome(False, "timeout", "The server did not answer in time.", host_fault=True)
NO_SUCH_HOST = Outcome(False, "dns", "The server's name could not be found.", host_fault=True)
REFUSED = Outcome(False, "refused", "The server refused the connection.", host_fault=True)
RESET = Outcome(False, "reset", "The server closed the connection before it answered.", host_fault=True)
UNREACHABLE = Outcome(False, "unreachable", "The server could not be reached.", host_fault=True)
TLS = Outcome(
    False, "tls", "No secure connection to the server: its certificate or its TLS is at fault.", host_fault=True
)
PROTOCOL = Outcome(False, "protocol", "The server's answer was not proper HTTP.", host_fault=True)
UNREADABLE = Outcome(False, "unreadable", "The stored address of this channel cannot be read any more.", permanent=True)
ERROR = Outcome(False, "error", "Something went wrong in Soonish itself; it tries again.")


def from_error(error: BaseException) -> Outcome:
    """The outcome for an exception of aiohttp, aiosmtplib, the socket module or asyncio; ERROR for anything else."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    for kinds, outcome in _BY_ERROR:
        if isinstance(cause, kinds):
            return outcome
    return ERROR


_BY_ERROR: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Outcome], ...] = (
    (BlockedDestination, BLOCKED),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), UNREADABLE),
    ((ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError), TLS),
    ((TimeoutError, asyncio.TimeoutError), TIMEOUT),
    ((socket.gaierror, aiohttp.ClientConnectorDNSError), NO_SUCH_HOST),
    (ConnectionRefusedError, REFUSED),
    ((ConnectionResetError, BrokenPipeError, aiohttp.ServerDisconnectedError), RESET),
    ((aiohttp.ClientResponseError, aiohttp.ClientPayloadError), PROTOCOL),
    ((aiohttp.ClientOSError, OSError), UNREACHABLE),
)
