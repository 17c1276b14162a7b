"""Draws computed again equal the draws of a training program, in every step."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engine.recordings import CASES, Case, Step, record, steps, training_program
from tests.selection import one_in

from epochal_engine import (
    AUGMENTATIONS,
    CORRUPTIONS,
    LAYERS,
    OPTIMIZERS,
    Data,
    Network,
    RandomDraws,
    Training,
)
from epochal_engine.export.training import Recording, training_numpy
from epochal_engine.model.predict import SAMPLES_AT_ONCE
from epochal_engine.symbolic.trace import Array

_DROPOUT = CASES["dropout"]
# Steps of 3 x 5 numbers: half of a number of the generator is left for the next mask.
_DENSE, _OUTPUT = _DROPOUT.network.layers[0], _DROPOUT.network.layers[-1]
_ODD = Case(
    Network((5,), (replace(_DENSE, units=5), LAYERS["dropout"](rate=0.4), _OUTPUT)),  # type: ignore[call-arg]
    _DROPOUT.inputs,
    _DROPOUT.targets,
    replace(_DROPOUT.training, batch_size=3),
)
DRAWING = {
    "odd": _ODD,
    **{
        name: case
        for name, case in CASES.items()
        if case.network.has_noise
        or case.training.augmentation
        or case.training.corruption
        or "shuffling" in name
    },
}


def draws_of(recording: Recording) -> RandomDraws:
    samples = len(recording.data.train_inputs)
    return RandomDraws(recording.network, recording.training, samples)


def drawn(recording: Recording) -> Iterator[Step]:
    """Yield the inputs and the masks of every step of the training program."""
    for epoch in steps(training_program(training_numpy(recording))):
        yield from epoch


def redrawn(recording: Recording) -> Iterator[Step]:
    """Yield the inputs and the masks of every step as they are computed again."""
    draws, training = draws_of(recording), recording.training
    for epoch in range(1, len(recording.columns["train_loss"]) + 1):
        inputs = recording.data.train_inputs.astype(training.dtype)
        changes = draws.changes(epoch)
        if training.corruption is not None:
            *changes, hidden = changes
        for change, values in zip(training.augmentation, changes, strict=True):
            change.apply(inputs, values)
        if training.corruption is not None:
            targets = recording.data.train_targets.copy()
            training.corruption.apply(inputs, targets, hidden)
        order = draws.order(epoch)
        for batch in range(draws.batches):
            masks: dict[str, list[Array]] = {}
            layers = {mask.layer for mask in draws.masks}
            for mask, values in draws.drawn_masks(epoch, batch, layers):
                masks.setdefault(mask.path, []).append(values)
            yield inputs[order[draws.rows(batch)]], masks


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", one_in(3, DRAWING))
def test_every_step_has_the_draws_of_the_training_program(name: str, dtype: Any) -> None:
    recording = record(DRAWING[name], dtype)
    for (inputs, masks), (inputs_again, masks_again) in zip(
        drawn(recording), redrawn(recording), strict=True
    ):
        np.testing.assert_array_equal(inputs, inputs_again)
        assert masks.keys() == masks_again.keys()
        for path, arrays in masks.items():
            for array, again in zip(arrays, masks_again[path], strict=True):
                np.testing.assert_array_equal(array, again)


def test_these_trainings_draw_everything() -> None:
    cases = DRAWING.values()
    assert {change.type for c in cases for change in c.training.augmentation} == set(AUGMENTATIONS)
    hidden = {c.training.corruption.type for c in cases if c.training.corruption is not None}
    assert hidden == set(CORRUPTIONS)
    assert {c.training.shuffle for c in cases} == {True, False}
    assert [mask.size for mask in draws_of(record(_ODD, "float32")).masks] == [5]


def test_masks_are_drawn_by_layer() -> None:
    block = draws_of(record(CASES["tokens, learned"], "float32"))
    assert len(block.masks) > 1
    assert len(block.drawn_masks(7, 0, {"transformer_block_3"})) == len(block.masks)
    assert block.drawn_masks(7, 0, {"embedding_1"}) == []
    dropout = draws_of(record(CASES["dropout"], "float32"))
    [(mask, values)] = dropout.drawn_masks(7, 3, {"dropout_2"})
    assert (mask.path, mask.rate, values.shape) == ("dropout_2", 0.3, (8, 6))


def large(**fields: Any) -> RandomDraws:
    """A training on more samples than are augmented together, in one batch."""
    layers = (LAYERS["dense"](units=1),)  # type: ignore[call-arg]
    training = Training("mse", OPTIMIZERS["sgd"](0.1), 2, **fields)
    return RandomDraws(Network((3,), layers), training, SAMPLES_AT_ONCE + 500)


def test_one_batch_is_not_shuffled() -> None:
    draws = large()
    assert (draws.batches, draws.batch_size) == (1, draws.samples)
    np.testing.assert_array_equal(draws.order(2), np.arange(draws.samples))


def test_samples_are_augmented_in_blocks_by_one_change_after_the_other() -> None:
    noise = AUGMENTATIONS["noise"](standard_deviation=0.1)  # type: ignore[call-arg]
    draws = large(augmentation=(noise, noise))
    inputs = np.zeros((draws.samples, 3))
    network, training = draws.network, draws.training
    recording = Recording(
        name="large",
        network=network,
        training=training,
        data=Data(inputs, inputs[:, :1]),
        initial_weights={"dense_1.weight": np.zeros((3, 1)), "dense_1.bias": np.zeros(1)},
        columns={"train_loss": np.zeros(2)},
        gradients=None,
        checkpoints={},
        states={},
    )
    assert draws.changes_size == 6
    for (taken, _), (again, _) in zip(drawn(recording), redrawn(recording), strict=True):
        np.testing.assert_array_equal(taken, again)
        assert np.unique(again).size == again.size


def test_an_epoch_has_the_same_order_each_time() -> None:
    draws = draws_of(record(CASES["l1"], "float32"))
    orders = [draws.order(epoch) for epoch in (1, 2, 2)]
    assert (np.sort(orders) == np.arange(draws.samples)).all()
    assert (orders[0] != orders[1]).any()
    np.testing.assert_array_equal(orders[1], orders[2])
