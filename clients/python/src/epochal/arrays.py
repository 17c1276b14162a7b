"""The array types of replies, and the shape of a data frame that a request takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

__all__ = ["ArrayLike", "DataFrame", "Floats", "Ints"]

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    # In full: of `NDArray` NumPy 2.5 has made an alias that hides its meaning.
    Floats = np.ndarray[tuple[Any, ...], np.dtype[np.float64]]
    Ints = np.ndarray[tuple[Any, ...], np.dtype[np.int64]]
else:
    # A record is read by its hints, most without NumPy.
    ArrayLike = Any

    class Floats:
        """A NumPy array of float64."""

    class Ints:
        """A NumPy array of int64."""


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
