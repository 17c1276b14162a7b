"""A run against a plain NumPy training loop, and how it can be looked at."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from tests.material import XOR_DATA as XOR

from epochal_engine import (
    Adam,
    Block,
    Cosine,
    CrossEntropy,
    Data,
    Dense,
    Dropout,
    Embedding,
    Momentum,
    Network,
    Perceptron,
    Rnn,
    Run,
    Sgd,
    Sweep,
    Target,
    Training,
    predict,
    split,
)
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join
from epochal_engine.training.snapshots import STATISTICS

XOR_NETWORK = Network((2,), (Dense(4, "tanh"), Dense(1, "sigmoid")))


def classes(samples: int, validation: int = 0, seed: int = 0) -> Data:
    """Points in the plane in three classes, by angle."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(samples + validation, 2))
    labels = ((np.arctan2(inputs[:, 1], inputs[:, 0]) + math.pi) / (2 * math.pi) * 3).astype(int)
    targets = np.eye(3)[np.minimum(labels, 2)]
    if validation == 0:
        return Data(inputs, targets)
    return Data(inputs[:samples], targets[:samples], inputs[samples:], targets[samples:])


CLASSES_NETWORK = Network((2,), (Dense(5, "tanh"), Dense(3, "softmax")))


def finish(run: Run) -> Block:
    """Run to the end and give all epochs in one block."""
    for _ in run:
        pass
    return join(run.take())


# ---------------------------------------------------------------- the oracle


class PlainTraining:
    """The same training in the plainest NumPy, for a tanh layer under a softmax one, in float64."""

    def __init__(self, weights: dict[str, Array], training: Training) -> None:
        self.weights = {name: values.copy() for name, values in weights.items()}
        self.training = training
        self.m = {name: np.zeros_like(values) for name, values in weights.items()}
        self.v = {name: np.zeros_like(values) for name, values in weights.items()}
        self.steps = 0

    def forward(self, x: Array) -> tuple[Array, Array]:
        w = self.weights
        hidden = np.tanh(x @ w["dense_1.weight"] + w["dense_1.bias"])
        z = hidden @ w["dense_2.weight"] + w["dense_2.bias"]
        return hidden, np.exp(z) / np.exp(z).sum(1, keepdims=True)

    def step(self, x: Array, y: Array, rate: float) -> tuple[Array, Array, float]:
        """One update; the samples' losses and hits, and the norm of the gradient."""
        hidden, p = self.forward(x)
        delta_2 = (p - y) / len(x)
        delta_1 = delta_2 @ self.weights["dense_2.weight"].T * (1.0 - hidden**2)
        gradients = {
            "dense_1.weight": x.T @ delta_1,
            "dense_1.bias": delta_1.sum(0),
            "dense_2.weight": hidden.T @ delta_2,
            "dense_2.bias": delta_2.sum(0),
        }
        for name in gradients:
            if name.endswith("weight"):
                w = self.weights[name]
                gradients[name] = (
                    gradients[name] + self.training.l1 * np.sign(w) + self.training.l2 * w
                )
        norm = math.sqrt(sum(float((g**2).sum()) for g in gradients.values()))
        if (limit := self.training.clip_value) is not None:
            gradients = {name: np.clip(g, -limit, limit) for name, g in gradients.items()}
        if (limit := self.training.clip_norm) is not None:
            total = math.sqrt(sum(float((g**2).sum()) for g in gradients.values()))
            gradients = {name: g * min(1.0, limit / total) for name, g in gradients.items()}
        self.steps += 1
        for name, g in gradients.items():
            self.weights[name] -= rate * self.direction(name, g)
        return -np.log((p * y).sum(1)), p.argmax(1) == y.argmax(1), norm

    def direction(self, name: str, g: Array) -> Array:
        optimizer = self.training.optimizer
        if isinstance(optimizer, Sgd):
            return g
        if isinstance(optimizer, Momentum):
            self.m[name] = optimizer.momentum * self.m[name] + g
            return self.m[name]
        assert isinstance(optimizer, Adam)
        b1, b2 = optimizer.beta_1, optimizer.beta_2
        self.m[name] = b1 * self.m[name] + (1 - b1) * g
        self.v[name] = b2 * self.v[name] + (1 - b2) * g**2
        m, v = self.m[name] / (1 - b1**self.steps), self.v[name] / (1 - b2**self.steps)
        return m / (np.sqrt(v) + optimizer.epsilon)

    def train(self, data: Data) -> dict[str, Array]:
        """All epochs; the same columns as the engine's."""
        training, samples = self.training, len(data.train_inputs)
        batch = training.batch_size or samples
        shuffle = np.random.default_rng(np.random.SeedSequence(training.seed).spawn(3)[1])
        rows = []
        for epoch in range(training.epochs):
            order = np.arange(samples)
            if training.shuffle and batch < samples:
                shuffle.shuffle(order)
            rate = training.schedule.value(epoch, training.epochs, training.optimizer.learning_rate)
            met = [
                self.step(data.train_inputs[part], data.train_targets[part], rate)
                for part in (order[k : k + batch] for k in range(0, samples, batch))
            ]
            row = {
                "train_loss": np.concatenate([losses for losses, _, _ in met]).mean(),
                "train_accuracy": np.concatenate([hits for _, hits, _ in met]).mean(),
                "gradient_norm": met[-1][2],
                "learning_rate": rate,
            }
            if data.validation_inputs is not None and data.validation_targets is not None:
                p = self.forward(data.validation_inputs)[1]
                y = data.validation_targets
                row["validation_loss"] = -np.log((p * y).sum(1)).mean()
                row["validation_accuracy"] = (p.argmax(1) == y.argmax(1)).mean()
            rows.append(row)
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


