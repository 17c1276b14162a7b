"""Let users change a job while it runs."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.create_table(
        "change_requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("training", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_change_requests"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_change_requests_job_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_change_requests_job_id", "change_requests", ["job_id"])
