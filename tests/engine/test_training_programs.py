"""A training program repeats what the engine computed, in other code."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from tests.engine.random_trainings import random_case
from tests.engine.recordings import CASES, Case, DType, record, training_program
from tests.selection import one_in

from epochal_engine import (
    AUGMENTATIONS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    STATISTICS,
    Network,
    Training,
    find_loss,
)
from epochal_engine.export.training import (
    NoProgram,
    Recording,
    training_numpy,
    training_pytorch,
)
from epochal_engine.export.training import program as writer
from epochal_engine.model.layers import Layer, Residual
from epochal_service.datasets import load

XOR = CASES["l2"]
RNG = np.random.default_rng(24)


def layer_types(layers: tuple[Layer, ...]) -> set[str]:
    inner = [layer_types(layer.layers) for layer in layers if isinstance(layer, Residual)]
    return {layer.type for layer in layers}.union(*inner)


def test_the_trainings_of_these_tests_use_everything() -> None:
    cases = CASES.values()
    assert set().union(*(layer_types(c.network.layers) for c in cases)) == set(LAYERS)
    assert {find_loss(c.training.loss).type for c in cases} == {
        name for name, loss in LOSSES.items() if loss.rows == 1
    }
    assert {c.training.optimizer.type for c in cases} == set(OPTIMIZERS)
    assert {c.training.schedule.type for c in cases} == set(SCHEDULES)
    assert {a.type for c in cases for a in c.training.augmentation} == set(AUGMENTATIONS)


def compare(recording: Recording) -> tuple[list[dict[str, Any]], list[str]]:
    """Run the program in this process. A training that diverges overflows, as in its `main`."""
    table: list[dict[str, Any]]
    with np.errstate(all="ignore"):
        table, noise = training_program(training_numpy(recording))["compare"]()
    return table, noise


def wrong(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in table if row["deviation"] > row["tolerance"]]


@pytest.mark.long
@pytest.mark.parametrize("dtype", get_args(DType))
@pytest.mark.parametrize("name", CASES)
def test_the_programs_compile_and_the_numpy_program_agrees_with_the_engine(
    name: str, dtype: DType
) -> None:
    case = CASES[name]
    if not name.startswith("schedule"):  # which changes the learning rate up to the last epoch
        case = replace(case, training=replace(case.training, epochs=5))
    recording = record(case, dtype)
    table, noise = compare(recording)
    assert not wrong(table)
    for row in table:
        assert row["compared"] == row["total"], row
        if dtype == "float64" and not noise:
            assert row["deviation"] <= 1e-9, row
    rows = {row["name"] for row in table}
    assert recording.gradients is not None
    kinds = ("gradient", "weights")
    layers = {f"{kind} of {name}" for name in recording.gradients.layers for kind in kinds}
    assert set(recording.columns) | layers <= rows
    if dtype == "float32":
        compile(training_pytorch(recording), "training.py", "exec")


def test_a_bias_before_a_batch_norm_has_the_tolerance_of_noise() -> None:
    layers = (LAYERS["dense"](units=6), *CASES["batch_norm"].network.layers[1:])  # type: ignore[call-arg]
    case = replace(CASES["batch_norm"], network=replace(XOR.network, layers=layers))
    table, noise = compare(record(case, "float64"))
    assert noise == ["dense_1.bias"]
    assert not wrong(table)


def chaotic(epochs: int = 8, batch_size: int = 16) -> Case:
    """Digits, by steps so long that rounding errors grow a thousandfold within a few epochs."""
    layers = (*(LAYERS["dense"](units=64, activation="relu") for _ in range(2)),)  # type: ignore[call-arg]
    output = LAYERS["dense"](units=10, activation="softmax")  # type: ignore[call-arg]
    adam = OPTIMIZERS["adam"](0.03)
    training = Training("cross_entropy", adam, epochs, batch_size=batch_size, seed=1)
    digits = load("digits")
    network = Network((64,), (*layers, output))
    return Case(network, digits.inputs[:500], digits.targets[:500], training)


@pytest.mark.long
def test_a_chaotic_training_is_verified_from_state_to_state() -> None:
    recording = record(chaotic(), "float32")
    table, _ = compare(recording)
    assert not wrong(table)
    assert all(row["compared"] == row["total"] for row in table)
    assert all(row["deviation"] < 3e-2 for row in table), "it drifts away"
    # Without the states, rounding errors decide nearly everything.
    table, _ = compare(replace(recording, states={}))
    assert not wrong(table)
    rows = {row["name"]: row for row in table}
    assert 0 < rows["train_loss"]["compared"] < rows["train_loss"]["total"]
    assert rows["train_loss"]["until"] == rows["train_loss"]["compared"] < 8
    assert rows["weights of dense_1"]["compared"] == 0


ADAM, MOMENTUM, MUON = (OPTIMIZERS[name] for name in ("adam", "momentum", "muon"))
CHANGES: dict[str, dict[int, dict[str, Any]]] = {
    "rate": {3: {"optimizer": ADAM(0.003)}},
    "decay rate": {3: {"optimizer": ADAM(0.01, beta_1=0.5)}},  # type: ignore[call-arg]
    "optimizer and back": {2: {"optimizer": MOMENTUM(0.05)}, 5: {"optimizer": ADAM(0.01)}},
    "batch": {1: {"batch_size": 5}, 4: {"batch_size": 100}},
    "penalties": {3: {"l2": 0.1, "l1": 0.01}, 6: {"l1": 0.0}},
    "clipping": {3: {"clip_norm": 0.1}, 5: {"clip_norm": None, "clip_value": 0.01}},
    "order": {3: {"shuffle": False}, 5: {"shuffle": True}},
    "epochs": {3: {"epochs": 11}, 5: {"schedule": SCHEDULES["cosine"]()}},
    "plateau": {
        2: {"schedule": SCHEDULES["reduce_on_plateau"](0.5, 1)},  # type: ignore[call-arg]
        5: {"batch_size": 5},
        6: {"optimizer": ADAM(0.02)},
        7: {"epochs": 14},
    },
    "all": {
        1: {"optimizer": MUON(0.02), "schedule": SCHEDULES["one_cycle"](), "batch_size": 7},
        4: {"optimizer": ADAM(0.02), "l2": 0.1, "clip_norm": 0.5, "shuffle": False},
        7: {"epochs": 10, "schedule": SCHEDULES["step"](2)},  # type: ignore[call-arg]
    },
}


@pytest.mark.parametrize("name", one_in(3, CHANGES))
def test_the_program_follows_changes(name: str) -> None:
    recording = record(CASES["optimizer adam"], "float64", changes=CHANGES[name])
    # Without states, the program carries the moments and the random streams across by itself.
    for states in (recording.states, {}):
        table, _ = compare(replace(recording, states=states))
        assert not wrong(table)
        for row in table:
            assert row["compared"] == row["total"]
            assert row["deviation"] <= 1e-9


def network(activation: str, rate: float) -> Network:
    layers: Any = LAYERS
    hidden = layers["dense"](units=7, activation=activation), layers["dropout"](rate=rate)
    return Network((5,), (*hidden, layers["dense"](units=3, activation="softmax")))


NETWORKS: dict[int, dict[str, Any]] = {
    3: {"network": network("relu", 0.2)},
    5: {"network": network("relu", 0.6), "l2": 0.1},
}
STEERED = replace(CASES["optimizer adam"], network=network("tanh", 0.2))


def test_the_program_follows_changes_of_the_network() -> None:
    recording = record(STEERED, "float64", changes=NETWORKS)
    for states in (recording.states, {}):
        table, _ = compare(replace(recording, states=states))
        assert not wrong(table)
        assert all(row["compared"] == row["total"] for row in table)
        assert all(row["deviation"] <= 1e-9 for row in table)
    for until, first in ((3, 4), (5, 6)):  # without the change after an epoch
        others = {epoch: net for epoch, net in recording.networks.items() if epoch < until}
        refused = wrong(compare(replace(recording, networks=others, states={}))[0])
        assert min(row["epoch"] for row in refused) == first
    forgery = forged(recording, "validation_loss", lambda loss: 1.01 * loss)
    (row,) = wrong(compare(forgery)[0])
    assert (row["name"], row["epoch"]) == ("validation_loss", 5)
    compile(training_pytorch(recording), "training.py", "exec")


@pytest.mark.parametrize("name", one_in(3, CHANGES))
def test_changes_that_were_not_made_are_refused(name: str) -> None:
    recording = record(CASES["optimizer adam"], "float64", changes=CHANGES[name])
    first = min(CHANGES[name])
    refused = wrong(compare(replace(recording, changes={}, states={}))[0])
    # More epochs alone change nothing, nor does a plateau that is not reached.
    assert min(row["epoch"] for row in refused) == (
        6 if name in ("epochs", "plateau") else first + 1
    )


def test_a_number_after_a_change_that_is_changed_is_refused() -> None:
    recording = record(CASES["optimizer adam"], "float32", changes=CHANGES["all"])
    forgery = forged(recording, "train_loss", lambda loss: 1.01 * loss)
    (row,) = wrong(compare(forgery)[0])
    assert (row["name"], row["epoch"]) == ("train_loss", 5)


def test_a_changed_training_has_a_program_for_pytorch() -> None:
    program = training_pytorch(record(CASES["optimizer adam"], "float32", changes=CHANGES["all"]))
    compile(program, "training.py", "exec")


@pytest.mark.parametrize("z", [-15.3, -7.7, 7.7, 15.3])
def test_the_derivative_of_a_saturated_loss_has_all_digits(z: float) -> None:
    """Computed from the loss, which is rounded as a number near z, it would have fewer."""
    names = training_program(training_numpy(record(fitted(), "float32")))
    logit = names["Traced"](np.array([z], np.float32), names["Tape"]())
    names["backward"](np.logaddexp(logit, np.float32(0.0)), np.ones(1, np.float32))
    exact = 1.0 / (1.0 + np.exp(-np.float64(np.float32(z))))
    assert logit.derivative == pytest.approx([exact], rel=2e-7)


def fitted(seed: int = 1) -> Case:
    """Two classes, learned so well that gradients are differences of rounded numbers."""
    inputs = np.random.default_rng(seed).normal(size=(60, 2))
    targets = (inputs[:, :1] > inputs[:, 1:]).astype(float)
    hidden = LAYERS["dense"](units=32, activation="relu")  # type: ignore[call-arg]
    output = LAYERS["dense"](units=1, activation="sigmoid")  # type: ignore[call-arg]
    adam = OPTIMIZERS["adam"](0.02)
    training = Training("binary_cross_entropy", adam, 120, batch_size=32, seed=seed)
    return Case(Network((2,), (hidden, output)), inputs, targets, training)


NOBODY_CHOSE = [
    *(44, 95),  # logits beyond the largest number of float32
    58,  # a learning rate that takes weights to 0, or to rounding errors
    49,  # moments of gradients that a batch norm over equal inputs leaves
    516,  # rounding errors of a bias before a batch norm
    670,  # the derivative of a saturated selu
    3030,  # one gradient of rounding errors in a state of none
    0,  # gradients of exactly 0 here, and of rounding errors there
    64,  # one batch decides the loss
    97,  # a unit that switches
    135,  # rounding errors beyond every tolerance
    *(121, 146),  # gradients far below the rounding errors of others
    7037,  # a gradient of rounding errors that one run in ten does not have
]
TAKES_LONG = [1, 2, 3, 6, 7, 9, 10, 7073, 8002]
"""In 7073, l1 takes weights to 0 or to a rounding error, in epoch 26; in 8002, steps have the size
of derivatives of gelu far below 0."""


@pytest.mark.parametrize("number", one_in(4, NOBODY_CHOSE))
def test_a_training_that_nobody_chose_is_not_accused(number: int) -> None:
    assert not wrong(compare(record(*random_case(number)))[0])


@pytest.mark.long
@pytest.mark.parametrize("number", TAKES_LONG)
def test_the_beginning_of_one_that_takes_long_is_not_accused(number: int) -> None:
    case, dtype = random_case(number)
    training = replace(case.training, epochs=min(case.training.epochs, 30))
    assert not wrong(compare(record(replace(case, training=training), dtype))[0])


def test_other_rounding_errors_begin_in_the_first_batch() -> None:
    """An epoch of one batch has a loss that no step has changed."""
    training = replace(fitted().training, batch_size=100, epochs=1)
    names = training_program(
        training_numpy(record(replace(fitted(), training=training), "float32"))
    )
    errors = names["rounding_errors"](0, 1.0)
    first, other = (next(names["train"](e))["logits"]["train"] for e in (None, errors))
    assert (first != other).mean() > 0.5
    np.testing.assert_allclose(first, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_training_that_is_fitted_to_rounding_errors_is_not_accused(seed: int) -> None:
    table, _ = compare(record(fitted(seed), "float32"))
    assert not wrong(table)
    assert all(row["compared"] == row["total"] for row in table)


@pytest.mark.parametrize("seed", [41, 58, 93, 127])
def test_terms_that_cancel_in_one_order_only_are_not_accused(seed: int) -> None:
    """The gradient of a bias before a batch norm is a sum of rounding errors, or 0."""
    inputs = np.random.default_rng(seed).normal(size=(20, 3))
    targets = np.tanh(inputs[:, :1] - inputs[:, 1:2])
    hidden = LAYERS["dense"](units=16, activation="relu")  # type: ignore[call-arg]
    layers = (hidden, LAYERS["batch_norm"](), LAYERS["dense"](units=1))  # type: ignore[call-arg]
    training = Training("huber", OPTIMIZERS["adam"](0.03), 2, batch_size=4, seed=seed)
    case = Case(Network((3,), layers), inputs, targets, training)
    assert not wrong(compare(record(case, "float64"))[0])


def test_a_late_loss_that_is_a_difference_of_larger_numbers_is_not_accused() -> None:
    inputs = np.random.default_rng(1201).normal(size=(40, 5))
    targets = (inputs[:, :1] > inputs[:, 1:2]).astype(float)
    hidden = (LAYERS["dense"](units=8, activation="silu"),) * 2  # type: ignore[call-arg]
    training = Training("hinge", OPTIMIZERS["nesterov"](0.05), 7, batch_size=32, seed=201)
    network = Network((5,), (*hidden, LAYERS["dense"](units=1)))  # type: ignore[call-arg]
    case = Case(network, inputs + 2.0 * targets - 1.0, targets, training)
    assert not wrong(compare(record(case, "float32"))[0])


@pytest.mark.parametrize("change", [-1, 1])
def test_a_share_of_zeros_that_is_changed_by_three_numbers_is_refused(change: int) -> None:
    recording = record(fitted(), "float32")
    assert recording.gradients is not None
    statistics = recording.gradients.statistics.copy()
    statistics[:, 0, STATISTICS.index("zero_fraction")] += change * 3 / 96
    gradients = replace(recording.gradients, statistics=statistics)
    (row,) = wrong(compare(replace(recording, gradients=gradients))[0])
    assert (row["name"], row["value"]) == ("gradient of dense_1", "zero_fraction")


def test_a_running_mean_that_is_changed_alone_is_refused() -> None:
    recording = record(CASES["batch_norm"], "float32")
    weights = {name: array.copy() for name, array in recording.checkpoints[8].items()}
    weights["batch_norm_2.mean"][0] += 0.01
    (row,) = wrong(compare(replace(recording, checkpoints={8: weights}))[0])
    assert (row["name"], row["value"]) == ("weights of batch_norm_2", "batch_norm_2.mean")


def within_an_epoch() -> Case:
    """An epoch of 360 steps, in which rounding errors grow a millionfold."""
    digits, case = load("digits"), chaotic(epochs=1, batch_size=4)
    training = replace(case.training, seed=2)
    return replace(case, inputs=digits.inputs, targets=digits.targets, training=training)


@pytest.mark.long
def test_an_epoch_that_is_too_long_is_verified_from_step_to_step() -> None:
    case = within_an_epoch()
    table, _ = compare(record(case, "float32"))
    assert not wrong(table)
    assert min(row["until"] for row in table) == 0
    recording = record(case, "float32", steps_at_once=16)
    table, _ = compare(recording)
    assert not wrong(table)
    assert all(row["compared"] == row["total"] for row in table)
    assert all(row["deviation"] < 1e-2 for row in table)


@pytest.mark.long
def test_a_state_within_an_epoch_that_is_changed_is_refused() -> None:
    recording = record(within_an_epoch(), "float32", steps_at_once=16)
    at = [*recording.states][3]
    arrays = {name: array.copy() for name, array in recording.states[at].arrays.items()}
    arrays["dense_2.weight"][0, 0] += 1.0
    forged_state = replace(recording.states[at], arrays=arrays)
    table, _ = compare(replace(recording, states={**recording.states, at: forged_state}))
    assert {row["name"] for row in wrong(table)} >= {"weights of dense_2"}


def test_a_step_that_vanishes_beside_its_weights_agrees() -> None:
    """The unit of a layer dies in the first steps, and Adam's first moment vanishes."""
    layers = (LAYERS["dense"](units=1, activation="relu"), *XOR.network.layers[-1:])  # type: ignore[call-arg]
    network = Network((5,), layers)
    adam: Any = OPTIMIZERS["adam"]
    training = replace(XOR.training, optimizer=adam(3.0, beta_1=0.3), batch_size=1, l2=0.0)
    training = replace(training, epochs=1)
    case = replace(XOR, network=network, training=training, inputs=np.abs(XOR.inputs))
    recording = record(case, "float32")
    assert recording.gradients is not None
    ratios = recording.gradients.statistics[:, 0, STATISTICS.index("update_ratio")]
    assert 0.0 < ratios[-1] < 1e-18
    assert not wrong(compare(recording)[0])


