"""Corruption hides a part of each training sample in every epoch, and makes it the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_engine import (
    CORRUPTIONS,
    Adam,
    Corruption,
    CrossEntropy,
    Data,
    Dense,
    Diffuse,
    Embedding,
    Flatten,
    MaskTokens,
    Mse,
    Network,
    Reshape,
    Run,
    Sgd,
    Sweep,
    Training,
    baselines,
    choose_engine,
    nearest_neighbor_accuracy,
    predict,
)
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join

MASK = 9


def masked(row: list[int], share: float, times: int, seed: int = 0) -> tuple[Array, Array]:
    """Copies of one row of tokens, each masked by itself, and their targets."""
    samples = np.repeat(np.array([row], np.float64), times, axis=0)
    targets = np.repeat(np.array([row], np.int32), times, axis=0)
    MaskTokens(MASK, share).change(samples, targets, np.random.default_rng(seed))
    return samples, targets


def chi_square(counts: Array) -> float:
    """Pearson's statistic of counts that should be equal."""
    expected = counts.mean()
    return float(np.square(counts - expected).sum() / expected)


def test_a_masked_position_keeps_its_token_as_target_and_others_have_none() -> None:
    samples, targets = masked([0, 1, 2, 3, 4, 5, 6, 7], 0.25, 500)
    is_masked = samples == MASK
    assert (is_masked.sum(1) == 2).all()
    np.testing.assert_array_equal(targets, np.where(is_masked, np.arange(8), -1))
    np.testing.assert_array_equal(samples, np.where(is_masked, MASK, np.arange(8)))


def test_every_set_of_positions_is_equally_likely() -> None:
    samples, _ = masked([0, 1, 2, 3, 4], 0.4, 20_000)
    sets = [tuple(np.flatnonzero(row).tolist()) for row in samples == MASK]
    counts = np.array([sets.count(pair) for pair in combinations(range(5), 2)])
    assert counts.sum() == 20_000
    # The 99.9 % quantile of chi-square with 9 degrees of freedom.
    assert chi_square(counts) < 27.9


def test_rows_are_masked_independently() -> None:
    samples, _ = masked([0, 1, 2, 3], 0.25, 40_000)
    positions = (samples == MASK).argmax(1).reshape(-1, 2)
    counts = np.bincount(positions @ [4, 1], minlength=16)
    # The 99.9 % quantile of chi-square with 15 degrees of freedom.
    assert chi_square(counts) < 37.7


@pytest.mark.parametrize(
    ("share", "count"), [(0.01, 1), (0.15, 2), (0.5, 6), (0.9, 11), (0.999, 12)]
)
def test_the_share_is_rounded_to_whole_positions_but_at_least_one(share: float, count: int) -> None:
    samples, _ = masked([1] * 12, share, 50)
    assert ((samples == MASK).sum(1) == count).all()


@given(
    st.lists(
        st.lists(st.integers(-1, 10), min_size=6, max_size=6),
        min_size=1,
        max_size=5,
    ),
    st.floats(0.01, 0.99),
    st.integers(0, 1000),
)
def test_only_positions_that_have_a_target_and_no_mask_are_masked(
    rows: list[list[int]], share: float, seed: int
) -> None:
    given_targets = np.array(rows, np.int32)
    given_samples = np.maximum(given_targets, 0).astype(np.float32)
    samples, targets = given_samples.copy(), given_targets.copy()
    MaskTokens(MASK, share).change(samples, targets, np.random.default_rng(seed))
    can_be_masked = (given_targets >= 0) & (given_samples != MASK)
    is_target = targets >= 0
    assert not (is_target & ~can_be_masked).any()
    np.testing.assert_array_equal(targets[is_target], given_targets[is_target])
    np.testing.assert_array_equal(samples, np.where(is_target, MASK, given_samples))
    possible = can_be_masked.sum(1)
    expected = np.minimum(np.maximum(np.rint(share * possible), 1), possible)
    np.testing.assert_array_equal(is_target.sum(1), expected)


@pytest.mark.parametrize(
    "wrong", [lambda: MaskTokens(-1), lambda: MaskTokens(1, 0.0), lambda: MaskTokens(1, 1.0)]
)
def test_senseless_settings_are_refused(wrong: Callable[[], Corruption]) -> None:
    with pytest.raises(ValueError, match=r"token|share"):
        wrong()


def test_the_table_knows_every_corruption_by_its_type() -> None:
    assert all(corruption.type == name for name, corruption in CORRUPTIONS.items())


# ---------------------------------------------------------------- in a run

RNG = np.random.default_rng(0)
TOKENS = RNG.integers(0, 9, (40, 6))
CORRUPTION = MaskTokens(MASK, 0.3)
NETWORK = Network((6,), (Embedding(10, 4), Dense(9, "softmax")))
TRAINING = Training(
    CrossEntropy(ignore_label=-1),
    Adam(0.05),
    epochs=6,
    batch_size=16,
    corruption=CORRUPTION,
    dtype="float64",
)


