"""Operators of the service, what they look at, reports of abuse, and what somebody's own log reads.

Revision ID: 0007
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

import core.db.types

revision = "0007"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("is_operator", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(op.f("ix_deliveries_integration_id_id"), "deliveries", ["integration_id", "id"], unique=False)
    op.drop_index(op.f("ix_deliveries_integration_id"), table_name="deliveries")
    dead = sa.text("status = 'dead'")
    op.create_index(
        "ix_deliveries_dead", "deliveries", ["notification_id", "code"], sqlite_where=dead, postgresql_where=dead
    )
    op.create_index(op.f("ix_audit_log_subject"), "audit_log", ["subject"], unique=False)
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", core.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("closed_at", core.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_reports_event_id_events")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reports_closed_at"), "reports", ["closed_at"], unique=False)
    op.create_index(op.f("ix_reports_event_id"), "reports", ["event_id"], unique=False)


def downgrade() -> None:
    op.drop_table("reports")
    op.drop_index(op.f("ix_audit_log_subject"), table_name="audit_log")
    op.drop_index("ix_deliveries_dead", table_name="deliveries")
    op.create_index(op.f("ix_deliveries_integration_id"), "deliveries", ["integration_id"], unique=False)
    op.drop_index(op.f("ix_deliveries_integration_id_id"), table_name="deliveries")
    op.drop_column("users", "is_operator")
