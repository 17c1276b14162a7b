"""Snapshots of gradients against NumPy's own functions, layer by layer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_engine import (
    BINS,
    HISTOGRAM_EDGES,
    STATISTICS,
    Data,
    Dense,
    Dropout,
    Network,
    Run,
    Sgd,
    Training,
)
from epochal_engine.model.network import parameter_views
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join
from epochal_engine.training.probe import Probe
from epochal_engine.training.snapshots import Gradients, LayerSlices, take_snapshots

NETWORK = Network((2,), (Dense(3, "relu"), Dropout(0.2), Dense(1)))
SAMPLES = np.random.default_rng(0).normal(size=(50, 2))
PROBE = Probe(NETWORK, SAMPLES, np.float32)
SIZES = {"dense_1": 9, "dense_3": 4}


def probe(network: Network) -> Probe:
    return Probe(network, np.ones((1, *network.input_shape)), np.float32)


def taken(
    network: Network, probe: Probe, gradients: Array, steps: Array, parameters: Array
) -> Gradients:
    """Snapshots of the epochs of these vectors, each `(epochs, size)`."""
    segments = LayerSlices(network)
    records = {"gradient": gradients, "step": steps, "parameters": parameters}
    squares = {name: segments.squares(records[name]) for name in ("gradient", "parameters")}
    return take_snapshots(segments, probe, np.arange(len(gradients)), records, squares)


def vectors(epochs: int, seed: int = 0) -> Array:
    """Gradients of all sizes, with zeros among them."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(epochs, 13)) * 10.0 ** rng.uniform(-12, 4, (epochs, 13))
    values[rng.random((epochs, 13)) < 0.2] = 0.0
    return values.astype(np.float32)


def test_every_statistic_is_that_of_its_layer() -> None:
    gradients, steps, parameters = vectors(4), vectors(4, 1), vectors(4, 2)
    actual = taken(NETWORK, PROBE, gradients, steps, parameters)
    assert actual.layers == ("dense_1", "dense_3")
    assert actual.statistics.shape == (4, 2, len(STATISTICS))
    assert actual.statistics.dtype == np.float32
    activations = STATISTICS[7:]
    for epoch in range(4):
        looked = PROBE.look(parameters[epoch : epoch + 1])[0]
        for layer, part in enumerate((slice(0, 9), slice(9, 13))):
            g = gradients[epoch, part].astype(np.float64)
            w, s = parameters[epoch, part].astype(float), steps[epoch, part].astype(float)
            expected = {
                "norm": np.linalg.norm(g),
                "mean": g.mean(),
                "std": g.std(),
                "max_abs": np.abs(g).max(),
                "zero_fraction": (g == 0.0).mean(),
                "weight_norm": np.linalg.norm(w),
                "update_ratio": np.linalg.norm(s) / np.linalg.norm(w),
                **dict(zip(activations, looked[layer].tolist(), strict=True)),
            }
            named = dict(zip(STATISTICS, actual.statistics[epoch, layer].tolist(), strict=True))
            assert named == pytest.approx(expected, rel=1e-5)


def test_statistics_have_the_type_of_the_run() -> None:
    gradients = vectors(3).astype(np.float64) * (1.0 + 1e-12)
    gradients[0, 4] = 1e100
    probe = Probe(NETWORK, SAMPLES, np.float64)
    with np.errstate(over="ignore"):
        actual = taken(NETWORK, probe, gradients, gradients, gradients)
    assert actual.statistics.dtype == np.float64
    for name, expected in (
        ("norm", np.linalg.norm(gradients[:, 9:], axis=1)),
        ("max_abs", np.abs(gradients[:, 9:]).max(1)),
    ):
        np.testing.assert_allclose(
            actual.statistics[:, 1, STATISTICS.index(name)], expected, rtol=1e-15
        )
    assert actual.statistics[0, 0, STATISTICS.index("max_abs")] == 1e100


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_the_histogram_is_that_of_numpy_with_open_ends(seed: int, epochs: int) -> None:
    gradients = vectors(epochs, seed)
    actual = taken(NETWORK, PROBE, gradients, gradients, gradients)
    assert actual.histogram.shape == (epochs, 2, BINS)
    assert actual.histogram.dtype == np.uint32
    edges = [-np.inf, *HISTOGRAM_EDGES, np.inf]
    for epoch in range(epochs):
        for layer, part in enumerate((slice(0, 9), slice(9, 13))):
            expected = np.histogram(np.abs(gradients[epoch, part]).astype(np.float64), edges)[0]
            assert actual.histogram[epoch, layer].tolist() == expected.tolist()