def data() -> Data:
    validation = CORRUPTION.once(TOKENS[30:].astype(float), TOKENS[30:])
    return Data(TOKENS[:30].astype(float), TOKENS[:30], *validation)


def log_losses(weights: dict[str, Array], samples: Array, targets: Array) -> Array:
    """The loss of each position by the formula, 0 where there is no target."""
    chosen = np.take_along_axis(
        predict(NETWORK, weights, samples), np.maximum(targets, 0)[..., None], -1
    )
    return np.where(targets >= 0, -np.log(chosen[..., 0]), 0.0)


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("engine", ["python", "compiled"])
def test_a_run_masks_other_positions_in_every_epoch(
    batch_size: int | None, engine: str, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(lambda: choose_engine("compiled"))
    choose_engine(engine)  # type: ignore[arg-type]
    run = Run(NETWORK, replace(TRAINING, optimizer=Sgd(0.0), batch_size=batch_size), data())
    weights = run.weights()
    stream = np.random.default_rng(np.random.SeedSequence(0).spawn(4)[3])
    expected = []
    for _ in run:
        samples, targets = TOKENS[:30].astype(float), TOKENS[:30].copy()
        CORRUPTION.change(samples, targets, stream)
        expected.append(log_losses(weights, samples, targets).sum() / (targets >= 0).sum())
    columns = join(run.take()).columns
    np.testing.assert_allclose(columns["train_loss"], expected)
    assert len(set(columns["train_loss"].tolist())) == 6
    assert len(set(columns["validation_loss"].tolist())) == 1


def test_one_draw_is_fixed_for_every_row() -> None:
    samples, targets = CORRUPTION.once(TOKENS.astype(float), TOKENS)
    again, _ = CORRUPTION.once(TOKENS.astype(float), TOKENS)
    np.testing.assert_array_equal(samples, again)
    fewer, targets_of_fewer = CORRUPTION.once(TOKENS[:7].astype(float), TOKENS[:7])
    np.testing.assert_array_equal(samples[:7], fewer)
    np.testing.assert_array_equal(targets[:7], targets_of_fewer)
    assert (samples != TOKENS).any()


MIXING = (Flatten(), Dense(48, "relu"), Reshape((6, 8)))


def test_a_network_learns_what_is_masked_only_with_a_corruption() -> None:
    """Pairs of equal tokens: the masked token's twin stands beside it."""
    tokens = np.repeat(np.random.default_rng(1).integers(0, 9, (400, 3)), 2, axis=1)
    pairs = Network((6,), (Embedding(10, 8), *MIXING, Dense(9, "softmax")))
    training = replace(TRAINING, optimizer=Adam(0.02), epochs=30, dtype="float32")
    validation = MaskTokens(MASK, 0.15).once(tokens[300:].astype(float), tokens[300:])
    given = Data(tokens[:300].astype(float), tokens[:300], *validation)
    accuracies = []
    for corruption in (MaskTokens(MASK, 0.15), None):
        run = Run(pairs, replace(training, corruption=corruption), given)
        for _ in run:
            pass
        accuracies.append(join(run.take()).columns["validation_accuracy"][-1])
    assert accuracies[0] > 0.95
    assert accuracies[1] < 0.8


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)], ids=["one seed", "own seeds"])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_members_of_a_sweep_are_the_runs_alone(
    batch_size: int | None, seeds: tuple[int, int]
) -> None:
    trainings = [
        replace(TRAINING, optimizer=Adam(rate), seed=seed, batch_size=batch_size)
        for rate, seed in zip((0.05, 0.01), seeds, strict=True)
    ]
    sweep = Sweep(NETWORK, trainings, data())
    for _ in sweep:
        pass
    for member, (training, blocks) in enumerate(zip(trainings, sweep.take(), strict=True)):
        run = Run(NETWORK, training, data())
        for _ in run:
            pass
        alone = join(run.take()).columns
        together = join(blocks).columns
        assert alone.keys() == together.keys()
        for name, column in alone.items():
            np.testing.assert_allclose(together[name], column, rtol=1e-9, err_msg=name)
        for name, array in run.weights().items():
            np.testing.assert_allclose(sweep.weights(member)[name], array, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize(
    ("network", "loss", "change", "message"),
    [
        (NETWORK, Mse(), {}, "needs the loss cross_entropy"),
        (NETWORK, CrossEntropy(), {}, "with a label that is ignored"),
        (
            Network((6,), (Dense(9, "softmax"),)),
            CrossEntropy(ignore_label=-1),
            {"train_targets": TOKENS[:30, 0], "validation_targets": TOKENS[30:, 0]},
            "an output for each of them",
        ),
        (
            NETWORK,
            CrossEntropy(ignore_label=-1),
            {"train_sample_weights": np.arange(1.0, 31.0)},
            "cannot be combined with weights",
        ),
        (
            NETWORK,
            CrossEntropy(ignore_label=-1),
            {"train_targets": np.full((30, 6, 9), 1 / 9)},
            "not probabilities",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    network: Network, loss: CrossEntropy, change: dict[str, Array], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Run(network, replace(TRAINING, loss=loss), replace(data(), **change))


def test_the_baselines_of_masked_tokens_are_those_of_the_positions_that_count() -> None:
    """Half of the tokens are masked always: the others decide the share of classes."""
    tokens = np.array([[1, MASK], [2, MASK], [2, MASK], [1, MASK]])
    network = Network((2,), (Embedding(10, 4), Dense(10, "softmax")))
    once = CORRUPTION.once(tokens.astype(float), tokens)
    constant = baselines(network, CrossEntropy(ignore_label=-1), Data(*once)).constant
    assert constant.train == pytest.approx(np.log(2.0))


# ---------------------------------------------------------------- diffusion


def diffused(samples: Array, steps: int, seed: int = 0) -> tuple[Array, Array]:
    """Samples with a column for the time, diffused, and the noise in them."""
    inputs = np.concatenate([samples, np.zeros((len(samples), 1))], axis=1)
    targets = np.zeros_like(samples)
    Diffuse(steps).change(inputs, targets, np.random.default_rng(seed))
    return inputs, targets


def test_a_diffused_sample_has_its_noise_as_target_and_its_time() -> None:
    samples = np.random.default_rng(1).standard_normal((2_000, 3))
    inputs, noise = diffused(samples, 8)
    steps = np.rint(inputs[:, 3] * 8).astype(int)
    # The schedule by the formula of Nichol and Dhariwal.
    start, angles = 0.008 / 1.008 * np.pi / 2, (steps / 8 + 0.008) / 1.008 * np.pi / 2
    signal = np.maximum((np.cos(angles) / np.cos(start)) ** 2, 1e-4)[:, None]
    np.testing.assert_allclose(inputs[:, :3], signal**0.5 * samples + (1 - signal) ** 0.5 * noise)
    # The 99.9 % quantile of chi-square with 7 degrees of freedom.
    assert chi_square(np.bincount(steps, minlength=9)[1:]) < 24.3
    assert np.abs(inputs[:, :3].std(0) - 1).max() < 0.1
    assert np.abs(np.corrcoef(noise.T) - np.eye(3)).max() < 0.1


def test_numbers_behind_the_time_stay_as_they_are() -> None:
    inputs = np.array([[0.5, 0.0, 1.0, 0.0]] * 20)
    Diffuse(5).change(inputs, np.zeros((20, 1)), np.random.default_rng(0))
    assert (inputs[:, 2:] == [1.0, 0.0]).all()
    assert set(np.rint(inputs[:, 1] * 5)) <= {1, 2, 3, 4, 5}


@pytest.mark.parametrize("steps", [2, 7, 50, 1000])
def test_noise_that_is_known_is_removed_completely(steps: int) -> None:
    diffuse, rng = Diffuse(steps), np.random.default_rng(0)
    point = np.array([0.5, -1.0])
    samples = rng.standard_normal((20, 2))
    bounds = np.full(2, -3.0), np.full(2, 3.0)
    for step in range(steps, 0, -1):
        signal = diffuse.signal[step]
        noise = (samples - np.sqrt(signal) * point) / np.sqrt(1 - signal)
        fresh = rng.standard_normal(samples.shape)
        samples = diffuse.denoised(samples, step, noise, bounds, fresh)
    np.testing.assert_allclose(samples, np.tile(point, (20, 1)), atol=1e-9)


def test_gaussian_data_are_generated_by_the_best_prediction_of_their_noise() -> None:
    """For data with mean 0 and deviation s, E[noise | x] is known: x·√(1-ᾱ) / (ᾱ·s² + 1 - ᾱ)."""
    diffuse, rng, deviation = Diffuse(200), np.random.default_rng(0), 0.5
    samples = rng.standard_normal((4_000, 1))
    bounds = np.full(1, -5.0), np.full(1, 5.0)
    for step in range(200, 0, -1):
        signal = diffuse.signal[step]
        noise = samples * np.sqrt(1 - signal) / (signal * deviation**2 + 1 - signal)
        samples = diffuse.denoised(samples, step, noise, bounds, rng.standard_normal((4_000, 1)))
    assert samples.mean() == pytest.approx(0.0, abs=0.04)
    assert samples.std() == pytest.approx(deviation, rel=0.06)


def test_neighbors_tell_sets_apart_only_where_they_differ() -> None:
    near, far = np.array([[0.0], [1.0]]), np.array([[9.0], [10.0]])
    assert nearest_neighbor_accuracy(near, far) == 1.0
    assert nearest_neighbor_accuracy(np.array([[0.0], [9.0]]), np.array([[0.1], [9.1]])) == 0.0
    rng = np.random.default_rng(0)
    alike = nearest_neighbor_accuracy(rng.normal(size=(500, 2)), rng.normal(size=(500, 2)))
    assert alike == pytest.approx(0.5, abs=0.08)
    with pytest.raises(ValueError, match="differ in shape"):
        nearest_neighbor_accuracy(near, far[:1])
