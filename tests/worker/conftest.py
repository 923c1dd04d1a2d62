"""The settings of a worker that keeps cards."""

import pytest

from cli.demo.small_discord.rest import DiscordRest
from core.settings import Settings
from tests.conftest import MakeSettings


@pytest.fixture
def bot_settings(make_settings: MakeSettings, discord: DiscordRest) -> Settings:
    """Settings of an installation whose bot is on the small Discord."""
    return make_settings(**discord.settings)
