"""Requests and replies about a class in the course: forms, answers and the board."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from epochal_service.specs.base import EveryError, Reply, Spec

MAX_ANSWERS = 32


class FormItem(Reply):
    """A question of a form."""

    item: str
    """Id of the item, for `POST /course/v1/class/answers`."""
    text: str
    """Text of the question."""
    choices: list[str]
    """Choices, in order. One of them is right."""


class Form(Reply):
    """Questions before or after a lesson."""

    part: Literal["before", "after"]
    """Whether it is answered before or after the lesson."""
    items: list[FormItem]
    """Questions, in order."""


class SchoolClass(Reply):
    """The class that the caller is in."""

    name: str | None = None
    """Name of the class; absent if the caller is in no class."""
    role: Literal["teacher", "pupil", "none"]
    """Role of the caller in the class; `none` without one."""
    owner: str
    """Owner of the caller's API key."""
    pupils: int
    """Number of pupils."""
    form: Form | None = None
    """The next form of a pupil; absent if both are answered, and for a teacher."""


class Answer(Spec):
    """An answer of a pupil."""

    part: Literal["before", "after", "chapter"]
    """`before` and `after` are forms, `chapter` is the prediction of a section of the journey."""
    item: Annotated[str, Field(min_length=1, max_length=40)]
    """Id of the item, or of the section."""
    choice: Annotated[int, Field(ge=0)] | None = None
    """Index of the choice, counted from 0. Absent if the pupil only opened the section."""


class AnswersSpec(Spec):
    """Answers of a pupil, which are stored together."""

    answers: Annotated[list[Answer], Field(min_length=1), EveryError(MAX_ANSWERS)]
    """Answers, at most 32."""


class ItemGain(Reply):
    """The share of right answers to an item before and after, of the pupils with both forms."""

    item: str
    """Id of the item; `all` for all of them."""
    title: str
    """Title of the item."""
    misconception: str
    """The misconception that the item is about."""
    sources: list[str]
    """Sources of the misconception."""
    before: float | None = None
    """Share of right answers before, in [0, 1]; absent without a pupil."""
    after: float | None = None
    """Share of right answers after, in [0, 1]."""
    difference: float | None = None
    """`after` minus `before`."""
    low: float | None = None
    """Lower bound of the 95 % bootstrap interval of the difference; absent with fewer than 10
    pupils, and if all pupils have the same difference.
    """
    high: float | None = None
    """Upper bound of that interval."""


class PupilPrediction(Reply):
    """The prediction of a pupil in a section of the journey."""

    section: str
    """Id of the section."""
    first: int | None = None
    """First choice; absent if the pupil only opened the section."""
    last: int | None = None
    """Last choice before the answer was shown."""


class PupilExercise(Reply):
    """The attempts of a pupil at an exercise of the class."""

    exercise: str
    """Id of the exercise."""
    attempts: int
    """Number of attempts."""
    solved: bool
    """Whether an attempt met all claims."""
    job: str | None = None
    """First job of the best attempt; absent without one, and after its deletion."""


class PupilRow(Reply):
    """A pupil on the board."""

    owner: str
    """Owner of the pupil's API key: a number of the class, and no name."""
    section: str | None = None
    """The section that the pupil opened or answered last; absent without one."""
    seen_at: datetime | None = None
    """Time of the last answer."""
    before: list[bool]
    """Whether the first answer to each item was right before the lesson, in the order of `gains`;
    empty until the form is answered.
    """
    after: list[bool]
    """The same after the lesson."""
    predictions: list[PupilPrediction]
    """Predictions, in the order of the journey."""
    exercises: list[PupilExercise]
    """Attempts at each exercise of the class."""


class BoardExercise(Reply):
    """An exercise of the class."""

    id: str
    """Id of the exercise."""
    title: str
    """Title of the exercise."""


class PupilData(Reply):
    """Numbers of the rows of the pupils, which the deletion deletes."""

    pupils: int
    """Pupils, with all of their API keys."""
    jobs: int
    """Jobs and sweeps, with curves and weights."""
    attempts: int
    """Attempts at exercises, with their marks."""
    answers: int
    """Answers to forms and predictions."""
    other: int
    """Exercises, data sets, networks, models and uploads of pupils."""


class Board(Reply):
    """The class as its teacher sees it."""

    name: str
    """Name of the class."""
    pupils: list[PupilRow]
    """Pupils, by number."""
    exercises: list[BoardExercise]
    """The newest exercises of the teacher, at most 20."""
    paired: int
    """Number of pupils with both forms: the others do not count in `gains`."""
    gains: list[ItemGain]
    """Gain of each item, and of all items at the end."""
    statement: str
    """The gains in words, and whether the class is too small to say anything."""
    stored: PupilData
    """The rows that `DELETE /course/v1/class` deletes."""
