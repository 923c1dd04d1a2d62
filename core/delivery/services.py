"""The schemes Soonish takes, the plugin behind each, and the word people see. Plugin modules load on first use.

Importing a plugin by its module costs milliseconds; Apprise's own manager would load all 185 (about a second).
"""

import functools
import importlib
from typing import Any, NamedTuple, cast

from apprise.plugins.base import NotifyBase

from core.delivery.addresses import DISCORD_BOT, DISCORD_DM, SLACK_DM, slack_bot
from core.delivery.native import asset


class Service(NamedTuple):
    kind: str
    module: str
    plugin: str
    host: str | None = None
    """Where it sends, if that is one place for everybody; None when the URL names the server."""
    native: bool = False


def _own(kind: str, module: str, plugin: str, host: str | None = None) -> Service:
    return Service(kind, f"core.delivery.{module}", plugin, host, native=True)


def _stock(kind: str, module: str, plugin: str, host: str | None = None) -> Service:
    return Service(kind, f"apprise.plugins.{module}", plugin, host)


_JSON, _FORM = _own("Webhook", "native", "Json"), _own("Webhook", "native", "Form")
_NTFY, _GOTIFY = _own("ntfy", "native", "Ntfy"), _own("Gotify", "native", "Gotify")
_BARK = _stock("Bark", "bark", "NotifyBark")
_HASSIO = _stock("Home Assistant", "home_assistant", "NotifyHomeAssistant")
_MATRIX = _stock("Matrix", "matrix.base", "NotifyMatrix")
_MATTERMOST = _stock("Mattermost", "mattermost", "NotifyMattermost")
_NEXTCLOUD_TALK = _stock("Nextcloud Talk", "nextcloudtalk", "NotifyNextcloudTalk")
_OPSGENIE = _stock("Opsgenie", "opsgenie", "NotifyOpsgenie", "opsgenie")
_ROCKETCHAT = _stock("Rocket.Chat", "rocketchat", "NotifyRocketChat")
_SIGNAL = _stock("Signal", "signal_api", "NotifySignalAPI")
_SIMPLEPUSH = _stock("Simplepush", "simplepush", "NotifySimplePush", "simplepush")
_SYNOLOGY = _stock("Synology Chat", "synology", "NotifySynology")
_WEBEX = _stock("Webex", "webexteams", "NotifyWebexTeams", "webex")
_WORKFLOWS = _stock("Microsoft Teams", "workflows", "NotifyWorkflows")

