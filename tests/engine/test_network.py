"""A network knows the shapes of its layers, and says which layer does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from epochal_engine import *


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


def test_initial_weights_are_drawn_and_initial_biases_are_zero() -> None:
    network = Network((3,), (Dense(4, "relu"), Dense(2)))
    first = network.initial_parameters(rng=np.random.default_rng(1))
    assert {name: values.shape for name, values in first.items()} == network.parameters
    assert not first["dense_1.bias"].any()
    assert first["dense_1.weight"].all()
    again = network.initial_parameters(rng=np.random.default_rng(1))
    assert all((first[name] == again[name]).all() for name in first)


def test_names_within_a_layer_follow_its_own() -> None:
    network = Network((3,), (Dense(4), Residual((LayerNorm(), Dense(4, name="inner"))), Dense(2)))
    inside = [name for name in network.parameters if name.startswith("residual_2.")]
    assert inside == [
        "residual_2.layer_norm_1.scale",
        "residual_2.layer_norm_1.shift",
        "residual_2.inner.weight",
        "residual_2.inner.bias",
    ]


def test_a_layer_takes_the_outputs_that_it_names() -> None:
    network = Network(
        (3,),
        (
            Dense(4, "tanh", name="left"),
            Dense(5, "tanh", name="right", input="input"),
            Concatenate(input=("left", "right", "input")),
            Dense(2),
        ),
    )
    assert network.names == ("left", "right", "concatenate_3", "dense_4")
    assert network.shapes == ((3,), (4,), (5,), (12,), (2,))
    assert network.parameters["dense_4.weight"] == (12, 2)


def test_several_inputs_that_do_not_fit_are_all_named() -> None:
    layers = (Dense(4, name="left"), Dense(5, input="input"), Add(input=("left", "dense_2")))
    with pytest.raises(
        ShapeError, match=r"add_3 gets inputs of shapes \(4,\) and \(5,\)"
    ) as caught:
        Network((3,), layers)
    assert (caught.value.got, caught.value.needed) == ([(4,), (5,)], "inputs of one shape")


def test_running_arrays_are_kept_but_not_learned() -> None:
    network = Network((3,), (Dense(4), BatchNorm()))
    assert network.running == {"batch_norm_2.mean", "batch_norm_2.variance"}
    assert network.running < set(network.parameters)
    first = network.initial_parameters(rng=np.random.default_rng(0))
    assert (first["batch_norm_2.mean"] == 0.0).all()
    assert (first["batch_norm_2.variance"] == 1.0).all()


@pytest.mark.parametrize(
    ("layers", "has_noise"),
    [
        ((Dense(4),), False),
        ((Dense(4), Dropout(0.0)), False),
        ((Dense(4), Residual((Dropout(0.1),))), True),
    ],
)
def test_noise_is_found_however_deep(layers: tuple[Layer, ...], has_noise: bool) -> None:
    assert Network((3,), layers).has_noise == has_noise


LEFT, RIGHT = Dense(2, name="left"), Dense(2, name="right")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((LEFT, LEFT), "a unique name without dots; got 'left'"),
        ((Dense(2, name="input"),), "a unique name"),
        ((Dense(2, name="a.b"),), "a unique name"),
        ((Dense(2, input="right"), RIGHT), "dense_1: there is no earlier layer named 'right'"),
        ((LEFT, Dense(2, input="input")), "left: no layer takes its output"),
        ((LEFT, Add(input=("left",))), "add_2 takes 2 to 64 inputs, not 1"),
        ((LEFT, Dense(2, input=("left", "input"))), "dense_2 takes 1 inputs, not 2"),
        ((LEFT, ActivationLayer("softmax"), RIGHT), "activation_2: softmax is for the last"),
    ],
)
def test_connections_that_make_no_sense_are_refused(
    layers: tuple[Layer, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Network((2,), layers)


@pytest.mark.parametrize(
    ("input_shape", "layer", "needed"),
    [
        ((8, 8), Conv2d(2, 3), "an image, (height, width, channels)"),
        ((2, 8, 1), Conv2d(2, 3), "at least 3 positions for its kernel"),
        ((8,), Conv1d(2, 3), "a sequence, (length, channels)"),
        ((3, 3, 1), MaxPool2d(4), "at least 4 positions for its window"),
        ((3,), MaxPool1d(), "a sequence, (length, channels)"),
        ((3,), GlobalMaxPool(), "at least one axis of positions before the channels"),
        ((3, 5), Reshape((4, -1)), "as many elements as (4, -1) has"),
        ((3, 5), Slice(3, 5), "elements from 3 up to 5"),
        ((3,), Lstm(2), "a sequence of vectors, (length, features)"),
        ((4,), PositionalEncoding(), "a sequence of vectors, (length, units)"),
        ((4, 5), MultiHeadAttention(2), "a number of features that 2 heads divide"),
        ((4,), TransformerBlock(1, 2), "sequences of vectors, (length, features)"),
        ((3,), Residual((Dense(4),)), "the shape (4,) of the output of its inner layers"),
    ],
)
def test_every_layer_says_what_it_needs(
    input_shape: tuple[int, ...], layer: Layer, needed: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        Network(input_shape, (layer, Dense(1)))
    assert (caught.value.got, caught.value.needed) == (input_shape, needed)


@pytest.mark.parametrize(
    ("input_shape", "layers", "message"),
    [
        ((2,), (), "a layer with parameters"),
        ((2,), (Dropout(0.5),), "a layer with parameters"),
        ((), (Dense(1),), "at least one axis"),
        ((0,), (Dense(1),), "no axis may be empty"),
        ((2,), (Dense(3, "softmax"), Dense(1)), "dense_1: softmax is for the last layer only"),
    ],
)
def test_a_network_that_makes_no_sense_is_refused(
    input_shape: tuple[int, ...], layers: tuple[Layer, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Network(input_shape, layers)


@pytest.mark.parametrize(
    ("layer", "settings", "message"),
    [
        ("dense", {"units": 0}, "units must be at least 1; got 0"),
        ("dense", {"units": 1, "activation": "swoosh"}, "activation must be one of linear, step, "),
        ("dense", {"units": 1, "initializer": "ones"}, "initializer must be one of zeros, "),
        ("dropout", {"rate": 1.0}, "rate must be less than 1; got 1"),
        ("activation", {"activation": "swoosh"}, "activation must be one of linear, step, "),
        ("conv2d", {"filters": 1, "kernel_size": 0}, "kernel_size must be at least 1"),
        (
            "conv2d",
            {"filters": 1, "kernel_size": 3, "padding": "some"},
            "padding must be one of valid, same; got 'some'",
        ),
        ("conv1d", {"filters": 0, "kernel_size": 3}, "filters must be at least 1"),
        ("max_pool2d", {"pool_size": (2, 0)}, "pool_size must be at least 1"),
        ("batch_norm", {"momentum": 1.0}, "momentum must be"),
        ("layer_norm", {"epsilon": 0.0}, "epsilon must be greater than 0"),
        ("reshape", {"shape": (-1, -1)}, "at most one -1"),
        ("residual", {"layers": ()}, "layers must have from 1 to 16 items"),
        ("residual", {"layers": (Dense(2, input="input"),)}, "one input, the layer before it"),
        ("embedding", {"vocabulary": 0, "units": 1}, "vocabulary must be at least 1"),
        ("positional_encoding", {"kind": "rotary"}, "sinusoidal"),
        ("lstm", {"units": 0}, "units must be at least 1"),
        ("multi_head_attention", {"heads": 0}, "heads must be at least 1"),
        (
            "transformer_block",
            {"heads": 1, "hidden": 2, "norm": "both"},
            "norm must be one of pre, post",
        ),
        (
            "transformer_block",
            {"heads": 1, "hidden": 2, "dropout": 1.0},
            "dropout must be less than 1",
        ),
    ],
)
def test_a_layer_that_makes_no_sense_is_refused(
    layer: str, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LAYERS[layer](**settings)  # type: ignore[arg-type]


def test_equal_descriptions_are_equal_networks() -> None:
    first, second = (Network((2,), (Dense(3, "tanh"), Dense(1))) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)


def test_the_size_of_the_largest_array_is_known_so_that_passes_can_be_kept_small() -> None:
    assert Network((3,), (Dense(40), Dense(2))).largest_array == 40
    # The numbers in each window of 3 × 3, for 6 × 6 positions and 2 channels.
    assert Network((8, 8, 2), (Conv2d(1, 3),)).largest_array == 6 * 6 * 9 * 2
