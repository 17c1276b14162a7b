"""Jobs side by side: curves, ends, and what was asked for differently."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from .curves import Curve
from .jobs import Epoch, ForkedFrom, JobState, StopReason
from .records import read


@dataclass(frozen=True)
class BestEpoch:
    """The epoch with the lowest loss: of the held-out part, if there is one."""

    metric: Literal["train_loss", "validation_loss"]
    epoch: int
    value: float


@dataclass(frozen=True, eq=False)
class ComparedJob:
    """One of the jobs."""

    id: str
    name: str | None
    state: JobState
    stop_reason: StopReason | None
    forked_from: ForkedFrom | None
    parameters: int
    epochs: int
    """Epochs that are stored."""
    curve: Curve
    latest: Epoch | None
    best: BestEpoch | None
    seconds: float | None
    """Wall-clock time from the first start to the end; None for a job that is not over."""


@dataclass(frozen=True)
class SpecDifference:
    """A place at which not all specs have the same."""

    path: str
    """Such as `optimizer.learning_rate`."""
    values: tuple[str, ...]
    """What each job has there as JSON; empty where it has nothing, cut off with … if it is long."""

    @property
    def told(self) -> tuple[Any, ...]:
        """The same as Python's values; None where there is nothing, the text where it is cut."""
        return tuple(_read(value) for value in self.values)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Jobs in the order in which they were asked for, and what differs between their specs."""

    jobs: tuple[ComparedJob, ...]
    differences: tuple[SpecDifference, ...]

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """From the service's answer."""
        jobs = tuple(read(ComparedJob, job, curve=Curve.of(job)) for job in reply.get("jobs") or ())
        return read(cls, reply, jobs=jobs)

    @property
    def curves(self) -> dict[str, Curve]:
        """Id -> curve."""
        return {job.id: job.curve for job in self.jobs}

    @property
    def best(self) -> ComparedJob | None:
        """The job with the lowest loss at its best epoch; None before there is one.

        Jobs with other losses, or other data held out, are not alike in this.
        """
        scored = [job for job in self.jobs if job.best is not None]
        return min(scored, key=lambda job: job.best.value if job.best else 0.0, default=None)


def _read(text: str) -> Any:
    if not text:
        return None
    return text if text.endswith("…") else json.loads(text)
