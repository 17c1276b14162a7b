"""Add the tables of uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.String(40)),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("appended_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_appended_at", "uploads", ["appended_at"])
    op.create_table(
        "upload_pieces",
        sa.Column("upload_id", sa.String(40), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"], ["uploads.id"], name="fk_upload_pieces_upload_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("upload_id", "offset", name="pk_upload_pieces"),
    )
