"""Discord and Slack as platforms that sign people in: real HTTP to one on this machine."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from core.db.models import User
from core.settings import Settings
from tests.conftest import Inhabited
from tests.oauth import OAuthServer, Person
from tests.web.client import Answer, Browser
from tests.web.conftest import NOW, Stage, playing, settings_in
from tests.web.test_accounts import COOKIE

PLATFORMS = ["discord", "slack"]
TOKEN_PATH = {"discord": "/api/v10/oauth2/token", "slack": "/api/openid.connect.token"}


@pytest.fixture
async def chat() -> AsyncIterator[OAuthServer]:
    async with OAuthServer(int(NOW.timestamp())) as server:
        yield server


@pytest.fixture
async def stage(tmp_path: Path, inhabited: Inhabited, chat: OAuthServer) -> AsyncIterator[Stage]:
    plain = settings_in(tmp_path)
    settings = Settings(_env_file=None, **(plain.model_dump(exclude_unset=True) | chat.settings))
    async with playing(settings, inhabited) as made:
        yield made


async def off(browser: Browser, platform: str, path: str = "/sign-in/{}") -> str:
    """Where a press on the button leads."""
    answer = await browser.get(path.format(platform))
    assert answer.status == 303, answer.text
    return answer.headers["location"]


async def through(
    stage: Stage, chat: OAuthServer, platform: str, person: Person | None = None
) -> tuple[Browser, Answer]:
    browser = Browser(stage.app)
    return browser, await browser.get(chat.consent(await off(browser, platform), person))


async def users(stage: Stage) -> list[User]:
    async with stage.core.db.read() as session:
        return list(await session.scalars(select(User).order_by(User.id)))


async def nothing_came_of_it(stage: Stage, browser: Browser, answer: Answer, before: dict[str, int]) -> None:
    assert COOKIE not in browser.jar, answer.text
    assert await stage.rows(but=("audit_log", "buckets", "tokens")) == {
        name: count for name, count in before.items() if name != "tokens"
    }
