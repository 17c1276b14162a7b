"""A summary counts what a network is made of, by hand-checkable arithmetic."""

from __future__ import annotations

import pytest

from epochal_engine import (
    Add,
    AveragePool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Gru,
    Layer,
    LayerNorm,
    Lstm,
    MaxPool2d,
    MultiHeadAttention,
    Network,
    PositionalEncoding,
    Reshape,
    Rnn,
    Slice,
    TransformerBlock,
    summarize,
)


def dense(*sizes: int) -> Network:
    return Network(sizes[:1], tuple(Dense(units) for units in sizes[1:]))


def test_a_network_counts_its_weights_as_its_summary_does() -> None:
    layers = (Dense(4, name="first"), BatchNorm(), Dense(2))
    for frozen in ((), ("first",)):
        network = Network((3,), layers, frozen)
        assert network.weights_size == 16 + 8 + 10 == summarize(network).parameters


@pytest.mark.parametrize(
    ("sizes", "parameters"),
    [((3, 4, 4, 2), 46), ((2, 2, 1), 9), ((784, 128, 10), 101_770), ((768, 3072, 768), 4_722_432)],
)
def test_the_number_of_parameters(sizes: tuple[int, ...], parameters: int) -> None:
    assert summarize(dense(*sizes)).parameters == parameters


def test_layers_and_neurons_are_counted_in_both_conventions() -> None:
    summary = summarize(dense(3, 4, 4, 2))
    assert (summary.layers_with_input, summary.layers_without_input) == (4, 3)
    assert (summary.neurons_with_input, summary.neurons_without_input) == (13, 10)
    assert [layer.parameters for layer in summary.layers] == [16, 20, 10]
    formulas = [layer.parameters_formula for layer in summary.layers]
    assert formulas == ["4·3 + 4", "4·4 + 4", "2·4 + 2"]


def test_a_layer_is_described_with_what_is_in_effect() -> None:
    network = Network((64,), (Dense(16, "relu"), Dropout(0.1), Dense(10, "softmax", False)))
    first, dropout, last = summarize(network).layers
    assert (first.name, first.type, first.output_shape) == ("dense_1", "dense", (16,))
    assert (first.activation, first.initializer) == ("relu", "he_normal")
    assert (dropout.name, dropout.output_shape, dropout.parameters) == ("dropout_2", (16,), 0)
    assert (dropout.activation, dropout.initializer, dropout.flops) == (None, None, 0)
    assert (last.parameters_formula, last.parameters) == ("10·16", 160)


def test_a_weight_costs_a_multiplication_and_an_addition() -> None:
    assert [layer.flops for layer in summarize(dense(3, 4, 4, 2)).layers] == [24, 32, 16]
    assert summarize(dense(3, 4, 4, 2)).flops == 72


def test_a_dropout_is_no_layer_of_neurons() -> None:
    with_dropout = summarize(Network((3,), (Dense(4), Dropout(0.5), Dense(2))))
    assert (with_dropout.layers_with_input, with_dropout.neurons_with_input) == (3, 9)
    assert len(with_dropout.layers) == 3


@pytest.mark.parametrize(("layer", "parameters"), [(Rnn, 620), (Gru, 1_860), (Lstm, 2_480)])
def test_a_recurrent_layer_has_one_bias_a_gate(
    layer: type[Rnn | Gru | Lstm], parameters: int
) -> None:
    assert summarize(Network((7, 10), (layer(20),))).parameters == parameters


def lenet_5() -> Network:
    """LeCun, Bottou, Bengio and Haffner (1998), with every map of the third layer connected."""
    return Network(
        (32, 32, 1),
        (
            Conv2d(6, 5, activation="tanh"),
            AveragePool2d(),
            Conv2d(16, 5, activation="tanh"),
            AveragePool2d(),
            Flatten(),
            Dense(120, "tanh"),
            Dense(84, "tanh"),
            Dense(10, "softmax"),
        ),
    )


