"""Facts about a run before any trial: its curves, data, layers and weights, measured once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ...symbolic.trace import Array
from ...training.divergence import SAMPLES_EXAMINED, layer_outputs
from ...training.snapshots import STATISTICS, Gradients
from ...training.streams import new_parameters
from ..baselines import comparable, constant_losses, initial_losses
from ..labels import Label, label
from .finding import Spec
from .trials import Experiment, labels_of

ROWS_EXAMINED = 1_000
"""The number of samples to examine, with their features and neighbors."""


@dataclass(frozen=True, eq=False)
class Observation:
    """A run and its statistics. A curve has one value per epoch."""

    spec: Spec
    job: Experiment
    weights: Mapping[str, Array] | None
    columns: Mapping[str, Array]
    gradients: Gradients | None
    diverged: bool
    feature_names: Sequence[str] = ()
    class_names: Sequence[str] = ()

    # ---------------------------------------------------------------- curves

    @cached_property
    def train_loss(self) -> Array:
        return np.asarray(self.columns["train_loss"], np.float64)

    @cached_property
    def validation_loss(self) -> Array | None:
        losses = self.columns.get("validation_loss")
        return None if losses is None else np.asarray(losses, np.float64)

    @cached_property
    def label(self) -> Label:
        """The label of the learning rate that the page shows beside the findings."""
        job = self.job
        constant = constant_losses(job.network, job.training.loss, job.data)
        initial = initial_losses(job.network, job.training.loss, job.data, self.initial_weights)
        return label(
            self.train_loss,
            diverged=self.diverged,
            initial=comparable(job.network, initial.train),
            constant=constant.train,
        )

    @property
    def watched_loss(self) -> Array:
        """The curve of the loss that trials compare."""
        return self.train_loss if self.validation_loss is None else self.validation_loss

    @cached_property
    def final_train_loss(self) -> float:
        """The median of the last epochs, to decide by. Messages state the loss of the last one, as
        the page does.
        """
        return float(np.median(_tail(self.train_loss)))

    @cached_property
    def final_loss(self) -> float:
        """The same of the loss that trials compare."""
        return float(np.median(_tail(self.watched_loss)))

    @cached_property
    def constant_loss(self) -> float:
        """The loss, on the same samples, of the best constant prediction of the training targets.

        Not 0, so that it can be a divisor.
        """
        losses = constant_losses(self.job.network, self.job.training.loss, self.job.data)
        return max(losses.train if losses.validation is None else losses.validation, 1e-12)

    @property
    def outputs(self) -> tuple[int, ...]:
        return self.job.network.output_shape

    @cached_property
    def level(self) -> float:
        """The loss at the end, divided by the loss of a constant; infinite if the run diverged."""
        if self.diverged or not np.isfinite(self.final_loss):
            return np.inf
        return self.final_loss / self.constant_loss

    # ---------------------------------------------------------------- data

    @cached_property
    def takes_tokens(self) -> bool:
        """Whether inputs are numbers of tokens, which have no size."""
        return self.job.network.layers[0].type == "embedding"

    @cached_property
    def normalizes_inputs(self) -> bool:
        """Whether the first layer that learns normalizes its inputs."""
        kinds = [layer.type for layer in self.job.network.layers]
        first = next(
            kind for kind in kinds if kind not in ("reshape", "flatten", "features", "dropout")
        )
        return first in ("batch_norm", "layer_norm")

    @cached_property
    def inputs(self) -> Array:
        """Training inputs as the network gets them, `(n, features)` float64."""
        rows = np.asarray(self.job.data.train_inputs[:ROWS_EXAMINED], np.float64)
        return rows.reshape(len(rows), -1)

    @cached_property
    def input_sizes(self) -> Array:
        """The root mean square of each feature, `(features,)`."""
        return np.asarray(np.sqrt(np.square(self.inputs).mean(0)))

    @cached_property
    def targets(self) -> Array:
        """Targets of the rows of `inputs`."""
        return np.asarray(self.job.data.train_targets[:ROWS_EXAMINED])

    @cached_property
    def labels(self) -> Array | None:
        """The class of each of the rows, `(n,)`; None unless each sample has one class."""
        targets = self.targets
        if targets.dtype.kind != "f":
            return targets if targets.ndim == 1 else None
        if targets.ndim != 2 or not np.isin(targets, (0.0, 1.0)).all():
            return None
        if targets.shape[1] > 1 and not (targets.sum(1) == 1.0).all():
            return None
        return labels_of(targets)

    def feature(self, index: int) -> str:
        """Return the name of an input feature."""
        if index < len(self.feature_names):
            return self.feature_names[index]
        return f"number {index + 1}"

    def class_name(self, label: int) -> str:
        """Return the name of a class, else its label."""
        return self.class_names[label] if label < len(self.class_names) else str(label)

    # ---------------------------------------------------------------- layers

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The layers of the spec."""
        listed: list[dict[str, Any]] = self.spec["network"]["layers"]
        return listed

    @property
    def names(self) -> tuple[str, ...]:
        return self.job.network.names

    @cached_property
    def initial_weights(self) -> dict[str, Array]:
        """Parameters before the first step, by name."""
        drawn = new_parameters(self.job.network, self.job.training.seed)
        return {**drawn, **(self.job.initial_weights or {})}

    def outputs_of(self, weights: Mapping[str, Array] | None) -> list[Array] | None:
        """Return the output of each layer on a few samples; None unless all weights are finite."""
        if weights is None or not all(np.isfinite(array).all() for array in weights.values()):
            return None
        network = self.job.network
        arrays = {name: np.asarray(weights[name], np.float64) for name in network.parameters}
        with np.errstate(all="ignore"):
            return layer_outputs(network, arrays, self.job.data.train_inputs[:SAMPLES_EXAMINED])

    @cached_property
    def final_outputs(self) -> list[Array] | None:
        return self.outputs_of(self.weights)

    @cached_property
    def initial_outputs(self) -> list[Array] | None:
        return self.outputs_of(self.initial_weights)

    def hidden(self, outputs: list[Array] | None) -> Iterator[tuple[int, str, str, Array]]:
        """Yield index, name, activation and outputs `(n, units)` of hidden layers that have one."""
        if outputs is None:
            return
        layers = self.job.network.layers[:-1]
        for at, (layer, output) in enumerate(zip(layers, outputs, strict=False)):
            activation = getattr(layer, "activation", None)
            if activation is not None:
                yield at, self.names[at], activation, output.reshape(-1, output.shape[-1])

    def statistic(self, name: str) -> Array:
        """Return one gradient statistic of all snapshots, `(m, layers)` float64."""
        assert self.gradients is not None
        values: Array = self.gradients.statistics[..., STATISTICS.index(name)].astype(np.float64)
        return values


def _tail(losses: Array) -> Array:
    """Return the last tenth of a curve."""
    return losses[-max(len(losses) // 10, 1) :]
