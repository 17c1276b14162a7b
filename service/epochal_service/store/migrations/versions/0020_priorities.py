"""Give each job a priority among the queued jobs of its owner."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.create_index(
        "ix_jobs_state_owner_priority", "jobs", ["state", "owner", sa.text("priority DESC"), "id"]
    )
