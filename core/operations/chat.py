"""Whether the bot is set up as it must be: its token, its application, what it may do in its servers, its commands."""

from typing import Any

import aiohttp

from core.chat.told import commands_name, read_told, versions_of
from core.operations.report import Finding, fine, trouble
from core.work import SYSTEM, Core

_SECONDS = 5.0
_SERVERS = 200
NEEDED = {10: "View Channel", 11: "Send Messages", 14: "Embed Links", 38: "Send Messages in Threads"}
"""Bits of Discord's permissions. https://docs.discord.com/developers/topics/permissions"""
_ADMINISTRATOR = 3
_GUIDE = "See docs/discord.md."


class _RefusedError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def check_discord(core: Core) -> Finding:
    """Four questions to Discord; no privileged intent is needed, so none is asked about."""
    settings = core.settings
    token = settings.discord_bot_token
    if token is None:
        return fine("discord", "off")
    headers = {"Authorization": f"Bot {token.get_secret_value()}", "User-Agent": "DiscordBot (Soonish, 1)"}
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout, headers=headers) as session:
            base = settings.discord_api_base_url.rstrip("/")
            application = await _ask(session, f"{base}/oauth2/applications/@me")
            servers = await _ask(session, f"{base}/users/@me/guilds?limit={_SERVERS}")
            scope = f"guilds/{settings.discord_guild_id}/" if settings.discord_guild_id else ""
            commands = await _ask(session, f"{base}/applications/{application['id']}/{scope}commands")
    except _RefusedError as refused:
        if refused.status == 401:
            hint = "Reset it on the Bot page of your application, and set DISCORD_BOT_TOKEN to the new one."
            return trouble("discord", "Discord does not accept the bot's token", hint)
        return trouble("discord", f"Discord answers {refused.status}", "Try again later; what is owed waits.")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        hint = "What is owed waits. See whether this machine reaches it, and DISCORD_API_BASE_URL."
        return trouble("discord", f"Discord does not answer: {type(error).__name__}", hint)
    return await _judged(core, application, servers, commands)


async def _ask(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as answer:
        if answer.status != 200:
            raise _RefusedError(answer.status)
        return await answer.json()


async def _judged(
    core: Core, application: dict[str, Any], servers: list[dict[str, Any]], commands: list[dict[str, Any]]
) -> Finding:
    if application.get("interactions_endpoint_url"):
        hint = (
            "Empty Interactions Endpoint URL on its General Information page: commands would go there, not to the bot."
        )
        return trouble("discord", "the application sends its interactions to a URL", hint)
    if not servers:
        return trouble("discord", "the bot is in no server", f"Invite it. {_GUIDE}")
    for server in servers:
        if missing := _missing(int(server.get("permissions", 0))):
            hint = f"Allow it to the bot's role in that server's settings. {_GUIDE}"
            return trouble("discord", f"in {server.get('name', 'a server')} the bot lacks {', '.join(missing)}", hint)
    guild = core.settings.discord_guild_id
    told = await core.ask(SYSTEM, read_told, commands_name(str(application["id"]), guild))
    if told is None:
        return trouble("discord", "Discord was never told the commands", "Run: soonish run discord")
    if told.split()[1:] != versions_of(commands):
        hint = "Start soonish run discord again: it tells them anew."
        return trouble("discord", "Discord knows other commands than it was told", hint)
    where = "one server" if len(servers) == 1 else f"{len(servers)} servers"
    return fine("discord", f"the token is accepted, the bot is in {where}, the commands are told")


def _missing(permissions: int) -> list[str]:
    if permissions >> _ADMINISTRATOR & 1:
        return []
    return [name for bit, name in NEEDED.items() if not permissions >> bit & 1]
