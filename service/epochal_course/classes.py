"""Methods of a class in the course: forms and predictions of pupils, and the board of the teacher.

A class is an owner with members. Its pupils are numbers, and their answers are stored for them
alone: outside of a class, the course stores nothing.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby

import numpy as np

from epochal_service.errors import FieldError, Forbidden, InvalidArgument, NotFound
from epochal_service.methods.context import Context
from epochal_service.methods.exercises import get_exercise_results, list_exercises
from epochal_service.specs.base import timestamp
from epochal_service.specs.exercises import ListExercisesRequest
from epochal_service.store import answers, members
from epochal_service.store import experiments as stored_experiments
from epochal_service.store.database import lock_owner

from . import gains
from .content import forms
from .content.forms import Phase
from .content.sections import TEXTS
from .specs.content.classes import (
    Answer,
    AnswersSpec,
    Board,
    BoardExercise,
    Form,
    FormItem,
    ItemGain,
    PupilData,
    PupilExercise,
    PupilPrediction,
    PupilRow,
    SchoolClass,
)

MAX_EXERCISES = 20
PHASES: tuple[Phase, ...] = ("before", "after")


def get_class(context: Context) -> SchoolClass:
    """Return the class of the caller. A pupil gets the form to answer next: one before the lesson,
    then one after it.
    """
    with context.database.read() as connection:
        name = members.group_of(connection, context.owner)
        if name is None:
            return SchoolClass(role="none", owner=context.owner, pupils=0)
        pupils = members.of(connection, name)
        rows = answers.of(connection, [context.owner])
    is_teacher = name == context.owner
    answered = {row.part for row in rows}
    phase = None if is_teacher else next((p for p in PHASES if p not in answered), None)
    return SchoolClass(
        name=name,
        role="teacher" if is_teacher else "pupil",
        owner=context.owner,
        pupils=len(pupils),
        form=None if phase is None else _form(context.owner, phase),
    )


def _form(pupil: str, phase: Phase) -> Form:
    versions = [(item, forms.version(item, pupil, phase)) for item in forms.items()]
    return Form(
        part=phase,
        items=[FormItem(item=item.id, text=it.text, choices=it.choices) for item, it in versions],
    )


def record_answers(context: Context, request: AnswersSpec) -> SchoolClass:
    """Store answers of a pupil to a form, and predictions in the journey. The first answer to an
    item of a form counts; of a prediction, the first and the last one are stored.

    Raises `NotFound` for a caller in no class, `Forbidden` for a teacher, `InvalidArgument` for an
    item or a choice that does not exist, and for a form with missing items.
    """
    if _role(context) == "teacher":
        raise Forbidden("The answers of a class come from its pupils: use the key of a pupil")
    _check(request.answers, context.owner)
    with context.database.write() as connection:
        lock_owner(connection, context.owner)
        if members.group_of(connection, context.owner) is None:  # deleted since
            raise NotFound(f"{context.owner} is in no class")
        for answer in request.answers:
            answers.put(
                connection,
                owner=context.owner,
                part=answer.part,
                item=answer.item,
                choice=answer.choice,
            )
    return get_class(context)


def _role(context: Context) -> str:
    role = get_class(context).role
    if role == "none":
        raise NotFound(f"{context.owner} is in no class")
    return role


def _check(given: list[Answer], pupil: str) -> None:
    errors = []
    for index, answer in enumerate(given):
        counts = _choices(answer, pupil)
        path = f"answers[{index}]"
        if answer.item not in counts:
            errors.append(FieldError(f"{path}.item", f"must be one of {', '.join(counts)}"))
        elif answer.choice is None and answer.part != "chapter":
            errors.append(FieldError(f"{path}.choice", "must be given for an item of a form"))
        elif answer.choice is not None and answer.choice >= counts[answer.item]:
            text = f"must be less than {counts[answer.item]}, the number of choices"
            errors.append(FieldError(f"{path}.choice", text))
    for phase in PHASES:
        items = {answer.item for answer in given if answer.part == phase}
        missing = [item.id for item in forms.items() if item.id not in items]
        if items and missing and not errors:
            text = f"must have all items of the form {phase}: {', '.join(missing)} is missing"
            errors.append(FieldError("answers", text))
    if errors:
        raise InvalidArgument.of(*errors)


def _choices(answer: Answer, pupil: str) -> dict[str, int]:
    """Return the items of the part of an answer, with the number of their choices."""
    if answer.part == "chapter":
        return {section: len(text["prediction"]["choices"]) for section, text in TEXTS.items()}
    return {item.id: len(forms.version(item, pupil, answer.part).choices) for item in forms.items()}


def get_class_board(context: Context) -> Board:
    """Return the class as its teacher sees it: where each pupil is, predictions, attempts, and the
    gain between both forms. The interval is a percentile bootstrap over pupils.

    Raises `NotFound` for a caller in no class, `Forbidden` for a pupil.
    """
    pupils = _pupils(context, "sees the board")
    exercises = _exercises(context)
    with context.database.read() as connection:
        rows = answers.of(connection, pupils)
        stored = PupilData(pupils=len(pupils), **members.count_rows(connection, context.owner))
    given: dict[str, list[answers.AnswerRow]] = defaultdict(list)
    for owner, group in groupby(rows, key=lambda row: row.owner):
        given[owner] = [*group]
    right = {name: _right(name, given[name]) for name in pupils}
    paired = [phases for phases in right.values() if len(phases) == 2]
    shape = (len(paired), len(forms.items()))
    sides = [np.array([p[phase] for p in paired], bool).reshape(shape) for phase in PHASES]
    computed = gains.gains(*sides)
    return Board(
        name=context.owner,
        pupils=[
            _row(name, given[name], right[name], [of[name] for _, of in exercises])
            for name in pupils
        ],
        exercises=[exercise for exercise, _ in exercises],
        paired=len(paired),
        gains=[
            *(
                ItemGain(
                    item=item.id,
                    title=item.title,
                    misconception=item.misconception,
                    sources=item.sources,
                    **gain._asdict(),
                )
                for item, gain in zip(forms.items(), computed[:-1], strict=True)
            ),
            ItemGain(
                item="all",
                title="All items",
                misconception="",
                sources=[],
                **computed[-1]._asdict(),
            ),
        ],
        statement=gains.statement(
            computed[-1],
            pupils=len(paired),
            unpaired=sum(len(phases) == 1 for phases in right.values()),
        ),
        stored=stored,
    )


def delete_class(context: Context) -> None:
    """Delete the pupils of the class with everything of theirs: API keys, jobs with curves and
    weights, attempts, answers, data sets and exercises. A job that is training stops. The teacher's
    own key, jobs and exercises stay.

    Raises `NotFound` for a caller in no class, `Forbidden` for a pupil.
    """
    _pupils(context, "deletes the class")
    with context.database.write() as connection:
        members.delete_with_rows(connection, context.owner)


def _pupils(context: Context, right: str) -> tuple[str, ...]:
    """Return the pupils of the teacher who calls."""
    if _role(context) == "pupil":
        raise Forbidden(f"Only the teacher {right}: this API key belongs to {context.owner}")
    with context.database.read() as connection:
        return members.of(connection, context.owner)


def _right(pupil: str, rows: list[answers.AnswerRow]) -> dict[Phase, list[bool]]:
    """Return which answers of each complete form are right, by the phase."""
    first = {(row.part, row.item): row.first for row in rows}
    return {
        phase: [
            first[phase, item.id] == forms.version(item, pupil, phase).answer
            for item in forms.items()
        ]
        for phase in PHASES
        if all((phase, item.id) in first for item in forms.items())
    }


def _exercises(context: Context) -> list[tuple[BoardExercise, dict[str, PupilExercise]]]:
    """Return the exercises of the teacher, each with the attempts by owner."""
    page = list_exercises(context, ListExercisesRequest(page_size=MAX_EXERCISES))
    result = []
    for exercise in page.exercises:
        if exercise.owner != context.owner:
            continue
        rows = get_exercise_results(context, exercise.id).results
        with context.database.read() as connection:
            best = [row.best.id for row in rows if row.best]
            jobs = stored_experiments.first_jobs(connection, best)
        by_owner = {
            row.owner: PupilExercise(
                exercise=exercise.id,
                attempts=row.attempts,
                solved=row.best is not None and row.best.solved,
                job=None if row.best is None else jobs.get(row.best.id),
            )
            for row in rows
        }
        result.append((BoardExercise(id=exercise.id, title=exercise.title), by_owner))
    return result


def _row(
    pupil: str,
    rows: list[answers.AnswerRow],
    right: dict[Phase, list[bool]],
    exercises: list[PupilExercise],
) -> PupilRow:
    chapters = [row for row in rows if row.part == "chapter"]
    by_section = {row.item: row for row in chapters}
    return PupilRow(
        owner=pupil,
        section=chapters[-1].item if chapters else None,
        seen_at=timestamp(max((row.updated_at for row in rows), default=None)),
        before=right.get("before", []),
        after=right.get("after", []),
        predictions=[
            PupilPrediction(section=name, first=row.first, last=row.last)
            for name in TEXTS
            if (row := by_section.get(name))
        ],
        exercises=exercises,
    )
