"""Many subscribers at once, for development and measuring: rows exactly as real ones, addresses that harm nobody."""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from urllib.parse import urlsplit

from pydantic import BaseModel
from sqlalchemy import literal, select
from sqlalchemy.dialects import postgresql, sqlite

from core.contracts import PARTICIPANT_ADDED
from core.db.models import Event, Integration, Subscription
from core.delivery.addresses import Channel
from core.delivery.channels import read_channel
from core.errors import conflict, invalid, not_found
from core.notifications.owe import followers
from core.operations.openings import LONGEST, loopback, open_destination, refuse_in_production
from core.text import mask_address
from core.work import Actor, Core, Work

_CHUNK = 2000
_AT_MOST = 1_000_000
_HARMLESS = re.compile(r"(?:.+\.)?(?:example\.(?:org|com|net)|example|test|invalid|localhost)", re.IGNORECASE)
"""Domains that are reserved: no mail to them reaches a person."""


class Seeded(BaseModel):
    event_id: str
    added: int
    """New subscriptions; those who follow the event already are not counted."""
    subscribers: int
    opened: str | None
    """The address and port of this machine that deliveries may reach for an hour."""


async def seed(
    core: Core, actor: Actor, public_id: str, count: int, template: str, progress: Callable[[int, int], None]
) -> Seeded:
    """Let `count` nobodies follow an event, active and without a welcome. `{n}` in the template is their number."""
    refuse_in_production(core.settings, "Seeding")
    if not 1 <= count <= _AT_MOST:
        raise invalid(f"Between 1 and {_AT_MOST} subscribers.", field="subscribers")
    if "{n}" not in template and count > 1:
        raise invalid("Every subscriber needs an address of their own.", field="to", hint="Put {n} into it.")
    target = _harmless(read_channel(template.replace("{n}", "1")))
    event_id, before = await core.act(actor, seed_event, public_id, count)
    if target is not None:
        await core.act(actor, open_destination, *target, LONGEST)
    numbers, done = _channels(template, count), 0
    while chunk := list(islice(numbers, _CHUNK)):
        await core.step(_insert, event_id, [_row(core, number, channel) for number, channel in chunk])
        done += len(chunk)
        progress(done, count)
    after = await core.step(_ring, event_id)
    return Seeded(
        event_id=public_id,
        added=after - before,
        subscribers=after,
        opened=f"{target[0]}:{target[1]}" if target else None,
    )


def _channels(template: str, count: int) -> Iterator[tuple[int, Channel]]:
    return ((number, read_channel(template.replace("{n}", str(number)))) for number in range(1, count + 1))


def _harmless(channel: Channel) -> tuple[str, int] | None:
    """The address and port of this machine to open; None for mail to a reserved domain. Anything else is refused."""
    if channel.address is not None:
        if not _HARMLESS.fullmatch(channel.address.rpartition("@")[2]):
            raise invalid(
                "Seeded mail goes to reserved domains only.", field="to", hint="Use mailto://n{n}@example.org"
            )
        return None
    parts = urlsplit(channel.url)
    if channel.scheme not in ("json", "form") or parts.port is None:
        raise invalid("Seeded subscribers live on this machine.", field="to", hint="Use json://127.0.0.1:PORT/hook/{n}")
    return str(loopback(parts.hostname or "")), parts.port


async def seed_event(work: Work, public_id: str, count: int) -> tuple[int, int]:
    """The event's row id and how many follow it already."""
    event = await work.session.scalar(select(Event).where(Event.public_id == public_id))
    if event is None:
        raise not_found("event")
    work.subject, work.detail = f"event:{event.id}", {"subscribers": count}
    if event.status != "scheduled":
        raise conflict("This event is over; nobody can follow it any more.", hint="Create another event.")
    return event.id, await followers(work, event.id)


def _row(core: Core, number: int, channel: Channel) -> dict[str, object]:
    mail = channel.address is not None
    return {
        "user_id": None,
        "name": channel.kind,
        "apprise_url": core.keys.seal(channel.url),
        "kind": channel.kind,
        "label": mask_address(channel.address) if channel.address else f"Seeded {channel.kind.lower()} {number}",
        "destination": core.keys.digest("destination", channel.destination),
        "tag": "email" if mail else channel.kind.split()[0].lower(),
        "is_active": True,
        "failures": 0,
    }


async def _insert(work: Work, event_id: int, rows: list[dict[str, object]]) -> None:
    insert = sqlite.insert if work.core.db.sqlite else postgresql.insert
    connection = await work.session.connection()
    made = {"created_at": work.now, "confirmed_at": work.now}
    await connection.execute(insert(Integration).on_conflict_do_nothing(), [row | made for row in rows])
    now = literal(work.now, type_=Subscription.created_at.type)
    audience = select(now, now, literal(event_id), Integration.id, literal("active")).where(
        Integration.user_id.is_(None), Integration.destination.in_([row["destination"] for row in rows])
    )
    columns = ["created_at", "requested_at", "event_id", "integration_id", "state"]
    await connection.execute(
        insert(Subscription).from_select(columns, audience.order_by(Integration.id)).on_conflict_do_nothing()
    )


async def _ring(work: Work, event_id: int) -> int:
    work.ring(PARTICIPANT_ADDED, event_id, event_id=event_id)
    return await followers(work, event_id)
