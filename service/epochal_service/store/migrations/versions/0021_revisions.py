"""Count the changes of each job, also changes that are not events."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))