@pytest.mark.parametrize("epochs", [1, 2])
def test_elements_are_counted_alike_where_there_are_many(epochs: int) -> None:
    network = Network((100,), (Dense(90, "tanh"), Dense(1)))
    rng = np.random.default_rng(0)
    gradients = rng.normal(0.0, 1e-3, (epochs, 9_181)).astype(np.float32)
    gradients[:, ::7] = 0.0
    inputs = rng.normal(size=(40, 100))
    actual = taken(network, Probe(network, inputs, "float32"), gradients, gradients, gradients)
    edges = [-np.inf, *HISTOGRAM_EDGES, np.inf]
    for epoch in range(epochs):
        for layer, part in enumerate((slice(0, 9_090), slice(9_090, 9_181))):
            elements = gradients[epoch, part].astype(np.float64)
            expected = np.histogram(np.abs(elements), edges)[0]
            assert actual.histogram[epoch, layer].tolist() == expected.tolist()
            share = actual.statistics[epoch, layer, STATISTICS.index("zero_fraction")]
            assert share == pytest.approx((elements == 0.0).mean())


def test_an_edge_belongs_to_the_bin_above_it_and_what_is_no_number_to_the_last() -> None:
    assert len(HISTOGRAM_EDGES) == 21
    assert HISTOGRAM_EDGES[0] == 2.0**-33
    assert HISTOGRAM_EDGES[-1] == 128.0
    edge = np.float32(2.0**-3)
    below = np.nextafter(edge, np.float32(0))
    network = Network((2,), (Dense(4, use_bias=False),))
    gradient = np.array([[edge, -edge, below, 0.0, 128.0, np.inf, -np.inf, np.nan]], np.float32)
    with np.errstate(invalid="ignore"):
        actual = taken(network, probe(network), gradient, gradient, gradient)
    counts = actual.histogram[0, 0]
    above = int(np.searchsorted(HISTOGRAM_EDGES, 2.0**-3)) + 1
    assert (counts[above], counts[above - 1], counts[0], counts[-1]) == (2, 1, 1, 4)
    assert counts.sum() == 8


def test_a_step_from_zero_is_infinitely_large_and_no_step_is_zero() -> None:
    network = Network((1,), (Dense(1, use_bias=False), Dense(1, use_bias=False)))
    zeros, steps = np.zeros((1, 2), np.float32), np.array([[0.0, 1.0]], np.float32)
    with np.errstate(over="ignore"):
        actual = taken(network, probe(network), zeros, steps, zeros)
    ratios = actual.statistics[0, :, STATISTICS.index("update_ratio")]
    assert ratios.tolist() == [0.0, np.inf]


def test_a_run_records_the_gradient_of_its_last_batch_before_clipping() -> None:
    # One weight, one sample in the last batch: loss (w·x)², slope 2·w·x².
    network = Network((1,), (Dense(1, use_bias=False),))
    inputs = np.array([[1.0], [2.0], [3.0]])
    training = Training(
        "mse", Sgd(0.01), epochs=2, batch_size=1, shuffle=False, clip_value=0.5, dtype="float64"
    )
    run = Run(network, training, Data(inputs, np.zeros((3, 1))))
    w = float(run.weights()["dense_1.weight"][0, 0])
    norms, weights, ratios = [], [], []
    for _ in range(2):
        for x in (1.0, 2.0, 3.0):
            slope = 2.0 * w * x * x
            step = 0.01 * float(np.clip(slope, -0.5, 0.5))
            w -= step
        norms.append(abs(slope))
        weights.append(abs(w))
        ratios.append(abs(step / w))
    for _ in run:
        pass
    block = join(run.take())
    assert block.gradients is not None
    statistics = dict(zip(STATISTICS, block.gradients.statistics[:, 0].T, strict=True))
    assert statistics["norm"] == pytest.approx(norms, rel=1e-6)
    assert statistics["weight_norm"] == pytest.approx(weights, rel=1e-6)
    assert statistics["update_ratio"] == pytest.approx(ratios, rel=1e-6)
    assert block.columns["gradient_norm"] == pytest.approx(norms)


@pytest.mark.parametrize(("every", "epochs"), [(1, list(range(1, 301))), (100, [100, 200, 300])])
def test_snapshots_are_taken_in_the_epochs_that_were_asked_for(
    every: int, epochs: list[int]
) -> None:
    data = Data(np.ones((3, 2)), np.ones((3, 1)))
    training = Training("mse", Sgd(0.01), epochs=300, gradients_every=every)
    run = Run(NETWORK, training, data)
    for _ in run:
        pass
    gradients = join(run.take()).gradients
    assert gradients is not None
    assert gradients.epochs.tolist() == epochs
    assert gradients.epochs.dtype == np.int64
    none = Run(NETWORK, replace(training, gradients_every=0), data)
    for _ in none:
        pass
    assert all(block.gradients is None for block in none.take())


def test_layers_lie_where_their_parameters_do() -> None:
    segments = LayerSlices(NETWORK)
    flat = np.arange(13.0)
    views = parameter_views(NETWORK, flat)
    sums = [views["dense_1.weight"].sum() + views["dense_1.bias"].sum()]
    sums.append(views["dense_3.weight"].sum() + views["dense_3.bias"].sum())
    assert segments.sums(flat[None]).tolist() == [sums]
    assert dict(zip(segments.layers, segments.sizes.tolist(), strict=True)) == SIZES
