"""Drop the best loss of a job: `best` holds it beside its epoch."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    # Not in a batch: on SQLite that would replace the table, and delete the rows that refer to it.
    op.drop_column("jobs", "best_loss")
