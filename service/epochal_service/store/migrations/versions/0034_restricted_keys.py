"""Let owners make keys that may do less than theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("limits", sa.Text))
    op.add_column("api_keys", sa.Column("made_by", sa.String(12)))
    op.add_column("api_keys", sa.Column("jobs_at", sa.Float))
