"""Jobs of an experiment start when the jobs that they need have succeeded, and not otherwise."""

from typing import Any

import numpy as np
import pytest
from tests.workers.in_process import XOR, Service

from epochal_service.errors import Conflict, EpochalError, InvalidArgument
from epochal_service.methods import experiments, jobs
from epochal_service.preparation.prepared import SHIFT
from epochal_service.specs.experiments import (
    CreateExperimentOptions,
    Experiment,
    ExperimentSpec,
    ListExperimentsRequest,
)
from epochal_service.specs.jobs import ForkedFrom, ListEpochsRequest
from epochal_service.specs.training import JobRewardSpec
from epochal_service.store import checkpoints
from epochal_service.store.packing import unpack

MOONS: dict[str, Any] = {
    **XOR,
    "dataset": {"name": "two_moons", "samples": 60},
    "epochs": 20,
    "validation_fraction": 0.25,
}
TUNED: dict[str, Any] = {**MOONS, "epochs": 5, "initial_weights": {"job": "pretrain"}}
PAIR: dict[str, Any] = {"pretrain": MOONS, "tuned": TUNED}


def create(
    service: Service, jobs: dict[str, Any], *, request_id: str | None = None, **fields: Any
) -> Experiment:
    spec = ExperimentSpec.model_validate({"jobs": jobs, **fields})
    options = CreateExperimentOptions(request_id=request_id)
    return experiments.create_experiment(service.context, spec, options)


def get(service: Service, experiment: Experiment) -> Experiment:
    return experiments.get_experiment(service.context, experiment.id)


def states(service: Service, experiment: Experiment) -> dict[tuple[str, int], str]:
    return {(job.job, job.seed): job.state for job in get(service, experiment).jobs}


def run_all(service: Service, experiment: Experiment) -> Experiment:
    """Train the queued jobs until none is left."""
    while queued := [job.id for job in get(service, experiment).jobs if job.state == "queued"]:
        for job_id in queued:
            service.run(job_id)
    return get(service, experiment)


def ids(experiment: Experiment) -> dict[str, str]:
    """The ids of the jobs of an experiment with one seed, by their names."""
    return {job.job: job.id for job in experiment.jobs}


def weights(service: Service, job_id: str, epoch: int | None) -> dict[str, Any]:
    with service.database.read() as connection:
        actual = checkpoints.find(connection, job_id, epoch)
    assert actual is not None
    return unpack(actual[1])


def everything(service: Service) -> tuple[Any, Any]:
    """All experiments and the number of jobs."""
    page = experiments.list_experiments(service.context, ListExperimentsRequest())
    with service.database.read() as connection:
        count = connection.exec_driver_sql("SELECT count(*) FROM jobs").scalar_one()
    return page, count


def refused(service: Service, jobs: dict[str, Any], **fields: Any) -> dict[str, str]:
    """The errors of an experiment that is not valid, by field. Nothing was created."""
    before = everything(service)
    with pytest.raises(InvalidArgument) as caught:
        create(service, jobs, **fields)
    assert everything(service) == before
    return {error.field: error.description for error in caught.value.errors}


# ------------------------------------------------------------------------------------- handover


def test_a_job_waits_for_the_one_that_it_needs_and_starts_from_its_weights(
    service: Service,
) -> None:
    made = create(service, PAIR)
    assert states(service, made) == {("pretrain", 0): "queued", ("tuned", 0): "waiting"}
    first, second = ids(made)["pretrain"], ids(made)["tuned"]
    assert service.run(second) is None
    assert jobs.get_job(service.context, second).forked_from is None
    assert service.run(first) == "succeeded"
    assert states(service, made) == {("pretrain", 0): "succeeded", ("tuned", 0): "queued"}
    job = jobs.get_job(service.context, second)
    assert job.forked_from == ForkedFrom(job=first, epoch=20)
    assert job.experiment is not None
    assert (job.experiment.id, job.experiment.job, job.experiment.seed) == (made.id, "tuned", 0)
    start = weights(service, second, 0)
    for name, array in weights(service, first, 20).items():
        np.testing.assert_array_equal(start[name], array)
    assert service.run(second) == "succeeded"
    assert get(service, made).state == "succeeded"


