"""An erase in the middle of a fan-out: nobody else loses anything, and the erased get no more than what was on its way.
Counted at the far end, with the real dispatcher and a thousand recipients."""

import asyncio
import datetime as dt
from collections import Counter

from sqlalchemy import insert, select, update

from core.db.models import Delivery, Integration, Subscription
from core.delivery.addresses import mail_channel
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.privacy.erase import erase_account, erase_address
from core.text import mask_address
from core.tokens import address_token
from core.wiring import build_core
from tests.conftest import MakeSettings
from tests.core.look import NOBODY
from tests.faults.test_worker_killed import crowd
from tests.notifications.test_courier import Scene, counted
from tests.people import Clock, Town, people_of, until
from tests.servers import SmtpSink, WebhookSink

PEOPLE = 1_000
STARTED = 32
"""What is in flight at once: as much may have begun before the worker looks again, a fifth of a second later."""
MESSAGE = NewMessage(title="Hi", body="there")


async def statuses(town: Town, notification_id: int, integration_ids: set[int]) -> tuple[Counter[str], Counter[str]]:
    """What became of the rows: of these channels, and of all others."""
    async with town.core.db.read_rows() as connection:
        rows = await connection.execute(
            select(Delivery.integration_id, Delivery.status).where(Delivery.notification_id == notification_id)
        )
        found = [(row.integration_id in integration_ids, row.status) for row in rows]
    return Counter(status for theirs, status in found if theirs), Counter(
        status for theirs, status in found if not theirs
    )


async def finished(scene: Scene, sending: "asyncio.Task[object]") -> None:
    """What was given up is looked at once more when its lease is over."""
    await sending
    scene.town.clock.shift += dt.timedelta(minutes=1)
    await scene.couriers[0].deliver(scene.notification_id)
    await scene.couriers[0].close()


async def test_erasing_an_account_with_many_channels_sends_no_more_to_it_and_loses_nobody_else(
    town: Town, hooks: WebhookSink
) -> None:
    event = await town.event()
    row = await town.row(event)
    await crowd(town, row.id, hooks, PEOPLE)
    async with town.core.db.write() as session:
        followers = list(await session.scalars(select(Subscription).where(Subscription.event_id == row.id)))
        bobs = {each.integration_id: number for number, each in enumerate(followers) if number % 10 == 0}
        for table, column in ((Subscription, Subscription.integration_id), (Integration, Integration.id)):
            await session.execute(update(table).where(column.in_(bobs)).values(user_id=town.bob.actor.user_id))
    paths = {f"/{number}" for number in bobs.values()}
    sent = await town.core.act(town.alice.actor, send_message, event.id, MESSAGE)
    assert sent.recipients == PEOPLE
    hooks.answer("*", delay=0.05)
    scene = Scene(town, hooks, sent.id, [], [])
    sending = asyncio.create_task((await scene.courier()).deliver(sent.id))
    await until(lambda: counted(hooks), lambda count: count >= PEOPLE // 5)
    done = await town.core.act(town.bob.actor, erase_account)
    before = sum(request.path in paths for request in hooks.requests)
    await finished(scene, sending)
    reached = sum(request.path in paths for request in hooks.requests)
    assert done.ended_subscriptions == len(bobs)
    assert reached - before <= STARTED
    theirs, others = await statuses(town, sent.id, set(bobs))
    assert others == {"delivered": PEOPLE - len(bobs)}
    assert theirs == {"delivered": reached, "skipped": len(bobs) - reached}
    assert set(hooks.counts().values()) == {1}
    assert sum(hooks.counts().values()) == PEOPLE - len(bobs) + reached


async def addresses(town: Town, event_row_id: int, count: int) -> dict[str, int]:
    """That many addresses without an account follow the event. Their channels, by address."""
    now, core = town.clock.now(), town.core
    channels = [mail_channel(f"n{number}@example.org") for number in range(count)]
    async with core.db.write() as session:
        rows = await session.scalars(
            insert(Integration).returning(Integration.id, sort_by_parameter_order=True),
            [
                {
                    "name": "E-mail", "tag": "email", "kind": channel.kind, "is_active": True, "failures": 0,
                    "label": mask_address(channel.address or ""), "created_at": now, "confirmed_at": now,
                    "apprise_url": core.keys.seal(channel.url),
                    "destination": core.keys.digest("destination", channel.destination),
                }
                for channel in channels
            ],
        )  # fmt: skip
        found = {channel.address or "": row for channel, row in zip(channels, rows, strict=True)}
        await session.execute(
            insert(Subscription),
            [
                {"event_id": event_row_id, "integration_id": each, "state": "active",
                 "requested_at": now, "created_at": now}
                for each in found.values()
            ],
        )  # fmt: skip
    return found


async def test_erasing_addresses_while_their_mail_goes_out_sends_no_more_to_them_and_loses_nobody_else(
    make_settings: MakeSettings, clock: Clock, smtp: SmtpSink
) -> None:
    core = build_core(make_settings(smtp_server="127.0.0.1", smtp_port=smtp.port, smtp_connections=4), clock=clock)
    town = await people_of(core, core.settings, clock)
    event = await town.event()
    everybody = await addresses(town, (await town.row(event)).id, PEOPLE)
    # Claimed by the worker already when they are erased, the last of them first.
    gone = {f"n{number}@example.org" for number in range(240, 1000, 8)}
    smtp.delay = 0.006
    sent = await core.act(town.alice.actor, send_message, event.id, MESSAGE)
    scene = Scene(town, None, sent.id, [], [])  # type: ignore[arg-type]
    sending = asyncio.create_task((await scene.courier()).deliver(sent.id))
    await smtp.wait_for(PEOPLE // 10, 40)
    before: dict[str, int] = {}
    for address in sorted(gone, key=lambda each: everybody[each], reverse=True):
        await core.act(NOBODY, erase_address, address_token(core.keys, everybody[address]))
        before[address] = len(smtp.to(address))
    await finished(scene, sending)
    counts = smtp.counts()
    late = sum(counts[address] - before[address] for address in gone)
    assert late <= STARTED
    theirs, others = await statuses(town, sent.id, {everybody[address] for address in gone})
    assert others == {"delivered": PEOPLE - len(gone)}
    assert theirs["delivered"] == sum(counts[address] for address in gone)
    assert theirs["skipped"] == len(gone) - theirs["delivered"] > 0
    assert set(counts.values()) == {1}
    await core.db.close()
