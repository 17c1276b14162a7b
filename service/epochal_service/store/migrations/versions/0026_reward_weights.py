"""Let jobs have a reward model, and wait for several other jobs."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.create_table(
        "reward_weights",
        sa.Column("job_id", sa.String(40), nullable=False),
        sa.Column("weights", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_reward_weights"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_reward_weights_job_id", ondelete="CASCADE"
        ),
    )
    experiments = sa.table("experiments", sa.column("id"), sa.column("plan"))
    connection = op.get_bind()
    for experiment_id, text in connection.execute(sa.select(experiments)).all():
        plan = json.loads(text)
        for job in plan["jobs"].values():
            job["needs"] = [] if job["needs"] is None else [job["needs"]]
        connection.execute(
            sa.update(experiments)
            .where(experiments.c.id == experiment_id)
            .values(plan=json.dumps(plan))
        )
