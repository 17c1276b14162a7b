"""An exercise: who may read it, what an attempt may change, and which marks remain."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from tests.workers.in_process import XOR, Service

from epochal_service import errors
from epochal_service.jobs import exercises as marks
from epochal_service.jobs.reaper import delete_abandoned
from epochal_service.methods import exercises, experiments
from epochal_service.methods.context import Context
from epochal_service.specs.exercises import (
    AttemptOptions,
    AttemptPage,
    AttemptSpec,
    CreateExerciseOptions,
    Exercise,
    ExerciseSpec,
    ListAttemptsRequest,
    ListExercisesRequest,
)
from epochal_service.specs.experiments import Experiment
from epochal_service.store import Access, members

SPEC: dict[str, Any] = {
    "title": "Train longer",
    "experiment": {
        "jobs": {"xor": {**XOR, "epochs": 2}},
        "claims": [
            {"job": "xor", "metric": "epochs", "at_least": 4},
            {"job": "xor", "metric": "parameters", "at_most": 1000},
        ],
    },
    "open": ["jobs.xor.epochs", "jobs.xor.optimizer.learning_rate", "jobs.xor.network.layers[0]"],
}


_numbers = count()


@pytest.fixture
def teacher(service: Service) -> Context:
    name = f"class-{next(_numbers)}"
    pupils = f"{name}.01", f"{name}.02"
    with service.database.write() as connection:
        members.insert(connection, name, pupils)
    return replace(service.context, access=Access(name, pupils))


def caller(service: Service, owner: str) -> Context:
    return replace(service.context, access=Access(owner))


def pupil_of(teacher: Context, index: int = 0) -> Context:
    return replace(teacher, access=Access(teacher.access.members[index]))


def create(context: Context, **changes: Any) -> Exercise:
    spec = ExerciseSpec.model_validate(SPEC | changes)
    return exercises.create_exercise(context, spec, CreateExerciseOptions())


def attempt(
    context: Context, exercise: Exercise, request_id: str | None = None, **changes: Any
) -> Experiment:
    jobs = {"xor": {**SPEC["experiment"]["jobs"]["xor"], **changes}}
    options = AttemptOptions(request_id=request_id)
    spec = AttemptSpec.model_validate({"jobs": jobs})
    return exercises.attempt_exercise(context, exercise.id, spec, options)


def trained(service: Service, context: Context, exercise: Exercise, epochs: int) -> Experiment:
    made = attempt(context, exercise, epochs=epochs)
    for job in made.jobs:
        assert service.run(job.id) == "succeeded"
    return experiments.get_experiment(context, made.id)


def attempts(context: Context, exercise: Exercise, **request: Any) -> AttemptPage:
    return exercises.list_attempts(context, exercise.id, ListAttemptsRequest(**request))


def refused(context: Context, **changes: Any) -> dict[str, str]:
    with pytest.raises(errors.InvalidArgument) as caught:
        create(context, **changes)
    return {error.field: error.description for error in caught.value.errors}


def test_who_knows_the_id_attempts_it_and_its_owner_sees_the_marks(
    service: Service, teacher: Context
) -> None:
    exercise = create(teacher)
    guest, pupil = caller(service, "guest"), pupil_of(teacher)
    assert exercises.get_exercise(guest, exercise.id) == exercise
    first = trained(service, pupil, exercise, 3)
    assert (first.exercise, first.owner, first.name) == (exercise.id, pupil.owner, "Train longer")
    assert [claim.outcome for claim in first.claims] == ["missed", "met"]
    second, of_guest = trained(service, pupil, exercise, 4), trained(service, guest, exercise, 2)
    results = exercises.get_exercise_results(teacher, exercise.id).results
    assert [(row.owner, row.attempts) for row in results] == [
        (pupil.owner, 2),
        (teacher.access.members[1], 0),
        ("guest", 1),
    ]
    assert results[0].best is not None
    assert (results[0].best.id, results[0].best.solved) == (second.id, True)
    assert results[1].best is None
    assert results[2].best is not None
    assert results[2].best.outcomes == ["missed", "met"]
    page = attempts(teacher, exercise)
    assert [row.id for row in page.attempts] == [of_guest.id, second.id, first.id]
    assert [row.id for row in attempts(teacher, exercise, owner="guest").attempts] == [of_guest.id]


def test_others_see_their_own_attempts_alone(service: Service, teacher: Context) -> None:
    exercise = create(teacher)
    pupil = pupil_of(teacher).owner
    made = {name: attempt(caller(service, name), exercise) for name in (pupil, "guest")}
    for name, experiment in made.items():
        page = attempts(caller(service, name), exercise)
        assert [row.id for row in page.attempts] == [experiment.id]
        (row,) = exercises.get_exercise_results(caller(service, name), exercise.id).results
        assert (row.owner, row.attempts) == (name, 1)
    assert attempts(caller(service, "guest"), exercise, owner=pupil).attempts == []


def test_a_class_lists_the_exercises_of_its_teacher(service: Service, teacher: Context) -> None:
    exercise = create(teacher)

    def listed(context: Context) -> list[str]:
        page = exercises.list_exercises(context, ListExercisesRequest())
        return [row.id for row in page.exercises]

    first, second = pupil_of(teacher), pupil_of(teacher, 1)
    assert (listed(second), listed(caller(service, "guest"))) == ([exercise.id], [])
    of_pupil = create(second)
    page = exercises.list_exercises(teacher, ListExercisesRequest())
    assert [row.id for row in page.exercises] == [of_pupil.id, exercise.id]
    assert page.exercises[0].experiment is None
    assert listed(first) == [exercise.id]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"seed": 1}, ["jobs.xor.seed"]),
        ({"dataset": {"name": "two_moons"}}, ["jobs.xor.dataset.name"]),
        ({"optimizer": {"type": "sgd"}}, ["jobs.xor.optimizer.beta_1", "jobs.xor.optimizer.type"]),
    ],
)
def test_a_field_that_is_not_open_is_refused_by_its_path(
    teacher: Context, changes: dict[str, Any], fields: list[str]
) -> None:
    exercise = create(teacher)
    with pytest.raises(errors.InvalidArgument) as caught:
        attempt(teacher, exercise, **changes)
    named = {error.field for error in caught.value.errors}
    assert {*fields} <= named
    assert "fields are open: jobs.xor.epochs" in caught.value.errors[0].description
    assert attempts(teacher, exercise).attempts == []


def test_an_open_item_of_a_list_leaves_the_others_closed(teacher: Context) -> None:
    exercise = create(teacher)
    first, *others = XOR["network"]["layers"]
    wider = {**XOR["network"], "layers": [{**first, "units": 9}, *others]}
    assert attempt(teacher, exercise, network=wider).exercise == exercise.id
    assert attempt(teacher, exercise, name="Mine", labels={"try": "1"}).exercise == exercise.id
    longer = {**XOR["network"], "layers": [first, *others, others[-1]]}
    with pytest.raises(errors.InvalidArgument) as caught:
        attempt(teacher, exercise, network=longer)
    assert [error.field for error in caught.value.errors] == ["jobs.xor.network.layers"]


def test_an_unknown_job_is_refused_and_an_absent_one_is_that_of_the_exercise(
    teacher: Context,
) -> None:
    exercise = create(teacher)
    spec = AttemptSpec.model_validate({"jobs": {"other": XOR}})
    with pytest.raises(errors.InvalidArgument, match="which has xor") as caught:
        exercises.attempt_exercise(teacher, exercise.id, spec, AttemptOptions())
    assert [error.field for error in caught.value.errors] == ["jobs.other"]
    made = exercises.attempt_exercise(teacher, exercise.id, AttemptSpec(), AttemptOptions())
    assert [(job.job, job.epochs) for job in made.jobs] == [("xor", 2)]


def test_an_exercise_that_others_could_not_attempt_is_refused(teacher: Context) -> None:
    job = "job_0649f2a51c3d0_9f86d081884c7d65"
    private = {
        "network": {"id": "net_1"},
        "dataset": {"id": "data_1"},
        "initial_weights": {"job": job},
        "rollouts": {"reward": {"type": "job", "job": job}},
        "webhooks": [{"url": "https://example.org"}],
    }
    refusals = refused(teacher, experiment={"jobs": {"xor": {**XOR, **private}}})
    prefix = "experiment.jobs.xor."
    assert {*refusals} - {"open[2]"} == {
        "experiment.claims",
        f"{prefix}network",
        f"{prefix}dataset",
        f"{prefix}initial_weights.job",
        f"{prefix}rollouts.reward.job",
        f"{prefix}webhooks",
    }
    for path in ("jobs.xor.depth", "jobs.and.epochs", "jobs.xor.network.layers[7]"):
        assert path in refused(teacher, open=[path])["open[0]"]
    claim = {"job": "xor", "metric": "validation_loss", "below": 1}
    wrong = {**SPEC["experiment"], "claims": [claim]}
    assert "experiment.claims[0].metric" in refused(teacher, experiment=wrong)
    inputs = [[float(i), 0.5] for i in range(90_000)]
    rows = {"inputs": inputs, "targets": [[i % 2] for i in range(90_000)]}
    large = {**SPEC["experiment"], "jobs": {"xor": {**XOR, "dataset": rows}}}
    assert "bytes as JSON" in refused(teacher, experiment=large)["experiment"]


def test_the_owner_alone_deletes_it_and_the_experiments_remain(
    service: Service, teacher: Context
) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    made = trained(service, pupil, exercise, 4)
    with pytest.raises(errors.Forbidden, match=teacher.owner):
        exercises.delete_exercise(pupil, exercise.id)
    exercises.delete_exercise(teacher, exercise.id)
    for call in (exercises.get_exercise, exercises.get_exercise_results, exercises.delete_exercise):
        with pytest.raises(errors.NotFound):
            call(teacher, exercise.id)
    with pytest.raises(errors.NotFound):
        attempt(pupil, exercise)
    assert experiments.get_experiment(pupil, made.id).claims[0].outcome == "met"
    marks.settle(service.database)


def test_marks_outlast_the_runs(service: Service, teacher: Context) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    solved, expired = (trained(service, pupil, exercise, 4) for _ in range(2))
    running = attempt(pupil, exercise)
    experiments.delete_experiment(pupil, solved.id)
    marks.settle(service.database)
    for job in expired.jobs:
        with service.database.write() as connection:
            connection.exec_driver_sql(
                "UPDATE jobs SET owner = '', state = 'deleted', experiment_id = NULL"
                f" WHERE id = '{job.id}'"
            )
    delete_abandoned(service.database, 1)
    rows = attempts(teacher, exercise).attempts
    assert [(row.id, row.state, row.solved) for row in rows] == [
        (running.id, "running", False),
        (expired.id, None, True),
        (solved.id, None, True),
    ]
    assert rows[0].outcomes == ["pending", "pending"]


def test_a_repeated_request_is_one_attempt(teacher: Context) -> None:
    exercise, other = create(teacher), create(teacher)
    made = attempt(teacher, exercise, request_id="one")
    assert attempt(teacher, exercise, request_id="one").id == made.id
    with pytest.raises(errors.IdempotencyMismatch):
        attempt(teacher, other, request_id="one")
    assert len(attempts(teacher, exercise).attempts) == 1


def test_attempts_and_exercises_of_one_owner_are_limited(
    service: Service, teacher: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "MAX_ATTEMPTS", 1)
    exercise = create(teacher)
    attempt(teacher, exercise)
    with pytest.raises(errors.QuotaExceeded, match="at most 1 attempts"):
        attempt(teacher, exercise)
    attempt(caller(service, "guest"), exercise)
    quotas = teacher.settings.quotas.model_copy(update={"max_exercises": 1})
    limited = teacher.settings.model_copy(update={"quotas": quotas})
    with pytest.raises(errors.QuotaExceeded, match="max_exercises"):
        create(replace(teacher, settings=limited))
