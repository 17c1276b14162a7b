"""Attention weights, activations and logits, against formulas written out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochal_engine import (
    AdditiveAttention,
    CrossEntropy,
    Dense,
    Embedding,
    Gru,
    Hinge,
    Mse,
    MultiHeadAttention,
    Network,
    Residual,
    Slice,
    TransformerBlock,
    activations,
    attention_shapes,
    attention_weights,
    predict,
)

Array = NDArray[Any]


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def drawn(network: Network) -> dict[str, Array]:
    rng = np.random.default_rng(1)
    shapes = network.parameters
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_the_weights_of_heads_are_softmaxes_of_scaled_products() -> None:
    network = Network((4, 6), (MultiHeadAttention(2, causal=True), Dense(2)))
    weights, x = drawn(network), np.random.default_rng(2).normal(size=(3, 4, 6))
    name = "multi_head_attention_1"
    query, key = (
        (x @ weights[f"{name}.{part}.weight"] + weights[f"{name}.{part}.bias"])
        .reshape(3, 4, 2, 3)
        .transpose(0, 2, 1, 3)
        for part in ("query", "key")
    )
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(3)
    scores[..., *np.triu_indices(4, 1)] = -np.inf
    computed = attention_weights(network, weights, x)
    assert list(computed) == [name]
    assert attention_shapes(network) == {name: (2, 4, 4)}
    np.testing.assert_allclose(computed[name], softmax(scores), atol=1e-12)


def test_additive_attention_has_one_head_over_the_memory() -> None:
    layers = (
        Slice(0, 3, name="memory"),
        Slice(3, name="query", input="input"),
        AdditiveAttention(5, input=("query", "memory"), name="align"),
        Dense(2),
    )
    network = Network((5, 4), layers)
    weights, x = drawn(network), np.random.default_rng(2).normal(size=(2, 5, 4))
    query, memory = x[:, 3:], x[:, :3]
    hidden = np.tanh(
        (query @ weights["align.query.weight"])[:, :, None]
        + (memory @ weights["align.memory.weight"])[:, None]
    )
    expected = softmax((hidden @ weights["align.score.weight"])[..., 0])
    computed = attention_weights(network, weights, x)["align"]
    np.testing.assert_allclose(computed, expected[:, None], atol=1e-12)


def test_attention_within_other_layers_has_a_path() -> None:
    inner = Residual((MultiHeadAttention(1, name="look"),))
    network = Network((4,), (Embedding(3, 4), TransformerBlock(2, 8), inner, Dense(2)))
    assert attention_shapes(network) == {
        "transformer_block_2.attention": (2, 4, 4),
        "residual_3.look": (1, 4, 4),
    }
    computed = attention_weights(network, drawn(network), np.array([[0, 1, 2, 0]]))
    for weights in computed.values():
        np.testing.assert_allclose(weights.sum(-1), 1)
    assert (
        attention_weights(
            Network((2,), (Dense(1),)),
            {"dense_1.weight": np.ones((2, 1)), "dense_1.bias": np.ones(1)},
            np.ones((1, 2)),
        )
        == {}
    )


def test_activations_are_those_of_each_layer_and_the_logits() -> None:
    network = Network((4,), (Embedding(3, 5), Gru(6), Dense(4, "softmax")))
    weights, x = drawn(network), np.array([[0, 1, 2, 0], [2, 2, 1, 1]])
    computed = activations(network, weights, x, CrossEntropy())
    assert list(computed) == [*network.names, "logits"]
    for name in network.names:
        np.testing.assert_array_equal(computed[name], predict(network, weights, x, name))
    np.testing.assert_allclose(softmax(computed["logits"]), computed["dense_3"], atol=1e-12)
    logits = computed["gru_2"] @ weights["dense_3.weight"] + weights["dense_3.bias"]
    np.testing.assert_allclose(computed["logits"], logits, atol=1e-12)


def test_a_network_without_an_output_activation_has_no_logits() -> None:
    network = Network((2,), (Dense(1),))
    for loss in (Mse(), Hinge()):
        assert list(activations(network, drawn(network), np.ones((3, 2)), loss)) == ["dense_1"]