def test_a_job_starts_from_the_best_weights_of_a_job_that_restores_them(service: Service) -> None:
    stopping = {**MOONS, "epochs": 200, "early_stopping": {"patience": 3}}
    stopping |= {"optimizer": {"type": "adam", "learning_rate": 0.3}}
    made = create(service, {**PAIR, "pretrain": stopping})
    first, second = ids(made)["pretrain"], ids(made)["tuned"]
    service.run(first)
    best = jobs.get_job(service.context, first).best
    assert best is not None
    assert jobs.get_job(service.context, second).forked_from == ForkedFrom(
        job=first, epoch=best.epoch
    )


def test_the_first_checkpoint_has_the_scaling_of_the_jobs_data(service: Service) -> None:
    scaled = {**TUNED, "dataset": {**MOONS["dataset"], "scaling": "standard", "seed": 3}}
    made = create(service, {**PAIR, "tuned": scaled})
    service.run(ids(made)["pretrain"])
    tuned = ids(made)["tuned"]
    assert service.run(tuned) == "succeeded"
    np.testing.assert_array_equal(
        weights(service, tuned, 0)[SHIFT], weights(service, tuned, 5)[SHIFT]
    )


LENGTH = 16
EMBEDDING: dict[str, Any] = {"type": "embedding", "vocabulary": 25, "units": 4}
BASE: dict[str, Any] = {
    "network": {
        "input_shape": [LENGTH],
        "layers": [EMBEDDING, {"type": "dense", "units": 24, "activation": "softmax"}],
    },
    "dataset": {"name": "sentences", "samples": 20, "length": LENGTH},
    "loss": "cross_entropy",
    "epochs": 2,
}
JUDGE: dict[str, Any] = {
    **BASE,
    "network": {
        "input_shape": [LENGTH],
        "layers": [EMBEDDING, {"type": "global_average_pool"}, {"type": "dense", "units": 1}],
    },
    "dataset": {"name": "preferences", "samples": 20, "length": LENGTH},
    "loss": "preference",
    "early_stopping": {"patience": 9},
    "epochs": 4,
}
WRITES: dict[str, Any] = {
    **BASE,
    "initial_weights": {"job": "base"},
    "rollouts": {"reward": {"type": "job", "job": "judge"}},
}
TRIPLE: dict[str, Any] = {"base": BASE, "judge": JUDGE, "writes": WRITES}


@pytest.mark.parametrize("order", [("base", "judge"), ("judge", "base")])
def test_a_job_waits_for_all_that_it_needs(service: Service, order: tuple[str, str]) -> None:
    made = create(service, TRIPLE)
    assert {job.job: job.needs for job in made.jobs} == {
        "base": [],
        "judge": [],
        "writes": ["base", "judge"],
    }
    first, second = (ids(made)[name] for name in order)
    writes = ids(made)["writes"]
    assert service.run(first) == "succeeded"
    assert service.row(writes).state == "waiting"
    # It has already copied its parts of this job.
    jobs.delete_job(service.context, first)
    with pytest.raises(Conflict, match=f"{writes} waits for it"):
        jobs.delete_job(service.context, second)
    assert service.run(second) == "succeeded"
    assert service.row(writes).state == "queued"
    spec = jobs.get_job(service.context, writes).spec
    assert spec.initial_weights is not None
    assert spec.initial_weights.epoch == 2
    assert spec.rollouts is not None
    reward = spec.rollouts.reward
    assert isinstance(reward, JobRewardSpec)
    assert (reward.job, reward.epoch) == (ids(made)["judge"], 4)
    assert service.run(writes) == "succeeded"


