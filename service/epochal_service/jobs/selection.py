"""Choose the network and the l2 penalty of a table by cross-validation.

    rows ──> five folds, twice ──> train each candidate on four, measure on the fifth ──> losses

One sweep trains all penalties of a network at once. The same data set has the same losses on every
machine, up to rounding: nothing depends on the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

import epochal_engine as engine
from epochal_engine.training import join

from ..datasets import Dataset
from ..datasets.dataset import Floats
from ..settings import UNLIMITED
from ..specs.training import TrainingSpec
from .preparation import build

PENALTIES = (0.1, 0.5, 2.0, 8.0, 32.0)
"""Strengths of `l2`, times the number of training samples: the more samples, the less it takes."""
MAX_ROWS = 2_000
"""Rows to compare the candidates on, drawn at random from more."""
FOLDS, ROUNDS = 5, 2
FEW_ROWS = 1_000
"""From so many rows on, one fold is enough; below, each round has other folds."""
MAX_FLOPS = 5e10
"""Operations of all runs together; about 3 seconds."""
TINY = 1e-12
"""Losses below are as good as 0, which has no logarithm."""


def comparable_rows(dataset: Dataset) -> Dataset:
    """Return the rows to compare the candidates on: all, or `MAX_ROWS` of them."""
    if dataset.samples <= MAX_ROWS:
        return dataset
    return dataset.taken(np.sort(np.random.default_rng(0).permutation(dataset.samples)[:MAX_ROWS]))


def cross_validation_losses(dataset: Dataset, specs: Sequence[TrainingSpec]) -> Floats | None:
    """Return the validation loss of each network and penalty, `(specs, PENALTIES)`.

    It is that of the last epoch, infinite for a run that diverges. It is the geometric mean over
    the folds, so that one with outliers has no more weight than others, and a quarter each is that
    of the next weaker and stronger penalty, because a low loss between high ones is chance. None if
    the runs would take more than `MAX_FLOPS` operations, or if there are too few groups.
    """
    folds = [fold for seed in range(ROUNDS) for fold in _folds(dataset, seed)]
    if dataset.samples >= FEW_ROWS:
        folds = folds[:1]
    flops = len(PENALTIES) * sum(build(spec, dataset, UNLIMITED).cost.flops for spec in specs)
    if flops * len(folds) > MAX_FLOPS:
        folds = folds[:1]
    if not folds or flops > MAX_FLOPS:
        return None
    losses = [[_losses(fold, spec) for spec in specs] for fold in folds]
    logs = np.log(np.maximum(losses, TINY)).mean(axis=0)
    around = np.pad(logs, ((0, 0), (1, 1)), mode="edge")
    return np.asarray(np.exp((around[:, :-2] + 2.0 * logs + around[:, 2:]) / 4.0))


def _folds(dataset: Dataset, seed: int) -> Iterator[Dataset]:
    """Yield the data set with each fifth of its samples for validation, behind the others.

    Classes have the same share of each fold, and a group is in one fold. Folds without samples are
    left out.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(dataset.samples)
    if dataset.groups:
        groups = next(iter(dataset.groups.values()))
        fold_of = rng.permutation(int(groups.max()) + 1)[groups] % FOLDS
    else:
        if dataset.class_names and dataset.targets.ndim == 1:
            order = order[np.argsort(dataset.targets[order], kind="stable")]
        fold_of = np.empty(dataset.samples, np.int64)
        fold_of[order] = np.arange(dataset.samples) % FOLDS
    for fold in range(FOLDS):
        train, validation = np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)
        if len(train) and len(validation):
            yield dataset.taken(train).with_validation(dataset.taken(validation))


def _losses(dataset: Dataset, spec: TrainingSpec) -> Floats:
    """Return the last validation loss for each penalty, `(PENALTIES,)`."""
    prepared = build(spec.model_copy(update={"validation_fraction": 0.0}), dataset, UNLIMITED)
    training = replace(prepared.training, gradients_every=0, early_stopping=None)
    samples = len(prepared.rows.train)
    sweep = engine.Sweep(
        prepared.network,
        [replace(training, l2=penalty / samples) for penalty in PENALTIES],
        prepared.data,
    )
    for _ in sweep:
        pass
    losses = [join(blocks).columns["validation_loss"][-1] for blocks in sweep.take()]
    return np.where(np.isfinite(losses), losses, np.inf)