def test_statistics_that_an_earlier_version_stored_in_float32_agree_to_seven_digits() -> None:
    recording = record(XOR, "float64")
    assert recording.gradients is not None
    statistics = recording.gradients.statistics.astype(np.float32)
    table, _ = compare(
        replace(recording, gradients=replace(recording.gradients, statistics=statistics))
    )
    assert not wrong(table)
    for row in table:
        assert row["tolerance"] < 1e-6


def forged(recording: Recording, what: str, change: Callable[[Any], Any]) -> Recording:
    """The recording with one number changed, in epoch 5."""
    gradients = recording.gradients
    assert gradients is not None
    at: tuple[Any, ...]
    kind, _, name = what.partition(" of ")
    match kind:
        case "weights":
            weights = {n: array.copy() for n, array in recording.checkpoints[8].items()}
            numbers = weights[name]
            at = np.unravel_index(numbers.argmax(), numbers.shape)
            forgery = replace(recording, checkpoints={8: weights})
        case "moment":
            states = {e: replace(s, arrays=dict(s.arrays)) for e, s in recording.states.items()}
            numbers = states[5].arrays["moments"] = states[5].arrays["moments"].copy()
            at = np.unravel_index(np.abs(numbers).argmax(), numbers.shape)
            forgery = replace(recording, states=states)
        case "histogram":
            numbers = gradients.histogram.copy()
            at = (4, 0, int(numbers[4, 0].argmax()))
            forgery = replace(recording, gradients=replace(gradients, histogram=numbers))
        case "statistic":
            numbers, place = gradients.statistics.copy(), STATISTICS.index(name)
            at = (4, 0, place)
            forgery = replace(recording, gradients=replace(gradients, statistics=numbers))
        case _:
            columns = {n: column.copy() for n, column in recording.columns.items()}
            numbers, at = columns[what], (4,)
            forgery = replace(recording, columns=columns)
    numbers[at] = change(numbers[at])
    return forgery


