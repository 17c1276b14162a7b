"""The tables. A job's log is its history in order; every stream is a cursor over it."""

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

# Times are seconds since 1970 by the database's clock: leases of all machines use the same clock.

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    # Among the queued jobs of the owner.
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("stop_reason", String(24)),
    Column("detail", Text),
    Column("divergence", Text),
    # The text that a search reads: id, name, data set and labels, case-folded, one line each.
    Column("search_text", Text, nullable=False, server_default=""),
    # The id of the request that created the job, for the log lines of its workers.
    Column("request", String(100)),
    # The id of an uploaded data set; other data sets have none.
    Column("dataset_id", String(40), index=True),
    Column("validation_dataset_id", String(40), index=True),
    Column("parameters", BigInteger, nullable=False),
    Column("samples", BigInteger, nullable=False),
    Column("flops", Float, nullable=False),
    # The cost of the job in the amounts that its duration depends on, as JSON.
    Column("work", Text),
    # The bytes that the job stores by its end, and the memory that it needs, both as priced when it
    # was created.
    Column("stored_bytes", BigInteger, nullable=False, server_default="0"),
    Column("memory_bytes", BigInteger),
    Column("epoch", BigInteger, nullable=False),
    # The epoch after which the worker pauses the job; NULL: it trains to the end.
    Column("pause_epoch", BigInteger),
    Column("latest", Text),
    # The losses of simple predictors, as JSON.
    Column("baselines", Text),
    # The lowest validation loss, or training loss without a validation part.
    # The best epoch as JSON; of sweeps it is in `latest`, for each member.
    Column("best", Text),
    Column("attempt", Integer, nullable=False),
    # Attempts since an epoch was last stored; progress resets it to 0.
    Column("fruitless_attempts", Integer, nullable=False),
    # Increases whenever the job gets or loses a worker. The writes of a worker with an older number
    # match no row.
    Column("fence", BigInteger, nullable=False),
    Column("lease_expires_at", Float),
    # The worker that claimed the job last.
    Column("worker_id", String(40)),
    Column("last_seq", BigInteger, nullable=False),
    # Counts the changes of the job, also changes that are not events.
    Column("revision", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    # Seconds after its end after which the job is deleted; NULL: never.
    Column("ttl_seconds", Float),
    # When the job will be deleted; NULL before its end.
    Column("expires_at", Float, index=True),
    # When workers were last notified of the job.
    Column("notified_at", Float),
    # The experiment that the job belongs to, its name there, and the seed of the run.
    Column("experiment_id", String(40), index=True),
    Column("experiment_job", String(40)),
    Column("experiment_seed", BigInteger),
    # Values that the claims of the experiment need and no epoch has: JSON by the name of the
    # measure.
    Column("measures", Text),
)
Index("ix_jobs_owner_id", jobs.c.owner, jobs.c.id)
# The queue of each owner; also lists by state.
Index("ix_jobs_state_owner_id", jobs.c.state, jobs.c.owner, jobs.c.id)
# The job of an owner that starts first.
Index("ix_jobs_state_owner_priority", jobs.c.state, jobs.c.owner, jobs.c.priority.desc(), jobs.c.id)
# When an owner was served last.
Index("ix_jobs_owner_started", jobs.c.owner, jobs.c.started_at)
# The sum of an owner's stored bytes.
Index("ix_jobs_owner_stored", jobs.c.owner, jobs.c.stored_bytes)
Index("ix_jobs_state_lease", jobs.c.state, jobs.c.lease_expires_at)

# Not in `jobs`: SQLite would rewrite the spec with all its data in every flush.
job_specs = Table(
    "job_specs",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("spec", Text, nullable=False),
    # The spec without the rows of inline data sets; NULL if it has none.
    Column("settings", Text),
    # The columns, classes and targets of an uploaded data set, which may be deleted.
    Column("schema", Text),
    # Where the end of the job is sent, with the secrets that sign, as JSON.
    Column("webhooks", Text),
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
    # epochs: extremes of each metric. Stored before the body, so that reading a curve does not read
    # the body.
    Column("summary", LargeBinary),
    # epochs: the metrics by column; the gradient statistics.
    Column("body", LargeBinary),
    Column("gradients", LargeBinary),
)
Index("ix_log_job_id_kind_last_epoch", log.c.job_id, log.c.kind, log.c.last_epoch)

