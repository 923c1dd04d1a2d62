"""From a notification to one recipient's message: texts rendered once per zone, the recipient's own links put in."""

import datetime as dt
from dataclasses import replace
from functools import cached_property
from urllib.parse import urlsplit

from core.delivery.message import Direct, Mail, Message
from core.keys import Keys
from core.notifications.rows import About, Recipient
from core.rendering.calendar import Method, calendar_file
from core.rendering.html import as_html
from core.rendering.notices import Notice, notice_for
from core.rendering.plain import as_discord, as_markdown, as_slack, as_text
from core.tokens import (
    LINK_LIFETIMES,
    ConfirmToken,
    LinkToken,
    UnsubscribeToken,
    address_token,
    confirm_token,
    invitation_token,
    link_token,
    unsubscribe_token,
)

LEAVE = "\x02leave\x03"
PRESS = "\x02press\x03"
OVERVIEW = "\x02overview\x03"
"""Stand for the recipient's own links until they are known."""
_FOR_CALENDARS = frozenset({"welcome", "update", "cancelled"})
"""What a calendar can put in, move or take out."""


_KEY = 25
_Rendered = tuple[Notice, str, str, str, Direct]


class Composer:
    """Messages of one notification. Cheap for every recipient after the first in a zone."""

    def __init__(self, about: About, now: dt.datetime, base_url: str, keys: Keys, sender: str = "") -> None:
        self._about = about
        self._now = now
        self._base_url = base_url
        self._keys = keys
        self._sender = sender
        self._domain = urlsplit(base_url).hostname or "localhost"
        self._public = about.event is None or about.event.is_public
        self._rendered: dict[tuple[str, bool, bool], _Rendered] = {}

    def message_for(self, recipient: Recipient, *, by_mail: bool = True) -> Message:
        """`by_mail`: whether it needs what only an e-mail carries, which is the larger part."""
        event = self._about.event
        zone = recipient.zone or (event.timezone if event else "UTC")
        subscribed = recipient.subscription_state == "active"
        notice, text, markdown, html, direct = self._render(zone, subscribed, account=recipient.account)
        leave = self._leave_url(recipient) if notice.may_leave else ""
        shown = f"{leave}?scope=everything" if notice.never else leave
        press = self._press_url(recipient) if notice.press else ""
        overview = self._overview_url(recipient) if notice.has_overview else ""
        mail = None
        if by_mail:
            calendar, method = self._calendar
            mail = Mail(
                html=_fill(html, shown, press, overview),
                message_id=f"d{recipient.delivery_id}@{self._domain}",
                unsubscribe_url=leave or None,
                list_id=f"{event.public_id}.{self._domain}" if event and leave else None,
                calendar=calendar,
                calendar_method=method,
            )
        return Message(
            notice.subject,
            _fill(text, shown, press, overview),
            _fill(markdown, shown, press, ""),
            mail,
            direct,
            self._keys.digest("delivery", str(recipient.delivery_id))[:_KEY],
        )

    @cached_property
    def _calendar(self) -> tuple[str | None, Method]:
        """The file that the mails carry, the same for everybody, and what it asks of a calendar."""
        event = self._about.event
        if event is None or self._about.notification.kind not in _FOR_CALENDARS:
            return None, "PUBLISH"
        method: Method = "CANCEL" if event.status == "cancelled" else "PUBLISH"
        return calendar_file(event, self._base_url, self._sender, method), method

    def _render(self, zone: str, subscribed: bool, *, account: bool) -> _Rendered:
        found = self._rendered.get((zone, subscribed, account))
        if found is None:
            notice = notice_for(self._about, zone, self._now, self._base_url, subscribed=subscribed)
            if not account:
                has_overview = notice.may_leave and not notice.never
                notice = replace(notice, page_url=notice.page_url if self._public else "", has_overview=has_overview)
            found = (
                notice,
                as_text(notice, LEAVE, PRESS, OVERVIEW),
                as_markdown(notice, LEAVE, PRESS),
                as_html(notice, LEAVE, PRESS, OVERVIEW),
                Direct(as_discord(notice), as_slack(notice), notice.page_url, self._leaves(notice), notice.page_words),
            )
            self._rendered[zone, subscribed, account] = found
        return found

    def _leaves(self, notice: Notice) -> str:
        return self._about.event.public_id if self._about.event is not None and notice.may_leave else ""

    def _leave_url(self, recipient: Recipient) -> str:
        event_id = self._about.event.id if self._about.event else 0
        token = unsubscribe_token(self._keys, UnsubscribeToken(event_id, recipient.integration_id))
        return f"{self._base_url}/u/{token}"

    def _overview_url(self, recipient: Recipient) -> str:
        return f"{self._base_url}/s/{address_token(self._keys, recipient.integration_id)}"

    def _press_url(self, recipient: Recipient) -> str:
        if self._about.notification.kind == "invitation":
            return f"{self._base_url}/i/{invitation_token(self._keys, self._about.notification.data['invitation'])}"
        notification = self._about.notification
        purpose = next((each for each in LINK_LIFETIMES if each == notification.kind), None)
        if purpose is not None:
            link = LinkToken(purpose, notification.data["link"], int(notification.created_at.timestamp()))
            return f"{self._base_url}/in/{link_token(self._keys, link)}"
        requested_at = int(recipient.requested_at.timestamp()) if recipient.requested_at else 0
        if recipient.subscription_id is not None:
            token = ConfirmToken("subscription", recipient.subscription_id, requested_at)
        else:
            token = ConfirmToken("integration", recipient.integration_id, requested_at)
        return f"{self._base_url}/c/{confirm_token(self._keys, token)}"


def _fill(template: str, leave: str, press: str, overview: str) -> str:
    return template.replace(LEAVE, leave).replace(PRESS, press).replace(OVERVIEW, overview)