def changed(number: Any, by: float, shift: float) -> Any:
    return number * (1 + by) + shift


FORGED = {
    "train_loss": "train_loss",
    "validation_loss": "validation_loss",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    **{f"statistic of {name}": "gradient of dense_1" for name in STATISTICS[:7]},
    "histogram": "gradient of dense_1",
    "weights of dense_3.weight": "weights of dense_3",
}


@pytest.mark.parametrize("what", one_in(4, FORGED))
def test_a_number_that_is_changed_is_refused(what: str) -> None:
    """In float64 by a hundred-thousandth, in float32 by a tenth."""
    for dtype, more in (("float64", 1e-5), ("float32", 0.1)):
        name = what.removeprefix("statistic of ")
        shift = {"zero_fraction": 0.1, "histogram": 3}.get(name, 0.0)
        change = partial(changed, by=more, shift=shift)
        forgery = forged(record(XOR, dtype), what, change)  # type: ignore[arg-type]
        table, _ = compare(forgery)
        refused = wrong(table)
        assert [row["name"] for row in refused] == [FORGED[what]], dtype
        assert refused[0]["epoch"] == (8 if what.startswith("weights") else 5)


def test_an_accuracy_of_logits_that_are_zero_in_every_run_is_refused() -> None:
    """No rounding error decides between two outputs of a dead layer: the first is the answer."""
    layers: Any = LAYERS
    dead = layers["dense"](units=4, activation="relu")
    network = Network((5,), (dead, layers["dense"](units=3, activation="softmax", use_bias=False)))
    case = replace(CASES["optimizer adam"], network=network)
    recording = record(replace(case, inputs=0.0 * case.inputs), "float32")
    forgery = forged(recording, "validation_accuracy", lambda share: share + 3 / 14)
    (row,) = wrong(compare(forgery)[0])
    assert (row["name"], row["epoch"]) == ("validation_accuracy", 5)


