"""The random draws of a run. A training program includes the functions that it uses."""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import numpy as np


def mask(rng, shape, rate, dtype):
    """Return a mask that is 0 with probability `rate`, else 1 / (1 - rate)."""
    return (rng.random(shape, dtype) >= dtype(rate)) * dtype(1.0 / (1.0 - rate))


def shift(samples, rng, max_shift):
    """Return the samples (n, *positions, channels) shifted at random; zeros fill the gap."""
    for axis in range(1, samples.ndim - 1):
        length = samples.shape[axis]
        distances = rng.integers(-max_shift, max_shift, len(samples), endpoint=True)
        shifted = np.zeros_like(samples)
        for i, distance in enumerate(distances):
            moved = np.moveaxis(shifted[i], axis - 1, 0)
            original = np.moveaxis(samples[i], axis - 1, 0)
            first, end = max(0, distance), min(length, length + distance)
            moved[first:end] = original[first - distance : end - distance]
        samples = shifted
    return samples


def noise(samples, rng, standard_deviation):
    """Return the samples plus Gaussian noise."""
    return samples + rng.standard_normal(samples.shape, samples.dtype) * standard_deviation


def flip(samples, rng, probability):
    """Return the samples, some of them mirrored from left to right."""
    flipped = rng.random(len(samples)) < probability
    flipped = flipped.reshape(-1, *[1] * (samples.ndim - 1))
    return np.where(flipped, np.flip(samples, -2), samples)


def mask_tokens(samples, targets, rng, token, share):
    """Return rows of tokens, some of them masked, and the targets: what is masked; -1 elsewhere."""
    numbers = rng.random(samples.shape)
    masked, expected = samples.copy(), np.full_like(targets, -1)
    for i, row in enumerate(samples):
        positions = np.flatnonzero((targets[i] >= 0) & (row != token))
        count = max(1, round(share * len(positions)))
        for position in positions[np.argsort(numbers[i, positions])[:count]]:
            masked[i, position] = token
            expected[i, position] = targets[i, position]
    return masked, expected


def diffuse(samples, targets, rng, steps):
    """Return samples with noise in their features and its time, and the targets: the noise."""
    n, features = targets.shape
    step = rng.integers(1, steps + 1, n)
    noise = rng.standard_normal((n, features))
    times = np.arange(steps + 1) / steps
    signal = np.cos((times + 0.008) / 1.008 * np.pi / 2) ** 2
    signal = np.clip(signal / signal[0], 1e-4, 1.0)[step][:, None]
    diffused = samples.copy()
    diffused[:, :features] = signal**0.5 * samples[:, :features] + (1 - signal) ** 0.5 * noise
    diffused[:, features] = step / steps
    return diffused, noise.astype(samples.dtype)
