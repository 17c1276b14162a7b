"""Move specs to their own table: every flush rewrites the row of its job."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "job_specs",
        sa.Column(
            "job_id",
            sa.String(40),
            sa.ForeignKey("jobs.id", name="fk_job_specs_job_id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_specs"),
    )
    op.execute("INSERT INTO job_specs (job_id, spec) SELECT id, spec FROM jobs")
    op.drop_column("jobs", "spec")
