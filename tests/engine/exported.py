"""Networks that together have every layer in every form, and whole ones, to be exported."""

from __future__ import annotations

from typing import Any

import numpy as np

from epochal_engine import *
from epochal_engine.model.layers import Layer
from epochal_engine.symbolic.trace import Array

SAMPLES = 5


def network(input_shape: tuple[int, ...], *layers: Layer) -> Network:
    """The network of these layers."""
    return Network(input_shape, layers)


NETWORKS: dict[str, Network] = {
    "dense without a bias": network((3,), Dense(4, "tanh", use_bias=False), Dense(2)),
    "dense at every place": network((5, 3), Dense(4, "silu"), Dense(2, "softmax")),
    "dropout": network((3,), Dense(4), Dropout(0.5), Dense(2), Dropout(0.5)),
    "activation": network((3,), Dense(4), ActivationLayer("mish"), Dense(2)),
    "layer_norm": network((3,), Dense(4), LayerNorm(), LayerNorm(epsilon=0.1), Dense(1)),
    "batch_norm": network((3,), Dense(4), BatchNorm(), Dense(1), BatchNorm(epsilon=0.1)),
    "batch_norm of images": network((4, 3, 2), BatchNorm(momentum=0.5), Dense(2)),
    "residual": network((3,), Residual((Dense(3, "tanh"), Residual((Dense(3),)))), Dense(2)),
    "features": network(
        (3,), Features(("x1", "x2^2", "x1*x3", "sin(x2)", "cos(0.5*x3)")), Dense(4, "tanh")
    ),
    "flatten": network((2, 3), Flatten(), Dense(2)),
    "reshape": network((2, 6), Reshape((3, -1)), Dense(2), Reshape((6,))),
    "slice": network((7, 2), Slice(1), Slice(-5, -1), Slice(0, 3), Dense(2)),
    "conv1d": network((7, 2), Conv1d(3, 3, activation="relu"), Conv1d(2, 2, stride=2)),
    "conv1d in zeros": network((7, 2), Conv1d(3, 4, stride=2, padding="same"), Dense(1)),
    "conv2d": network((6, 5, 2), Conv2d(3, (3, 2), stride=(2, 1), use_bias=False), Dense(1)),
    "conv2d in zeros": network((6, 5, 2), Conv2d(3, (3, 4), stride=(2, 1), padding="same")),
    "conv2d of classes": network((4, 4, 1), Conv2d(3, 2, activation="softmax")),
    "max_pool1d": network((8, 2), Dense(2), MaxPool1d(3, stride=2)),
    "average_pool1d": network((8, 2), Dense(2), AveragePool1d(3)),
    "max_pool2d": network((7, 6, 2), MaxPool2d(), Dense(2)),
    "average_pool2d": network((7, 6, 2), AveragePool2d((3, 2), stride=(1, 2)), Dense(2)),
    "global_max_pool": network((4, 5, 3), GlobalMaxPool(), Dense(2)),
    "global_average_pool": network((4, 3), GlobalAveragePool(), Dense(2)),
    "embedding": network((4,), Embedding(6, 3), Dense(2)),
    "positional_encoding": network((5, 3), PositionalEncoding(), Dense(2)),
    "learned positional_encoding": network((5, 3), PositionalEncoding("learned"), Dense(2)),
    "rnn": network((5, 3), Rnn(4, return_sequences=True), Rnn(2)),
    "lstm": network((5, 3), Lstm(4, return_sequences=True), Lstm(2)),
    "gru": network((5, 3), Gru(4, return_sequences=True), Gru(2)),
    "additive_attention": network(
        (7, 3),
        Slice(0, 3, name="query", input="input"),
        Slice(3, None, name="memory", input="input"),
        AdditiveAttention(4, input=("query", "memory")),
    ),
    "multi_head_attention": network((5, 4), MultiHeadAttention(2), Dense(2)),
    "causal multi_head_attention": network((5, 4), MultiHeadAttention(4, causal=True)),
    "multi_head_attention to another": network(
        (7, 4),
        Slice(0, 3, name="query", input="input"),
        Dense(3, name="memory", input="input"),
        MultiHeadAttention(2, input=("query", "memory")),
    ),
    "transformer_block": network((5, 4), TransformerBlock(2, 6, dropout=0.1)),
    "transformer_block with norms behind": network(
        (5, 4), TransformerBlock(2, 6, norm="post", causal=True, activation="relu"), Dense(2)
    ),
    "add and concatenate": network(
        (3,),
        Dense(3, "tanh", name="left"),
        Dense(3, "relu", name="right", input="input"),
        Add(name="sum", input=("left", "right", "input")),
        Concatenate(input=("sum", "input")),
        Dense(2),
    ),
    "names that are words already": network(
        (3,),
        Dense(3, name="lambda"),
        Dense(3, name="w"),
        Dense(3, name="layer w"),
        Dense(3, name="add_module"),
        LayerNorm(name="norm"),
        LayerNorm(name="__debug__"),
        Residual((Dense(3),), name="dense_1"),
        Dense(3, name="dense_1_dense_1"),
        Dense(3, name="слой"),
        Dense(3, name="слои"),
        Dense(3, name='"]\n\\'),
        Dense(3, name='"""'),
    ),
}
"""At least one for every layer."""

NETWORKS |= {
    f"the activation {name}": network((3,), Dense(4), ActivationLayer(name), Dense(2))
    for name, activation in ACTIVATIONS.items()
    if activation.is_elementwise
}

WHOLE: dict[str, Network] = {
    "MLP": network((64,), Dense(32, "relu"), Dense(16, "relu"), Dense(10, "softmax")),
    "CNN": network(
        (12, 12, 1),
        Conv2d(4, 3, padding="same", activation="relu"),
        MaxPool2d(),
        Residual((Conv2d(4, 3, padding="same", use_bias=False), BatchNorm())),
        ActivationLayer("relu"),
        AveragePool2d(),
        Flatten(),
        Dense(10, "softmax"),
    ),
    "LSTM": network((20, 3), Lstm(16, return_sequences=True), Lstm(8), Dense(1, "sigmoid")),
    "transformer": network(
        (12,),
        Embedding(30, 16),
        PositionalEncoding(),
        TransformerBlock(4, 32, causal=True),
        TransformerBlock(4, 32, causal=True),
        LayerNorm(),
        Dense(30, "softmax"),
    ),
}
"""As they are trained."""

NETWORKS |= WHOLE


def weights_of(network: Network, dtype: Any = "float32", seed: int = 0) -> dict[str, Array]:
    """Initial weights and some noise, so that biases and statistics count too."""
    rng = np.random.default_rng(seed)
    return {
        name: (np.abs(first + rng.normal(0.0, 0.2, first.shape)) + 0.1).astype(dtype)
        if name.endswith(".variance")
        else (first + rng.normal(0.0, 0.2, first.shape)).astype(dtype)
        for name, first in network.initial_parameters(rng=rng).items()
    }


def inputs_of(network: Network, dtype: Any = "float32", seed: int = 1) -> Array:
    """Samples, or tokens where the network takes these, some of them beyond its vocabulary."""
    rng = np.random.default_rng(seed)
    shape = (SAMPLES, *network.input_shape)
    first = network.layers[0]
    if isinstance(first, Embedding):
        return rng.integers(-1, first.vocabulary + 2, shape).astype(dtype)
    return rng.normal(0.0, 1.0, shape).astype(dtype)
