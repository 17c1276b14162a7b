"""A prediction is the forward pass that one would write down."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from epochal_engine import Dense, Dropout, Network, predict
from epochal_engine.model.predict import (
    ELEMENTS_AT_ONCE,
    FEW_NUMBERS,
    SAMPLES_AT_ONCE,
    forward_passes,
)
from epochal_engine.symbolic.plan import perform

NETWORK = Network((2,), (Dense(3, "tanh"), Dropout(0.5), Dense(2, "softmax")))
RNG = np.random.default_rng(0)
WEIGHTS = {name: RNG.normal(size=shape) for name, shape in NETWORK.parameters.items()}


@pytest.mark.parametrize("samples", [0, 1, SAMPLES_AT_ONCE, 2 * SAMPLES_AT_ONCE + 5])
def test_a_prediction_is_the_plain_forward_pass_without_dropout(samples: int) -> None:
    inputs = RNG.normal(size=(samples, 2))
    hidden = np.tanh(inputs @ WEIGHTS["dense_1.weight"] + WEIGHTS["dense_1.bias"])
    logits = hidden @ WEIGHTS["dense_3.weight"] + WEIGHTS["dense_3.bias"]
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    actual = predict(NETWORK, WEIGHTS, inputs)
    assert actual.dtype == np.float64
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_the_type_of_the_weights_is_that_of_the_prediction() -> None:
    single = {name: values.astype(np.float32) for name, values in WEIGHTS.items()}
    actual = predict(NETWORK, single, np.ones((1, 2)))
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, predict(NETWORK, WEIGHTS, np.ones((1, 2))), rtol=1e-6)


def test_other_names_among_the_weights_do_no_harm() -> None:
    more = {**WEIGHTS, "moments": np.zeros(7)}
    inputs = np.ones((1, 2))
    assert (predict(NETWORK, more, inputs) == predict(NETWORK, WEIGHTS, inputs)).all()


def test_missing_or_misshapen_weights_and_inputs_are_named() -> None:
    less = {name: values for name, values in WEIGHTS.items() if name != "dense_1.bias"}
    with pytest.raises(ValueError, match=r"no weight named dense_1\.bias"):
        predict(NETWORK, less, np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"dense_1\.bias needs the shape \(3,\), not \(4,\)"):
        predict(NETWORK, {**WEIGHTS, "dense_1.bias": np.ones(4)}, np.ones((1, 2)))
    with pytest.raises(ValueError, match="inputs need the shape"):
        predict(NETWORK, WEIGHTS, np.ones((1, 3)))


def test_a_large_network_is_given_few_samples_at_a_time() -> None:
    network = Network((2,), (Dense(ELEMENTS_AT_ONCE // 4), Dense(1)))
    weights = {name: np.ones(shape, np.float32) for name, shape in network.parameters.items()}
    inputs, results = np.ones((9, 2), np.float32), np.zeros((9, 1), np.float32)
    passes = forward_passes(network, weights, inputs, results)
    assert len(passes) == 3
    for calls in passes:
        perform(calls)
    np.testing.assert_allclose(results, 3.0 * ELEMENTS_AT_ONCE / 4 + 1.0, rtol=1e-3)


def test_a_layer_on_the_way_can_be_asked_for_by_name() -> None:
    inputs = RNG.normal(size=(SAMPLES_AT_ONCE + 3, 2))
    hidden = np.tanh(inputs @ WEIGHTS["dense_1.weight"] + WEIGHTS["dense_1.bias"])
    for name in ("dense_1", "dropout_2"):
        np.testing.assert_allclose(predict(NETWORK, WEIGHTS, inputs, name), hidden, rtol=1e-12)
    last = predict(NETWORK, WEIGHTS, inputs, "dense_3")
    assert (last == predict(NETWORK, WEIGHTS, inputs)).all()
    with pytest.raises(ValueError, match="no layer named 'dense_2'"):
        predict(NETWORK, WEIGHTS, inputs, "dense_2")


def test_a_prediction_has_the_newest_weights_and_memory_of_its_own() -> None:
    network = Network((2,), (Dense(3, "tanh"), Dense(1)))
    weights = network.initial_parameters(rng=np.random.default_rng(0))
    inputs = np.ones((1, 2))
    first = predict(network, weights, inputs)
    before = first.copy()
    weights["dense_2.bias"] += 1.0
    np.testing.assert_allclose(predict(network, weights, inputs), before + 1.0, rtol=1e-12)
    np.testing.assert_array_equal(first, before)


def test_as_many_samples_of_a_small_network_as_one_likes() -> None:
    network = Network((1,), (Dense(1),))
    weights = {"dense_1.weight": np.full((1, 1), 2.0), "dense_1.bias": np.zeros(1)}
    for samples in (0, 1, SAMPLES_AT_ONCE + 1, FEW_NUMBERS):
        inputs = np.arange(samples, dtype=float).reshape(-1, 1)
        np.testing.assert_array_equal(predict(network, weights, inputs), 2.0 * inputs)


def test_threads_that_predict_at_once_do_not_meet() -> None:
    network = Network((2,), (Dense(8, "tanh"), Dense(8, "tanh"), Dense(1)))
    inputs = np.ones((1, 2))

    def answers(seed: int) -> set[float]:
        weights = network.initial_parameters(rng=np.random.default_rng(seed))
        return {predict(network, weights, inputs).item() for _ in range(300)}

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            outputs = [*threads.map(answers, range(4))]
    finally:
        sys.setswitchinterval(interval)
    assert outputs == [answers(seed) for seed in range(4)]
    assert all(len(values) == 1 for values in outputs)
