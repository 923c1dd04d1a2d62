"""The operator's own commands: seeding, keys, pausing, the check-up."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from core.db.models import Integration, OutboxRow
from core.delivery.channels import read_channel
from core.errors import SoonishError
from core.keys import KeyMissingError
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operations.openings import close_destination, open_destination
from core.operations.pause import pause_sending, resume_sending
from core.operations.seed import seed
from core.settings import Settings
from core.wiring import build_core
from core.work import Core
from tests.cli.conftest import ALICE, BOB, Terminal
from tests.people import OPERATOR, Clock, Town, people_of, until
from tests.servers import SmtpSink, TemporalServer, WebhookSink
from worker.main import working

MakeSettings = Callable[..., Settings]


def quietly(_done: int, _total: int) -> None:
    pass


async def test_seeded_subscribers_get_messages_at_a_port_that_only_the_seed_opened(
    make_settings: MakeSettings, temporal: TemporalServer, smtp: SmtpSink, hooks: WebhookSink, clock: Clock
) -> None:
    settings = make_settings(
        temporal_url=temporal.address, smtp_server=smtp.host, smtp_port=smtp.port, delivery_allowed_networks=""
    )
    async with working(settings, clock=clock) as running:
        town = await people_of(running.core, settings, clock)
        event = await town.event()
        done = await seed(town.core, OPERATOR, event.id, 40, f"json://127.0.0.1:{hooks.port}/hook/{{n}}", quietly)
        await seed(town.core, OPERATOR, event.id, 3, "mailto://n{n}@example.org", quietly)
        assert (done.added, done.opened) == (40, f"127.0.0.1:{hooks.port}")
        sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="All"))
        report = await town.settled(sent.id)
    assert (report.delivered, report.failed) == (43, 0)
    assert hooks.counts() == {f"/hook/{n}": 1 for n in range(1, 41)}
    assert sorted(mail.to[0] for mail in smtp.mails if mail.subject == "Hi") == [f"n{n}@example.org" for n in (1, 2, 3)]


async def test_seeded_rows_look_like_real_ones_and_seeding_again_adds_nobody(town: Town) -> None:
    event = await town.event()
    for _ in range(2):
        await seed(town.core, OPERATOR, event.id, 2, "json://127.0.0.1:9/hook/{n}", quietly)
        last = await seed(town.core, OPERATOR, event.id, 1, "mailto://n{n}@example.org", quietly)
    assert (last.added, last.subscribers) == (0, 3)
    async with town.core.db.read() as session:
        found = list(await session.scalars(select(Integration).where(Integration.user_id.is_(None))))
    urls = [town.core.keys.open(row.apprise_url) for row in found]
    assert urls == ["json://127.0.0.1:9/hook/1", "json://127.0.0.1:9/hook/2", "systemmail://n1%40example.org"]
    for row, url in zip(found, urls, strict=True):
        typed = url.replace("systemmail:", "mailto:")
        assert row.destination == town.core.keys.digest("destination", read_channel(typed).destination)
    assert [row.label for row in found] == ["Seeded webhook 1", "Seeded webhook 2", "n•••@example.org"]


@pytest.mark.parametrize(
    "template",
    ["json://8.8.8.8:80/{n}", "json://localhost/{n}", "mailto://n{n}@gmail.com", "mailto://n@example.org", "x{n}"],
)
async def test_seeding_harms_nobody_outside(town: Town, template: str) -> None:
    event = await town.event()
    with pytest.raises(SoonishError) as refused:
        await seed(town.core, OPERATOR, event.id, 5, template, quietly)
    assert refused.value.hint
    assert await town.core.ask(OPERATOR, _count_integrations) == 3  # everybody's own mail


async def _count_integrations(work: Any) -> int:
    return len(list(await work.session.scalars(select(Integration.id))))


async def test_an_opening_is_for_this_machine_and_for_an_hour_at_most(core: Core, make_settings: MakeSettings) -> None:
    minute = dt.timedelta(minutes=1)
    opening = await core.act(OPERATOR, open_destination, "127.0.0.1", 80, minute)
    await core.act(OPERATOR, close_destination, opening)
    for address, lifetime in (("10.0.0.1", minute), ("0.0.0.0", minute), ("host", minute), ("::1", 61 * minute)):  # noqa: S104
        with pytest.raises(SoonishError):
            await core.act(OPERATOR, open_destination, address, 80, lifetime)
    core.settings = make_settings(
        soonish_env="production", secret_key="s" * 32, encryption_keys="k", smtp_server="x", temporal_url="x:7233"
    )
    with pytest.raises(SoonishError, match="development"):
        await core.act(OPERATOR, open_destination, "127.0.0.1", 80, minute)


def test_keys_are_rotated_and_the_old_one_can_be_dropped(terminal: Terminal) -> None:
    old, both, new = ({"ENCRYPTION_KEYS": keys} for keys in ("old", "new,old", "new"))
    for email in (ALICE, BOB):
        terminal.ok("token", "create", "--email", email, env=old)
    assert "2 addresses and tokens" in terminal.refusal("keys", "rotate", env=new)["error"]
    done = terminal.json("keys", "rotate", env=both)
    assert (done["sealed"], done["unreadable"]) == (2, 0)
    assert terminal.json("keys", "rotate", env=both)["sealed"] == 0
    assert terminal.json("keys", "rotate", env=new)["key"] == done["key"]
    core = build_core(Settings(encryption_keys="new"))
    opened = [core.keys.open(sealed) for (sealed,) in terminal.rows("SELECT apprise_url FROM integrations")]
    assert opened == ["systemmail://alice%40example.org", "systemmail://bob%40example.org"]
    assert terminal.rows("SELECT count(*) FROM audit_log WHERE action='keys_rotated'") == [(3,)]


def test_a_damaged_row_does_not_stop_a_rotation(terminal: Terminal) -> None:
    for email in (ALICE, BOB):
        terminal.ok("token", "create", "--email", email, env={"ENCRYPTION_KEYS": "old"})
    terminal.rows("UPDATE integrations SET apprise_url = CAST(apprise_url || x'00' AS BLOB) WHERE id = 1")
    done = terminal.json("keys", "rotate", env={"ENCRYPTION_KEYS": "new,old"})
    assert (done["sealed"], done["unreadable"]) == (1, 1)
    core = build_core(Settings(encryption_keys="new"))
    ((damaged,), (healthy,)) = terminal.rows("SELECT apprise_url FROM integrations ORDER BY id")
    assert core.keys.open(healthy)
    with pytest.raises(KeyMissingError):
        core.keys.open(damaged)


def test_sending_is_paused_and_resumed_saying_what_waits(terminal: Terminal) -> None:
    terminal.ok("token", "create", "--email", ALICE)
    terminal.event()
    paused = terminal.json("pause")
    assert (paused["paused"], paused["waiting"]) == (True, 1)
    assert terminal.json("pause")["since"] == paused["since"]
    assert "1 delivery waits" in terminal.ok("pause")
    assert "paused" in next(each["detail"] for each in _findings(terminal) if each["name"] == "sending")
    assert terminal.json("resume")["paused"] is False
    assert terminal.rows("SELECT * FROM service_flags") == []


async def test_what_waited_goes_out_as_soon_as_sending_is_resumed(live: Town, hooks: WebhookSink) -> None:
    event = await live.event()
    await live.follow(live.bob, event, await live.channel(live.bob, f"json://127.0.0.1:{hooks.port}/bob"))
    await hooks.wait_for(1, path="/bob")
    await live.core.act(OPERATOR, pause_sending)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Hi", body="All"))
    relayed = select(func.count()).where(OutboxRow.relayed_at.is_(None))
    await until(lambda: live.core.ask(OPERATOR, lambda work: work.session.scalar(relayed)), lambda count: count == 0)
    assert (await live.report(sent.id)).waiting == 1
    await live.core.act(OPERATOR, resume_sending)
    assert (await live.settled(sent.id, 5)).delivered == 1


def _findings(terminal: Terminal) -> Any:
    quick = {"TEMPORAL_URL": "127.0.0.1:9", "SMTP_PORT": "9", "PUBLIC_BASE_URL": "http://127.0.0.1:9"}
    result = terminal.run("doctor", "--json", env=quick)
    assert result.exit_code == 1
    return json.loads(result.stdout)["findings"]