BASIC = Training("cross_entropy", Sgd(0.3), epochs=7, batch_size=10, dtype="float64", seed=3)


VARIATIONS = {
    "plain": BASIC,
    "all samples at once": replace(BASIC, batch_size=None),
    "a batch larger than the data": replace(BASIC, batch_size=1000),
    "one sample at a time": replace(BASIC, batch_size=1, epochs=2),
    "in the given order": replace(BASIC, shuffle=False),
    "momentum": replace(BASIC, optimizer=Momentum(0.1)),
    "adam": replace(BASIC, optimizer=Adam(0.05, beta_1=0.8, beta_2=0.99, epsilon=1e-4)),
    "cosine": replace(BASIC, schedule=Cosine(warmup_epochs=2, final_fraction=0.1)),
    "l1": replace(BASIC, l1=0.05),
    "l2": replace(BASIC, l2=0.05),
    "clipped by element": replace(BASIC, clip_value=0.01),
    "clipped by norm": replace(BASIC, clip_norm=0.05),
    "all together": replace(
        BASIC, l1=0.02, l2=0.05, clip_value=0.05, clip_norm=0.1, optimizer=Momentum(0.1)
    ),
}


@pytest.mark.parametrize("most_ahead", [0.2, 1, 7.5])
def test_rounds_of_any_length_have_the_same_bits(most_ahead: float) -> None:
    training = Training("binary_cross_entropy", Adam(0.05), epochs=40)
    whole, cut = Run(XOR_NETWORK, training, XOR), Run(XOR_NETWORK, training, XOR)
    cut.most_ahead = most_ahead
    expected, actual = finish(whole), finish(cut)
    for name, column in expected.columns.items():
        np.testing.assert_array_equal(actual.columns[name], column)
    for name, array in whole.weights().items():
        np.testing.assert_array_equal(cut.weights()[name], array)


def test_the_training_loss_is_the_mean_over_the_tokens_that_count_not_over_batches() -> None:
    # At this rate no weight changes, so that all tokens meet the initial weights.
    network = Network((2,), (Embedding(3, 4), Dense(3, "softmax")))
    inputs = np.random.default_rng(0).integers(3, size=(5, 2)).astype(float)
    labels = np.array([[0, 1], [2, 0], [1, -1], [-1, -1], [2, -1]])
    training = Training(
        CrossEntropy(ignore_label=-1), Sgd(1e-300), 1, batch_size=2, shuffle=False, dtype="float64"
    )
    run = Run(network, training, Data(inputs, labels))
    outputs = predict(network, run.weights(), inputs)
    chosen = np.take_along_axis(outputs, np.maximum(labels, 0)[..., None], -1)[..., 0]
    losses, counts = np.where(labels >= 0, -np.log(chosen), 0.0), labels >= 0
    parts = [slice(0, 2), slice(2, 4), slice(4, 5)]
    over_batches = np.mean([losses[part].sum() / counts[part].sum() for part in parts])
    (loss,) = finish(run).columns["train_loss"]
    assert loss == pytest.approx(losses.sum() / 6, rel=1e-9)
    assert loss != pytest.approx(over_batches, rel=1e-3)


