"""The array types of replies, and the shape of a data frame that a request takes."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

# In full: of `NDArray` NumPy 2.5 has made an alias that hides its meaning.
Floats = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]
Ints = np.ndarray[tuple[Any, ...], np.dtype[np.int64]]


class DataFrame(Protocol):
    """A table with named columns, such as `pandas.DataFrame` or `polars.DataFrame`."""

    @property
    def columns(self) -> Any:
        """Names of the columns, in order."""
        ...

    def __getitem__(self, key: Any, /) -> Any: ...

    def to_numpy(self, *args: Any, **kwargs: Any) -> Any:
        """The values as an array `(rows, columns)`."""
        ...
