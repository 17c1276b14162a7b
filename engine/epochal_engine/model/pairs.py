"""Pairs of rows: a network scores both, and the loss depends on the difference, the margin.

    chosen   ──┐               ┌── score ──┐
               network for rows            - ── margin ── loss
    rejected ──┘               └── score ──┘

Training on pairs uses a network around the network for rows. It takes pairs, `(n, 2, numbers)`,
and ends in margins, `(n, 1)`. Its parameters are the parameters of the network for rows, with the
same names.

The score of a network that predicts next tokens is β·log π(row), and the margin of the reference is
subtracted: the numbers of a row are then its inputs, its labels, and a share of the margin of the
reference, which is computed once. The score of a network with one output is that output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from ..data.data import Data
from ..symbolic import primitives as p
from ..symbolic.trace import Array, Symbol, constant
from .layers import Layer, Scope
from .losses import Loss, Preference, find_loss
from .network import INPUT, Network
from .predict import predict

PAIRS = "pairs"
"""The name of the layer that divides pairs into rows."""


class _OfPairs(Layer):
    """A layer that no network for rows can have."""

    table: ClassVar[dict[str, type[Layer]]] = {}


@dataclass(frozen=True)
class _Rows(_OfPairs):
    """Divides pairs into rows. The first numbers of a row are the inputs."""

    type: ClassVar[str] = "rows"
    shape: tuple[int, ...]

    def forward(self, scope: Scope, pairs: Symbol) -> Symbol:
        """Map `(n, 2, numbers)` to `(2n, *shape)`."""
        size = int(np.prod(self.shape))
        return pairs.cut(2, 0, size).reshape((2 * pairs.shape[0], *self.shape))


@dataclass(frozen=True)
class _Margin(_OfPairs):
    """The score of the first row of each pair minus the score of the second."""

    type: ClassVar[str] = "margin"
    inputs: ClassVar[tuple[int, int]] = (2, 2)
    beta: float

    def forward(self, scope: Scope, outputs: Symbol, pairs: Symbol) -> Symbol:
        """Map outputs `(2n, 1)`, or logits `(2n, length, classes)`, to margins `(n, 1)`."""
        scores = outputs
        if len(outputs.shape) == 3:
            rows, length, _ = outputs.shape
            size = pairs.shape[2]
            labels = pairs.cut(2, size - 1 - length, size - 1).reshape((rows, length, 1))
            reference = pairs.cut(2, size - 1, size).reshape((rows, 1))
            scores = self.beta * (_log_probabilities(outputs, labels) - reference)
        both = scores.reshape((pairs.shape[0], 2))
        return both.cut(1, 0, 1) - both.cut(1, 1, 2)


def _log_probabilities(logits: Symbol, labels: Symbol) -> Symbol:
    """Return the log-probability of each row `(n, 1)`, of logits `(n, length, classes)`.

    Labels `(n, length, 1)` that are negative do not count.
    """
    rows, length, classes = logits.shape
    is_label = p.equal(labels, constant(np.arange(classes, dtype=np.float64)))
    shifted = logits - p.largest(logits, (2,))
    sums = p.sum_to(p.exp(shifted), (rows, length, 1))
    counted = p.sum_to(is_label * shifted, (rows, length, 1))
    counts = p.sum_to(is_label, (rows, length, 1))
    return p.sum_to((counted - counts * p.log(sums)).reshape((rows, length)), (rows, 1))


def trained_network(network: Network, loss: str | Loss) -> Network:
    """Return what trains the network for rows: itself, or with a loss of pairs one around it.

    Raises ValueError for a network that has no score.
    """
    loss = find_loss(loss)
    return _around(network, loss) if isinstance(loss, Preference) else network


@lru_cache(maxsize=64)
def _around(network: Network, loss: Preference) -> Network:
    check_scored(network)
    reads_tokens = len(network.output_shape) == 2
    size = int(np.prod(network.input_shape))
    if reads_tokens:
        size += network.output_shape[0] + 1
    name = next(PAIRS + "_" * i for i in range(99) if PAIRS + "_" * i not in network.names)
    layers: list[Layer] = [_Rows(network.input_shape, name=name)]
    for path, layer, inputs in zip(network.names, network.layers, network.inputs, strict=True):
        changes: dict[str, Any] = {"name": path}
        if INPUT in inputs:
            changes["input"] = tuple(name if other == INPUT else other for other in inputs)
        if path == network.names[-1] and reads_tokens:
            changes["activation"] = "linear"
        layers.append(replace(layer, **changes))
    margin = _Margin(loss.beta, name=f"{name}_margin", input=(network.names[-1], INPUT))
    return replace(network, input_shape=(2, size), layers=(*layers, margin))


def check_scored(network: Network) -> None:
    """Raise ValueError unless rows of the network have a score."""
    activation = getattr(network.layers[-1], "activation", None)
    shape = network.output_shape
    if shape != (1,) and not (len(shape) == 2 and activation == "softmax"):
        raise ValueError(
            "the loss preference needs a network with one output, or one that predicts next tokens "
            "and ends in a softmax activation"
        )


def paired(network: Network, loss: str | Loss, data: Data) -> Data:
    """Return the data that `trained_network` takes, with a reference of zeros.

    The rows of a part are pairs: the chosen row, then the rejected one. With a loss of single rows,
    return the data as they are. Raises ValueError for an odd number of rows, a pair of equal rows,
    and weights of rows.
    """
    if find_loss(loss).rows == 1:
        return data
    if data.train_sample_weights is not None or data.validation_sample_weights is not None:
        raise ValueError("pairs have no weights")

    def part(noun: str, inputs: Array, targets: Array) -> tuple[Array, Array]:
        if len(inputs) % 2 > 0:
            raise ValueError(f"{noun} needs pairs of rows; got {len(inputs)} rows")
        numbers = [inputs.reshape(len(inputs), -1).astype(np.float64)]
        if len(network.output_shape) == 2:
            numbers.append(targets.astype(np.float64))
        rows = np.concatenate(numbers, axis=1)
        equal = np.flatnonzero((rows[::2] == rows[1::2]).all(1))
        if len(equal) > 0:
            raise ValueError(f"{noun} has pairs of equal rows: {', '.join(map(str, equal[:10]))}")
        if len(network.output_shape) == 2:
            rows = np.concatenate([rows, np.zeros((len(rows), 1))], axis=1)
        return rows.reshape(len(rows) // 2, 2, -1), np.ones((len(rows) // 2, 1))

    inputs, targets = part("training", data.train_inputs, data.train_targets)
    if data.validation_inputs is None or data.validation_targets is None:
        return Data(inputs, targets)
    return Data(
        inputs, targets, *part("validation", data.validation_inputs, data.validation_targets)
    )


def has_reference(network: Network, loss: str | Loss) -> bool:
    """Return whether margins are relative to the margins of the initial weights."""
    return find_loss(loss).rows > 1 and len(network.output_shape) == 2


def with_reference(
    network: Network, loss: str | Loss, data: Data, weights: Mapping[str, Array]
) -> Data:
    """Return the data of `paired` with the margins of the weights as the reference."""
    trained = trained_network(network, Preference(beta=1.0))

    def part(pairs: Array) -> Array:
        pairs = pairs.copy()
        pairs[:, :1, -1] = predict(trained, weights, pairs)
        return pairs

    inputs = part(data.train_inputs)
    if data.validation_inputs is None:
        return replace(data, train_inputs=inputs)
    return replace(data, train_inputs=inputs, validation_inputs=part(data.validation_inputs))
