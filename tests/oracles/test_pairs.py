"""Training on pairs of rows, compared with direct preference optimization written in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.oracles.comparison import torch

from epochal_engine import Data, Dense, Embedding, Network, Preference, Run, Sgd, Training

F: Any = torch.nn.functional
LENGTH, TOKENS = 5, 4
BETA, RATE, EPOCHS = 0.3, 0.5, 6
NETWORK = Network((LENGTH,), (Embedding(TOKENS, 3), Dense(TOKENS, "softmax")))
SCORER = Network((LENGTH,), (Dense(4, "tanh"), Dense(1)))


def rows() -> Data:
    rng = np.random.default_rng(0)
    tokens = rng.integers(TOKENS, size=(24, LENGTH + 1))
    labels = tokens[:, 1:].copy()
    labels[:, 0] = -1
    labels[::3, -1] = -1
    return Data(tokens[:, :-1].astype(float), labels)


def tensors(run: Run) -> dict[str, Any]:
    return {n: torch.tensor(a, requires_grad=True) for n, a in run.weights().items()}


def trained(run: Run, weights: dict[str, Any], loss: Any) -> None:
    """Check that a run and steps down the gradient of `loss` give equal losses and weights."""
    expected = []
    for _ in range(EPOCHS):
        value = loss(weights)
        gradients = torch.autograd.grad(value, list(weights.values()))
        expected.append(value.item())
        for tensor, gradient in zip(weights.values(), gradients, strict=True):
            with torch.no_grad():
                tensor -= RATE * gradient
    for _ in run:
        pass
    actual = np.concatenate([block.columns["train_loss"] for block in run.take()])
    np.testing.assert_allclose(actual, expected, rtol=1e-9)
    for name, array in run.weights().items():
        np.testing.assert_allclose(array, weights[name].detach().numpy(), rtol=1e-9, atol=1e-12)


def settings() -> Training:
    loss = Preference(BETA, ignore_label=-1)
    return Training(loss, Sgd(RATE), EPOCHS, dtype="float64")


def test_a_network_that_writes_is_trained_by_direct_preference_optimization() -> None:
    data = rows()
    run = Run(NETWORK, settings(), data)
    weights = tensors(run)
    inputs = torch.tensor(data.train_inputs.astype(np.int64))
    labels = torch.tensor(data.train_targets)

    def log_probabilities(weights: dict[str, Any]) -> Any:
        table, w, b = weights.values()
        logits = table[inputs] @ w + b
        losses = F.cross_entropy(
            logits.reshape(-1, TOKENS), labels.reshape(-1), ignore_index=-1, reduction="none"
        )
        return -losses.reshape(labels.shape).sum(1)

    reference = log_probabilities(weights).detach()

    def loss(weights: dict[str, Any]) -> Any:
        ratio = log_probabilities(weights) - reference
        return -F.logsigmoid(BETA * (ratio[::2] - ratio[1::2])).mean()

    trained(run, weights, loss)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_reward_model_is_trained_by_the_model_of_bradley_and_terry(sign: float) -> None:
    inputs = sign * np.random.default_rng(1).normal(size=(20, LENGTH))
    run = Run(SCORER, settings(), Data(inputs, np.zeros((20, 1))))
    x = torch.tensor(inputs)

    def loss(weights: dict[str, Any]) -> Any:
        w, b, v, c = weights.values()
        scores = torch.tanh(x @ w + b) @ v + c
        return -F.logsigmoid(scores[::2] - scores[1::2]).mean()

    trained(run, tensors(run), loss)
