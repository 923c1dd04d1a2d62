"""Whether the app on Slack is set up as it must be: its tokens, what they allow, and how Slack is to reach us."""

import asyncio
import ipaddress
from urllib.parse import urlsplit

import aiohttp

from core.chat.installations import Installation, installed
from core.chat.installing import SCOPES
from core.chat.slack_api import SlackRefusedError, ask_slack
from core.operations.report import Finding, fine, trouble
from core.settings import Settings
from core.work import SYSTEM, Core

_SECONDS = 5.0
_AT_ONCE = 5
_ASKED_AT_MOST = 50
"""Workspaces, newest first: a check-up is over in seconds."""
_GUIDE = "See docs/slack.md."
_AT_HOME = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test")
"""Names that no name server of the internet knows."""


async def check_slack(core: Core) -> Finding:
    """One question to Slack for each token of the settings; it sends nothing and connects nothing."""
    settings = core.settings
    if not settings.on_slack:
        return fine("slack", "off")
    if settings.slack_signing_secret is None and settings.slack_app_token is None:
        hint = f"Set SLACK_APP_TOKEN (Socket Mode), or SLACK_SIGNING_SECRET (a public address). {_GUIDE}"
        return trouble("slack", "Slack has no way to reach us", hint)
    if _needs_an_address(settings) and not _public(settings.public_base_url):
        socket = "" if settings.slack_installs else ", or SLACK_APP_TOKEN (Socket Mode)"
        hint = f"Set it to a public https:// address{socket}. {_GUIDE}"
        return trouble("slack", f"Slack does not reach PUBLIC_BASE_URL ({settings.public_base_url})", hint)
    try:
        async with _session() as session:
            bot = await _bot(settings, session)
            return bot if isinstance(bot, Finding) else await _ways(settings, session, bot)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _away("slack", error)


async def check_installations(core: Core) -> Finding:
    """One question for each workspace that has put the app in, some of them at a time."""
    there = await core.ask(SYSTEM, installed, "slack")
    add = f"{core.settings.public_base_url}/slack/install"
    if not there:
        return fine("workspaces", f"nobody has added it yet; it is added at {add}")
    turns = asyncio.Semaphore(_AT_ONCE)
    try:
        async with _session() as session:
            found = await asyncio.gather(
                *(_complaint(core.settings, session, turns, each) for each in there[:_ASKED_AT_MOST])
            )
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _away("workspaces", error)
    if complaints := [each for each in found if each]:
        more = f", and {len(complaints) - 1} more" if len(complaints) > 1 else ""
        return trouble("workspaces", complaints[0] + more, f"Somebody there adds it again: {add}")
    asked = "" if len(there) == len(found) else f" of the newest {len(found)}"
    where = "one workspace" if len(there) == 1 else f"{len(there)} workspaces"
    return fine("workspaces", f"it is in {where}, and every token{asked} is accepted")


def _needs_an_address(settings: Settings) -> bool:
    """For requests, or for the way back from Slack's page; a socket and a token need none."""
    return not settings.slack_is_here and (settings.slack_app_token is None or settings.slack_installs)


def _public(address: str) -> bool:
    """As far as its name tells: Slack calls nothing else."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_AT_HOME)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS))


def _away(name: str, error: Exception) -> Finding:
    hint = "What is owed waits. See whether this machine reaches it, and SLACK_API_BASE_URL."
    return trouble(name, f"Slack does not answer: {type(error).__name__}", hint)


async def _bot(settings: Settings, session: aiohttp.ClientSession) -> Finding | list[str]:
    """Of the token in the settings: what is wrong with it, or what is to be said."""
    if settings.slack_bot_token is None:
        return []
    try:
        team, scopes = await ask_slack(session, settings, "auth.test", settings.slack_bot_token.get_secret_value())
    except SlackRefusedError as refused:
        hint = "Install the app again on its OAuth & Permissions page, and set SLACK_BOT_TOKEN to what it shows then."
        return trouble("slack", f"Slack does not accept the bot's token ({refused})", hint)
    if missing := sorted(SCOPES - scopes):
        hint = f"Take deploy/slack-manifest.yaml as the app's manifest, and install the app again. {_GUIDE}"
        return trouble("slack", f"the bot's token lacks {', '.join(missing)}", hint)
    return [f"the token is accepted in {team.get('team', 'a workspace')}"]


async def _ways(settings: Settings, session: aiohttp.ClientSession, said: list[str]) -> Finding:
    """How Slack reaches us, and how the app comes into workspaces."""
    if settings.slack_installs:
        said.append(f"workspaces add it at {settings.public_base_url}/slack/install")
    if settings.slack_signing_secret is not None:
        said.append(f"requests come to {settings.public_base_url}/slack/events")
    if settings.slack_app_token is not None:
        try:
            await ask_slack(session, settings, "apps.connections.open", settings.slack_app_token.get_secret_value())
        except SlackRefusedError as refused:
            hint = f"Make one with connections:write on the app's Basic Information page. {_GUIDE}"
            return trouble("slack", f"Slack does not accept SLACK_APP_TOKEN ({refused})", hint)
        said.append("Socket Mode is allowed")
    return fine("slack", "; ".join(said))


async def _complaint(
    settings: Settings, session: aiohttp.ClientSession, turns: asyncio.Semaphore, there: Installation
) -> str | None:
    where = f"in {there.name or there.tenant_id}"
    if there.token is None:
        return f"{where} the token cannot be opened: its key is missing"
    async with turns:
        try:
            _, scopes = await ask_slack(session, settings, "auth.test", there.token)
        except SlackRefusedError as refused:
            return f"{where} Slack does not accept the token ({refused})"
    missing = sorted(SCOPES - scopes)
    return f"{where} the token lacks {', '.join(missing)}" if missing else None
