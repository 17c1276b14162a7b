"""A class in the course: forms, predictions, the board of the teacher, and the deletion."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from tests.workers.in_process import XOR, Service
from tests.workers.test_exercises import create, pupil_of, teacher, trained

from epochal_course import classes
from epochal_course.content import forms
from epochal_course.specs.content.classes import AnswersSpec, Board, SchoolClass
from epochal_service import errors
from epochal_service.access import keys
from epochal_service.methods import exercises, experiments, jobs
from epochal_service.methods.context import Context
from epochal_service.specs.jobs import CreateJobOptions, ListJobsRequest
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access, answers, api_keys, members
from epochal_service.store.database import lock_owner

__all__ = ["teacher"]  # a fixture


def record(context: Context, *given: dict[str, Any]) -> SchoolClass:
    return classes.record_answers(context, AnswersSpec.model_validate({"answers": [*given]}))


def answer_form(context: Context, part: forms.Phase, right: int) -> SchoolClass:
    """Answer a form with the first items right and the others wrong."""
    given = []
    for index, item in enumerate(forms.items()):
        version = forms.version(item, context.owner, part)
        choice = version.answer if index < right else (version.answer + 1) % len(version.choices)
        given.append({"part": part, "item": item.id, "choice": choice})
    return record(context, *given)


def wrong(context: Context, *given: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(errors.InvalidArgument) as caught:
        record(context, *given)
    return {error.field: error.description for error in caught.value.errors}


def board_of(teacher: Context) -> Board:
    return classes.get_class_board(teacher)


def test_a_pupil_answers_one_form_before_and_the_other_one_after(teacher: Context) -> None:
    odd, even = pupil_of(teacher), pupil_of(teacher, 1)
    before = classes.get_class(odd).form
    assert before is not None
    assert (before.part, len(before.items)) == ("before", 4)
    assert before.items[0].text == forms.items()[0].a.text
    other = classes.get_class(even).form
    assert other is not None
    assert other.items[0].text == forms.items()[0].b.text
    after = answer_form(odd, "before", 1).form
    assert after is not None
    assert after.part == "after"
    assert after.items == [item.model_copy() for item in other.items]
    assert answer_form(odd, "after", 3).form is None


def test_the_board_has_the_gain_of_pupils_with_both_forms(teacher: Context) -> None:
    assert board_of(teacher).statement == "No pupil has answered both forms yet."
    first, second = pupil_of(teacher), pupil_of(teacher, 1)
    answer_form(first, "before", 1)
    answer_form(first, "after", 3)
    answer_form(first, "after", 0)  # the first answer counts
    answer_form(second, "before", 4)
    board = board_of(teacher)
    assert board.paired == 1
    assert [(gain.before, gain.after) for gain in board.gains] == [
        (1, 1),
        (0, 1),
        (0, 1),
        (0, 0),
        (0.25, 0.75),
    ]
    assert board.gains[0].sources
    assert board.gains[-1].low is None
    assert "too few to say anything" in board.statement
    before, after = [True, False, False, False], [True, True, True, False]
    assert [(row.before, row.after) for row in board.pupils] == [(before, after), ([True] * 4, [])]


def test_the_board_says_where_a_pupil_is_and_what_was_predicted(teacher: Context) -> None:
    pupil = pupil_of(teacher)
    record(pupil, {"part": "chapter", "item": "loss", "choice": 2})
    record(pupil, {"part": "chapter", "item": "neuron", "choice": 0})
    record(pupil, {"part": "chapter", "item": "neuron", "choice": 1})
    record(pupil, {"part": "chapter", "item": "loss"})
    row, other = board_of(teacher).pupils
    assert (row.section, [p.section for p in row.predictions]) == ("loss", ["neuron", "loss"])
    assert [(p.first, p.last) for p in row.predictions] == [(0, 1), (2, 2)]
    assert (other.section, other.seen_at, other.predictions) == (None, None, [])


def test_wrong_answers_are_refused_with_their_fields(teacher: Context) -> None:
    pupil = pupil_of(teacher)
    chapter = {"part": "chapter", "item": "neuron"}
    assert wrong(pupil, {**chapter, "choice": 3}) == {
        "answers[0].choice": "must be less than 3, the number of choices"
    }
    assert "answers[1].item" in wrong(pupil, chapter, {**chapter, "item": "storage"})
    assert "answers[0].choice" in wrong(pupil, {"part": "before", "item": "storage"})
    assert (
        "is missing" in wrong(pupil, {"part": "before", "item": "storage", "choice": 0})["answers"]
    )
    assert board_of(teacher).stored.answers == 0


def test_others_have_no_class_and_pupils_no_board(service: Service, teacher: Context) -> None:
    guest = replace(service.context, access=Access("guest"))
    assert (classes.get_class(guest).role, classes.get_class(guest).name) == ("none", None)
    for method in (classes.get_class_board, classes.delete_class):
        with pytest.raises(errors.NotFound, match="guest is in no class"):
            method(guest)
    for method in (classes.get_class_board, classes.delete_class):
        with pytest.raises(errors.Forbidden, match="Only the teacher"):
            method(pupil_of(teacher))
    with pytest.raises(errors.Forbidden, match="come from its pupils"):
        record(teacher, {"part": "chapter", "item": "neuron"})


def test_the_board_has_attempts_and_the_run_of_the_best_one(
    service: Service, teacher: Context
) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    trained(service, pupil, exercise, 2)
    solved = trained(service, pupil, exercise, 5)
    row, other = board_of(teacher).pupils
    (mark,) = row.exercises
    assert (mark.exercise, mark.attempts, mark.solved) == (exercise.id, 2, True)
    assert mark.job == solved.jobs[0].id
    assert (other.exercises[0].attempts, other.exercises[0].job) == (0, None)


def test_an_answer_that_is_being_stored_is_deleted_too(service: Service, teacher: Context) -> None:
    pupil = pupil_of(teacher)
    with ThreadPoolExecutor(1) as pool:
        with service.database.write() as connection:
            lock_owner(connection, pupil.owner)
            deletion = pool.submit(classes.delete_class, teacher)
            with pytest.raises(TimeoutError):
                deletion.result(0.3)
            answers.put(connection, owner=pupil.owner, part="chapter", item="loss", choice=1)
        deletion.result(30)
    with service.database.read() as connection:
        assert answers.of(connection, [pupil.owner]) == []


def test_a_deleted_class_leaves_nothing_of_its_pupils(service: Service, teacher: Context) -> None:
    exercise, pupil = create(teacher), pupil_of(teacher)
    with service.database.write() as connection:
        key = keys.insert(connection, "class", owner=pupil.owner, scope="train", days=None)
    done = trained(service, pupil, exercise, 5)
    create(pupil)
    answer_form(pupil, "before", 1)
    spec, options = TrainingSpec.model_validate(XOR), CreateJobOptions()
    running = jobs.create_job(pupil, spec, options)
    remaining = jobs.create_job(teacher, spec, options)
    stored = board_of(teacher).stored
    assert (stored.pupils, stored.jobs, stored.attempts, stored.answers) == (2, 2, 1, 4)
    assert stored.other == 1
    deleted = 0

    def delete_at_first() -> bool:
        nonlocal deleted
        deleted += 1
        if deleted == 1:
            classes.delete_class(teacher)
        return False

    service.run(running.id, delete_at_first, flush_seconds=1e-9)
    assert deleted
    with service.database.read() as connection:
        assert members.of(connection, teacher.owner) == ()
        assert not any(members.count_rows(connection, teacher.owner).values())
        assert api_keys.find_valid(connection, key.split("_")[1]) is None
    assert not jobs.list_jobs(pupil, ListJobsRequest()).jobs
    with pytest.raises(errors.NotFound):
        experiments.get_experiment(pupil, done.id)
    assert exercises.get_exercise_results(teacher, exercise.id).results == []
    assert [job.id for job in jobs.list_jobs(teacher, ListJobsRequest()).jobs] == [remaining.id]
    assert classes.get_class(teacher).role == "none"
