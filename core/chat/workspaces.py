"""With which token the app acts in a workspace on Slack: the one that somebody there granted, or the settings'."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable

import aiohttp

from core.chat.installations import token_of, token_refused
from core.chat.slack_api import SlackRefusedError, ask_slack
from core.delivery.message import Outcome
from core.delivery.slackbot import NO_TOKEN, NOT_INSTALLED, OneWorkspace
from core.keys import KeyMissingError
from core.work import SYSTEM, Core

log = logging.getLogger(__name__)

FRESH_SECONDS = 60.0
"""How long a token is believed in. Another process that hears of its end tells nobody: whoever uses it is refused by
Slack, and looks again then."""
KEPT = 5_000
_PATIENCE, _AGAIN_SECONDS = 2.0, 5.0
"""For Slack to say where the settings' token belongs; people wait for it. Where it does not, they do not wait again at
once."""


class Workspaces:
    """`Tokens`, remembered. One for each process. What is not there is asked for each time, so that a workspace that
    comes back is heard at once."""

    def __init__(self, core: Core, clock: Callable[[], float] = time.monotonic) -> None:
        self._core = core
        self._clock = clock
        self._one = OneWorkspace(core.settings)
        self._found: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._forgotten = 0
        """How often: what was looked up before the last time is not remembered after it."""
        self._team_of_settings: str | None = None
        self._ask_again_at = 0.0
        self._asking = asyncio.Lock()

    async def find(self, team_id: str) -> str | Outcome:
        if not self._core.settings.slack_installs:
            return await self._one.find(team_id)
        known = self._found.get(team_id)
        if known is not None and self._clock() - known[0] < FRESH_SECONDS:
            return known[1]
        before = self._forgotten
        found = await self._look(team_id)
        if isinstance(found, str) and before == self._forgotten:
            self._found[team_id] = (self._clock(), found)
            self._found.move_to_end(team_id)
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return found

    async def refused(self, team_id: str, token: str, *, gone: bool) -> str | Outcome | None:
        """An end that nobody told us of is written down, so that nothing is tried there for ever."""
        if not self._core.settings.slack_installs:
            return None
        self.forget(team_id)
        newer = await self.find(team_id)
        if newer != token:
            return newer
        if not gone or not await self._core.act(SYSTEM, token_refused, "slack", team_id, token):
            return None
        log.info("Slack says that the app was removed from a workspace")
        self.forget(team_id)
        return await self.find(team_id)

    def forget(self, team_id: str) -> None:
        self._forgotten += 1
        self._found.pop(team_id, None)

    async def _look(self, team_id: str) -> str | Outcome:
        try:
            granted = await self._core.ask(SYSTEM, token_of, "slack", team_id)
        except KeyMissingError:
            log.warning("the token of a workspace cannot be opened: its key is missing, or it is damaged")
            return NO_TOKEN
        return granted or await self._from_settings(team_id)

    async def _from_settings(self, team_id: str) -> str | Outcome:
        """That token is good in one workspace; in which one, Slack says."""
        token = await self._one.find(team_id)
        if isinstance(token, Outcome):
            return NOT_INSTALLED
        async with self._asking:
            if self._team_of_settings is None and self._clock() >= self._ask_again_at:
                self._team_of_settings = await self._team(token)
                self._ask_again_at = self._clock() + _AGAIN_SECONDS
        if self._team_of_settings is None:
            return NO_TOKEN
        return token if self._team_of_settings == team_id else NOT_INSTALLED

    async def _team(self, token: str) -> str | None:
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session:
                found, _ = await ask_slack(session, self._core.settings, "auth.test", token)
        except (SlackRefusedError, aiohttp.ClientError, OSError, ValueError) as error:
            log.warning("Slack does not say where SLACK_BOT_TOKEN belongs: %s", type(error).__name__)
            return None
        return str(found.get("team_id") or "") or None
