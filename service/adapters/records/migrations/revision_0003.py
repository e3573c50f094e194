"""Attempts, progress, cost and the beginning of the deletion of documents, for every process to see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
additive = True


def upgrade() -> None:
    """Add them."""
    time = sa.DateTime(timezone=True)
    for column in (
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("retry_time", time),
        sa.Column("delete_time", time),
        sa.Column("progress_phase", sa.String, nullable=False, server_default=""),
        sa.Column("progress_done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("progress_total", sa.Integer, nullable=False, server_default="0"),
        sa.Column("usage", sa.Text),
    ):
        op.add_column("documents", column)
    deleted = sa.text("delete_time IS NOT NULL")
    op.create_index("documents_deleted", "documents", ["delete_time"], sqlite_where=deleted, postgresql_where=deleted)
