"""Putting a card into a channel on Slack: who may, once, and what to do when Slack refuses."""

import logging

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.conversation.desk import Desk
from bots.conversation.screens import Answer, Post, Screen, Tried, told
from bots.conversation.speaker import Speaker
from bots.network import UNREACHABLE
from core.cards.claims import claim_card, release_card
from core.cards.on_slack import slack_card
from core.work import Core

log = logging.getLogger(__name__)

_PAGES = 10
_INVITE = "I am not in that channel. Type /invite @Soonish there, or pick another one."
_WHY = {
    "not_in_channel": _INVITE,
    "channel_not_found": _INVITE,
    "is_archived": "That channel is archived. Pick another one.",
    "restricted_action": "This workspace does not let apps write there. Pick another channel, or ask an admin.",
    "restricted_action_read_only_channel": "That channel is read-only. Pick another one.",
    "missing_scope": "I lack a permission here. Ask an admin to install Soonish again.",
}
_GUEST_PLACES = "You may not write in that channel. Pick another one."


class CardPoster:
    def __init__(self, core: Core, desk: Desk) -> None:
        self._core = core
        self._desk = desk

    async def post(self, speaker: Speaker, client: AsyncWebClient, post: Post) -> Answer:
        """The card goes out as the worker will edit it. Slack would take it twice, so it is claimed first."""
        channel = post.space.channel_id
        try:
            if not await _may_write(speaker, client, channel):
                return await self._desk.not_posted(post, _GUEST_PLACES)
        except SlackApiError as error:
            return await self._desk.not_posted(post, _why(error))
        except UNREACHABLE as error:
            return await self._desk.not_posted(post, _unanswered(error, "Try again in a moment."))
        claim = await claim_card(self._core, post.card.event_id, post.space, post.instead_of)
        if claim is None:
            return told("That was posted already.")
        try:
            made = await client.chat_postMessage(channel=channel, **slack_card(post.card))
        except SlackApiError as error:
            why = _why(error)
        except UNREACHABLE as error:
            why = _unanswered(error, "Look whether it is there, then try again.")
        else:
            return await self._desk.posted(speaker, post, str(made["ts"]))
        await release_card(self._core, claim)
        return await self._desk.not_posted(post, why)


async def tried(client: AsyncWebClient, answer: Tried) -> Screen:
    """Into public channels the app may write without being inside. Nothing is said where Slack does not tell."""
    try:
        found = (await client.conversations_info(channel=answer.channel_id))["channel"]
    except SlackApiError as error:
        return answer.but(_WHY.get(str(error.response.get("error", ""))))
    except UNREACHABLE:
        return answer.but(None)
    return answer.but(_WHY["is_archived"] if found.get("is_archived") else None)


async def _may_write(speaker: Speaker, client: AsyncWebClient, channel: str) -> bool:
    """In the channel where they are, and in public ones if they are full members; elsewhere they must be inside."""
    if speaker.place is not None and speaker.place.space_id == channel:
        return True
    found = (await client.conversations_info(channel=channel))["channel"]
    if not found.get("is_private") and speaker.manages_events:
        return True
    cursor = ""
    for _ in range(_PAGES):
        page = await client.conversations_members(channel=channel, limit=1000, cursor=cursor)
        if speaker.signed.external_id in page["members"]:
            return True
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return False
    return False


def _unanswered(error: Exception, what_to_do: str) -> str:
    log.warning("Slack did not answer about a card: %s", type(error).__name__)
    return f"Slack did not answer. {what_to_do}"


def _why(error: SlackApiError) -> str:
    said = str(error.response.get("error", "no reason"))
    log.info("a card was refused: %s", said)
    if error.response.status_code == 429 or said == "ratelimited":
        seconds = error.response.headers.get("Retry-After", "30")
        return f"Slack asks to wait {seconds} seconds. Try again then."
    return _WHY.get(said, "Slack did not take it. Try again in a moment.")
