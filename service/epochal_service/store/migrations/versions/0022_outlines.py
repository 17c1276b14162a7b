"""Add the outlines of long runs. Curves of earlier runs are read from their epochs."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "outlines",
        sa.Column("job_id", sa.String(length=40), nullable=False),
        sa.Column("width", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("last_epoch", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("points", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_outlines_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "width", "last_epoch", name=op.f("pk_outlines")),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Numbers are hardly smaller when they are compressed, and are read faster without.
        op.execute("ALTER TABLE outlines ALTER COLUMN points SET STORAGE EXTERNAL")