def test_a_job_with_a_reward_model_has_the_results_of_its_jobs_alone(service: Service) -> None:
    made = create(service, TRIPLE)
    run_all(service, made)
    base, judge = service.create(BASE), service.create(JUDGE)
    assert service.run(base) == service.run(judge) == "succeeded"
    rollouts = {"reward": {"type": "job", "job": judge}}
    alone = service.create(WRITES, initial_weights={"job": base}, rollouts=rollouts)
    assert service.run(alone) == "succeeded"
    together = weights(service, ids(made)["writes"], None)
    for key, array in weights(service, alone, None).items():
        np.testing.assert_array_equal(together[key], array)


@pytest.mark.parametrize("ended", ["base", "judge"])
def test_a_job_is_cancelled_with_either_of_those_that_it_needs(
    service: Service, ended: str
) -> None:
    made = create(service, TRIPLE)
    [other] = {"base", "judge"} - {ended}
    assert service.run(ids(made)[other]) == "succeeded"
    service.cancel(ids(made)[ended])
    job = jobs.get_job(service.context, ids(made)["writes"])
    assert (job.state, job.stop_reason) == ("cancelled", "dependency_failed")
    assert ids(made)[ended] in (job.detail or "")


def test_one_job_may_be_both(service: Service) -> None:
    """A job that judges may also give the embedding to start from."""
    start = {"job": "judge", "layers": ["embedding_1"]}
    made = create(service, {"judge": JUDGE, "writes": {**WRITES, "initial_weights": start}})
    assert [job.needs for job in made.jobs] == [[], ["judge"]]
    assert run_all(service, made).state == "succeeded"
    assert jobs.get_job(service.context, ids(made)["writes"]).forked_from is not None


def test_an_experiment_has_the_results_of_its_jobs_alone(service: Service) -> None:
    """The same specs, created one by one, give the same weights."""
    made = create(service, PAIR, seeds=[7])
    run_all(service, made)
    moved = {**MOONS, "seed": 7, "dataset": {**MOONS["dataset"], "seed": 7}}
    first = service.create(moved)
    service.run(first)
    start = {"job": first}
    second = service.create({**moved, "epochs": 5, "initial_weights": start})
    service.run(second)
    for alone, name in ((first, "pretrain"), (second, "tuned")):
        together = weights(service, ids(made)[name], None)
        for key, array in weights(service, alone, None).items():
            np.testing.assert_array_equal(together[key], array)


def test_seeds_move_the_seeds_of_training_split_and_data(service: Service) -> None:
    spec = {**MOONS, "seed": 10, "dataset": {"name": "two_moons", "seed": 20}}
    made = create(service, {"one": {**spec, "split": {"seed": 30}}}, seeds=[0, 5])
    specs = [jobs.get_job(service.context, job.id).spec for job in made.jobs]
    assert [spec.seed for spec in specs] == [10, 15]
    assert [spec.split.seed for spec in specs] == [30, 35]
    assert [getattr(spec.dataset, "seed", None) for spec in specs] == [20, 25]
    assert [job.seed for job in made.jobs] == [0, 5]


def test_a_data_set_without_a_seed_is_not_moved(service: Service) -> None:
    job = {**XOR, "epochs": 2}
    assert len(create(service, {"one": job}, seeds=[0, 1]).jobs) == 2


