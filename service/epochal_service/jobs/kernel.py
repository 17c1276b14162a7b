"""What the last bits of a result depend on, besides the spec: NumPy, its BLAS, and the processor
kernel in use.
"""

from __future__ import annotations

import os
from functools import cache

import numpy as np


@cache
def kernel() -> str:
    """E.g. `numpy 2.4.6, scipy-openblas 0.3.30 Haswell`; runs with the same text repeat bit for
    bit.
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    core = os.environ.get("OPENBLAS_CORETYPE") or _features()
    return f"numpy {np.__version__}, {blas['name']} {blas['version']} {core}"


def _features() -> str:
    """The widest vector extension that NumPy found, by which BLAS chooses its kernels too."""
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return str(found[-1]) if found else "baseline"
