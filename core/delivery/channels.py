"""Reads what a person typed as the address of a channel, or says in a sentence why it cannot be one."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import idna
from apprise.exception import AppriseException

from core.delivery import services
from core.delivery.addresses import UNPRINTABLE, Channel, address_channel
from core.delivery.destination import canonical
from core.delivery.native import asset
from core.delivery.outcomes import from_error
from core.delivery.parameters import clean
from core.delivery.policy import BlockedDestination, DestinationPolicy, GuardedResolver
from core.errors import SoonishError, invalid

FIELD = "apprise_url"
MAX_URL = 2000
EXAMPLES = (
    "jsons://example.org/hook, ntfys://ntfy.sh/topic, mailto://you@example.org, or a Discord or Slack webhook URL"
)
OWN_MAIL = "Soonish sends e-mail itself: use mailto://you@example.org."

SCHEME = re.compile(r"([A-Za-z0-9]{1,32})://(?=.)")
NUMERIC = re.compile(r"[0-9.]+|0x[0-9a-f.x]+")
ANOTHER = re.compile(r"[,;|]\s*[A-Za-z0-9]{1,32}://")

# Pages where people copy a webhook's https:// address, and the scheme whose plugin understands it.
PASTED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), scheme)
    for pattern, scheme in (
        (r"https?://(?:\w+\.)?discord(?:app)?\.com/", "discord"),
        (r"https?://hooks\.slack(?:-gov)?\.com/", "slack"),
        (r"https?://ntfy\.sh/", "ntfys"),
        (r"https?://chat\.googleapis\.com/", "gchat"),
        (r"https?://[\w.-]+\.(?:logic\.azure|api\.powerplatform)\.com[:/]", "workflows"),
        (r"https?://(?:webexapis|api\.ciscospark)\.com/", "webex"),
        (r"https?://api\.flock\.com/", "flock"),
        (r"https?://open\.larksuite\.com/", "lark"),
    )
)

LOCAL_ONLY = frozenset({"file", "syslog", "dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "blink1"})
OTHER_PROTOCOL = frozenset(
    {
        "mqtt",
        "mqtts",
        "amqp",
        "amqps",
        "xmpp",
        "xmpps",
        "irc",
        "ircs",
        "rsyslog",
        "smpp",
        "smpps",
        "growl",
        "aprs",
        "ssh",
    }
)


def read_channel(url: str) -> Channel:
    """Raises SoonishError (INVALID, field `apprise_url`) with a sentence and a hint."""
    text = url.strip()
    if len(text) > MAX_URL:
        raise _refused(f"That is longer than {MAX_URL} characters.")
    if UNPRINTABLE.search(text) or "\\" in text:
        raise _refused("An address must not contain spaces, line breaks or other invisible characters.")
    scheme = _scheme(text)
    if ANOTHER.search(text) or "://" in text.partition("?")[0][len(scheme) + 3 :]:
        raise _refused("Those are several addresses.", "Add them one by one: each becomes a channel of its own.")
    if scheme in ("http", "https"):
        return read_channel(_from_pasted(text))
    if scheme in ("mailto", "mailtos", "systemmail"):
        return _mail_from_url(text)
    if scheme in services.NOT_TYPED:
        raise _refused("Nobody adds a channel like that by its address.", services.NOT_TYPED[scheme])
    if scheme not in services.SERVICES:
        raise _unknown(scheme)
    return _service_channel(scheme, scheme + text[len(scheme) :])


def _scheme(text: str) -> str:
    found = SCHEME.match(text)
    if found is None:
        hint = f"Start with the kind of service, such as {EXAMPLES}."
        raise _refused("That does not look like the address of a service.", hint)
    return found.group(1).lower()


def _service_channel(scheme: str, text: str) -> Channel:
    service = services.SERVICES[scheme]
    url = clean(scheme, _with_ascii_host(text), native=service.native)
    target = _built(lambda: services.build(url), service.kind)
    if len(target) != 1:
        raise _refused("That names more than one recipient.", "Add a channel for each of them.")
    _check_host(target, service, url)
    return Channel(scheme, url, canonical(scheme, target, native=service.native), services.host_of(url), service.kind)


def _built(build: Callable[[], Any], kind: str) -> Any:
    """A service object, or a refusal; Apprise's own words may quote the secret: no trace shows them."""
    try:
        target = build()
    except (AppriseException, TypeError, ValueError, AttributeError, KeyError, IndexError):
        raise _incomplete(kind) from None
    if target is None:
        raise _incomplete(kind)
    return target


