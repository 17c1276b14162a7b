"""Every optimizer takes the steps of PyTorch's, and every schedule has its rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from tests.oracles.comparison import Peer, Tensor, Weights, check_training, torch

from epochal_engine import (
    OPTIMIZERS,
    SCHEDULES,
    Adagrad,
    Adam,
    AdamW,
    Constant,
    Cosine,
    Dense,
    Exponential,
    Lion,
    Momentum,
    Muon,
    Nesterov,
    Network,
    OneCycle,
    Optimizer,
    Perceptron,
    ReduceOnPlateau,
    RmsProp,
    Schedule,
    Sgd,
    Step,
)
from epochal_engine.optimize.stopping import Progress, follow

F: Any = torch.nn.functional
NETWORK = Network((3,), (Dense(6, "tanh"), Dense(5, "tanh"), Dense(4, "tanh"), Dense(2)))


def forward(x: Tensor, w: Weights) -> Tensor:
    for layer in (1, 2, 3):
        x = torch.tanh(x @ w[f"dense_{layer}.weight"] + w[f"dense_{layer}.bias"])
    return x @ w["dense_4.weight"] + w["dense_4.bias"]


def groups(w: Weights, decay: float) -> list[dict[str, Any]]:
    """Only weights decay."""
    return [
        {"params": [t for t in w.values() if t.ndim > 1], "weight_decay": decay},
        {"params": [t for t in w.values() if t.ndim == 1], "weight_decay": 0.0},
    ]


class LionByItsPaper:
    """Chen et al. (2023), algorithm 2, with tensors."""

    def __init__(self, w: Weights, rate: float, decay: float) -> None:
        self.w, self.rate, self.decay = w, rate, decay
        self.m = {name: torch.zeros_like(tensor) for name, tensor in w.items()}

    def zero_grad(self) -> None:
        for tensor in self.w.values():
            tensor.grad = None

    def step(self) -> None:
        with torch.no_grad():
            for name, p in self.w.items():
                m, decay = self.m[name], self.decay if p.ndim > 1 else 0.0
                p -= self.rate * (torch.sign(0.9 * m + 0.1 * p.grad) + decay * p)
                m.mul_(0.99).add_(p.grad, alpha=0.01)


class MuonWithAdamW:
    """PyTorch's two, for the parameters that its author gives to each."""

    def __init__(self, w: Weights, decay: float) -> None:
        hidden = [name for name in ("dense_2.weight", "dense_3.weight") if name in w]
        # PyTorch's matrices are (units, fan_in).
        self.w, self.turned = w, {n: w[n].detach().T.clone().requires_grad_() for n in hidden}
        rest = {name: tensor for name, tensor in w.items() if name not in hidden}
        self.muon = torch.optim.Muon(self.turned.values(), lr=0.02, weight_decay=decay)
        self.adam = torch.optim.AdamW(groups(rest, decay), lr=3e-4, betas=(0.9, 0.95), eps=1e-10)

    def zero_grad(self) -> None:
        for tensor in self.w.values():
            tensor.grad = None

    def step(self) -> None:
        for name, turned in self.turned.items():
            turned.grad = self.w[name].grad.T.clone()
        self.muon.step()
        self.adam.step()
        with torch.no_grad():
            for name, turned in self.turned.items():
                self.w[name].copy_(turned.T)


@dataclass(frozen=True)
class Oracle:
    """An optimizer, and the same optimizer in PyTorch."""

    optimizer: Optimizer
    other: Callable[[Weights], Any]
    tolerance: float | None = None


ORACLES = (
    Oracle(Sgd(0.1), lambda w: torch.optim.SGD(w.values(), 0.1)),
    Oracle(Momentum(0.05, 0.8), lambda w: torch.optim.SGD(w.values(), 0.05, 0.8)),
    Oracle(Nesterov(0.05), lambda w: torch.optim.SGD(w.values(), 0.05, 0.9, nesterov=True)),
    Oracle(Adagrad(0.1), lambda w: torch.optim.Adagrad(w.values(), 0.1)),
    Oracle(RmsProp(0.01), lambda w: torch.optim.RMSprop(w.values(), 0.01)),
    Oracle(
        RmsProp(0.01, decay=0.8, epsilon=0.1),
        lambda w: torch.optim.RMSprop(w.values(), 0.01, 0.8, 0.1),
    ),
    Oracle(Adam(0.01), lambda w: torch.optim.Adam(w.values(), 0.01)),
    Oracle(
        Adam(0.01, 0.5, 0.9, 0.1), lambda w: torch.optim.Adam(w.values(), 0.01, (0.5, 0.9), 0.1)
    ),
    Oracle(AdamW(0.01), lambda w: torch.optim.AdamW(groups(w, 0.01), 0.01)),
    Oracle(AdamW(0.01, weight_decay=0.5), lambda w: torch.optim.AdamW(groups(w, 0.5), 0.01)),
    Oracle(Lion(0.01, weight_decay=0.1), lambda w: LionByItsPaper(w, 0.01, 0.1)),
    # PyTorch orthogonalizes in bfloat16, which has three decimal digits; the formula itself is
    # checked in tests/engine/test_optimizers.py, to the last digit.
    Oracle(Muon(0.02, weight_decay=0.1), lambda w: MuonWithAdamW(w, 0.1), tolerance=1e-2),
)