def alexnet() -> Network:
    """Krizhevsky, Sutskever and Hinton (2012), in one tower."""
    return Network(
        (227, 227, 3),
        (
            Conv2d(96, 11, 4, activation="relu"),
            MaxPool2d(3, 2),
            Conv2d(256, 5, padding="same", activation="relu"),
            MaxPool2d(3, 2),
            Conv2d(384, 3, padding="same", activation="relu"),
            Conv2d(384, 3, padding="same", activation="relu"),
            Conv2d(256, 3, padding="same", activation="relu"),
            MaxPool2d(3, 2),
            Flatten(),
            Dense(4096, "relu"),
            Dense(4096, "relu"),
            Dense(1000, "softmax"),
        ),
    )


def bert_base() -> Network:
    """Devlin et al. (2018): tokens and segments come in as two rows."""
    blocks = (TransformerBlock(12, 3072, "post") for _ in range(12))
    return Network(
        (2, 512),
        (
            Slice(0, 1, name="token_row"),
            Reshape((512,)),
            Embedding(30_522, 768, name="tokens"),
            Slice(1, 2, input="input"),
            Reshape((512,)),
            Embedding(2, 768, name="segments"),
            Add(input=("tokens", "segments")),
            PositionalEncoding("learned"),
            LayerNorm(),
            *blocks,
            Slice(0, 1),
            Dense(768, "tanh"),
        ),
    )


def gpt_2() -> Network:
    """Radford et al. (2019), the smallest; what it predicts with is the table of its tokens."""
    blocks = (TransformerBlock(12, 3072, causal=True) for _ in range(12))
    layers = (Embedding(50_257, 768), PositionalEncoding("learned"), *blocks, LayerNorm())
    return Network((1024,), layers)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (lenet_5(), 61_706),
        (alexnet(), 62_378_344),
        (bert_base(), 109_482_240),
        (gpt_2(), 124_439_808),
    ],
    ids=["LeNet-5", "AlexNet", "BERT-base", "GPT-2"],
)
def test_famous_networks_have_the_parameters_that_they_are_famous_for(
    network: Network, parameters: int
) -> None:
    assert summarize(network).parameters == parameters


def test_a_kernel_is_counted_filter_by_filter_and_used_at_every_place() -> None:
    first, pool, second, *_ = summarize(lenet_5()).layers
    assert first.parameters_formula == "6·1·5·5 + 6"
    assert first.output_shape == (28, 28, 6)
    assert first.flops == 28 * 28 * 6 * 2 * 25
    assert (pool.parameters, pool.output_shape) == (0, (14, 14, 6))
    assert second.flops == 10 * 10 * 16 * 2 * 150


@pytest.mark.parametrize(
    ("layer", "flops"),
    [
        (Dense(5), 2 * 4 * 6 * 5),
        (Lstm(5), 2 * 4 * (6 * 20 + 5 * 20) - 2 * 5 * 20),  # the first state is zero
        # Four projections; scores and weighted sums, for two heads of three features.
        (TransformerBlock(2, 7), 4 * 2 * 4 * 36 + 2 * 2 * 2 * 16 * 3 + 2 * 2 * 4 * 6 * 7),
        (BatchNorm(), 0),
    ],
)
def test_the_operations_of_a_layer_are_those_of_its_products(layer: Layer, flops: int) -> None:
    assert summarize(Network((4, 6), (Dense(6), layer))).layers[1].flops == flops


def test_what_is_not_learnt_is_not_counted() -> None:
    row = summarize(Network((3,), (Dense(4), BatchNorm()))).layers[1]
    assert (row.parameters, row.parameters_formula) == (8, "4 + 4")


def test_only_layers_with_weights_are_layers_of_neurons() -> None:
    summary = summarize(lenet_5())
    assert summary.layers_without_input == 5
    assert summary.neurons_without_input == 28 * 28 * 6 + 10 * 10 * 16 + 120 + 84 + 10


def test_a_causal_sequence_is_summed_up_though_nobody_could_hold_its_mask() -> None:
    network = Network((1_000_000, 4), (MultiHeadAttention(2, causal=True),))
    assert summarize(network).parameters == 4 * (4 * 4 + 4)
