"""Towns of the core with other settings."""

from collections.abc import AsyncIterator

import pytest

from core.wiring import build_core
from tests.conftest import MakeSettings
from tests.people import Clock, Town, people_of


@pytest.fixture
async def patient(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Town]:
    """A town where edits within two minutes travel together."""
    core = build_core(make_settings(update_delay_seconds=120), clock=clock)
    yield await people_of(core, core.settings, clock)
    await core.db.close()
