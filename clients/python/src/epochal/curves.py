"""Metrics over the epochs of a run, as arrays and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from .arrays import Floats, Ints
from .deferred import np
from .errors import MissingDependency

if TYPE_CHECKING:
    import pandas

DRAWN = (
    *("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"),
    *("train_exact_match", "validation_exact_match"),
)


@dataclass(frozen=True, eq=False)
class Curve(Mapping[str, Floats]):
    """Metric -> values `(points,)`; `epochs[metric]` has the epochs of these values.

    Long runs are downsampled: the lowest and highest value of every bucket are kept, and so is its
    first value that is not finite. Each metric has its own points.
    """

    total_epochs: int
    """Number of epochs of the run."""
    epochs: dict[str, Ints]
    """Metric -> epochs `(points,)`, counted from 1."""
    series: dict[str, Floats]
    """Metric -> values `(points,)`."""
    baselines: dict[str, float] = field(default_factory=dict)
    """Name -> loss to compare the losses with, such as the loss of the best constant."""
    epochs_per_bucket: int = 1
    """Width of the buckets: a power of two that doubles as the run grows; 1 if every epoch is a
    point.
    """
    closed_epoch: int = 0
    """Last epoch before the newest bucket. Points up to it stay as they are until
    `epochs_per_bucket` doubles.
    """

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """Return the curve in a reply of the service."""
        parts = reply.get("series") or ()
        return cls(
            total_epochs=reply.get("epochs") or 0,
            epochs={part["metric"]: np.array(part["epochs"], np.int64) for part in parts},
            series={part["metric"]: np.array(part["values"], np.float64) for part in parts},
            epochs_per_bucket=reply.get("epochs_per_bucket") or 1,
            closed_epoch=reply.get("closed_epoch") or 0,
        )

    def continued(self, newer: Self) -> Self | None:
        """Return the points up to `closed_epoch` followed by `newer`, which has those after it.

        None if that is not the curve of the longer run, because the buckets or the metrics differ.
        """
        if newer.epochs_per_bucket != self.epochs_per_bucket or set(newer) != set(self):
            return None
        stay = {metric: epochs <= self.closed_epoch for metric, epochs in self.epochs.items()}
        return replace(
            newer,
            epochs={m: np.concatenate([self.epochs[m][stay[m]], newer.epochs[m]]) for m in newer},
            series={m: np.concatenate([self[m][stay[m]], newer[m]]) for m in newer},
        )

    def __getitem__(self, metric: str) -> Floats:
        return self.series[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)

    def __repr__(self) -> str:
        return f"<Curve of {self.total_epochs} epochs: {', '.join(self) or 'no epochs'}>"

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a column for each metric and a row for each epoch.

        A cell is NaN where the metric has no point. Raises `MissingDependency` without pandas.
        """
        pandas = import_pandas()
        columns = [
            pandas.Series(values, index=self.epochs[metric], name=metric)
            for metric, values in self.items()
        ]
        frame = pandas.concat(columns, axis=1).sort_index() if columns else pandas.DataFrame()
        return frame.rename_axis("epoch")

    def plot(self, metrics: Sequence[str] = DRAWN, *, width: int = 80, height: int = 16) -> None:
        """Print losses, accuracies and exact matches, each as `width` x `height` characters.

        The output has colors if it goes to a terminal.
        """
        import sys

        from .pictures.terminal import picture

        color = sys.stdout.isatty()
        sys.stdout.write(picture(self, metrics, width=width, height=height, color=color))

    def svg(self, metrics: Sequence[str] = DRAWN) -> str:
        """Return the same picture as a self-contained SVG."""
        from .pictures.svg import picture

        return picture(self, metrics)

    def _repr_html_(self) -> str:
        return self.svg()


def import_pandas() -> Any:
    """Return the module. Raises `MissingDependency` without it."""
    try:
        import pandas
    except ImportError as missing:
        raise MissingDependency(
            "to_pandas needs pandas, which is not installed. Install it: "
            'pip install "epochal[pandas]"'
        ) from missing
    return pandas
