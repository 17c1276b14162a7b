"""Every member of a sweep is the run that it would have been alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from tests.material import XOR_DATA as XOR

from epochal_engine import *
from epochal_engine.training.blocks import join

XOR_NETWORK = Network((2,), (Dense(4, "tanh"), Dense(1, "sigmoid")))
NETWORK = Network((3,), (Dense(5, "tanh"), Dense(4, "relu"), Dense(3, "softmax")))


def classes() -> Data:
    """40 random points in three classes, and 13 for validation."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(53, 3)), np.eye(3)[rng.integers(0, 3, 53)]
    return Data(inputs[:40], targets[:40], inputs[40:], targets[40:])


def rates(optimizers: Sequence[Optimizer], **more: object) -> list[Training]:
    """A training of float64 for each optimizer; float64 because rounding is all that may differ."""
    common = {"epochs": 5, "batch_size": 7, "dtype": "float64", **more}
    return [Training("cross_entropy", o, **common) for o in optimizers]  # type: ignore[arg-type]


def finish(run: Run | Sweep) -> None:
    for _ in run:
        pass


def assert_members_are_runs(
    network: Network | Sequence[Network],
    trainings: Sequence[Training],
    data: Data,
    tolerance: float = 1e-12,
) -> Sweep:
    sweep = Sweep(network, trainings, data)
    finish(sweep)
    networks = [network] * len(trainings) if isinstance(network, Network) else network
    taken = sweep.take()
    for member, (network_, training) in enumerate(zip(networks, trainings, strict=True)):
        blocks = taken[member]
        run = Run(network_, training, data)
        finish(run)
        assert sweep.outcomes[member] == run.outcome
        assert sweep.epochs[member] == run.epoch
        alone, together = join(run.take()), join(blocks)
        assert alone.columns.keys() == together.columns.keys()
        for name, column in alone.columns.items():
            np.testing.assert_allclose(
                together.columns[name], column, rtol=tolerance, atol=tolerance, err_msg=name
            )
        for name, weights in run.weights().items():
            np.testing.assert_allclose(
                sweep.weights(member)[name], weights, rtol=tolerance, atol=tolerance
            )
        if alone.gradients is None or together.gradients is None:
            assert alone.gradients is together.gradients
            continue
        np.testing.assert_array_equal(together.gradients.epochs, alone.gradients.epochs)
        # A number that is zero but for rounding may be exactly zero in one of them.
        persisted = [i for i, name in enumerate(STATISTICS) if name != "zero_fraction"]
        np.testing.assert_allclose(
            together.gradients.statistics[..., persisted],
            alone.gradients.statistics[..., persisted],
            rtol=1e-5,
            atol=1e-7,
        )
    return sweep


def image_data() -> Data:
    rng = np.random.default_rng(1)
    inputs, targets = rng.normal(size=(12, 6, 6, 2)), np.eye(3)[rng.integers(0, 3, 12)]
    return Data(inputs[:9], targets[:9], inputs[9:], targets[9:])


def sequence_data() -> Data:
    rng = np.random.default_rng(2)
    inputs, targets = rng.normal(size=(12, 5, 3)), np.eye(3)[rng.integers(0, 3, 12)]
    return Data(inputs[:9], targets[:9], inputs[9:], targets[9:])


def token_data() -> Data:
    rng = np.random.default_rng(3)
    inputs = rng.integers(0, 7, size=(12, 5)).astype(float)
    targets = np.eye(3)[rng.integers(0, 3, 12)]
    return Data(inputs[:9], targets[:9], inputs[9:], targets[9:])


