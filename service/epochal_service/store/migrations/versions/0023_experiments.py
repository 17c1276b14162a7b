"""Let jobs belong to experiments, and wait for other jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("experiment_id", sa.String(40)))
    op.add_column("jobs", sa.Column("experiment_job", sa.String(40)))
    op.add_column("jobs", sa.Column("experiment_seed", sa.BigInteger))
    op.create_index("ix_jobs_experiment_id", "jobs", ["experiment_id"])
    op.create_table(
        "dependencies",
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("needed_id", sa.String(40), nullable=False),
        sa.Column("scaling", sa.LargeBinary, nullable=False),
        sa.Column("met_at", sa.Float),
        sa.PrimaryKeyConstraint("job_id", "needed_id", name="pk_dependencies"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_dependencies_job_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["needed_id"], ["jobs.id"], name="fk_dependencies_needed_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_dependencies_needed_id", "dependencies", ["needed_id"])
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_experiments"),
    )
    op.create_index("ix_experiments_owner_id", "experiments", ["owner", "id"])
