"""The site in a real browser: the application over a real socket on the loopback, and Chromium.

    async def test_it_greets(site: Town, visit: Visit) -> None:
        visitor = await visit(javascript=False)
        page = await visitor.open("/")
        await walk(page)

`site` is the application without a worker; `living` has one too, with Temporal and a mail server. `visit` opens a
browser of one's own; `visit.as_(person)` one in which that person is signed in.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, async_playwright

from core.accounts.sessions import begin_session
from core.settings import Settings
from core.temporal import Temporal
from core.wiring import build_core, build_outbound
from core.work import Core
from tests.browser.chromium import chromium_or_skip, start_chromium
from tests.browser.stage import IN_CHAT
from tests.browser.visitor import Visitor
from tests.conftest import MakeSettings
from tests.people import Clock, Person, Town
from tests.servers import free_port
from web.app import create_app
from web.cookies import Cookies


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a process; each person in a test has a context of their own."""
    path = chromium_or_skip()
    async with async_playwright() as playwright:
        browser = await start_chromium(playwright, path)
        yield browser
        await browser.close()


@pytest.fixture
def make_settings(make_settings: MakeSettings) -> MakeSettings:
    port = free_port()
    nobody = f"127.0.0.1:{free_port()}"  # but for who brings a Temporal along
    here = {"public_base_url": f"http://127.0.0.1:{port}", "web_port": port, "temporal_url": nobody}
    return lambda **more: make_settings(**IN_CHAT | here | more)


class _Server(uvicorn.Server):
    """Says when it serves; signals stay with the tests."""

    capture_signals = contextlib.nullcontext  # type: ignore[assignment]

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextlib.asynccontextmanager
async def serving(settings: Settings, clock: Clock) -> AsyncIterator[Core]:
    core = build_core(settings, clock=clock)
    app = create_app(core, build_outbound(core), Temporal(settings))
    quiet: dict[str, Any] = {"log_config": None, "access_log": False, "ws": "none", "lifespan": "on"}
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=settings.web_port, **quiet))
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        await server.ready.wait()
    assert server.started
    try:
        yield core
    finally:
        server.should_exit = True
        await running


@pytest.fixture
async def site(town: Town) -> AsyncIterator[Town]:
    async with serving(town.settings, town.clock):
        yield town


@pytest.fixture
async def living(live: Town) -> AsyncIterator[Town]:
    async with serving(live.settings, live.clock):
        yield live


@dataclass
class Visit:
    browser: Browser
    settings: Settings
    clock: Clock
    visitors: list[Visitor] = field(default_factory=list)

    async def __call__(self, **how: Any) -> Visitor:
        """Somebody who was never here. `how`: `javascript`, `width`, `zone`."""
        visitor = await Visitor.of(self.browser, self.settings.public_base_url, **how)
        self.visitors.append(visitor)
        return visitor

    async def as_(self, town: Town, person: Person, **how: Any) -> Visitor:
        """That person, just signed in."""
        visitor = await self(**how)
        await self.let_in(visitor, town, person)
        return visitor

    async def let_in(self, visitor: Visitor, town: Town, person: Person) -> None:
        """That person signs in in a browser, whoever was in it before."""
        user_id = person.actor.require_user()
        _, token = await town.core.act(person.actor, begin_session, user_id, "Chromium")
        name = Cookies.of(self.settings).session_name
        await visitor.context.add_cookies([{"name": name, "value": token, "url": visitor.address}])


@pytest.fixture
async def visit(browser: Browser, make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Visit]:
    """Fails the test for whatever went wrong in one of its browsers."""
    async with visiting(browser, make_settings(), clock) as found:
        yield found


@pytest.fixture
async def visit_without_memory(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Visit]:
    """As `visit`, in browsers that keep no page in memory."""
    path = chromium_or_skip()
    async with async_playwright() as playwright:
        browser = await start_chromium(playwright, path, memory=False)
        async with visiting(browser, make_settings(), clock) as found:
            yield found
        await browser.close()


@contextlib.asynccontextmanager
async def visiting(browser: Browser, settings: Settings, clock: Clock) -> AsyncIterator[Visit]:
    found = Visit(browser, settings, clock)
    yield found
    for visitor in found.visitors:
        await visitor.close()
