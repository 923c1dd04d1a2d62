"""Discord and Slack webhooks. Nobody is ever pinged: mentions in an event's text stay text."""

import dataclasses
import html
import json
import re
import time
from typing import Any
from urllib.parse import urlencode

from apprise import NotifyType
from apprise.plugins.discord import NotifyDiscord
from apprise.plugins.slack import CHANNEL_RE, NotifySlack

from core.delivery.http import HttpRequest, Reply
from core.delivery.message import OK, Message, Outcome
from core.delivery.native import Native, shorten
from core.delivery.slackbot import SLACK_ABOUT_MESSAGE, SLACK_LIMIT_SECONDS, SLACK_LIMITS, SLACK_PASSING

DISCORD_CHARACTERS = 2000
DISCORD_TITLE_CHARACTERS = 250
SLACK_CHARACTERS = 8000
SLACK_BLOCK_CHARACTERS = 3000
SLACK_TITLE_CHARACTERS = 150

# Discord's Markdown that could change the look of a title; https://support.discord.com/hc/articles/210298617
DISCORD_MARKUP = re.compile(r"([\\*_~`|>#\[\]])")

# In Slack's mrkdwn only links keep their angle bracket: <!channel>, <@U…>, <#C…> and <!subteam^…> would call people.
SLACK_CONTROL = re.compile(r"<(?!https?://)")


class Discord(Native, NotifyDiscord):  # type: ignore[no-untyped-call]
    markdown = True

    def words(self, message: Message) -> tuple[str, str]:
        escaped = DISCORD_MARKUP.sub(r"\\\1", message.title[:DISCORD_TITLE_CHARACTERS])
        title = f"**{escaped}**" if escaped else ""
        return title, shorten(message.markdown, DISCORD_CHARACTERS - len(title) - 2)

    def request(self, body: str, title: str) -> HttpRequest:
        payload: dict[str, Any] = {
            "tts": self.tts,
            "wait": self.tts is False,
            "content": f"{title}\r\n{body}" if title else body,
            "allowed_mentions": {"parse": []},
        }
        options = {"flags": self.flags, "avatar_url": self.avatar and self.avatar_url, "username": self.user}
        payload.update({name: value for name, value in options.items() if value})
        headers = {"User-Agent": self.app_id, "Content-Type": "application/json; charset=utf-8"}
        url = f"{self.notify_url}/{self.webhook_id}/{self.webhook_token}"
        if self.thread_id:
            url += "?" + urlencode({"thread_id": self.thread_id})
        return HttpRequest(url, json.dumps(payload).encode(), headers)

    def judge(self, reply: Reply) -> Outcome:
        """A 429 is about one webhook unless Discord says that it is global."""
        return dataclasses.replace(reply.outcome(), host_wide="X-RateLimit-Global" in reply.headers)


class Slack(Native, NotifySlack):  # type: ignore[no-untyped-call]
    markdown = True

    def words(self, message: Message) -> tuple[str, str]:
        limit = SLACK_BLOCK_CHARACTERS if self.use_blocks else SLACK_CHARACTERS
        return message.title[:SLACK_TITLE_CHARACTERS], shorten(super().words(message)[1], limit)

    def request(self, body: str, title: str) -> HttpRequest:
        headers = {
            "User-Agent": self.app_id,
            "Accept": "application/json",
            "Content-Type": "application/json; charset=utf-8",
        }
        if self.mode == "bot":
            headers["Authorization"] = f"Bearer {self.access_token}"
        return HttpRequest(self._address(), json.dumps(self._payload(body, title)).encode(), headers)

    def _address(self) -> str:
        if self.mode == "bot":
            return str(self.api_url.format("chat.postMessage"))
        if self.mode in ("workflow", "trigger"):
            base = self.workflow_url if self.mode == "workflow" else self.workflow_trigger_url
            return "/".join([base, *self.workflow_path])
        base = self.webhook_gov_url if self.mode == "gov-hook" else self.webhook_url
        return f"{base}/{self.token_a}/{self.token_b}/{self.token_c}"

    def _payload(self, body: str, title: str) -> dict[str, Any]:
        mrkdwn = self._wants_markdown()
        body = self.mrkdwn(body) if mrkdwn else html.escape(body, quote=False)
        title = html.escape(title, quote=False)
        if self.mode in ("workflow", "trigger"):
            return {"text": f"{title}: {body}" if title else body}
        payload = self._blocks(body, title, mrkdwn) if self.use_blocks else self._attachment(body, title, mrkdwn)
        if self.user:
            payload["username"] = self.user
        if self.channels[0] is not None:
            payload.update(slack_target(self.channels[0]))
        return payload

    def mrkdwn(self, body: str) -> str:
        """Markdown in Slack's dialect, with every control sequence but links made harmless."""
        return SLACK_CONTROL.sub("&lt;", self._commonmark_to_slack(body))  # type: ignore[no-untyped-call]

    def _attachment(self, body: str, title: str, mrkdwn: bool) -> dict[str, Any]:
        attachment: dict[str, Any] = {"title": title, "text": body, "color": self.color(NotifyType.INFO)}
        if self.include_footer:
            attachment["footer"] = self.app_id
            if self.include_timestamp:
                attachment["ts"] = time.time()
        return {"mrkdwn": mrkdwn, "attachments": [attachment]}

    def _blocks(self, body: str, title: str, mrkdwn: bool) -> dict[str, Any]:
        kind = "mrkdwn" if mrkdwn else "plain_text"
        blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": kind, "text": body}}]
        if title:
            blocks.insert(0, {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": True}})
        if self.include_footer:
            blocks.append({"type": "context", "elements": [{"type": kind, "text": self.app_id}]})
        return {"attachments": [{"blocks": blocks, "color": self.color(NotifyType.INFO)}]}

    def judge(self, reply: Reply) -> Outcome:
        """A bot's answer is 200 even when it failed: `ok` and `error` stand at the start of the body."""
        outcome = reply.outcome()
        if self.mode != "bot" or not outcome.delivered:
            return outcome
        if re.search(rb'"ok"\s*:\s*true', reply.body):
            return OK
        found = re.search(rb'"error"\s*:\s*"(\w{1,60})"', reply.body)
        return slack_error(found.group(1).decode() if found else "unknown_answer")


def slack_error(error: str) -> Outcome:
    reason = f"Slack answered: {error.replace('_', ' ')}."
    code = f"slack_{error}"
    if error in SLACK_LIMITS:
        return Outcome(False, code, reason, retry_after=SLACK_LIMIT_SECONDS, deferred=True)
    about_message = error in SLACK_ABOUT_MESSAGE
    return Outcome(False, code, reason, permanent=error not in SLACK_PASSING, about_message=about_message)


def slack_target(target: str) -> dict[str, str]:
    """`+C123` names a channel by id, `@name` a person, anything else a channel; `:ts` at the end names a thread."""
    found = CHANNEL_RE.match(target)
    if found is None:
        return {}
    channel, thread = found.group("channel", "thread_ts")
    name = channel[1:] if channel[0] == "+" else channel if channel[0] in "#@" else f"#{channel}"
    return {"channel": name, "thread_ts": thread} if thread else {"channel": name}
