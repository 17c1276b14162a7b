"""Augmentation changes the training samples, in every epoch again, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from epochal_engine import (
    AUGMENTATIONS,
    Augmentation,
    Data,
    Dense,
    Flip,
    Network,
    Noise,
    Run,
    Sgd,
    Shift,
    Training,
)
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join


def changed(augmentation: Augmentation, sample: Sequence[object], times: int = 2_000) -> Array:
    """Many copies of one sample, each changed by itself."""
    samples = np.repeat(np.array([sample], np.float64), times, axis=0)
    augmentation.change(samples, np.random.default_rng(0))
    return samples


def shares(samples: Array) -> dict[tuple[float, ...], float]:
    """How often each sample comes."""
    actual, counts = np.unique(samples.reshape(len(samples), -1), axis=0, return_counts=True)
    return {
        tuple(row): count / len(samples)
        for row, count in zip(actual.tolist(), counts.tolist(), strict=True)
    }


def test_a_sequence_is_shifted_by_every_distance_alike_and_zeros_move_in() -> None:
    actual = shares(changed(Shift(1), [[1.0], [2.0], [3.0]]))
    assert set(actual) == {(2, 3, 0), (1, 2, 3), (0, 1, 2)}
    assert all(share == pytest.approx(1 / 3, abs=0.04) for share in actual.values())


def test_an_image_is_shifted_along_both_axes_and_its_channels_stay_together() -> None:
    image = [[[1.0, 10.0], [2.0, 20.0]], [[3.0, 30.0], [4.0, 40.0]]]
    samples = changed(Shift(1), image)
    np.testing.assert_array_equal(samples[..., 1], 10.0 * samples[..., 0])
    actual = shares(samples[..., 0])
    assert len(actual) == 9
    assert {(1, 2, 3, 4), (0, 0, 0, 1), (0, 0, 1, 2), (2, 0, 4, 0)} <= set(actual)


def test_a_shift_may_push_a_sample_out_of_sight() -> None:
    actual = shares(changed(Shift(2), [[5.0], [6.0]]))
    assert set(actual) == {(0, 0), (6, 0), (5, 6), (0, 5)}


def test_noise_has_mean_zero_and_the_stated_deviation() -> None:
    noise = changed(Noise(0.3), [1.0, 2.0, 3.0, 4.0, 5.0]) - np.arange(1.0, 6.0)
    assert noise.mean() == pytest.approx(0.0, abs=4 * 0.3 / 100)
    assert noise.std() == pytest.approx(0.3, rel=0.03)


def test_a_flip_mirrors_half_of_the_samples_from_left_to_right() -> None:
    actual = shares(changed(Flip(), [[[1.0], [2.0]], [[3.0], [4.0]]]))
    assert set(actual) == {(1, 2, 3, 4), (2, 1, 4, 3)}
    assert actual[2, 1, 4, 3] == pytest.approx(0.5, abs=0.05)
    assert set(shares(changed(Flip(1.0), [[1.0], [2.0], [3.0]]))) == {(3, 2, 1)}


def test_the_table_knows_every_augmentation_by_its_type() -> None:
    assert all(augmentation.type == name for name, augmentation in AUGMENTATIONS.items())


@pytest.mark.parametrize(
    "wrong", [lambda: Shift(-1), lambda: Noise(-0.1), lambda: Flip(1.5), lambda: Noise(np.inf)]
)
def test_senseless_settings_are_refused(wrong: Callable[[], Augmentation]) -> None:
    with pytest.raises(ValueError, match=r"max_shift|standard_deviation|probability"):
        wrong()


# ---------------------------------------------------------------- in a run

RNG = np.random.default_rng(0)
SAMPLES = Data(RNG.normal(size=(9, 3)), RNG.normal(size=(9, 1)), np.eye(3), np.ones((3, 1)))
NETWORK = Network((3,), (Dense(1),))
TRAINING = Training(
    "mse", Sgd(0.0), epochs=5, augmentation=(Noise(0.1), Noise(0.2)), dtype="float64"
)


@pytest.mark.parametrize("batch_size", [None, 4])
def test_a_run_meets_other_samples_in_every_epoch_and_validates_on_the_same(
    batch_size: int | None,
) -> None:
    run = Run(NETWORK, replace(TRAINING, batch_size=batch_size), SAMPLES)
    weights = run.weights()
    stream = np.random.default_rng(np.random.SeedSequence(0).spawn(4)[3])
    expected = []
    for _ in run:
        samples = SAMPLES.train_inputs + 0.1 * stream.standard_normal((9, 3))
        samples += 0.2 * stream.standard_normal((9, 3))
        errors = samples @ weights["dense_1.weight"] - SAMPLES.train_targets
        expected.append(np.square(errors).mean())
    columns = join(run.take()).columns
    np.testing.assert_allclose(columns["train_loss"], expected)
    assert len(set(columns["validation_loss"].tolist())) == 1


def test_a_sample_without_positions_cannot_be_shifted() -> None:
    training = replace(TRAINING, augmentation=(Shift(1),))
    with pytest.raises(ValueError, match=r"shift needs samples with positions and channels"):
        Run(NETWORK, training, SAMPLES)
