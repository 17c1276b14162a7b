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
_EMBEDDING: dict[str, Any] = {"type": "embedding", "vocabulary": 25, "units": 2}
WRITER: dict[str, Any] = {
    "network": {
        "input_shape": [16],
        "layers": [_EMBEDDING, {"type": "dense", "units": 24, "activation": "softmax"}],
    },
    "dataset": {"name": "sentences", "samples": 4, "length": 16},
    "loss": "cross_entropy",
    "epochs": 1,
}
JUDGE: dict[str, Any] = {
    **WRITER,
    "network": {
        "input_shape": [16],
        "layers": [_EMBEDDING, {"type": "global_average_pool"}, {"type": "dense", "units": 1}],
    },
    "dataset": {"name": "preferences", "samples": 4, "length": 16},
    "loss": "preference",
}
EPOCHS = 6
ACTIONS = ("run", "fail", "cancel", "pause", "resume")


def die() -> None:
    raise Killed


@pytest.mark.long
@pytest.mark.parametrize("before_commit", [True, False], ids=["before commit", "after commit"])
def test_a_worker_may_die_at_any_transaction(service: Service, before_commit: bool) -> None:
    pair = {**PAIR, "pretrain": {**PAIR["pretrain"], "epochs": EPOCHS}}
    undisturbed = create(service, pair)
    run_all(service, undisturbed)
    records = {name: record(service.database, job) for name, job in ids(undisturbed).items()}
    for number in count(1):
        made = create(service, pair)
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
    assert number > EPOCHS  # each of them was stored alone


# ------------------------------------------------------------------------------ any order of events


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Jobs that write or judge. Each may take the embedding of an earlier one, and one that writes
    may have an earlier judge as its reward model.
    """
    specs: dict[str, Any] = {}
    for job in range(draw(st.integers(1, 6))):
        spec = dict(draw(st.sampled_from([WRITER, JUDGE])))
        judges = [name for name in specs if specs[name]["loss"] == "preference"]
        start = draw(st.sampled_from([None, *specs]))
        judge = draw(st.sampled_from([None, *judges])) if spec["loss"] != "preference" else None
        if judge is not None:
            spec["rollouts"] = {"reward": {"type": "job", "job": judge}}
            start = start or judge
        if start is not None:
            spec["initial_weights"] = {"job": start, "layers": ["embedding_1"]}
        specs[f"job{job}"] = spec
    return specs


def needs_of(spec: dict[str, Any]) -> list[str]:
    uses = [spec.get("initial_weights"), spec.get("rollouts", {}).get("reward")]
    return [*dict.fromkeys(use["job"] for use in uses if use is not None)]


@settings(max_examples=15)
@given(
    specs=graphs(),
    events=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 5)), max_size=20),
)
def test_every_order_of_events_leaves_no_job_behind(
    service: Service, specs: dict[str, Any], events: list[tuple[str, int]]
) -> None:
    made = create(service, specs)
    assert {job.job: job.needs for job in made.jobs} == {
        name: needs_of(spec) for name, spec in specs.items()
    }
    names = [ids(made)[name] for name in specs]
    needs = [[[*specs].index(need) for need in needs_of(spec)] for spec in specs.values()]
    before = [service.row(job_id).state for job_id in names]
    assert before == ["waiting" if need else "queued" for need in needs]
    for action, index in events:
        act(service, action, names[index % len(names)])
        before = check(service, names, needs, before)
    for job_id in names:
        act(service, "resume", job_id)
    run_all(service, made)
    last = check(service, names, needs, before, steps=None)
    assert {*last} <= TERMINAL
    for state, need in zip(last, needs, strict=True):
        assert all(last[job] == "succeeded" for job in need) or state == "cancelled"


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
    needs: list[list[int]],
    before: list[str],
    steps: int | None = 1,
) -> list[str]:
    """Check what must hold for the states at any time, and return them."""
    states = [service.row(job).state for job in names]
    for job_id, job, old, need in zip(names, states, before, needs, strict=True):
        check_log(service.database, job_id)
        if steps == 1 and job != old and not {job, old} & {"succeeded", "failed"}:
            assert job in TRANSITIONS[old]  # type: ignore[index]
        needed = {states[other] for other in need}
        if needed <= {"succeeded"}:
            assert job != "waiting"
        elif needed & {"failed", "cancelled"}:
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
