"""The scale of the initial weights decides whether a signal survives many layers.

A sum of `fan_in` products of variance-1 inputs and weights of variance v has the variance fan_in·v.
To keep it near 1, v must be about 1 / fan_in; the initializers differ in the meaning of "about".

The kernel of a convolution, `(*positions, fan_in, units)`, sums over all its positions as well:
they count in both fans (as in PyTorch and Keras).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..symbolic.trace import Array, Shape


@dataclass(frozen=True)
class Initializer:
    """A distribution of initial weights."""

    name: str
    formula: str
    sample: Callable[[Shape, np.random.Generator], Array]

    def __call__(self, shape: Shape, *, rng: np.random.Generator) -> Array:
        """Return weights of `shape` = `(*positions, fan_in, units)`, as float64."""
        return self.sample(shape, rng)


_Spread = Callable[[int, int], float]


def _fans(shape: Shape) -> tuple[int, int]:
    positions = math.prod(shape[:-2])
    return positions * shape[-2], positions * shape[-1]


def _uniform(name: str, formula: str, limit: _Spread) -> Initializer:
    def sample(shape: Shape, rng: np.random.Generator) -> Array:
        reach = limit(*_fans(shape))
        return rng.uniform(-reach, reach, shape)

    return Initializer(name, f"uniform in ±{formula}", sample)


def _normal(name: str, formula: str, deviation: _Spread) -> Initializer:
    def sample(shape: Shape, rng: np.random.Generator) -> Array:
        return rng.normal(0.0, deviation(*_fans(shape)), shape)

    return Initializer(name, f"normal, deviation {formula}", sample)


def _constant(value: float) -> Callable[[Shape, np.random.Generator], Array]:
    return lambda shape, rng: np.full(shape, value)


def _orthogonal(shape: Shape, rng: np.random.Generator) -> Array:
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
    # QR alone prefers some rotations; with r's diagonal positive, none (Mezzadri, 2007).
    q *= np.sign(np.diag(r))
    return (q if rows >= columns else q.T).reshape(shape)


INITIALIZERS: dict[str, Initializer] = {
    initializer.name: initializer
    for initializer in (
        # With these two, all units of a layer compute and learn the same: for teaching only.
        Initializer("zeros", "0", _constant(0.0)),
        Initializer("constant", "0.05", _constant(0.05)),
        # Keras' RandomUniform and RandomNormal.
        _uniform("uniform", "0.05", lambda fan_in, fan_out: 0.05),
        _normal("normal", "0.05", lambda fan_in, fan_out: 0.05),
        # LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998).
        _uniform("lecun_uniform", "√(3 / fan_in)", lambda i, o: math.sqrt(3.0 / i)),
        _normal("lecun_normal", "√(1 / fan_in)", lambda i, o: math.sqrt(1.0 / i)),
        # Glorot and Bengio (2010): a compromise between the forward and the backward pass.
        _uniform(
            "xavier_uniform", "√(6 / (fan_in + fan_out))", lambda i, o: math.sqrt(6 / (i + o))
        ),
        _normal("xavier_normal", "√(2 / (fan_in + fan_out))", lambda i, o: math.sqrt(2 / (i + o))),
        # He, Zhang, Ren and Sun (2015): relu zeroes half of the sums, so twice the variance.
        _uniform("he_uniform", "√(6 / fan_in)", lambda i, o: math.sqrt(6.0 / i)),
        _normal("he_normal", "√(2 / fan_in)", lambda i, o: math.sqrt(2.0 / i)),
        # Saxe, McClelland and Ganguli (2014): a rotation preserves lengths at any depth.
        Initializer("orthogonal", "a random rotation, or as many columns of one", _orthogonal),
    )
}
"""All initializers by name."""
