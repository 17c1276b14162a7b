"""A job while it trains: its newest epoch with its weights, until it ends."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, Self

from ..deferred import dataclass, np
from ..types import Epoch, TrainingChange
from .handle import JobHandle, ParametersEvent

if TYPE_CHECKING:
    from numpy.typing import NDArray

WATCHED_PARAMETERS = 4096


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

    job: JobHandle
    """The job, with its latest record."""

    def __init__(
        self, job: JobHandle, events: Generator[Any], change: Callable[..., TrainingChange]
    ) -> None:
        self.job = job
        self._events = events
        self._change = change

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def change(self, **fields: Any) -> TrainingChange:
        """Change the settings, as `job.change` does."""
        return self._change(**fields)

    def close(self) -> None:
        """Close the stream. The job trains on."""
        self._events.close()

    def __iter__(self) -> Iterator[LiveEpoch]:
        """Yield the newest epoch, at most 20 times a second, until the job is over."""
        is_large = self.job.parameters > WATCHED_PARAMETERS
        last = 0
        for event in self._events:
            weights = {}
            if isinstance(event, ParametersEvent):
                epoch, weights = event.epoch, _arrays(event)
            elif is_large:
                epoch = self.job.epoch
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
