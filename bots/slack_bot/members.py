"""Whose member somebody is whom a command names: channels that two workspaces share hold people of both."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from slack_sdk.web.async_client import AsyncWebClient

from bots.slack_bot.library import FAILED, reason

log = logging.getLogger(__name__)

SECONDS = 5.0


def homes(client: AsyncWebClient) -> Callable[[str], Awaitable[str | None]]:
    """As `Speaker.home_of` wants it."""

    async def home_of(member: str) -> str | None:
        try:
            found = await asyncio.wait_for(client.users_info(user=member), SECONDS)
        except FAILED as error:
            said = reason(error)
            log.info("Slack does not say whose member somebody is: %s", said)
            return "" if said in ("user_not_found", "user_not_visible") else None
        return str(found["user"].get("team_id") or "")

    return home_of
