"""The bot's process for Socket Mode: wired, connected, and connected again for as long as it runs."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bots.process import NotAllowedError, run_until_stopped
from bots.slack_bot.app import build_app
from core.delivery.slackbot import OURS
from core.errors import Code
from core.settings import Settings
from core.wiring import build_core, build_outbound

log = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
"""Seconds; the wait doubles."""
_PING = 5.0
_LOOK = 1.0
_GOODBYE = 3.0


def run(settings: Settings, ready: Callable[[], None] | None = None) -> None:
    """Until SIGTERM or SIGINT. Raises `NotAllowedError` for tokens that Slack does not accept."""
    run_until_stopped(_serve(settings, ready))


async def _serve(settings: Settings, ready: Callable[[], None] | None) -> None:
    """Ready before Slack is: nothing else of Soonish waits for somebody else's servers."""
    if settings.slack_app_token is None or not settings.on_slack:
        raise NotAllowedError(
            Code.INVALID, "There are no tokens for Socket Mode.",
            hint="Set SLACK_APP_TOKEN, and SLACK_BOT_TOKEN or SLACK_CLIENT_ID and its secret: see docs/slack.md",
        )  # fmt: skip
    core = build_core(settings)
    outbound = build_outbound(core)
    try:
        await outbound.sender.start()
        if ready is not None:
            ready()
        await stay(build_app(core, outbound), settings.slack_app_token.get_secret_value())
    finally:
        await outbound.sender.close()
        await core.db.close()


async def stay(app: AsyncApp, app_token: str) -> None:
    """The library connects again by itself once it was connected; the first time, and what it may not do, is ours."""
    handler = AsyncSocketModeHandler(app, app_token, logger=app.logger, ping_interval=_PING)
    try:
        handler.client.wss_uri = await _address(app, app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        log.info("connected to Slack")
        await _watch(handler)
    finally:
        with suppress(Exception):
            await asyncio.wait_for(handler.close_async(), _GOODBYE)  # type: ignore[no-untyped-call]


async def _address(app: AsyncApp, app_token: str) -> str:
    wait = FIRST_WAIT
    while True:
        try:
            return str((await app.client.apps_connections_open(app_token=app_token))["url"])
        except SlackApiError as error:
            said = str(error.response.get("error", "no reason"))
            if said in OURS:
                raise _refused(said) from error
            why = f"it answers {said}"
        except Exception as error:  # noqa: BLE001 - whatever it is, Slack is not there yet
            why = type(error).__name__
        log.warning("Slack is not reachable (%s); trying again in %.1f s", why, wait)
        await asyncio.sleep(wait)
        wait = min(wait * 2, LONGEST_WAIT)


async def _watch(handler: AsyncSocketModeHandler) -> None:
    """Says when the connection is lost, and when it is back."""
    there = True
    while True:
        await asyncio.sleep(_LOOK)
        now = await handler.client.is_connected()
        if now != there:
            log.info("connected to Slack") if now else log.warning("the connection to Slack is lost")
        there = now


def _refused(said: str) -> NotAllowedError:
    return NotAllowedError(
        Code.FORBIDDEN,
        f"Slack does not accept the app's token ({said.replace('_', ' ')}).",
        hint="Make one with the scope connections:write on the app's Basic Information page, and set SLACK_APP_TOKEN.",
    )
