"""Real parts for every test: a Temporal server, SQLite files, PostgreSQL, SMTP and HTTP sinks. The clock alone is ours.

Tests marked `both_databases` run on SQLite and on PostgreSQL; all others on SQLite, or on what they take as a fixture.
"""

import gc
import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from pydantic_settings import EnvSettingsSource
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

from cli.demo.small_discord.rest import DiscordRest
from core.db.engine import Database
from core.db.migrate import upgrade
from core.metrics.page import MetricsPage
from core.settings import Settings
from core.wiring import build_core
from core.work import Core
from tests.people import Clock, Person, Town, people_of
from tests.postgres import Postgres
from tests.servers import SmtpSink, TemporalServer, WebhookSink
from tests.sweep import Listener, sweep
from worker.main import RunningWorker, working

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM = 4 << 30


def pytest_configure() -> None:
    """Where memory has room the tests' files stand in it: on a disk, copying databases is a tenth of the suite's work.
    PostgreSQL's programs are copied there too, and must be allowed to run. Another tenth was the search for garbage
    among all that is loaded: it is made less often."""
    gc.set_threshold(5000, 20, 5)
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    if roomy and "TMPDIR" not in os.environ and not os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(_MEMORY)
        tempfile.tempdir = None


def pytest_collection_finish() -> None:
    """What is loaded by now, six thousand tests among it, stays to the end: no search looks through it again."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where Python is told to keep no bytecode, each of some forty processes would compile the same libraries: three
    seconds a time. They keep it in a folder of this session instead."""
    with pytest.MonkeyPatch.context() as patch:
        if sys.dont_write_bytecode:
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


@pytest.fixture(scope="session", autouse=True)
def statements_compiled_once() -> Iterator[None]:
    """Each test opens engines of its own; what one of them has compiled serves all others of its dialect."""
    shared: dict[type, LRUCache[Any, Any]] = {}
    begin = Database.__init__

    def share(database: Database, *given: Any, **named: Any) -> None:
        begin(database, *given, **named)
        for engine in (database.engine, database._writing, database._alone):  # each holds what it began with
            of_all = shared.setdefault(type(engine.dialect), LRUCache(3000))
            engine.sync_engine._compiled_cache = of_all

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "__init__", share)
        patch.setattr(DefaultDialect, "__eq__", lambda one, other: type(one) is type(other))
        patch.setattr(DefaultDialect, "__hash__", lambda one: hash(type(one)))
        yield


@pytest.fixture(scope="session", autouse=True)
def settings_made_quickly() -> Iterator[None]:
    """Settings ask of each of their names, in the environment and again in a file, how it would be read: most of a
    fresh installation's time. Where none of the names is there, nothing is asked."""
    read = EnvSettingsSource.__call__

    def read_what_is_there(source: EnvSettingsSource) -> dict[str, Any]:
        return read(source) if source.settings_cls.model_fields.keys() & source.env_vars.keys() else {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EnvSettingsSource, "__call__", read_what_is_there)
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_leaks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end of the session (of each process, where there are several) nothing secret stands where it must not."""
    listener, registries = Listener(), list[CollectorRegistry]()
    begin = MetricsPage.__init__

    def remember(page: MetricsPage, *given: Any) -> None:
        begin(page, *given)
        registries.append(page.registry)

    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(listener)
    root.setLevel(min(level or logging.WARNING, logging.INFO))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MetricsPage, "__init__", remember)
        yield
    root.removeHandler(listener)
    root.setLevel(level)
    found = sweep(tmp_path_factory.getbasetemp(), listener, registries)
    assert not found, "secrets where they must not be:\n" + "\n".join(found[:20])


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database at head, copied for each test."""
    path = tmp_path_factory.mktemp("migrated") / "soonish.db"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server, with an empty database at head to copy for each test: started in half a second, copied in 40 ms."""
    with Postgres() as server:
        upgrade(server.create("migrated"))
        yield server


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("both_databases") and "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def database_url(request: pytest.FixtureRequest, backend: str) -> Iterator[str | None]:
    """A PostgreSQL database of this test's own; None: the SQLite file in its data folder."""
    if backend == "sqlite":
        yield None
        return
    server: Postgres = request.getfixturevalue("postgres")
    template = "migrated"
    if "town" in request.fixturenames:
        request.getfixturevalue("inhabited_postgres")
        template = "inhabited"
    with server.copy_of(template) as url:
        yield url


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TemporalServer]:
    async with TemporalServer(tmp_path_factory.mktemp("temporal")) as server:
        yield server


