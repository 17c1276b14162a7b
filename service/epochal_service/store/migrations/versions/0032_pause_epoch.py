"""Let a paused job train for some epochs."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("pause_epoch", sa.BigInteger))
