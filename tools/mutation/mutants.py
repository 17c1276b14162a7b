"""The mechanisms that keep the promises of docs/operations.md, and how to remove each.

A mutant replaces a piece of the source that occurs once. At least one of its tests must fail.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICE = "service/epochal_service"
WORKERS = "workers/epochal_workers"


@dataclass(frozen=True)
class Mutant:
    """A mechanism that is removed."""

    name: str
    """What is missing, in a few words."""
    file: str
    old: str
    """Text that the file has once."""
    new: str
    tests: tuple[str, ...]
    """Paths or node ids of pytest."""

    def source(self) -> str:
        """Return the file without the mechanism. Raises ValueError unless it has `old` once."""
        source = (ROOT / self.file).read_text()
        if source.count(self.old) != 1:
            times = source.count(self.old)
            raise ValueError(f"{self.name}: {self.file} has {self.old!r} {times} times, not once")
        return source.replace(self.old, self.new)


LIFECYCLE = "tests/chaos/test_lifecycle.py"
RUN = "tests/workers/test_run.py"
CRASHES = "tests/workers/test_crashes.py"
KEYS = "tests/contract/test_keys.py"
FAULTS = "tests/chaos/test_faults.py"

MUTANTS = (
    # ------------------------------------------------------------------- the worker and its lease
    Mutant(
        "fence of a worker's writes",
        f"{SERVICE}/store/jobs.py",
        "        where.append(jobs.c.fence == fence)\n",
        "        pass\n",
        (RUN,),
    ),
    Mutant(
        "new fence of each attempt",
        f"{SERVICE}/store/jobs.py",
        '        "fence": jobs.c.fence + 1,\n',
        "",
        (RUN,),
    ),
    Mutant(
        "expected state of a job that changes",
        f"{SERVICE}/store/jobs.py",
        "where = [jobs.c.id == job_id, jobs.c.state.in_(states)]",
        "where = [jobs.c.id == job_id]",
        (LIFECYCLE, RUN),
    ),
    Mutant(
        "heartbeat of the lease",
        f"{WORKERS}/heartbeat.py",
        "    thread.start()\n",
        "    thread.start()\n    ended.set()\n",
        (RUN,),
    ),
    Mutant(
        "heartbeat that ends when the job is lost",
        f"{SERVICE}/jobs/lifecycle.py",
        "connection, claim.id, states=HELD, fence=claim.job.fence, events=0, values=values",
        "connection, claim.id, states=HELD, events=0, values=values",
        (RUN,),
    ),
    Mutant(
        "reaper of expired leases",
        f"{SERVICE}/jobs/reaper.py",
        "        expired = jobs.expired(connection)\n",
        "        expired = jobs.expired(connection)[:0]\n",
        (LIFECYCLE,),
    ),
    Mutant(
        "second look of the reaper at the lease",
        f"{SERVICE}/store/jobs.py",
        "query = sa.select(jobs).where(jobs.c.id == job_id, *_EXPIRED)",
        "query = sa.select(jobs).where(jobs.c.id == job_id, _EXPIRED[0])",
        (LIFECYCLE,),
    ),
    Mutant(
        "messages that the reaper repeats",
        f"{SERVICE}/jobs/reaper.py",
        "    if not ids or queue.pending() != 0:\n",
        "    if ids or queue.pending() != 0:\n",
        (FAULTS,),
    ),
    Mutant(
        "end of a job that kills its workers",
        f"{SERVICE}/jobs/lifecycle.py",
        "            case _ if row.fruitless_attempts >= max_attempts:\n",
        "            case _ if row.fruitless_attempts >= 10**9:\n",
        (CRASHES,),
    ),
    Mutant(
        "attempts that count from the last progress",
        f"{SERVICE}/jobs/lifecycle.py",
        '            "fruitless_attempts": 0,\n            "best": progress.best,\n',
        '            "best": progress.best,\n',
        (CRASHES,),
    ),
    Mutant(
        "release by a worker that stops",
        f"{WORKERS}/attempt.py",
        "            if stopping():\n",
        "            if stopping() and False:\n",
        (RUN,),
    ),
    Mutant(
        "death of a child with its worker",
        f"{WORKERS}/app.py",
        "    die_with_parent(_parent)\n",
        "",
        ("tests/chaos/test_storm.py",),
    ),
    # ------------------------------------------------------------------------- what a flush stores
    Mutant(
        "one transaction for epochs and row",
        f"{SERVICE}/jobs/lifecycle.py",
        "    with database.write() as connection:\n"
        "        row = _store(connection, claim, progress, HELD, {})\n",
        "    with database.write() as connection:\n"
        "        values = {} if progress.epoch is None else {'epoch': progress.epoch}\n"
        "        fence = claim.job.fence\n"
        "        jobs.advance(\n"
        "            connection, claim.id, states=HELD, fence=fence, events=0, values=values\n"
        "        )\n"
        "    with database.write() as connection:\n"
        "        row = _store(connection, claim, progress, HELD, {})\n",
        (CRASHES,),
    ),
    Mutant(
        "resume point",
        f"{SERVICE}/jobs/lifecycle.py",
        "    if progress.resume_point is not None:\n        checkpoints",
        "    if False:\n        checkpoints",
        (CRASHES, RUN),
    ),
    Mutant(
        "random streams in the resume point",
        "engine/epochal_engine/run.py",
        '        self._streams.restore(state.values["random"])\n',
        "",
        (RUN, CRASHES),
    ),
    Mutant(
        "moments of the optimizer in the resume point",
        "engine/epochal_engine/run.py",
        "            np.copyto(view, array)\n        self._streams",
        '            np.copyto(view, array * (name != "moments"))\n        self._streams',
        (RUN, CRASHES),
    ),
    Mutant(
        "epochs that were stored before are not stored again",
        f"{WORKERS}/attempt.py",
        "        self._stored_epoch = claim.job.epoch\n",
        "        self._stored_epoch = training.epoch\n",
        (CRASHES,),
    ),
    # ----------------------------------------------------------------------------------- databases
    Mutant(
        "BEGIN IMMEDIATE of a write to SQLite",
        f"{SERVICE}/store/database.py",
        'epochal_begin="BEGIN IMMEDIATE"',
        'epochal_begin="BEGIN"',
        ("tests/store/test_database.py",),
    ),
    Mutant(
        "one snapshot for all statements of a read",
        f"{SERVICE}/store/database.py",
        'isolation_level="REPEATABLE READ"',
        'isolation_level="READ COMMITTED"',
        ("tests/store/test_database.py",),
    ),
    Mutant(
        "end of a transaction that stands idle",
        f"{SERVICE}/store/database.py",
        'f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_SECONDS * 1000:.0f}"',
        '"SET idle_in_transaction_session_timeout = 0"',
        ("tests/store/test_database.py",),
    ),
    Mutant(
        "503 for a database that does not answer",
        f"{SERVICE}/store/database.py",
        "        sa.exc.OperationalError,\n",
        "",
        ("tests/store/test_database.py",),
    ),
    Mutant(
        "503 for a damaged database",
        f"{SERVICE}/store/database.py",
        'DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"}',
        "DAMAGED: set[str] = set()",
        ("tests/store/test_database.py",),
    ),
    Mutant(
        "idempotency key",
        f"{SERVICE}/store/keys.py",
        "    if key is None:\n        return new_id\n",
        "    return new_id\n",
        (FAULTS, KEYS),
    ),
    Mutant(
        "refusal of a key that another request used",
        f"{SERVICE}/store/keys.py",
        "    if used.fingerprint != fingerprint:\n",
        "    if False:\n",
        (FAULTS,),
    ),
    Mutant(
        "lock of the data set of a new job",
        f"{SERVICE}/jobs/lifecycle.py",
        "                datasets.lock(connection, dataset_id, owner, part)\n",
        "                pass\n",
        ("tests/contract/test_actions.py",),
    ),
    # -------------------------------------------------------------------------------------- broker
    Mutant(
        "thread that sends messages",
        f"{SERVICE}/jobs/queue.py",
        "        self._sender.put(self.send_to_workers, job_id)\n",
        "        self.send_to_workers(job_id)\n",
        ("tests/jobs/test_queue.py",),
    ),
    Mutant(
        "breaker of a broker that does not answer",
        f"{SERVICE}/jobs/queue.py",
        "                    self._dropping_until = monotonic() + BREAK_SECONDS\n"
        "                    self._waiting.clear()\n",
        "                    pass\n",
        ("tests/jobs/test_queue.py",),
    ),
    Mutant(
        "polling of streams without a broker",
        f"{SERVICE}/jobs/follow.py",
        "                async with asyncio.timeout(POLL_SECONDS):\n",
        "                async with asyncio.timeout(1000 * POLL_SECONDS):\n",
        (FAULTS, "tests/jobs/test_follow.py"),
    ),
    Mutant(
        "turns of owners",
        f"{SERVICE}/store/jobs.py",
        "order_by(running, sa.func.coalesce(served_at, 0.0), queue.c.id)",
        "order_by(queue.c.id)",
        ("tests/workers/test_turns.py",),
    ),
    # ------------------------------------------------------------------------------------- streams
    Mutant(
        "cursor of a stream",
        f"{SERVICE}/store/log.py",
        "log.c.seq > seq",
        "log.c.seq >= seq",
        ("tests/jobs/test_follow.py",),
    ),
    Mutant(
        "end of a stream whose client takes nothing",
        f"{SERVICE}/rest/streams.py",
        "        self._stalled = True\n        scope.cancel()\n",
        "",
        ("tests/rest/test_streams.py",),
    ),
    Mutant(
        "end of all streams when the server stops",
        f"{SERVICE}/rest/streams.py",
        "        for scope in self._scopes:\n            scope.cancel()\n",
        "",
        ("tests/rest/test_streams.py",),
    ),
    # -------------------------------------------------------------------------------- owners, keys
    Mutant(
        "owner of a job that is read",
        f"{SERVICE}/store/jobs.py",
        "        query = query.where(jobs.c.owner == owner)\n    if lock:",
        "        pass\n    if lock:",
        (KEYS,),
    ),
    Mutant(
        "owner of the jobs of a list",
        f"{SERVICE}/store/jobs.py",
        "_WITH_SPEC.where(jobs.c.owner == owner, is_kind)",
        "_WITH_SPEC.where(is_kind)",
        (KEYS,),
    ),
    Mutant(
        "owner of a data set",
        f"{SERVICE}/store/datasets.py",
        "where(datasets.c.id == dataset_id, datasets.c.owner == owner)",
        "where(datasets.c.id == dataset_id)",
        (KEYS,),
    ),
    Mutant(
        "owner of a network that is deleted",
        f"{SERVICE}/store/networks.py",
        "sa.delete(networks).where(networks.c.id == network_id, networks.c.owner == owner)",
        "sa.delete(networks).where(networks.c.id == network_id)",
        (KEYS,),
    ),
    Mutant(
        "owner of an upload",
        f"{SERVICE}/store/uploads.py",
        "where(uploads.c.id == upload_id, uploads.c.owner == owner)",
        "where(uploads.c.id == upload_id)",
        (KEYS,),
    ),
    Mutant(
        "digest of a key",
        f"{SERVICE}/keys.py",
        "    if row is None or not known:\n",
        "    if row is None:\n",
        (KEYS,),
    ),
    Mutant(
        "end of a key that is revoked",
        f"{SERVICE}/store/api_keys.py",
        "    api_keys.c.revoked_at.is_(None),\n    sa.or_",
        "    sa.or_",
        (KEYS,),
    ),
    Mutant(
        "end of a key that has expired",
        f"{SERVICE}/store/api_keys.py",
        "sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now())",
        "sa.true()",
        (KEYS,),
    ),
    Mutant(
        "scope of a key",
        f"{SERVICE}/keys.py",
        "        if SCOPES.index(self.scope) < SCOPES.index(scope):\n",
        "        if False:\n",
        (KEYS,),
    ),
    Mutant(
        "refusal of a foreign host name",
        f"{SERVICE}/rest/hosts.py",
        "if called and not _is_address(called) and not",
        "if False and not",
        ("tests/rest/test_hosts.py",),
    ),
    Mutant(
        "refusal of a page elsewhere",
        f"{SERVICE}/rest/hosts.py",
        'if origin is None or scope["method"] in READING:',
        "if True:",
        ("tests/rest/test_hosts.py",),
    ),
    # ---------------------------------------------------------------------------------- large input
    Mutant(
        "limit of a body of unknown length",
        f"{SERVICE}/rest/body.py",
        "        if received > limit:\n",
        "        if False:\n",
        ("tests/rest/test_body.py",),
    ),
    Mutant(
        "limit of a head",
        f"{SERVICE}/rest/heads.py",
        "        if self._unfinished > MAX_HEAD_BYTES:\n",
        "        if False:\n",
        ("tests/rest/test_heads.py",),
    ),
    Mutant(
        "limit of what a member of an archive decompresses to",
        f"{SERVICE}/datasets/archive.py",
        "content = stream.read(limit + 1)",
        "content = stream.read()",
        ("tests/datasets/test_arrays.py",),
    ),
)