def _with_ascii_host(url: str) -> str:
    """Host names in other scripts in their ASCII form, as they are resolved."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if host.isascii() or "?" in authority:
        return url
    name, colon, port = host.partition(":")
    try:
        name = idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise _refused("That is not a host name.") from error
    return f"{scheme}{separator}{user}{at}{name}{colon}{port}{slash}{path}"


def _check_host(target: Any, service: services.Service, url: str) -> None:
    if service.host is None:
        _check_server(target, url)
    if target.port is not None and not 1 <= target.port <= 65535:
        raise _refused("The port must be a number from 1 to 65535.")
    if service.kind == "Matrix" and target.mode == "t2bot":
        raise _refused(
            "Soonish reaches Matrix through your home server.", "Use matrixs://user:password@example.org/#room."
        )
    if service.native and getattr(target, "topics", None) == []:
        raise _incomplete(service.kind)


def _check_server(target: Any, url: str) -> None:
    """The name must be the one `host_of` reads, and an IP address must be written as one."""
    host = services.host_of(url).rpartition(":")[0]
    cloud = getattr(target, "mode", None) == "cloud"
    if not cloud and host != str(target.host).lower().rstrip("."):
        raise _refused("That does not name one server.", "One host name, with at most one “@” before it.")
    if NUMERIC.fullmatch(host) and not _is_literal(host):
        raise _refused(
            "That is not the usual way to write an IP address.", "Write it as four numbers, such as 192.0.2.7."
        )


def _from_pasted(text: str) -> str:
    """The Apprise URL for a webhook address copied from the service's own page."""
    for pattern, scheme in PASTED:
        if pattern.match(text):
            service = services.SERVICES[scheme]
            kind = services.plugin(service)
            parts = _built(lambda kind=kind: kind.parse_native_url(text), service.kind)  # type: ignore[misc]
            target = _built(lambda kind=kind, parts=parts: kind(**parts, asset=asset()), service.kind)  # type: ignore[misc]
            return str(target.url())
    secure = "jsons" if text.lower().startswith("https") else "json"
    rest = text.partition("://")[2]
    host = re.split(r"[/?#@]", rest)[0]
    shown = f" For this one: {secure}://{host}/… with the rest unchanged." if host and "@" not in rest else ""
    raise _refused(
        "A plain web address does not say how to write to it.", f"For a webhook, begin with jsons://.{shown}"
    )


def _mail_from_url(text: str) -> Channel:
    scheme, _, rest = text.partition("://")
    body, question, _ = rest.partition("?")
    body = body.rstrip("/")
    if question or "/" in body or "#" in body or scheme.lower() == "mailtos":
        raise _refused("That is more than one plain e-mail address.", OWN_MAIL)
    if body.count("@") != 1 and "%40" not in body:
        raise _refused("That is not one plain e-mail address.", OWN_MAIL)
    return address_channel(unquote(body), FIELD, hint=OWN_MAIL)


async def check_destination(channel: Channel, policy: DestinationPolicy) -> None:
    """Resolves the channel's host; raises SoonishError when Soonish would not connect to it. Checked again on use."""
    if services.SERVICES[channel.scheme].host is not None:
        return
    host, _, port = channel.host.rpartition(":")
    literal = host.strip("[]")
    if _is_literal(literal):
        if not policy.permits(literal, int(port)):
            raise _not_public()
        return
    resolver = GuardedResolver(policy)
    try:
        await resolver.resolve(host, int(port))
    except BlockedDestination as error:
        raise _not_public() from error
    except OSError as error:
        outcome = from_error(error)
        raise _refused(outcome.reason, "Check the spelling of the address, and try again.") from error
    finally:
        await resolver.close()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refused(message: str, hint: str | None = None) -> SoonishError:
    return invalid(message, field=FIELD, hint=hint or f"One address, such as {EXAMPLES}.")


def _incomplete(kind: str) -> SoonishError:
    return _refused(f"That {kind} address is incomplete, or has something extra in it.", "Copy it again in full.")


def _not_public() -> SoonishError:
    hint = "Use an address that anybody on the internet can reach."
    return _refused("That address is not on the public internet, and Soonish does not connect to it.", hint)


def _unknown(scheme: str) -> SoonishError:
    if scheme in LOCAL_ONLY:
        message = f"{scheme}:// would reach Soonish's own machine, not you."
    elif scheme in OTHER_PROTOCOL:
        message = f"Soonish does not speak {scheme.upper().removesuffix('S')}; it sends by HTTP and e-mail."
    else:
        message = f"Soonish does not know {scheme}://."
    return _refused(message)
