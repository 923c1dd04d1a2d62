"""Asking Slack's Web API one question, outside of any delivery."""

import re
from typing import Any

import aiohttp

from core.settings import Settings

_ERROR = re.compile(r"\w{1,60}")


class SlackRefusedError(Exception):
    """Slack's own word for why."""


async def ask_slack(
    session: aiohttp.ClientSession, settings: Settings, method: str, token: str
) -> tuple[dict[str, Any], frozenset[str]]:
    """The answer, and the scopes of the token."""
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "Soonish"}
    async with session.post(settings.slack_api_base_url + method, headers=headers) as answer:
        body = await answer.json()
        if not body.get("ok"):
            said = _ERROR.fullmatch(str(body.get("error", "")))
            raise SlackRefusedError(said[0].replace("_", " ") if said else f"it answers {answer.status}")
        return body, frozenset(answer.headers.get("X-OAuth-Scopes", "").replace(" ", "").split(","))
