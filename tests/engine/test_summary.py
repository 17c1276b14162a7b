"""A summary counts what a network is made of, by hand-checkable arithmetic."""

from __future__ import annotations

import pytest

from epochal_engine import Dense, Dropout, Network, summarize


def dense(*sizes: int) -> Network:
    return Network(sizes[:1], tuple(Dense(units) for units in sizes[1:]))


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
    assert [layer.arithmetic for layer in summary.layers] == ["4·3 + 4", "4·4 + 4", "2·4 + 2"]


def test_a_layer_is_described_with_what_is_in_effect() -> None:
    network = Network((64,), (Dense(16, "relu"), Dropout(0.1), Dense(10, "softmax", False)))
    first, dropout, last = summarize(network).layers
    assert (first.name, first.type, first.output_shape) == ("dense_1", "dense", (16,))
    assert (first.activation, first.initializer) == ("relu", "he_normal")
    assert (dropout.name, dropout.output_shape, dropout.parameters) == ("dropout_2", (16,), 0)
    assert (dropout.activation, dropout.initializer, dropout.flops) == (None, None, 0)
    assert (last.arithmetic, last.parameters) == ("10·16", 160)


def test_a_weight_costs_a_multiplication_and_an_addition() -> None:
    assert [layer.flops for layer in summarize(dense(3, 4, 4, 2)).layers] == [24, 32, 16]
    assert summarize(dense(3, 4, 4, 2)).flops == 72


def test_a_dropout_is_no_layer_of_neurons() -> None:
    with_dropout = summarize(Network((3,), (Dense(4), Dropout(0.5), Dense(2))))
    assert (with_dropout.layers_with_input, with_dropout.neurons_with_input) == (3, 9)
    assert len(with_dropout.layers) == 3
