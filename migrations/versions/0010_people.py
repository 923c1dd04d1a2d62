"""People who follow are counted from the index alone.

Revision ID: 0010
Revises: 0009
"""

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ACTIVE = text("state = 'active'")


def upgrade() -> None:
    _index("event_id", "user_id", "state")


def downgrade() -> None:
    _index("event_id")


def _index(*columns: str) -> None:
    op.drop_index("ix_subscriptions_active", table_name="subscriptions")
    op.create_index(
        "ix_subscriptions_active",
        "subscriptions",
        list(columns),
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
