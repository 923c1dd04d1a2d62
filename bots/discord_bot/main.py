"""The bot's process: wired, connected, and connected again for as long as it runs."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bots.conversation.desk import Desk
from bots.discord_bot.client import Bot
from bots.discord_bot.door import Door
from bots.process import NotAllowedError, run_until_stopped
from core.errors import Code
from core.settings import Settings
from core.wiring import build_core, build_outbound

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT, SETTLED = 0.5, 60.0, 60.0
"""Seconds. The wait doubles, and starts over once a connection has lasted for `SETTLED`."""
_GOODBYE = 3.0
_WRONG_TOKEN, _CLOSED_TO_US = 4004, frozenset({4010, 4011, 4012, 4013, 4014})
"""Close codes of the gateway: the token, and shards or intents that it does not allow."""


def run(settings: Settings, ready: Callable[[], None] | None = None) -> None:
    """Until SIGTERM or SIGINT. Raises `NotAllowedError` for a token or an application that Discord does not accept."""
    run_until_stopped(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[], None] | None) -> None:
    """Ready before Discord is: nothing else of Soonish waits for somebody else's servers."""
    if settings.discord_bot_token is None:
        raise NotAllowedError(Code.INVALID, "There is no bot token.", hint="Set DISCORD_BOT_TOKEN: see docs/discord.md")
    core = build_core(settings)
    outbound = build_outbound(core)
    point_at(settings)
    try:
        await outbound.sender.start()
        if ready is not None:
            ready()
        door = Door(Desk(core, outbound))
        await stay(settings, lambda connected: Bot(core, door, settings.discord_guild_id, connected))
    finally:
        await outbound.sender.close()
        await core.db.close()


def point_at(settings: Settings) -> None:
    """Where discord.py finds Discord; it keeps that in its classes."""
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
    Route.BASE = settings.discord_api_base_url.rstrip("/")
    if settings.discord_gateway_url is not None:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway_url)


async def stay(settings: Settings, new_client: Callable[[Callable[[], None]], Bot]) -> None:
    """A fresh client for each attempt: discord.py does not try to sign in twice, and one that failed is of no use."""
    token = settings.discord_bot_token
    wait = FIRST_WAIT
    while token is not None:
        connected_at: list[float] = []
        client = new_client(lambda since=connected_at: since.append(time.monotonic()))  # type: ignore[misc]
        try:
            await client.start(token.get_secret_value())
            why = "it closed the connection"
        except discord.LoginFailure as error:
            raise _wrong_token() from error
        except discord.PrivilegedIntentsRequired as error:
            raise _closed_to_us(4014) from error
        except discord.ConnectionClosed as error:
            if error.code == _WRONG_TOKEN:
                raise _wrong_token() from error
            if error.code in _CLOSED_TO_US:
                raise _closed_to_us(error.code) from error
            why = f"it closed the connection with {error.code}"
        except discord.HTTPException as error:
            why = f"it answers {error.status}"
        except Exception as error:  # a gateway that breaks off while it is greeted is an AttributeError
            log.debug("the connection ended", exc_info=True)
            why = type(error).__name__
        finally:
            await _close(client)
        if connected_at and time.monotonic() - connected_at[0] > SETTLED:
            wait = FIRST_WAIT
        log.warning("Discord is not reachable (%s); trying again in %.1f s", why, wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


async def _close(client: Bot) -> None:
    """A goodbye that Discord does not hear, because it is away, is not waited for."""
    with suppress(Exception):
        await asyncio.wait_for(client.close(), _GOODBYE)


def _wrong_token() -> NotAllowedError:
    return NotAllowedError(
        Code.FORBIDDEN,
        "Discord does not accept the bot's token.",
        hint="Reset it on the Bot page of your application, and set DISCORD_BOT_TOKEN to the new one.",
    )


def _closed_to_us(code: int) -> NotAllowedError:
    return NotAllowedError(
        Code.FORBIDDEN,
        f"Discord refuses the bot's connection (close code {code}).",
        hint="See docs/discord.md for how the application is set up.",
    )
