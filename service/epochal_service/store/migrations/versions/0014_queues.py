"""Index the queue of each owner."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_index("ix_jobs_state_owner_id", "jobs", ["state", "owner", "id"])
    op.create_index("ix_jobs_owner_started", "jobs", ["owner", "started_at"])
