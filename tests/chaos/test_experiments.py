"""Preset experiments that are disturbed in the middle end with the numbers of undisturbed ones."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest
from tests.chaos.storm import QUICK, find, holder
from tests.servers.stack import MakeStack, Stack, await_condition
from tests.workers.record import check_log, columns, read, record, states

import epochal
from epochal.experiments import Experiment
from epochal_course.content.history import PRESET_EXPERIMENTS
from epochal_service.specs.jobs import TERMINAL
from epochal_service.store import Database

NAMES = [preset.name for preset in PRESET_EXPERIMENTS]
END_SECONDS = 900.0
HOGS = 9
"""Programs that share the processor of the worker, so that it gets a tenth."""

pytestmark = pytest.mark.chaos


@pytest.fixture(scope="module")
def quick(module_stack: MakeStack) -> Stack:
    return module_stack(workers=2, **QUICK)


@pytest.fixture
def client(quick: Stack) -> Iterator[epochal.Client]:
    with epochal.Client(quick.http) as client:
        yield client


@pytest.fixture
def database(quick: Stack) -> Iterator[Database]:
    database = Database(quick.database_url)
    yield database
    database.close()


def create(client: epochal.Client, name: str) -> Experiment:
    spec = client.course.preset_experiment(name).spec
    return client.experiments.create(spec, seeds=[0])


def ids_of(experiment: Experiment) -> dict[str, str]:
    return {job.job: job.id for job in experiment.jobs}


@pytest.mark.parametrize("name", NAMES)
def test_killed_paused_and_cancelled_experiments_have_the_same_bits(
    name: str, client: epochal.Client, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    peaceful = create(client, name).wait()
    disturbed = create(client, name)
    struck = disturb(client, database, disturbed)
    disturbed = disturbed.wait()
    assert (peaceful.state, disturbed.state) == ("succeeded", "succeeded")
    twins = ids_of(peaceful)
    for job, job_id in ids_of(disturbed).items():
        assert record(database, job_id) == record(database, twins[job]), job
    assert [claim.runs for claim in disturbed.claims] == [claim.runs for claim in peaceful.claims]

    cancelled = create(client, name)
    started = next(iter(ids_of(cancelled).values()))
    await_condition(
        lambda: find(database, started).epoch > 0 or find(database, started).state in TERMINAL,
        END_SECONDS,
        "the first epoch",
    )
    with suppress(epochal.Conflict):  # it may have ended
        cancelled.cancel()
    cancelled = cancelled.wait()
    for job, job_id in ids_of(cancelled).items():
        check_log(database, job_id)
        same_start(database, job_id, twins[job])
    with capfd.disabled():
        ends = Counter(job.state for job in cancelled.jobs)
        sys.stdout.write(f"\n{name}: {dict(struck)} of {len(twins)} jobs; cancelled: {dict(ends)}")


def disturb(
    client: epochal.Client, database: Database, experiment: Experiment
) -> defaultdict[str, int]:
    """Kill the process of each job after a third of its epochs, and pause it after two thirds.

    Return how often both were in time: a job of some milliseconds may end before.
    """
    struck: defaultdict[str, int] = defaultdict(int)
    epochs = {job.id: int(job.epochs) for job in experiment.jobs}
    ahead = {job: ["kill", "pause"] for job in epochs}

    def over() -> bool:
        for job_id, faults in list(ahead.items()):
            row = find(database, job_id)
            if row.state in TERMINAL or not faults:
                del ahead[job_id]
            elif row.state == "running" and 3 * row.epoch >= (3 - len(faults)) * epochs[job_id]:
                fault = faults.pop(0)
                done = kill(database, job_id) if fault == "kill" else pause(client, job_id)
                struck[fault] += done
        return not ahead

    await_condition(over, END_SECONDS, "both faults of every job")
    return struck


def kill(database: Database, job_id: str) -> bool:
    """Kill the process that trains the job; return whether one did."""
    pid = holder(database, job_id)
    if pid is None:
        return False
    os.kill(pid, signal.SIGKILL)
    return True


def pause(client: epochal.Client, job_id: str) -> bool:
    """Pause a job and resume it; return whether it had not ended before."""
    job = client.jobs.get(job_id)
    try:
        job.pause()
        await_condition(
            lambda: client.jobs.get(job_id).state in {"paused", *TERMINAL}, END_SECONDS, "a pause"
        )
        client.jobs.get(job_id).resume()
    except epochal.Conflict:
        return False
    return True


def same_start(database: Database, job_id: str, twin: str) -> None:
    """The epochs of a job are the first ones of its twin."""
    begun, whole = (columns(read(database, job)[1]) for job in (job_id, twin))
    for name, column in begun.items():
        if name != "seconds":
            assert column.tobytes() == whole[name][: len(column)].tobytes(), name


@contextmanager
def hogs(stack: Stack) -> Iterator[None]:
    """Nine programs that compute without end, on one processor with the worker."""
    processor = max(os.sched_getaffinity(0))
    for pid in stack.worker_pids():
        os.sched_setaffinity(pid, {processor})
    program = f"import os\nos.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"
    # In separate sessions: Linux may give each session, not each process, an equal share.
    running = [
        subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
        for _ in range(HOGS)
    ]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.mark.parametrize("name", NAMES)
def test_experiments_beside_programs_that_take_nine_tenths(
    name: str, make_stack: MakeStack, capfd: pytest.CaptureFixture[str]
) -> None:
    stack = make_stack(workers=1)
    await_condition(stack.worker_pids, END_SECONDS, "a worker")
    with epochal.Client(stack.http) as client, hogs(stack):
        began, before = time.monotonic(), processor_seconds(stack)
        ended = create(client, name).wait()
        seconds, used = time.monotonic() - began, processor_seconds(stack) - before
    assert ended.state == "succeeded"
    assert {claim.text: claim.outcome for claim in ended.claims} == {
        claim.text: "met" for claim in ended.claims
    }
    database = Database(stack.database_url)
    for job in ended.jobs:
        check_log(database, job.id)
        seen = states(database, job.id)
        # The job was never taken from its worker, which was slow, not lost.
        assert seen.count("running") == 1, seen
    database.close()
    with capfd.disabled():
        sys.stdout.write(f"\n{name}: {seconds:.1f} s, of which it computed {used:.1f} s")


def processor_seconds(stack: Stack) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in stack.worker_pids())
