"""Every epoch of a run as arrays, one for each metric."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, get_args

from .arrays import Floats, Ints
from .curves import import_pandas
from .deferred import dataclass, np
from .records import read
from .types import EpochColumns, Metric

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class EpochTable(Mapping[str, Floats]):
    """Metric -> values `(n,)` of every epoch, not downsampled."""

    epochs: Ints
    """Numbers of the epochs `(n,)`, in order, counted from 1."""
    columns: dict[str, Floats]
    """Metric -> values `(n,)`."""

    @classmethod
    def of(cls, pages: Iterable[Mapping[str, Any]], metrics: Iterable[str] = ()) -> Self:
        """Return the table of the pages of a list; its columns are in the order of the metrics."""
        parts = [read(EpochColumns, page) for page in pages]
        parts = [part for part in parts if len(part.epochs)] or parts[:1]
        # A map has no order on gRPC.
        order = dict.fromkeys([*metrics, *get_args(Metric), *sorted(parts[0].columns)])
        return cls(
            np.concatenate([part.epochs for part in parts]),
            {
                metric: np.concatenate([part.columns[metric] for part in parts])
                for metric in order
                if metric in parts[0].columns
            },
        )

    def __getitem__(self, metric: str) -> Floats:
        return self.columns[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def __repr__(self) -> str:
        return f"<EpochTable of {len(self.epochs)} epochs: {', '.join(self) or 'no metrics'}>"

    def to_pandas(self) -> pandas.DataFrame:
        """Return a data frame with a column for each metric and a row for each epoch.

        Raises `MissingDependency` without pandas.
        """
        pandas = import_pandas()
        index = pandas.Index(self.epochs, name="epoch")
        return pandas.DataFrame(self.columns, index=index)