IMAGES: dict[str, list[Layer]] = {
    "convolution": [Conv2d(4, 3, activation="relu"), MaxPool2d(2), Flatten()],
    "same padding": [Conv2d(3, 3, padding="same", stride=2), AveragePool2d(2), Flatten()],
    "global pooling": [
        Conv2d(3, 2, use_bias=False),
        BatchNorm(),
        ActivationLayer("relu"),
        GlobalMaxPool(),
    ],
}
SEQUENCES: dict[str, list[Layer]] = {
    "dense along time": [Dense(4, "tanh"), LayerNorm(), GlobalAveragePool()],
    "convolution in one dimension": [Conv1d(4, 3, activation="tanh"), MaxPool1d(2), Flatten()],
    "rnn": [Rnn(4)],
    "lstm": [Lstm(4, return_sequences=True), Lstm(3)],
    "gru": [Gru(4)],
    "attention": [Dense(4), MultiHeadAttention(2, causal=True), Flatten()],
    "transformer": [Dense(4), TransformerBlock(2, 6, dropout=0.1), GlobalAveragePool()],
    "residual": [Residual((Dense(3, "tanh"),)), Flatten(), Dropout(0.2)],
}
TOKENS: dict[str, list[Layer]] = {
    "sinusoids": [Embedding(7, 4), PositionalEncoding("sinusoidal"), Flatten()],
    "learned positions": [Embedding(7, 4), PositionalEncoding("learned"), Rnn(3)],
}
NETWORKS = [
    pytest.param(layers, data, id=name)
    for group, data in ((IMAGES, image_data), (SEQUENCES, sequence_data), (TOKENS, token_data))
    for name, layers in group.items()
]


@pytest.mark.parametrize(("layers", "data"), NETWORKS)
@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)], ids=["one seed", "own seeds"])
def test_members_are_runs_whatever_the_layers(
    layers: list[Layer], data: Callable[[], Data], seeds: tuple[int, int]
) -> None:
    given = data()
    network = Network(given.train_inputs.shape[1:], (*layers, Dense(3, "softmax")))
    trainings = [
        replace(training, seed=seed, epochs=3, batch_size=4)
        for training, seed in zip(rates([Adam(0.02), Adam(0.01)]), seeds, strict=True)
    ]
    assert_members_are_runs(network, trainings, given, tolerance=1e-9)


@pytest.mark.parametrize("kind", sorted(set(OPTIMIZERS) - {"perceptron"}))
def test_members_are_runs_for_every_optimizer(kind: str) -> None:
    trainings = rates([OPTIMIZERS[kind](learning_rate=rate) for rate in (0.01, 0.002)])
    assert_members_are_runs(NETWORK, trainings, classes(), tolerance=1e-9)


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)], ids=["one seed", "own seeds"])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_augmented_samples_follow_the_seed_of_each_member(
    batch_size: int | None, seeds: tuple[int, int]
) -> None:
    changes = rates([Sgd(0.1), Sgd(0.2)], batch_size=batch_size, augmentation=(Noise(0.3),))
    trainings = [replace(t, seed=seed) for t, seed in zip(changes, seeds, strict=True)]
    assert_members_are_runs(NETWORK, trainings, classes())


VARIED_OPTIMIZERS: list[list[Optimizer]] = [
    [Sgd(0.1), Sgd(0.01), Sgd(0.0)],
    [Momentum(0.1, 0.9), Momentum(0.01, 0.5), Momentum(0.02, 0.9)],
    [Adam(0.1), Adam(0.01, beta_1=0.5), Adam(0.003, beta_2=0.9, epsilon=1e-3)],
]


@pytest.mark.parametrize("optimizers", VARIED_OPTIMIZERS, ids=lambda o: o[0].type)
@pytest.mark.parametrize("batch_size", [None, 7, 20], ids=["full", "uneven", "even"])
def test_members_with_other_rates_are_the_runs_that_they_would_be_alone(
    optimizers: list[Optimizer], batch_size: int | None
) -> None:
    assert_members_are_runs(NETWORK, rates(optimizers, batch_size=batch_size), classes())


@pytest.mark.parametrize(
    "activation",
    [
        "linear",
        "step",
        "sigmoid",
        "tanh",
        "softsign",
        "relu",
        "leaky_relu",
        "softplus",
        "elu",
        "selu",
        "gelu",
        "gelu_tanh",
        "silu",
        "mish",
    ],
)
def test_members_are_runs_for_every_activation(activation: str) -> None:
    network = Network((3,), (Dense(5, activation), Dense(3, "softmax")))
    assert_members_are_runs(network, rates([Adam(0.1), Adam(0.01)]), classes())


