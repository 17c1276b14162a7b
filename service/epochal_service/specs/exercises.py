"""Requests and replies of the exercise methods. An exercise is an experiment with open fields: who
attempts it chooses these, and the claims tell whether they were chosen well.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from .base import (
    PAGE_SIZE,
    EveryError,
    IdOf,
    Int64,
    Matches,
    Name,
    PageSize,
    PageToken,
    Reply,
    Request,
    RequestId,
    Spec,
)
from .experiments import (
    MAX_JOBS,
    ClaimOutcome,
    ExperimentSpec,
    ExperimentState,
    JobName,
    sorted_jobs,
)
from .proofs import ProofResult
from .training import TrainingSpec

MAX_OPEN = 64
MAX_TEXT = 10_000

OpenField = Annotated[
    str,
    Field(max_length=200),
    Matches(
        r"jobs\.[a-z0-9_-]+(\.[a-z0-9_]+|\[\d+\])+",
        "must be the path of a field of a job, such as jobs.xor.epochs or "
        "jobs.xor.network.layers[0].units",
    ),
]


class ExerciseSpec(Spec):
    """An experiment, the fields of it that are open, and the task in words."""

    title: Name
    """Title of the exercise."""
    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    """The task in words, at most 10,000 characters. Empty by default."""
    experiment: ExperimentSpec
    """The experiment that an attempt trains, with the claims that it should meet. Everybody who
    opens the exercise reads all of it: the open fields hold the values to start from, and not the
    solution.
    """
    open: Annotated[list[OpenField], Field(min_length=1), EveryError(MAX_OPEN)]
    """Paths of the fields that an attempt may change, such as `jobs.xor.epochs` or
    `jobs.xor.network.layers`, with all that is below them. At most 64.
    """


class CreateExerciseOptions(Request):
    """Options besides the spec: a header on HTTP, a field on gRPC."""

    request_id: RequestId | None = None
    """Idempotency key: the same key and the same spec return the same exercise."""


class ListExercisesRequest(Request):
    """Page of a list of exercises."""

    page_size: PageSize = PAGE_SIZE
    page_token: Annotated[PageToken, IdOf("exr")] | None = None


class Exercise(Reply):
    """An exercise."""

    id: str
    """Id of the exercise. Everybody who knows it may read and attempt the exercise."""
    owner: str
    """Owner of the exercise, who sees all attempts: the owner of the API key that created it;
    `local` without a key.
    """
    title: str
    """Title of the exercise."""
    text: str
    """The task in words."""
    experiment: ExperimentSpec | None = None
    """The experiment that an attempt trains, with the values to start from; absent in lists."""
    open: list[str]
    """Paths of the fields that an attempt may change."""
    claims: list[str]
    """The claims that an attempt should meet, in words."""
    seed: Int64
    """Your seed in this exercise: the `seed` of a run that you train elsewhere and submit. Other
    owners have other seeds.
    """
    created_at: datetime
    """Time of creation."""


class ExercisePage(Reply):
    """A page of exercises."""

    exercises: list[Exercise]
    """Exercises, newest first."""
    next_page_token: str | None = None
    """`page_token` of the next page; absent on the last page."""


class AttemptSpec(Spec):
    """An attempt at an exercise."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema["properties"]["jobs"].update(
            additionalProperties=False
        )
    )

    jobs: Annotated[
        dict[JobName, TrainingSpec],
        Field(max_length=MAX_JOBS),
        EveryError(MAX_JOBS),
        AfterValidator(sorted_jobs),
    ] = Field(default_factory=dict)
    """Jobs by name, with other values of the open fields. All other fields must equal the exercise,
    except `name`, `labels` and `webhooks`. An absent job is taken from the exercise.
    """


class AttemptOptions(Request):
    """Options besides the spec: a header on HTTP, a field on gRPC."""

    request_id: RequestId | None = None
    """Idempotency key: the same key and the same spec return the same attempt."""


class ListAttemptsRequest(Request):
    """Page of a list of attempts."""

    page_size: PageSize = PAGE_SIZE
    page_token: Annotated[PageToken, IdOf("exp")] | None = None
    owner: str | None = Field(default=None, max_length=40)
    """Return attempts of this owner."""


class Attempt(Reply):
    """An attempt at an exercise: one experiment."""

    id: str
    """Id of the experiment."""
    owner: str
    """Owner of the attempt."""
    state: ExperimentState | None = None
    """State of the experiment; absent after its deletion."""
    outcomes: list[ClaimOutcome]
    """Outcome of each claim, in the order of the exercise. They outlast the experiment."""
    solved: bool
    """Whether all claims are met, and no proof is refused."""
    proof: ProofResult | None = None
    """Comparison with the proof of the run that it repeats; absent without a proof."""
    created_at: datetime
    """Time of the attempt."""


class AttemptPage(Reply):
    """A page of attempts."""

    attempts: list[Attempt]
    """Attempts, newest first."""
    next_page_token: str | None = None
    """`page_token` of the next page; absent on the last page."""


class OwnerResult(Reply):
    """The results of one owner in an exercise."""

    owner: str
    """Owner of the attempts."""
    attempts: int
    """Number of attempts."""
    best: Attempt | None = None
    """The attempt that met most claims, of several the first; absent without an attempt."""
    last_attempt_at: datetime | None = None
    """Time of the last attempt; absent without one."""


class ExerciseResults(Reply):
    """The owners who attempted an exercise, and their results."""

    claims: list[str]
    """The claims in words."""
    results: list[OwnerResult]
    """One row for each owner, by name. The owner of the exercise sees everybody who attempted it,
    and all members of the class; others see themselves.
    """
