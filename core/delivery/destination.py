"""One spelling for one end point, so that the same place typed twice is recognised."""

import ipaddress
import json
import re
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from core.delivery.native import METHODS
from core.errors import SoonishError, invalid

# What aiohttp and the policy decide; a webhook's own headers must not.
HEADERS_REFUSED = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"}
)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")

# Options of long-tail services that change the look of a message and not where it goes.
COSMETIC = frozenset(
    {"format", "overflow", "retry", "wait", "optional", "image", "footer", "timestamp", "priority", "sound"}
)


def canonical(scheme: str, service: Any, *, native: bool) -> str:
    """The end point of a service object; equal for equal places, and full of secrets: to be hashed by the caller."""
    if not native:
        return _tail(service)
    return " ".join(quote(str(part), safe="") for part in _PARTS[scheme.removesuffix("s")](service))


def _webhook(service: Any) -> tuple[Any, ...]:
    """Method, server, path and everything that can route: parameters, headers and fields of the webhook's own."""
    if service.method not in METHODS:
        raise _refused(f"A webhook is written to with {', '.join(sorted(METHODS))}.", "Leave out “method=…”.")
    for name, value in service.headers.items():
        if not HEADER_NAME.fullmatch(name) or name.lower() in HEADERS_REFUSED or re.search(r"[\x00-\x1f\x7f]", value):
            raise _refused("One of the headers cannot be set.", f"Leave out the “+{_shown(name)}=…” option.")
    headers = {name.lower(): value for name, value in service.headers.items()}
    fields = getattr(service, "payload_overrides", {}) | service.payload_extras
    routing = json.dumps([service.params, headers, fields], sort_keys=True)
    return (*_server("webhook", service), service.method, unquote(service.fullpath or "/"), service.user or "", routing)


def _shown(name: str) -> str:
    return re.sub(r"[^\w-]", "", name)[:40]


def _server(kind: str, service: Any) -> tuple[Any, ...]:
    return kind, service.secure, _host(service.host), service.port or (443 if service.secure else 80)


def _host(host: str) -> str:
    name = host.lower().rstrip(".").strip("[]")
    try:
        ip = ipaddress.ip_address(name)
    except ValueError:
        return name
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def _discord(service: Any) -> tuple[Any, ...]:
    return "discord", service.webhook_id, service.webhook_token, service.thread_id or ""


def _slack(service: Any) -> tuple[Any, ...]:
    tokens = (service.access_token, service.token_a, service.token_b, service.token_c, *service.workflow_path)
    if service.channels[0] is not None and "@" in service.channels[0][1:]:
        raise _refused("Soonish does not look people up in Slack.", "Name a channel, or a person by @name or id.")
    return "slack", service.mode, *filter(None, tokens), (service.channels[0] or "").lstrip("#+")


def _ntfy(service: Any) -> tuple[Any, ...]:
    cloud = service.mode == "cloud" or _host(service.host) == "ntfy.sh"
    server = ("ntfy", True, "ntfy.sh", 443) if cloud else _server("ntfy", service)
    return *server, service.topics[0] if service.topics else ""


def _gotify(service: Any) -> tuple[Any, ...]:
    return *_server("gotify", service), service.fullpath, service.token


_PARTS = {"json": _webhook, "form": _webhook, "discord": _discord, "slack": _slack, "ntfy": _ntfy, "gotify": _gotify}


def _tail(service: Any) -> str:
    """Apprise's own normal form, which spells out every default, without what is only looks."""
    parts = urlsplit(service.url())
    options = sorted(
        (key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key not in COSMETIC
    )
    return f"{type(service).__name__}:{json.dumps([parts.scheme, parts.netloc, parts.path.rstrip('/'), options])}"


def _refused(message: str, hint: str) -> SoonishError:
    return invalid(message, field="apprise_url", hint=hint)
