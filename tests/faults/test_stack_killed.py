"""kill -9 of the other processes in the middle of a fan-out, the supervisor with all of them included. Counted at the
far end of the whole product, as `soonish run` starts it."""

import os
import signal
from collections import Counter

from bench.product import Product, product
from tests.faults.test_worker_killed import REPEATED_AT_MOST
from tests.people import until
from tests.servers import SmtpSink, WebhookSink

PEOPLE = 1_000
TWICE_AT_MOST = {"temporal": 0, "web": 0, "supervisor": REPEATED_AT_MOST}
"""Only the worker sends: who kills another process repeats nothing."""


async def test_temporal_the_site_or_everything_killed_in_the_middle_loses_nothing_and_repeats_little(
    hooks: WebhookSink, smtp: SmtpSink
) -> None:
    # Far ends that take a moment: so that there is a middle.
    hooks.answer(delay=0.02)
    async with product(smtp.port) as soonish:
        event_id = await soonish.followed_by(PEOPLE, hooks.url("/{n}").replace("http:", "json:"))
        for killed, repeated_at_most in TWICE_AT_MOST.items():
            await _killed_in_the_middle(soonish, hooks, event_id, killed, repeated_at_most)


async def _killed_in_the_middle(
    soonish: Product, hooks: WebhookSink, event_id: str, killed: str, repeated_at_most: int
) -> None:
    hooks.requests.clear()
    sent, _ = await soonish.notify(event_id)
    await hooks.wait_for(PEOPLE // 3, 30)
    if killed == "supervisor":
        await soonish.killed_and_started_again()
    else:
        os.kill(soonish.pid(killed), signal.SIGKILL)
    assert len(hooks.requests) < PEOPLE, killed
    found = await _settled(soonish, sent)
    reached = hooks.counts()
    assert len(reached) == PEOPLE, killed
    assert sum(reached.values()) - PEOPLE <= repeated_at_most, killed
    assert (found["delivered"], found["failed"], found["skipped"]) == (PEOPLE, 0, 0), killed


async def _settled(soonish: Product, notification_id: int) -> Counter[str]:
    """The report of a message once nothing of it waits, whoever serves it by then."""

    async def look() -> Counter[str]:
        try:
            return Counter(await soonish.call("GET", f"/api/notifications/{notification_id}"))
        except OSError:  # the site is being started again
            return Counter(waiting=1)

    return await until(look, lambda found: not found["waiting"], 40)
