"""The layers' outputs for a few samples, against plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from epochal_engine import (
    ActivationLayer,
    Conv1d,
    Data,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Network,
    Run,
    Sgd,
    Training,
    TransformerBlock,
)
from epochal_engine.model.network import parameter_views
from epochal_engine.symbolic.plan import perform
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join
from epochal_engine.training.probe import FEWEST, MOST, SHARE, Probe
from epochal_engine.training.snapshots import STATISTICS

RNG = np.random.default_rng(0)


def look(layers: tuple[Layer, ...], inputs: Array, *weights: Array) -> Array:
    """The four numbers of each layer, for each of the weights; all `(size,)`."""
    network = Network(inputs.shape[1:], layers)
    return Probe(network, inputs, np.float64).look(np.stack(weights))


def test_every_number_is_that_of_plain_numpy() -> None:
    inputs, vectors = RNG.normal(size=(12, 2)), 2.0 * RNG.normal(size=(3, 33))
    layers = (Dense(4, "tanh"), Dropout(0.5), Dense(3, "relu"), Dense(1, "sigmoid"))
    actual = look(layers, inputs, *vectors[:, :31])
    network = Network((2,), layers)
    for row, vector in zip(actual, vectors, strict=True):
        w = parameter_views(network, vector[:31])
        first = np.tanh(inputs @ w["dense_1.weight"] + w["dense_1.bias"])
        second = np.maximum(first @ w["dense_3.weight"] + w["dense_3.bias"], 0.0)
        last = 1.0 / (1.0 + np.exp(-second @ w["dense_4.weight"] - w["dense_4.bias"]))
        flat = (1.0 - first**2 < 0.05).mean(), 0.0, (last * (1.0 - last) < 0.05 / 4.0).mean()
        dead = 0.0, (second == 0.0).all(axis=0).mean(), 0.0
        expected = [
            [y.mean(), y.std(), saturated, silent]
            for y, saturated, silent in zip((first, second, last), flat, dead, strict=True)
        ]
        np.testing.assert_allclose(row, expected, atol=1e-12)


def test_a_unit_is_dead_only_if_no_sample_wakes_it() -> None:
    inputs = np.array([[1.0], [2.0], [-1.0]])
    # Units x, -x - 5, -1 and x + 2: the second and the third never fire.
    weights = np.array([1.0, -1.0, 0.0, 1.0, 0.0, -5.0, -1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    actual = look((Dense(4, "relu"), Dense(1)), inputs, weights)
    assert actual[0, 0, 3] == 0.5
    assert actual[0, 1, 3] == 0.0


def test_one_sample_of_many_is_enough_to_wake_a_unit() -> None:
    waking = [0, 8, 9, 17, 18, 19]
    weights = np.zeros((21, 7))
    weights[waking, range(6)] = 1.0
    actual = look((Dense(7, "relu"),), np.eye(20), weights.ravel())
    assert actual[0, 0, 3] == pytest.approx(1.0 / 7.0)


def test_a_channel_is_a_unit_at_all_its_positions() -> None:
    inputs = np.zeros((2, 3, 1))
    inputs[1, 2, 0] = 1.0
    # The first channel fires at one position of one sample, the second one nowhere.
    weights = np.array([1.0, -1.0, 0.0, 0.0])
    actual = look((Conv1d(2, 1, activation="relu"),), inputs, weights)
    assert actual[0, 0, 3] == 0.5
    assert actual[0, 0, 0] == pytest.approx(1.0 / 12.0)


def test_an_activation_of_its_own_belongs_to_the_layer_before_it() -> None:
    inputs, vector = RNG.normal(size=(5, 2)), RNG.normal(size=13)
    apart = look((Dense(3), ActivationLayer("relu"), Dense(1)), inputs, vector)
    together = look((Dense(3, "relu"), Dense(1)), inputs, vector)
    np.testing.assert_array_equal(apart, together)


@pytest.mark.parametrize(
    ("samples", "shown"),
    [(3, 3), (FEWEST + 1, FEWEST), (100 * SHARE, 100), (2 * MOST * SHARE, MOST)],
)
def test_a_share_of_the_samples_is_shown(samples: int, shown: int) -> None:
    # The mean of the sample's number over the shown ones, first and last included.
    inputs = np.arange(samples, dtype=float)[:, None]
    actual = look((Dense(1, use_bias=False),), inputs, np.ones(1))
    expected = np.linspace(0, samples - 1, shown).astype(int)
    assert actual[0, 0, 0] == pytest.approx(expected.mean())
    assert actual[0, 0, 1] == pytest.approx(expected.std())


def test_of_sequences_fewer_are_shown_whose_positions_are_enough() -> None:
    inputs = np.arange(100.0)[:, None, None] + np.zeros((100, 10, 1))
    layer = Dense(1, use_bias=False)
    for layers, shown in (((layer,), 3), ((layer, Flatten(), layer), FEWEST)):
        size = Network((10, 1), layers).size
        actual = look(layers, inputs, np.ones(size))
        expected = np.linspace(0, 99, shown).astype(int)
        assert actual[0, 0, 0] == pytest.approx(expected.mean())


def test_many_epochs_at_once_give_the_bits_of_each_alone() -> None:
    network = Network((3,), (Dense(5, "tanh"), Dense(4, "relu"), Dense(2, "softmax")))
    inputs = RNG.normal(size=(40, 3))
    vectors = RNG.normal(size=(50, 54)).astype(np.float32)
    probe = Probe(network, inputs, np.float32)
    together = probe.look(vectors)
    for number in (0, 17, 49):
        alone = probe.look(vectors[number : number + 1])[0]
        np.testing.assert_array_equal(together[number], alone)


def test_of_a_run_every_epoch_gets_the_bits_that_it_gets_alone() -> None:
    network = Network((6, 8), (TransformerBlock(2, 16), Dense(3)))
    vectors = RNG.normal(size=(9, network.size)).astype(np.float32)
    probe = Probe(network, RNG.normal(size=(40, 6, 8)), np.float32, alone=True)
    together = probe.look(vectors)
    np.testing.assert_array_equal(together, np.concatenate([probe.look(v[None]) for v in vectors]))
    current = vectors[4].copy()
    calls, outputs = probe.bound(current)
    current[:] = vectors[7]  # The calls read the numbers where they are.
    perform(calls)
    means = [output.values.astype(np.float64).mean() for output in outputs]
    np.testing.assert_allclose(means, together[7, :, 0], rtol=1e-12)


def test_a_run_shows_what_its_layers_do_after_the_epoch() -> None:
    inputs = RNG.normal(size=(6, 2))
    network = Network((2,), (Dense(3, "tanh"), Dense(1)))
    run = Run(network, Training("mse", Sgd(0.1), epochs=1), Data(inputs, np.ones((6, 1))))
    for _ in run:
        pass
    gradients = join(run.take()).gradients
    assert gradients is not None
    weights = run.weights()
    hidden = np.tanh(inputs @ weights["dense_1.weight"] + weights["dense_1.bias"])
    named = dict(zip(STATISTICS, gradients.statistics[0, 0].tolist(), strict=True))
    assert named["activation_mean"] == pytest.approx(hidden.mean(), rel=1e-5)
    assert named["activation_std"] == pytest.approx(hidden.std(), rel=1e-5)
