"""The work of a run, beside the compiled run, and the measurements of short runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from epochal_engine import (
    Adam,
    BatchNorm,
    Data,
    Dense,
    Dropout,
    Layer,
    Lstm,
    Muon,
    Network,
    Run,
    Sgd,
    Training,
    Work,
    calibrate,
    choose_engine,
    chosen_engine,
    work,
)

RNG = np.random.default_rng(0)
NETWORKS: dict[str, tuple[tuple[int, ...], tuple[Layer, ...]]] = {
    "dense": ((3,), (Dense(4, "relu"), Dense(1))),
    "noise": ((3,), (Dense(4), Dropout(0.5), BatchNorm(), Dense(1))),
    "recurrent": ((9, 2), (Lstm(4, return_sequences=False), Dense(1))),
}


@pytest.mark.parametrize("optimizer", [Sgd(0.1), Adam(0.01), Muon(0.01)], ids=lambda o: o.type)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_calls_are_those_of_the_compiled_steps(name: str, optimizer: Any) -> None:
    network = Network(*NETWORKS[name])
    inputs = RNG.normal(size=(24, *network.input_shape))
    training = Training("mse", optimizer, 5, 4, shuffle=False, gradients_every=0)
    before = chosen_engine()
    choose_engine("python")
    try:
        run = Run(network, training, Data(inputs, np.zeros((24, 1))))
    finally:
        choose_engine(before)
    compiled = sum(len(segment.calls) for segment in run._segments)
    # Three more gather a segment's batches and write their logits back.
    assert work(network, training, 24).calls == 5 * (compiled - 3)


def test_the_cost_is_that_of_all_epochs() -> None:
    network = Network((3,), (Dense(4), Dense(2)))
    training = Training("mse", Adam(0.01), 10, 8, gradients_every=2)
    actual = work(network, training, 20, 5)
    assert actual.epochs == 10
    assert actual.snapshots == 10  # two layers in every second epoch
    assert actual.flops == network.flops * (3 * 20 + 5) * 10
    assert actual.member_calls == 0


def test_elements_are_those_of_all_calls_but_products() -> None:
    network = Network((3,), (Dense(2),))
    training = Training("mse", Sgd(0.1), 10, 4)
    # The differences of 4 · 2 outputs and their multiples; the steps and the updates of 8 weights.
    step = 8 + 8 + 8 + 8
    assert work(network, training, 8).elements == 10 * 2 * step
    # A forward pass is a third of a step.
    assert work(network, training, 8, 12).elements == 10 * (2 + 1) * step


def test_members_share_calls_and_add_arithmetic() -> None:
    network = Network((3,), (Dense(4), Dense(2)))
    training = Training("mse", Adam(0.01), 10, 8)
    single, four = work(network, training, 20), work(network, training, 20, members=4)
    assert four.calls == single.calls
    assert four.member_calls == 3 * single.calls
    assert (four.flops, four.elements) == (4 * single.flops, 4 * single.elements)


def test_a_network_without_snapshots_has_none() -> None:
    network = Network((3,), (Dense(1),))
    assert work(network, Training("mse", Adam(), 1, gradients_every=0), 20).snapshots == 0


def test_short_runs_measure_every_part_of_the_cost() -> None:
    measured = calibrate()
    assert all(seconds > 0 for _, seconds in measured)
    for part in range(len(Work.__annotations__)):
        assert max(amounts.vector[part] for amounts, _ in measured) > 0
