"""Pairs of rows: the margin, its gradient, its reference, and runs on pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from epochal_engine import (
    Adam,
    Data,
    Dense,
    Dropout,
    Embedding,
    Engine,
    Flatten,
    GlobalAveragePool,
    LayerNorm,
    Network,
    PositionalEncoding,
    Preference,
    RandomDraws,
    Run,
    Sgd,
    State,
    Sweep,
    Training,
    TransformerBlock,
    baselines,
    choose_engine,
    chosen_engine,
    memory,
    predict,
    work,
)
from epochal_engine.symbolic import Array
from epochal_engine.training.blocks import join

LENGTH, TOKENS = 6, 5
WRITER = Network(
    (LENGTH,),
    (
        Embedding(TOKENS + 1, 8),
        PositionalEncoding(kind="learned"),
        TransformerBlock(2, 16, causal=True),
        LayerNorm(),
        Dense(TOKENS, "softmax"),
    ),
)
SCORER = Network((LENGTH,), (Embedding(TOKENS + 1, 8), GlobalAveragePool(), Dense(1)))


def pairs(count: int, seed: int = 0, prompt: int = 2) -> Data:
    """Return pairs: the chosen row has more tokens 1; the first tokens do not count."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(TOKENS, size=(count, 2, LENGTH))
    tokens[:, :, :prompt] = tokens[:, :1, :prompt]
    tokens[:, 0, -2], tokens[:, 1, -2] = 1, 2
    counts = (tokens == 1).sum(2)
    swapped = counts[:, 1] > counts[:, 0]
    tokens[swapped] = tokens[swapped, ::-1]
    labels = tokens.reshape(2 * count, LENGTH)
    inputs = np.concatenate([np.full((2 * count, 1), TOKENS), labels[:, :-1]], axis=1)
    labels = labels.copy()
    labels[:, :prompt] = -1
    return Data(inputs.astype(np.float64), labels)


