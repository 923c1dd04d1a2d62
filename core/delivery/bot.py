"""Discord's REST API as the bot: what it may be asked, at which pace, and what its answers mean.

One for each process. It goes to `DISCORD_API_BASE_URL` and nowhere else, by a transport of its own: only here may that
be a server on this machine.
"""

import asyncio
import dataclasses
import ipaddress
import json
from collections import OrderedDict
from typing import Any
from urllib.parse import urlsplit

from core.delivery.http import HttpRequest, HttpTransport, Reply
from core.delivery.message import OK, Outcome
from core.delivery.outcomes import from_status, parse_retry_after
from core.delivery.policy import DestinationPolicy, Opening
from core.settings import Network, Settings

CHANNELS_KEPT = 20_000
LIMIT_SECONDS = 5.0
OLD_MESSAGE_SECONDS = 60.0
"""For an answer that asks to wait and does not say how long; and for one about edits of messages older than an hour."""
OPERATOR_SECONDS = 60.0

NO_TOKEN = Outcome(
    False, "discord_no_token", "Soonish has no Discord bot at the moment.", retry_after=OPERATOR_SECONDS,
    deferred=True, host_wide=True,
)  # fmt: skip
WRONG_TOKEN = dataclasses.replace(
    NO_TOKEN,
    code="discord_401",
    reason="Discord does not accept the bot's token; whoever runs Soonish has to set a new one.",
    host_fault=True,
)

# https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes
NO_CHANNEL, NO_MESSAGE, NO_ACCESS, NO_EVENT = "discord_10003", "discord_10008", "discord_50001", "discord_10070"
FOR_GOOD = {
    10003: "This channel does not exist any more.",
    10004: "This server does not exist any more.",
    10008: "This message was deleted.",
    10013: "This Discord account does not exist any more.",
    10070: "It was taken off the server's events.",
    50001: "Discord does not let Soonish in there any more.",
    50005: "This message is another bot's.",
    50007: "Their direct messages are closed to Soonish, or they share no server with it any more.",
    50013: "That server does not let Soonish do this.",
    50033: "Discord does not know this account.",
    50278: "They share no server with Soonish any more.",
}
_REFUSED = "Discord does not take this message."
ABOUT_MESSAGE = dict.fromkeys((20009, 50006, 50035, 50109, 180000, 200000, 200001), _REFUSED) | {
    50083: "Its thread is archived.",
    160005: "Its thread is locked.",
}
"""Empty, misformed, or refused by a filter; of a server's event: it is over already."""
SLOWLY = {20026: 600.0, 40003: 60.0}
"""Discord suspects spam (20026), or direct channels are opened too fast: the whole bot holds still for so long."""


class DiscordBot:
    """Nothing here raises for what the network or Discord does."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.discord_bot_token
        self._base = settings.discord_api_base_url.rstrip("/")
        self._http = HttpTransport(
            only(settings.discord_api_base_url, settings.delivery_allowed_networks), settings.delivery_timeout_seconds
        )
        self._pace = Pace(settings.discord_requests_per_second)
        self._channels: OrderedDict[str, str] = OrderedDict()

    async def start(self) -> None:
        await self._http.start()

    async def close(self) -> None:
        await self._http.close()

    async def message(self, user_id: str, payload: dict[str, Any]) -> Outcome:
        """A direct message to somebody. A channel that is known no more is opened once again."""
        outcome = NO_TOKEN
        for _ in range(2):
            channel_id = self._channels.get(user_id)
            if channel_id is None:
                outcome, channel_id = await self._open(user_id)
            if channel_id is None:
                return outcome
            outcome, _body = await self._call("POST", f"/channels/{channel_id}/messages", payload)
            if outcome.code != NO_CHANNEL:
                break
            self._channels.pop(user_id, None)
        return outcome

    async def edit(self, channel_id: str, message_id: str, payload: dict[str, Any]) -> Outcome:
        """One of the bot's own messages."""
        return (await self._call("PATCH", f"/channels/{channel_id}/messages/{message_id}", payload))[0]

    async def edit_event(self, server_id: str, event_id: str, payload: dict[str, Any]) -> Outcome:
        """One of a server's own events, which this bot has put there."""
        return (await self._call("PATCH", f"/guilds/{server_id}/scheduled-events/{event_id}", payload))[0]

    async def remove_event(self, server_id: str, event_id: str) -> Outcome:
        return (await self._call("DELETE", f"/guilds/{server_id}/scheduled-events/{event_id}", {}))[0]

    async def _open(self, user_id: str) -> tuple[Outcome, str | None]:
        outcome, body = await self._call("POST", "/users/@me/channels", {"recipient_id": user_id})
        if not outcome.delivered:
            # Opening channels has one limit for the whole bot.
            return dataclasses.replace(outcome, host_wide=outcome.deferred), None
        channel_id = str(body.get("id", ""))
        if not channel_id.isdecimal():
            return from_status(502), None
        self._channels[user_id] = channel_id
        if len(self._channels) > CHANNELS_KEPT:
            self._channels.popitem(last=False)
        return OK, channel_id

    async def _call(self, method: str, path: str, payload: dict[str, Any]) -> tuple[Outcome, dict[str, Any]]:
        if self._token is None:
            return NO_TOKEN, {}
        await self._pace.turn()
        headers = {
            "Authorization": f"Bot {self._token.get_secret_value()}",
            "Content-Type": "application/json",
            "User-Agent": "DiscordBot (Soonish, 1)",
        }
        reply = await self._http.send(HttpRequest(self._base + path, json.dumps(payload).encode(), headers, method))
        body = _json(reply)
        return judge(reply, body), body


