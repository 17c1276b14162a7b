"""The memory that a run needs, from its plans."""

import sys

import numpy as np
import pytest

from epochal_engine import (
    Adam,
    Conv2d,
    Data,
    Dense,
    Flatten,
    Layer,
    Lstm,
    Network,
    Run,
    Training,
    memory,
    work,
)
from epochal_engine.symbolic.plan import Plan
from epochal_engine.symbolic.trace import leaf

NETWORKS: dict[str, tuple[tuple[int, ...], tuple[Layer, ...]]] = {
    "dense": ((8,), (Dense(64, "relu"), Dense(64, "tanh"), Dense(1))),
    "cnn": ((8, 8, 1), (Conv2d(8, 3, activation="relu"), Flatten(), Dense(1))),
    "lstm": ((10, 2), (Lstm(16), Dense(1))),
}


def training(batch: int) -> Training:
    return Training("mse", Adam(1e-3), 1, batch)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_memory_of_a_large_batch_is_extrapolated_from_smaller_ones(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network(*NETWORKS[name])
    whole = memory(network, training(4_000), 4_000), work(network, training(4_000), 4_000)
    monkeypatch.setattr(sys.modules["epochal_engine.insight.work"], "MOST_BOUND_BYTES", 1_000_000)
    part = memory(network, training(4_000), 4_000), work(network, training(4_000), 4_000)
    assert part[0].total == pytest.approx(whole[0].total, rel=0.15)
    assert part[1].vector == pytest.approx(whole[1].vector, rel=0.05)


def test_a_larger_batch_needs_more_memory_and_a_smaller_network_less() -> None:
    large, small = Network((8,), (Dense(256), Dense(1))), Network((8,), (Dense(16), Dense(1)))
    needed = [memory(large, training(batch), 4_096).total for batch in (64, 512, 4_096)]
    assert needed == sorted(needed)
    assert needed[-1] > 2 * 4_096 * 256 * 4
    assert memory(small, training(64), 4_096).total < needed[0]


def test_members_of_a_sweep_need_their_own_memory() -> None:
    network = Network((512,), (Dense(512), Dense(1)))
    few, many = (memory(network, training(64), 512, 0, members).total for members in (2, 32))
    # Parameters, gradient, step and two moments, in float32.
    assert many - few > 30 * 5 * network.size * 4


def test_members_that_are_trained_in_parts_share_a_plan() -> None:
    # The vectors of one member fill the cache: each is a part, and they need one plan.
    network = Network((512,), (Dense(512), Dense(1)))
    few, few_in_batches = (memory(network, training(n), 512, 0, 2).total for n in (16, 512))
    many, many_in_batches = (memory(network, training(n), 512, 0, 32).total for n in (16, 512))
    difference = (many_in_batches - many) - (few_in_batches - few)
    assert difference < 512 * 513 * 4


def test_a_plan_takes_no_memory_before_it_is_bound() -> None:
    x = leaf((1_000_000, 1_000))
    plan = Plan([(x + 1.0) @ leaf((1_000, 1))], np.float32)
    assert plan.bytes == 4_000_000_000
    assert "_memory" not in vars(plan)


def test_a_run_allocates_about_what_was_predicted() -> None:
    import tracemalloc

    network = Network((64,), (Dense(512, "relu"), Dense(512, "relu"), Dense(1)))
    inputs = np.random.default_rng(0).normal(size=(4_000, 64))
    data = Data(inputs, inputs[:, :1])
    predicted = memory(network, training(4_000), 4_000).total
    tracemalloc.start()
    try:
        for _ in Run(network, training(4_000), data):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.8 < predicted / peak < 1.3
