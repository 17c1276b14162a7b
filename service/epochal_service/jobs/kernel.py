"""The software and processor features that the last bits of a result depend on."""

from __future__ import annotations

import json
import os
from functools import cache
from importlib.metadata import version

import numpy as np

from ..store import Connection
from ..store import log as job_log


@cache
def kernel() -> str:
    """Return e.g. `epochal 0.2.0, numpy 2.4.6, scipy-openblas 0.3.30 Haswell`.

    Runs with the same text repeat bit for bit.
    """
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    core = os.environ.get("OPENBLAS_CORETYPE") or _features()
    epochal = version("epochal-server")
    return f"epochal {epochal}, numpy {np.__version__}, {blas['name']} {blas['version']} {core}"


def kernels_of(connection: Connection, job_id: str) -> list[str]:
    """Return the kernels that trained a job, sorted: several if it changed its machine."""
    notes = map(json.loads, job_log.notes(connection, job_id, "state"))
    return sorted({note["kernel"] for note in notes if note.get("kernel")})


def _features() -> str:
    """Return the widest vector extension that NumPy detected; BLAS chooses its kernels by it."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return str(extensions[-1]) if extensions else "baseline"
