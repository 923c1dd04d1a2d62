"""`discorddm://<user id>` and `slackdm://<team id>/<user id>`: a direct message by our own bot. Nobody types such an
address: it stands for an identity that the platform has signed."""

import re
from typing import Any

from apprise.plugins.base import NotifyBase

from core.delivery.bot import DiscordBot
from core.delivery.chat import DISCORD_CHARACTERS, DISCORD_TITLE_CHARACTERS
from core.delivery.message import Message, Outcome
from core.delivery.native import Native, shorten
from core.delivery.outcomes import ERROR
from core.delivery.slackbot import SlackBot
from core.rendering import slack_parts
from core.rendering.discord_parts import button_row, escape, link_button, press_button

SLACK_IDS = re.compile(r"([A-Z0-9]{2,32})/([A-Z0-9]{2,32})", re.ASCII)
USER_ID = re.compile(r"\d{1,20}", re.ASCII)
SUPPRESS_EMBEDS = 1 << 2
_OPEN = "Open page"


class DiscordDirect(Native, NotifyBase):  # type: ignore[no-untyped-call]
    service_name: Any = "Discord DM"
    secure_protocol: Any = "discorddm"
    request_rate_per_sec = 0

    bot: DiscordBot
    message: Message

    def __init__(self, user_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.user_id = user_id

    @staticmethod
    def parse_url(url: str, *_: Any, **__: Any) -> dict[str, Any] | None:
        """None unless it is exactly one of Discord's ids."""
        user_id = url.partition("://")[2]
        return {"schema": "discorddm", "user_id": user_id} if USER_ID.fullmatch(user_id) else None

    def words(self, message: Message) -> tuple[str, str]:
        """Buttons need more than title and body; the whole message is kept for `async_notify`."""
        self.message = message
        title = f"**{escape(message.title, DISCORD_TITLE_CHARACTERS)}**" if message.title else ""
        body = message.direct.discord if message.direct is not None else message.markdown
        return title, shorten(body, DISCORD_CHARACTERS - len(title) - 1)

    async def async_notify(self, body: str = "", title: str = "", **_: Any) -> bool:
        self.outcome: Outcome = ERROR
        self.outcome = await self.bot.message(self.user_id, self._payload(body, title))
        return self.outcome.delivered

    def _payload(self, body: str, title: str) -> dict[str, Any]:
        payload: dict[str, Any] = {
            "content": f"{title}\n{body}" if title else body,
            "allowed_mentions": {"parse": []},
            "flags": SUPPRESS_EMBEDS,
        }
        if self.message.key:
            # Sent again within some minutes, after a crash or a torn connection, it is the same message.
            payload |= {"nonce": self.message.key, "enforce_nonce": True}
        direct = self.message.direct
        if direct is not None:
            leave = press_button("Unsubscribe", f"soonish:leave:{direct.leave}") if direct.leave else None
            payload["components"] = button_row(link_button(direct.page_words or _OPEN, direct.page_url), leave)
        return payload


class SlackDirect(Native, NotifyBase):  # type: ignore[no-untyped-call]
    service_name: Any = "Slack DM"
    secure_protocol: Any = "slackdm"
    request_rate_per_sec = 0

    bot: SlackBot
    message: Message

    def __init__(self, team_id: str, user_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.team_id, self.user_id = team_id, user_id

    @staticmethod
    def parse_url(url: str, *_: Any, **__: Any) -> dict[str, Any] | None:
        """None unless it is exactly two of Slack's ids."""
        found = SLACK_IDS.fullmatch(url.partition("://")[2])
        return {"schema": "slackdm", "team_id": found[1], "user_id": found[2]} if found else None

    def words(self, message: Message) -> tuple[str, str]:
        """Here neither is markup; `async_notify` takes what is from the message."""
        self.message = message
        body = message.direct.slack if message.direct is not None and message.direct.slack else ""
        return message.title, body or slack_parts.escape(message.text, slack_parts.SECTION_AT_MOST)

    async def async_notify(self, body: str = "", title: str = "", **_: Any) -> bool:
        self.outcome: Outcome = ERROR
        self.outcome = await self.bot.message(self.team_id, self.user_id, self._payload(body, title))
        return self.outcome.delivered

    def _payload(self, body: str, title: str) -> dict[str, Any]:
        """`text` is what the notification on a phone says."""
        head = slack_parts.escape(title, DISCORD_TITLE_CHARACTERS)
        blocks = [slack_parts.section(f"*{head}*")] if head else []
        if body:
            blocks.append(slack_parts.section(shorten(body, slack_parts.SECTION_AT_MOST)))
        direct = self.message.direct
        if direct is not None:
            leave = slack_parts.press_button("Unsubscribe", f"soonish:leave:{direct.leave}") if direct.leave else None
            blocks += slack_parts.button_row(
                slack_parts.link_button(direct.page_words or _OPEN, direct.page_url), leave
            )
        payload: dict[str, Any] = {"text": head or "Soonish", "blocks": blocks}
        return payload | {"unfurl_links": False, "unfurl_media": False}
