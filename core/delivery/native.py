"""Apprise services that send through our own transport: what they post, and how the reply is read.

Each subclass of a stock plugin builds the request the stock plugin would, from the same parsed URL, and overrides
`async_notify` to post it over the shared session instead of a thread with a new connection.
"""

import functools
import json
import re
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from apprise import AppriseAsset, NotifyFormat
from apprise.plugins.custom_form import NotifyForm
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.gotify import NotifyGotify
from apprise.plugins.ntfy import NotifyNtfy

from core.delivery.http import HttpRequest, HttpTransport, basic_auth, origin
from core.delivery.message import Message, Outcome
from core.delivery.outcomes import ERROR

METHODS = frozenset({"POST", "PUT", "PATCH", "GET"})
NTFY_BYTES = 4096


@functools.cache
def asset() -> AppriseAsset:
    """What every service object shares: our name, no pictures of Apprise's, nothing on disk, no redirects."""
    return AppriseAsset(
        app_id="Soonish",
        app_desc="Soonish",
        app_url="",
        image_url_mask=None,
        image_url_logo=None,
        http_redirects=False,
        storage_mode="memory",
        allow_templates=False,
    )


class Native:
    """The part our services share. `transport` is set before sending, `outcome` afterwards."""

    asset: AppriseAsset
    transport: HttpTransport
    outcome: Outcome = ERROR
    markdown: ClassVar[bool] = False
    """Whether this service shows Markdown unless its URL says otherwise."""

    def __str__(self) -> str:
        """Apprise's own would be the URL, with its path and headers."""
        return f"<{type(self).__name__}>"

    __repr__ = __str__

    def words(self, message: Message) -> tuple[str, str]:
        """Title and body as this service shows them."""
        return message.title, message.markdown if self._wants_markdown() else message.text

    def _wants_markdown(self) -> bool:
        asked = getattr(self, "_format_override", None) or getattr(self, "notify_format", None)
        return self.markdown if not isinstance(asked, NotifyFormat) else asked is NotifyFormat.MARKDOWN

    def request(self, body: str, title: str) -> HttpRequest:
        raise NotImplementedError

    async def async_notify(self, body: str = "", title: str = "", **_: Any) -> bool:
        """Posts one message; the answer's meaning is in `outcome`."""
        reply = await self.transport.send(self.request(body, title))
        self.outcome = self.judge(reply)
        return self.outcome.delivered

    def judge(self, reply: Any) -> Outcome:
        outcome: Outcome = reply.outcome()
        return outcome


# Host and path need no decoding, tidying or judging: what most webhooks look like.
_NAME = r"(?:[a-z][a-z0-9-]{0,61}[a-z0-9]\.)+[a-z]{2,63}"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN = re.compile(
    rf"(?P<schema>json|form)(?P<secure>s?)://(?P<host>{_NAME}|{_OCTET}(?:\.{_OCTET}){{3}})"
    r"(?P<port>:[1-9][0-9]{0,4})?(?P<path>(?:/[A-Za-z0-9._-]+)*/)(?P<query>[A-Za-z0-9._-]+)?"
)


def _plain_parts(url: str) -> dict[str, Any] | None:
    """What Apprise's parser makes of a webhook without credentials, options and escapes, at a tenth of its cost; None
    for any other."""
    found = _PLAIN.fullmatch(url)
    if found is None or len(found["host"]) > 253:
        return None
    host, port, path, query = found["host"], found["port"], found["path"], found["query"]
    return {
        "schema": found["schema"] + found["secure"],
        "secure": bool(found["secure"]),
        "verify": True,
        "user": None,
        "password": None,
        "host": host,
        "port": int(port[1:]) if port else None,
        "fullpath": path + (query or ""),
        "path": path,
        "query": query,
        "url": url,
        "qsd": {},
        "qsd+": {},
        "qsd-": {},
        "qsd:": {},
        "payload": {},
        "headers": {},
        "params": {},
    }


class Json(Native, NotifyJSON):  # type: ignore[no-untyped-call]
    @staticmethod
    def parse_url(url: str, *options: Any, **more: Any) -> Any:
        return _plain_parts(url) or NotifyJSON.parse_url(url, *options, **more)  # type: ignore[no-untyped-call]

    def request(self, body: str, title: str) -> HttpRequest:
        payload: dict[str, Any] = {
            "version": self.json_version,
            "title": title,
            "message": body,
            "attachments": [],
            "type": "info",
        }
        for key, value in self.payload_extras.items():
            if key not in payload:
                payload[key] = value
            elif value:
                payload[value] = payload.pop(key)
            else:
                del payload[key]
        headers = _headers(self, "application/json")
        return HttpRequest(_webhook_url(self, self.params), json.dumps(payload).encode(), headers, str(self.method))