def test_gradient_statistics_include_the_penalties_and_precede_clipping() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(6, 2)), rng.normal(size=(6, 1))
    training = Training("mse", Sgd(0.1), 1, dtype="float64", l1=0.3, l2=0.7, clip_norm=1e-3)
    run = Run(Network((2,), (Dense(1),)), training, Data(x, y))
    weights = run.weights()
    w, b = weights["dense_1.weight"], weights["dense_1.bias"]
    error = 2.0 * (x @ w + b - y) / 6
    gradient = np.append(x.T @ error + 0.3 * np.sign(w) + 0.7 * w, error.sum())
    block = finish(run)
    assert block.gradients is not None
    statistics = dict(zip(STATISTICS, block.gradients.statistics[0, 0], strict=True))
    assert statistics["norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-6)
    assert statistics["mean"] == pytest.approx(gradient.mean(), rel=1e-6)
    assert statistics["max_abs"] == pytest.approx(np.abs(gradient).max(), rel=1e-6)
    assert block.columns["gradient_norm"][0] == pytest.approx(np.linalg.norm(gradient))


@pytest.mark.parametrize("variation", VARIATIONS)
@pytest.mark.parametrize("samples", [30, 34])
def test_every_number_is_that_of_a_plain_training_loop(variation: str, samples: int) -> None:
    training = VARIATIONS[variation]
    data = classes(samples, validation=11)
    run = Run(CLASSES_NETWORK, training, data)
    oracle = PlainTraining(run.weights(), training)
    expected = oracle.train(data)
    actual = finish(run).columns
    assert actual.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-9, err_msg=name)
    for name, values in run.weights().items():
        np.testing.assert_allclose(values, oracle.weights[name], rtol=1e-8, atol=1e-12)


def test_more_batches_than_are_gathered_at_once() -> None:
    data = classes(333)
    training = replace(BASIC, batch_size=2, epochs=2)
    run = Run(CLASSES_NETWORK, training, data)
    oracle = PlainTraining(run.weights(), training)
    expected = oracle.train(data)
    np.testing.assert_allclose(finish(run).columns["train_loss"], expected["train_loss"], rtol=1e-9)


