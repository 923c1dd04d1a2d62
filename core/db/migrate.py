"""Alembic, called from code: the terminal, the supervisor and the tests bring a database up to date the same way."""

from pathlib import Path

from alembic import command
from alembic.config import Config

_SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"


def config_for(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    # ConfigParser reads % as interpolation.
    config.set_main_option("sqlalchemy.url", _synchronous(database_url).replace("%", "%%"))
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    command.upgrade(config_for(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    command.downgrade(config_for(database_url), revision)


def _synchronous(url: str) -> str:
    return url.replace("sqlite+aiosqlite:", "sqlite:", 1)
