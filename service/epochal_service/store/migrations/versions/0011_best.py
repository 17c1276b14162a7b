"""Add the best epoch of a job. Stored specs with early stopping keep the weights of the last."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("best", sa.Text(), nullable=True))
    specs = sa.table("job_specs", sa.column("job_id"), sa.column("spec"))
    connection = op.get_bind()
    stopping = specs.c.spec.contains('"early_stopping":{', autoescape=True)
    for job_id in connection.execute(sa.select(specs.c.job_id).where(stopping)).scalars().all():
        of_job = specs.c.job_id == job_id
        spec = json.loads(connection.execute(sa.select(specs.c.spec).where(of_job)).scalar_one())
        text = json.dumps(_without_restoring(spec), separators=(",", ":"), ensure_ascii=False)
        connection.execute(sa.update(specs).where(of_job).values(spec=text))


def _without_restoring(spec: dict[str, Any]) -> dict[str, Any]:
    if "job" in spec:  # of a sweep
        return {**spec, "job": _without_restoring(spec["job"])}
    if not spec.get("early_stopping"):
        return spec
    return {**spec, "early_stopping": {**spec["early_stopping"], "restore_best": False}}
