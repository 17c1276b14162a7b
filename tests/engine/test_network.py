"""A network knows the shapes of its layers, and says which layer does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from epochal_engine import LAYERS, Conv2d, Dense, Dropout, Network, ShapeError


def test_layers_are_named_by_type_and_position() -> None:
    network = Network((3,), (Dense(4), Dropout(0.5), Dense(2)))
    assert network.names == ("dense_1", "dropout_2", "dense_3")


def test_parameters_are_named_after_their_layer_in_forward_order() -> None:
    network = Network((3,), (Dense(4), Dropout(0.5), Dense(2, use_bias=False)))
    assert list(network.parameters.items()) == [
        ("dense_1.weight", (3, 4)),
        ("dense_1.bias", (4,)),
        ("dense_3.weight", (4, 2)),
    ]


def test_a_layer_that_does_not_fit_is_named_with_what_it_gets_and_needs() -> None:
    with pytest.raises(ShapeError, match="layer conv2d_2 gets an input of shape") as caught:
        Network((8, 8), (Dense(5), Conv2d(2, 3)))
    error = caught.value
    assert (error.layer, error.name, error.got) == (1, "conv2d_2", (8, 5))
    assert error.needed == "an image, (height, width, channels)"


def test_first_weights_are_drawn_and_first_biases_are_zero() -> None:
    network = Network((3,), (Dense(4, "relu"), Dense(2)))
    first = network.first_weights(rng=np.random.default_rng(1))
    assert {name: values.shape for name, values in first.items()} == network.parameters
    assert not first["dense_1.bias"].any()
    assert first["dense_1.weight"].all()
    again = network.first_weights(rng=np.random.default_rng(1))
    assert all((first[name] == again[name]).all() for name in first)


@pytest.mark.parametrize(
    ("input_shape", "layers", "message"),
    [
        ((2,), (), "a layer that learns"),
        ((2,), (Dropout(0.5),), "a layer that learns"),
        ((), (Dense(1),), "at least one axis"),
        ((0,), (Dense(1),), "no axis may be empty"),
        ((2,), (Dense(3, "softmax"), Dense(1)), "dense_1: softmax is for the last layer only"),
    ],
)
def test_a_network_that_makes_no_sense_is_refused(
    input_shape: tuple[int, ...], layers: tuple[Dense | Dropout, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Network(input_shape, layers)


@pytest.mark.parametrize(
    ("layer", "settings", "message"),
    [
        ("dense", {"units": 0}, "at least one unit"),
        ("dense", {"units": 1, "activation": "swoosh"}, "no activation named 'swoosh'"),
        ("dense", {"units": 1, "initializer": "ones"}, "no initializer named 'ones'"),
        ("dropout", {"rate": 1.0}, "dropout rate"),
    ],
)
def test_a_layer_that_makes_no_sense_is_refused(
    layer: str, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LAYERS[layer](**settings)  # type: ignore[arg-type]


def test_equal_descriptions_are_equal_networks() -> None:
    one, other = (Network((2,), (Dense(3, "tanh"), Dense(1))) for _ in range(2))
    assert one == other
    assert hash(one) == hash(other)
