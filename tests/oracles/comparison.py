"""One network in the engine and the same in PyTorch, side by side from the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pytest

from epochal_engine import Data, Loss, Network, Optimizer, Run, Sgd, Training, find_loss
from epochal_engine.model.network import parameter_views
from epochal_engine.symbolic.plan import perform
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.step import Gradient, with_column

torch: Any = pytest.importorskip("torch")

Tensor: TypeAlias = Any
Weights: TypeAlias = dict[str, Tensor]
TOLERANCE = {"float64": 1e-8, "float32": 1e-4}
STEPS = 20


@dataclass(frozen=True)
class Peer:
    """The engine's network and loss in PyTorch."""

    forward: Callable[[Tensor, Weights], Tensor]
    """From inputs and parameters, named as the engine names them, to the scores."""
    loss: Callable[[Tensor, Tensor], Tensor]
    """From scores and targets to the mean loss."""


def leaves(weights: Mapping[str, Array], network: Network) -> Weights:
    """The parameters as tensors; learned parameters have a gradient."""
    return {
        name: torch.tensor(np.array(array), requires_grad=name in network.learned)
        for name, array in weights.items()
    }


def check_gradient(
    network: Network, loss: str | Loss, inputs: Array, targets: Array, peer: Peer, dtype: str
) -> None:
    """Scores, and the slope of every parameter, agree at random parameters."""
    rng = np.random.default_rng(1)
    first = network.initial_parameters(rng=rng)
    weights = {
        name: (w if name in network.running else w + rng.normal(0.0, 0.3, w.shape)).astype(dtype)
        for name, w in first.items()
    }
    x = np.ascontiguousarray(inputs, dtype)
    rows = find_loss(loss).targets(targets, (len(inputs), *network.output_shape))
    y = np.ascontiguousarray(rows, dtype)
    theirs = leaves(weights, network)
    scores = peer.forward(torch.tensor(x), theirs)
    peer.loss(scores, torch.tensor(y)).backward()

    actual = np.empty(y.shape, dtype)
    parameters = np.concatenate([weights[name].ravel() for name in network.parameters])
    gradient = np.zeros(network.changing_size, dtype)
    compiled = Gradient(network, loss, len(x), dtype)
    parts = compiled.parts(parameters), compiled.parts(gradient)
    rng = np.random.default_rng()
    perform(compiled.bind(with_column(network, x), y, actual, *parts, rng))
    arrays, gradients = (parameter_views(network, vector) for vector in (parameters, gradient))
    close(actual, scores, dtype, "scores")
    for name, tensor in theirs.items():
        if name in network.learned:
            close(gradients[name], tensor.grad, dtype, name)
        else:
            close(arrays[name], tensor, dtype, name)


def check_training(
    network: Network,
    loss: str | Loss,
    inputs: Array,
    targets: Array,
    peer: Peer,
    dtype: Any,
    optimizer: Optimizer = Sgd(0.05),
    step: Callable[[Weights], Any] | None = None,
    tolerance: float | None = None,
    weights: Array | None = None,
) -> None:
    """The losses of 20 steps on all samples, and the parameters after them, agree.

    `step` makes PyTorch's optimizer from the parameters that are learned; the default is plain SGD.
    `weights` belong to the samples.
    """
    training = Training(loss, optimizer, epochs=STEPS, dtype=dtype, gradients_every=0)
    run = Run(network, training, Data(inputs, targets, train_sample_weights=weights))
    theirs = leaves(run.weights(), network)
    learned = {name: theirs[name] for name in network.learned}
    other = torch.optim.SGD(learned.values(), lr=0.05) if step is None else step(learned)
    x = torch.tensor(np.ascontiguousarray(inputs, dtype))
    y = torch.tensor(
        np.asarray(find_loss(loss).targets(targets, (len(x), *network.output_shape)), dtype)
    )
    losses = []
    for _ in range(STEPS):
        other.zero_grad()
        value = peer.loss(peer.forward(x, theirs), y)
        value.backward()
        other.step()
        losses.append(value.detach())
    for _ in run:
        pass
    assert run.outcome is not None
    assert run.outcome.stop_reason == "completed"
    if find_loss(loss).type != "perceptron":  # it reports another loss than it minimizes
        actual = np.concatenate([block.columns["train_loss"] for block in run.take()])
        close(actual, torch.stack(losses), dtype, "losses", tolerance)
    for name, weight in run.weights().items():
        close(weight, theirs[name], dtype, name, tolerance)


def close(
    actual: Array, expected: Tensor, dtype: str, what: str, tolerance: float | None = None
) -> None:
    """Both are the same, but for rounding."""
    allowed = TOLERANCE[dtype] if tolerance is None else tolerance
    np.testing.assert_allclose(
        actual, expected.detach().numpy(), rtol=allowed, atol=allowed, err_msg=what
    )
