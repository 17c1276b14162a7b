"""A run that changes while it trains takes the steps of PyTorch, with moments that stay."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.oracles.comparison import torch

from epochal_engine import Adam, AdamW, Data, Dense, Momentum, Network, Optimizer, Run, Training

RNG = np.random.default_rng(4)
LAYERS = (Dense(6, "tanh"), Dense(4, "tanh"), Dense(2))
OPTIMIZERS: dict[str, tuple[Optimizer, Optimizer, Any]] = {
    "momentum": (Momentum(0.05, 0.9), Momentum(0.02, 0.5), torch.optim.SGD),
    "adam": (Adam(0.01), Adam(0.003, 0.5, 0.9), torch.optim.Adam),
    "adamw": (AdamW(0.01), AdamW(0.003, 0.5, 0.9), torch.optim.AdamW),
}


def settings(optimizer: Optimizer) -> dict[str, Any]:
    """Return the options of PyTorch's optimizer."""
    if isinstance(optimizer, Momentum):
        return {"lr": optimizer.learning_rate, "momentum": optimizer.momentum}
    assert isinstance(optimizer, Adam | AdamW)
    betas = optimizer.beta_1, optimizer.beta_2
    options = {"lr": optimizer.learning_rate, "betas": betas, "eps": optimizer.epsilon}
    return options | {"weight_decay": getattr(optimizer, "weight_decay", 0.0)}


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_changed_run_takes_the_steps_of_pytorch(kind: str) -> None:
    """Rate and decay rates, batches, data, a weight set by hand, and a frozen layer."""
    first, second, peer = OPTIMIZERS[kind]
    inputs, targets = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 2))
    network, data = Network((3,), LAYERS), Data(inputs, targets)
    training = Training("mse", first, 30, batch_size=8, shuffle=False, dtype="float64")
    run = Run(network, training, data)
    tensors = {name: torch.tensor(a, requires_grad=True) for name, a in run.weights().items()}
    groups = [
        {"params": [t for t in tensors.values() if t.ndim > 1]},
        {"params": [t for t in tensors.values() if t.ndim == 1]},
    ]
    theirs = peer(groups, **settings(first))
    if "weight_decay" in theirs.param_groups[1]:
        theirs.param_groups[1]["weight_decay"] = 0.0  # only weights decay
    for epoch in range(1, 31):
        size = training.batch_size or 1
        for start in range(0, len(data.train_inputs), size):
            batch = slice(start, start + size)
            x = torch.tensor(data.train_inputs[batch])
            for layer in (1, 2, 3):
                x = x @ tensors[f"dense_{layer}.weight"] + tensors[f"dense_{layer}.bias"]
                x = torch.tanh(x) if layer < 3 else x
            theirs.zero_grad()
            torch.nn.functional.mse_loss(x, torch.tensor(data.train_targets[batch])).backward()
            theirs.step()
        for reached in run:
            if reached == epoch:
                break
        for name, array in run.weights().items():
            np.testing.assert_allclose(array, tensors[name].detach().numpy(), atol=1e-11)
        value = None
        if epoch == 5:
            training = replace(training, optimizer=second)
            for group, decay in zip(theirs.param_groups, (None, 0.0), strict=True):
                group |= settings(second)
                group |= {} if decay is None or kind != "adamw" else {"weight_decay": decay}
        elif epoch == 10:
            training = replace(training, batch_size=12)
        elif epoch == 15:
            data = Data(RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2)))
        elif epoch == 20:
            value = -1.5
            with torch.no_grad():
                tensors["dense_2.weight"][1, 3] = value
        elif epoch == 25:
            network = Network((3,), LAYERS, frozen=("dense_1",))
            for name in ("dense_1.weight", "dense_1.bias"):
                tensors[name].requires_grad_(False)
        else:
            continue
        state = run.state_for(network, training)
        if value is not None:
            state.arrays["dense_2.weight"][1, 3] = value
        run = Run(network, training, data, state)
