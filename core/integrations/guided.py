"""A channel from the fields of a form: which ones each kind of service asks, and the address they make. No address is
put together from text that was not checked or quoted."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from core.complaints import EMPTY
from core.delivery.addresses import mail_channel
from core.delivery.channels import FIELD, SCHEME
from core.errors import invalid


@dataclass(frozen=True, slots=True)
class Asked:
    name: str
    label: str
    example: str = ""
    note: str = ""
    required: bool = True
    standard: str = ""
    """What stands there to begin with."""


@dataclass(frozen=True, slots=True)
class Guide:
    label: str
    about: str
    """Where to find what is asked."""
    asked: tuple[Asked, ...]


_DISCORD_HOOK = "https://discord.com/api/webhooks/…"
_SLACK_HOOK = "https://hooks.slack.com/services/…"
GUIDES: dict[str, Guide] = {
    "email": Guide(
        "E-mail",
        "Another address of yours. We ask it once whether it may be written to; until it says yes it stays off.",
        (Asked("email", "E-mail address", "you@example.org"),),
    ),
    "discord": Guide(
        "Discord channel",
        "In Discord: the channel's settings, Integrations, Webhooks, New Webhook, Copy Webhook URL.",
        (Asked("hook", "Webhook URL", _DISCORD_HOOK),),
    ),
    "slack": Guide(
        "Slack channel",
        "In Slack: an app of your workspace with Incoming Webhooks switched on; add one and copy its URL.",
        (Asked("hook", "Webhook URL", _SLACK_HOOK),),
    ),
    "ntfy": Guide(
        "Phone, by ntfy",
        "Install the ntfy app and subscribe to a topic there. Whoever knows the topic can read along: make it long.",
        (
            Asked("topic", "Topic", "nudges-7Qm2vX9aR"),
            Asked("server", "Server", "https://ntfy.sh", standard="https://ntfy.sh"),
            Asked("token", "Access token", "tk_…", "Only if the topic is protected.", required=False),
        ),
    ),
    "gotify": Guide(
        "Gotify",
        "In Gotify: Apps, Create Application, and copy its token.",
        (
            Asked("server", "Server", "https://gotify.example.org"),
            Asked("token", "Application token", "A…"),
        ),
    ),
    "webhook": Guide(
        "Your own webhook",
        "We send JSON by POST to it: version, title, message and type.",
        (Asked("hook", "Address", "https://example.org/hook"),),
    ),
    "other": Guide(
        "Something else",
        "Any of the many services that Apprise knows, by its address.",
        (Asked(FIELD, "Apprise URL", "matrixs://user:password@example.org/#room"),),
    ),
}
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HOST = re.compile(r"[^\s/?#@\\%]{1,255}")
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")


def address_of(kind: str, typed: Mapping[str, str]) -> str:
    """The Apprise URL that the fields of a guide make. Raises SoonishError that names the field."""
    if kind not in GUIDES:
        raise invalid("Pick what kind of channel it is.", field="kind")
    given = {each.name: typed.get(each.name, "").strip() for each in GUIDES[kind].asked}
    for each in GUIDES[kind].asked:
        if each.required and not given[each.name]:
            raise invalid(EMPTY, field=each.name)
    return _MADE[kind](given)


def _email(given: Mapping[str, str]) -> str:
    return f"mailto://{quote(mail_channel(given['email']).address or '', safe='')}"


def _discord(given: Mapping[str, str]) -> str:
    return _hook(given["hook"], r"https://(\w+\.)?discord(app)?\.com/api/webhooks/\d+/[\w-]+/?", _DISCORD_HOOK)


def _slack(given: Mapping[str, str]) -> str:
    return _hook(given["hook"], r"https://hooks\.slack(-gov)?\.com/(services|workflows|triggers)/[\w/-]+", _SLACK_HOOK)


def _hook(text: str, form: str, example: str) -> str:
    if not re.fullmatch(form, text, re.IGNORECASE | re.ASCII):
        raise invalid("That is not such a webhook.", field="hook", hint=f"It looks like {example}; copy it in full.")
    return text


def _ntfy(given: Mapping[str, str]) -> str:
    if not _TOPIC.fullmatch(given["topic"]):
        raise invalid("A topic has letters, digits, - and _, 64 at most.", field="topic")
    token = _token(given["token"])
    if token and not token.startswith("tk_"):
        raise invalid("An access token of ntfy begins with tk_.", field="token")
    scheme, host, path = _server("ntfy", given["server"])
    if path:
        raise invalid("An ntfy server is named without a path.", field="server", hint="Like https://ntfy.sh.")
    return f"{scheme}://{token + '@' if token else ''}{host}/{given['topic']}"


def _gotify(given: Mapping[str, str]) -> str:
    scheme, host, path = _server("gotify", given["server"])
    return f"{scheme}://{host}{path}/{_token(given['token'])}"


def _webhook(given: Mapping[str, str]) -> str:
    """The rest of the address as it is: reading the channel checks every part of it."""
    scheme, separator, rest = given["hook"].partition("://")
    if scheme.lower() not in ("http", "https") or not separator:
        raise invalid("A webhook's address begins with https://.", field="hook")
    return f"{'jsons' if scheme.lower() == 'https' else 'json'}://{rest}"


def _other(given: Mapping[str, str]) -> str:
    return given[FIELD]


def _token(text: str) -> str:
    if text and not _TOKEN.fullmatch(text):
        raise invalid("That is not a token.", field="token", hint="Copy it again, and nothing around it.")
    return quote(text, safe="")


def _server(service: str, text: str) -> tuple[str, str, str]:
    """Scheme of the service, host with its port, and path without a slash at its end."""
    try:
        parts = urlsplit(text if SCHEME.match(text) else f"https://{text}")
    except ValueError:  # a bracket that nothing closes
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc) or parts.query or parts.fragment:
        raise invalid("That is not a server's address.", field="server", hint=f"Like https://{service}.example.org.")
    if not _PATH.fullmatch(parts.path):
        raise invalid("That server's path cannot be used.", field="server", hint="Copy its address again.")
    return service + ("s" if parts.scheme == "https" else ""), parts.netloc, parts.path.rstrip("/")


_MADE = {
    "email": _email, "discord": _discord, "slack": _slack, "ntfy": _ntfy, "gotify": _gotify, "webhook": _webhook,
    "other": _other,
}  # fmt: skip
