"""A run at a glance: what each metric was at which epoch, as arrays and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from .errors import MissingDependency
from .records import Floats, Ints, read

if TYPE_CHECKING:
    import pandas

DRAWN = ("train_loss", "validation_loss", "train_accuracy", "validation_accuracy")


@dataclass(frozen=True)
class _Series:
    metric: str
    epochs: Ints
    values: Floats


@dataclass(frozen=True, eq=False)
class Curve(Mapping[str, Floats]):
    """Metric -> values `(points,)`; `epochs[metric]` are the epochs that they belong to.

    Long runs come thinned: the lowest and the highest value of every stretch stay, and so do values
    that are not finite. Each metric keeps points of its own.
    """

    total_epochs: int
    """Epochs that the curve stands for."""
    epochs: dict[str, Ints]
    """Metric -> epochs `(points,)`, counted from 1."""
    series: dict[str, Floats]
    """Metric -> values `(points,)`."""

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Self:
        """From the service's answer."""
        series = [read(_Series, part) for part in reply.get("series") or ()]
        return cls(
            total_epochs=reply.get("epochs") or 0,
            epochs={part.metric: part.epochs for part in series},
            series={part.metric: part.values for part in series},
        )

    def __getitem__(self, metric: str) -> Floats:
        return self.series[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self.series)

    def __len__(self) -> int:
        return len(self.series)

    def __repr__(self) -> str:
        return f"<Curve of {self.total_epochs} epochs: {', '.join(self) or 'nothing yet'}>"

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each epoch at which some metric has a point, a column for each metric.

        Where a metric has no point, the cell is NaN. Raises `MissingDependency` without pandas.
        """
        try:
            import pandas
        except ImportError as missing:
            raise MissingDependency(
                "to_pandas needs pandas, which is not installed; "
                'install it with: pip install "epochal[pandas]"'
            ) from missing
        columns = [
            pandas.Series(values, index=self.epochs[metric], name=metric)
            for metric, values in self.items()
        ]
        frame = pandas.concat(columns, axis=1).sort_index() if columns else pandas.DataFrame()
        return frame.rename_axis("epoch")

    def plot(self, metrics: Sequence[str] = DRAWN, *, width: int = 80, height: int = 16) -> None:
        """Prints a picture of the losses, and one of the accuracies, `width` x `height` characters.

        The picture is colored if it goes to a terminal.
        """
        import sys

        from .pictures.terminal import picture

        color = sys.stdout.isatty()
        sys.stdout.write(picture(self, metrics, width=width, height=height, color=color))

    def svg(self, metrics: Sequence[str] = DRAWN) -> str:
        """The same picture as SVG text that needs nothing else."""
        from .pictures.svg import picture

        return picture(self, metrics)

    def _repr_html_(self) -> str:
        return self.svg()