@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy"])
def test_members_are_runs_for_the_other_losses(loss: str) -> None:
    network = Network((3,), (Dense(4, "tanh", use_bias=False), Dense(3, "sigmoid")))
    trainings = [replace(t, loss=loss) for t in rates([Sgd(0.1), Sgd(0.5)])]
    assert_members_are_runs(network, trainings, classes())


def test_members_with_their_own_seeds_have_their_own_weights_order_and_dropout() -> None:
    network = Network((3,), (Dense(5, "tanh"), Dropout(0.3), Dense(3, "softmax")))
    trainings = [replace(rates([Sgd(0.1)])[0], seed=seed) for seed in (3, 1, 3)]
    sweep = assert_members_are_runs(network, trainings, classes())
    first, other, again = (sweep.weights(k)["dense_1.weight"] for k in range(3))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_members_with_one_seed_share_the_dropout() -> None:
    network = Network((3,), (Dense(5, "tanh"), Dropout(0.3), Dense(3, "softmax")))
    assert_members_are_runs(network, rates([Sgd(0.1), Sgd(0.2)]), classes())


def test_penalties_limits_and_schedules_may_differ_from_member_to_member() -> None:
    base = rates([Sgd(0.5)])[0]
    trainings = [
        base,
        replace(base, l2=0.1),
        replace(base, clip_norm=0.01),
        replace(base, clip_value=0.001),
        replace(base, clip_norm=0.01, clip_value=0.002, l2=0.01),
        replace(base, l1=0.05),
        replace(base, schedule=Cosine(warmup_epochs=2)),
        replace(base, schedule=ReduceOnPlateau(factor=0.5, patience=1), optimizer=Sgd(5.0)),
    ]
    assert_members_are_runs(NETWORK, trainings, classes())


@pytest.mark.parametrize("seeds", [(7, 7, 7, 7), (1, 2, 3, 4)], ids=["one seed", "own seeds"])
def test_members_may_begin_with_other_weights(seeds: Sequence[int]) -> None:
    network = Network(
        (6, 6, 2),
        (
            Conv2d(4, 3, activation="relu", initializer="lecun_normal"),
            Flatten(),
            Residual((Dense(64, "tanh", initializer_gain=0.5),)),
            Dense(3, "softmax"),
        ),
    )
    networks = [
        network,
        with_initializer(network, initializer_gain=2.0),
        with_initializer(network, initializer="orthogonal"),
        with_initializer(network, initializer="he_uniform", initializer_gain=0.1),
    ]
    # The second is of another group of optimizers, so rows are not in the order of members.
    optimizers = [Momentum(0.02), Momentum(0.01, 0.5), Momentum(0.02), Momentum(0.03)]
    trainings = [
        replace(training, seed=seed)
        for training, seed in zip(rates(optimizers), seeds, strict=True)
    ]
    assert_members_are_runs(networks, trainings, image_data())


def test_other_initial_weights_are_those_of_every_layer_that_draws_them() -> None:
    network = Network((3,), (Residual((Dense(3, "relu"),)), LayerNorm(), Dense(2, "softmax")))
    wide = with_initializer(network, initializer_gain=4.0)
    rng = np.random.default_rng
    before, after = network.initial_parameters(rng=rng(5)), wide.initial_parameters(rng=rng(5))
    scales = {"residual_1.dense_1.weight": 4.0, "dense_3.weight": 4.0}
    assert scales.keys() < before.keys()
    for name, weights in before.items():
        np.testing.assert_array_equal(after[name], scales.get(name, 1.0) * weights)
    assert with_initializer(wide, initializer_gain=1.0) == network
    flat = with_initializer(network, initializer="constant").initial_parameters(rng=rng(5))
    assert set(flat["dense_3.weight"].ravel()) == {0.05}


def test_members_are_runs_in_float32_up_to_its_rounding() -> None:
    trainings = rates([Adam(0.01), Adam(0.02)], dtype="float32")
    assert_members_are_runs(NETWORK, trainings, classes(), tolerance=1e-4)


