"""Labels come from short lists: what a far end answers, or a stranger asks for, never makes a new time series. None
names anybody: no address, URL, token or event."""

from core.delivery.services import SERVICES
from core.notifications.kinds import KINDS

OTHER = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATUSES = frozenset({400, 401, 403, 404, 405, 408, 410, 413, 422, 425, 429, 500, 502, 503, 504})
_REPLIES = frozenset({421, 450, 451, 452, 454, 530, 535, 550, 551, 552, 553, 554})
_NUMBERED = {"http": _STATUSES, "smtp": _REPLIES}
_CODES = frozenset(
    {
        "ok", "smtp", "timeout", "dns", "refused", "reset", "unreachable", "tls", "protocol", "blocked", "unreadable",
        "rejected", "error", "render", "key_missing", "breaker_open", "host_paused", "host_busy", "event_cancelled",
        "event_over", "expired", "left", "unconfirmed", "paused", "no_access", "suppressed", "channel_removed",
        "channel_off", "superseded", "erased",
    }
)  # fmt: skip


def code(found: str | None) -> str:
    """`http_410` and its like as they are where they mean something, else as their class: `http_4xx`."""
    protocol, _, number = (found or "").partition("_")
    if protocol in _NUMBERED and number.isdecimal() and len(number) == 3:
        return f"{protocol}_{number}" if int(number) in _NUMBERED[protocol] else f"{protocol}_{number[0]}xx"
    if protocol == "slack":
        return protocol
    return found if found in _CODES and found else OTHER


def kind(found: str) -> str:
    return found if found in KINDS else OTHER


def channel(url: str) -> str:
    """The service that an Apprise URL is of."""
    schema = url.partition("://")[0]
    return schema if schema in SERVICES else OTHER


def method(found: str) -> str:
    return found if found in METHODS else OTHER
