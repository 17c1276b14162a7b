"""Choose the network and the l2 penalty of a table by cross-validation.

    rows ──> five folds ──> train each candidate on four, measure on the fifth ──> paired losses

One sweep trains all penalties of a network at once. The same data set has the same losses on every
machine, up to rounding: nothing depends on the clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

import epochal_engine as engine
from epochal_engine.training import join

from ..datasets import Dataset
from ..datasets.dataset import Floats
from ..settings import UNLIMITED
from ..specs.training import TrainingSpec
from .prepared import build

PENALTIES = (0.1, 0.5, 2.0, 8.0, 32.0)
"""Strengths of `l2`, times the number of training samples: the more samples, the less it takes."""
MAX_ROWS = 2_000
"""Rows to compare the candidates on, drawn at random from more."""
FEWEST_FOLDS, FOLDS = 3, 5
SHORTEST = 0.4
"""Fraction of the epochs that candidates are trained for, at least, if more take too long."""
MAX_WORK = 1e11
"""Floating-point operations of all runs together, about; 2 seconds of processor time."""
UNIT_WORK, OUTPUT_WORK = 150, 600
"""Operations that an element of a layer takes beside the products: bias, activation, dropout; and
an output beside these: its exponential and its loss."""
TINY, HUGE = 1e-12, 1e12
"""Losses beyond are as good as 0 and as bad as the loss of a run that diverged: both have no
logarithm."""
FEW_ROWS, STANDARD_ERRORS = 60, 2.0
"""With fewer rows, the median of the folds is often chance: a larger network must have a lower loss
by more than these standard errors of the mean over the folds."""


def comparable_rows(dataset: Dataset) -> Dataset:
    """Return the rows to compare the candidates on: all, or `MAX_ROWS` of them."""
    if dataset.samples <= MAX_ROWS:
        return dataset
    return dataset.taken(np.sort(np.random.default_rng(0).permutation(dataset.samples)[:MAX_ROWS]))


@dataclass(frozen=True)
class Candidate:
    """A network to compare, and the penalties to compare it with."""

    spec: TrainingSpec
    penalties: Sequence[float] = PENALTIES


@dataclass(frozen=True)
class Measured:
    """The validation losses of a candidate, `(folds, penalties)`.

    The losses of the next weaker and stronger penalty count a quarter each, because a low loss
    between high ones is chance. A loss is from the last epoch; `HUGE` for a run that diverges.
    """

    losses: Floats

    @property
    def means(self) -> Floats:
        """Geometric means over the folds, `(penalties,)`: a fold with outliers has no more weight
        than others."""
        return np.asarray(np.exp(np.log(self.losses).mean(axis=0)))

    @property
    def best(self) -> Floats:
        """The losses with the best penalty, `(folds,)`."""
        return np.asarray(self.losses[:, self.means.argmin()])

    def is_better_than(self, other: Measured, rows: int) -> bool:
        """Return whether the losses are lower than the losses of a smaller network: in the median
        of the folds, and significantly if there are few rows."""
        ratios = np.log(self.best / other.best)
        if rows >= FEW_ROWS:
            return bool(np.median(ratios) < 0.0)
        standard_error = ratios.std(ddof=1) / math.sqrt(len(ratios))
        return bool(ratios.mean() < -STANDARD_ERRORS * standard_error)


def cross_validate(dataset: Dataset, candidates: Sequence[Candidate]) -> list[Measured]:
    """Return the losses of the first candidates, of as many as `MAX_WORK` allows.

    All are measured on the same folds, three to five, and are trained for the same fraction of
    their epochs. The list is empty if two candidates take too long, or if there are too few groups.
    """
    folds = [*_folds(dataset, seed=0)]
    works = [_work(dataset, candidate) for candidate in candidates]
    while len(works) > 1 and SHORTEST * FEWEST_FOLDS * sum(works) > MAX_WORK:
        works.pop()
    if not folds or len(works) < 2:
        return []
    affordable = MAX_WORK / sum(works)
    folds = folds[: max(FEWEST_FOLDS, int(affordable))]
    fraction = min(1.0, affordable / FEWEST_FOLDS)
    return [
        _smoothed(np.array([_losses(fold, candidate, fraction) for fold in folds]))
        for candidate in candidates[: len(works)]
    ]


def choose(measured: Sequence[Measured], rows: int) -> int:
    """Return the index of the best candidate for this number of rows: a candidate replaces an
    earlier one if it is better.
    """
    best = 0
    for index, candidate in enumerate(measured):
        if candidate.is_better_than(measured[best], rows):
            best = index
    return best


def _work(dataset: Dataset, candidate: Candidate) -> float:
    """Return the operations of a fold, about."""
    prepared = build(candidate.spec, dataset, UNLIMITED)
    shapes = prepared.network.shapes[1:]
    elements = sum(map(math.prod, shapes))
    beside = UNIT_WORK * elements + OUTPUT_WORK * math.prod(shapes[-1])
    samples = len(prepared.rows.train) * candidate.spec.epochs
    return len(candidate.penalties) * (prepared.cost.flops + samples * beside)


def _smoothed(losses: Floats) -> Measured:
    logs = np.log(np.clip(losses, TINY, HUGE))
    around = np.pad(logs, ((0, 0), (1, 1)), mode="edge")
    return Measured(np.exp((around[:, :-2] + 2.0 * logs + around[:, 2:]) / 4.0))


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


def _losses(dataset: Dataset, candidate: Candidate, fraction: float) -> Floats:
    """Return the last validation loss for each penalty, `(penalties,)`."""
    epochs = max(1, round(fraction * candidate.spec.epochs))
    changes = {"validation_fraction": 0.0, "epochs": epochs}
    prepared = build(candidate.spec.model_copy(update=changes), dataset, UNLIMITED)
    training = replace(prepared.training, gradients_every=0, early_stopping=None)
    samples = len(prepared.rows.train)
    sweep = engine.Sweep(
        prepared.network,
        [replace(training, l2=penalty / samples) for penalty in candidate.penalties],
        prepared.data,
    )
    for _ in sweep:
        pass
    losses = [join(blocks).columns["validation_loss"][-1] for blocks in sweep.take()]
    return np.asarray(np.nan_to_num(losses, nan=HUGE))
