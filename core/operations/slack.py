"""Whether the app on Slack is set up as it must be: its tokens, what they allow, and how Slack is to reach us."""

import re
from typing import Any

import aiohttp

from core.operations.report import Finding, fine, trouble
from core.settings import Settings
from core.work import Core

_SECONDS = 5.0
NEEDED = frozenset(
    {"chat:write", "chat:write.public", "commands", "channels:read", "groups:read", "users:read", "usergroups:read"}
    | {"im:write", "files:write"}
)
"""As deploy/slack-manifest.yaml asks for; docs/slack.md says why."""
_GUIDE = "See docs/slack.md."
_ERROR = re.compile(r"\w{1,60}")


class _RefusedError(Exception):
    pass


async def check_slack(core: Core) -> Finding:
    """One question to Slack for each token; it sends nothing and connects nothing."""
    settings = core.settings
    if settings.slack_bot_token is None:
        return fine("slack", "off")
    if settings.slack_signing_secret is None and settings.slack_app_token is None:
        hint = f"Set SLACK_APP_TOKEN (Socket Mode), or SLACK_SIGNING_SECRET (a public address). {_GUIDE}"
        return trouble("slack", "Slack has no way to reach us", hint)
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
            return await _judged(settings, session, settings.slack_bot_token.get_secret_value())
    except (aiohttp.ClientError, OSError, ValueError) as error:
        hint = "What is owed waits. See whether this machine reaches it, and SLACK_API_BASE_URL."
        return trouble("slack", f"Slack does not answer: {type(error).__name__}", hint)


async def _judged(settings: Settings, session: aiohttp.ClientSession, token: str) -> Finding:
    try:
        team, scopes = await _ask(session, settings, "auth.test", token)
    except _RefusedError as refused:
        hint = "Install the app again on its OAuth & Permissions page, and set SLACK_BOT_TOKEN to what it shows then."
        return trouble("slack", f"Slack does not accept the bot's token ({refused})", hint)
    if missing := sorted(NEEDED - scopes):
        hint = f"Take deploy/slack-manifest.yaml as the app's manifest, and install the app again. {_GUIDE}"
        return trouble("slack", f"the bot's token lacks {', '.join(missing)}", hint)
    how = [f"requests come to {settings.public_base_url}/slack/events"] if settings.slack_signing_secret else []
    if settings.slack_app_token is not None:
        try:
            await _ask(session, settings, "apps.connections.open", settings.slack_app_token.get_secret_value())
        except _RefusedError as refused:
            hint = f"Make one with connections:write on the app's Basic Information page. {_GUIDE}"
            return trouble("slack", f"Slack does not accept SLACK_APP_TOKEN ({refused})", hint)
        how.append("Socket Mode is allowed")
    return fine("slack", f"the token is accepted in {team.get('team', 'a workspace')}; {', '.join(how)}")


async def _ask(
    session: aiohttp.ClientSession, settings: Settings, method: str, token: str
) -> tuple[dict[str, Any], frozenset[str]]:
    """The answer, and the scopes of the token."""
    headers = {"Authorization": f"Bearer {token}", "User-Agent": "Soonish"}
    async with session.post(settings.slack_api_base_url + method, headers=headers) as answer:
        body = await answer.json()
        if not body.get("ok"):
            said = _ERROR.fullmatch(str(body.get("error", "")))
            raise _RefusedError(said[0].replace("_", " ") if said else f"it answers {answer.status}")
        return body, frozenset(answer.headers.get("X-OAuth-Scopes", "").replace(" ", "").split(","))
