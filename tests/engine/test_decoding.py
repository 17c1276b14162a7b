"""A decoder gives what a full forward pass gives, position by position."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epochal_engine import (
    ActivationLayer,
    Add,
    AdditiveAttention,
    BatchNorm,
    CachedDecoder,
    Concatenate,
    Conv1d,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Gru,
    Layer,
    LayerNorm,
    Lstm,
    MultiHeadAttention,
    Network,
    PositionalEncoding,
    Reshape,
    Residual,
    Rnn,
    Slice,
    TransformerBlock,
    WindowDecoder,
    decoder_of,
    predict,
    uncached_layer,
)
from epochal_engine.insight.work import arrays_in
from epochal_engine.model.decoding import SMALLEST_PART, Steps
from epochal_engine.model.layers import LAYERS
from epochal_engine.symbolic import perform
from epochal_engine.symbolic.plan import calls_of

Array = NDArray[Any]

WINDOW, TOKENS, UNITS = 7, 5, 8

CACHED: dict[str, list[Layer]] = {
    "dense": [Dense(UNITS, "tanh")],
    "activation": [ActivationLayer("gelu")],
    "dropout": [Dropout(0.5)],
    "layer_norm": [LayerNorm()],
    "batch_norm": [BatchNorm()],
    "positional_encoding": [PositionalEncoding(), PositionalEncoding("learned")],
    "rnn": [Rnn(6, return_sequences=True), Rnn(UNITS, return_sequences=True)],
    "lstm": [Lstm(6, return_sequences=True), Lstm(UNITS, return_sequences=True)],
    "gru": [Gru(6, return_sequences=True), Gru(UNITS, return_sequences=True)],
    "multi_head_attention": [
        MultiHeadAttention(2, causal=True),
        MultiHeadAttention(4, causal=True),
    ],
    "transformer_block": [
        PositionalEncoding("learned"),
        TransformerBlock(2, 12, causal=True, dropout=0.2),
        TransformerBlock(4, 12, norm="post", causal=True),
    ],
    "residual": [Residual((LayerNorm(), MultiHeadAttention(2, causal=True)))],
    "add": [
        Dense(UNITS, name="a"),
        Gru(UNITS, return_sequences=True, name="b"),
        Add(input=("a", "b")),
    ],
    "concatenate": [
        Dense(UNITS, name="a"),
        Lstm(UNITS, return_sequences=True, name="b"),
        Concatenate(input=("a", "b")),
    ],
    "embedding": [],
}
"""Layers by the type that they test."""

UNCACHED: dict[str, tuple[list[Layer], str]] = {
    "causal false": ([MultiHeadAttention(2)], "multi_head_attention_2"),
    "within a block": ([TransformerBlock(2, 8)], "transformer_block_2"),
    "within a residual": ([Residual((MultiHeadAttention(2),))], "residual_2"),
    "convolution": ([Conv1d(UNITS, 3, padding="same")], "conv1d_2"),
    "reshape": ([Reshape((WINDOW, UNITS))], "reshape_2"),
    "slice": ([Slice(0)], "slice_2"),
    "last state": ([Gru(UNITS)], "gru_2"),
    "flatten": ([Flatten()], "flatten_2"),
    "two sequences": (
        [
            Dense(UNITS, name="a"),
            Dense(UNITS, name="b", input="embedding_1"),
            AdditiveAttention(4, input=("a", "b"), name="attention"),
        ],
        "attention",
    ),
}


def network(layers: Sequence[Layer], window: int = WINDOW) -> Network:
    return Network((window,), (Embedding(TOKENS, UNITS), *layers, Dense(TOKENS, "softmax")))


def weights(net: Network, dtype: type[np.floating[Any]] = np.float64) -> dict[str, Array]:
    rng = np.random.default_rng(3)
    drawn = net.initial_parameters(rng=rng)
    # Biases and statistics that are 0 and 1 would hide mistakes.
    return {n: (a + 0.1 * rng.random(a.shape)).astype(dtype) for n, a in drawn.items()}


def test_every_layer_that_steps_is_tested() -> None:
    assert set(CACHED) == {name for name, layer in LAYERS.items() if layer.steps}


@pytest.mark.parametrize("layers", CACHED.values(), ids=CACHED.keys())
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_a_cached_step_equals_the_full_forward_pass(
    layers: Sequence[Layer], dtype: type[np.floating[Any]], tolerance: float
) -> None:
    net = network(layers)
    parameters = weights(net, dtype)
    row = np.random.default_rng(1).integers(TOKENS, size=WINDOW)
    expected = predict(net, parameters, row[None])[0]
    decoder = CachedDecoder(net, parameters)
    assert uncached_layer(net) is None
    for length in range(1, WINDOW + 1):
        outputs = decoder.outputs_after(row[:length].tolist())
        np.testing.assert_allclose(outputs, expected[length - 1], rtol=tolerance, atol=tolerance)


def test_a_long_window_is_computed_as_far_as_it_is_filled() -> None:
    window = 2 * SMALLEST_PART + 3
    net = network(CACHED["transformer_block"] + [Lstm(UNITS, return_sequences=True)], window)
    parameters = weights(net)
    rows = np.random.default_rng(1).integers(TOKENS, size=(3, window))
    expected = predict(net, parameters, rows)
    steps = Steps(net, parameters, len(rows))
    for again in rows, rows[::-1]:  # the second time over what the first has left behind
        for at in range(window):
            perform(steps.calls(at, again[:, at]))
            actual = steps.outputs if again is rows else steps.outputs[::-1]
            np.testing.assert_allclose(actual, expected[:, at], rtol=1e-10)


def test_a_token_costs_no_more_in_a_longer_window() -> None:
    def shapes(window: int, position: int) -> list[tuple[int, ...]]:
        net = network([TransformerBlock(2, 12, causal=True)], window)
        (_, one_pass) = Steps(net, weights(net)).calls(position, np.zeros(1))
        return [array.shape for call in calls_of(one_pass) for array in arrays_in(call)]

    assert shapes(512, 3) == shapes(256, 3)
    assert max(map(math.prod, shapes(512, 500))) > 4 * max(map(math.prod, shapes(512, 3)))


def test_weights_that_were_not_finite_leave_nothing_behind() -> None:
    net = network(CACHED["transformer_block"])
    parameters = weights(net)
    steps = Steps(net, parameters)
    table = parameters["embedding_1.weight"]
    finite = table.copy()
    for numbers in np.full_like(table, np.nan), finite:
        np.copyto(table, numbers)
        for at in range(WINDOW):
            perform(steps.calls(at, np.array([at % TOKENS])))
    expected = predict(net, parameters, np.arange(WINDOW)[None] % TOKENS)
    np.testing.assert_allclose(steps.outputs, expected[:, -1], rtol=1e-12)


def test_a_row_that_does_not_continue_the_one_before_is_read_from_its_start() -> None:
    net = network(CACHED["transformer_block"] + [Gru(UNITS, return_sequences=True)])
    parameters = weights(net)
    decoder = CachedDecoder(net, parameters)
    for row in ([1, 2, 3], [1, 2, 3, 4], [1, 3], [1, 3], [2], [2, 0, 0, 0, 0, 1, 4], [2, 0, 1]):
        full = np.zeros((1, WINDOW))
        full[0, : len(row)] = row
        expected = predict(net, parameters, full)[0, len(row) - 1]
        np.testing.assert_allclose(decoder.outputs_after(row), expected, rtol=1e-12)


@pytest.mark.parametrize(("layers", "name"), UNCACHED.values(), ids=UNCACHED.keys())
def test_a_layer_that_needs_all_positions_is_named(layers: Sequence[Layer], name: str) -> None:
    assert uncached_layer(network(layers)) == name


def test_a_network_without_a_row_of_tokens_is_not_cached() -> None:
    assert uncached_layer(Network((4, 2), (Dense(3, "softmax"),))) == "input"
    assert uncached_layer(Network((4,), (Dense(3, "softmax"),))) == "dense_1"


def test_a_window_decoder_computes_the_row_for_each_token() -> None:
    net = network([Reshape((WINDOW, UNITS)), MultiHeadAttention(2, causal=True)])
    parameters = weights(net)
    decoder = decoder_of(net, parameters)
    assert isinstance(decoder, WindowDecoder)
    row = [1, 4, 2, 0, 3, 3, 1]
    expected = predict(net, parameters, np.array([row]))[0]
    for length in range(1, WINDOW + 1):
        np.testing.assert_allclose(decoder.outputs_after(row[:length]), expected[length - 1])


def test_outputs_of_an_encoder_and_decoder_belong_to_the_last_inputs() -> None:
    layers: list[Layer] = [
        Embedding(TOKENS, UNITS, name="tokens"),
        Slice(0, 3, name="read"),
        Gru(UNITS, return_sequences=True, name="encoder"),
        Slice(3, input="tokens", name="written"),
        Gru(UNITS, return_sequences=True, name="decoder"),
        AdditiveAttention(4, input=("decoder", "encoder")),
        Dense(TOKENS, "softmax"),
    ]
    net = Network((WINDOW,), tuple(layers))
    parameters = weights(net)
    decoder = WindowDecoder(net, parameters)
    row = [1, 4, 2, 0, 3, 3, 1]
    expected = predict(net, parameters, np.array([row]))[0]
    for length in range(4, WINDOW + 1):
        np.testing.assert_allclose(decoder.outputs_after(row[:length]), expected[length - 4])
    assert not decoder.reads_ahead(row, [1, 4, 2, 0, 3, 2, 2])


def test_a_network_that_reads_ahead_is_noticed() -> None:
    row, other = [1, 4, 2, 0, 3, 3, 1], [1, 4, 2, 0, 1, 1, 2]
    cases: list[tuple[Layer, bool]] = [
        (MultiHeadAttention(2), True),
        (Reshape((WINDOW, UNITS)), False),
    ]
    for layer, ahead in cases:
        net = network([layer])
        assert WindowDecoder(net, weights(net)).reads_ahead(row, other) == ahead


def test_a_cached_decoder_is_refused_where_a_layer_needs_all_positions() -> None:
    net = network([MultiHeadAttention(2)])
    with pytest.raises(ValueError, match="multi_head_attention_2 needs all positions"):
        CachedDecoder(net, weights(net))
