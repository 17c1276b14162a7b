"""What can be seen of the layers in an epoch: a few statistics, and a histogram of the gradient.

The bins of the histogram are powers of four. The bin of a float32 is then read off its exponent,
without a logarithm, and exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .network import Network
from .probe import Probe
from .trace import Array

STATISTICS = (
    "norm",
    "mean",
    "std",
    "largest",
    "zero_share",
    "weight_norm",
    "update_ratio",
    "activation_mean",
    "activation_std",
    "saturated_share",
    "dead_share",
)
"""Of each layer's gradient: Euclidean norm, mean and standard deviation of the elements, largest
size, share of exact zeros; then the norm of the layer's parameters, and that of the last step over
it; then what its activations are on a few samples, see `Probe.look`."""

_LOWEST_EXPONENT, _HIGHEST_EXPONENT = -33, 7
HISTOGRAM_EDGES: Array = 2.0 ** np.arange(_LOWEST_EXPONENT, _HIGHEST_EXPONENT + 1, 2)
"""The edges of the bins of |gradient|, 2⁻³³ (1.2e-10) to 2⁷ (128) by factors of 4, `(21,)`."""
HISTOGRAM_EDGES.flags.writeable = False
BINS = len(HISTOGRAM_EDGES) + 1
"""Below the first edge, between two each (the lower one included), from the last one on; what is
not a number is counted in the last."""

_FLOAT32_BIAS = 127
_EXPONENTS = 128
"""Pairs of exponents that a float32 can have: each has a place of its own as it is counted."""
_SECOND_BIN = (_LOWEST_EXPONENT + _FLOAT32_BIAS) // 2
"""The pair with which the second bin begins; all that lie below are the first."""
_WAYS, _MANY = 8, 8_192
"""One count after the other in the same place makes the processor wait. Of many elements, neighbors
are counted in places of their own, which are added up in the end."""


@dataclass(frozen=True, eq=False)
class Gradients:
    """Snapshots of `m` epochs: the gradient of the last batch, before any clipping."""

    epochs: Array
    """`(m,)` int64."""
    layers: tuple[str, ...]
    """The names of the layers that learn."""
    statistics: Array
    """`(m, layers, len(STATISTICS))` float32."""
    histogram: Array
    """`(m, layers, BINS)` uint32: how many elements have their size in the bin."""


class Segments:
    """Where what each layer learns lies in the flat vector; running arrays come after it all."""

    def __init__(self, network: Network) -> None:
        sizes: dict[str, int] = {}
        for name, shape in network.parameters.items():
            if name in network.running:
                continue
            layer = name.partition(".")[0]
            sizes[layer] = sizes.get(layer, 0) + int(np.prod(shape))
        self.layers = tuple(sizes)
        self.sizes = np.array(list(sizes.values()))
        self.starts = np.cumsum(self.sizes) - self.sizes
        self.ways = _WAYS if self.sizes.sum() >= _MANY else 1
        """In how many places one and the same bin is counted."""
        way = np.arange(self.sizes.sum()) % self.ways
        owner = np.repeat(np.arange(len(sizes)), self.sizes)
        self.counts = (way * len(sizes) + owner) * _EXPONENTS
        """For each element, where its counts begin among those of a histogram."""

    def sums(self, vectors: Array) -> Array:
        """The sum over each layer of float64 vectors, `(m, size)` to `(m, layers)`."""
        return np.add.reduceat(self.learnt(vectors), self.starts, axis=1)

    def learnt(self, vectors: Array) -> Array:
        """The part of vectors `(m, size)` that is learnt."""
        return vectors[:, : len(self.counts)]

    def squares(self, vectors: Array) -> Array:
        """The sum of squares over each layer, as float64, `(m, size)` to `(m, layers)`."""
        return self.sums(np.square(vectors, dtype=np.float64))


def take_snapshots(
    segments: Segments,
    probe: Probe,
    epochs: Array,
    gradients: Array,
    steps: Array,
    parameters: Array,
) -> Gradients:
    """Snapshots of `epochs` from the flat gradients, steps and parameters, each `(m, size)`."""
    gradients = segments.learnt(gradients)
    sizes = segments.sizes
    mean = segments.sums(gradients.astype(np.float64)) / sizes
    squares = segments.squares(gradients)
    weight_norm = np.sqrt(segments.squares(parameters))
    step_norm = np.sqrt(segments.squares(steps))
    # Ones of 4 bytes are added up exactly as long as a layer has no more than 2²⁴ of them.
    zeros = segments.sums((gradients == 0.0).astype(np.float32))
    statistics = np.empty((len(epochs), len(segments.layers), len(STATISTICS)), np.float32)
    statistics[..., 0] = np.sqrt(squares)
    statistics[..., 1] = mean
    statistics[..., 2] = np.sqrt(np.maximum(squares / sizes - np.square(mean), 0.0))
    statistics[..., 3] = np.maximum.reduceat(np.absolute(gradients), segments.starts, axis=1)
    statistics[..., 4] = zeros / sizes
    statistics[..., 5] = weight_norm
    statistics[..., 6] = update_ratio(step_norm, weight_norm)
    statistics[..., 7:] = probe.look(parameters)
    return Gradients(epochs, segments.layers, statistics, _histogram(segments, gradients))


def update_ratio(step_norm: Array, weight_norm: Array) -> Array:
    """|step| / |weights|; 0 where there is no step, infinite where a step leads from or to zero."""
    return step_norm / np.maximum(weight_norm, np.finfo(np.float64).tiny)


def _histogram(segments: Segments, gradients: Array) -> Array:
    m, layers = len(gradients), len(segments.layers)
    bits = gradients.astype(np.float32).view(np.uint32)
    bits <<= 1  # the sign
    bits >>= 25  # the fraction, and the last bit of the exponent: two exponents share a bin
    index = bits.astype(np.intp)
    index += segments.counts
    each = segments.ways * layers * _EXPONENTS
    if m > 1:
        index += (np.arange(m) * each)[:, None]
    counts = np.bincount(index.ravel(), minlength=m * each)
    counts = counts.reshape(m, segments.ways, layers, _EXPONENTS).sum(1)
    last = _SECOND_BIN + BINS - 2
    histogram = np.empty((m, layers, BINS), np.uint32)
    histogram[..., 0] = counts[..., :_SECOND_BIN].sum(-1)
    histogram[..., 1:-1] = counts[..., _SECOND_BIN:last]
    histogram[..., -1] = counts[..., last:].sum(-1)
    return histogram
