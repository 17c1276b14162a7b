"""Every layer computes what its definition says, written out place by place in plain NumPy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_engine import *
from epochal_engine.symbolic.trace import Array

RNG = np.random.default_rng(5)


def outputs(
    layers: tuple[Layer, ...], inputs: Array, seed: int = 1
) -> tuple[Array, dict[str, Array]]:
    """The layers' outputs for the inputs with random weights, and these weights.

    A dense layer before them, that does nothing, makes it a network that learns.
    """
    width = inputs.shape[-1]
    network = Network(inputs.shape[1:], (Dense(width, use_bias=False, name="same"), *layers))
    rng = np.random.default_rng(seed)
    weights = {name: rng.normal(size=shape) for name, shape in network.parameters.items()}
    weights["same.weight"] = np.eye(width)
    for name in network.running:
        weights[name] = np.abs(weights[name]) + 0.1
    return predict(network, weights, inputs), weights


def close(actual: Array, expected: Array) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-11)


def sigmoid(x: Array) -> Array:
    y: Array = 1.0 / (1.0 + np.exp(-x))
    return y


def softmax(x: Array) -> Array:
    powers: Array = np.exp(x)
    powers /= powers.sum(-1, keepdims=True)
    return powers


def normalized(x: Array, axes: tuple[int, ...] | int, epsilon: float = 1e-5) -> Array:
    normal: Array = x - x.mean(axes, keepdims=True)
    normal /= np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return normal


# ---------------------------------------------------------------- images and signals


def convolved(x: Array, kernel: Array, bias: Array, stride: tuple[int, int], same: bool) -> Array:
    """Window by window, filter by filter."""
    n, height, width, _ = x.shape
    tall, wide, _, filters = kernel.shape
    if same:
        missing = [
            max((math.ceil(size / step) - 1) * step + kernel_size - size, 0)
            for size, step, kernel_size in zip((height, width), stride, (tall, wide), strict=True)
        ]
        around = [(m // 2, m - m // 2) for m in missing]
        x = np.pad(x, [(0, 0), *around, (0, 0)])
    rows = (x.shape[1] - tall) // stride[0] + 1
    columns = (x.shape[2] - wide) // stride[1] + 1
    y = np.empty((n, rows, columns, filters))
    for k, i, j, f in np.ndindex(y.shape):
        top, left = i * stride[0], j * stride[1]
        window = x[k, top : top + tall, left : left + wide]
        y[k, i, j, f] = (window * kernel[..., f]).sum() + bias[f]
    return y


@settings(max_examples=40)
@given(
    st.integers(1, 3),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
    st.integers(1, 3),
    st.integers(1, 3),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.booleans(),
)
def test_a_convolution_weighs_every_window(
    n: int,
    size: tuple[int, int],
    channels: int,
    filters: int,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    same: bool,
) -> None:
    if not same:
        size = (max(size[0], kernel[0]), max(size[1], kernel[1]))
    x = np.random.default_rng(0).normal(size=(n, *size, channels))
    layer = Conv2d(filters, kernel, stride, "same" if same else "valid")
    y, w = outputs((layer,), x)
    close(y, convolved(x, w["conv2d_2.weight"], w["conv2d_2.bias"], stride, same))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_of_a_sequence_is_one_of_an_image_that_is_one_pixel_wide(
    stride: int, padding: str
) -> None:
    x = RNG.normal(size=(2, 7, 3))
    y, w = outputs((Conv1d(4, 3, stride, padding, "relu"),), x)  # type: ignore[arg-type]
    kernel = w["conv1d_2.weight"][:, None]
    bias = w["conv1d_2.bias"]
    expected = convolved(x[:, :, None], kernel, bias, (stride, 1), padding == "same")
    close(y, np.maximum(expected[:, :, 0], 0.0))


@pytest.mark.parametrize(
    ("size", "stride"), [((2, 2), None), ((3, 2), (2, 1)), ((2, 3), (3, 3)), ((1, 1), None)]
)
def test_a_pool_takes_the_largest_or_the_mean_of_every_window(
    size: tuple[int, int], stride: tuple[int, int] | None
) -> None:
    x = RNG.normal(size=(2, 5, 7, 3))
    down, right = stride or size
    rows, columns = (5 - size[0]) // down + 1, (7 - size[1]) // right + 1
    for layer, function in ((MaxPool2d, np.max), (AveragePool2d, np.mean)):
        y, _ = outputs((layer(size, stride),), x)
        expected = np.empty((2, rows, columns, 3))
        for i, j in np.ndindex(rows, columns):
            window = x[:, i * down : i * down + size[0], j * right : j * right + size[1]]
            expected[:, i, j] = function(window, axis=(1, 2))
        close(y, expected)


def test_a_pool_of_a_sequence() -> None:
    x = np.arange(7.0).reshape(1, 7, 1)
    assert outputs((MaxPool1d(3, 2),), x)[0].ravel().tolist() == [2.0, 4.0, 6.0]
    assert outputs((AveragePool1d(2),), x)[0].ravel().tolist() == [0.5, 2.5, 4.5]


def test_a_global_pool_leaves_the_channels() -> None:
    x = RNG.normal(size=(2, 4, 5, 3))
    close(outputs((GlobalMaxPool(),), x)[0], x.max((1, 2)))
    close(outputs((GlobalAveragePool(),), x)[0], x.mean((1, 2)))
    close(outputs((GlobalMaxPool(),), x[:, 0])[0], x[:, 0].max(1))


# ---------------------------------------------------------------- normalization and structure


def test_a_layer_norm_looks_at_the_features_of_one_position() -> None:
    x = RNG.normal(2.0, 3.0, size=(2, 4, 5))
    y, w = outputs((LayerNorm(1e-3),), x)
    close(y, normalized(x, -1, 1e-3) * w["layer_norm_2.scale"] + w["layer_norm_2.shift"])


def test_a_batch_norm_uses_its_running_moments_outside_training() -> None:
    x = RNG.normal(size=(2, 4, 5, 3))
    y, w = outputs((BatchNorm(),), x)
    mean, variance, scale, shift = (
        w[f"batch_norm_2.{name}"] for name in ("mean", "variance", "scale", "shift")
    )
    close(y, (x - mean) / np.sqrt(variance + 1e-5) * scale + shift)


def test_structures_move_numbers_and_change_none() -> None:
    x = RNG.normal(size=(2, 6, 3))
    close(outputs((Flatten(),), x)[0], x.reshape(2, 18))
    close(outputs((Reshape((3, -1)),), x)[0], x.reshape(2, 3, 6))
    close(outputs((Slice(1, -2),), x)[0], x[:, 1:4])
    both = (Slice(0, 2, name="a"), Slice(4, name="b", input="same"))
    close(outputs((*both, Add(input=("a", "b"))), x)[0], x[:, :2] + x[:, 4:])
    together = outputs((*both, Concatenate(input=("b", "a"))), x)[0]
    close(together, np.concatenate([x[:, 4:], x[:, :2]], -1))


def test_features_are_functions_of_the_inputs() -> None:
    x = RNG.normal(size=(4, 3))
    y, _ = outputs((Features(("x3", "x1^2", "x1*x2", "sin(x2)", "cos(2.5*x1)")),), x)
    a, b, c = x.T
    close(y, np.stack([c, a * a, a * b, np.sin(b), np.cos(2.5 * a)], -1))


@pytest.mark.parametrize(
    "term", ["x0", "x", "y1", "x1^3", "x1*", "sin x1", "sin(0*x1)", "x1 ", "tan(x1)"]
)
def test_features_refuse_other_terms(term: str) -> None:
    with pytest.raises(ValueError, match="each term must be written as"):
        Features((term,))


def test_features_refuse_a_term_twice_and_a_feature_that_is_missing() -> None:
    with pytest.raises(ValueError, match="x2 again"):
        Features(("x2", "x1", "x2"))
    with pytest.raises(ValueError, match="3 features, for x3"):
        Network((2,), (Features(("x1*x3",)), Dense(1)))


def test_a_residual_adds_what_its_layers_make_of_its_input() -> None:
    x = RNG.normal(size=(2, 3))
    y, w = outputs((Residual((Dense(5), ActivationLayer("tanh"), Dense(3, name="back"))),), x)
    inner = np.tanh(x @ w["residual_2.dense_1.weight"] + w["residual_2.dense_1.bias"])
    close(y, x + inner @ w["residual_2.back.weight"] + w["residual_2.back.bias"])


def test_a_dense_layer_treats_every_position_alike() -> None:
    x = RNG.normal(size=(2, 4, 5, 3))
    y, w = outputs((Dense(2, "tanh"),), x)
    close(y, np.tanh(x @ w["dense_2.weight"] + w["dense_2.bias"]))


# ---------------------------------------------------------------- tokens


def test_an_embedding_looks_its_tokens_up() -> None:
    network = Network((2, 2), (Embedding(4, 3),))
    table = RNG.normal(size=(4, 3))
    tokens = np.array([[[0, 1], [2, 3]], [[3, 3], [-1, 7]]])
    actual = predict(network, {"embedding_1.weight": table}, tokens)
    close(actual, table[np.clip(tokens, 0, 3)])


def test_sines_and_cosines_encode_positions() -> None:
    x = np.zeros((1, 5, 4))
    y = outputs((PositionalEncoding(),), x)[0][0]
    for place, pair in itertools.product(range(5), range(2)):
        angle = place / 10_000 ** (2 * pair / 4)
        assert y[place, 2 * pair] == pytest.approx(math.sin(angle))
        assert y[place, 2 * pair + 1] == pytest.approx(math.cos(angle))


def test_learned_parameters_encode_positions() -> None:
    x = RNG.normal(size=(2, 5, 4))
    y, w = outputs((PositionalEncoding("learned"),), x)
    close(y, x + w["positional_encoding_2.position"])


# ---------------------------------------------------------------- recurrence


def states_of(layer: Layer, x: Array, w: dict[str, Array]) -> Array:
    """The hidden states `(n, steps, units)`, sample by sample and place by place."""
    name = f"{layer.type}_2"
    weight, recurrent, bias = (w[f"{name}.{part}"] for part in ("weight", "recurrent", "bias"))
    units = recurrent.shape[0]
    states = np.zeros((len(x), x.shape[1], units))
    for k, sequence in enumerate(x):
        h, c = np.zeros(units), np.zeros(units)
        for t, features in enumerate(sequence):
            z = np.split(features @ weight + bias, weight.shape[1] // units)
            r = np.split(recurrent, weight.shape[1] // units, axis=1)
            if layer.type == "rnn":
                h = np.tanh(z[0] + h @ r[0])
            elif layer.type == "lstm":
                i, f, o = (sigmoid(z[gate] + h @ r[gate]) for gate in range(3))
                c = f * c + i * np.tanh(z[3] + h @ r[3])
                h = o * np.tanh(c)
            else:
                keep, reset = (sigmoid(z[gate] + h @ r[gate]) for gate in range(2))
                h = keep * h + (1.0 - keep) * np.tanh(z[2] + (reset * h) @ r[2])
            states[k, t] = h
    return states


@pytest.mark.parametrize("kind", [Rnn, Lstm, Gru])
def test_a_recurrent_layer_reads_place_by_place(kind: type[Rnn | Lstm | Gru]) -> None:
    x = RNG.normal(size=(3, 5, 2))
    y, w = outputs((kind(4, return_sequences=True),), x)
    close(y, states_of(kind(4), x, w))
    y, w = outputs((kind(4),), x)
    close(y, states_of(kind(4), x, w)[:, -1])


def test_recurrent_weights_begin_orthogonal_and_forget_gates_open() -> None:
    network = Network((3, 2), (Lstm(5),))
    first = network.initial_parameters(rng=np.random.default_rng(0))
    for gate in np.split(first["lstm_1.recurrent"], 4, axis=1):
        close(gate @ gate.T, np.eye(5))
    assert first["lstm_1.bias"].tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10


# ---------------------------------------------------------------- attention


def attended(
    q: Array, memory: Array, w: dict[str, Array], name: str, heads: int, causal: bool
) -> Array:
    """Head by head and place by place."""

    def project(part: str, x: Array) -> Array:
        return x @ w[f"{name}.{part}.weight"] + w[f"{name}.{part}.bias"]

    query, key, value = project("query", q), project("key", memory), project("value", memory)
    share = q.shape[-1] // heads
    actual = np.empty(q.shape)
    for k, head, place in np.ndindex(len(q), heads, q.shape[1]):
        part = slice(head * share, (head + 1) * share)
        seen = place + 1 if causal else memory.shape[1]
        scores = key[k, :seen, part] @ query[k, place, part] / math.sqrt(share)
        actual[k, place, part] = softmax(scores) @ value[k, :seen, part]
    return project("output", actual)


@pytest.mark.parametrize(("heads", "causal"), [(1, False), (2, False), (3, True)])
def test_attention_weighs_values_by_how_keys_fit_the_query(heads: int, causal: bool) -> None:
    x = RNG.normal(size=(2, 4, 6))
    y, w = outputs((MultiHeadAttention(heads, causal),), x)
    close(y, attended(x, x, w, "multi_head_attention_2", heads, causal))


def test_attention_to_another_sequence() -> None:
    x = RNG.normal(size=(2, 5, 4))
    layers = (
        Slice(0, 3, name="memory"),
        Slice(3, name="query", input="same"),
        MultiHeadAttention(2, input=("query", "memory"), name="cross"),
    )
    y, w = outputs(layers, x)
    close(y, attended(x[:, 3:], x[:, :3], w, "cross", 2, causal=False))


def test_additive_attention_scores_by_a_small_network() -> None:
    x = RNG.normal(size=(2, 5, 4))
    layers = (
        Slice(0, 3, name="memory"),
        Slice(3, name="query", input="same"),
        AdditiveAttention(6, input=("query", "memory"), name="look"),
    )
    y, w = outputs(layers, x)
    expected = np.empty((2, 2, 4))
    for k, place in np.ndindex(2, 2):
        scores = [
            np.tanh(x[k, 3 + place] @ w["look.query.weight"] + x[k, j] @ w["look.memory.weight"])
            @ w["look.score.weight"][:, 0]
            for j in range(3)
        ]
        expected[k, place] = softmax(np.array(scores)) @ x[k, :3]
    close(y, expected)


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_transformer_block_attends_and_then_thinks(norm: str) -> None:
    x = RNG.normal(size=(2, 3, 4))
    layer = TransformerBlock(2, 5, norm, causal=True, activation="relu")  # type: ignore[arg-type]
    y, w = outputs((layer,), x)
    name = "transformer_block_2"

    def normal(part: str, z: Array) -> Array:
        scale, shift = w[f"{name}.{part}.scale"], w[f"{name}.{part}.shift"]
        return normalized(z, -1) * scale + shift

    def attend(z: Array) -> Array:
        return attended(z, z, w, f"{name}.attention", 2, causal=True)

    def think(z: Array) -> Array:
        hidden: Array = np.maximum(z @ w[f"{name}.hidden.weight"] + w[f"{name}.hidden.bias"], 0.0)
        return hidden @ w[f"{name}.output.weight"] + w[f"{name}.output.bias"]

    if norm == "pre":
        expected = x + attend(normal("attention_norm", x))
        expected = expected + think(normal("output_norm", expected))
    else:
        expected = normal("attention_norm", x + attend(x))
        expected = normal("output_norm", expected + think(expected))
    close(y, expected)


def test_causal_attention_does_not_see_what_comes_later() -> None:
    x = RNG.normal(size=(1, 4, 4))
    later = x.copy()
    later[:, 2:] += 1.0
    layers = (TransformerBlock(2, 5, causal=True),)
    early, other = outputs(layers, x)[0], outputs(layers, later)[0]
    close(early[:, :2], other[:, :2])
    assert np.abs(early[:, 2:] - other[:, 2:]).min() > 1e-6
