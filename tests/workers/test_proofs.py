"""Homework: a run from elsewhere is repeated, and compared with its proof bit by bit."""

import json
from math import nextafter
from typing import Any

import pytest
from tests.workers.in_process import XOR, Service
from tests.workers.test_exercises import attempts, pupil_of, teacher

from epochal_service import errors
from epochal_service.experiments import exercises as marks
from epochal_service.methods import datasets, exercises, experiments, exports
from epochal_service.methods.context import Context
from epochal_service.specs.datasets import CreateDatasetRequest
from epochal_service.specs.exercises import CreateExerciseOptions, Exercise, ExerciseSpec
from epochal_service.specs.experiments import Experiment
from epochal_service.specs.exports import GetExportRequest
from epochal_service.specs.proofs import Proof, ProofResult, SubmitProofOptions

__all__ = ["teacher"]

OPEN = ["jobs.xor.epochs", "jobs.xor.optimizer.learning_rate", "jobs.xor.changes"]
SPEC: dict[str, Any] = {
    "title": "Train longer",
    "experiment": {
        "jobs": {"xor": {**XOR, "epochs": 2, "validation_fraction": 0.2}},
        "claims": [{"job": "xor", "metric": "epochs", "at_least": 4}],
    },
    "open": OPEN,
}


def create(context: Context, **job: Any) -> Exercise:
    fields = {**SPEC["experiment"], "jobs": {"xor": {**SPEC["experiment"]["jobs"]["xor"], **job}}}
    spec = ExerciseSpec.model_validate({**SPEC, "experiment": fields})
    return exercises.create_exercise(context, spec, CreateExerciseOptions())


def trained(service: Service, pupil: Context, exercise: Exercise, **changes: Any) -> dict[str, Any]:
    """Train the exercise with the seed of the pupil, without a key, and return the proof."""
    seed = exercises.get_exercise(pupil, exercise.id).seed
    assert exercise.experiment is not None
    job = json.loads(exercise.experiment.jobs["xor"].model_dump_json())
    job_id = service.create(job, **{"epochs": 5, "seed": seed, **changes})
    assert service.run(job_id) == "succeeded"
    content = exports.get_export(service.context, job_id, GetExportRequest(format="proof"))
    assert content.filename == f"epoch-{service.row(job_id).epoch}-proof.json"
    proof: dict[str, Any] = json.loads(content.content)
    return proof


def submit(context: Context, exercise: Exercise, proof: dict[str, Any]) -> Experiment:
    parsed = Proof.model_validate_json(json.dumps(proof))
    return exercises.submit_proof(context, exercise.id, parsed, SubmitProofOptions())


def repeated(
    service: Service, context: Context, exercise: Exercise, proof: dict[str, Any]
) -> ProofResult:
    """Submit the proof, train its job, and return the result."""
    made = submit(context, exercise, proof)
    assert made.proof is not None
    assert made.proof.verdict == "pending"
    assert service.run(made.jobs[0].id) == "succeeded"
    result = experiments.get_experiment(context, made.id).proof
    assert result is not None
    return result


