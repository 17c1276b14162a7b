"""The bytes that a job stores, computed from its records before it runs.

job ── spec, with inline data
 ├── log: one row for each flush or 1,024 epochs, with metrics and gradient statistics
 ├── outlines: the points of the curves of a long run
 ├── checkpoints
 └── one resume point and the weights of a reward model, until the end
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import epochal_engine as engine
from epochal_engine import LOSSES, Block

from ..curves.epochs import entry_of, pack_gradients
from ..curves.outlines import CHUNK_BUCKETS, SLOW_EPOCHS, WIDTHS
from ..curves.thinning import remaining
from ..jobs.row_sizes import JOB_BYTES, PAGE_BYTES, ROW_BYTES
from ..preparation.prepared import Prepared, has_validation
from ..preparation.rollouts import metrics_of_rollouts
from ..specs.datasets import InlineDataset
from ..specs.training import TrainingSpec
from ..store.packing import pack
from .estimate import typical_seconds


@dataclass(frozen=True)
class Storage:
    """The bytes that a job stores by its end, and the bytes of its resume point until then, with
    the weights of its reward model.
    """

    data: int
    epochs: int
    gradients: int
    checkpoints: int
    resume_point: int
    checkpoint_count: int

    @property
    def total(self) -> int:
        """The bytes of everything."""
        parts = self.data, self.epochs, self.gradients, self.checkpoints, self.resume_point
        return JOB_BYTES + sum(parts)


def storage_of(
    prepared: Prepared, work: engine.Work, flush_seconds: float, members: int | None = None
) -> Storage:
    """Return the bytes that a job stores, or a sweep with `members`."""
    spec, epochs = prepared.spec, prepared.spec.epochs
    flushes = typical_seconds(work) / flush_seconds
    segments = min(epochs, math.ceil(epochs / engine.LARGEST_BLOCK + flushes))
    size, itemsize = prepared.network.size, np.dtype(spec.dtype).itemsize
    is_job = members is None
    copies = 1 + prepared.training.optimizer.moments + 1
    checkpoints = _checkpoint_count(prepared) if is_job else 0
    return Storage(
        data=_data_bytes(spec),
        epochs=_epoch_bytes(prepared, segments, members),
        gradients=_gradient_bytes(prepared, segments) if is_job else 0,
        checkpoints=checkpoints * _checkpoint_bytes(prepared),
        resume_point=(members or 1) * copies * size * itemsize
        + _reward_bytes(prepared)
        + PAGE_BYTES,
        checkpoint_count=checkpoints,
    )


def _reward_bytes(prepared: Prepared) -> int:
    """Return the bytes of the weights of the reward model, each of at most 8."""
    rollouts = prepared.training.rollouts
    if rollouts is None or not isinstance(rollouts.reward, engine.ScoreTexts):
        return 0
    return rollouts.reward.network.size * 8


def _data_bytes(spec: TrainingSpec) -> int:
    """Return the bytes of the inline data in the spec, all rows taken as long as the first."""
    rows: list[Sequence[Any]] = []
    for dataset in (spec.dataset, spec.validation_dataset):
        if isinstance(dataset, InlineDataset):
            rows += [dataset.inputs, dataset.targets]
    return sum(len(part) * len(str(part[0])) for part in rows if part)


def _epoch_bytes(prepared: Prepared, segments: int, members: int | None) -> int:
    """Return the bytes of the metrics of all epochs."""
    spec, epochs = prepared.spec, prepared.spec.epochs
    names = ["train_loss", "learning_rate", "gradient_norm"]
    if LOSSES[spec.loss].has_accuracy:
        names.append("train_accuracy")
    if engine.has_exact_match(prepared.network, spec.loss):
        names.append("train_exact_match")
    names += metrics_of_rollouts(spec)
    if has_validation(spec):
        names += [name.replace("train", "validation") for name in names if "train" in name]
    block = Block(1, {name: np.zeros(1) for name in names}, None)
    entry = entry_of(block, np.zeros(1))
    assert entry is not None
    assert entry.body is not None
    assert entry.summary is not None
    numbers = 8 * (len(names) + 1)
    row = ROW_BYTES + (len(entry.summary) if members is None else 0)
    count = members or 1
    header = count * (len(entry.body) - numbers)
    padding = PAGE_BYTES if header + count * numbers * epochs / segments > PAGE_BYTES else 0
    outline = _outline_bytes(epochs, segments, len(names) + 1) if members is None else 0
    return segments * (row + header + padding) + epochs * count * numbers + outline


def _outline_bytes(epochs: int, segments: int, metrics: int) -> int:
    """Return the bytes of the chunks of a run. Most have two points in each bucket."""
    total = 0
    for width in WIDTHS:
        if width > 1 or epochs <= SLOW_EPOCHS * segments:
            points = CHUNK_BUCKETS * min(width, 2) * metrics
            chunks = epochs // (width * CHUNK_BUCKETS)
            total += chunks * (ROW_BYTES + PAGE_BYTES + points * 16)
    return total


def _gradient_bytes(prepared: Prepared, segments: int) -> int:
    """Return the bytes of the gradient statistics of all epochs that have some."""
    every = prepared.training.gradients_every
    if every == 0:
        return 0
    layers = engine.learned_sizes(prepared.network)
    # All of a gradient may be in one bin, as in a dead layer.
    fullest = max(layers.values(), default=0)
    snapshot = engine.Gradients(
        np.ones(1, np.int64),
        tuple(layers),
        np.zeros((1, len(layers), len(engine.STATISTICS)), prepared.spec.dtype),
        np.full((1, len(layers), engine.BINS), fullest, np.uint32),
    )
    packed = pack_gradients(snapshot)
    assert packed is not None
    counts = np.min_scalar_type(fullest).itemsize * snapshot.histogram.size
    numbers = snapshot.epochs.nbytes + snapshot.statistics.nbytes + counts
    snapshots = prepared.spec.epochs // every
    return min(segments, snapshots) * (len(packed) - numbers) + snapshots * numbers


def _checkpoint_count(prepared: Prepared) -> int:
    """Return the number of checkpoints: epoch 0, every N epochs, the last epoch, the best."""
    epochs, every = prepared.spec.epochs, prepared.weights_every
    after = prepared.spec.snapshots.thin_weights_after
    periodic = remaining(epochs // every, after) if every else 0
    count = 2 + periodic + (every == 0 or epochs % every > 0)
    return min(count, epochs + 1)


def _checkpoint_bytes(prepared: Prepared) -> int:
    parameters, scaling = prepared.network.parameters, prepared.scaling
    header = len(pack(dict.fromkeys([*parameters, *scaling], np.zeros(0))))
    weights = prepared.network.size * np.dtype(prepared.spec.dtype).itemsize
    scales = sum(array.nbytes for array in scaling.values())
    blob = header + weights + scales
    return blob + ROW_BYTES + (PAGE_BYTES if blob > PAGE_BYTES else 0)