# ----------------------------------------------------------------------------------------- ends


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_a_job_is_cancelled_with_the_one_that_it_needs(service: Service, end: str) -> None:
    pretrain = dict(MOONS)
    if end == "failed":
        pretrain["optimizer"] = {"type": "sgd", "learning_rate": 1e12}
        pretrain |= {"network": linear(), "loss": "mse", "dataset": {"name": "sine"}}
    tuned = {**pretrain, "initial_weights": {"job": "pretrain"}}
    chain = {"pretrain": pretrain, "tuned": tuned}
    chain["again"] = {**tuned, "initial_weights": {"job": "tuned"}}
    made = create(service, chain)
    if end == "failed":
        assert service.run(ids(made)["pretrain"]) == "failed"
    else:
        service.cancel(ids(made)["pretrain"])
    assert states(service, made) == {
        ("pretrain", 0): end,
        ("tuned", 0): "cancelled",
        ("again", 0): "cancelled",
    }
    job = jobs.get_job(service.context, ids(made)["tuned"])
    assert job.stop_reason == "dependency_failed"
    assert job.detail is not None
    assert ids(made)["pretrain"] in job.detail
    assert job.finished_at is not None
    assert get(service, made).state == ("failed" if end == "failed" else "cancelled")


def linear() -> dict[str, Any]:
    return {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]}


def test_a_paused_job_does_not_start_when_the_one_that_it_needs_has_succeeded(
    service: Service,
) -> None:
    made = create(service, PAIR)
    tuned = ids(made)["tuned"]
    service.pause(tuned)
    assert service.row(tuned).state == "paused"
    service.resume(tuned)
    assert service.row(tuned).state == "waiting"
    service.pause(tuned)
    service.run(ids(made)["pretrain"])
    assert service.row(tuned).state == "paused"
    service.resume(tuned)
    assert service.row(tuned).state == "queued"
    assert service.run(tuned) == "succeeded"


def test_a_paused_job_is_cancelled_with_the_one_that_it_needs(service: Service) -> None:
    made = create(service, PAIR)
    service.pause(ids(made)["tuned"])
    service.cancel(ids(made)["pretrain"])
    assert service.row(ids(made)["tuned"]).state == "cancelled"


def test_a_job_that_another_waits_for_cannot_be_deleted(service: Service) -> None:
    made = create(service, PAIR)
    with pytest.raises(Conflict, match=f"{ids(made)['tuned']} waits for it"):
        jobs.delete_job(service.context, ids(made)["pretrain"])


def test_cancel_ends_the_whole(service: Service) -> None:
    made = create(service, PAIR, seeds=[0, 1])
    service.run(ids(made)["pretrain"])  # the job of the last seed
    ended = experiments.cancel_experiment(service.context, made.id)
    assert ended.state == "cancelled"
    assert {job.stop_reason for job in ended.jobs} == {"completed", "user"}
    assert experiments.cancel_experiment(service.context, made.id).state == "cancelled"


def test_an_experiment_that_has_succeeded_cannot_be_cancelled(service: Service) -> None:
    made = create(service, {"one": {**XOR, "epochs": 2}})
    run_all(service, made)
    with pytest.raises(Conflict, match="has succeeded"):
        experiments.cancel_experiment(service.context, made.id)


def test_an_experiment_is_deleted_with_its_jobs_after_all_have_ended(service: Service) -> None:
    made = create(service, PAIR)
    with pytest.raises(Conflict, match="cancel the experiment first"):
        experiments.delete_experiment(service.context, made.id)
    assert len(get(service, made).jobs) == 2
    run_all(service, made)
    experiments.delete_experiment(service.context, made.id)
    for call in (
        lambda: get(service, made),
        lambda: jobs.get_job(service.context, ids(made)["tuned"]),
    ):
        with pytest.raises(EpochalError, match="There is no"):
            call()


def test_the_same_key_returns_the_same_experiment(service: Service) -> None:
    first = create(service, PAIR, request_id="one")
    assert create(service, PAIR, request_id="one").id == first.id
    with pytest.raises(EpochalError, match="another request"):
        create(service, {"pretrain": MOONS}, request_id="one")


# ------------------------------------------------------------------------------------ bad input


def test_one_invalid_job_of_many_is_refused_with_its_path(service: Service) -> None:
    wrong = {**TUNED, "network": {**XOR["network"], "input_shape": [3]}}
    errors = refused(service, {**PAIR, "tuned": wrong})
    assert "jobs.tuned.network.input_shape" in errors


