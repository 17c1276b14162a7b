"""Real workers serve owners in turn, within the quotas of each."""

from itertools import pairwise

import pytest
from tests.servers.stack import MakeStack
from tests.workers.in_process import XOR

import epochal

pytestmark = pytest.mark.long


def test_jobs_that_waited_for_the_quota_start_when_a_job_ends(make_stack: MakeStack) -> None:
    # The reaper, which notifies workers of forgotten jobs too, does not come within the test.
    stack = make_stack(workers=2, quotas={"max_running_jobs": 1}, reaper_seconds=600)
    with epochal.Client(stack.http) as client:
        # Until the first one ends, its idle neighbor takes the messages of the others in vain.
        circles = {"name": "circles", "samples": 500}
        first = {**XOR, "dataset": circles, "batch_size": 1, "epochs": 3_000}
        queued = [client.jobs.create(spec) for spec in (first, *[{**XOR, "epochs": 3}] * 8)]
        for job in queued:
            assert job.wait(timeout=60).state == "succeeded"
    for before, after in pairwise(queued):
        assert before.finished_at is not None
        assert after.started_at is not None
        assert before.finished_at <= after.started_at


@pytest.mark.parametrize(
    "quotas",
    [pytest.param({}, id="no quota"), pytest.param({"max_running_jobs": 1}, id="quota")],
)
def test_the_queue_of_one_client_does_not_delay_another(
    make_stack: MakeStack, quotas: dict[str, int]
) -> None:
    stack = make_stack(workers=1, quotas=quotas)
    first, second = (stack.run("keys", "create", o, "--owner", o).strip() for o in ("a", "b"))
    spec = {**XOR, "epochs": 2000}
    with (
        epochal.Client(stack.http, api_key=first) as many,
        epochal.Client(stack.http, api_key=second) as patient,
    ):
        queued = [many.jobs.create({**spec, "priority": 10}) for _ in range(15)]
        job = patient.jobs.create({**spec, "epochs": 5})
        assert job.wait().state == "succeeded"
        assert job.started_at is not None
        assert job.created_at is not None
        begun = [other.refresh().started_at for other in queued]
        assert [at for at in begun if at is None or at > job.started_at]
        between = [at for at in begun if at and job.created_at < at < job.started_at]
        # One message may be on its way to a worker already.
        assert len(between) <= 3, between
