"""The losses that a job's losses are compared with, and the sentence for a job that is not better.

The worker computes them before the first epoch; they are stored with the first epochs.
"""

from __future__ import annotations

from collections.abc import Sequence

import epochal_engine as engine
from epochal_engine.baselines import FORWARD_FLOPS

from ..specs.jobs import BaselineLosses, Baselines

MARGIN = 0.001
"""A loss that is lower by at most this fraction is not lower."""

CONSTANTS = {
    "mse": "predicting the mean",
    "mae": "predicting the median",
    "huber": "predicting a constant",
    "cross_entropy": "predicting the class shares",
    "binary_cross_entropy": "predicting the class shares",
    "focal": "predicting a constant",
    "hinge": "predicting the most frequent class",
    "perceptron": "predicting the most frequent class",
}


def of_job(run: engine.Run) -> Baselines:
    """Return the baselines of a run that has not started."""
    baselines = of_data(run.network, run.training.loss, run.data)
    losses = engine.initial_losses(run.network, run.training.loss, run.data, run.weights())
    return baselines.model_copy(update={"initial": _losses(losses)})


def of_data(network: engine.Network, loss: str | engine.Loss, data: engine.Data) -> Baselines:
    """Return the baselines that depend on the data alone."""
    computed = engine.baselines(network, loss, data)
    return Baselines(
        constant=_losses(computed.constant),
        linear=None if computed.linear is None else _losses(computed.linear),
    )


def of_members(sweep: engine.Sweep, networks: Sequence[engine.Network]) -> list[BaselineLosses]:
    """Return the losses of each member of a sweep that has not started."""
    # Members with the same seed and initializer have the same weights.
    starts = [
        (training.seed, id(network))
        for training, network in zip(sweep.trainings, networks, strict=True)
    ]
    max_flops = FORWARD_FLOPS / len(set(starts))
    losses: dict[tuple[int, int], BaselineLosses] = {}
    for index, start in enumerate(starts):
        if start not in losses:
            training, weights = sweep.trainings[index], sweep.weights(index)
            losses[start] = _losses(
                engine.initial_losses(sweep.network, training.loss, sweep.data, weights, max_flops)
            )
    return [losses[start] for start in starts]


def load(text: str | None) -> Baselines | None:
    """Return the baselines from the column of the job's row."""
    return None if text is None else Baselines.model_validate_json(text)


def _losses(losses: engine.Losses) -> BaselineLosses:
    return BaselineLosses(train_loss=losses.train, validation_loss=losses.validation)


def warning(
    state: str, loss: str, baselines: Baselines | None, best_loss: float | None
) -> str | None:
    """Return a sentence if the job has ended and its best loss is not below that of a constant.

    `best_loss` is the lowest validation loss, or training loss without a validation part.
    """
    if state != "succeeded" or baselines is None or best_loss is None:
        return None
    constant, noun = baselines.constant.validation_loss, "validation loss"
    if constant is None:
        constant, noun = baselines.constant.train_loss, "training loss"
    if constant <= 0.0 or best_loss < (1.0 - MARGIN) * constant:
        return None
    comparison = "worse than" if best_loss > (1.0 + MARGIN) * constant else "no better than"
    return (
        f"Finished, but {comparison} {CONSTANTS[loss]}: {noun} {best_loss:.3g}, a constant gives "
        f"{constant:.3g}"
    )
