"""Store the specs of jobs without their data, for lists and filters."""

import sqlalchemy as sa
from alembic import op
from pydantic_core import from_json, to_json

revision = "0031"
down_revision = "0030"

specs = sa.table(
    "job_specs", sa.column("job_id"), sa.column("spec"), sa.column("settings", sa.Text)
)


def upgrade() -> None:
    op.add_column("job_specs", sa.Column("settings", sa.Text))
    connection = op.get_bind()
    has_rows = specs.c.spec.contains('"inputs":')
    for job_id in connection.execute(sa.select(specs.c.job_id).where(has_rows)).scalars().all():
        of_job = specs.c.job_id == job_id
        spec = from_json(connection.execute(sa.select(specs.c.spec).where(of_job)).scalar_one())
        parts = [p for p in ("dataset", "validation_dataset") if (spec.get(p) or {}).get("inputs")]
        for part in parts:
            spec[part] |= {"inputs": [], "targets": [], "weights": []}
        if parts:
            settings = {"settings": to_json(spec).decode()}
            connection.execute(sa.update(specs).where(of_job).values(settings))
