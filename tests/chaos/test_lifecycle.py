"""All events of a job, in any order and concurrently, follow the table of transitions."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from tests.servers.postgres import PostgresServer
from tests.workers.in_process import AT_ONCE, XOR, Service, at_call, let_lease_run_out, service_at
from tests.workers.record import check_log, read, states

from epochal_engine import Block
from epochal_service.curves.epochs import entry_of, latest_row
from epochal_service.errors import Conflict
from epochal_service.jobs import lifecycle, reaper
from epochal_service.jobs.lifecycle import HELD, TRANSITIONS, Claim, Ending, Progress
from epochal_service.jobs.queue import Queue
from epochal_service.settings import Quotas
from epochal_service.specs.jobs import TERMINAL
from epochal_service.store import Access, Database, database, jobs, migrate

pytestmark = pytest.mark.long

OWNER = "local"
MAX_ATTEMPTS = 3


def submit(store: Database) -> str:
    """The id of a new job; nobody here looks into its spec."""
    row, _ = lifecycle.submit(
        store,
        owner=OWNER,
        quotas=Quotas(),
        values={
            "spec": "{}",
            "dataset_id": None,
            "validation_dataset_id": None,
            "parameters": 1,
            "samples": 1,
            "flops": 1.0,
        },
        labels={},
        request_id=None,
        fingerprint="",
    )
    return row.id


def progress(first_epoch: int, count: int) -> Progress:
    """A worker's report of `count` epochs, with a checkpoint of the last."""
    if count == 0:
        return Progress()
    columns = {name: np.ones(count) for name in ("train_loss", "learning_rate", "gradient_norm")}
    block = Block(first_epoch, columns, None)
    entry = entry_of(block, np.ones(count))
    assert entry is not None
    last = block.last_epoch
    return Progress(
        entries=(entry,),
        epoch=last,
        latest=latest_row(first_epoch, {**columns, "seconds": np.ones(count)}),
        weights=[(last, b"weights")],
        checkpoints=[last],
        resume_point=(last, b"state"),
    )


def claim(store: Database, job_id: str) -> Claim | None:
    return lifecycle.claim(store, job_id, lease_seconds=60, worker="here:1", kernel="any")


# ----------------------------------------------------------------------- one after the other, any


