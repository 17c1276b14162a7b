"""Results of this process that are used again for equal data.

A class trains many networks on the same file, and a file is uploaded once for each training: what
depends on the data alone is computed once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Result = TypeVar("Result")

MOST = 64
MOST_DIGESTED_BYTES = 8_000_000


class Remembered(Generic[Result]):
    """The last results of a function of arrays. Threads may share it."""

    def __init__(self) -> None:
        self._results: dict[Hashable, Result] = {}
        self._lock = Lock()

    def get(
        self, key: Hashable, arrays: Mapping[str, NDArray[Any]], compute: Callable[[], Result]
    ) -> Result:
        """Return the result for the arrays and for all else that it depends on, the key.

        The result for large arrays is computed each time.
        """
        if sum(array.nbytes for array in arrays.values()) > MOST_DIGESTED_BYTES:
            return compute()
        key = key, _digest(arrays)
        with self._lock:
            result = self._results.pop(key, None)
        if result is None:
            result = compute()
        with self._lock:
            self._results[key] = result
            if len(self._results) > MOST:
                del self._results[next(iter(self._results))]
        return result


def _digest(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a digest of names, types, shapes and contents."""
    digest = sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype} {array.shape} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.digest()
