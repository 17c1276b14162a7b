"""Every layer's gradient is its slope, whatever the layer: a new one is tested by being added."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_engine import *
from epochal_engine.model.network import parameter_views
from epochal_engine.symbolic.plan import perform
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.step import Gradient, with_column

Example = tuple[tuple[int, ...], tuple[Layer, ...]]
# For every type of layer, networks in which it occurs below a layer that learns, and above one.
EXAMPLES: dict[str, tuple[Example, ...]] = {
    "dense": (
        ((3,), (Dense(4, "tanh"), Dense(2))),
        ((2, 3), (Dense(4, "tanh"), Dense(2, "sigmoid", use_bias=False))),
        ((2, 2, 3), (Dense(4, "gelu"), Dense(2, "softmax"))),
    ),
    "activation": (((3,), (Dense(4), ActivationLayer("silu"), Dense(2))),),
    "dropout": (((4, 3), (Dense(4, "tanh"), Dropout(0.4), Dense(2))),),
    "layer_norm": (
        ((3,), (Dense(4), LayerNorm(), Dense(2))),
        ((2, 3), (Dense(4), LayerNorm(1e-3), Dense(2))),
    ),
    "batch_norm": (
        ((3,), (Dense(4), BatchNorm(), Dense(2))),
        (
            (5, 5, 2),
            (Conv2d(3, 2), BatchNorm(0.5, 1e-3), ActivationLayer("tanh"), Flatten(), Dense(2)),
        ),
        ((4, 3), (Dense(4), BatchNorm(), Dense(2))),
    ),
    "residual": (
        ((3,), (Dense(4, "tanh"), Residual((Dense(5, "tanh"), LayerNorm(), Dense(4))), Dense(2))),
    ),
    "features": (
        ((3,), (Dense(2), Features(("x1", "x2^2", "x1*x2", "sin(2*x1)", "cos(x2)")), Dense(2))),
    ),
    "flatten": (((2, 3), (Dense(2, "tanh"), Flatten(), Dense(2))),),
    "reshape": (((4, 3), (Dense(3, "tanh"), Reshape((2, -1)), Dense(2))),),
    "slice": (((5, 3), (Dense(2, "tanh"), Slice(1, -1), Dense(2))),),
    "conv1d": (
        ((7, 2), (Conv1d(3, 3, activation="tanh"), Conv1d(2, 2, stride=2))),
        ((7, 2), (Conv1d(3, 4, 2, "same", "tanh"), Flatten(), Dense(2))),
    ),
    "conv2d": (
        ((5, 6, 2), (Conv2d(3, 3, activation="tanh"), Conv2d(2, (2, 3), use_bias=False))),
        (
            (5, 6, 1),
            (Conv2d(3, 3, 2, "same", "tanh"), Conv2d(2, 2, (1, 2), "same"), Flatten(), Dense(2)),
        ),
        ((4, 4, 2), (Conv2d(2, 1, activation="gelu"), Flatten(), Dense(2))),
    ),
    "max_pool1d": (((7, 3), (Dense(2, "tanh"), MaxPool1d(3, 2), Dense(2))),),
    "max_pool2d": (
        ((5, 5, 2), (Conv2d(2, 2, activation="tanh"), MaxPool2d(), Flatten(), Dense(2))),
        ((6, 6, 2), (Conv2d(2, 2, activation="tanh"), MaxPool2d(3, (1, 2)), Conv2d(2, 2))),
    ),
    "average_pool1d": (((7, 3), (Dense(2, "tanh"), AveragePool1d(2), Dense(2))),),
    "average_pool2d": (
        (
            (5, 5, 2),
            (Conv2d(2, 2, activation="tanh"), AveragePool2d((2, 3), 1), Flatten(), Dense(2)),
        ),
    ),
    "global_max_pool": (
        ((5, 5, 2), (Conv2d(3, 2, activation="tanh"), GlobalMaxPool(), Dense(2))),
        ((4, 2), (Dense(3, "tanh"), GlobalMaxPool(), Dense(2))),
    ),
    "global_average_pool": (
        ((5, 5, 2), (Conv2d(3, 2, activation="tanh"), GlobalAveragePool(), Dense(2))),
    ),
    "embedding": (
        ((4,), (Embedding(6, 3), Dense(2, "tanh"))),
        ((2, 3), (Embedding(3, 2), Flatten(), Dense(2))),
    ),
    "positional_encoding": (
        ((4, 3), (Dense(3, "tanh"), PositionalEncoding(), Dense(2, "tanh"))),
        ((4,), (Embedding(6, 2), PositionalEncoding("learned"), Dense(2, "tanh"))),
    ),
    "rnn": (
        ((4, 3), (Dense(2, "tanh"), Rnn(3), Dense(2))),
        ((4, 3), (Rnn(3, return_sequences=True), Rnn(2, True))),
    ),
    "lstm": (
        ((4, 3), (Dense(2, "tanh"), Lstm(3), Dense(2))),
        ((3, 3), (Lstm(3, return_sequences=True), Lstm(2, True))),
        ((1, 3), (Lstm(3),)),
    ),
    "gru": (
        ((4, 3), (Dense(2, "tanh"), Gru(3), Dense(2))),
        ((3, 3), (Gru(3, return_sequences=True), Gru(2, True))),
    ),
    "additive_attention": (
        (
            (6, 3),
            (
                Slice(0, 4, name="source"),
                Gru(3, True, name="encoder"),
                Slice(4, input="input"),
                Gru(2, True, name="decoder"),
                AdditiveAttention(5, input=("decoder", "encoder")),
                Dense(2),
            ),
        ),
    ),
    "multi_head_attention": (
        ((4, 3), (Dense(6, "tanh"), MultiHeadAttention(2), Dense(2))),
        ((4, 3), (Dense(6, "tanh"), MultiHeadAttention(3, causal=True), Dense(2))),
        (
            (6, 4),
            (
                Slice(0, 4, name="memory"),
                Dense(3, "tanh", name="narrow"),
                Slice(4, input="input", name="query"),
                MultiHeadAttention(2, input=("query", "narrow")),
            ),
        ),
    ),
    "transformer_block": (
        ((4, 4), (Dense(4, "tanh"), TransformerBlock(2, 5, causal=True, dropout=0.3), Dense(2))),
        ((4,), (Embedding(5, 4), TransformerBlock(1, 3, norm="post", activation="silu"), Dense(2))),
    ),
    "concatenate": (
        (
            (2, 3),
            (
                Dense(2, "tanh", name="left"),
                Dense(3, "tanh", input="input"),
                Concatenate(input=("left", "dense_2", "left")),
                Dense(2),
            ),
        ),
    ),
    "add": (
        (
            (3,),
            (
                Dense(3, "tanh", name="left"),
                Dense(3, "tanh", input="input"),
                Add(input=("left", "dense_2", "input")),
                Dense(2),
            ),
        ),
    ),
}


def gradient_of(
    network: Network,
    weights: dict[str, Array],
    inputs: Array,
    targets: Array,
    seed: int = 0,
    loss: str = "mse",
) -> tuple[Array, dict[str, Array]]:
    """The scores, and the gradients of the loss by parameter, in float64; `seed` is for dropout.

    Running arrays among the weights are brought up to date.
    """
    scores = np.empty(targets.shape)
    parameters = np.concatenate([weights[name].ravel() for name in network.parameters])
    gradient = np.zeros(network.changing_size)
    compiled = Gradient(network, loss, len(inputs), "float64")
    parts = compiled.parts(parameters), compiled.parts(gradient)
    x, rng = with_column(network, inputs), np.random.default_rng(seed)
    with np.errstate(all="ignore"):
        perform(compiled.bind(x, targets, scores, *parts, rng))
    for name, after in parameter_views(network, parameters).items():
        np.copyto(weights[name], after)
    return scores, parameter_views(network, gradient)


def check_gradient(network: Network, inputs: Array, seed: int) -> None:
    """Compare the slope along a random direction with the loss on both sides of the point."""
    rng = np.random.default_rng(seed)
    weights = {n: rng.normal(0.0, 0.7, s) for n, s in network.parameters.items()}
    targets = rng.normal(size=(len(inputs), *network.output_shape))
    learned = network.learned
    direction = {name: rng.normal(size=weights[name].shape) for name in learned}
    _, gradients = gradient_of(network, dict(weights), inputs, targets)
    actual = sum(float((gradients[name] * direction[name]).sum()) for name in learned)

    def at(distance: float) -> float:
        moved = {name: values.copy() for name, values in weights.items()}
        for name in learned:
            moved[name] += distance * direction[name]
        scores, _ = gradient_of(network, moved, inputs, targets)
        return float(np.square(scores - targets).mean())

    # Fourth order, so that the step may be large enough for rounding not to matter.
    h = 2e-4
    expected = (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)
    assert actual == pytest.approx(expected, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_the_gradient_of_every_layer_is_its_slope(layer: str) -> None:
    for number, (input_shape, layers) in enumerate(EXAMPLES[layer]):
        network = Network(input_shape, layers)
        rng = np.random.default_rng(number)
        inputs = rng.normal(size=(5, *input_shape))
        if isinstance(layers[0], Embedding):
            inputs = rng.integers(layers[0].vocabulary, size=inputs.shape).astype(float)
        check_gradient(network, inputs, seed=number + 3)


@settings(max_examples=30)
@given(
    st.integers(1, 4),
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(st.integers(1, 3), st.integers(1, 2)),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_the_gradient_of_a_convolution_of_any_shape_is_its_slope(
    samples: int,
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    normalized: bool,
    seed: int,
) -> None:
    middle: tuple[Layer, ...] = (LayerNorm(0.1), AveragePool2d(1)) if normalized else ()
    layers = (Conv2d(3, kernel, stride, "same", "tanh"), *middle, Conv2d(1, 2, 1, "same"))
    inputs = np.random.default_rng(seed).normal(size=(samples, *shape))
    check_gradient(Network(shape, layers), inputs, seed)


@settings(max_examples=30)
@given(
    st.sampled_from([Rnn(2, True), Lstm(3), Gru(1, True), MultiHeadAttention(1, causal=True)]),
    st.integers(1, 4),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_the_gradient_of_a_sequence_of_any_length_is_its_slope(
    layer: Layer, samples: int, steps: int, features: int, seed: int
) -> None:
    network = Network((steps, features), (Dense(features, "tanh"), layer, Dense(2)))
    inputs = np.random.default_rng(seed).normal(size=(samples, steps, features))
    check_gradient(network, inputs, seed)
