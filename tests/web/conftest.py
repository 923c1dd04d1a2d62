"""The real application in this process, on a real SQLite file that the migrations made. Three people play: alice
organizes, bob subscribes, carol is a stranger; `visitor` has no account."""

import contextlib
import datetime as dt
import functools
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from core.accounts.passwords import Cost, Passwords
from core.clock import UTC
from core.delivery.message import OK, Message, Outcome
from core.settings import Settings
from core.temporal import Connection, Temporal, TemporalAwayError
from core.wiring import build_core, build_outbound
from core.work import Core
from tests.conftest import Inhabited
from tests.core.look import table_sizes
from tests.web.client import Answer, Client
from web.app import create_app

NOW = dt.datetime(2027, 4, 20, 12, 0, tzinfo=UTC)
START = "2027-05-01T19:30:00+02:00"
HOOK = "jsons://192.0.43.8/hook"
"""A webhook whose address needs no name server; the sender below never connects."""
QUICK = Passwords(Cost(time=1, memory=64, lanes=1))
"""A password costs a third of a second otherwise, and some tests guess twenty."""


class CompiledTemplates(BytecodeCache):
    """The application of each test finds what an earlier one has compiled."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once() -> Iterator[None]:
    environment = functools.partial(Environment, bytecode_cache=CompiledTemplates())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("web.render.Environment", environment)
        yield


@dataclass
class StoppedClock:
    moment: dt.datetime = NOW

    def now(self) -> dt.datetime:
        return self.moment

    def pass_(self, **span: float) -> None:
        self.moment += dt.timedelta(**span)


@dataclass
class RecordingSender:
    """Remembers what it would have sent and answers as it is told."""

    outcome: Outcome = OK
    sent: list[tuple[str, Message]] = field(default_factory=list)

    async def start(self) -> None:
        return

    async def close(self) -> None:
        return

    def host_of(self, url: str) -> str:
        return url.partition("://")[0]

    async def send(self, url: str, message: Message) -> Outcome:
        self.sent.append((url, message))
        return self.outcome


@dataclass
class AbsentTemporal:
    """Temporal that does not answer, and counts how often it was asked."""

    asked: int = 0

    async def check(self) -> Connection:
        self.asked += 1
        return Connection(False, "127.0.0.1:7233", "soonish", "nobody there")

    async def event_status(self, public_id: str) -> None:
        self.asked += 1
        raise TemporalAwayError(f"nobody there for {public_id}")


@dataclass
class Stage:
    """The application and everybody in it."""

    app: Any
    core: Core
    clock: StoppedClock
    sender: RecordingSender
    temporal: AbsentTemporal
    alice: Client
    bob: Client
    carol: Client
    visitor: Client

    async def event(self, **given: Any) -> str:
        """The public id of an event that alice organizes."""
        answer = await self.alice.post("/api/events", {"name": "Film night", "start_date": START, **given})
        assert answer.status == 201, answer.text
        return str(answer.json["id"])

    async def rows(self, *, but: tuple[str, ...] = ("audit_log", "buckets")) -> dict[str, int]:
        """How many rows each table has; the audit log and the limits also keep what was refused."""
        return await table_sizes(self.core, without=but)


def settings_in(folder: Path) -> Settings:
    return Settings(_env_file=None, soonish_data=folder, public_base_url="https://soonish.test")


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> Settings:
    shutil.copy(migrated, tmp_path / "soonish.db")
    return settings_in(tmp_path)


@contextlib.asynccontextmanager
async def playing(settings: Settings, inhabited: Inhabited, passwords: Passwords = QUICK) -> AsyncIterator[Stage]:
    shutil.copytree(inhabited.folder, settings.soonish_data, dirs_exist_ok=True)
    clock, sender, temporal = StoppedClock(), RecordingSender(), AbsentTemporal()
    core = build_core(settings, clock=clock)
    outbound = build_outbound(core)
    outbound = replace(outbound, sender=cast("Any", sender))
    app = create_app(core, outbound, cast("Temporal", temporal), passwords=passwords)
    alice, bob, carol = (Client(app, person.token) for person in inhabited.people)
    async with app.router.lifespan_context(app):
        yield Stage(app, core, clock, sender, temporal, alice, bob, carol, Client(app))


@pytest.fixture
async def stage(settings: Settings, inhabited: Inhabited) -> AsyncIterator[Stage]:
    async with playing(settings, inhabited) as made:
        yield made


Untouched = Callable[[Awaitable[Answer]], Awaitable[Answer]]


@pytest.fixture
def untouched(stage: Stage) -> Untouched:
    """Awaits an answer and insists that no table has a row more or less than before."""

    async def check(answering: Awaitable[Answer]) -> Answer:
        before = await stage.rows()
        answer = await answering
        assert await stage.rows() == before
        return answer

    return check
