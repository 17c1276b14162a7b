"""Add the cost of a job, and the speed of workers, from which durations are estimated."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("work", sa.Text()))
    op.create_table(
        "calibrations",
        sa.Column("kernel", sa.String(200), primary_key=True),
        sa.Column("runs", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
    )
