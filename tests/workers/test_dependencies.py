"""A job that waits for another one is neither lost nor started too early, whatever happens."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workers.in_process import AT_ONCE, XOR, Killed, MortalDatabase, Service
from tests.workers.record import check_log, record
from tests.workers.test_experiments import PAIR, create, get, ids, run_all

from epochal_service.errors import Conflict, QuotaExceeded
from epochal_service.jobs import lifecycle, reaper
from epochal_service.jobs.lifecycle import TRANSITIONS, Ending, Progress
from epochal_service.methods import experiments, jobs
from epochal_service.methods.context import Context
from epochal_service.settings import Quotas
from epochal_service.specs.experiments import (
    CreateExperimentOptions,
    Experiment,
    ExperimentSpec,
    ListExperimentsRequest,
)
from epochal_service.specs.jobs import TERMINAL, CreateJobOptions
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access

QUICK: dict[str, Any] = {**XOR, "epochs": 1}
ACTIONS = ("run", "fail", "cancel", "pause", "resume")


def die() -> None:
    raise Killed


@pytest.mark.parametrize("before_commit", [True, False], ids=["before commit", "after commit"])
def test_a_worker_may_die_at_any_transaction(service: Service, before_commit: bool) -> None:
    undisturbed = create(service, PAIR)
    run_all(service, undisturbed)
    records = {name: record(service.database, job) for name, job in ids(undisturbed).items()}
    for number in count(1):
        made = create(service, PAIR)
        first, second = ids(made)["pretrain"], ids(made)["tuned"]
        mortal = MortalDatabase(
            service.settings.database_url, number, before_commit=before_commit, die=die
        )
        died = False
        try:
            service.run(first, database=mortal, flush_seconds=AT_ONCE, checkpoint_seconds=AT_ONCE)
        except Killed:
            died = True
        finally:
            mortal.close()
        has_ended = service.row(first).state == "succeeded"
        assert service.row(second).state == ("queued" if has_ended else "waiting")
        if service.row(first).state == "running":
            service.lose_worker(first)
        assert run_all(service, made).state == "succeeded"
        for name, job in ids(made).items():
            check_log(service.database, job)
            assert record(service.database, job) == records[name]
        if not died:
            break
    assert number > 20  # each of the epochs was stored alone


# ------------------------------------------------------------------------------ any order of events


@st.composite
def forests(draw: st.DrawFn) -> list[int | None]:
    """For each job the number of an earlier one that it needs, or None."""
    count = draw(st.integers(1, 6))
    return [draw(st.none() | st.integers(0, job - 1)) if job else None for job in range(count)]


@settings(max_examples=15)
@given(
    needs=forests(),
    events=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=20),
)
def test_every_order_of_events_leaves_no_job_behind(
    service: Service, needs: list[int | None], events: list[tuple[str, int]]
) -> None:
    specs: dict[str, Any] = {}
    for job, need in enumerate(needs):
        start = None if need is None else {"job": f"job{need}"}
        specs[f"job{job}"] = {**QUICK, "initial_weights": start}
    made = create(service, specs)
    names = [ids(made)[f"job{job}"] for job in range(len(needs))]
    before = [service.row(job_id).state for job_id in names]
    assert before == ["queued" if need is None else "waiting" for need in needs]
    for action, index in events:
        act(service, action, names[index % len(names)])
        before = check(service, names, needs, before)
    for job_id in names:
        act(service, "resume", job_id)
    run_all(service, made)
    last = check(service, names, needs, before, steps=None)
    assert {*last} <= TERMINAL
    for state, need in zip(last, needs, strict=True):
        assert need is None or last[need] == "succeeded" or state == "cancelled"


def act(service: Service, action: str, job_id: str) -> None:
    if action == "run":
        service.run(job_id)
    elif action == "fail":
        claim = lifecycle.claim(
            service.database, job_id, lease_seconds=60, worker="here:1", kernel="any"
        )
        if claim is not None:
            lifecycle.end(service.database, claim, Progress(), Ending("failed", "internal"))
    else:
        try:
            getattr(service, action)(job_id)
        except Conflict:
            assert service.row(job_id).state in TERMINAL


def check(
    service: Service,
    names: list[str],
    needs: list[int | None],
    before: list[str],
    steps: int | None = 1,
) -> list[str]:
    """Check what must hold for the states at any time, and return them."""
    states = [service.row(job).state for job in names]
    for job_id, job, old, need in zip(names, states, before, needs, strict=True):
        check_log(service.database, job_id)
        if steps == 1 and job != old and not {job, old} & {"succeeded", "failed"}:
            assert job in TRANSITIONS[old]  # type: ignore[index]
        if need is None or states[need] == "succeeded":
            assert job != "waiting"
        elif states[need] in TERMINAL:
            assert job == "cancelled"
        else:
            assert job in ("waiting", "paused", "cancelled")
    return states


# ------------------------------------------------------------------------------------------ quotas


def limited(service: Service, **quotas: int) -> Context:
    """The context of the service with these quotas, for an owner of this test."""
    changed = service.settings.model_copy(update={"quotas": Quotas(**quotas)})
    return replace(service.context, settings=changed, access=Access(f"owner{next(_owners)}"))


_owners: Iterator[int] = count()


def create_in(context: Context, specs: dict[str, Any]) -> Experiment:
    spec = ExperimentSpec.model_validate({"jobs": specs})
    return experiments.create_experiment(context, spec, CreateExperimentOptions())


def test_an_experiment_that_exceeds_a_quota_is_not_created(service: Service) -> None:
    context = limited(service, max_queued_jobs=1)
    with pytest.raises(QuotaExceeded, match="max_queued_jobs"):
        create_in(context, PAIR)
    assert not experiments.list_experiments(context, ListExperimentsRequest()).experiments
    with pytest.raises(QuotaExceeded, match="max_stored_bytes"):
        create_in(limited(service, max_stored_bytes_per_owner=1000), PAIR)


def test_a_waiting_job_counts_as_a_queued_one(service: Service) -> None:
    context = limited(service, max_queued_jobs=2)
    create_in(context, PAIR)
    with pytest.raises(QuotaExceeded, match="2 of 2"):
        jobs.create_job(context, TrainingSpec.model_validate(QUICK), CreateJobOptions())


# ---------------------------------------------------------------------------------- the last job


def test_an_experiment_disappears_after_its_last_job(service: Service) -> None:
    made = run_all(service, create(service, {"one": QUICK, "two": QUICK}))
    for job in made.jobs:
        reaper.delete_abandoned(service.database, 3600)
        assert get(service, made).id == made.id
        jobs.delete_job(service.context, job.id)
    reaper.delete_abandoned(service.database, 3600)
    page = experiments.list_experiments(service.context, ListExperimentsRequest())
    assert made.id not in [row.id for row in page.experiments]