@pytest.fixture
async def smtp() -> AsyncIterator[SmtpSink]:
    async with SmtpSink() as sink:
        yield sink


@pytest.fixture
async def hooks() -> AsyncIterator[WebhookSink]:
    async with WebhookSink() as sink:
        yield sink


@pytest.fixture
async def discord() -> AsyncIterator[DiscordRest]:
    async with DiscordRest() as rest:
        yield rest


MakeSettings = Callable[..., Settings]


@pytest.fixture
def make_settings(tmp_path: Path, migrated: Path, database_url: str | None) -> MakeSettings:
    """Settings of a fresh installation, on its own database and its own task queue."""

    def make(**overrides: object) -> Settings:
        tmp_path.mkdir(exist_ok=True)
        if database_url is None and not (tmp_path / "soonish.db").exists():
            shutil.copy(migrated, tmp_path / "soonish.db")
        values: dict[str, object] = {
            "soonish_data": tmp_path,
            "database_url": database_url,
            "public_base_url": "http://soonish.test",
            "temporal_task_queue": f"test-{secrets.token_hex(4)}",
            "delivery_allowed_networks": "127.0.0.0/8",
            "reminder_lead_seconds": 1,
            "update_delay_seconds": 0,
            "retry_delays_seconds": "1,1,1",
            "subscribe_per_ip_hour": 100_000,
            **overrides,
        }
        return Settings(_env_file=None, **values)  # type: ignore[arg-type]

    return make


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def core(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Core]:
    """The use cases on a database, with no worker."""
    core = build_core(make_settings(), clock=clock)
    yield core
    await core.db.close()


@dataclass(frozen=True)
class Inhabited:
    """A data folder, with its database and secrets, in which three people live."""

    folder: Path
    people: tuple[Person, Person, Person]


@pytest.fixture(scope="session")
async def inhabited(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Inhabited:
    """Moved into once, copied for each test."""
    folder = tmp_path_factory.mktemp("inhabited")
    shutil.copy(migrated, folder / "soonish.db")
    return await _move_in(folder)


@pytest.fixture(scope="session")
async def inhabited_postgres(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Inhabited:
    """The same, with the database on the server: a template to copy."""
    return await _move_in(tmp_path_factory.mktemp("inhabited"), postgres.create("inhabited", "migrated"))


async def _move_in(folder: Path, database_url: str | None = None) -> Inhabited:
    core = build_core(Settings(_env_file=None, soonish_data=folder, database_url=database_url))
    town = await people_of(core, core.settings, Clock())
    await core.db.close()
    return Inhabited(folder, (town.alice, town.bob, town.carol))


@pytest.fixture
def home(request: pytest.FixtureRequest, backend: str) -> Inhabited:
    found: Inhabited = request.getfixturevalue("inhabited" if backend == "sqlite" else "inhabited_postgres")
    return found


@pytest.fixture
async def town(make_settings: MakeSettings, home: Inhabited, clock: Clock) -> AsyncIterator[Town]:
    """Alice, Bob and Carol, with no worker."""
    settings = make_settings()
    shutil.copytree(home.folder, settings.soonish_data, dirs_exist_ok=True)
    core = build_core(settings, clock=clock)
    yield Town(core, settings, clock, *home.people)
    await core.db.close()


@pytest.fixture
def live_settings(make_settings: MakeSettings, temporal: TemporalServer, smtp: SmtpSink) -> Settings:
    """Settings that reach the real Temporal and the SMTP sink."""
    return make_settings(temporal_url=temporal.address, smtp_server=smtp.host, smtp_port=smtp.port)


@pytest.fixture
async def worker(live_settings: Settings, clock: Clock) -> AsyncIterator[RunningWorker]:
    async with working(live_settings, clock=clock) as running:
        yield running


@pytest.fixture
async def live(worker: RunningWorker, live_settings: Settings, clock: Clock) -> AsyncIterator[Town]:
    """Alice, Bob and Carol, with a worker that delivers."""
    core = build_core(live_settings, clock=clock)
    yield await people_of(core, live_settings, clock)
    await core.db.close()
