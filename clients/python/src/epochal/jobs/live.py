"""A job while it trains: its newest epoch with its weights, until it ends."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..deferred import dataclass, np
from ..events import EpochsEvent
from ..types import Epoch, Parameters, TrainingChange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .job import Job

WATCHED_PARAMETERS = 4096


@dataclass(frozen=True, eq=False)
class ParametersEvent(Parameters):
    """The newest weights; `seq` is the cursor of the event before it."""

    type: ClassVar[str] = "parameters"
    seq: int


@dataclass(frozen=True, eq=False)
class LiveEpoch:
    """The newest epoch of a job."""

    epoch: int
    metrics: Epoch
    """Its losses and other metrics."""
    weights: dict[str, NDArray[np.float32]]
    """Its weights by name, as `job.weights()` has them; empty if the network has more than 4,096
    parameters.
    """


class Live:
    """The newest epochs of a job while it trains: iterate over them in a `with` block."""

    def __init__(self, job: Job, events: Generator[Any]) -> None:
        self.job = job
        self._events = events

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the stream. The job trains on."""
        self._events.close()

    def change(self, **fields: Any) -> TrainingChange:
        """Change the settings of the job, as `job.change` does."""
        return self.job.change(**fields)

    def __iter__(self) -> Iterator[LiveEpoch]:
        """Yield the newest epoch, at most 20 times a second, until the job is over."""
        is_large = self.job.parameters > WATCHED_PARAMETERS
        last = 0
        for event in self._events:
            weights = {}
            if isinstance(event, ParametersEvent):
                epoch, weights = event.epoch, _arrays(event)
            elif isinstance(event, EpochsEvent) and is_large:
                epoch = event.last_epoch
            else:
                continue
            # A stream that is opened again begins with the newest epoch.
            if epoch != last and self.job.latest is not None:
                last = epoch
                yield LiveEpoch(epoch, self.job.latest, weights)


def _arrays(event: ParametersEvent) -> dict[str, NDArray[np.float32]]:
    numbers = np.frombuffer(event.data, "<f4")
    ends = np.cumsum([np.prod(array.shape, dtype=int) for array in event.arrays])
    parts = zip(event.arrays, np.split(numbers, ends), strict=False)
    return {array.name: part.reshape(array.shape) for array, part in parts}
