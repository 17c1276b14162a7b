"""A worker is seen from its start to its exit, with the job that it trains."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.servers.stack import await_condition
from tests.workers.in_process import XOR, Service, at_call

from epochal_service.methods.workers import list_workers
from epochal_service.specs.workers import Worker
from epochal_service.store import Access
from epochal_workers.context import WorkerContext
from epochal_workers.presence import Presence
from epochal_workers.run import run
from epochal_workers.tally import Tally


@pytest.fixture
def presence(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Presence]:
    monkeypatch.setattr("epochal_workers.presence.BEAT_SECONDS", 0.05)
    presence = Presence(service.database, Tally())
    yield presence
    presence.end()
    assert seen(service, presence) is None


def seen(service: Service, presence: Presence, owner: str = "local") -> Worker | None:
    context = replace(service.context, access=Access(owner))
    listed = {worker.id: worker for worker in list_workers(context).workers}
    return listed.get(presence.worker_id)


def test_a_worker_is_listed_until_it_exits(service: Service, presence: Presence) -> None:
    await_condition(lambda: seen(service, presence), 10, "the worker is listed")
    first = seen(service, presence)
    assert first is not None
    assert (first.pid, first.state, first.job) == (os.getpid(), "idle", None)

    def seen_again() -> bool:
        worker = seen(service, presence)
        assert worker is not None
        assert worker.started_at == first.started_at
        return worker.seen_at > first.seen_at

    await_condition(seen_again, 10, "the worker is seen again")


def test_a_worker_that_was_forgotten_is_listed_again(service: Service, presence: Presence) -> None:
    await_condition(lambda: seen(service, presence), 10, "the worker is listed")
    with service.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM workers")
    await_condition(lambda: seen(service, presence), 10, "the worker is listed again")


def test_a_worker_is_busy_while_it_holds_a_job(service: Service, presence: Presence) -> None:
    await_condition(lambda: seen(service, presence), 10, "the worker is listed")
    job_id = service.create(XOR)
    during: list[Worker | None] = []
    owners = "local", "another"
    look = at_call(5, lambda: during.extend(seen(service, presence, owner) for owner in owners))
    context = WorkerContext(
        service.settings, service.database, service.queue, look, presence.worker_id
    )
    assert run(context, job_id) == "succeeded"
    # Another owner's operator sees that it is busy, but not its job.
    assert [(w.state, w.job) for w in during if w] == [("busy", job_id), ("busy", None)]
    after = seen(service, presence)
    assert after is not None
    assert (after.state, after.job) == ("idle", None)
