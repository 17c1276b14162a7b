"""An exercise: who may read it, what an attempt may change, and which marks remain."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from tests.workers.in_process import XOR, Service

from epochal_service import errors
from epochal_service.experiments import exercises as marks
from epochal_service.jobs.reaper import delete_abandoned
from epochal_service.methods import datasets, exercises, experiments, inspection
from epochal_service.methods.context import Context
from epochal_service.specs.datasets import (
    CreateDatasetRequest,
    DatasetPreview,
    ListDatasetsRequest,
    PreviewDatasetRequest,
)
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
from epochal_service.specs.experiments import CreateExperimentOptions, Experiment, ExperimentSpec
from epochal_service.specs.inspection import GetSamplePredictionsRequest
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
    read = exercises.get_exercise(guest, exercise.id)
    assert read == exercise.model_copy(update={"seed": read.seed})
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
        "initial_weights": {"job": job},
        "rollouts": {"reward": {"type": "job", "job": job}},
        "webhooks": [{"url": "https://example.org"}],
    }
    refusals = refused(teacher, experiment={"jobs": {"xor": {**XOR, **private}}})
    prefix = "experiment.jobs.xor."
    assert {*refusals} - {"open[2]"} == {
        "experiment.claims",
        f"{prefix}network",
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


# --------------------------------------------------------------------------- uploaded data sets

CSV = "x,y,label\n" + "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(40))


def upload(context: Context) -> str:
    return datasets.create_dataset(context, CreateDatasetRequest(csv=CSV, name="Own rows")).id


def on_data(dataset: str, validation: str | None = None) -> dict[str, Any]:
    """The experiment of an exercise that trains on uploaded data sets."""
    job = {**XOR, "dataset": {"id": dataset}, "epochs": 2}
    if validation is not None:
        job["validation_dataset"] = {"id": validation}
    return {**SPEC["experiment"], "jobs": {"xor": job}}


def preview(context: Context, dataset: str) -> DatasetPreview:
    return datasets.preview_dataset(context, dataset, PreviewDatasetRequest(rows=2))


def attempt_as_it_is(context: Context, exercise: Exercise) -> Experiment:
    return exercises.attempt_exercise(context, exercise.id, AttemptSpec(), AttemptOptions())


def test_an_exercise_shares_its_uploaded_data_sets_and_no_others(
    service: Service, teacher: Context
) -> None:
    train, validation, private = (upload(teacher) for _ in range(3))
    pupil, guest = pupil_of(teacher), caller(service, "guest")
    for context in (pupil, guest):
        with pytest.raises(errors.NotFound):
            preview(context, train)
    exercise = create(teacher, experiment=on_data(train, validation))
    for context in (pupil, guest):
        for dataset in (train, validation):
            assert preview(context, dataset).inputs == [[0.0, 0.0], [1.0, 1.0]]
        with pytest.raises(errors.NotFound):
            preview(context, private)
        listed = datasets.list_datasets(context, ListDatasetsRequest()).datasets
        assert [row.id for row in listed if not row.builtin] == []
        with pytest.raises(errors.Forbidden):
            datasets.delete_dataset(context, train)
        made = attempt_as_it_is(context, exercise)
        assert made.owner == context.owner
        assert [service.run(job.id) for job in made.jobs] == ["succeeded"]
    results = exercises.get_exercise_results(teacher, exercise.id).results
    assert {row.owner: row.attempts for row in results}["guest"] == 1


def test_only_the_owner_of_a_data_set_shares_it(service: Service, teacher: Context) -> None:
    dataset = upload(teacher)
    create(teacher, experiment=on_data(dataset))
    guest = caller(service, "guest")
    text = refused(guest, experiment=on_data(dataset))["experiment.jobs.xor.dataset.id"]
    assert "only its owner" in text
    of_guest = upload(guest)
    fields = refused(guest, experiment=on_data(of_guest, dataset))
    assert [*fields] == ["experiment.jobs.xor.validation_dataset.id"]
    assert datasets.list_datasets(guest, ListDatasetsRequest()).datasets
    datasets.delete_dataset(guest, of_guest)


def test_a_data_set_is_not_deleted_before_its_exercises(service: Service, teacher: Context) -> None:
    dataset = upload(teacher)
    first, second = (create(teacher, experiment=on_data(dataset)) for _ in range(2))
    for exercise in (first, second):
        with pytest.raises(errors.Conflict, match=r"exr_\w+ shares it") as caught:
            datasets.delete_dataset(teacher, dataset)
        assert caught.value.reason == "dataset_in_use"
        preview(caller(service, "guest"), dataset)
        exercises.delete_exercise(teacher, exercise.id)
    with pytest.raises(errors.NotFound):
        preview(caller(service, "guest"), dataset)
    datasets.delete_dataset(teacher, dataset)


def test_an_attempt_trains_to_its_end_after_the_deletion_of_its_exercise(
    service: Service, teacher: Context
) -> None:
    dataset, guest = upload(teacher), caller(service, "guest")
    exercise = create(teacher, experiment=on_data(dataset))
    made, paused = (attempt_as_it_is(guest, exercise) for _ in range(2))
    exercises.delete_exercise(teacher, exercise.id)
    (job,) = made.jobs
    assert service.run(job.id) == "succeeded"
    seen = inspection.get_sample_predictions(guest, job.id, GetSamplePredictionsRequest(count=2))
    assert len(seen.samples) == 2
    spec = ExperimentSpec.model_validate(on_data(dataset))
    with pytest.raises(errors.InvalidArgument, match="no data set"):
        experiments.create_experiment(guest, spec, CreateExperimentOptions())
    # A job of somebody else does not keep the data set.
    datasets.delete_dataset(teacher, dataset)
    assert service.run(paused.jobs[0].id) == "failed"
    (row,) = experiments.get_experiment(guest, paused.id).jobs
    assert row.detail is not None
    assert dataset in row.detail


def test_a_job_of_its_owner_keeps_a_data_set(service: Service, teacher: Context) -> None:
    dataset = upload(teacher)
    exercise = create(teacher, experiment=on_data(dataset))
    made = attempt_as_it_is(teacher, exercise)
    exercises.delete_exercise(teacher, exercise.id)
    with pytest.raises(errors.Conflict, match=made.jobs[0].id):
        datasets.delete_dataset(teacher, dataset)
