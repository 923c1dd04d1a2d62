"""Operators of the service, and what somebody's own log reads.

Revision ID: 0007
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("is_operator", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_deliveries_integration_id_id"), "deliveries", ["integration_id", "id"], unique=False)
    op.drop_index(op.f("ix_deliveries_integration_id"), table_name="deliveries")


def downgrade() -> None:
    op.create_index(op.f("ix_deliveries_integration_id"), "deliveries", ["integration_id"], unique=False)
    op.drop_index(op.f("ix_deliveries_integration_id_id"), table_name="deliveries")
    op.drop_column("users", "is_operator")
