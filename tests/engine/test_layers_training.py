"""A layer's state beside its weights, and that every kind of network can be continued."""

from __future__ import annotations

import json

import numpy as np
import pytest

from epochal_engine import (
    STATISTICS,
    ActivationLayer,
    Adam,
    BatchNorm,
    Conv2d,
    Data,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    Lstm,
    MaxPool2d,
    Network,
    PositionalEncoding,
    Residual,
    Run,
    Sgd,
    State,
    Training,
    TransformerBlock,
    predict,
)
from epochal_engine.model.losses import find_loss
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join


@pytest.mark.parametrize(
    ("layer", "loss"),
    [
        (Conv2d(1, 3, padding="same", activation="sigmoid"), "binary_cross_entropy"),
        (Conv2d(3, 3, padding="same", activation="softmax"), "cross_entropy"),
    ],
)
def test_a_convolution_may_answer_for_every_pixel(layer: Conv2d, loss: str) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(20, 5, 6, 1))
    brighter = (images > 0.0).astype(float)
    if loss == "cross_entropy":
        brighter = np.concatenate([brighter, 1.0 - brighter, 0.0 * brighter], axis=-1)
    network = Network((5, 6, 1), (layer,))
    run = Run(network, Training(loss, Adam(0.1), epochs=60, batch_size=5), Data(images, brighter))
    for _ in run:
        pass
    columns = join(run.take()).columns
    assert columns["train_accuracy"][-1] > 0.95
    assert columns["train_loss"][-1] < columns["train_loss"][0] / 3


# ---------------------------------------------------------------- running moments


def test_running_moments_follow_those_of_the_batches() -> None:
    # Column means 2 and 5, unbiased variances 2 and 8.
    inputs = np.array([[1.0, 3.0], [3.0, 7.0]])
    network = Network((2,), (BatchNorm(momentum=0.75), Dense(1)))
    training = Training("mse", Sgd(0.0), epochs=2, dtype="float64")
    run = Run(network, training, Data(inputs, np.zeros((2, 1))))
    means, variances = [], []
    for _ in run:
        means.append(run.weights()["batch_norm_1.mean"].tolist())
        variances.append(run.weights()["batch_norm_1.variance"].tolist())
    # Three quarters of the former value, and one of the batch: from 0 and 1 on.
    assert means == [[0.5, 1.25], [0.875, 2.1875]]
    assert variances == [[1.25, 2.75], [1.4375, 4.0625]]


def test_validation_and_prediction_use_the_running_moments() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(3.0, 2.0, (40, 3)), rng.normal(size=(40, 1))
    network = Network((3,), (Dense(4), BatchNorm(), ActivationLayer("tanh"), Dense(1)))
    training = Training("mse", Adam(0.05), epochs=3, batch_size=10, dtype="float64")
    run = Run(network, training, Data(inputs[:30], targets[:30], inputs[30:], targets[30:]))
    for _ in run:
        pass
    reported = join(run.take()).columns["validation_loss"][-1]
    actual = predict(network, run.weights(), inputs[30:])
    assert find_loss("mse").value(actual, targets[30:]) == pytest.approx(reported, rel=1e-12)
    # Each sample by itself gives the same: no batch has a say in it.
    alone = predict(network, run.weights(), inputs[30:31])
    np.testing.assert_allclose(alone, actual[:1], rtol=1e-12)


def test_what_is_not_learnt_takes_no_step() -> None:
    network = Network((2,), (Dense(3), BatchNorm(momentum=0.0), Dense(1)))
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(8, 2))
    training = Training("mse", Adam(0.5), epochs=5, l2=0.1, dtype="float64")
    run = Run(network, training, Data(inputs, rng.normal(size=(8, 1))))
    before: dict[str, Array] = {}
    for _ in run:
        if before:
            # With momentum 0 they come from the last batch, whatever the optimizer does.
            sums = inputs @ before["dense_1.weight"] + before["dense_1.bias"]
            np.testing.assert_allclose(run.weights()["batch_norm_2.mean"], sums.mean(0))
        before = run.weights()


# ---------------------------------------------------------------- stopping and going on

DEEP: tuple[Layer, ...] = (
    Conv2d(3, 2, padding="same", use_bias=False),
    BatchNorm(),
    ActivationLayer("relu"),
    Residual((Dropout(0.2), Conv2d(3, 3, padding="same", activation="gelu"))),
    MaxPool2d(),
    Flatten(),
    Dropout(0.3),
    Dense(3, "softmax"),
)
READING: tuple[Layer, ...] = (
    Embedding(5, 4),
    PositionalEncoding(),
    TransformerBlock(2, 6, dropout=0.2),
    Lstm(4),
    Dense(3, "softmax"),
)


@pytest.mark.parametrize(
    ("input_shape", "layers"), [((4, 4, 2), DEEP), ((5,), READING)], ids=["deep", "reading"]
)
def test_going_on_from_any_epoch_gives_the_same_bits(
    input_shape: tuple[int, ...], layers: tuple[Layer, ...]
) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.integers(5, size=(29, *input_shape)).astype(float)
    targets = np.eye(3)[rng.integers(3, size=29)]
    data = Data(inputs[:22], targets[:22], inputs[22:], targets[22:])
    network = Network(input_shape, layers)
    training = Training("cross_entropy", Adam(0.02), epochs=9, batch_size=8, l2=1e-3)

    def rows(run: Run) -> list[bytes]:
        columns = join(run.take()).columns
        return [columns[name].tobytes() for name in sorted(columns)]

    whole = Run(network, training, data)
    for _ in whole:
        pass
    weights, expected = whole.weights(), rows(whole)
    for cut in (1, 4, 8):
        run = Run(network, training, data)
        next(epoch for epoch in run if epoch == cut)
        state = run.state()
        values = json.loads(json.dumps(state.values))
        later = Run(network, training, data, State(state.arrays, values))
        for _ in later:
            pass
        assert {name: array.tobytes() for name, array in later.weights().items()} == {
            name: array.tobytes() for name, array in weights.items()
        }
        assert rows(later) == [np.frombuffer(column)[cut:].tobytes() for column in expected]


def test_snapshots_are_of_what_is_learnt_alone() -> None:
    network = Network((2,), (Dense(3), BatchNorm(), Dense(1)))
    assert list(network.parameters)[-2:] == ["batch_norm_2.mean", "batch_norm_2.variance"]
    assert network.learned_size == 9 + 6 + 4
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(8, 2)), rng.normal(size=(8, 1)))
    run = Run(network, Training("mse", Sgd(0.1), epochs=2), data)
    for _ in run:
        pass
    gradients = join(run.take()).gradients
    assert gradients is not None
    assert gradients.layers == ("dense_1", "batch_norm_2", "dense_3")
    assert gradients.histogram.sum(-1).tolist() == [[9, 6, 4], [9, 6, 4]]
    zero_fraction = gradients.statistics[:, :, STATISTICS.index("zero_fraction")]
    # A bias before a batch norm has no say, but rounding leaves it hardly ever exactly at zero.
    assert (zero_fraction[:, 1:] == 0.0).all()
