"""Find old idempotency keys, which are deleted."""

from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_index("ix_creation_keys_created_at", "creation_keys", ["created_at"])
