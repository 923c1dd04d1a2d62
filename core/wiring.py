"""The one place where the objects are built from settings. Each process calls it; tests override parts."""

import datetime as dt
import ipaddress
from dataclasses import dataclass

from sqlalchemy import select

from core.chat.workspaces import Workspaces
from core.clock import Clock, SystemClock
from core.db.engine import Database
from core.db.models import DeliveryOpening
from core.delivery.policy import DestinationPolicy, Opening
from core.delivery.sender import Sender
from core.keys import load_keys
from core.settings import Settings
from core.work import Core

_LOOK_AGAIN = dt.timedelta(seconds=1)


class Openings:
    """Non-public destinations that a demo or a seed opened for its own run. Development only."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._current: tuple[Opening, ...] = ()
        self._read_at: dt.datetime | None = None

    def __call__(self) -> tuple[Opening, ...]:
        return self._current

    async def refresh(self) -> None:
        """Read them again, at most once a second; does nothing in production."""
        now = self._core.clock.now()
        if self._core.settings.production or (self._read_at and now - self._read_at < _LOOK_AGAIN):
            return
        self._read_at = now
        async with self._core.db.read() as session:
            rows = await session.scalars(select(DeliveryOpening).where(DeliveryOpening.expires_at > now))
            self._current = tuple(Opening(ipaddress.ip_network(row.network), row.port) for row in rows)


@dataclass(slots=True)
class Outbound:
    """What a process needs to reach the outside."""

    openings: Openings
    policy: DestinationPolicy
    sender: Sender
    workspaces: Workspaces
    """On Slack, and with which token."""


def build_core(settings: Settings, *, clock: Clock | None = None) -> Core:
    return Core(settings, clock or SystemClock(), Database(settings.database), load_keys(settings))


def build_outbound(core: Core) -> Outbound:
    openings = Openings(core)
    policy = DestinationPolicy(core.settings.delivery_allowed_networks, openings)
    workspaces = Workspaces(core)
    return Outbound(openings, policy, Sender(core.settings, policy, workspaces), workspaces)