SERVICES: dict[str, Service] = {
    "systemmail": _own("E-mail", "mail", "SystemMail", "smtp"),
    "json": _JSON,
    "jsons": _JSON,
    "form": _FORM,
    "forms": _FORM,
    "discord": _own("Discord", "chat", "Discord", "discord.com:443"),
    "discorddm": _own(DISCORD_DM, "direct", "DiscordDirect", DISCORD_BOT),
    "slack": _own("Slack", "chat", "Slack", "slack.com:443"),
    "slackdm": _own(SLACK_DM, "direct", "SlackDirect"),
    "ntfy": _NTFY,
    "ntfys": _NTFY,
    "gotify": _GOTIFY,
    "gotifys": _GOTIFY,
    "bark": _BARK,
    "barks": _BARK,
    "dingtalk": _stock("DingTalk", "dingtalk", "NotifyDingTalk", "dingtalk"),
    "feishu": _stock("Feishu", "feishu", "NotifyFeishu", "feishu"),
    "flock": _stock("Flock", "flock", "NotifyFlock", "flock"),
    "gchat": _stock("Google Chat", "google_chat", "NotifyGoogleChat", "gchat"),
    "groupme": _stock("GroupMe", "groupme", "NotifyGroupMe", "groupme"),
    "hassio": _HASSIO,
    "hassios": _HASSIO,
    "ifttt": _stock("IFTTT", "ifttt", "NotifyIFTTT", "ifttt"),
    "join": _stock("Join", "join", "NotifyJoin", "join"),
    "lark": _stock("Lark", "lark", "NotifyLark", "lark"),
    "line": _stock("LINE", "line", "NotifyLine", "line"),
    "matrix": _MATRIX,
    "matrixs": _MATRIX,
    "mmost": _MATTERMOST,
    "mmosts": _MATTERMOST,
    "nctalk": _NEXTCLOUD_TALK,
    "nctalks": _NEXTCLOUD_TALK,
    "opsgenie": _OPSGENIE,
    "pagerduty": _stock("PagerDuty", "pagerduty", "NotifyPagerDuty", "pagerduty"),
    "pbul": _stock("Pushbullet", "pushbullet", "NotifyPushBullet", "pushbullet"),
    "pover": _stock("Pushover", "pushover", "NotifyPushover", "pushover"),
    "prowl": _stock("Prowl", "prowl", "NotifyProwl", "prowl"),
    "psafers": _stock("Pushsafer", "pushsafer", "NotifyPushSafer", "pushsafer"),
    "pushed": _stock("Pushed", "pushed", "NotifyPushed", "pushed"),
    "revolt": _stock("Revolt", "revolt", "NotifyRevolt", "revolt"),
    "rocket": _ROCKETCHAT,
    "rockets": _ROCKETCHAT,
    "ryver": _stock("Ryver", "ryver", "NotifyRyver", "ryver"),
    "signal": _SIGNAL,
    "signals": _SIGNAL,
    "simplepush": _SIMPLEPUSH,
    "spush": _SIMPLEPUSH,
    "synology": _SYNOLOGY,
    "synologys": _SYNOLOGY,
    "tgram": _stock("Telegram", "telegram", "NotifyTelegram", "telegram"),
    "threema": _stock("Threema", "threema", "NotifyThreema", "threema"),
    "twilio": _stock("Twilio", "twilio", "NotifyTwilio", "twilio"),
    "webex": _WEBEX,
    "wxteams": _WEBEX,
    "workflow": _WORKFLOWS,
    "workflows": _WORKFLOWS,
    "zulip": _stock("Zulip", "zulip", "NotifyZulip", "zulip"),
}


NOT_TYPED = {
    "discorddm": "Direct messages on Discord begin there: press Subscribe under an event, or link your account.",
    "slackdm": "Direct messages on Slack begin there: press Subscribe under an event, or link your account.",
}
"""Addresses that only Soonish makes, for somebody whom a platform has signed, and how one comes by them instead."""


@functools.cache
def plugin(service: Service) -> Any:
    """The plugin class, imported on first use."""
    return getattr(importlib.import_module(service.module), service.plugin)


def build(url: str) -> NotifyBase | None:
    """A fresh service object for one delivery; None when the URL cannot be read. Raises what the plugin raises."""
    scheme, separator, _ = url.partition("://")
    service = SERVICES.get(scheme)
    if service is None or not separator:
        return None
    kind = plugin(service)
    parts = kind.parse_url(url)
    return cast("NotifyBase", kind(**parts, asset=asset())) if parts else None


def host_of(url: str) -> str:
    """The key for limits and the breaker: `smtp`, a service's name, or `host:port`. Cheap: the URL is not parsed."""
    scheme, _, rest = url.partition("://")
    service = SERVICES.get(scheme)
    if service is None:
        return "unknown"
    if service.host is not None:
        return service.host
    authority, slash, path = rest.partition("?")[0].partition("/")
    if scheme == "slackdm":
        return slack_bot(authority)
    name = authority.rpartition("@")[2].lower()
    if service is _NTFY and is_ntfy_cloud(name, path if slash else ""):
        return "ntfy.sh:443"
    host, colon, port = name.rpartition(":")
    if colon and port.isdigit():
        return f"{host.rstrip('.')}:{port}"
    return f"{name.rstrip('.')}:{80 if scheme in INSECURE else 443}"


def is_ntfy_cloud(name: str, path: str) -> bool:
    """`ntfy://topic` is a topic at ntfy.sh, as is `ntfy://ntfy.sh/topic`."""
    return not path.strip("/") or name.partition(":")[0] == "ntfy.sh"


INSECURE = frozenset(
    {"json", "form", "ntfy", "gotify", "bark", "hassio", "matrix", "mmost", "nctalk", "rocket", "signal", "synology"}
)