def test_the_errors_of_all_jobs_are_reported(service: Service) -> None:
    wrong = {**MOONS, "batch_size": 4, "schedule": {"type": "cosine", "warmup_epochs": 99}}
    errors = refused(service, {"one": wrong, "two": {**MOONS, "loss": "cross_entropy"}})
    assert {field.split(".")[1] for field in errors} == {"one", "two"}


@pytest.mark.parametrize(
    ("jobs", "fields", "field", "text"),
    [
        ({"a": {**TUNED, "initial_weights": {"job": "b"}}}, {}, "a.initial_weights.job", "name"),
        ({"a": {**TUNED, "initial_weights": {"job": "a"}}}, {}, "a.initial_weights.job", "a needs"),
        (
            {
                "a": {**TUNED, "initial_weights": {"job": "b"}},
                "b": {**TUNED, "initial_weights": {"job": "a"}},
            },
            {},
            "b.initial_weights.job",
            "b needs a needs b",
        ),
        (
            {
                **TRIPLE,
                "judge": {**JUDGE, "initial_weights": {"job": "writes", "layers": ["embedding_1"]}},
            },
            {},
            "writes.rollouts.reward.job",
            "writes needs judge needs writes",
        ),
        (
            {**TRIPLE, "writes": {**WRITES, "rollouts": {"reward": {"type": "job", "job": "x"}}}},
            {},
            "writes.rollouts.reward.job",
            "must be the name of another job of the experiment (base, judge), or a job's id",
        ),
        (
            {**TRIPLE, "judge": BASE},
            {},
            "writes.rollouts.reward.job",
            "must have a network with one output",
        ),
        (
            {**PAIR, "tuned": {**TUNED, "initial_weights": {"job": "pretrain", "epoch": 3}}},
            {},
            "tuned.initial_weights.epoch",
            "must be absent",
        ),
        (
            {**PAIR, "tuned": {**TUNED, "network": linear() | {"input_shape": [2]}}},
            {},
            "tuned.network.layers[0].activation",
            "sigmoid",
        ),
    ],
)
def test_needs_that_cannot_be_met_are_refused(
    service: Service, jobs: dict[str, Any], fields: dict[str, Any], field: str, text: str
) -> None:
    assert text in refused(service, jobs, **fields)[f"jobs.{field}"]


def test_weights_of_another_shape_are_refused(service: Service) -> None:
    wide = [{"type": "dense", "units": 9}, XOR["network"]["layers"][1]]
    tuned = {**TUNED, "network": {"input_shape": [2], "layers": wide}}
    errors = refused(service, {**PAIR, "tuned": tuned})
    assert "needs the shapes" in errors["jobs.tuned.initial_weights.job"]


@pytest.mark.parametrize(
    ("seeds", "text"),
    [([0, 0], "different"), ([*range(40)], "at most 64")],
)
def test_seeds_that_do_not_fit_are_refused(service: Service, seeds: list[int], text: str) -> None:
    assert text in refused(service, PAIR, seeds=seeds)["seeds"]


def test_a_seed_that_becomes_too_large_is_refused(service: Service) -> None:
    errors = refused(service, {"one": {**MOONS, "seed": 2**63 - 2}}, seeds=[2])
    assert "must be less than" in errors["jobs.one.seed"]