MANY = [
    Adam(0.01),
    Adam(0.02, beta_1=0.5),
    Adam(0.03),
    Adam(1e9),
    Adam(0.05, beta_1=0.5),
    Adam(0.06),
    Adam(0.07),
]


def bits_of_sweep(network: Network, trainings: Sequence[Training], data: Data) -> list[object]:
    sweep = Sweep(network, trainings, data)
    finish(sweep)
    state = sweep.state()
    columns = [join(blocks).columns for blocks in sweep.take()]
    return [
        {name: array.tobytes() for name, array in state.arrays.items()},
        json.dumps(state.values),
        [{name: column.tobytes() for name, column in of_one.items()} for of_one in columns],
    ]


@pytest.mark.parametrize("batch_size", [None, 7], ids=["full", "uneven"])
@pytest.mark.parametrize(
    ("layers", "seeds"),
    [([], [0] * 7), ([], range(7)), ([Dropout(0.3)], [0] * 7), ([Dropout(0.3)], range(7))],
    ids=["one seed", "own seeds", "one seed, dropout", "own seeds, dropout"],
)
def test_no_bit_depends_on_how_many_members_fit_the_cache(
    layers: list[Layer],
    seeds: Sequence[int],
    batch_size: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network((3,), (Dense(20, "relu"), *layers, Dense(18, "gelu"), Dense(3, "softmax")))
    trainings = [
        replace(training, seed=seed, l2=0.01 * (seed % 2), augmentation=(Noise(0.1),))
        for training, seed in zip(
            rates(MANY, dtype="float32", batch_size=batch_size), seeds, strict=True
        )
    ]
    bits = []
    for size in (1, 30_000, 10**9):
        monkeypatch.setattr("epochal_engine.training.lockstep.BYTES_AT_ONCE", size)
        bits.append(bits_of_sweep(network, trainings, classes()))
    assert bits[0] == bits[2]
    assert bits[1] == bits[2]


@pytest.mark.parametrize(("seeds", "parts"), [([0, 0, 0], 1), ([0, 1, 2], 3)])
def test_members_that_share_dropout_masks_take_their_steps_together(
    seeds: Sequence[int], parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Network((3,), (Dense(5, "tanh"), Dropout(0.3), Dense(3, "softmax")))
    trainings = [replace(t, seed=s) for t, s in zip(rates([Sgd(0.1)] * 3), seeds, strict=True)]
    products = []
    for size in (10**9, 1):
        monkeypatch.setattr("epochal_engine.training.lockstep.BYTES_AT_ONCE", size)
        choose_engine("python")
        try:
            sweep = Sweep(network, trainings, classes())
        finally:
            choose_engine(None)
        calls = [call for segment in sweep._segments for call in segment.calls]
        products.append(sum(function is np.matmul for function, _ in calls))
    assert products[1] == parts * products[0]


def test_a_member_that_diverges_harms_no_other_and_is_reported() -> None:
    trainings = rates([Sgd(0.1), Sgd(1e30), Sgd(0.01)], dtype="float32", epochs=20)
    sweep = assert_members_are_runs(NETWORK, trainings, classes(), tolerance=1e-4)
    reasons = [outcome.stop_reason for outcome in sweep.outcomes if outcome is not None]
    assert reasons == ["completed", "diverged", "completed"]
    diverged = sweep.outcomes[1]
    assert diverged is not None
    assert diverged.divergence is not None
    assert diverged.divergence.epoch == sweep.epochs[1] < 20


def test_members_stop_early_each_by_its_own_rule() -> None:
    base = rates([Adam(0.05)], epochs=60)[0]
    trainings = [
        replace(base, early_stopping=EarlyStopping(3)),
        replace(base, target=Target("train_loss", 0.9)),
        base,
    ]
    sweep = assert_members_are_runs(NETWORK, trainings, classes())
    reasons = [outcome.stop_reason for outcome in sweep.outcomes if outcome is not None]
    assert reasons == ["early_stopped", "target_reached", "completed"]


def test_a_sweep_is_over_when_its_last_member_is() -> None:
    base = rates([Adam(0.05)], epochs=500)[0]
    trainings = [replace(base, target=Target("train_loss", level)) for level in (0.9, 0.7)]
    sweep = assert_members_are_runs(NETWORK, trainings, classes())
    assert sweep.epoch == max(sweep.epochs) < 500


def test_an_epoch_is_reported_only_after_it_was_handed_out() -> None:
    base = Training("binary_cross_entropy", Adam(0.05), 400, dtype="float64")
    trainings = [replace(base, target=Target("train_loss", 0.3)), base]
    sweep = Sweep(XOR_NETWORK, trainings, XOR)
    for epoch in sweep:
        fast, slow = sweep.take()
        assert [block.last_epoch for block in slow] == [epoch]
        if sweep.outcomes[0] is not None:
            break
        assert [block.last_epoch for block in fast] == [epoch]
    assert sweep.epochs == (sweep.epoch, sweep.epoch)
    assert float(fast[-1].columns["train_loss"][-1]) <= 0.3


@pytest.mark.parametrize("stop_at", [1, 7, 30, 40])
def test_a_sweep_that_is_interrupted_goes_on_bit_by_bit(stop_at: int) -> None:
    network = Network((3,), (Dense(5, "tanh"), Dropout(0.3), Dense(3, "softmax")))
    base = rates([Adam(0.05)], epochs=45)[0]
    trainings = [
        replace(base, seed=1, early_stopping=EarlyStopping(3)),
        replace(base, seed=2, optimizer=Adam(0.01, beta_1=0.5)),
        replace(base, seed=3, optimizer=Adam(1e12)),
    ]
    whole = Sweep(network, trainings, classes())
    finish(whole)
    sweep = Sweep(network, trainings, classes())
    for epoch in sweep:
        if epoch == stop_at:
            break
    taken = sweep.take()
    state = sweep.state()
    persisted = State(
        {k: v.copy() for k, v in state.arrays.items()}, json.loads(json.dumps(state.values))
    )
    resumed = Sweep(network, trainings, classes(), persisted)
    finish(resumed)
    assert resumed.outcomes == whole.outcomes
    for member, (before, after, all_) in enumerate(
        zip(taken, resumed.take(), whole.take(), strict=True)
    ):
        for name, column in join(all_).columns.items():
            np.testing.assert_array_equal(join([*before, *after]).columns[name], column)
        for name, weights in whole.weights(member).items():
            np.testing.assert_array_equal(resumed.weights(member)[name], weights)


def test_two_hundred_and_fifty_six_members_are_trained_at_once() -> None:
    base = Training("binary_cross_entropy", Adam(0.05), 200, gradients_every=0)
    trainings = [replace(base, seed=seed) for seed in range(256)]
    sweep = Sweep(XOR_NETWORK, trainings, XOR)
    finish(sweep)
    losses = np.array([join(blocks).columns["train_loss"] for blocks in sweep.take()])
    assert losses.shape == (256, 200)
    for member in (0, 100, 255):
        run = Run(XOR_NETWORK, trainings[member], XOR)
        finish(run)
        np.testing.assert_allclose(
            losses[member], join(run.take()).columns["train_loss"], rtol=1e-3, atol=1e-5
        )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"epochs": 9}, "epochs"),
        ({"batch_size": 3}, "batch_size"),
        ({"dtype": "float32"}, "dtype"),
        ({"optimizer": Adam(0.1)}, "optimizer"),
    ],
)
def test_members_that_differ_in_more_than_numbers_are_refused(
    change: dict[str, object], word: str
) -> None:
    first = rates([Sgd(0.1)])[0]
    with pytest.raises(ValueError, match=word):
        Sweep(NETWORK, [first, replace(first, **change)], classes())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("networks", "word"),
    [
        ([NETWORK], "one for each"),
        ([NETWORK, Network((3,), NETWORK.layers[1:])], "only in their initial weights"),
    ],
)
def test_networks_that_differ_in_more_than_initial_weights_are_refused(
    networks: list[Network], word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        Sweep(networks, rates([Sgd(0.1), Sgd(0.2)]), classes())


def test_a_sweep_without_members_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        Sweep(NETWORK, [], classes())