@contextmanager
def migrated() -> Iterator[Path]:
    """A SQLite file with empty tables, to be copied."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        migrate.upgrade(f"sqlite:///{path}")
        yield path


class OneJob(RuleBasedStateMachine):
    """A job, users with wishes, workers that claim it, and a reaper.

    A worker keeps its claim when it has lost the job: it knows nothing of that, and goes on.
    """

    empty: Path
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = shutil.copy(self.empty, self.folder.name)
        self.store = Database(f"sqlite:///{path}")
        self.job_id = submit(self.store)
        self.state = "queued"

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def row(self) -> jobs.JobRow:
        return lifecycle.get(self.store, self.job_id, Access(OWNER))

    def ask(self, wish: Callable[[Database, str, Access], jobs.JobRow], granted: set[str]) -> None:
        before = read(self.store, self.job_id)
        try:
            assert wish(self.store, self.job_id, Access(OWNER)).state in granted
        except Conflict:
            assert read(self.store, self.job_id) == before

    @rule()
    def cancel(self) -> None:
        self.ask(lifecycle.cancel, {"cancelling", "cancelled"})

    @rule()
    def pause(self) -> None:
        self.ask(lifecycle.pause, {"pausing", "paused"})

    @rule()
    def resume(self) -> None:
        self.ask(lifecycle.resume, {"queued", "running"})

    @rule(target=claims)
    def claim_again(self) -> Any:
        return self.claim()

    def claim(self) -> Any:
        before = self.row()
        taken = claim(self.store, self.job_id)
        assert (taken is not None) == (before.state == "queued")
        return multiple() if taken is None else taken

    @initialize(target=claims)
    def claim_the_first(self) -> Any:
        return self.claim()

    @precondition(lambda self: self.row().state in TERMINAL)
    @rule(target=claims)
    def submit_and_claim_another(self) -> Any:
        """Most events do nothing to a job that has ended."""
        self.job_id, self.state = submit(self.store), "queued"
        return self.claim()

    def row_of(self, claim: Claim) -> jobs.JobRow:
        return lifecycle.get(self.store, claim.id, Access(OWNER))

    def holds(self, claim: Claim) -> bool:
        row = self.row_of(claim)
        return row.state in HELD and row.fence == claim.job.fence

    def write(self, claim: Claim, write: Callable[[Progress], object], count: int) -> object:
        """The report of a worker that believes to hold the job is stored if it does hold it."""
        held, before = self.holds(claim), read(self.store, claim.id)
        assert lifecycle.renew(self.store, claim, 60) == held
        if not held:
            assert read(self.store, claim.id) == before
        answer = write(progress(before[0].epoch + 1, count))
        after = read(self.store, claim.id)
        if held:
            assert after[0].epoch == before[0].epoch + count
        else:
            assert not answer
            assert after == before
        return answer

    @rule(claim=claims, count=st.integers(0, 3))
    def flush(self, claim: Claim, count: int) -> None:
        def write(progress: Progress) -> object:
            return lifecycle.flush(self.store, claim, progress)

        assert self.write(claim, write, count) in (None, self.row_of(claim).state)

    @rule(claim=claims, count=st.integers(0, 3), state=st.sampled_from(["succeeded", "failed"]))
    def end(self, claim: Claim, count: int, state: str) -> None:
        endings = {
            "succeeded": Ending("succeeded", "completed"),
            "failed": Ending("failed", "diverged", divergence={"epoch": 1}),
        }
        self.write(claim, lambda p: lifecycle.end(self.store, claim, p, endings[state]), count)

    @rule(claim=consumes(claims), count=st.integers(0, 3))
    def release(self, claim: Claim, count: int) -> None:
        requested, held = self.row_of(claim).state, self.holds(claim)
        granted = {"running": "queued", "pausing": "paused", "cancelling": "cancelled"}
        left = self.write(claim, lambda p: lifecycle.release(self.store, claim, p), count)
        assert left == (granted[requested] if held else None)

    @rule()
    def lose_the_worker(self) -> None:
        before = self.row()
        if before.state in HELD:
            let_lease_run_out(self.store, self.job_id)
        reaper.reap(self.store, Queue(None), max_attempts=MAX_ATTEMPTS)
        after = self.row()
        if before.state not in HELD:
            assert after == before
        elif before.state == "running" and before.fruitless_attempts >= MAX_ATTEMPTS:
            assert (after.state, after.stop_reason) == ("failed", "attempts_exhausted")
        else:
            becomes = {"running": "queued", "pausing": "paused", "cancelling": "cancelled"}
            assert after.state == becomes[before.state]

    @rule(target=claims)
    def lose_the_job_to_another_worker(self) -> Any:
        self.lose_the_worker()
        return self.claim()

    @rule()
    def look_for_lost_workers_too_early(self) -> None:
        before = read(self.store, self.job_id)
        reaper.reap(self.store, Queue(None), max_attempts=MAX_ATTEMPTS)
        # The lease may be renewed after the reaper has read it.
        assert lifecycle.reclaim(self.store, self.job_id, max_attempts=MAX_ATTEMPTS) is None
        assert read(self.store, self.job_id) == before

    @invariant()
    def only_allowed_moves_were_made(self) -> None:
        before, self.state = self.state, self.row().state
        assert self.state == before or self.state in TRANSITIONS[before]  # type: ignore[index]
        check_log(self.store, self.job_id)


def test_every_sequence_of_events_follows_the_table_of_transitions() -> None:
    OneJob.TestCase.settings = settings(max_examples=30, stateful_step_count=40)
    with migrated() as OneJob.empty:
        OneJob.TestCase("runTest").debug()


# --------------------------------------------------------------------------------- all at once


@pytest.fixture(scope="module")
def race(
    postgres_server: PostgresServer, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Jobs on PostgreSQL, where transactions run side by side."""
    folder = tmp_path_factory.mktemp("race")
    with (
        postgres_server.database() as url,
        service_at(url, valkey_server, folder) as service,
    ):
        yield service


def at_once(*actions: Callable[[], object]) -> None:
    """All actions in separate threads, let go together; an exception of one is raised."""
    start = threading.Barrier(len(actions))
    errors: list[BaseException] = []

    def act(action: Callable[[], object]) -> None:
        start.wait()
        try:
            action()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=act, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("seed", range(3))
def test_users_workers_and_the_reaper_may_race(race: Service, seed: int) -> None:
    rng = np.random.default_rng(seed)
    moves = 0
    while moves < 60:  # how many a round makes is up to who comes first
        moves += race_for_four_jobs(race, rng)


def race_for_four_jobs(race: Service, rng: np.random.Generator) -> int:
    """The number of moves that the four made; fails if one is not in the table."""
    store = race.database
    job_ids = [submit(store) for _ in range(4)]

    def steer(rng: np.random.Generator) -> None:
        for _ in range(40):
            wishes = (lifecycle.pause, lifecycle.resume, lifecycle.resume)
            wish = lifecycle.cancel if rng.random() < 0.02 else wishes[rng.integers(3)]
            try:
                wish(store, str(rng.choice(job_ids)), Access(OWNER))
            except Conflict:
                continue

    def work(rng: np.random.Generator) -> None:
        for _ in range(25):
            held = claim(store, str(rng.choice(job_ids)))
            if held is None:
                continue
            epoch = held.job.epoch
            for _ in range(int(rng.integers(1, 4))):
                wish = lifecycle.flush(store, held, progress(epoch + 1, 2))
                if wish is None:
                    break
                epoch += 2
            else:
                last = progress(epoch + 1, 1)
                if rng.random() < 0.05:
                    lifecycle.end(store, held, last, Ending("succeeded", "completed"))
                else:
                    lifecycle.release(store, held, last)

    def lose(rng: np.random.Generator) -> None:
        for _ in range(25):
            job_id = str(rng.choice(job_ids))
            with store.write() as connection:
                jobs.advance(
                    connection, job_id, states=HELD, events=0, values={"lease_expires_at": 0.0}
                )
            reaper.reap(store, race.queue, max_attempts=1000)

    parts = [steer, steer, work, work, work, lose]
    generators = rng.spawn(len(parts))
    at_once(*(lambda p=p, g=g: p(g) for p, g in zip(parts, generators, strict=True)))
    for job_id in job_ids:
        check_log(store, job_id)
    return sum(len(states(store, job_id)) - 1 for job_id in job_ids)