def with_validation(count: int) -> Data:
    other = pairs(count // 2, seed=1)
    return replace(
        pairs(count), validation_inputs=other.train_inputs, validation_targets=other.train_targets
    )


def training(epochs: int = 3, *, beta: float = 0.5, **options: Any) -> Training:
    return Training(
        Preference(beta, ignore_label=-1), Adam(3e-3), epochs, 8, dtype="float64", **options
    )


def log_probabilities(weights: dict[str, Array], data: Data) -> Array:
    """Return the log-probability of each row by the network's predictions alone."""
    probabilities = predict(WRITER, weights, data.train_inputs)
    labels = data.train_targets
    chosen = np.take_along_axis(probabilities, np.maximum(labels, 0)[..., None], 2)[..., 0]
    return np.asarray((np.log(chosen) * (labels >= 0)).sum(1))


def margins(weights: dict[str, Array], reference: dict[str, Array], data: Data) -> Array:
    ratio = log_probabilities(weights, data) - log_probabilities(reference, data)
    return np.asarray(ratio[::2] - ratio[1::2])


def finished(run: Run) -> Run:
    for _ in run:
        pass
    return run


def columns(run: Run) -> dict[str, Array]:
    return dict(join(run.take()).columns)


def test_the_loss_is_that_of_the_margin_to_the_initial_weights() -> None:
    data = pairs(8)
    run = Run(WRITER, replace(training(2), batch_size=None, optimizer=Sgd(0.1)), data)
    initial = run.weights()
    steps = iter(run)
    next(steps)
    after = run.weights()
    finished(run)
    losses = columns(run)["train_loss"]
    # The first epoch is recorded before its only step, when both probabilities are equal.
    assert losses[0] == pytest.approx(np.log(2.0), abs=1e-12)
    expected = np.log1p(np.exp(-0.5 * margins(after, initial, data))).mean()
    assert losses[1] == pytest.approx(expected, abs=1e-9)
    assert losses[1] < losses[0]


def test_the_gradient_is_that_of_the_formula() -> None:
    data, rate, beta = pairs(8), 1e-3, 0.5
    settings = replace(training(1), batch_size=None, optimizer=Sgd(rate))
    start = Run(WRITER, settings, data)
    initial = start.weights()
    rng = np.random.default_rng(3)
    moved = {name: array + 0.1 * rng.normal(size=array.shape) for name, array in initial.items()}
    state = start.state()
    arrays = {**state.arrays, **moved}
    arrays |= {f"reference:{name}": array for name, array in initial.items()}
    run = finished(Run(WRITER, settings, data, State(arrays, state.values)))

    def loss(weights: dict[str, Array]) -> float:
        return float(np.log1p(np.exp(-beta * margins(weights, initial, data))).mean())

    direction = {name: rng.normal(size=array.shape) for name, array in moved.items()}
    size = 1e-5
    ahead, behind = (
        loss({name: moved[name] + sign * size * direction[name] for name in moved})
        for sign in (1, -1)
    )
    weights = run.weights()
    gradient = {name: (moved[name] - weights[name]) / rate for name in moved}
    slope = sum(float((gradient[name] * direction[name]).sum()) for name in moved)
    assert slope == pytest.approx((ahead - behind) / (2 * size), rel=1e-5)


def test_chosen_rows_become_more_probable_relative_to_the_initial_weights() -> None:
    data = with_validation(40)
    run = Run(WRITER, training(12), data)
    initial = run.weights()
    rows = columns(finished(run))
    assert rows["train_loss"][-1] < 0.3
    assert rows["train_accuracy"][-1] > 0.85
    assert rows["validation_accuracy"][-1] > 0.75
    assert (margins(run.weights(), initial, data) > 0).mean() > 0.9


def test_a_smaller_beta_moves_the_weights_farther_away() -> None:
    data = pairs(40)

    def distance(beta: float) -> float:
        run = Run(WRITER, training(20, beta=beta), data)
        initial = run.weights()
        return float(np.abs(margins(finished(run).weights(), initial, data)).mean())

    assert distance(0.1) > 1.5 * distance(2.0)


def test_a_network_with_one_output_is_a_reward_model() -> None:
    data = with_validation(60)
    zeros = replace(
        data,
        train_targets=np.zeros((120, 1)),
        validation_targets=np.zeros((60, 1)),
    )
    run = Run(SCORER, replace(training(30), optimizer=Adam(0.03)), zeros)
    rows = columns(finished(run))
    assert rows["train_accuracy"][-1] > 0.85
    assert rows["validation_accuracy"][-1] > 0.8
    scores = predict(SCORER, run.weights(), data.train_inputs)[:, 0]
    assert (scores[::2] > scores[1::2]).mean() == pytest.approx(rows["train_accuracy"][-1], abs=0.1)
    assert not any(name.startswith("reference:") for name in run.state().arrays)


@pytest.mark.parametrize("engine", ["python", "compiled"])
def test_a_run_on_pairs_continues_with_equal_bits(engine: Engine) -> None:
    before = chosen_engine()
    network = Network((LENGTH,), (*WRITER.layers[:2], Dropout(0.2), *WRITER.layers[2:]))
    data = with_validation(21)
    choose_engine(engine)
    try:
        whole = finished(Run(network, training(6), data))
        parts = Run(network, training(6), data)
        for epoch in parts:
            if epoch in (1, 3) and parts.at_boundary:
                parts = Run(network, training(6), data, parts.state())
                break
        parts = Run(network, training(6), data, parts.state())
        finished(parts)
    finally:
        choose_engine(before)
    assert all((whole.weights()[n] == array).all() for n, array in parts.weights().items())


def test_both_engines_give_equal_bits() -> None:
    before = chosen_engine()
    data = with_validation(21)
    results = []
    try:
        for engine in ("python", "compiled"):
            choose_engine(engine)
            run = finished(Run(WRITER, replace(training(4), dtype="float32"), data))
            results.append((run.weights(), columns(run)))
    finally:
        choose_engine(before)
    (weights, rows), (others, other_rows) = results
    assert all((weights[name] == others[name]).all() for name in weights)
    assert all((rows[name] == other_rows[name]).all() for name in rows)


def test_the_names_and_initial_values_of_the_parameters_are_those_of_the_network() -> None:
    run = Run(WRITER, training(), pairs(4))
    plain = Run(WRITER, Training("cross_entropy", Adam(), 1, dtype="float64"), pairs(4, prompt=0))
    assert list(run.weights()) == list(WRITER.parameters)
    assert all((run.weights()[n] == array).all() for n, array in plain.weights().items())


def test_a_layer_may_read_the_input_again_and_have_the_name_of_the_pairs() -> None:
    layers = (
        Embedding(TOKENS + 1, 4, name="pairs"),
        Flatten(),
        Dense(3, "tanh", input=("flatten_2",)),
        Dense(1, input="dense_3"),
    )
    run = Run(
        Network((LENGTH,), layers), training(2), replace(pairs(9), train_targets=np.zeros((18, 1)))
    )
    assert columns(finished(run))["train_loss"].shape == (2,)


def test_a_constant_score_is_the_baseline() -> None:
    run = Run(WRITER, training(), with_validation(10))
    computed = baselines(run.network, run.training.loss, run.data)
    assert computed.constant.train == computed.constant.validation == pytest.approx(np.log(2.0))
    assert computed.linear is None


def test_the_draws_of_an_epoch_keep_pairs_together() -> None:
    network = Network((LENGTH,), (*WRITER.layers[:2], Dropout(0.2), *WRITER.layers[2:]))
    data, settings = pairs(10), replace(training(1), optimizer=Sgd(0.1), batch_size=4)
    draws = RandomDraws(network, settings, 20)
    order = draws.order(1)
    assert (order[::2] % 2 == 0).all()
    assert (order[1::2] == order[::2] + 1).all()
    assert (draws.batch_size, draws.batches) == (8, 3)
    run = finished(Run(network, settings, data))
    # The same rows, in the order of the draws: a run that does not shuffle them ends alike.
    arranged = Data(data.train_inputs[order], data.train_targets[order])
    other = finished(Run(network, replace(settings, shuffle=False), arranged))
    assert all((run.weights()[n] == array).all() for n, array in other.weights().items())
    ((_, values),) = draws.drawn_masks(1, 2, ["dropout_3"])
    assert values.shape == (4, LENGTH, 8)


def test_the_price_is_that_of_pairs() -> None:
    settings = training(1)
    rows = Training("cross_entropy", Adam(), 1, 16)
    assert work(WRITER, settings, 64).flops == work(WRITER, rows, 64).flops
    assert memory(WRITER, settings, 64).total > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train_inputs": np.zeros((3, LENGTH)), "train_targets": np.zeros((3, LENGTH))},
            "odd|3 rows",
        ),
        (
            {"train_inputs": np.zeros((4, LENGTH)), "train_targets": np.zeros((4, LENGTH))},
            "equal rows: 0, 1",
        ),
        ({"train_sample_weights": np.ones(8)}, "no weights"),
    ],
)
def test_bad_pairs_are_refused(changes: dict[str, Array], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Run(WRITER, training(), replace(pairs(4), **changes))


@pytest.mark.parametrize(
    "end", [Dense(2), Dense(TOKENS, "sigmoid"), Dense(TOKENS)], ids=["linear", "sigmoid", "logits"]
)
def test_a_network_without_a_score_is_refused(end: Dense) -> None:
    network = Network((LENGTH,), (*WRITER.layers[:-1], end))
    with pytest.raises(ValueError, match="one output, or one that predicts next tokens"):
        Run(network, training(), pairs(4))


@pytest.mark.parametrize("beta", [0.0, -1.0, 101.0, float("nan")])
def test_beta_out_of_range_is_refused(beta: float) -> None:
    with pytest.raises(ValueError, match="beta"):
        Preference(beta)


def test_a_sweep_is_refused() -> None:
    with pytest.raises(ValueError, match="sweep cannot train with preference"):
        Sweep(WRITER, [training(), training()], pairs(4))
