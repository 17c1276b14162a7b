"""The memory of the process that trains a job, computed before the job is created.

process ── spec and data set ──┬── preparation
                               └── run ── baselines, results, or stored records
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

import epochal_engine as engine

from ..preparation.prepared import Array, Prepared
from ..specs.datasets import InlineDataset
from .storage import Storage

PROCESS_BYTES = 120_000_000
"""A worker process without a job."""
STORING = 6
"""Copies of a resume point on its way to the database: packed, bound, and kept with the previous
statement."""
PENDING_BYTES = 32_000_000
"""Checkpoints that wait for their transaction."""
NUMBER_BYTES = 40
"""A number of inline data, as text and as an object."""
LINEAR_FEATURES = 1_024
"""Most inputs of the linear model that a job is compared with."""
LINEAR_WORK = 1_000_000_000


# A class submits the same job many times, and to compile its step takes 2 ms.
_memory = lru_cache(maxsize=1024)(engine.memory)


def memory_bytes(prepared: Prepared, storage: Storage, members: int | None = None) -> int:
    """Return the memory that a worker process needs for a job, or a sweep with `members`.

    Raises MemoryError if it is beyond what the system could ever give.
    """
    data, dataset = prepared.data, prepared.dataset
    validation = 0 if data.validation_inputs is None else len(data.validation_inputs)
    samples = len(data.train_inputs)
    run = _memory(
        prepared.network,
        replace(prepared.training, seed=0),
        samples,
        validation,
        members,
        has_own_samples=members is not None,
    )
    arrays = [dataset.inputs, dataset.targets, prepared.targets]
    arrays += [array for array in vars(data).values() if isinstance(array, np.ndarray)]
    held = PROCESS_BYTES + _inline_bytes(prepared) + _unique_bytes(arrays)
    preparing = 3 * dataset.inputs.nbytes
    checkpoint = storage.checkpoints // max(storage.checkpoint_count, 1)
    waiting = min(PENDING_BYTES + checkpoint, storage.checkpoints)
    storing = STORING * storage.resume_point + 2 * waiting
    training = run.held + max(run.at_times, storing, _baseline_bytes(prepared))
    return held + max(preparing, training)


def _inline_bytes(prepared: Prepared) -> int:
    """Return the bytes of a spec with inline data."""
    parts = prepared.spec.dataset, prepared.spec.validation_dataset
    numbers = sum(
        len(rows) * len(rows[0])
        for part in parts
        if isinstance(part, InlineDataset)
        for rows in (part.inputs, part.targets)
        if rows
    )
    return NUMBER_BYTES * numbers


def _unique_bytes(arrays: list[Array]) -> int:
    """Return the bytes of the arrays; shared memory counts once."""
    roots = {}
    for array in arrays:
        root = array if array.base is None or not isinstance(array.base, np.ndarray) else array.base
        roots[id(root)] = root.nbytes
    return sum(roots.values())


def _baseline_bytes(prepared: Prepared) -> int:
    """Return the bytes of the losses of simple predictors, above all of a linear model."""
    network, data = prepared.network, prepared.data
    features, outputs = math.prod(network.input_shape), math.prod(network.output_shape)
    samples = len(data.train_inputs)
    most = samples * features * np.dtype(prepared.spec.dtype).itemsize
    if features <= LINEAR_FEATURES and len(network.output_shape) == 1:
        rows = min(samples, LINEAR_WORK // features**2)
        most = max(most, 3 * rows * (features + 1) * 8)
    return most + 4 * samples * outputs * 8
