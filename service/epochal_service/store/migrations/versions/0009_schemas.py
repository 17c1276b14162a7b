"""Add the schemas of jobs. Stored specs keep their targets unscaled."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    with op.batch_alter_table("job_specs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("schema", sa.Text(), nullable=True))
    specs = sa.table("job_specs", sa.column("job_id"), sa.column("spec"))
    connection = op.get_bind()
    for job_id in connection.execute(sa.select(specs.c.job_id)).scalars().all():
        of_job = specs.c.job_id == job_id
        spec = json.loads(connection.execute(sa.select(specs.c.spec).where(of_job)).scalar_one())
        text = json.dumps(_unscaled(spec), separators=(",", ":"), ensure_ascii=False)
        connection.execute(sa.update(specs).where(of_job).values(spec=text))


def _unscaled(spec: dict[str, Any]) -> dict[str, Any]:
    if "job" in spec:  # of a sweep
        return {**spec, "job": _unscaled(spec["job"])}
    return {**spec, "target_scaling": "none"}
