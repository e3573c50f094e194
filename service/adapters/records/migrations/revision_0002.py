"""Indexes for what is looked for in all tenants at once: unfinished documents, and statements that expired."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
additive = True


def upgrade() -> None:
    """Make them."""
    unfinished = sa.text("state IN ('PENDING', 'PROCESSING')")
    op.create_index(
        "documents_unfinished", "documents", ["update_time"], sqlite_where=unfinished, postgresql_where=unfinished
    )
    op.create_index("statements_by_expiry", "statements", ["expire_time"])
