"""Owners take turns: none waits for the whole queue of another."""

from dataclasses import replace

import pytest
from tests.servers.stack import MakeStack
from tests.workers.in_process import XOR, Service, at_call

import epochal
from epochal_service.methods import jobs
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access
from epochal_service.store import jobs as stored
from epochal_workers.context import WorkerContext
from epochal_workers.run import run_next


def create(service: Service, owner: str, epochs: int = 3) -> str:
    context = replace(service.context, access=Access(owner))
    spec = TrainingSpec.model_validate({**XOR, "epochs": epochs})
    return jobs.create_job(context, spec, CreateJobOptions()).id


def next_queued(service: Service) -> str | None:
    with service.database.read() as connection:
        return stored.next_queued(connection)


def train_next(service: Service) -> str | None:
    """Train the next job; return its id."""
    job_id = next_queued(service)
    worker = WorkerContext(service.settings, service.database, service.queue, lambda: False)
    state = run_next(worker)
    assert (state is None) == (job_id is None)
    return job_id


@pytest.fixture(autouse=True)
def empty(service: Service) -> None:
    while train_next(service) is not None:
        pass


def test_owners_take_turns_and_the_jobs_of_an_owner_keep_their_order(service: Service) -> None:
    many = [create(service, "many") for _ in range(5)]
    few = [create(service, "few") for _ in range(2)]
    order = [train_next(service) for _ in range(7)]
    assert order == [many[0], few[0], many[1], few[1], *many[2:]]
    assert train_next(service) is None


def test_an_owner_without_a_running_job_comes_first(service: Service) -> None:
    running, waiting = create(service, "busy", epochs=50), create(service, "busy")
    order = []

    def add_another() -> None:
        other = create(service, "idle")
        order.extend([next_queued(service), other])

    assert next_queued(service) == running
    service.run(running, at_call(5, add_another))
    assert order[0] == order[1]
    assert train_next(service) == order[1]
    assert train_next(service) == waiting


def test_the_queue_of_one_client_does_not_delay_another(make_stack: MakeStack) -> None:
    stack = make_stack(workers=1)
    first, second = (stack.run("keys", "create", o, "--owner", o).strip() for o in ("a", "b"))
    spec = {**XOR, "epochs": 2000}
    with (
        epochal.Client(stack.http, api_key=first) as many,
        epochal.Client(stack.http, api_key=second) as patient,
    ):
        queued = [many.jobs.create(spec) for _ in range(80)]
        job = patient.jobs.create({**spec, "epochs": 5})
        assert job.wait().state == "succeeded"
        assert job.started_at is not None
        assert job.created_at is not None
        begun = [other.refresh().started_at for other in queued]
        between = [at for at in begun if at and job.created_at < at < job.started_at]
        # One message may be on its way to a worker already.
        assert len(between) <= 3, between
