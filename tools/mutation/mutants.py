"""The mechanisms that keep the promises of docs/operations.md, and the bits of the compiled engine.

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
    """The missing behavior, in a few words."""
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
TURNS = "tests/workers/test_turns.py"
FAULTS = "tests/chaos/test_faults.py"
COPY = "tests/store/test_sqlite_files.py::test_a_copy"
WEBHOOKS = "tests/workers/test_webhooks.py"
REPLIES = "tests/contract/test_cached_replies.py"
RECEIVERS = "tests/jobs/test_receivers.py"
WALK, SWEEPS = "tests/engine/test_walk.py", "tests/engine/test_sweep.py"
ENGINE = "engine/epochal_engine"
PROGRAM = f"{ENGINE}/export/training/_templates.py"
PROGRAMS = "tests/engine/test_training_programs.py"
RECORDINGS = "tests/workers/test_recordings.py::test_a_stored_number_that_is_changed_is_found"

MUTANTS = (
    # ------------------------------------------------------------------- the worker and its lease
    Mutant(
        "fence of a worker's writes",
        f"{SERVICE}/store/jobs.py",
        '    expected = {"owner": owner, "fence": fence}\n',
        '    expected = {"owner": owner}\n',
        (
            f"{RUN}::test_a_stalled_worker_that_continues_while_another_trains_its_job_writes_nothing",
        ),
    ),
    Mutant(
        "new fence of each attempt",
        f"{SERVICE}/store/jobs.py",
        '        "fence": jobs.c.fence + 1,\n',
        "",
        (
            f"{RUN}::test_a_stalled_worker_that_continues_while_another_trains_its_job_writes_nothing",
        ),
    ),
    Mutant(
        "expected state of a job that changes",
        f"{SERVICE}/store/jobs.py",
        'where += [jobs.c.id == sa.bindparam("job_id"), jobs.c.state.in_(sorted(states))]',
        'where += [jobs.c.id == sa.bindparam("job_id")]',
        (f"{LIFECYCLE}::test_every_sequence_of_events_follows_the_table_of_transitions",),
    ),
    Mutant(
        "heartbeat of the lease",
        f"{WORKERS}/heartbeat.py",
        "            self._claims[claim.id] = claim\n",
        "",
        (f"{RUN}::test_the_lease_is_renewed_while_the_job_is_being_prepared",),
    ),
    Mutant(
        "heartbeat that ends when the job is lost",
        f"{SERVICE}/jobs/lifecycle.py",
        "connection, claim.id, states=HELD, fence=claim.job.fence, events=0, values=values",
        "connection, claim.id, states=HELD, events=0, values=values",
        (f"{LIFECYCLE}::test_every_sequence_of_events_follows_the_table_of_transitions",),
    ),
    Mutant(
        "reaper of expired leases",
        f"{SERVICE}/jobs/reaper.py",
        "        expired = jobs.expired(connection)\n",
        "        expired = jobs.expired(connection)[:0]\n",
        (f"{LIFECYCLE}::test_every_sequence_of_events_follows_the_table_of_transitions",),
    ),
    Mutant(
        "second look of the reaper at the lease",
        f"{SERVICE}/store/jobs.py",
        "query = sa.select(jobs).where(jobs.c.id == job_id, is_held, has_expired)",
        "query = sa.select(jobs).where(jobs.c.id == job_id, is_held)",
        (f"{LIFECYCLE}::test_every_sequence_of_events_follows_the_table_of_transitions",),
    ),
    Mutant(
        "messages that the reaper repeats",
        f"{SERVICE}/jobs/reaper.py",
        "    if not ids or queue.pending() != 0:\n",
        "    if ids or queue.pending() != 0:\n",
        ("tests/jobs/test_reaper.py::test_a_message_that_the_broker_lost_is_sent_again",),
    ),
    Mutant(
        "end of a job that kills its workers",
        f"{SERVICE}/jobs/lifecycle.py",
        "            case _ if row.fruitless_attempts >= max_attempts:\n",
        "            case _ if row.fruitless_attempts >= 10**9:\n",
        (f"{CRASHES}::test_a_job_that_kills_every_worker_without_progress_fails",),
    ),
    Mutant(
        "attempts that count from the last progress",
        f"{SERVICE}/jobs/lifecycle.py",
        '            "fruitless_attempts": 0,\n            "best": progress.best,\n',
        '            "best": progress.best,\n',
        (f"{CRASHES}::test_a_worker_may_die_repeatedly_while_the_job_makes_progress",),
    ),
    Mutant(
        "release by a worker that stops",
        f"{WORKERS}/attempt.py",
        "            if stopping():\n",
        "            if stopping() and False:\n",
        (f"{RUN}::test_a_stopping_worker_releases_its_job_at_the_next_epoch",),
    ),
    # ------------------------------------------------------------------------- what a flush stores
    Mutant(
        "one transaction for epochs and row",
        f"{SERVICE}/jobs/lifecycle.py",
        "    with database.write() as connection:\n"
        "        row = store(connection, claim, progress, HELD, {})\n",
        "    with database.write() as connection:\n"
        "        values = {} if progress.epoch is None else {'epoch': progress.epoch}\n"
        "        fence = claim.job.fence\n"
        "        jobs.advance(\n"
        "            connection, claim.id, states=HELD, fence=fence, events=0, values=values\n"
        "        )\n"
        "    with database.write() as connection:\n"
        "        row = store(connection, claim, progress, HELD, {})\n",
        (f"{CRASHES}::test_a_worker_may_die_at_any_transaction",),
    ),
    Mutant(
        "resume point",
        f"{SERVICE}/jobs/lifecycle.py",
        "    if progress.resume_point is not None:\n        checkpoints",
        "    if False:\n        checkpoints",
        (f"{RUN}::test_a_stopping_worker_releases_its_job_at_the_next_epoch",),
    ),
    Mutant(
        "random streams in the resume point",
        "engine/epochal_engine/training/run.py",
        '            streams.restore(state.values["random"])\n',
        "",
        (f"{RUN}::test_a_job_that_was_interrupted_many_times_has_bit_identical_results",),
    ),
    Mutant(
        "moments of the optimizer in the resume point",
        "engine/epochal_engine/training/loop.py",
        "            np.copyto(view, array)\n        self._progress",
        '            np.copyto(view, array * (name != "moments"))\n        self._progress',
        (f"{RUN}::test_a_job_that_was_interrupted_many_times_has_bit_identical_results",),
    ),
    Mutant(
        "epochs that were stored before are not stored again",
        f"{WORKERS}/attempt.py",
        "        self._stored_epoch = self._counted_epoch = claim.job.epoch\n",
        "        self._stored_epoch = self._counted_epoch = training.epoch\n",
        (f"{CRASHES}::test_a_worker_may_die_at_any_transaction",),
    ),
    # ----------------------------------------------------------------------------------- databases
    Mutant(
        "BEGIN IMMEDIATE of a write to SQLite",
        f"{SERVICE}/store/database.py",
        "                self._begin_immediate(connection)\n",
        '                _driver(connection).execute("BEGIN").close()\n',
        (
            "tests/store/test_database.py::test_a_write_that_reads_first_does_not_fail_because_others_write",
        ),
    ),
    Mutant(
        "one snapshot for all statements of a read",
        f"{SERVICE}/store/database.py",
        'isolation_level="REPEATABLE READ"',
        'isolation_level="READ COMMITTED"',
        ("tests/store/test_database.py::test_a_reader_keeps_its_snapshot_while_others_write",),
    ),
    Mutant(
        "end of a transaction that stands idle",
        f"{SERVICE}/store/database.py",
        'f"SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_SECONDS * 1000:.0f}"',
        '"SET idle_in_transaction_session_timeout = 0"',
        ("tests/store/test_database.py::test_a_transaction_that_stands_idle_ends",),
    ),
    Mutant(
        "503 for a database that does not answer",
        f"{SERVICE}/store/database.py",
        "        sa.exc.OperationalError,\n",
        "",
        ("tests/store/test_database.py::test_a_database_that_does_not_answer_is_unavailable",),
    ),
    Mutant(
        "503 for a damaged database",
        f"{SERVICE}/store/database.py",
        'DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"}',
        "DAMAGED: set[str] = set()",
        (
            "tests/store/test_database.py::test_a_damaged_database_is_unavailable_and_the_reply_says_what_to_do",
        ),
    ),
    Mutant(
        "idempotency key",
        f"{SERVICE}/store/keys.py",
        "    if key is None:\n        return new_id\n",
        "    return new_id\n",
        (f"{FAULTS}::test_fifty_concurrent_creations_with_one_key_create_one_job",),
    ),
    Mutant(
        "refusal of a key that another request used",
        f"{SERVICE}/store/keys.py",
        "    if used.fingerprint != fingerprint:\n",
        "    if False:\n",
        (f"{FAULTS}::test_fifty_concurrent_creations_with_one_key_create_one_job",),
    ),
    Mutant(
        "lock of the data set of a new job",
        f"{SERVICE}/jobs/lifecycle.py",
        "            datasets.lock(connection, dataset_id, owner, part)\n",
        "            pass\n",
        ("tests/workers/test_datasets.py",),
    ),
    # ------------------------------------------------------------------------------ cached replies
    Mutant(
        "version of a cached reply",
        f"{SERVICE}/methods/replies.py",
        "self.version.owner == version.owner and self.version >= version",
        "self.version.owner == version.owner",
        (f"{REPLIES}::test_a_change_that_another_process_made_is_in_the_next_reply",),
    ),
    Mutant(
        "reader of a cached reply",
        f"{SERVICE}/methods/replies.py",
        "may_read = context.access.may_read(reply.job_id, version.owner)",
        "may_read = True",
        (f"{REPLIES}::test_only_who_may_read_the_job_gets_the_reply_of_others",),
    ),
    Mutant(
        "key that a service needs for a cached reply",
        f"{SERVICE}/methods/context.py",
        "        if self.settings.needs_keys:\n            raise Unauthenticated(\n",
        "        if False:\n            raise Unauthenticated(\n",
        (f"{REPLIES}::test_a_service_that_needs_keys_sends_nothing_without_one",),
    ),
    Mutant(
        "revision of a job with a new name",
        f"{SERVICE}/store/jobs.py",
        "search_text=search_text, revision=jobs.c.revision + 1",
        "search_text=search_text",
        (f"{REPLIES}::test_a_new_name_is_in_the_next_reply",),
    ),
    Mutant(
        "requests that wait for a reply that another one computes",
        f"{SERVICE}/methods/replies.py",
        "            await computing.wait()\n",
        "            break\n",
        (f"{REPLIES}::test_of_requests_that_come_together_one_computes_the_new_reply",),
    ),
    # -------------------------------------------------------------------------------------- broker
    Mutant(
        "thread that sends messages",
        f"{SERVICE}/jobs/queue.py",
        "        self._sender.put(self._wake_workers, job_id)\n",
        "        self.send_to_workers(job_id)\n",
        (
            "tests/jobs/test_queue.py::test_nobody_waits_for_a_broker_that_hangs_and_messages_arrive_once_it_goes_on",
        ),
    ),
    Mutant(
        "breaker of a broker that does not answer",
        f"{SERVICE}/jobs/queue.py",
        "                    self._dropping_until = monotonic() + BREAK_SECONDS\n",
        "",
        ("tests/jobs/test_queue.py::test_after_a_failure_messages_are_dropped_for_a_while",),
    ),
    Mutant(
        "polling of streams without a broker",
        f"{SERVICE}/streams/follow.py",
        "                async with asyncio.timeout(self.poll_seconds):\n",
        "                async with asyncio.timeout(1000 * self.poll_seconds):\n",
        (f"{FAULTS}::test_jobs_are_accepted_while_the_broker_is_down_and_start_when_it_is_back",),
    ),
    Mutant(
        "turns of owners",
        f"{SERVICE}/store/jobs.py",
        "running, sa.func.coalesce(served_at, 0.0), queue.c.oldest",
        "queue.c.oldest",
        (f"{TURNS}::test_owners_take_turns_and_the_jobs_of_an_owner_keep_their_order",),
    ),
    Mutant(
        "priority among the jobs of an owner",
        f"{SERVICE}/store/jobs.py",
        "order_by(jobs.c.priority.desc(), jobs.c.id)",
        "order_by(jobs.c.id)",
        (f"{TURNS}::test_the_job_with_the_highest_priority_of_its_owner_starts_first",),
    ),
    Mutant(
        "quota of running jobs",
        f"{SERVICE}/jobs/lifecycle.py",
        "    return jobs.count(connection, owner, HELD) >= max_running\n",
        "    return False\n",
        (f"{TURNS}::test_workers_that_claim_at_once_do_not_exceed_the_quota",),
    ),
    Mutant(
        "quota of requests",
        f"{SERVICE}/methods/rates.py",
        "            if wait > 0:\n",
        "            if wait > math.inf:\n",
        ("tests/contract/test_limits.py::test_an_owner_makes_as_many_requests_as_its_quota",),
    ),
    Mutant(
        "turns of owners at explorers",
        f"{SERVICE}/turns.py",
        "            del self._queues[owner]\n",
        "",
        ("tests/methods/test_turns.py::test_owners_take_turns",),
    ),
    Mutant(
        "quota of open streams",
        f"{SERVICE}/streams/follow.py",
        "        self._streams[owner] += 1\n",
        "",
        ("tests/contract/test_limits.py::test_an_owner_opens_as_many_streams_as_its_quota",),
    ),
    # ------------------------------------------------------------------------------------- streams
    Mutant(
        "cursor of a stream",
        f"{SERVICE}/store/log.py",
        "log.c.seq > seq",
        "log.c.seq >= seq",
        (
            "tests/jobs/test_follow.py::test_a_stream_from_any_cursor_has_the_later_events_once_and_in_order",
        ),
    ),
    Mutant(
        "end of a stream whose client takes nothing",
        f"{SERVICE}/rest/streams.py",
        "        self._stalled = True\n        scope.cancel()\n",
        "",
        (
            "tests/rest/test_streams.py::test_a_client_that_reads_nothing_is_let_go_and_others_are_not_held_up",
        ),
    ),
    Mutant(
        "refusal of a chunk that the client does not read",
        f"{SERVICE}/rest/heads.py",
        "            or self.flow.write_paused\n",
        "",
        ("tests/rest/test_streams.py::test_a_client_that_reads_late_gets_the_whole_log_once",),
    ),
    Mutant(
        "end of all streams when the server stops",
        f"{SERVICE}/rest/streams.py",
        "        for scope in self._scopes:\n            scope.cancel()\n",
        "",
        ("tests/rest/test_streams.py::test_a_server_that_stops_ends_its_streams_cleanly",),
    ),
    # -------------------------------------------------------------------------------- owners, keys
    Mutant(
        "owner of a job that is read",
        f"{SERVICE}/store/jobs.py",
        '        query = query.where(jobs.c.owner.in_(sa.bindparam("owners", expanding=True)))\n',
        "        pass\n",
        (f"{KEYS}::test_what_belongs_to_another_owner_is_not_found",),
    ),
    Mutant(
        "owner of the jobs of a list",
        f"{SERVICE}/store/jobs.py",
        "of_owner = jobs.c.owner == owner, *conditions",
        "of_owner = conditions",
        (f"{KEYS}::test_lists_have_the_things_of_one_owner",),
    ),
    Mutant(
        "owner of a data set",
        f"{SERVICE}/store/datasets.py",
        "datasets.c.owner.in_(access.readable) | is_shared",
        "sa.true()",
        (f"{KEYS}::test_what_belongs_to_another_owner_is_not_found",),
    ),
    Mutant(
        "owner of a network",
        f"{SERVICE}/store/networks.py",
        "networks.c.id == network_id, networks.c.owner.in_(access.readable)",
        "networks.c.id == network_id",
        (f"{KEYS}::test_what_belongs_to_another_owner_is_not_found",),
    ),
    Mutant(
        "owner of an upload",
        f"{SERVICE}/store/uploads.py",
        "uploads.c.id == upload_id, uploads.c.owner.in_(access.readable)",
        "uploads.c.id == upload_id",
        (f"{KEYS}::test_what_belongs_to_another_owner_is_not_found",),
    ),
    Mutant(
        "right of the owner alone to change something",
        f"{SERVICE}/store/access.py",
        "        if owner != self.owner:\n",
        "        if False:\n",
        (f"{KEYS}::test_a_teacher_reads_what_belongs_to_a_pupil_and_changes_nothing_of_it",),
    ),
    Mutant(
        "digest of a key",
        f"{SERVICE}/access/keys.py",
        "    if stored is None or not known:\n",
        "    if stored is None:\n",
        (f"{KEYS}::test_a_key_that_is_not_valid_is_refused_also_where_none_is_needed",),
    ),
    Mutant(
        "end of a key that is revoked",
        f"{SERVICE}/store/api_keys.py",
        "sa.and_(keys.c.revoked_at.is_(None), sa.or_",
        "sa.and_(sa.true(), sa.or_",
        (f"{KEYS}::test_a_key_that_is_not_valid_is_refused_also_where_none_is_needed",),
    ),
    Mutant(
        "end of a key that has expired",
        f"{SERVICE}/store/api_keys.py",
        "sa.or_(expires.is_(None), expires > now())",
        "sa.true()",
        (f"{KEYS}::test_a_key_that_is_not_valid_is_refused_also_where_none_is_needed",),
    ),
    Mutant(
        "actions of a key",
        f"{SERVICE}/access/keys.py",
        "        if need.action not in actions:\n",
        "        if False:\n",
        (f"{KEYS}::test_a_key_to_read_changes_nothing",),
    ),
    Mutant(
        "collections of a key for some jobs",
        f"{SERVICE}/access/keys.py",
        "        if access.is_narrow and need.collection not in OF_JOBS:\n",
        "        if False:\n",
        (f"{KEYS}::test_a_key_for_one_job_reaches_nothing_else_by_any_method",),
    ),
    Mutant(
        "jobs of a key for some jobs",
        f"{SERVICE}/store/jobs.py",
        "    if access is None or not access.is_narrow:\n",
        "    if True:\n",
        (f"{KEYS}::test_a_key_for_one_job_reaches_nothing_else_by_any_method",),
    ),
    Mutant(
        "refusal of a key that trains in a URL",
        f"{SERVICE}/access/keys.py",
        "        if self.is_link and not",
        "        if False and not",
        (f"{KEYS}::test_a_key_to_look_may_stand_in_a_url",),
    ),
    Mutant(
        "end of a key with its maker",
        f"{SERVICE}/store/api_keys.py",
        "_maker.c.id == api_keys.c.made_by, _lasts(_maker))",
        "_maker.c.id == api_keys.c.made_by)",
        (f"{KEYS}::test_a_key_ends_when_it_is_revoked_or_its_maker_is",),
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
    # ------------------------------------------------------------------------------------- webhooks
    Mutant(
        "deliveries in the transaction of the end",
        f"{SERVICE}/jobs/lifecycle.py",
        "    insert_deliveries(connection, job_id, state, remainder.webhooks)\n",
        "",
        (f"{WEBHOOKS}::test_every_end_inserts_a_delivery_for_the_webhooks_that_name_it",),
    ),
    Mutant(
        "claim of a delivery",
        f"{SERVICE}/store/deliveries.py",
        "due_at=now() + seconds)",
        "due_at=now())",
        (f"{WEBHOOKS}::test_two_processes_deliver_once_each",),
    ),
    Mutant(
        "claim of what is due alone",
        f"{SERVICE}/store/deliveries.py",
        "deliveries.c.id.in_(ids), deliveries.c.due_at <= now())",
        "deliveries.c.id.in_(ids))",
        (f"{WEBHOOKS}::test_what_a_killed_process_had_claimed_is_due_again",),
    ),
    Mutant(
        "fence of an attempt's result",
        f"{SERVICE}/store/deliveries.py",
        "(deliveries.c.id == row.id, deliveries.c.attempt == row.attempt)",
        "(deliveries.c.id == row.id,)",
        (f"{WEBHOOKS}::test_what_a_killed_process_had_claimed_is_due_again",),
    ),
    Mutant(
        "end of the deliveries of a deleted job",
        f"{SERVICE}/store/deliveries.py",
        "deliveries.c.due_at <= now(), jobs.c.state == deliveries.c.event)",
        "deliveries.c.due_at <= now())",
        (f"{WEBHOOKS}::test_a_deleted_job_has_no_more_deliveries",),
    ),
    Mutant(
        "turns of owners in deliveries",
        f"{SERVICE}/store/deliveries.py",
        ".order_by(turn, deliveries.c.due_at)",
        ".order_by(deliveries.c.due_at)",
        (f"{WEBHOOKS}::test_the_deliveries_of_owners_take_turns",),
    ),
    Mutant(
        "check of a receiver's addresses",
        f"{SERVICE}/jobs/receivers.py",
        "        if not self._is_listed(parts):\n            self._check_public(addresses)\n",
        "",
        (
            f"{RECEIVERS}::test_another_spelling_of_a_private_address_is_not_connected_to",
            f"{RECEIVERS}::test_one_private_address_among_public_ones_is_enough_to_refuse",
        ),
    ),
    Mutant(
        "connection to the address that was checked",
        f"{SERVICE}/jobs/receivers.py",
        "                    address,\n                    _port(parts),\n",
        "                    parts.hostname,\n                    _port(parts),\n",
        (f"{RECEIVERS}::test_a_name_is_resolved_once_and_its_checked_address_is_connected_to",),
    ),
    Mutant(
        "secret that no reply has",
        f"{SERVICE}/specs/training.py",
        "        exclude=True,\n",
        "",
        ("tests/rest/test_webhooks.py::test_a_reply_has_the_webhooks_without_their_secrets",),
    ),
    Mutant(
        "names and labels that two requests change",
        f"{SERVICE}/store/jobs.py",
        "(job_specs.c.job_id == row.id, job_specs.c.spec == row.spec)",
        "(job_specs.c.job_id == row.id,)",
        (
            "tests/workers/test_updates.py::test_labels_that_several_clients_set_at_once_are_all_there",
        ),
    ),
    # ---------------------------------------------------------------------------------- large input
    Mutant(
        "limit of a body of unknown length",
        f"{SERVICE}/rest/body.py",
        "        if received > limit:\n",
        "        if False:\n",
        (
            "tests/rest/test_body.py::test_a_body_of_unknown_length_is_read_no_further_than_the_limit",
        ),
    ),
    Mutant(
        "limit of a head",
        f"{SERVICE}/rest/heads.py",
        "        if self._unfinished > MAX_HEAD_BYTES:\n",
        "        if False:\n",
        ("tests/rest/test_heads.py::test_a_head_without_an_end_is_read_no_further_than_the_limit",),
    ),
    Mutant(
        "limit of what a member of an archive decompresses to",
        f"{SERVICE}/datasets/archive.py",
        "content = stream.read(limit + 1)",
        "content = stream.read()",
        ("tests/datasets/test_arrays.py::test_no_more_of_an_array_than_the_limit_is_decompressed",),
    ),
    Mutant(
        "second process for large requests",
        f"{SERVICE}/large.py",
        "    if size > most and _limited.get():\n",
        "    if False:\n",
        ("tests/contract/test_pauses.py::test_a_large_reply_does_not_hold_up_the_loop",),
    ),
    Mutant(
        "memory of a large request given back",
        f"{SERVICE}/processes/second_process.py",
        "        give_memory_back()\n",
        "        pass\n",
        ("tests/methods/test_second_process.py::test_it_gives_back_the_memory_that_a_call_used",),
    ),
    # -------------------------------------------------------------------- quotas, prices, retention
    Mutant(
        "quota of an owner",
        f"{SERVICE}/jobs/quotas.py",
        "    if used + amount > limit:\n",
        "    if False:\n",
        ("tests/jobs/test_quotas.py",),
    ),
    Mutant(
        "lock of an owner whose quota is counted",
        f"{SERVICE}/jobs/quotas.py",
        "    lock_owner(connection, owner)\n",
        "",
        ("tests/jobs/test_quotas.py::test_requests_at_the_same_time_do_not_exceed_a_quota",),
    ),
    Mutant(
        "limit of what a job stores",
        f"{SERVICE}/admission/price.py",
        "    if storage.total > limits.max_stored_bytes:\n",
        "    if False:\n",
        ("tests/workers/test_prices.py::test_a_job_that_would_fill_the_disk_is_refused",),
    ),
    Mutant(
        "many transactions of a deletion",
        f"{SERVICE}/jobs/deletion.py",
        "perf_counter() - locked < HELD_SECONDS",
        "perf_counter() - locked < 1e9",
        (
            "tests/workers/test_deletion.py"
            "::test_a_large_job_is_deleted_in_several_transactions_from_its_end",
        ),
    ),
    Mutant(
        "leases by a clock that cannot be set back",
        f"{SERVICE}/jobs/leases.py",
        "            if now - since > self._seconds\n",
        "            if False\n",
        (
            "tests/jobs/test_reaper.py"
            "::test_a_clock_that_was_set_back_does_not_keep_the_job_of_a_dead_worker",
        ),
    ),
    Mutant(
        "limit of the memory of a job",
        f"{SERVICE}/admission/price.py",
        "memory > limits.max_memory_bytes:",
        "False:",
        (
            "tests/workers/test_memory.py::test_a_job_at_the_limit_is_accepted_and_beyond_it_refused",
        ),
    ),
    Mutant(
        "limit of the memory of a process that trains",
        f"{WORKERS}/memory.py",
        "        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))\n",
        "",
        (
            "tests/workers/test_memory.py"
            "::test_a_job_beyond_its_price_fails_at_once_and_the_next_ones_succeed",
        ),
    ),
    Mutant(
        "job in the signature of a stream token",
        f"{SERVICE}/access/stream_tokens.py",
        r'text = f"stream token\n{subject}\n{expires}"',
        r'text = f"stream token\n{expires}"',
        ("tests/contract/test_stream_tokens.py::test_a_token_opens_no_other_job",),
    ),
    Mutant(
        "check of the keys of open streams",
        f"{SERVICE}/streams/follow.py",
        "                await self._end_refused()\n",
        "                pass\n",
        (
            "tests/rpc/test_streams.py"
            "::test_a_stream_ends_when_its_key_does_not_open_it_any_more[WatchJob-revoke-StatusCode.UNAUTHENTICATED]",
        ),
    ),
    Mutant(
        "end of a stream token",
        f"{SERVICE}/access/stream_tokens.py",
        " or expires <= time:",
        ":",
        ("tests/contract/test_stream_tokens.py::test_a_token_expires",),
    ),
    # ----------------------------------------------------------------------- the compiled engine
    Mutant(
        "one part for members that share dropout masks",
        f"{ENGINE}/training/lockstep.py",
        "    is_one = network.has_noise and len(streams) == 1\n",
        "    is_one = False\n",
        (f"{SWEEPS}::test_members_that_share_dropout_masks_take_their_steps_together",),
    ),
    Mutant(
        "own samples of each part of the members",
        f"{ENGINE}/training/lockstep.py",
        "        return copies if len(copies) == 1 else copies[self.rows]\n",
        "        (members,) = self.members\n"
        "        return copies if len(copies) == 1 else copies[:members]\n",
        (f"{SWEEPS}::test_no_bit_depends_on_how_many_members_fit_the_cache",),
    ),
    Mutant(
        "steps before an interruption in the count of those between clearings",
        "engine/epochal_engine/optimize/optimizers/vectors.py",
        "np.array(steps, np.int64), vector",
        "np.array(0, np.int64), vector",
        ("tests/engine/test_walk.py::test_moments_without_gradients_decay_to_0",),
    ),
    Mutant(
        "check of memory that overlaps",
        f"{ENGINE}/walk/rows.py",
        "    if not _are_apart(inputs, out):\n",
        "    if False:\n",
        (f"{WALK}::test_calls_that_work_in_overlapping_memory_are_left_to_python",),
    ),
    Mutant(
        "comparison of NumPy's largest with that of the walk",
        f"{ENGINE}/walk/rows.py",
        "    if is_short and largest_of_few_is_known(x.dtype.char, count):\n",
        "    if is_short:\n",
        (f"{WALK}::test_an_unknown_largest_of_few_is_found_by_numpy",),
    ),
    Mutant(
        "farthest x of the normal distribution",
        f"{ENGINE}/walk/fused.c",
        "squared > number[0] ? number[0] : squared;",
        "squared;",
        (f"{WALK}::test_the_normal_distribution_is_one_row_with_equal_bits",),
    ),
    Mutant(
        "arrays of a chain that overlap",
        f"{ENGINE}/walk/chains.py",
        "        written == used or written[1] < used[0] or used[1] < written[0]\n",
        "        True\n",
        (f"{WALK}::test_calls_on_long_arrays_that_overlap_are_no_chain",),
    ),
    Mutant(
        "one counter of Adam's steps",
        f"{ENGINE}/walk/walk.c",
        "(double)++*(int64_t *)o->operand[0];",
        "(double)*(int64_t *)o->operand[0];  ",
        (f"{WALK}::test_a_step_of_adam_is_one_row_with_equal_bits",),
    ),
    Mutant(
        "end of a round with an epoch that diverged",
        f"{ENGINE}/walk/record.c",
        "if (has_diverged(r, i))",
        "if (has_diverged(r, i) && 0)",
        (f"{WALK}::test_both_engines_explain_a_divergence_before_the_end_of_a_round_alike",),
    ),
    Mutant(
        "numbers in the key of an explorer's reply",
        f"{SERVICE}/rest/routes.py",
        "body.model_dump_json().encode())\n",
        'b"")\n',
        ("tests/rest/test_replies.py::test_an_explorer_computes_a_reply_once",),
    ),
    Mutant(
        "reply of an explorer that is kept",
        "service/epochal_course/api.py",
        '                basis="release",\n                is_pure=True,\n',
        "                is_pure=True,\n",
        ("tests/rpc/test_server.py::test_an_explorer_computes_a_reply_once",),
    ),
    Mutant(
        "tolerance of a fit",
        "service/epochal_course/explorers/curve_fits.py",
        "has_stopped |= now.errors <= limit\n",
        "has_stopped |= now.errors < 0.0\n",
        (
            "tests/course/explorers/test_approximation.py"
            "::test_a_fit_stops_when_its_error_is_at_most_the_tolerance",
        ),
    ),
    Mutant(
        "end of a fit that makes no progress",
        "service/epochal_course/explorers/curve_fits.py",
        "has_stopped = np.maximum(predicted, np.abs(decrease)) <= MIN_DECREASE * limit\n",
        "has_stopped = predicted < 0.0\n",
        (
            "tests/course/explorers/test_approximation.py"
            "::test_a_fit_stops_when_its_steps_hardly_change_the_error",
        ),
    ),
    Mutant(
        "least-squares fit of output weights",
        "service/epochal_course/explorers/curve_fits.py",
        "change = _solve(*_equations(for_v_and_c, residuals), damping)\n",
        "change = 0.0 * _solve(*_equations(for_v_and_c, residuals), damping)\n",
        (
            "tests/course/explorers/test_approximation.py"
            "::test_the_gradient_is_that_of_differences_with_fitted_output_weights",
        ),
    ),
    Mutant(
        "exchange of two records",
        f"{ENGINE}/training/record_buffer.py",
        "if slot == 1 and len(self.slots) == 2:\n",
        "if slot == 1:\n",
        ("tests/engine/test_record_buffer.py::test_the_record_of_a_slot_becomes_that_of_slot_0",),
    ),
    Mutant(
        "words of a list of webhook hosts",
        f"{SERVICE}/jobs/receivers.py",
        'self._listed = entries - {ANY_PUBLIC, NO_HOST, ""}',
        "self._listed = entries",
        ("tests/jobs/test_receivers.py::test_no_string_leads_to_the_host_of_the_service",),
    ),
    Mutant(
        "silent connections that give way",
        f"{SERVICE}/rest/heads.py",
        "        if len(self._waiting) > self.most_waiting:\n",
        "        if len(self._waiting) > 10**9:\n",
        ("tests/rest/test_heads.py::test_who_sends_nothing_gives_way_to_who_sends_a_request",),
    ),
    Mutant(
        "reply to what a stop cuts off",
        f"{SERVICE}/rest/metrics.py",
        "            if answered:\n                raise\n            self._metrics",
        "            raise\n            self._metrics",
        ("tests/rest/test_heads.py::test_a_request_that_outlasts_a_stop_is_asked_to_come_again",),
    ),
    Mutant(
        "turns of owners at large requests",
        f"{SERVICE}/processes/second_process.py",
        "            async with self._turns.turn(owner):\n",
        '            async with self._turns.turn(""):\n',
        ("tests/methods/test_second_process.py::test_owners_take_turns",),
    ),
    Mutant(
        "end of large requests that nobody waits for",
        f"{SERVICE}/processes/second_process.py",
        "                calling.cancel()\n",
        "                pass\n",
        ("tests/methods/test_second_process.py::test_nothing_is_called_for_who_has_gone",),
    ),
    Mutant(
        "processor time of a large request",
        f"{SERVICE}/processes/second_process.py",
        "    signal.setitimer(signal.ITIMER_PROF, seconds)",
        "    signal.setitimer(signal.ITIMER_PROF, 0)",
        ("tests/methods/test_second_process.py::test_a_call_may_not_take_for_ever",),
    ),
    Mutant(
        "backup on the disk",
        f"{SERVICE}/store/sqlite_files.py",
        "        _sync(partial)\n",
        "",
        (f"{COPY}_is_on_the_disk_before_it_has_its_name_and_its_name_too",),
    ),
    Mutant(
        "name of a backup on the disk",
        f"{SERVICE}/store/sqlite_files.py",
        "        _sync(target.parent)\n",
        "",
        (f"{COPY}_is_on_the_disk_before_it_has_its_name_and_its_name_too",),
    ),
    Mutant(
        "action of the list of workers",
        f"{SERVICE}/methods/table.py",
        '"admin",',
        '"read",',
        ("tests/contract/test_keys.py::test_each_method_needs_the_action_that_its_rows_tell",),
    ),
    Mutant(
        "owner of what a worker trains",
        f"{SERVICE}/methods/workers.py",
        "for job in row.jobs if job.owner in access.readable]",
        "for job in row.jobs]",
        ("tests/workers/test_presence.py::test_a_worker_is_busy_while_it_holds_a_job",),
    ),
    # ---------------------------------------------------------------------------- verification
    Mutant(
        "states from which a training program continues",
        PROGRAM,
        "    if at not in moments_after:\n        return\n",
        "    return\n",
        (f"{PROGRAMS}::test_a_chaotic_training_is_verified_from_state_to_state",),
    ),
    Mutant(
        "moments of these states",
        PROGRAM,
        "            if name in moments:\n",
        "            if name == moments:\n",
        (f"{PROGRAMS}::test_a_chaotic_training_is_verified_from_state_to_state",),
    ),
    Mutant(
        "refusal of a moment that is not explained",
        f"{ENGINE}/export/training/_comparison.py",
        "            is_comparable |= deviation > tolerance\n",
        "            is_comparable = False\n",
        (f"{PROGRAMS}::test_a_moment_that_is_changed_is_refused",),
    ),
    Mutant(
        "what the service contradicts by itself",
        f"{ENGINE}/export/training/_comparison.py",
        "(row, value, epoch, 1.0, 0.0, True, int(row not in rows))",
        "(row, value, epoch, 0.0, 0.0, True, int(row not in rows))",
        (RECORDINGS,),
    ),
    Mutant(
        "comparison of stored weights with those of a repetition",
        f"{SERVICE}/answers/recordings.py",
        "        if epoch in weights:\n",
        "        if epoch == weights:\n",
        (RECORDINGS,),
    ),
    Mutant(
        "kernel of a repetition",
        f"{SERVICE}/answers/recordings.py",
        "is_here = kernels == {kernel()}",
        "is_here = len(kernels) > 0",
        ("tests/workers/test_recordings.py::test_other_bits_elsewhere_contradict_nothing",),
    ),
    Mutant(
        "loss of the network that is kept",
        f"{SERVICE}/preparation/baselines.py",
        "best.value if best.is_restored else getattr(latest, best.metric)",
        "best.value",
        (
            "tests/workers/test_baselines.py::test_the_network_that_is_kept_is_compared_and_not_the_best_one",
        ),
    ),
)
