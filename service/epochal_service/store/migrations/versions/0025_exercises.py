"""Store exercises, and who attempted them."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "exercises",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exercises"),
    )
    op.create_index("ix_exercises_owner_id", "exercises", ["owner", "id"])
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("exercise_id", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("outcomes", sa.Text),
        sa.Column("settled_at", sa.Float),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["exercise_id"], ["exercises.id"], name="fk_attempts_exercise_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_attempts_exercise_id_id", "attempts", ["exercise_id", "id"])
    op.create_index("ix_attempts_settled_at", "attempts", ["settled_at"])
