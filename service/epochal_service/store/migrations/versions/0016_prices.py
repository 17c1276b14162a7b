"""Add the bytes that a job stores, and the memory that it needs."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    # Not in a batch, which would copy the table on SQLite.
    op.add_column(
        "jobs", sa.Column("stored_bytes", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column("jobs", sa.Column("memory_bytes", sa.BigInteger()))
    op.create_index("ix_jobs_owner_stored", "jobs", ["owner", "stored_bytes"])
