"""Let changes take effect within an epoch."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.add_column("change_requests", sa.Column("step", sa.BigInteger))
