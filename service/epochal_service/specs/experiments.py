"""Requests and replies of the experiment methods. An experiment is several jobs and claims about
their results.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

from .base import (
    PAGE_SIZE,
    Cursor,
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
    Seed,
    Spec,
)
from .jobs import EpochRow, JobState, StopReason
from .proofs import ProofResult
from .training import TrainingSpec

MAX_JOBS = 16
MAX_RUNS = 64
"""Jobs of an experiment times its seeds."""
MAX_CLAIMS = 64

JobName = Annotated[
    str,
    Matches(
        r"[a-z0-9][a-z0-9_-]{0,39}",
        "must have up to 40 lowercase letters, digits, _ and -, and begin with a letter or digit, "
        "such as two-layers",
    ),
]
ClaimMetric = Literal[
    "train_loss",
    "validation_loss",
    "train_accuracy",
    "validation_accuracy",
    "gradient_norm",
    "epochs",
    "parameters",
    "train_exact_match",
    "validation_exact_match",
    "steps",
    "reward",
    "kl",
    "valid",
    "nearest_neighbor_accuracy",
    "novelty",
    "class_accuracy",
    "bits_per_character",
]
ClaimBaseline = Literal["constant", "linear", "bigram", "trigram", "four_gram", "initial"]
ClaimEpoch = Literal["answer", "last", "best", "every"]
ClaimOutcome = Literal["pending", "met", "missed", "unknown"]
ExperimentState = Literal["running", "succeeded", "failed", "cancelled"]


class ClaimSpec(Spec):
    """A claim about one number: a metric of a job, or its difference of two jobs. It has a lower
    bound, an upper bound, or both.
    """

    job: JobName
    """Name of the job."""
    minus: JobName | None = None
    """Name of another job, to subtract its value. None by default."""
    minus_baseline: ClaimBaseline | None = None
    """Baseline of the job, to subtract its loss, see `baselines` of a job. None by default."""
    metric: ClaimMetric
    """Name of the metric; `epochs` is the number of trained epochs, `steps` the number of weight
    updates in them, `parameters` the number of trainable parameters. `nearest_neighbor_accuracy` of
    a diffusion network is how often the nearest neighbor of a sample that it generates, or of a
    validation sample, is of the same kind: about 0.5 if they are alike, at most 1. `novelty` is the
    fraction of 200 generated texts that end and are not a row of the data set. `class_accuracy` is
    the fraction of 200 samples of a diffusion network that `classifier` assigns to the class that
    they were generated for; of fewer samples with more than 250 steps. `bits_per_character` is the
    loss of a language model in bits for each character of its text, which compares vocabularies: of
    the validation part, or of the training part without one.
    """
    classifier: JobName | None = None
    """Name of the job that classifies generated samples, for `class_accuracy`. None by default."""
    position: Annotated[int, Field(ge=0)] | None = None
    """Position in a sequence, or index of a number that is predicted, from 0, to which a loss or an
    accuracy of the answering weights is limited. All of them by default.
    """
    epoch: ClaimEpoch = "answer"
    """Epoch of the value. Default `answer`."""
    within_epochs: Annotated[int, Field(ge=1)] | None = None
    """Number of epochs over which a loss falls, or another metric rises: the value is the largest
    such improvement. At least 1. None by default.
    """
    at_least: float | None = None
    """Smallest value that meets the claim."""
    above: float | None = None
    """Bound that the value must exceed."""
    at_most: float | None = None
    """Largest value that meets the claim."""
    below: float | None = None
    """Bound that the value must stay below."""
    text: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The claim in words, to show. None by default."""


def sorted_jobs(jobs: dict[str, TrainingSpec]) -> dict[str, TrainingSpec]:
    """Return the jobs by name: a map has no order on gRPC."""
    return dict(sorted(jobs.items()))


class ExperimentSpec(Spec):
    """Jobs by name, seeds, and claims about the results."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema["properties"]["jobs"].update(
            additionalProperties=False
        )
    )

    name: Name | None = None
    """Display name of the experiment."""
    seeds: list[Seed] = Field(default_factory=lambda: [0], min_length=1, max_length=MAX_RUNS)
    """Seeds of the runs, all different. Each run trains every job, with this number added to the
    seed of the job, of its split and of its generated data. Default 0 alone.
    """
    jobs: Annotated[
        dict[JobName, TrainingSpec],
        Field(min_length=1, max_length=MAX_JOBS),
        EveryError(MAX_JOBS),
        AfterValidator(sorted_jobs),
    ]
    """Jobs by name: at most 16, and at most 64 times the number of seeds. The name of another job
    in `initial_weights` or `rollouts.reward`, or as `classifier` of a claim about the job, lets a
    job wait for that one.
    """
    claims: Annotated[list[ClaimSpec], EveryError(MAX_CLAIMS)] = Field(
        default_factory=list, max_length=MAX_CLAIMS
    )
    """Claims about the results of each run, at most 64."""


class CreateExperimentOptions(Request):
    """Options besides the spec: a header on HTTP, a field on gRPC."""

    request_id: RequestId | None = None
    """Idempotency key: the same key and the same spec return the same experiment."""


class ListExperimentsRequest(Request):
    """Page of a list of experiments."""

    page_size: PageSize = PAGE_SIZE
    page_token: Annotated[PageToken, IdOf("exp")] | None = None
    owner: str | None = Field(default=None, max_length=40)
    """Return experiments of this owner, such as a member of the caller's class."""