@pytest.mark.parametrize(
    ("claim", "field", "text"),
    [
        ({"job": "other", "metric": "train_loss", "below": 1}, ".job", "pretrain, tuned"),
        ({"minus": "other", "metric": "train_loss", "below": 1}, ".minus", "pretrain, tuned"),
        ({"minus": "tuned", "metric": "train_loss", "below": 1}, ".minus", "another"),
        ({"metric": "train_loss"}, "", "must have a bound"),
        ({"metric": "train_loss", "at_least": 1, "above": 0}, ".above", "absent"),
        ({"metric": "train_loss", "at_least": 1, "at_most": 0.5}, ".at_most", "contradicts"),
        ({"metric": "train_loss", "above": 1, "at_most": 1}, ".at_most", "contradicts"),
        ({"metric": "epochs", "below": 3, "epoch": "last"}, ".epoch", "absent"),
        ({"metric": "steps", "below": 3, "epoch": "every"}, ".epoch", "absent"),
        (
            {"metric": "train_accuracy", "below": 3, "minus_baseline": "constant"},
            ".minus_baseline",
            "has losses",
        ),
        (
            {
                "metric": "train_loss",
                "below": 3,
                "minus": "pretrain",
                "minus_baseline": "constant",
            },
            ".minus_baseline",
            "absent with minus",
        ),
        (
            {"metric": "train_loss", "below": 3, "minus_baseline": "linear", "epoch": "every"},
            ".epoch",
            "difference",
        ),
        (
            {"minus": "pretrain", "metric": "train_loss", "below": 3, "epoch": "every"},
            ".epoch",
            "difference",
        ),
    ],
)
def test_claims_that_cannot_be_evaluated_are_refused(
    service: Service, claim: dict[str, Any], field: str, text: str
) -> None:
    errors = refused(service, PAIR, claims=[{"job": "tuned", **claim}])
    assert text in errors[f"claims[0]{field}"]


def test_a_claim_on_a_metric_that_the_job_does_not_have_is_refused(service: Service) -> None:
    regression = {**XOR, "network": linear(), "loss": "mse", "dataset": {"name": "sine"}}
    claims = [{"job": "one", "metric": m, "at_least": 0} for m in METRICS_THAT_IT_LACKS]
    errors = refused(service, {"one": regression}, claims=claims)
    assert [*errors] == [f"claims[{index}].metric" for index in range(len(claims))]


def test_a_claim_on_the_exact_match_needs_sequences_of_classes(service: Service) -> None:
    claims = [
        {"job": "one", "metric": "train_exact_match", "at_least": 0},
        {"job": "letters", "minus": "one", "metric": "train_exact_match", "at_least": 0},
    ]
    errors = refused(service, {"one": XOR, "letters": LETTERS}, claims=claims)
    assert [*errors] == ["claims[0].metric", "claims[1].metric"]


METRICS_THAT_IT_LACKS = ("train_accuracy", "validation_accuracy", "validation_loss")


# --------------------------------------------------------------------------------------- claims


def test_claims_are_evaluated_for_each_seed_with_both_numbers(service: Service) -> None:
    claims = [
        {"job": "pretrain", "metric": "train_loss", "below": 100},
        {"job": "tuned", "minus": "pretrain", "metric": "epochs", "at_least": -15, "at_most": -15},
        {"job": "tuned", "metric": "parameters", "below": 3, "text": "The network is tiny"},
    ]
    made = create(service, PAIR, seeds=[0, 1], claims=claims)
    assert [claim.outcome for claim in made.claims] == ["pending"] * 3
    ended = run_all(service, made)
    first, difference, size = ended.claims
    assert (first.outcome, first.met) == ("met", 2)
    last = {(job.job, job.seed): job.latest for job in ended.jobs}
    for run in first.runs:
        latest = last["pretrain", run.seed]
        assert latest is not None
        assert run.value == run.job_value == latest.train_loss
    assert [(r.value, r.job_value, r.minus_value) for r in difference.runs] == [(-15, 5, 20)] * 2
    assert difference.text == "tuned minus pretrain: epochs at least -15 and at most -15"
    assert (size.outcome, size.met, size.text) == ("missed", 0, "The network is tiny")


