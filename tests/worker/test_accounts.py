"""Accounts and sessions through the real Temporal: the mail goes out, the week passes, sessions end."""

import datetime as dt
import re

from sqlalchemy import func, select
from temporalio.client import WorkflowExecutionStatus

from core.accounts.links import ask_to_register, ask_to_sign_in, use_link
from core.accounts.model import AskForLink, Opened
from core.contracts import SESSION_STARTED, VERIFICATION_REQUESTED, session_workflow_id, verification_workflow_id
from core.db.models import Session, User
from core.temporal import Temporal
from core.tokens import browser_token
from core.work import Actor
from tests.people import Town, until
from tests.servers import SmtpSink, TemporalServer
from worker.main import RunningWorker

VISITOR = Actor(None, "web", "203.0.113.9")
SOON = dt.timedelta(seconds=3)


async def ask(live: Town, email: str = "nora@example.org") -> None:
    await ask_to_register(live.core, VISITOR, AskForLink(email=email), browser_token(live.core.keys))


async def mailed(smtp: SmtpSink, count: int = 1, email: str = "nora@example.org") -> str:
    await smtp.wait_for(count, 20, to=email)
    found = re.search(r"/in/([\w-]+)", smtp.to(email)[count - 1].text)
    assert found
    return found.group(1)


async def ended(worker: RunningWorker, workflow_id: str) -> None:
    """Until the latest run of that workflow has completed."""
    client = await worker.temporal.client()

    async def status() -> WorkflowExecutionStatus | None:
        return (await client.get_workflow_handle(workflow_id).describe()).status

    await until(status, lambda found: found is WorkflowExecutionStatus.COMPLETED)


async def user_id(live: Town, email: str = "nora@example.org") -> int | None:
    async with live.core.db.read() as session:
        found: int | None = await session.scalar(select(User.id).where(User.email == email))
    return found


async def sessions(live: Town) -> int:
    async with live.core.db.read() as session:
        return await session.scalar(select(func.count()).select_from(Session)) or 0


async def sign_up_for_a_moment(live: Town, smtp: SmtpSink) -> Opened:
    """Somebody whose session ends in three seconds."""
    await ask(live)
    link = await mailed(smtp)
    live.clock.shift = SOON - dt.timedelta(days=live.settings.session_days)
    try:
        # The link is from what is now the future, and works.
        return await live.core.act(VISITOR, use_link, link, "Firefox")
    finally:
        live.clock.shift = dt.timedelta()


async def test_who_verifies_gets_a_session_that_ends_by_itself(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    opened = await sign_up_for_a_moment(live, smtp)
    async with live.core.db.read() as session:
        row = (await session.scalars(select(Session))).one()
    await until(lambda: sessions(live), lambda count: count == 0)
    await ended(worker, verification_workflow_id(worker.temporal.task_queue, opened.user_id))
    await ended(worker, session_workflow_id(worker.temporal.task_queue, row.id))
    client = await worker.temporal.client()
    parent = (
        await client.get_workflow_handle(session_workflow_id(worker.temporal.task_queue, row.id)).describe()
    ).parent_id
    assert parent == verification_workflow_id(worker.temporal.task_queue, opened.user_id)


async def test_an_account_that_nobody_verifies_is_forgotten_after_a_week(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    live.clock.shift = SOON - dt.timedelta(days=7)
    await ask(live)
    number = await user_id(live)
    assert number is not None
    live.clock.shift = dt.timedelta()
    await until(lambda: user_id(live), lambda found: found is None)
    await ended(worker, verification_workflow_id(worker.temporal.task_queue, number))


async def test_later_sign_ins_have_a_workflow_of_their_own(live: Town, worker: RunningWorker, smtp: SmtpSink) -> None:
    await ask(live, live.alice.email)
    link = await mailed(smtp, 1, live.alice.email)
    live.clock.shift = SOON - dt.timedelta(days=live.settings.session_days)
    await live.core.act(VISITOR, use_link, link, "Firefox")
    live.clock.shift = dt.timedelta()
    async with live.core.db.read() as session:
        row = (await session.scalars(select(Session))).one()
    await until(lambda: sessions(live), lambda count: count == 0)
    await ended(worker, session_workflow_id(worker.temporal.task_queue, row.id))


async def test_with_temporal_away_people_register_and_their_mail_comes_later(
    live: Town, worker: RunningWorker, smtp: SmtpSink, temporal: TemporalServer
) -> None:
    await temporal.stop()
    try:
        await ask(live)
    finally:
        await temporal.start()
    link = await mailed(smtp)
    assert (await live.core.act(VISITOR, use_link, link, "")).user_id == await user_id(live)


async def test_installations_that_share_a_namespace_do_not_take_each_others_rings(
    live: Town, worker: RunningWorker, smtp: SmtpSink
) -> None:
    queue = f"{live.settings.temporal_task_queue}-theirs"
    theirs = Temporal(live.settings.model_copy(update={"temporal_task_queue": queue}))
    for number in range(1, 9):
        await theirs.ring_notification(number)
        await theirs.ring_account(number, VERIFICATION_REQUESTED, number)
        await theirs.ring_account(number, SESSION_STARTED, number)
    opened = await sign_up_for_a_moment(live, smtp)
    assert opened.user_id < 9
    await until(lambda: sessions(live), lambda count: count == 0)
    await ended(worker, verification_workflow_id(worker.temporal.task_queue, opened.user_id))


async def test_an_unknown_address_that_wants_in_gets_no_mail(live: Town, worker: RunningWorker, smtp: SmtpSink) -> None:
    stranger = AskForLink(email="zoe@example.org")
    await ask_to_sign_in(live.core, VISITOR, stranger, browser_token(live.core.keys))
    await ask(live, live.alice.email)
    await mailed(smtp, 1, live.alice.email)

    async def open_ones() -> int:
        async with live.core.db.read_rows() as connection:
            waiting = "SELECT count(*) FROM deliveries WHERE status IN ('queued', 'sending')"
            return int((await connection.exec_driver_sql(waiting)).scalar_one())

    await until(open_ones, lambda count: count == 0)
    assert smtp.to("zoe@example.org") == []
