"""Rename two columns of `jobs`."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # Plain SQL, which SQLite and PostgreSQL share: neither copies the table.
    op.execute("ALTER TABLE jobs RENAME COLUMN words TO search_text")
    op.execute("ALTER TABLE jobs RENAME COLUMN hinted_at TO notified_at")