@pytest.mark.parametrize("frozen", [(), ("dense_1",), ("dense_3",)], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: str(oracle.optimizer))
def test_twenty_steps_are_those_of_pytorch(
    oracle: Oracle, dtype: str, frozen: tuple[str, ...]
) -> None:
    if isinstance(oracle.optimizer, Muon) and frozen == ("dense_1",):
        return  # dense_2 is then the first layer for Muon
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    peer = Peer(forward, F.mse_loss)
    check_training(
        replace(NETWORK, frozen=frozen),
        "mse",
        inputs,
        targets,
        peer,
        dtype,
        oracle.optimizer,
        oracle.other,
        oracle.tolerance,
    )


def test_the_rule_of_the_perceptron_is_plain_descent_on_its_error() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(1, 3)), np.array([[1.0, 0.0]])
    network = Network((3,), (Dense(2, "step"),))

    def error(z: Tensor, y: Tensor) -> Tensor:
        return (((z >= 0).to(z.dtype) - y).detach() * z).mean()

    check_training(
        network,
        "perceptron",
        inputs,
        targets,
        Peer(lambda x, w: x @ w["dense_1.weight"] + w["dense_1.bias"], error),
        "float64",
        Perceptron(),
        lambda w: torch.optim.SGD(w.values(), 1.0),
    )


def test_every_optimizer_has_an_oracle() -> None:
    assert {o.optimizer.type for o in ORACLES} | {"perceptron"} == set(OPTIMIZERS)


# ---------------------------------------------------------------- schedules

EPOCHS = 20
RATES: tuple[tuple[Schedule, Callable[[Any], Any]], ...] = (
    (Constant(), lambda o: torch.optim.lr_scheduler.ConstantLR(o, 1.0)),
    (Step(3, 0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
    (Exponential(0.9), lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)),
    (
        Cosine(final_fraction=0.1),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, EPOCHS, 0.01),
    ),
    (OneCycle(), lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=EPOCHS)),
    (
        OneCycle(0.5, 0.1, 0.01),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, 0.1, total_steps=EPOCHS, pct_start=0.5, div_factor=10.0, final_div_factor=10.0
        ),
    ),
)


@pytest.mark.parametrize(("schedule", "other"), RATES, ids=lambda value: str(value)[:30])
def test_a_schedule_has_the_rates_of_pytorch(
    schedule: Schedule, other: Callable[[Any], Any]
) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1, momentum=0.9)
    scheduler = other(optimizer)
    for epoch in range(EPOCHS):
        expected = optimizer.param_groups[0]["lr"]
        assert schedule.value(epoch, EPOCHS, 0.1) == pytest.approx(expected, rel=1e-9)
        optimizer.step()
        if epoch < EPOCHS - 1:
            scheduler.step()


@pytest.mark.parametrize("patience", [1, 3])
def test_a_plateau_reduces_the_rate_when_it_does_in_pytorch(patience: int) -> None:
    rng = np.random.default_rng(0)
    losses = 1.0 / np.arange(1.0, 101.0) + 0.02 * rng.normal(size=100)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience, min_lr=0.0, eps=0.0
    )
    expected = []
    for loss in losses:
        scheduler.step(loss)
        expected.append(optimizer.param_groups[0]["lr"])
    schedule = ReduceOnPlateau(0.5, patience)
    followed = follow(Progress(), {"train_loss": losses}, np.full(100, True), None, None, schedule)
    assert [p.rate_factor for p in followed] == expected
    assert expected[-1] < 1.0


def test_every_schedule_has_an_oracle() -> None:
    assert {schedule.type for schedule, _ in RATES} | {"reduce_on_plateau"} == set(SCHEDULES)
