"""The tables. A job's log is its history in order, and everything that is watched is a cursor over
it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Times are seconds since 1970 by the database's own clock, so that leases compare on one clock
# wherever workers are.

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("stop_reason", String(24)),
    Column("detail", Text),
    Column("divergence", Text),
    # What a search looks through: id, name, data set and labels, case-folded, a line each.
    Column("words", Text, nullable=False, server_default=""),
    # Only an uploaded data set has one.
    Column("dataset_id", String(40), index=True),
    Column("parameters", BigInteger, nullable=False),
    Column("samples", BigInteger, nullable=False),
    Column("flops", Float, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("latest", Text),
    Column("attempt", Integer, nullable=False),
    # Attempts since an epoch was last stored; progress sets it back to 0.
    Column("fruitless_attempts", Integer, nullable=False),
    # Every change of hands adds one; a worker whose number is older has lost the job and writes
    # nothing more.
    Column("fence", BigInteger, nullable=False),
    Column("lease_expires_at", Float),
    Column("last_seq", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    # When a worker was last told of the job.
    Column("hinted_at", Float),
)
Index("ix_jobs_owner_id", jobs.c.owner, jobs.c.id)
Index("ix_jobs_state_lease", jobs.c.state, jobs.c.lease_expires_at)

# Apart from the row that each flush writes: SQLite would write a spec with all its data as often.
job_specs = Table(
    "job_specs",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("spec", Text, nullable=False),
)

job_labels = Table(
    "job_labels",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", String(64), nullable=False),
)
Index("ix_job_labels_key_value", job_labels.c.key, job_labels.c.value, job_labels.c.job_id)

log = Table(
    "log",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    # state | epochs | checkpoint | end
    Column("kind", String(12), nullable=False),
    Column("first_epoch", BigInteger, nullable=False),
    Column("last_epoch", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
    # state, checkpoint, end: JSON.
    Column("note", Text),
    # epochs: extremes of each metric; stands before the bodies, so that a curve is read without
    # touching them.
    Column("summary", LargeBinary),
    # epochs: the metrics by column, and the gradient statistics.
    Column("body", LargeBinary),
    Column("gradients", LargeBinary),
)
Index("ix_log_job_id_kind_last_epoch", log.c.job_id, log.c.kind, log.c.last_epoch)

# What a worker needs to go on bit for bit: one for each unfinished job.
resume_points = Table(
    "resume_points",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

# What users may look at: weights alone.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("weights", LargeBinary, nullable=False),
)

networks = Table(
    "networks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("name", String(100)),
    Column("network", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
Index("ix_networks_owner_id", networks.c.owner, networks.c.id)

datasets = Table(
    "datasets",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("name", String(100), nullable=False),
    Column("about", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("content", LargeBinary, nullable=False),
)
Index("ix_datasets_owner_id", datasets.c.owner, datasets.c.id)

# Which request a creation key stood for, and what it made.
creation_keys = Table(
    "creation_keys",
    metadata,
    Column("owner", String(40), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("made_id", String(40), nullable=False),
    Column("created_at", Float, nullable=False),
)
