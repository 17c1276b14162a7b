"""Store how far the samples of a diffusion network are from the data."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("sample_distance", sa.Float))
