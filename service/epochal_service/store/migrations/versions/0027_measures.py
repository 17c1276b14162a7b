"""Store whatever the worker of a job measures for claims, not one measure alone."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("measures", sa.Text))
    jobs = sa.table("jobs", *map(sa.column, ("id", "sample_distance", "measures")))
    connection = op.get_bind()
    measured = sa.select(jobs.c.id, jobs.c.sample_distance).where(
        jobs.c.sample_distance.is_not(None)
    )
    for job_id, value in connection.execute(measured).all():
        measures = json.dumps({"nearest_neighbor_accuracy": value})
        connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(measures=measures))
    op.drop_column("jobs", "sample_distance")
