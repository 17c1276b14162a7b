"""Jobs side by side: their curves, how they ended, and how their specs differ."""

from __future__ import annotations

from .curves import Curve
from .deferred import dataclass
from .types import ComparedJob, SpecDifference


@dataclass(frozen=True, eq=False)
class Comparison:
    """Jobs in the order of the request, and the differences between their specs."""

    jobs: tuple[ComparedJob, ...]
    differences: tuple[SpecDifference, ...]

    @property
    def curves(self) -> dict[str, Curve]:
        """Job id -> curve."""
        return {job.id: job.curve for job in self.jobs}

    @property
    def best(self) -> ComparedJob | None:
        """The job with the lowest loss at its best epoch; None before any job has one.

        Losses compare only between jobs with the same loss and the same validation samples.
        """
        scored = [job for job in self.jobs if job.best is not None]
        return min(scored, key=lambda job: job.best.value if job.best else 0.0, default=None)
