"""What edits the cards of one platform in place."""

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import Protocol

from core.cards.keep import GONE, Stale, claim_card, look_at_card, record_edit
from core.cards.model import CALENDAR
from core.cards.on_discord import discord_card, ended_otherwise, server_event
from core.cards.on_slack import slack_card
from core.delivery.addresses import DISCORD_BOT, slack_bot
from core.delivery.bot import NO_EVENT, DiscordBot
from core.delivery.message import OK, Outcome
from core.delivery.sender import Sender
from core.delivery.slackbot import SlackBot
from core.identities.signed import Platform
from core.settings import Settings
from core.work import SYSTEM, Core

PRIVATE = Outcome(False, NO_EVENT, "The event became private, so it left the server's events.", permanent=True)


class Hand(Protocol):
    """What edits the cards of one platform."""

    def host(self, stale: Stale) -> str:
        """The key for limits and the breaker."""

    async def edit(self, stale: Stale, now: dt.datetime) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class OnDiscord:
    bot: DiscordBot

    def host(self, stale: Stale) -> str:
        return DISCORD_BOT

    async def edit(self, stale: Stale, now: dt.datetime) -> Outcome:
        if stale.channel_id == CALENDAR:
            return await self._edit_event(stale, now)
        return await self.bot.edit(stale.channel_id, stale.message_id, discord_card(stale.card))

    async def _edit_event(self, stale: Stale, now: dt.datetime) -> Outcome:
        """Everybody in a server sees its events, so what became private leaves them. Discord ends by itself what is
        over."""
        if stale.card.closed:
            removed = await self.bot.remove_event(stale.tenant_id, stale.message_id)
            return PRIVATE if removed.delivered else removed
        if stale.card.status == "ended":
            return OK
        change = server_event(stale.card, now)
        outcome = await self.bot.edit_event(stale.tenant_id, stale.message_id, change)
        if stale.card.status == "cancelled" and outcome.about_message:
            other = ended_otherwise(change)
            return await self.bot.edit_event(stale.tenant_id, stale.message_id, other)
        return outcome


@dataclass(frozen=True, slots=True)
class OnSlack:
    bot: SlackBot

    def host(self, stale: Stale) -> str:
        return slack_bot(stale.tenant_id)

    async def edit(self, stale: Stale, now: dt.datetime) -> Outcome:
        return await self.bot.edit(stale.tenant_id, stale.channel_id, stale.message_id, slack_card(stale.card))


def hands(settings: Settings, sender: Sender) -> dict[Platform, Hand]:
    """Of the platforms that the settings give us a bot on."""
    found: dict[Platform, Hand] = {}
    if settings.discord_bot_token is not None:
        found["discord"] = OnDiscord(sender.discord)
    if settings.on_slack:
        found["slack"] = OnSlack(sender.slack)
    return found


async def still_there(core: Core, sender: Sender, announcement_id: int) -> bool:
    """Whether the card stands where it was posted: the platform is asked, by an edit to what it should say. One that
    was deleted there is forgotten; where the platform does not tell, it is believed to stand."""
    stale = await core.ask(SYSTEM, look_at_card, announcement_id, anyway=True)
    if stale is None:
        return False
    owner = secrets.token_hex(8)
    if not await core.step(claim_card, stale, owner):  # somebody edits it this moment
        return True
    hand = OnDiscord(sender.discord) if stale.platform == "discord" else OnSlack(sender.slack)
    outcome = await hand.edit(stale, core.clock.now())
    await core.step(record_edit, stale, owner, outcome)
    return outcome.code not in GONE
