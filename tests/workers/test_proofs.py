"""Homework: a run from elsewhere is repeated, and compared with its proof bit by bit."""

import json
from typing import Any

import pytest
from tests.workers.in_process import XOR, Service
from tests.workers.test_exercises import attempts, pupil_of, teacher

from epochal_service import errors
from epochal_service.methods import exercises, experiments, exports
from epochal_service.methods.context import Context
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
