"""The keeper of cards: edits them in place as their events change. Beside Temporal, which may be away meanwhile."""

import asyncio
import datetime as dt
import logging
import secrets
from collections.abc import Mapping

from core.cards.hands import Hand
from core.cards.keep import Stale, claim_card, last_bell, look_at_card, maybe_stale, record_edit, rung_since
from core.db.engine import Watch
from core.db.said import OUTBOX
from core.delivery.hosts import Hosts
from core.identities.signed import Platform
from core.notifications.rows import sending_paused
from core.work import SYSTEM, Core, Work

log = logging.getLogger(__name__)

_EVERY = 0.2
_POLL = 1.0
"""Seconds after which PostgreSQL is asked although nothing was heard."""
_SWEEP = dt.timedelta(seconds=60)
_AT_ONCE = 4
"""Cards in flight: they share the bot with people who wait for their messages."""
_ASK_AGAIN = dt.timedelta(seconds=1)
_PAUSE_LOOK = dt.timedelta(seconds=5)


class CardKeeper:
    """Belongs to the worker; several may run. What it remembers is only when to look at which card: the rows know the
    rest, so that a start, or a minute, finds whatever was forgotten."""

    def __init__(self, core: Core, hands: Mapping[Platform, Hand], hosts: Hosts) -> None:
        self._core = core
        self._hands = hands
        self._hosts = hosts
        self._owner = secrets.token_hex(8)
        self._due: dict[int, dt.datetime] = {}
        self._heard: int | None = None
        """The last bell in the outbox that was listened to."""
        self._sweep_at = core.clock.now()
        self._paused_until: dt.datetime | None = None
        self._editing: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    async with self._core.db.watch(OUTBOX, _POLL) as watch:
                        # Before the look over all cards: what is committed between the two is heard.
                        await self._listen()
                        async with asyncio.TaskGroup() as both:
                            both.create_task(self._hear(watch))
                            both.create_task(self._keep())
                except Exception:
                    log.exception("the keeper of cards stumbled; it goes on")
                await asyncio.sleep(_ASK_AGAIN.total_seconds())
        finally:
            for task in self._editing.values():
                task.cancel()
            await asyncio.gather(*self._editing.values(), return_exceptions=True)

    async def _hear(self, watch: Watch) -> None:
        while True:
            await watch.changed()
            await asyncio.sleep(_EVERY)  # what comes together is looked at together
            await self._listen()

    async def _keep(self) -> None:
        while True:
            now = self._core.clock.now()
            if now >= self._sweep_at:
                await self._sweep(now)
            await self._edit_due(now)
            await asyncio.sleep(_EVERY)

    async def _listen(self) -> None:
        """Cards of events that rang. Their bells are read, not answered: that is the relay's."""
        last = await self._core.ask(SYSTEM, last_bell)
        if self._heard is not None and last > self._heard:
            self._look_at(await self._core.ask(SYSTEM, rung_since, self._heard, last, list(self._hands)))
        self._heard = last

    async def _sweep(self, now: dt.datetime) -> None:
        self._sweep_at = now + _SWEEP
        self._look_at(await self._core.ask(SYSTEM, maybe_stale, list(self._hands)))

    def _look_at(self, cards: list[int]) -> None:
        now = self._core.clock.now()
        for card in cards:
            # One that waits for its turn keeps it, unless what has happened now may be shown at once.
            self._due[card] = min(self._due.get(card, now), now)

    async def _edit_due(self, now: dt.datetime) -> None:
        due = [card for card, at in self._due.items() if at <= now and card not in self._editing]
        if not due or await self._paused(now):
            return
        for card in due[: _AT_ONCE - len(self._editing)]:
            del self._due[card]
            task = self._editing[card] = asyncio.create_task(self._keep_one(card))
            task.add_done_callback(lambda _, card=card: self._editing.pop(card, None))  # type: ignore[misc]

    async def _paused(self, now: dt.datetime) -> bool:
        if self._paused_until is None or now >= self._paused_until:
            paused = await self._core.ask(SYSTEM, _is_paused)
            self._paused_until = now + _PAUSE_LOOK if paused else None
        return self._paused_until is not None

    async def _keep_one(self, card: int) -> None:
        """Look, and edit if it says something else than it should. Crashed in between, it is done again."""
        try:
            stale = await self._core.ask(SYSTEM, look_at_card, card)
            if stale is None:
                return
            again = stale.at if stale.at > self._core.clock.now() else await self._edit(stale)
        except Exception:
            log.exception("card %d could not be kept; it is looked at again", card)
            again = self._core.clock.now() + _ASK_AGAIN
        if again is not None:
            self._due[card] = min(self._due.get(card, again), again)

    async def _edit(self, stale: Stale) -> dt.datetime | None:
        """When to look again."""
        now = self._core.clock.now()
        hand = self._hands[stale.platform]
        host = hand.host(stale)
        deferral = self._hosts.trouble(host)
        if deferral is not None:
            return now + dt.timedelta(seconds=deferral.retry_after or 1.0)
        if not await self._core.step(claim_card, stale, self._owner):
            return now + _ASK_AGAIN
        outcome = await hand.edit(stale, now)
        self._hosts.record(host, outcome)
        await self._core.step(record_edit, stale, self._owner, outcome)
        return None if outcome.delivered or outcome.permanent else self._core.clock.now() + _ASK_AGAIN


async def _is_paused(work: Work) -> bool:
    return await sending_paused(work.session)
