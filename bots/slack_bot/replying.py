"""Where an answer stands on Slack: in a message that one person sees, or in a window."""

import asyncio
import logging
from typing import Any, Protocol

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bots.conversation.screens import Document, Form, Screen
from bots.slack_bot.hearing import Heard
from bots.slack_bot.library import NO_RETRY, QUIET, SECONDS, asked_to_wait
from bots.slack_bot.rendering import WAIT, blocks_of, metadata_of, modal_of, text_of, window_of
from core.rendering.slack_parts import SECTION_AT_MOST, escape

log = logging.getLogger(__name__)

RESPONSES = 5
"""How often Slack takes something at the response_url of one press, in half an hour."""


class Reply(Protocol):
    async def show(self, screen: Screen, *, last: bool = True) -> bool:
        """`last`: False while something newer may follow, so that it may be left out. Whether it was not."""

    async def ask(self, form: Form) -> None: ...

    async def hold(self) -> "Reply":
        """A window opens only within three seconds of the press: this takes one, for what comes later."""


class InMessage:
    """By the response_url, in the place of the private message that was pressed in, else as a new one."""

    def __init__(self, heard: Heard, client: AsyncWebClient, *, beside: bool) -> None:
        self._heard = heard
        self._client = client
        self._replace = heard.private and not beside
        self._left = RESPONSES

    async def show(self, screen: Screen, *, last: bool = True) -> bool:
        if self._left <= (0 if last else 2):
            return False
        self._left -= 1
        await respond(
            self._heard.response_url,
            text=escape(text_of(screen), SECTION_AT_MOST) or "Soonish",
            blocks=blocks_of(screen),
            replace_original=self._replace,
            response_type="ephemeral",
        )
        self._replace = True
        return True

    async def ask(self, form: Form) -> None:
        await self._client.views_open(trigger_id=self._heard.trigger_id, view=modal_of(form, _where(self._heard)))

    async def hold(self) -> Reply:
        return await opened(self._heard, self._client)


async def respond(response_url: str, **message: Any) -> None:
    client = AsyncWebhookClient(response_url, timeout=SECONDS, logger=QUIET, retry_handlers=NO_RETRY)
    done = await client.send(**message)
    if done.status_code == 429:
        await asyncio.sleep(asked_to_wait(done.headers))
        done = await client.send(**message)
    if done.status_code != 200:
        log.warning("Slack refused an answer: %d", done.status_code)


class InWindow:
    """In a window that stands open. It may be changed as often as there is something new."""

    def __init__(self, heard: Heard, client: AsyncWebClient, view_id: str) -> None:
        self._heard = heard
        self._client = client
        self._view_id = view_id

    async def show(self, screen: Screen, *, last: bool = True) -> bool:
        await self._update(window_of(screen, _where(self._heard)))
        return True

    async def ask(self, form: Form) -> None:
        await self._update(modal_of(form, _where(self._heard)))

    async def hold(self) -> Reply:
        return self

    async def put(self, view: dict[str, Any]) -> None:
        await self._update(view)

    async def _update(self, view: dict[str, Any]) -> None:
        try:
            await self._updated(view)
        except SlackApiError as error:
            if error.response.get("error") != "not_found":  # they closed it
                raise
            log.info("a window was closed before its answer")

    async def _updated(self, view: dict[str, Any]) -> None:
        try:
            await self._client.views_update(view_id=self._view_id, view=view)
        except SlackApiError as error:
            if error.response.status_code != 429:
                raise
            await asyncio.sleep(asked_to_wait(error.response.headers))
            await self._client.views_update(view_id=self._view_id, view=view)


async def in_direct_message(heard: Heard, client: AsyncWebClient, words: str) -> None:
    """For what cannot be said where it was asked."""
    await client.chat_postMessage(channel=heard.user_id, text=escape(words, SECTION_AT_MOST))


async def opened(heard: Heard, client: AsyncWebClient) -> InWindow:
    made = await client.views_open(trigger_id=heard.trigger_id, view=window_of(WAIT, _where(heard)))
    return InWindow(heard, client, str(made["view"]["id"]))


async def hand_over(heard: Heard, client: AsyncWebClient, document: Document) -> None:
    """A file goes to the conversation between them and the app."""
    direct = await client.conversations_open(users=heard.user_id)
    await client.files_upload_v2(
        channel=str(direct["channel"]["id"]), filename=document.name, content=document.body, title=document.name
    )


def _where(heard: Heard) -> str:
    return metadata_of(heard.channel_id, heard.channel_name)