def test_single_precision_follows_double_precision() -> None:
    training = replace(BASIC, epochs=3)
    losses = [
        finish(Run(CLASSES_NETWORK, t, classes(34))).columns["train_loss"]
        for t in (training, replace(training, dtype="float32"))
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


# ---------------------------------------------------------------- labels

TOKENS_NETWORK = Network(
    (5,), (Embedding(6, 4), Rnn(7, return_sequences=True), Dense(40, "softmax"))
)


def tokens(samples: int, ignored: float) -> Data:
    """Random sequences of five tokens, with labels of 40 classes; a share of them is -1."""
    rng = np.random.default_rng(0)
    inputs = rng.integers(6, size=(samples, 5)).astype(float)
    labels = rng.integers(40, size=inputs.shape)
    labels[rng.random(labels.shape) < ignored] = -1
    return split(inputs, labels, 0.25, rng=rng)


def with_rows(data: Data) -> Data:
    """The same data with rows of 0 and 1 for its labels."""
    rows = (
        (labels[..., None] == np.arange(40)).astype(float)
        for labels in (data.train_targets, data.validation_targets)
        if labels is not None
    )
    return replace(data, **dict(zip(("train_targets", "validation_targets"), rows, strict=True)))


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("ignored", [0.0, 0.3])
def test_labels_train_as_rows_of_zeros_and_ones_do_bit_for_bit(
    ignored: float, smoothing: float, batch_size: int | None
) -> None:
    labels = tokens(40, ignored)
    loss = CrossEntropy(smoothing, -1 if ignored else None)
    training = Training(loss, Adam(0.02), epochs=3, batch_size=batch_size, dtype="float32")
    alone = [Run(TOKENS_NETWORK, training, data) for data in (labels, with_rows(labels))]
    blocks = [finish(run) for run in alone]
    weights = [run.weights() for run in alone]
    for name, column in blocks[0].columns.items():
        np.testing.assert_array_equal(column, blocks[1].columns[name])
    for name, array in weights[0].items():
        np.testing.assert_array_equal(array, weights[1][name])

    trainings = [replace(training, seed=seed) for seed in (0, 1)]
    together = [Sweep(TOKENS_NETWORK, trainings, data) for data in (labels, with_rows(labels))]
    for sweep in together:
        for _ in sweep:
            pass
    for name, array in together[0].weights(1).items():
        np.testing.assert_array_equal(array, together[1].weights(1)[name])


def test_labels_take_no_memory_for_each_class() -> None:
    training = Training("cross_entropy", Sgd(0.1), epochs=1, batch_size=8, dtype="float32")
    labels = tokens(2_000, 0.0)
    rows = with_rows(labels)
    peaks = []
    for data in (labels, rows):
        tracemalloc.start()
        run = Run(TOKENS_NETWORK, training, data)
        finish(run)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # A run keeps rows once more, in float32; the caller's rows are not counted.
    assert peaks[0] < peaks[1] - rows.train_targets.astype("float32").nbytes / 2


# ---------------------------------------------------------------- what is learned


def test_first_losses_are_those_of_an_even_guess() -> None:
    two = Training("binary_cross_entropy", Sgd(1e-6), epochs=1)
    network = Network((2,), (Dense(1, "sigmoid", initializer="zeros"),))
    block = finish(Run(network, two, XOR))
    assert block.columns["train_loss"][0] == pytest.approx(math.log(2.0))
    ten = Training("cross_entropy", Sgd(1e-6), epochs=1)
    network = Network((2,), (Dense(10, "softmax", initializer="zeros"),))
    targets = np.eye(10)[[1, 2, 3, 4]]
    block = finish(Run(network, ten, Data(XOR.train_inputs, targets)))
    assert block.columns["train_loss"][0] == pytest.approx(math.log(10.0))


@pytest.mark.parametrize(
    ("units", "activation", "least", "most"),
    [
        (4, "sigmoid", 0.95, 1.0),
        (4, "tanh", 0.95, 1.0),
        (4, "relu", 0.4, 0.85),
        (2, "relu", 0, 0.45),
    ],
)
def test_the_share_of_seeds_that_solve_exclusive_or(
    units: int, activation: str, least: float, most: float
) -> None:
    network = Network((2,), (Dense(units, activation), Dense(1, "sigmoid")))
    seeds = 30
    solved = 0
    for seed in range(seeds):
        training = Training("binary_cross_entropy", Adam(0.05), 1_000, seed=seed, gradients_every=0)
        run = Run(network, training, XOR)
        for _ in run:
            pass
        answers = predict(network, run.weights(), XOR.train_inputs) > 0.5
        solved += bool((answers == (XOR.train_targets > 0.5)).all())
    assert least <= solved / seeds <= most


def test_a_network_learns_digits() -> None:
    # Ten glyphs of 8×8 random pixels, each sample one of them under noise.
    rng = np.random.default_rng(0)
    glyphs = rng.random((10, 64)) < 0.4
    labels = rng.integers(10, size=600)
    inputs = glyphs[labels] + rng.normal(0.0, 0.5, (600, 64))
    targets = np.eye(10)[labels]
    data = Data(inputs[:500], targets[:500], inputs[500:], targets[500:])
    network = Network((64,), (Dense(32, "relu"), Dropout(0.1), Dense(10, "softmax")))
    training = Training("cross_entropy", Adam(0.003), epochs=15, batch_size=32)
    columns = finish(Run(network, training, data)).columns
    assert columns["train_loss"][0] > 1.0
    assert columns["validation_loss"][-1] < 0.15
    assert columns["validation_accuracy"][-1] > 0.97


# ---------------------------------------------------------------- looking at a run


def test_every_epoch_is_handed_out_once_and_in_order() -> None:
    run = Run(XOR_NETWORK, Training("binary_cross_entropy", Sgd(0.5), epochs=300), XOR)
    assert run.epoch == 0
    assert list(run) == list(range(1, 301))
    assert run.outcome is not None
    assert run.outcome.stop_reason == "completed"
    assert list(run) == []


def test_a_loop_goes_on_where_another_one_left() -> None:
    run = Run(XOR_NETWORK, Training("binary_cross_entropy", Sgd(0.5), epochs=10), XOR)
    for epoch in run:
        if epoch == 4:
            break
    assert run.epoch == 4
    assert run.outcome is None
    assert list(run) == [5, 6, 7, 8, 9, 10]


def test_blocks_are_whole_disjoint_and_not_longer_than_1024() -> None:
    run = Run(XOR_NETWORK, Training("binary_cross_entropy", Sgd(0.5), epochs=2_500), XOR)
    assert run.take() == []
    taken = []
    for epoch in run:
        if epoch in (1, 100):
            taken += run.take()
            assert run.take() == []
    taken += run.take()
    assert [(block.first_epoch, block.last_epoch) for block in taken] == [
        (1, 1),
        (2, 100),
        (101, 1124),
        (1125, 2148),
        (2149, 2500),
    ]
    for block in taken:
        assert block.gradients is not None
        assert block.gradients.epochs.tolist() == list(
            range(block.first_epoch, block.last_epoch + 1)
        )


def test_weights_are_those_of_the_epoch_that_was_handed_out() -> None:
    training = Training("binary_cross_entropy", Sgd(0.5), epochs=20)
    run = Run(XOR_NETWORK, training, XOR)
    seen = {0: run.weights()} | {epoch: run.weights() for epoch in run}
    for epoch in (1, 7, 20):
        shorter = Run(XOR_NETWORK, replace(training, epochs=epoch), XOR)
        finish(shorter)
        for name, values in shorter.weights().items():
            assert values.tobytes() == seen[epoch][name].tobytes()
    assert seen[0]["dense_1.weight"].shape == (2, 4)
    assert seen[0]["dense_1.bias"].shape == (4,)


def test_weights_are_copies() -> None:
    run = Run(XOR_NETWORK, Training("binary_cross_entropy", Sgd(0.5), epochs=2), XOR)
    next(iter(run))
    run.weights()["dense_1.weight"].fill(7.0)
    assert not (run.weights()["dense_1.weight"] == 7.0).any()


def test_columns_without_a_meaning_are_absent() -> None:
    network = Network((2,), (Dense(3, "tanh"), Dense(1)))
    block = finish(Run(network, Training("mse", Sgd(0.1), epochs=2), XOR))
    assert set(block.columns) == {"train_loss", "learning_rate", "gradient_norm"}
    block = finish(Run(CLASSES_NETWORK, replace(BASIC, epochs=1), classes(10, validation=5)))
    assert set(block.columns) == {
        "train_loss",
        "validation_loss",
        "train_accuracy",
        "validation_accuracy",
        "learning_rate",
        "gradient_norm",
    }
    assert all(column.dtype == np.float64 for column in block.columns.values())


def test_validation_is_without_dropout_and_changes_nothing() -> None:
    network = Network((2,), (Dense(8, "tanh"), Dropout(0.5), Dense(3, "softmax")))
    training = replace(BASIC, epochs=5, dtype="float32")
    both = classes(40, validation=2_500)
    run = Run(network, training, both)
    validated = finish(run).columns
    alone = finish(Run(network, training, Data(both.train_inputs, both.train_targets))).columns
    assert validated["train_loss"].tobytes() == alone["train_loss"].tobytes()
    assert both.validation_inputs is not None
    assert both.validation_targets is not None
    p = predict(network, run.weights(), both.validation_inputs)
    loss = -np.log((p * both.validation_targets).sum(1)).mean()
    assert validated["validation_loss"][-1] == pytest.approx(loss, rel=1e-5)


def test_runs_of_equal_networks_in_turns_do_not_touch_each_other() -> None:
    network = Network((2,), (Dense(5, "tanh"), Dropout(0.3), Dense(3, "softmax")))
    data = classes(40, validation=10)

    def run(seed: int) -> Run:
        return Run(network, Training("cross_entropy", Adam(), 6, 8, seed=seed), data)

    alone = [finish(run(seed)).columns["train_loss"] for seed in (1, 2)]
    first, second = run(1), run(2)
    for _ in zip(first, second, strict=True):
        pass
    in_turns = [join(r.take()).columns["train_loss"] for r in (first, second)]
    for expected, actual in zip(alone, in_turns, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_the_random_streams_are_independent() -> None:
    plain = Network((2,), (Dense(8, "tanh"), Dense(3, "softmax")))
    dropped = Network((2,), (Dense(8, "tanh"), Dropout(0.5), Dense(3, "softmax")))
    first = {
        name: [
            values.tobytes()
            for values in Run(n, replace(BASIC, seed=seed), classes(30)).weights().values()
        ]
        for name, n, seed in (("plain", plain, 1), ("dropped", dropped, 1), ("other", plain, 2))
    }
    assert first["plain"] == first["dropped"] != first["other"]


def test_a_long_epoch_pulses_and_a_short_one_does_not() -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(30_000, 100)), rng.normal(size=(30_000, 1))
    network = Network((100,), (Dense(200, "relu"), Dense(1)))
    # 20,200 weights · 30,000 samples · 3 passes · 2 operations = 3.6 GFLOP, some 70 ms.
    run = Run(network, Training("mse", Sgd(1e-3), epochs=2, batch_size=100), Data(inputs, targets))
    before = run.weights()
    seen = []
    for epoch in run:
        seen.append((epoch, run.at_boundary))
        if not run.at_boundary:
            with pytest.raises(RuntimeError, match="middle of an epoch"):
                run.state()
            assert run.take() == [] or epoch == 1
        if epoch == 0:
            assert all((run.weights()[name] == before[name]).all() for name in before)
    pulses = seen.index((1, True))
    assert 1 <= pulses <= 10
    assert seen == [(0, False)] * pulses + [(1, True)] + [(1, False)] * pulses + [(2, True)]
    short = Run(XOR_NETWORK, Training("binary_cross_entropy", Sgd(0.5), epochs=300), XOR)
    assert all(short.at_boundary for _ in short)


def test_a_run_yields_its_arrays_after_some_steps_and_computes_the_same_bits() -> None:
    network = Network((2,), (Dense(8, "tanh"), Dense(3, "softmax")))
    training = Training("cross_entropy", Adam(), 2, 1, seed=3)
    run = Run(network, training, classes(50), steps_at_once=10)
    steps = []
    for epoch in run:
        if epoch == 0 and not run.at_boundary:
            steps.append(run.step)
            arrays = run.arrays_within()
            assert arrays["moments"].any()
            assert (arrays["dense_1.weight"] != run.weights()["dense_1.weight"]).any()
    assert steps == [10, 20, 30, 40]
    whole = Run(network, training, classes(50))
    assert whole.at_boundary
    assert all(whole.at_boundary for _ in whole)
    for name, array in whole.weights().items():
        np.testing.assert_array_equal(run.weights()[name], array)


def test_the_handling_of_floating_point_errors_outside_the_run_is_left_alone() -> None:
    training = Training("binary_cross_entropy", Sgd(1e6), epochs=30)
    with np.errstate(all="raise"):
        before = np.geterr()
        for _ in Run(XOR_NETWORK, training, XOR):
            assert np.geterr() == before


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_inputs": np.zeros((4, 3))}, r"train_inputs need the shape \(4, 2\)"),
        ({"train_targets": np.zeros(4)}, r"train_targets need the shape \(4, 1\), not \(4,\)"),
        ({"train_inputs": np.full((4, 2), np.nan)}, "train_inputs must be finite"),
        ({"train_inputs": np.full((4, 2), 1e39)}, "must be finite float32 numbers"),
        (
            {"train_inputs": np.zeros((0, 2)), "train_targets": np.zeros((0, 1))},
            "there are no train samples",
        ),
        (
            {"validation_inputs": np.zeros((1, 2)), "validation_targets": np.zeros((1, 2))},
            "validation_targets need the shape",
        ),
    ],
)
def test_data_that_do_not_fit_are_refused(changes: dict[str, Array], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Run(XOR_NETWORK, Training("binary_cross_entropy", Sgd(0.5), 1), replace(XOR, **changes))


@pytest.mark.parametrize(
    ("loss", "needed"), [("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax")]
)
def test_a_loss_without_its_output_is_refused(loss: str, needed: str) -> None:
    for last in (Dense(1), Dropout(0.1)):
        network = Network((2,), (Dense(1, "tanh"), last))
        with pytest.raises(ValueError, match=f"{loss} needs a network that ends in a {needed}"):
            Run(network, Training(loss, Sgd(0.5), 1), XOR)


@pytest.mark.parametrize("metric", ["validation_loss", "train_accuracy"])
def test_a_target_that_is_not_measured_is_refused(metric: str) -> None:
    network = Network((2,), (Dense(1),))
    with pytest.raises(ValueError, match=metric):
        Run(network, Training("mse", Sgd(0.5), 1, target=Target(metric, 0.1)), XOR)


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "surprise"},
        {"l1": -1.0},
        {"optimizer": Perceptron()},
        {"epochs": 0},
        {"batch_size": 0},
        {"l2": -1.0},
        {"clip_norm": 0.0},
        {"clip_value": math.nan},
        {"seed": -1},
        {"gradients_every": -1},
        {"dtype": "float16"},
    ],
)
def test_a_training_that_makes_no_sense_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"loss|epoch|batch|l1|l2|clip|seed|gradients|dtype"):
        replace(BASIC, **changes)  # type: ignore[arg-type]
