"""Add validation data sets. Stored specs keep their split, which ignored classes."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("validation_dataset_id", sa.String(40), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_jobs_validation_dataset_id"), ["validation_dataset_id"], unique=False
        )
    specs = sa.table("job_specs", sa.column("job_id"), sa.column("spec"))
    connection = op.get_bind()
    for job_id in connection.execute(sa.select(specs.c.job_id)).scalars().all():
        of_job = specs.c.job_id == job_id
        spec = json.loads(connection.execute(sa.select(specs.c.spec).where(of_job)).scalar_one())
        text = json.dumps(_with_split(spec), separators=(",", ":"), ensure_ascii=False)
        connection.execute(sa.update(specs).where(of_job).values(spec=text))


def _with_split(spec: dict[str, Any]) -> dict[str, Any]:
    if "job" in spec:  # of a sweep
        return {**spec, "job": _with_split(spec["job"])}
    return {**spec, "split": {"stratify": False, "seed": spec.get("seed", 0)}}