def refusal(context: Context, exercise: Exercise, proof: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(errors.InvalidArgument) as caught:
        submit(context, exercise, proof)
    return {error.field: error.description for error in caught.value.errors}


def test_an_honest_run_is_accepted_and_marked(service: Service, teacher: Context) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    proof = trained(service, pupil, exercise)
    result = repeated(service, pupil, exercise, proof)
    assert (result.verdict, result.epoch) == ("accepted", None)
    assert result.detail == "The 5 epochs and the final weights are the same, bit for bit."
    (attempt,) = attempts(teacher, exercise).attempts
    assert (attempt.proof, attempt.solved) == (result, True)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of all numbers, texts and booleans of a document."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, item in items for leaf in leaves(item, (*path, key))]
    return [] if value is None else [path]


def forged(value: Any) -> Any:
    """Return another value, as near as possible."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, float):
        return nextafter(value, 1e9)
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("1" if value[-1] == "0" else "0")


# They have no influence on the run.
FREE = {"name", "labels", "pace", "priority", "deadline_seconds", "ttl_seconds"}


@pytest.mark.long
def test_a_document_with_any_other_value_is_refused(service: Service, teacher: Context) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    proof = trained(service, pupil, exercise, changes=[{"epoch": 2, "training": {"batch_size": 1}}])
    refused_at_once = 0
    for *way, last in leaves(proof):
        if FREE & {last, *way} or last == "kernel":
            continue
        copy = json.loads(json.dumps(proof))
        place = copy
        for key in way:
            place = place[key]
        place[last] = forged(place[last])
        try:
            made = submit(pupil, exercise, copy)
        except (errors.InvalidArgument, ValueError):
            refused_at_once += 1
            continue
        assert service.run(made.jobs[0].id) == "succeeded"
        result = experiments.get_experiment(pupil, made.id).proof
        assert result is not None
        assert result.verdict == "refused", (way, last)
        if way[:1] == ["curve"]:
            assert isinstance(last, int)
            metric = proof["curve"][way[1]]["metric"]
            assert (result.epoch, result.metric) == (last + 1, metric)
            assert result.submitted == copy["curve"][way[1]]["values"][last]
            assert result.repeated == proof["curve"][way[1]]["values"][last]
        else:
            at: dict[str, tuple[int, str | None]] = {
                "weights_sha256": (5, "weights"),
                "epochs": (6, "train_loss"),
                "learning_rate": (1, None),
                "batch_size": (3, None),
                "epoch": (3, None),
            }
            epoch, named = at[str(last)]
            assert (result.epoch, result.metric) == (epoch, named or result.metric), result
    assert refused_at_once > 20


def test_a_run_of_somebody_else_is_refused_and_its_curve_is_named(
    service: Service, teacher: Context
) -> None:
    exercise, author, copier = create(teacher), pupil_of(teacher, 0), pupil_of(teacher, 1)
    proof = trained(service, author, exercise)
    assert repeated(service, author, exercise, proof).verdict == "accepted"
    seeds = [exercises.get_exercise(pupil, exercise.id).seed for pupil in (author, copier)]
    assert refusal(copier, exercise, proof) == {
        "spec.seed": f"must be {seeds[1]}, the seed of {copier.owner} in this exercise; "
        f"it is {seeds[0]}"
    }
    assert refusal(copier, exercise, {**proof, "owner": author.owner}) == {
        "owner": f"must be {copier.owner}, who submits the proof; the run belongs to {author.owner}"
    }
    proof["spec"]["seed"] = seeds[1]
    assert [*refusal(copier, exercise, proof)] == ["spec.split.seed"]
    proof["spec"]["split"]["seed"] = seeds[1]
    copied = repeated(service, copier, exercise, proof)
    assert (copied.verdict, copied.epoch, copied.same_as) == ("refused", 1, None)
    rows = {row.owner: row for row in attempts(teacher, exercise).attempts}
    assert rows[copier.owner].proof == copied.model_copy(update={"same_as": author.owner})
    assert rows[copier.owner].outcomes == ["met"]
    assert not rows[copier.owner].solved
    (attempt,) = attempts(copier, exercise).attempts
    assert attempt.proof == copied


def test_a_run_of_another_exercise_is_refused(service: Service, teacher: Context) -> None:
    first, second, pupil = create(teacher), create(teacher, batch_size=2), pupil_of(teacher)
    proof = trained(service, pupil, first)
    assert [*refusal(pupil, second, proof)] == ["spec.seed"]
    proof["spec"]["seed"] = proof["spec"]["split"]["seed"] = exercises.get_exercise(
        pupil, second.id
    ).seed
    text = f"must be as in the exercise, where these fields are open: {', '.join(OPEN)}"
    assert refusal(pupil, second, proof) == {"spec.batch_size": text}
    proof["spec"]["batch_size"] = 2
    del proof["spec"]["network"]["layers"][0]
    assert [*refusal(pupil, second, proof)] == ["spec.network.layers"]
    proof["curve"][0]["values"].append(0.5)
    assert refusal(pupil, second, proof) == {"curve": "must have at most 5 epochs, as the spec has"}
    proof["curve"] *= 2
    assert refusal(pupil, second, proof) == {"curve": "must have each metric once"}


def test_a_run_on_other_data_is_refused(service: Service, teacher: Context) -> None:
    rows: dict[str, Any] = {"inputs": [[0, 0], [0, 1], [1, 0], [1, 1]], "targets": [0, 1, 1, 0]}
    exercise, pupil = create(teacher, dataset=rows), pupil_of(teacher)
    proof = trained(service, pupil, exercise)
    assert repeated(service, pupil, exercise, proof).verdict == "accepted"
    other = trained(
        service, pupil, exercise, dataset={**rows, "inputs": [*rows["inputs"][:3], [1, 1.5]]}
    )
    assert [*refusal(pupil, exercise, other)] == ["spec.dataset.inputs[3][1]"]
    other["spec"] = proof["spec"]
    assert refusal(pupil, exercise, other) == {
        "data_sha256": f"must be {proof['data_sha256']}: the run was trained on other data than "
        "the exercise's"
    }


def test_a_run_on_another_processor_is_described_and_not_refused(
    service: Service, teacher: Context
) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    elsewhere = {**trained(service, pupil, exercise), "kernel": "epochal 0.1.0 on an abacus"}
    same = repeated(service, pupil, exercise, elsewhere)
    assert same.verdict == "accepted"
    elsewhere["data_sha256"] = "0" * 64  # its generator draws other last bits
    values = next(c["values"] for c in elsewhere["curve"] if c["metric"] == "train_loss")
    values[1] *= 1 + 1e-6
    values[3] *= 1 + 1e-3
    result = repeated(service, pupil, exercise, elsewhere)
    assert (result.verdict, result.epoch, result.metric) == ("inexact", 4, "train_loss")
    assert result.detail.endswith("the metrics agree to 1e-05 up to epoch 3 of 5.")
    values[3] = values[3] / (1 + 1e-3)
    rounded = repeated(service, pupil, exercise, elsewhere)
    assert (rounded.verdict, rounded.epoch) == ("inexact", None)


def test_a_result_outlasts_the_run(service: Service, teacher: Context) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    made = submit(pupil, exercise, trained(service, pupil, exercise))
    marks.settle(service.database)
    assert service.run(made.jobs[0].id) == "succeeded"
    experiments.delete_experiment(pupil, made.id)
    unfinished = submit(pupil, exercise, trained(service, pupil, exercise, epochs=6))
    experiments.cancel_experiment(pupil, unfinished.id)
    verdicts = [row.proof and row.proof.verdict for row in attempts(pupil, exercise).attempts]
    assert verdicts == ["unknown", "accepted"]


def test_a_proof_is_of_a_job_that_has_succeeded(service: Service) -> None:
    job_id = service.create(XOR)
    with pytest.raises(errors.Conflict, match="The job is queued"):
        exports.get_export(service.context, job_id, GetExportRequest(format="proof"))
    with pytest.raises(errors.InvalidArgument, match="a file of a run has all stored epochs"):
        exports.get_export(service.context, job_id, GetExportRequest(format="proof", epoch=1))


def test_an_exercise_of_two_jobs_takes_no_run(service: Service, teacher: Context) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    proof = trained(service, pupil, exercise)
    job = SPEC["experiment"]["jobs"]["xor"]
    fields = {**SPEC["experiment"], "jobs": {"xor": job, "other": job}}
    spec = ExerciseSpec.model_validate({**SPEC, "experiment": fields})
    two = exercises.create_exercise(teacher, spec, CreateExerciseOptions())
    assert refusal(pupil, two, proof) == {"spec": "must be of one job: the exercise has 2"}


def test_the_same_key_and_proof_are_one_attempt(service: Service, teacher: Context) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    proof = Proof.model_validate(trained(service, pupil, exercise))
    options = SubmitProofOptions(request_id="once")
    first, again = (exercises.submit_proof(pupil, exercise.id, proof, options) for _ in range(2))
    assert first.id == again.id
    other = proof.model_copy(update={"weights_sha256": "0" * 64})
    with pytest.raises(errors.IdempotencyMismatch):
        exercises.submit_proof(pupil, exercise.id, other, options)


def test_an_uploaded_data_set_is_compared_by_its_rows_and_not_by_its_id(
    service: Service, teacher: Context
) -> None:
    def upload(context: Context, last: int) -> dict[str, str]:
        csv = f"a,b,t\n0,0,n\n0,1,y\n1,0,y\n1,{last},n\n"
        request = CreateDatasetRequest(name="xor", csv=csv, target="t")
        return {"id": datasets.create_dataset(context, request).id}

    exercise, pupil = create(teacher, dataset=upload(teacher, 1)), pupil_of(teacher)
    proof = trained(service, pupil, exercise, dataset=upload(service.context, 1))
    assert repeated(service, pupil, exercise, proof).verdict == "accepted"
    other = trained(service, pupil, exercise, dataset=upload(service.context, 2))
    assert [*refusal(pupil, exercise, other)] == ["data_sha256"]