class WatchExperimentRequest(Request):
    """Cursor of a stream."""

    after: Cursor | None = None
    """The `seq` of the last event that the client has: nothing is sent before there is a change.
    Without it, the stream starts with the experiment.
    """


class ExperimentJob(Reply):
    """One job of an experiment."""

    id: str
    """Id of the job."""
    job: str
    """Name of the job in the experiment."""
    seed: Int64
    """Seed of the run."""
    needs: list[str]
    """Names of the jobs that it waits for: the job that it starts from, its reward model, and the
    classifiers of its samples.
    """
    state: JobState
    """State of the job."""
    stop_reason: StopReason | None = None
    """Reason of the end; absent before it."""
    detail: str | None = None
    """Explanation of the end, if there is more to say than the reason."""
    epoch: int
    """Number of stored epochs."""
    epochs: int
    """Number of epochs of its spec."""
    latest: EpochRow | None = None
    """Metrics of the latest epoch; absent before the first."""
    parameters: Int64
    """Number of trainable parameters of the network."""


class ClaimRun(Reply):
    """A claim in the run of one seed."""

    seed: Int64
    """Seed of the run."""
    outcome: ClaimOutcome
    """Outcome of the claim."""
    value: float | None = None
    """Value that is compared with the bounds; absent if it is not known."""
    job_value: float | None = None
    """Value of the job; absent if it is not known."""
    minus_value: float | None = None
    """Value of the job or baseline that is subtracted; absent without one, and if it is not known.
    """
    detail: str | None = None
    """Why the outcome is not known; absent if it is."""


class Claim(Reply):
    """A claim and its outcomes."""

    claim: ClaimSpec
    """Jobs, metric and bounds, as they were given."""
    text: str
    """The claim in words: from its spec, or derived from its fields."""
    outcome: ClaimOutcome
    """`missed` if it is missed in a run, else `unknown` or `pending` if it is so in a run, else
    `met`.
    """
    met: int
    """Number of runs that meet the claim."""
    runs: list[ClaimRun]
    """The outcome of each run, in the order of the seeds."""


class Experiment(Reply):
    """Jobs that were created together, and claims about their results."""

    id: str
    """Id of the experiment."""
    owner: str
    """Owner of the experiment: the owner of the API key that created it; `local` without a key."""
    name: str | None = None
    """Display name of the experiment."""
    exercise: str | None = None
    """Id of the exercise that it attempts; absent if it is not an attempt."""
    seeds: list[Int64]
    """Seeds of the runs."""
    state: ExperimentState
    """State of the experiment."""
    states: dict[str, int]
    """Number of jobs in each state, without deleted ones."""
    jobs: list[ExperimentJob] = Field(default_factory=list)
    """Jobs by seed, each after the jobs that it needs, then by name; without deleted ones. Empty in
    lists.
    """
    claims: list[Claim] = Field(default_factory=list)
    """Claims with their outcomes; empty in lists."""
    proof: ProofResult | None = None
    """Comparison with the proof of the run that it repeats; absent without a proof, and in lists.
    """
    created_at: datetime
    """Time of creation."""
    finished_at: datetime | None = None
    """Time of the last end; absent before it, and in lists."""


class ExperimentEvent(Reply):
    """One event of the stream of an experiment."""

    seq: Int64
    """Cursor of the event."""
    type: Literal["snapshot", "end", "heartbeat"]
    """The event type. The field of the same name holds its data."""
    snapshot: Experiment | None = None
    """The experiment, in a `snapshot` event."""
    end: Experiment | None = None
    """The experiment after all its jobs have ended, in an `end` event."""


class ExperimentPage(Reply):
    """A page of experiments."""

    experiments: list[Experiment]
    """Experiments, newest first."""
    next_page_token: str | None = None
    """`page_token` of the next page; absent on the last page."""
