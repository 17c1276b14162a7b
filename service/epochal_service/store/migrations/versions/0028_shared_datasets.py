"""Let exercises share uploaded data sets."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "shared_datasets",
        sa.Column("exercise_id", sa.String(40), nullable=False),
        sa.Column("dataset_id", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("exercise_id", "dataset_id", name="pk_shared_datasets"),
        sa.ForeignKeyConstraint(
            ["exercise_id"],
            ["exercises.id"],
            name="fk_shared_datasets_exercise_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name="fk_shared_datasets_dataset_id"
        ),
    )
    op.create_index("ix_shared_datasets_dataset_id", "shared_datasets", ["dataset_id"])