def test_a_share_of_zeros_beside_gradients_of_zero_is_refused() -> None:
    recording = record(CASES["loss perceptron"], "float32")
    gradients = recording.gradients
    assert gradients is not None
    statistics = gradients.statistics.copy()
    statistics[4, 0, :4], statistics[4, 0, 4] = 0.0, 0.75
    changed = replace(recording, gradients=replace(gradients, statistics=statistics))
    assert "zero_fraction" in {row["value"] for row in wrong(compare(changed)[0])}


def test_a_late_step_that_is_changed_is_refused() -> None:
    """It is a millionth of the first, as the learning rate falls."""
    training = replace(XOR.training, schedule=SCHEDULES["exponential"](0.05))  # type: ignore[call-arg]
    recording = record(replace(XOR, training=training), "float32")
    assert recording.gradients is not None
    ratios = recording.gradients.statistics[:, 0, STATISTICS.index("update_ratio")]
    assert ratios[4] < 1e-4 * ratios.max()
    (row,) = wrong(compare(forged(recording, "statistic of update_ratio", lambda x: 1.25 * x))[0])
    assert (row["value"], row["epoch"]) == ("update_ratio", 5)


@pytest.mark.parametrize("what", ["train_accuracy", "validation_accuracy"])
def test_one_sample_more_that_is_right_is_refused(what: str) -> None:
    recording = record(CASES["optimizer adam"], "float32")
    forgery = forged(recording, what, lambda share: share + 1 / 14)
    assert [row["name"] for row in wrong(compare(forgery)[0])] == [what]


