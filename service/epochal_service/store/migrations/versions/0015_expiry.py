"""Let jobs be deleted some time after their end."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("ttl_seconds", sa.Float(), nullable=True))
    op.add_column("jobs", sa.Column("expires_at", sa.Float(), nullable=True))
    op.create_index("ix_jobs_expires_at", "jobs", ["expires_at"])
