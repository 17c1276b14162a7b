"""The losses that a job's losses are compared with, and the sentence for a job that is not better.

The worker computes them before the first epoch; they are stored with the first epochs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.training import corrupted_once

from ..datasets import Dataset
from ..specs.jobs import (
    BaselineLosses,
    Baselines,
    BestEpoch,
    EpochRow,
    NgramLosses,
    PointShare,
    Separability,
)
from ..specs.training import TrainingSpec
from .remembered import Remembered

MARGIN = 0.001
"""A loss that is lower by at most this fraction is not lower."""
FAR_BETTER = 1.3
"""Boosted trees are far better if the network's loss is more than this multiple of their loss."""

BORDERS = {1: "threshold", 2: "line", 3: "plane"}
"""Names of hyperplanes by the number of inputs."""


def of_job(run: engine.Run, dataset: Dataset) -> Baselines:
    """Return the baselines of a run that has not started. Uploaded data have boosted trees too."""
    data = corrupted_once(run.training, run.data)
    boosted = dataset.source == "uploaded" and run.training.corruption is None
    baselines = of_data(run.network, run.training.loss, data, boosted=boosted)
    losses = engine.initial_losses(run.network, run.training.loss, data, run.weights())
    return baselines.model_copy(update={"initial": _losses(losses)})


_remembered = Remembered[Baselines]()


def of_data(
    network: engine.Network, loss: str | engine.Loss, data: engine.Data, *, boosted: bool = False
) -> Baselines:
    """Return the baselines that depend on the data alone.

    To fit a linear model may take longer than to train: the last results are used again.
    """
    arrays = {name: array for name, array in vars(data).items() if array is not None}
    # They depend on the network only by its shapes, and by whether it reads the inputs as tokens.
    readers = frozenset(
        layer.type
        for layer, inputs in zip(network.layers, network.inputs, strict=True)
        if "input" in inputs
    )
    key = engine.find_loss(loss), network.input_shape, network.output_shape, readers, boosted
    return _remembered.get(key, arrays, lambda: _of_data(network, loss, data, boosted))


def _of_data(
    network: engine.Network, loss: str | engine.Loss, data: engine.Data, boosted: bool
) -> Baselines:
    computed = engine.baselines(network, loss, data, boosted=boosted)
    return Baselines(
        constant=_losses(computed.constant),
        linear=None if computed.linear is None else _losses(computed.linear),
        boosted=None if computed.boosted is None else _losses(computed.boosted),
        ngrams=[
            NgramLosses(n=n, train_loss=losses.train, validation_loss=losses.validation)
            for n, losses in computed.ngrams.items()
        ],
        separability=_separability(computed.separability, data),
    )


def _separability(proof: engine.Separability | None, data: engine.Data) -> Separability | None:
    if proof is None:
        return None
    if proof.normal is not None:
        return Separability(
            separable=True,
            text=f"A {_border(proof.normal)} separates the two classes: one neuron can be right "
            "for every training sample",
            normal=proof.normal.tolist(),
            offset=proof.offset,
        )
    assert proof.point is not None
    assert proof.weights is not None
    inputs = data.train_inputs.reshape(len(proof.weights), -1)
    classes = np.asarray(data.train_targets).reshape(len(proof.weights), -1)
    shares = [
        PointShare(
            inputs=inputs[row].tolist(),
            class_index=int(classes[row, -1] > 0),
            weight=float(proof.weights[row]),
        )
        for row in np.flatnonzero(proof.weights)
    ]
    numbers = ", ".join(f"{value:.4g}" for value in proof.point)
    point = f"the point ({numbers})" if len(proof.point) <= len(BORDERS) else "a point"
    return Separability(
        separable=False,
        text=f"No {_border(proof.point)} separates the two classes, because {point} lies between "
        "samples of either: no single neuron is right for every training sample",
        point=proof.point.tolist(),
        shares=shares,
    )


def _border(point: NDArray[np.float64]) -> str:
    """Return the name of a hyperplane in the space of the point."""
    return BORDERS.get(len(point), "hyperplane")


def of_sweep(sweep: engine.Sweep) -> Baselines:
    """Return the baselines that all members of a sweep have."""
    training = sweep.trainings[0]
    return of_data(sweep.network, training.loss, corrupted_once(training, sweep.data))


def of_members(sweep: engine.Sweep, networks: Sequence[engine.Network]) -> list[BaselineLosses]:
    """Return the losses of each member of a sweep that has not started."""
    return [_losses(losses) for losses in engine.initial_member_losses(sweep, networks)]


def load(text: str | None) -> Baselines | None:
    """Return the baselines from the column of the job's row."""
    return None if text is None else Baselines.model_validate_json(text)


def _losses(losses: engine.Losses) -> BaselineLosses:
    return BaselineLosses(train_loss=losses.train, validation_loss=losses.validation)


def label(
    losses: NDArray[np.float64],
    network: engine.Network,
    constant: BaselineLosses | None,
    initial: BaselineLosses | None,
    *,
    diverged: bool,
    best: float | None = None,
) -> engine.Label:
    """Return the label of a curve of the training loss; for `best` see `engine.label`."""
    return engine.label(
        losses,
        diverged=diverged,
        initial=None if initial is None else engine.comparable(network, initial.train_loss),
        constant=None if constant is None else constant.train_loss,
        best=best,
    )


def warning(
    state: str,
    spec: TrainingSpec,
    baselines: Baselines | None,
    best: BestEpoch | None,
    latest: EpochRow | None,
) -> str | None:
    """Return a sentence if the job has ended and its network does not beat a constant, or is far
    worse than boosted trees. The network is from the best epoch if that is restored, else from the
    last one.
    """
    if state != "succeeded" or baselines is None or best is None or latest is None:
        return None
    constant, noun = baselines.constant.train_loss, "training loss"
    if best.metric == "validation_loss":
        assert baselines.constant.validation_loss is not None
        constant, noun = baselines.constant.validation_loss, "validation loss"
    value = best.value if best.is_restored else getattr(latest, best.metric)
    most = (1.0 - MARGIN) * constant
    if constant <= 0.0 or value < most:
        trees = None if baselines.boosted is None else baselines.boosted.validation_loss
        if trees is None or best.metric != "validation_loss" or value <= FAR_BETTER * trees:
            return None
        return (
            f"Finished, but gradient-boosted trees suit this table better: {noun} {value:.3g}, "
            f"they give {trees:.3g}"
        )
    comparison = "worse than" if value > (1.0 + MARGIN) * constant else "no better than"
    # With class weights, the best constant is not the shares of the classes.
    prediction = (
        engine.LOSSES[spec.loss].constant if spec.class_weights is None else "predicting a constant"
    )
    return (
        f"Finished, but {comparison} {prediction}: {noun} {value:.3g}, a constant gives "
        f"{constant:.3g}" + (f", epoch {best.epoch:,} had {best.value:.3g}" * (best.value < most))
    )