@pytest.mark.long
def test_a_histogram_whose_counts_are_moved_is_refused() -> None:
    """Many small numbers are near the edge of some bin; that does not explain this one."""
    recording = record(chaotic(epochs=5), "float32")
    assert recording.gradients is not None
    for move in (0, 1):
        histogram = recording.gradients.histogram.copy()
        counts = histogram[4, 1]
        largest = int(counts.argmax())
        counts[largest + 2] += move * (counts[largest] // 2)
        counts[largest] -= counts[largest] // 2
        gradients = replace(recording.gradients, histogram=histogram)
        (row,) = wrong(compare(replace(recording, gradients=gradients))[0])
        assert (row["name"], row["value"], row["epoch"]) == ("gradient of dense_2", "histogram", 5)


def test_a_histogram_agrees_with_the_share_of_zeros_and_the_largest_size() -> None:
    """These follow from the same numbers, whatever their rounding errors."""
    names = training_program(training_numpy(record(XOR, "float32")))
    edges, agrees = names["EDGES"], names["is_histogram_of"]
    rng = np.random.default_rng(5)
    for case in range(200):
        sizes = np.abs(rng.normal(size=50)) * 10.0 ** rng.integers(-9, 2)
        sizes[: case % 51] = 0.0
        counts = np.bincount(np.digitize(sizes, edges), minlength=len(edges) + 1)
        row = np.zeros(len(names["STATISTICS"]), np.float32)
        row[names["STATISTICS"].index("zero_fraction")] = (sizes == 0.0).mean()
        row[names["STATISTICS"].index("max_abs")] = sizes.max()
        assert agrees(50, counts, row)
        assert not agrees(51, counts, row)
        last = np.flatnonzero(counts)[-1]
        if last == 0:
            continue
        smaller, fewer = counts.copy(), counts.copy()
        smaller[0], smaller[last] = counts[0] + counts[last], 0
        assert not agrees(50, smaller, row)
        if (sizes == 0.0).any():
            fewer[0], fewer[last] = 0, counts[0] + counts[last]
            assert not agrees(50, fewer, row)


@pytest.mark.parametrize("accuracy", [1.25, -0.25])
def test_an_accuracy_that_no_network_has_is_refused(accuracy: float) -> None:
    recording = record(CASES["rule perceptron"], "float64")
    column = recording.columns["train_accuracy"].copy()
    column[-1] = accuracy
    columns = {**recording.columns, "train_accuracy": column}
    (row,) = wrong(compare(replace(recording, columns=columns))[0])
    assert row["name"] == "train_accuracy"


def test_a_moment_that_is_changed_is_refused() -> None:
    """The training never comes to the changed state."""
    recording = record(CASES["optimizer adam"], "float32")
    table, _ = compare(forged(recording, "moment", lambda moment: 1.2 * moment))
    assert {row["epoch"] for row in wrong(table)} <= {5, 6}
    assert any(row["name"].startswith("moments of") for row in wrong(table))


def test_a_contradiction_is_refused() -> None:
    """A value that the service does not get again by itself, however small the difference."""
    recording = replace(record(XOR, "float32"), contradictions=[("train_loss", "", 3)])
    (row,) = wrong(compare(recording)[0])
    assert (row["name"], row["epoch"]) == ("train_loss", 3)


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (lambda recording: recording, 0, "Verified: all within tolerance."),
        (
            lambda recording: forged(recording, "train_loss", lambda loss: 1.1 * loss),
            1,
            "REFUTED: train_loss differs, first in epoch 5.",
        ),
        (lambda recording: replace(recording, omitted=2), 5, "the weights of 2 checkpoints"),
        (
            lambda recording: replace(recording, contradictions=[("best", "", 3)]),
            1,
            "REFUTED: best differs, first in epoch 3.",
        ),
    ],
)
def test_the_exit_code_says_what_was_found(
    change: Callable[[Recording], Recording], code: int, text: str, tmp_path: Path
) -> None:
    program = tmp_path / "training.py"
    program.write_bytes(training_numpy(change(record(XOR, "float32"))))
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert text in done.stdout
    as_json = subprocess.run(
        [sys.executable, str(program), "--json"], capture_output=True, text=True, check=False
    )
    verdict = json.loads(as_json.stdout, parse_constant=pytest.fail)["verdict"]
    assert verdict == {0: "verified", 1: "refuted", 5: "partly_verified"}[code]
    assert as_json.stderr.split() == [str(epoch) for epoch in range(1, 9)]


def test_the_program_imports_nothing_but_numpy_and_the_standard_library() -> None:
    lines = training_numpy(record(XOR, "float32")).decode().splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    standard = [f"import {module}" for module in ("base64", "json", "math", "sys")]
    assert imports == ["from __future__ import annotations", *standard, "import numpy as np"]


def test_a_training_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = record(XOR, "float32")
    monkeypatch.setattr(writer, "LARGEST_ARRAYS", 1_000)
    with pytest.raises(NoProgram, match="the limit of a training program is"):
        training_numpy(recording)
