"""Workspaces in which somebody has installed the app.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

import core.db.types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chat_installations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", core.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("bot_token", sa.LargeBinary(), nullable=True),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=True),
        sa.Column("installed_at", core.db.types.UtcDateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", core.db.types.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("platform IN ('discord', 'slack')", name=op.f("ck_chat_installations_platform")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_installations")),
        sa.UniqueConstraint("platform", "tenant_id", name=op.f("uq_chat_installations_platform_tenant_id")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("chat_installations")
