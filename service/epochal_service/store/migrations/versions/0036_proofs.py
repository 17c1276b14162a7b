"""Store proofs of runs that attempts repeat."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    op.create_table(
        "proofs",
        sa.Column("attempt_id", sa.String(40), nullable=False),
        sa.Column("curve_sha256", sa.String(64), nullable=False),
        sa.Column("proof", sa.Text),
        sa.Column("result", sa.Text),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_proofs"),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["attempts.id"], name="fk_proofs_attempt_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_proofs_curve_sha256", "proofs", ["curve_sha256"])
