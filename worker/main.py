"""The worker process: workflows, activities, the relay and the sweeper."""

import asyncio
import contextlib
import datetime as dt
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import uvloop
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleSpec,
    ScheduleUpdate,
)
from temporalio.worker import Worker

from core.cards.hands import hands
from core.clock import Clock
from core.contracts import MAINTENANCE_WORKFLOW, maintenance_id
from core.db.alone import alone_on
from core.delivery.message import Outcome
from core.integrations.usecases import disable_channel
from core.metrics.backlog import BacklogGauge
from core.metrics.page import MetricsPage
from core.metrics.sending import RelayMetrics, SendingMetrics
from core.notifications.courier import Courier
from core.operations.gauge import Gauge
from core.operations.ring import ring_all
from core.settings import Settings
from core.temporal import Temporal, TemporalAwayError
from core.wiring import Outbound, build_core, build_outbound
from core.work import SYSTEM, Core
from worker.activities import Activities
from worker.cards import CardKeeper
from worker.helping import Helper
from worker.metrics import answering
from worker.relay import Relay
from worker.workflows.accounts import SessionManagementWorkflow, UserVerificationWorkflow
from worker.workflows.event import EventWorkflow
from worker.workflows.others import MaintenanceWorkflow, NotificationWorkflow, ReminderWorkflow

log = logging.getLogger(__name__)

WORKFLOWS = [
    EventWorkflow,
    ReminderWorkflow,
    NotificationWorkflow,
    UserVerificationWorkflow,
    SessionManagementWorkflow,
    MaintenanceWorkflow,
]
_GRACE = dt.timedelta(seconds=2)
_STICKY = dt.timedelta(seconds=2)
"""How long a workflow waits for the process that knows it before any other may take it: after a kill, all wait."""
_HOUR = dt.timedelta(hours=1)
_WAITING_REMINDERS = 2_000
"""Reminder activities wait in process for their instant; each is a sleeping task."""


def run(settings: Settings, ready: Callable[[], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is called once work is taken."""
    uvloop.run(_run(settings, ready))


async def _run(settings: Settings, ready: Callable[[], None] | None) -> None:
    with _alone(settings) as certainly_alone:
        serving = asyncio.create_task(_serve(settings, ready, take_over=certainly_alone))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Stops it wherever it is: while it still waits for Temporal too.
            loop.add_signal_handler(number, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def _serve(settings: Settings, ready: Callable[[], None] | None, *, take_over: bool) -> None:
    async with working(settings, take_over=take_over) as running, answering(running.metrics, settings):
        if ready is not None:
            ready()
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def working(
    settings: Settings, *, clock: Clock | None = None, take_over: bool = False
) -> AsyncIterator["RunningWorker"]:
    """A worker in this process: what `run` serves, and what tests drive. `take_over`: no other worker is alive."""
    core = build_core(settings, clock=clock)
    outbound = build_outbound(core)
    temporal = Temporal(settings)

    gauge = Gauge(temporal, core.clock)
    page = MetricsPage(BacklogGauge(core), gauge)

    courier = _courier(core, outbound, page)
    await courier.start()
    if take_over:
        await courier.ledger.take_over()
    relay = Relay(core, temporal, RelayMetrics(page.registry))
    activities = Activities(core, courier, temporal, outbound.openings)
    background: list[asyncio.Task[None]] = []
    cards: list[asyncio.Task[None]] = []
    if handy := hands(settings, outbound.sender):
        # Beside Temporal: cards stay true while that is away.
        cards.append(asyncio.create_task(CardKeeper(core, handy, courier.hosts).run(), name="cards"))
    try:
        client = await _patiently(temporal)
        if await _keep_house(client, settings):
            # A Temporal that does not know our upkeep is new, or was emptied: it knows none of our workflows either.
            await core.act(SYSTEM, ring_all)
        async with Worker(
            client,
            task_queue=settings.temporal_task_queue,
            workflows=WORKFLOWS,
            activities=[
                activities.event_duties, activities.send_notification, activities.send_reminder,
                activities.verification_duties, activities.session_duties, activities.tidy,
            ],
            max_concurrent_activities=_WAITING_REMINDERS,
            sticky_queue_schedule_to_start_timeout=_STICKY,
            graceful_shutdown_timeout=_GRACE,
        ):  # fmt: skip
            background = [
                asyncio.create_task(relay.run(), name="relay"),
                asyncio.create_task(relay.sweep_forever(), name="sweeper"),
            ]
            if not core.db.sqlite:
                helper = Helper(core, courier, outbound.openings)
                background.append(asyncio.create_task(helper.run(), name="helper"))
            yield RunningWorker(core, courier, relay, temporal, page)
            await _end(background)
    finally:
        await _end([*background, *cards])
        await gauge.close()
        await courier.close()
        await core.db.close()


def _courier(core: Core, outbound: Outbound, page: MetricsPage) -> Courier:
    async def switch_off(integration_id: int, outcome: Outcome) -> None:
        await core.act(SYSTEM, disable_channel, integration_id, outcome.reason)

    return Courier(
        settings=core.settings,
        clock=core.clock,
        db=core.db,
        keys=core.keys,
        sender=outbound.sender,
        on_permanent=switch_off,
        metrics=SendingMetrics(page.registry),
    )


class RunningWorker:
    """The parts of a worker that tests look into."""

    def __init__(self, core: Core, courier: Courier, relay: Relay, temporal: Temporal, metrics: MetricsPage) -> None:
        self.core = core
        self.courier = courier
        self.relay = relay
        self.temporal = temporal
        self.metrics = metrics


async def _patiently(temporal: Temporal) -> Client:
    """Temporal may come later than its worker: wait for it, saying so."""
    wait = 0.1
    while True:
        try:
            return await temporal.client()
        except TemporalAwayError as error:
            log.warning("%s; trying again in %.1f s", error, wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, 5.0)


async def _keep_house(client: Client, settings: Settings) -> bool:
    """The hourly upkeep, as this release wants it. True if Temporal did not know it."""
    queue = settings.temporal_task_queue
    its = maintenance_id(queue)
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(MAINTENANCE_WORKFLOW, id=its, task_queue=queue),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=_HOUR)]),
    )
    try:
        await client.create_schedule(its, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(its).update(lambda _: ScheduleUpdate(schedule))
        return False
    return True


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[bool]:
    """SQLite serves one worker. Holding its lock proves that no other is alive, so old leases can be taken over."""
    if settings.sqlite_file is None:
        yield False
        return
    with alone_on(settings.sqlite_file):
        yield True
