"""Add the losses of simple predictors to a job, and its lowest loss."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("baselines", sa.Text()))
        batch_op.add_column(sa.Column("best_loss", sa.Float()))
