"""Add the text that a search over jobs reads."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("words", sa.Text(), nullable=False, server_default=""))
    jobs = sa.table("jobs", *(sa.column(name) for name in ("id", "spec", "words")))
    connection = op.get_bind()
    for job_id, spec in connection.execute(sa.select(jobs.c.id, jobs.c.spec)).all():
        values = json.loads(spec)
        values = values.get("job", values)  # of a sweep
        dataset = values["dataset"]
        labels = [f"{key}={value}" for key, value in values.get("labels", {}).items()]
        words = [job_id, dataset.get("name") or dataset.get("id") or "", *labels]
        connection.execute(
            sa.update(jobs).where(jobs.c.id == job_id).values(words="\n".join(words).casefold())
        )