@pytest.mark.parametrize("wish", [lifecycle.cancel, lifecycle.pause])
def test_a_concurrent_end_and_request_have_one_winner(
    race: Service, wish: Callable[[Database, str, Access], jobs.JobRow]
) -> None:
    store = race.database
    for _ in range(10):
        job_id = submit(store)
        held = claim(store, job_id)
        assert held is not None
        refused: list[Conflict] = []

        def ask(job_id: str = job_id, refused: list[Conflict] = refused) -> None:
            try:
                wish(store, job_id, Access(OWNER))
            except Conflict as error:
                refused.append(error)

        def end(held: Claim = held) -> None:
            lifecycle.end(store, held, progress(1, 1), Ending("succeeded", "completed"))

        at_once(ask, end)
        check_log(store, job_id)
        result = states(store, job_id)
        assert result[-1] == "succeeded"
        assert len(result) == (3 if refused else 4)


def test_one_of_many_workers_claims_the_job(race: Service) -> None:
    for _ in range(5):
        job_id = submit(race.database)
        taken: list[Claim] = []

        def take(job_id: str = job_id, taken: list[Claim] = taken) -> None:
            held = claim(race.database, job_id)
            if held is not None:
                taken.append(held)

        at_once(*[take] * 8)
        assert len(taken) == 1
        assert states(race.database, job_id) == ["queued", "running"]


def test_a_request_that_waits_for_a_flush_is_granted(race: Service) -> None:
    job_id = race.create(XOR, epochs=100_000)
    requested = threading.Event()

    def ask() -> None:
        assert requested.wait(60)
        race.cancel(job_id)

    def train() -> None:
        race.run(job_id, at_call(3, lambda: requested.set()), flush_seconds=AT_ONCE)

    at_once(ask, train)
    assert race.row(job_id).state == "cancelled"
    check_log(race.database, job_id)


class StandingStill(Database):
    """Stands still before the commit of its third transaction, the flush of epoch 2, and may do so
    for `milliseconds`; 0 is for as long as it likes.
    """

    def __init__(self, url: str, milliseconds: int) -> None:
        super().__init__(url)
        self._milliseconds = milliseconds
        self.stands, self.wakes = threading.Event(), threading.Event()
        self._writes = 0

    @contextmanager
    def write(self) -> Iterator[database.Connection]:
        with super().write() as connection:
            yield connection
            self._writes += 1
            if self._writes == 3:
                # A limit set for all would be luck: a busy machine stands still as well.
                longest = "idle_in_transaction_session_timeout"
                usual = connection.exec_driver_sql(f"SHOW {longest}").scalar_one()
                assert usual == f"{database.IDLE_TRANSACTION_SECONDS:g}s"
                connection.exec_driver_sql(f"SET LOCAL {longest} = {self._milliseconds}")
                self.stands.set()
                assert self.wakes.wait(60)


@contextmanager
def standing_still(race: Service, milliseconds: int) -> Iterator[StandingStill]:
    still = StandingStill(race.settings.database_url, milliseconds)
    try:
        yield still
    finally:
        still.close()


def test_a_job_within_a_flush_is_not_reclaimed(race: Service) -> None:
    job_id = race.create(XOR, epochs=10)
    with standing_still(race, 0) as still:

        def train() -> None:
            # Its lease is so short that it is over before the commit that renews it.
            assert (
                race.run(job_id, database=still, flush_seconds=AT_ONCE, lease_seconds=1e-6)
                == "succeeded"
            )

        def look() -> None:
            assert still.stands.wait(60)
            reaper.reap(race.database, race.queue, max_attempts=1)
            assert states(race.database, job_id) == ["queued", "running"]
            still.wakes.set()

        at_once(train, look)
    check_log(race.database, job_id)


def test_a_worker_that_stalls_in_a_transaction_loses_its_job(
    race: Service,
) -> None:
    job_id = race.create(XOR, epochs=10)
    with standing_still(race, 100) as still:

        def train() -> None:
            assert race.run(job_id, database=still, flush_seconds=AT_ONCE) is None

        def take_over() -> None:
            assert still.stands.wait(60)
            race.lose_worker(job_id)  # waits for the row, and gets it
            assert race.run(job_id) == "succeeded"
            still.wakes.set()

        at_once(train, take_over)
    check_log(race.database, job_id)
    assert race.row(job_id).attempt == 2