# Points of the curves of long runs, in chunks of epochs that are complete: see `jobs.outlines`.
outlines = Table(
    "outlines",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    # The number of epochs in a bucket.
    Column("width", Integer, primary_key=True, autoincrement=False),
    Column("last_epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("points", LargeBinary, nullable=False),
)

# The state that a worker continues from, bit for bit: at most one for each unfinished job.
resume_points = Table(
    "resume_points",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

# The changes of a running job that users request, in order; a worker writes the epoch that each
# takes effect after, and the steps of the next one.
change_requests = Table(
    "change_requests",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("training", Text, nullable=False),
    Column("epoch", BigInteger),
    Column("step", BigInteger),
)

# The weights of the reward model of an unfinished job: a copy of another job's.
reward_weights = Table(
    "reward_weights",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("weights", LargeBinary, nullable=False),
)

# The jobs that a job needs before it can start.
dependencies = Table(
    "dependencies",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("needed_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True),
    # The scaling of the job's data, which its checkpoint of epoch 0 has beside the weights.
    Column("scaling", LargeBinary, nullable=False),
    # When the needed job succeeded; NULL before.
    Column("met_at", Float),
)

# Jobs that were created together, with claims about them.
experiments = Table(
    "experiments",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(40), nullable=False),
    # Name, seeds, names of the jobs and claims, as JSON.
    Column("plan", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
Index("ix_experiments_owner_id", experiments.c.owner, experiments.c.id)

exercises = Table(
    "exercises",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(40), nullable=False),
    # As JSON.
    Column("spec", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)
Index("ix_exercises_owner_id", exercises.c.owner, exercises.c.id)

# The uploaded data sets of an exercise. Everybody who knows their ids may read them.
shared_datasets = Table(
    "shared_datasets",
    metadata,
    Column("exercise_id", ForeignKey("exercises.id", ondelete="CASCADE"), primary_key=True),
    Column("dataset_id", ForeignKey("datasets.id"), primary_key=True, index=True),
)

# Experiments that attempt an exercise. A row outlasts its experiment, so it is not a foreign key.
attempts = Table(
    "attempts",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("exercise_id", ForeignKey("exercises.id", ondelete="CASCADE"), nullable=False),
    Column("owner", String(40), nullable=False),
    # The outcome of each claim, as JSON; absent until all jobs have ended.
    Column("outcomes", Text),
    Column("settled_at", Float, index=True),
    Column("created_at", Float, nullable=False),
)
Index("ix_attempts_exercise_id_id", attempts.c.exercise_id, attempts.c.id)

# The run that an attempt repeats, until its result is stored.
proofs = Table(
    "proofs",
    metadata,
    Column("attempt_id", ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("curve_sha256", String(64), nullable=False, index=True),
    # As JSON.
    Column("proof", Text),
    Column("result", Text),
)

# Weights that users may read.
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

# How fast workers are: the cost and the duration of short runs, as JSON.
calibrations = Table(
    "calibrations",
    metadata,
    # The software and processor features of the worker, and the method of measurement.
    Column("kernel", String(200), primary_key=True),
    Column("runs", Text, nullable=False),
    Column("created_at", Float, nullable=False),
)

# Processes that train jobs. A worker that exits deletes its row.
workers = Table(
    "workers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", String(40), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
)

# Counters of all workers since the database was created, for metrics. Values only increase.
counters = Table(
    "counters",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("value", Float, nullable=False),
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

# A row for each version of a named model. The shares of one name are 1 together.
models = Table(
    "models",
    metadata,
    Column("owner", String(40), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("job_id", String(40), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("share", Float, nullable=False),
    Column("created_at", Float, nullable=False),
)

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

# Files that arrive in pieces, until a data set is created from them.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64)),
    # The number of bytes received.
    Column("offset", BigInteger, nullable=False),
    # The data set that was created from it. Its pieces are deleted, and `sha256` is their digest.
    Column("dataset_id", String(40)),
    Column("created_at", Float, nullable=False),
    Column("appended_at", Float, nullable=False, index=True),
)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload_id", ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("name", String(100), nullable=False),
    Column("scope", String(10), nullable=False),
    # The SHA-256 of the secret, in hexadecimal digits.
    Column("digest", String(64), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    # The limits of a key that another key made, as JSON; NULL: the scope alone.
    Column("limits", Text),
    # The key that made it, with which it ends; NULL: no key.
    Column("made_by", String(12)),
    # When the key may make its full number of jobs per hour again.
    Column("jobs_at", Float),
)

# An owner may read the rows of its members: a class and its pupils.
members = Table(
    "members",
    metadata,
    Column("owner", String(40), primary_key=True),
    Column("member", String(40), primary_key=True),
)

# What the pupils of a class answered in the course: one row for each question.
answers = Table(
    "answers",
    metadata,
    Column("owner", String(40), primary_key=True),
    # before | after | chapter
    Column("part", String(10), primary_key=True),
    Column("item", String(40), primary_key=True),
    # Indexes of the first and of the last choice; NULL: the question was only seen.
    Column("first", Integer),
    Column("last", Integer),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

# Requests to the receivers of webhooks when a job has ended.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column(
        "job_id", String(40), ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    # The index of the webhook in `job_specs.webhooks`.
    Column("position", Integer, nullable=False),
    # The final state of the job.
    Column("event", String(16), nullable=False),
    # pending | delivered | failed
    Column("state", String(12), nullable=False),
    # The number of attempts that began.
    Column("attempt", Integer, nullable=False),
    # The results of attempts, as JSON.
    Column("log", Text, nullable=False),
    # When the next attempt begins; none in a final state.
    Column("due_at", Float, index=True),
    Column("created_at", Float, nullable=False),
)

# Idempotency keys: the request that used a key, and the id of the created object.
creation_keys = Table(
    "creation_keys",
    metadata,
    Column("owner", String(40), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("made_id", String(40), nullable=False),
    Column("created_at", Float, nullable=False),
)
Index("ix_creation_keys_created_at", creation_keys.c.created_at)