class Form(Native, NotifyForm):  # type: ignore[no-untyped-call]
    @staticmethod
    def parse_url(url: str, *options: Any, **more: Any) -> Any:
        return _plain_parts(url) or NotifyForm.parse_url(url, *options, **more)  # type: ignore[no-untyped-call]

    def request(self, body: str, title: str) -> HttpRequest:
        fields = {"version": self.form_version, "title": title, "message": body, "type": "info"}
        payload = {self.payload_map[key]: value for key, value in fields.items() if self.payload_map[key]}
        payload.update(self.payload_extras)
        if self.method == "GET":
            return HttpRequest(_webhook_url(self, payload | self.params), b"", _headers(self, None), "GET")
        headers = _headers(self, "application/x-www-form-urlencoded")
        return HttpRequest(_webhook_url(self, self.params), urlencode(payload).encode(), headers, str(self.method))


def _headers(service: Any, content_type: str | None) -> dict[str, str]:
    """The service's own headers win over ours, whatever their case; credentials in the URL win over both."""
    headers = {"User-Agent": service.app_id}
    if content_type:
        headers["Content-Type"] = content_type
    own = {name.lower() for name in service.headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in own} | service.headers
    if service.user:
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        headers["Authorization"] = basic_auth(service.user, service.password)
    return headers


def _webhook_url(service: Any, params: dict[str, str]) -> str:
    """The path arrives percent-encoded from Apprise's parser; without one it is `/`."""
    url = origin(service) + (service.fullpath or "/")
    return f"{url}?{urlencode(params)}" if params else url


class Ntfy(Native, NotifyNtfy):  # type: ignore[no-untyped-call]
    def words(self, message: Message) -> tuple[str, str]:
        title, body = super().words(message)
        return title[: self.title_maxlen], shorten(body, NTFY_BYTES, in_bytes=True)

    def request(self, body: str, title: str) -> HttpRequest:
        payload = {"topic": self.topics[0], "title": title, "message": body}
        headers = {"User-Agent": self.app_id, "Content-Type": "application/json", **self._options()}
        base = self.cloud_notify_url if self.mode == "cloud" else origin(self)
        content = {key: value for key, value in payload.items() if value}
        return HttpRequest(f"{base}/", json.dumps(content).encode(), headers)

    def _options(self) -> dict[str, str]:
        options = {
            "X-Icon": self.avatar_url if self.include_image else None,
            "X-Markdown": "yes" if self.notify_format == NotifyFormat.MARKDOWN else None,
            "X-Priority": self.priority if self.priority != "default" else None,
            "X-Click": quote(self.click, safe=":/?@&=#") if self.click is not None else None,
            "X-Tags": ",".join(self._private("tags")) or None,
            "X-Actions": self._private("actions") or None,
            "Authorization": self._authorization(),
        }
        return {name: str(value) for name, value in options.items() if value is not None}

    def _private(self, name: str) -> Any:
        return getattr(self, f"_NotifyNtfy__{name}")

    def _authorization(self) -> str | None:
        """ntfy.sh gets none, as in the stock plugin: topics there are open."""
        if self.mode == "cloud":
            return None
        if self.auth == "token":
            return f"Bearer {self.token}"
        return basic_auth(self.user, self.password) if self.user else None


class Gotify(Native, NotifyGotify):  # type: ignore[no-untyped-call]
    def request(self, body: str, title: str) -> HttpRequest:
        payload: dict[str, Any] = {"priority": self.priority, "title": title, "message": body}
        if self.notify_format == NotifyFormat.MARKDOWN:
            payload["extras"] = {"client::display": {"contentType": "text/markdown"}}
        headers = {
            "User-Agent": self.app_id,
            "Content-Type": "application/json",
            "X-Gotify-Key": self.token,
        }
        url = f"{origin(self)}{quote(self.fullpath)}message"
        return HttpRequest(url, json.dumps(payload).encode(), headers)


def shorten(text: str, limit: int, *, in_bytes: bool = False) -> str:
    """At most `limit` characters (or UTF-8 bytes), cut with an ellipsis; the last line with a link stays if it can."""
    if _size(text, in_bytes) <= limit:
        return text
    start = text.rfind("\n", 0, max(text.rfind("://"), 0)) + 1
    end = text.find("\n", start)
    link = text[start : end if end >= 0 else None].strip() if "://" in text else ""
    tail = f"…\n{link}" if link and _size(link, in_bytes) <= limit // 2 else "…"
    return _cut(text, limit - _size(tail, in_bytes), in_bytes).rstrip() + tail


def _size(text: str, in_bytes: bool) -> int:
    return len(text.encode()) if in_bytes else len(text)


def _cut(text: str, limit: int, in_bytes: bool) -> str:
    return text.encode()[:limit].decode(errors="ignore") if in_bytes else text[:limit]
