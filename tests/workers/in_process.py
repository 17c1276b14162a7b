"""Train jobs in the process of the test, so that the test can interfere at any point."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import material
from tests.servers.tables import create_tables
from tests.workers.record import Record, record

from epochal_service.jobs import lifecycle, reaper
from epochal_service.jobs.queue import Queue
from epochal_service.methods import jobs, sweeps
from epochal_service.methods.context import Context
from epochal_service.settings import Settings
from epochal_service.specs.jobs import CreateJobOptions, JobState
from epochal_service.specs.sweeps import CreateSweepOptions, SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Connection, Database
from epochal_service.store import jobs as stored_jobs
from epochal_service.store.jobs import JobRow
from epochal_service.streams.follow import Hub
from epochal_workers.run import WorkerContext, run

# So short that every epoch is stored in a separate transaction.
AT_ONCE = 1e-9
NEVER = 3600.0

XOR = {**material.XOR, "epochs": 300}
# Everything that has a memory: shuffled batches, dropout, Adam's moments, a schedule, a stopping
# rule that watches validation samples.
DIGITS: dict[str, Any] = {
    "network": {
        "input_shape": [64],
        "layers": [
            {"type": "dense", "units": 16, "activation": "relu"},
            {"type": "dropout", "rate": 0.2},
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "digits", "scaling": "standard"},
    "loss": "cross_entropy",
    "epochs": 30,
    "batch_size": 128,
    "validation_fraction": 0.2,
    "schedule": {"type": "cosine", "warmup_epochs": 3},
    "early_stopping": {"patience": 25},
    "snapshots": {"gradients_every": 3, "weights_every": 7},
    "seed": 7,
}
# 90,000 weights and 20,000 samples: an epoch takes so long that a worker comes up for breath in it.
LONG_EPOCHS: dict[str, Any] = {
    **XOR,
    "network": {
        "input_shape": [2],
        "layers": [
            {"type": "dense", "units": 300, "activation": "tanh"},
            {"type": "dense", "units": 300, "activation": "tanh"},
            {"type": "dense", "units": 1, "activation": "sigmoid"},
        ],
    },
    "dataset": {"name": "two_moons", "samples": 20_000},
    "batch_size": 100,
    "epochs": 2,
}


def never() -> bool:
    """Return False: the worker never stops."""
    return False


def at_call(number: int, action: Callable[[], object]) -> Callable[[], bool]:
    """Asked for the `number`th time whether it has to go, does this first, and answers with it.

    A worker asks once before it takes a job up, and then after every epoch, and at every pulse
    within a long one: the call 5 is the one after the fifth epoch of this attempt.
    """
    calls = iter(range(number + 1))
    return lambda: bool(action()) if next(calls, None) == number else False


class Service:
    """A database, the methods of the API, and one worker that runs on request."""

    def __init__(self, url: str, broker_url: str, folder: Path) -> None:
        self.settings = Settings(
            _env_file=None,
            data_dir=folder,
            database_url=url,
            broker_url=broker_url,
            flush_seconds=0.01,
            checkpoint_seconds=0.05,
            webhook_hosts="127.0.0.1",
        )
        self.database = Database(url)
        self.queue = Queue(broker_url)
        hub = Hub(self.database, self.queue, heartbeat_seconds=15)
        self.context = Context(self.settings, self.database, self.queue, hub)

    def close(self) -> None:
        self.queue.close()
        self.database.close()

    def create(self, spec: dict[str, Any], **changes: Any) -> str:
        """Queue a job, or a sweep where the spec has variants; its id."""
        if "variants" in spec:
            sweep = SweepSpec.model_validate({**spec, **changes})
            return sweeps.create_sweep(self.context, sweep, CreateSweepOptions()).id
        requested = TrainingSpec.model_validate({**spec, **changes})
        return jobs.create_job(self.context, requested, CreateJobOptions()).id

    def run(
        self,
        job_id: str,
        leaving: Callable[[], bool] = never,
        database: Database | None = None,
        **settings: Any,
    ) -> JobState | None:
        """One attempt at the job, under other settings where they are given."""
        overridden = self.settings.model_copy(update=settings)
        context = WorkerContext(overridden, database or self.database, self.queue, leaving)
        try:
            return run(context, job_id)
        finally:
            # A process has one such thread, not one for each job.
            context.heartbeat.close()

    def undisturbed(self, spec: dict[str, Any], **changes: Any) -> Record:
        """Return the record of the same job without interruptions."""
        job_id = self.create(spec, **changes)
        assert self.run(job_id) in ("succeeded", "failed")
        return record(self.database, job_id)

    def row(self, job_id: str) -> JobRow:
        return lifecycle.get(self.database, job_id, self.context.access)

    def cancel(self, job_id: str) -> None:
        lifecycle.cancel(self.database, job_id, self.context.access)

    def pause(self, job_id: str) -> None:
        lifecycle.pause(self.database, job_id, self.context.access)

    def resume(self, job_id: str, epochs: int | None = None) -> None:
        lifecycle.resume(self.database, job_id, self.context.access, epochs)

    def lose_worker(self, job_id: str) -> None:
        """The job's lease runs out, and the reaper finds it."""
        let_lease_run_out(self.database, job_id)
        reaper.reap(self.database, self.queue, max_attempts=self.settings.max_attempts)


def let_lease_run_out(database: Database, job_id: str) -> None:
    """Expire the lease, as if the worker had stalled."""
    with database.write() as connection:
        row = stored_jobs.find(connection, job_id)
        assert row is not None
        assert stored_jobs.advance(
            connection, job_id, states=(row.state,), events=0, values={"lease_expires_at": 0.0}
        )


@contextmanager
def service_at(url: str, broker_url: str, folder: Path) -> Iterator[Service]:
    """A service on an empty database, for as long as the block lasts."""
    create_tables(url)
    service = Service(url, broker_url, folder)
    try:
        yield service
    finally:
        service.close()


class Killed(BaseException):
    """An exception that no handler of the worker catches, like SIGKILL."""


class MortalDatabase(Database):
    """Does `die()` around the commit of its `number`th transaction that writes, counted from 1."""

    def __init__(
        self, url: str, number: int, *, before_commit: bool, die: Callable[[], object]
    ) -> None:
        super().__init__(url)
        self._number = number
        self._before_commit = before_commit
        self._die = die

    @contextmanager
    def write(self) -> Iterator[Connection]:
        self._number -= 1
        with super().write() as connection:
            yield connection
            if self._number == 0 and self._before_commit:
                self._die()
        if self._number == 0:
            self._die()
