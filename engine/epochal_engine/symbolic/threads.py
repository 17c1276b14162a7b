"""One thread for BLAS, so that a run comes out the same wherever it goes on.

Several threads divide a product of large matrices among them. Where the parts meet, numbers are
added up in another order, and the last bit of a sum depends on the order.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np


@contextmanager
def one_thread() -> Iterator[None]:
    """Within, OpenBLAS uses one thread; afterwards as many as before.

    It is the BLAS in NumPy's own wheels. Another one is left as it is, and does as its own settings
    say. The number is one for the whole process: where runs go side by side in it, start it with
    `OPENBLAS_NUM_THREADS=1`.
    """
    get, put = _thread_count()
    threads = get()
    if threads <= 1:
        yield
        return
    put(1)
    try:
        yield
    finally:
        put(threads)


@cache
def blas() -> ctypes.CDLL | None:
    """Return the OpenBLAS that NumPy's wheel brings and has loaded; None for another BLAS."""
    packages = Path(np.__file__).parents[1]
    for folder in (packages / "numpy.libs", packages / "numpy" / ".dylibs"):
        for file in sorted(folder.glob("*openblas*")):
            return ctypes.CDLL(str(file))
    return None


@cache
def _thread_count() -> tuple[Callable[[], int], Callable[[int], object]]:
    """The functions that get and set the number of threads."""
    for ending in ("64_", ""):
        get = getattr(blas(), f"scipy_openblas_get_num_threads{ending}", None)
        put = getattr(blas(), f"scipy_openblas_set_num_threads{ending}", None)
        if get is not None and put is not None:
            return get, put
    return (lambda: 1), (lambda threads: None)