class Pace:
    """Turns, evenly spaced: nobody is made to wait by somebody else's burst for longer than the burst takes."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._interval
        if at > now:
            await asyncio.sleep(at - now)


def judge(reply: Reply, body: dict[str, Any]) -> Outcome:
    """Only what Discord itself says of a person, a channel or a message is held against it: a 403 without a code comes
    from the guard before it, and is about us. And whatever it says in words of its own, it is well: everybody else's
    messages go on."""
    if reply.failure is not None:
        return reply.failure
    if 200 <= reply.status < 300:
        return OK
    code = body.get("code", 0)
    if reply.status == 401:
        return WRONG_TOKEN
    if reply.status == 429:
        return _limited(reply, body)
    if code in FOR_GOOD:
        return Outcome(False, f"discord_{code}", FOR_GOOD[code], permanent=True)
    if code in ABOUT_MESSAGE:
        return Outcome(False, f"discord_{code}", ABOUT_MESSAGE[code], permanent=True, about_message=True)
    if code in SLOWLY:
        reason = "Discord asks the bot to hold still for a while."
        return Outcome(False, f"discord_{code}", reason, retry_after=SLOWLY[code], deferred=True, host_wide=True)
    if reply.status >= 500:
        return from_status(reply.status, reply.headers.get("Retry-After"))
    named = f"discord_{code}" if code else f"http_{reply.status}"
    return Outcome(False, named, f"Discord answered {reply.status}.", host_fault=not code)


def _limited(reply: Reply, body: dict[str, Any]) -> Outcome:
    """About one route, unless it is said to be global, or without Discord's own words: then it is the guard's."""
    said = body.get("retry_after", reply.headers.get("Retry-After"))
    wait = parse_retry_after(said if isinstance(said, int | float | str) else None)
    unsaid = OLD_MESSAGE_SECONDS if body.get("code") == 30046 else LIMIT_SECONDS
    everywhere = not body or body.get("global") is True or "X-RateLimit-Global" in reply.headers
    return Outcome(
        False,
        "http_429",
        "Discord asked to wait.",
        retry_after=unsaid if wait is None else wait,
        deferred=True,
        host_wide=everywhere,
    )


def _json(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except ValueError:  # none, or one that is longer than what is read of it
        return {}
    return found if isinstance(found, dict) else {}


def only(base_url: str, networks: list[Network]) -> DestinationPolicy:
    """Public addresses, and this machine if that is where the settings send a bot."""
    base = urlsplit(base_url)
    port = base.port or (443 if base.scheme == "https" else 80)
    here = [Opening(ipaddress.ip_network(each), port) for each in ("127.0.0.0/8", "::1/128")]
    local = base.hostname in ("localhost", "127.0.0.1", "::1")
    return DestinationPolicy(networks, lambda: here if local else ())
