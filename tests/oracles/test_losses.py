"""Every loss has the value, the slope and the effect that it has in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.oracles.comparison import Peer, Tensor, Weights, check_gradient, check_training, torch

from epochal_engine import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Focal,
    Hinge,
    Huber,
    Loss,
    Mae,
    Mse,
    Network,
    PerceptronError,
    weights_by_class,
)
from epochal_engine.symbolic.trace import Array

F: Any = torch.nn.functional
TOKENS, CLASSES = 5, 4


@dataclass(frozen=True)
class Oracle:
    """A loss, the kind of its targets, and the same loss in PyTorch."""

    loss: Loss
    targets: str
    compute: Callable[[Tensor, Tensor], Tensor]
    """From scores and targets."""


def focal(z: Tensor, y: Tensor, gamma: float) -> Tensor:
    right = torch.where(y == 1.0, torch.sigmoid(z), torch.sigmoid(-z))
    return (
        F.binary_cross_entropy_with_logits(z, y, reduction="none") * (1 - right) ** gamma
    ).mean()


def cross_entropy(z: Tensor, y: Tensor, **options: Any) -> Tensor:
    """With targets as rows; one of zeros is what PyTorch calls -100."""
    labels = torch.where(y.sum(-1) > 0, y.argmax(-1), -100)
    return F.cross_entropy(z.reshape(-1, CLASSES), labels.reshape(-1), **options)


def perceptron(z: Tensor, y: Tensor) -> Tensor:
    """A function with the slope ŷ - y."""
    return (((z >= 0).to(z.dtype) - y).detach() * z).mean()


ORACLES = (
    Oracle(Mse(), "numbers", F.mse_loss),
    Oracle(Mae(), "numbers", F.l1_loss),
    Oracle(Huber(), "numbers", F.huber_loss),
    Oracle(Huber(0.3), "numbers", lambda z, y: F.huber_loss(z, y, delta=0.3)),
    Oracle(BinaryCrossEntropy(), "shares", F.binary_cross_entropy_with_logits),
    Oracle(Focal(), "yes or no", lambda z, y: focal(z, y, 2.0)),
    Oracle(Focal(0.7), "yes or no", lambda z, y: focal(z, y, 0.7)),
    Oracle(
        Hinge(),
        "yes or no",
        lambda z, y: F.relu(1 - (2 * y - 1) * z).mean(),
    ),
    Oracle(PerceptronError(), "yes or no", perceptron),
    Oracle(
        CrossEntropy(),
        "probabilities",
        lambda z, y: F.cross_entropy(z.reshape(-1, CLASSES), y.reshape(-1, CLASSES)),
    ),
    Oracle(CrossEntropy(), "classes", cross_entropy),
    Oracle(
        CrossEntropy(label_smoothing=0.2),
        "classes",
        lambda z, y: cross_entropy(z, y, label_smoothing=0.2),
    ),
    Oracle(CrossEntropy(ignore_label=-1), "some classes", cross_entropy),
    Oracle(
        CrossEntropy(label_smoothing=0.1, ignore_label=-1),
        "some classes",
        lambda z, y: cross_entropy(z, y, label_smoothing=0.1),
    ),
)


def targets_of(kind: str, shape: tuple[int, ...]) -> Array:
    rng = np.random.default_rng(2)
    if kind == "numbers":
        return rng.normal(size=shape)
    if kind == "shares":
        return rng.random(shape)
    if kind == "yes or no":
        return (rng.random(shape) < 0.5).astype(float)
    if kind == "probabilities":
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    labels = rng.integers(shape[-1], size=shape[:-1])
    return np.where(rng.random(shape[:-1]) < 0.3, -1, labels) if kind.startswith("some") else labels


CASES = pytest.mark.parametrize("oracle", ORACLES, ids=lambda o: f"{o.loss} of {o.targets}")
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])
SHAPES = pytest.mark.parametrize("input_shape", [(3,), (TOKENS, 3)])


def side_by_side(
    oracle: Oracle, input_shape: tuple[int, ...]
) -> tuple[Network, Array, Array, Peer]:
    """A dense layer before the loss, of samples that are vectors or sequences of them."""
    end = Dense(CLASSES, oracle.loss.output_activation or "linear")
    network = Network(input_shape, (Dense(5, "tanh"), end))
    inputs = np.random.default_rng(0).normal(size=(7, *input_shape))
    targets = targets_of(oracle.targets, (7, *network.output_shape))

    def forward(x: Tensor, w: Weights) -> Tensor:
        hidden = torch.tanh(x @ w["dense_1.weight"] + w["dense_1.bias"])
        return hidden @ w["dense_2.weight"] + w["dense_2.bias"]

    return network, inputs, targets, Peer(forward, oracle.compute)


@CASES
@DTYPES
@SHAPES
def test_gradients_are_those_of_pytorch(
    oracle: Oracle, dtype: str, input_shape: tuple[int, ...]
) -> None:
    network, inputs, targets, peer = side_by_side(oracle, input_shape)
    check_gradient(network, oracle.loss, inputs, targets, peer, dtype)


@CASES
@DTYPES
@SHAPES
def test_losses_and_steps_are_those_of_pytorch(
    oracle: Oracle, dtype: str, input_shape: tuple[int, ...]
) -> None:
    network, inputs, targets, peer = side_by_side(oracle, input_shape)
    check_training(network, oracle.loss, inputs, targets, peer, dtype)


@DTYPES
@SHAPES
@pytest.mark.parametrize("kind", ["classes", "some classes"])
def test_class_weights_are_those_of_pytorch(
    kind: str, dtype: str, input_shape: tuple[int, ...]
) -> None:
    class_weights = np.array([0.5, 3.0, 1.0, 0.1])

    def compute(z: Tensor, y: Tensor) -> Tensor:
        return cross_entropy(z, y, weight=torch.tensor(class_weights).to(z))

    loss = CrossEntropy(ignore_label=None if kind == "classes" else -1)
    network, inputs, targets, peer = side_by_side(Oracle(loss, kind, compute), input_shape)
    labels = loss.checked(targets, (len(targets), *network.output_shape))
    weights = weights_by_class(loss, labels, class_weights)
    check_training(network, loss, inputs, targets, peer, dtype, weights=weights)


@DTYPES
@SHAPES
@pytest.mark.parametrize(
    ("loss", "targets", "compute"),
    [
        (Mse(), "numbers", F.mse_loss),
        (Mae(), "numbers", F.l1_loss),
        (Huber(), "numbers", F.huber_loss),
        (BinaryCrossEntropy(), "yes or no", F.binary_cross_entropy_with_logits),
    ],
    ids=lambda part: getattr(part, "type", ""),
)
def test_sample_weights_give_the_weighted_mean_of_pytorchs_losses(
    loss: Loss, targets: str, compute: Any, dtype: str, input_shape: tuple[int, ...]
) -> None:
    weights = np.array([0.0, 1.0, 2.0, 0.5, 7.0, 1.0, 0.25])

    def weighted(z: Tensor, y: Tensor) -> Tensor:
        of_samples = compute(z, y, reduction="none").reshape(len(z), -1).mean(-1)
        w = torch.tensor(weights).to(z)
        return (w * of_samples).sum() / w.sum()

    network, inputs, values, peer = side_by_side(Oracle(loss, targets, weighted), input_shape)
    check_training(network, loss, inputs, values, peer, dtype, weights=weights)


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_recorded_cross_entropies_are_more_exact_than_those_of_pytorch(size: float) -> None:
    rng = np.random.default_rng(0)
    logits = (size * rng.normal(size=(5_000, 10))).astype(np.float32)
    labels = rng.integers(10, size=5_000)
    wide, of_labels = torch.tensor(logits.astype(np.float64)), torch.tensor(labels)
    exact = F.cross_entropy(wide, of_labels, reduction="none").numpy()
    theirs = F.cross_entropy(torch.tensor(logits), of_labels, reduction="none").numpy()
    ours = CrossEntropy().recorded_values(logits, labels)
    assert np.abs(ours - exact).max() < 0.3 * np.abs(theirs - exact).max()
    assert abs((ours - exact).mean()) < abs(float(theirs.mean()) - exact.mean()) + 1e-9


def test_every_loss_has_an_oracle() -> None:
    # Losses of pairs are in test_pairs.py.
    single = {name for name, loss in LOSSES.items() if loss.rows == 1}
    assert {oracle.loss.type for oracle in ORACLES} == single