LETTERS: dict[str, Any] = {
    "network": {
        "input_shape": [8],
        "layers": [
            {"type": "embedding", "vocabulary": 25, "units": 8},
            {"type": "dense", "units": 24, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "sentences", "samples": 70, "length": 8},
    "loss": "cross_entropy",
    "epochs": 3,
    "batch_size": 10,
    "validation_fraction": 0.1,
}


def test_claims_compare_with_baselines_and_count_steps(service: Service) -> None:
    claims = [
        {"job": "one", "metric": "validation_exact_match", "at_least": 0, "at_most": 1},
        {"job": "one", "metric": "steps", "at_least": 21, "at_most": 21},
        {"job": "one", "minus_baseline": "four_gram", "metric": "validation_loss", "above": 0},
        {"job": "one", "minus_baseline": "initial", "metric": "train_loss", "below": 0},
        {"job": "one", "minus_baseline": "linear", "metric": "train_loss", "below": 0},
    ]
    ended = run_all(service, create(service, {"one": LETTERS}, claims=claims))
    assert [claim.outcome for claim in ended.claims] == ["met"] * 4 + ["unknown"]
    job = jobs.get_job(service.context, ended.jobs[0].id)
    assert job.latest is not None
    assert job.baselines is not None
    (exact,), (steps,), (ngram,), _, (linear,) = (claim.runs for claim in ended.claims)
    assert exact.value == job.latest.validation_exact_match
    assert steps.value == 21
    assert ngram.job_value == job.latest.validation_loss
    assert ngram.minus_value == job.baselines.ngrams[2].validation_loss
    assert ended.claims[2].text.startswith("one minus its 4-gram baseline: validation_loss above")
    assert linear.detail == "one has no linear baseline of its train_loss"


def test_a_job_stops_when_its_target_of_exact_matches_is_reached(service: Service) -> None:
    target = {"metric": "train_exact_match", "value": 0}
    job_id = service.create({**LETTERS, "target": target})
    assert service.run(job_id) == "succeeded"
    job = jobs.get_job(service.context, job_id)
    assert (job.epoch, job.stop_reason) == (1, "target_reached")
    with pytest.raises(InvalidArgument) as caught:
        service.create({**XOR, "target": target})
    assert [error.field for error in caught.value.errors] == ["target.metric"]


def test_a_claim_of_every_epoch_has_the_value_that_is_nearest_to_its_bound(
    service: Service,
) -> None:
    bounds: list[dict[str, Any]] = [{"below": 1e9}, {"above": 0}, {"below": 1e-9}]
    claims = [{"job": "one", "metric": "train_loss", "epoch": "every", **b} for b in bounds]
    made = create(service, {"one": {**XOR, "epochs": 30}}, claims=claims)
    high, low, missed = run_all(service, made).claims
    job_id = made.jobs[0].id
    table = jobs.list_epochs(service.context, job_id, ListEpochsRequest()).epochs
    losses = [row.train_loss for row in table]
    assert [claim.outcome for claim in (high, low, missed)] == ["met", "met", "missed"]
    assert high.runs[0].value == max(losses)
    assert low.runs[0].value == min(losses)


def test_claims_of_jobs_that_did_not_succeed_are_unknown(service: Service) -> None:
    claims = [{"job": name, "metric": "epochs", "at_least": 1} for name in PAIR]
    made = create(service, PAIR, claims=claims)
    service.cancel(ids(made)["pretrain"])
    first, second = get(service, made).claims
    assert (first.outcome, first.runs[0].detail) == ("unknown", "pretrain was cancelled: user")
    assert second.runs[0].detail == "tuned was cancelled: dependency_failed"


def test_claims_of_deleted_jobs_are_unknown(service: Service) -> None:
    claims = [{"job": "one", "metric": "epochs", "at_least": 1}]
    made = create(
        service, {"one": {**XOR, "epochs": 2}, "two": {**XOR, "epochs": 2}}, claims=claims
    )
    run_all(service, made)
    jobs.delete_job(service.context, ids(made)["one"])
    left = get(service, made)
    assert [job.job for job in left.jobs] == ["two"]
    assert left.claims[0].runs[0].detail == "one was deleted"
