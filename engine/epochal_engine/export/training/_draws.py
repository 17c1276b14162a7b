"""What a run draws from its random streams: a training program includes what it uses."""

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
