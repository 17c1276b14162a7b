"""A view of the layers in an epoch: a few statistics, and a histogram of the gradient.

The bins of the histogram are powers of four. The bin of a float32 is then read off its exponent,
without a logarithm, and exactly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from ..model.network import Network
from ..symbolic.trace import Array
from ..walk import recording
from .probe import Probe
from .training import Training

STATISTICS = (
    "norm",
    "mean",
    "std",
    "max_abs",
    "zero_fraction",
    "weight_norm",
    "update_ratio",
    "activation_mean",
    "activation_std",
    "saturated_fraction",
    "dead_fraction",
)
"""For each layer's gradient: Euclidean norm, mean and standard deviation of the elements, largest
size, share of exact zeros; then the norm of the layer's parameters, and the norm of the last step
over it; then statistics of its activations on a few samples, see `Probe.look`."""

_LOWEST_EXPONENT, _HIGHEST_EXPONENT = -33, 7
HISTOGRAM_EDGES: Array = 2.0 ** np.arange(_LOWEST_EXPONENT, _HIGHEST_EXPONENT + 1, 2)
"""The edges of the bins of |gradient|, 2⁻³³ (1.2e-10) to 2⁷ (128) by factors of 4, `(21,)`."""
HISTOGRAM_EDGES.flags.writeable = False
BINS = len(HISTOGRAM_EDGES) + 1
"""Below the first edge, between two each (the lower one included), from the last one on; what is
not a number is counted in the last."""

_FLOAT32_BIAS = 127
_FIRST_BIN = (_LOWEST_EXPONENT + _FLOAT32_BIAS) // 2 - 1
"""The pair of exponents that, with all below it, is the first bin. Each further pair is the next
one; the last bin has all above it, too."""
_WAYS, _MANY = 8, 8_192
"""One count after the other in the same place makes the processor wait. If there are many elements,
neighbors have separate counters, which are added up in the end."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """Snapshots of `m` epochs: the gradient of the last batch, before any clipping."""

    epochs: Array
    """`(m,)` int64."""
    layers: tuple[str, ...]
    """The names of the layers that learn."""
    statistics: Array
    """`(m, layers, len(STATISTICS))`, of the type of the run."""
    histogram: Array
    """`(m, layers, BINS)` uint32: how many elements have their size in the bin."""


def learned_sizes(network: Network) -> dict[str, int]:
    """Return the number of learned parameters of each layer that has some."""
    sizes: dict[str, int] = {}
    for name in network.learned:
        layer = name.partition(".")[0]
        sizes[layer] = sizes.get(layer, 0) + math.prod(network.parameters[name])
    return sizes


class LayerSlices:
    """Where what each layer learns lies in the flat vector; the rest comes after it all."""

    def __init__(self, network: Network) -> None:
        sizes = learned_sizes(network)
        self.layers = tuple(sizes)
        self.sizes = np.array(list(sizes.values()))
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.for_walk = recording.Layers(self.starts, self.sizes)
        self.ways = _WAYS if self.sizes.sum() >= _MANY else 1
        """The number of counters of each bin."""
        way = np.arange(self.sizes.sum(), dtype=np.int32) % self.ways
        owner = np.repeat(np.arange(len(sizes), dtype=np.int32), self.sizes)
        self.counts = (way * len(sizes) + owner) * BINS - _FIRST_BIN
        """For each element, what leads from its pair of exponents to its place in a histogram."""

    def sums(self, vectors: Array) -> Array:
        """The sum over each layer of float64 vectors, `(…, size)` to `(…, layers)`."""
        return np.add.reduceat(self.learned(vectors), self.starts, axis=-1)

    def learned(self, vectors: Array) -> Array:
        """The part of vectors `(…, size)` that is learned."""
        return vectors[..., : len(self.counts)]

    def squares(self, vectors: Array) -> Array:
        """The sum of squares over each layer, as float64, `(…, size)` to `(…, layers)`."""
        sums = recording.squares(self.for_walk, vectors)
        return self.sums(np.square(vectors, dtype=np.float64)) if sums is None else sums


def empty_snapshots(segments: LayerSlices, count: int, dtype: DTypeLike) -> tuple[Array, Array]:
    """Return empty statistics and histograms for the snapshots."""
    shape = (count, len(segments.layers))
    return np.zeros((*shape, len(STATISTICS)), dtype), np.zeros((*shape, BINS), np.uint32)


def snapshot_bytes(network: Network, training: Training) -> int:
    """Return the bytes of the snapshots of an epoch, on average."""
    if training.gradients_every == 0:
        return 0
    of_layer = len(STATISTICS) * np.dtype(training.dtype).itemsize + BINS * 4
    return len(learned_sizes(network)) * of_layer // training.gradients_every


def take_snapshots(
    segments: LayerSlices,
    probe: Probe,
    epochs: Array,
    records: Mapping[str, Array],
    squares: Mapping[str, Array],
) -> Gradients:
    """Snapshots of `epochs` from the records of the gradient, step and parameters, `(m, size)`.

    `squares` of the gradient and of the parameters come from `LayerSlices.squares`.
    """
    gradients, steps = segments.learned(records["gradient"]), records["step"]
    statistics, histogram = empty_snapshots(segments, len(epochs), gradients.dtype)
    sums = squares["gradient"], squares["parameters"]
    if not recording.describe_gradients(
        segments.for_walk, gradients, steps, *sums, statistics, histogram
    ):
        _describe_gradients(segments, gradients, steps, *sums, statistics)
        histogram = _histogram(segments, gradients)
    statistics[..., 7:] = probe.look(records["parameters"])
    return Gradients(epochs, segments.layers, statistics, histogram)


def _describe_gradients(
    segments: LayerSlices,
    gradients: Array,
    steps: Array,
    gradient_squares: Array,
    parameter_squares: Array,
    statistics: Array,
) -> None:
    """Fill the statistics of the gradients, `(m, layers, len(STATISTICS))`."""
    sizes = segments.sizes
    mean = segments.sums(gradients.astype(np.float64)) / sizes
    variance = np.maximum(gradient_squares / sizes - np.square(mean), 0.0)
    weight_norm = np.sqrt(parameter_squares)
    step_norm = np.sqrt(segments.squares(steps))
    zeros = np.add.reduceat(
        (gradients == 0.0).view(np.uint8), segments.starts, axis=1, dtype=np.uint32
    )
    statistics[..., 0] = np.sqrt(gradient_squares)
    statistics[..., 1] = mean
    statistics[..., 2] = np.sqrt(variance)
    statistics[..., 3] = np.maximum.reduceat(np.abs(gradients), segments.starts, axis=1)
    statistics[..., 4] = zeros / sizes
    statistics[..., 5] = weight_norm
    statistics[..., 6] = update_ratio(step_norm, weight_norm)


def update_ratio(step_norm: Array, weight_norm: Array) -> Array:
    """|step| / |weights|; 0 where there is no step, infinite where a step leads from or to zero."""
    return step_norm / np.maximum(weight_norm, np.finfo(np.float64).tiny)


def _histogram(segments: LayerSlices, gradients: Array) -> Array:
    """Return how many elements are in each bin, `(m, layers, BINS)`."""
    m, counters = len(gradients), segments.ways * len(segments.layers) * BINS
    bits = gradients.astype(np.float32).view(np.uint32)
    bits <<= 1  # the sign
    bits >>= 25  # the fraction, and the last bit of the exponent: two exponents share a bin
    np.clip(bits, _FIRST_BIN, _FIRST_BIN + BINS - 1, out=bits)
    index = bits.view(np.int32)
    index += segments.counts
    if m > 1:
        index += (np.arange(m, dtype=np.int32) * counters)[:, None]
    counts = np.bincount(index.ravel(), minlength=m * counters)
    return np.asarray(counts.reshape(m, segments.ways, -1, BINS).sum(1), np.uint32)
