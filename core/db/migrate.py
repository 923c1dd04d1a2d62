"""Alembic, called from code: the terminal, the supervisor and the tests bring a database up to date the same way.

Alembic is imported where it is used: with SQLAlchemy it takes half a second, and most starts find nothing to upgrade.
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS = Path(__file__).resolve().parents[2] / "migrations"


def config_for(database_url: str) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    # ConfigParser reads % as interpolation.
    config.set_main_option("sqlalchemy.url", _synchronous(database_url).replace("%", "%%"))
    return config


def upgrade(database_url: str, revision: str = "head") -> None:
    from alembic import command

    command.upgrade(config_for(database_url), revision)


def downgrade(database_url: str, revision: str) -> None:
    from alembic import command

    command.downgrade(config_for(database_url), revision)


def revisions() -> list[str]:
    """Every revision, the newest last. Their files are numbered in order, and begin with their number."""
    return sorted(file.name.partition("_")[0] for file in (_SCRIPTS / "versions").glob("[0-9]*.py"))


def head() -> str:
    """The newest revision."""
    return revisions()[-1]


def is_current(database_url: str) -> bool:
    """Whether an SQLite file stands at the newest revision. Of other databases only Alembic can tell: False."""
    if not database_url.startswith("sqlite"):
        return False
    path = unquote(database_url.partition(":///")[2].partition("?")[0])
    # mode=rw: a file that is missing is not made here.
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", uri=True)) as connection:
        return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(head(),)]
    return False


def _synchronous(url: str) -> str:
    return url.replace("sqlite+aiosqlite:", "sqlite:", 1)
