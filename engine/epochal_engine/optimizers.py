"""An optimizer turns a gradient into a step; each one here is one before it plus an idea.

All parameters of a network are one flat vector, and so are its gradient and the step, so that an
update is a handful of NumPy calls however many layers there are:

    Sgd         the step is rate · gradient
    Perceptron  Sgd on the error of outputs that fire or do not
    Momentum    Sgd with memory: the step is rate · velocity
    Nesterov    Momentum that looks one step ahead
    Adagrad     Sgd whose step each parameter measures by all its gradients so far
    RmsProp     Adagrad that forgets: by its usual gradient
    Adam        RmsProp with Momentum
    AdamW       Adam whose weights also shrink by themselves
    Lion        Momentum of which only the signs count
    Muon        Nesterov whose step for a hidden matrix stretches no direction; AdamW for the rest
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from .trace import Array, Call, Shape

BLOCK = 65_536
"""Elements that are worked on at a time: large vectors then pass through the cache only once."""


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent: p ← p - rate · g (Robbins and Monro, 1951)."""

    type: ClassVar[str] = "sgd"
    moments: ClassVar[int] = 0
    """How many vectors the optimizer carries from step to step."""
    learning_rate: float

    def __post_init__(self) -> None:
        _check(self.learning_rate)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """The NumPy calls of one update, which leave the step that they took in `step`.

        `parameter`, `gradient`, `step`: `(size,)`; `moments`: `(self.moments, size)`; `rate`: `()`,
        the learning rate, which may change between calls; `steps`: the steps already taken;
        `shapes`: those of the parameters that lie in the vectors, by name and in order. The vectors
        may hold several networks of these shapes one after the other.
        """
        return [
            (np.multiply, (gradient, rate, step)),
            (np.subtract, (parameter, step, parameter)),
        ]


@dataclass(frozen=True)
class Perceptron:
    """Rosenblatt's rule, w ← w + rate · (y - ŷ) · x: Sgd, one sample at a time, on `perceptron`.

    From zeros any rate gives the same answers, hence the usual one of 1 (Rosenblatt, 1958).
    """

    type: ClassVar[str] = "perceptron"
    moments: ClassVar[int] = 0
    learning_rate: float = 1.0

    def __post_init__(self) -> None:
        _check(self.learning_rate)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`."""
        sgd = Sgd(self.learning_rate)
        return sgd.calls(parameter, gradient, step, moments, rate, steps, shapes)


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with memory: v ← momentum · v + g, p ← p - rate · v (Polyak, 1964).

    As in PyTorch, and unlike Sutskever et al. (2013), the rate is no part of the velocity. The
    default of 0.9 is that of most of the literature.
    """

    type: ClassVar[str] = "momentum"
    moments: ClassVar[int] = 1
    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _check(self.learning_rate, momentum=self.momentum)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`, with the velocity for the gradient."""
        (velocity,) = moments
        sgd = Sgd(self.learning_rate)
        return [
            (np.multiply, (velocity, np.array(self.momentum, velocity.dtype), velocity)),
            (np.add, (velocity, gradient, velocity)),
            *sgd.calls(parameter, velocity, step, moments, rate, steps, shapes),
        ]


@dataclass(frozen=True)
class Nesterov:
    """Momentum that looks ahead: v ← momentum · v + g, p ← p - rate · (momentum · v + g).

    Nesterov (1983), in the form of Sutskever et al. (2013) that PyTorch has: the parameters are
    those that are looked ahead from. The default is that of `Momentum`.
    """

    type: ClassVar[str] = "nesterov"
    moments: ClassVar[int] = 1
    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _check(self.learning_rate, momentum=self.momentum)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`."""
        sgd = Sgd(self.learning_rate)
        return [
            *_look_ahead(gradient, step, moments[0], self.momentum),
            *sgd.calls(parameter, step, step, moments, rate, steps, shapes),
        ]


def _look_ahead(gradient: Array, step: Array, velocity: Array, momentum: float) -> list[Call]:
    """v ← momentum · v + g, and momentum · v + g into `step`."""
    share = np.array(momentum, velocity.dtype)
    return [
        (np.multiply, (velocity, share, velocity)),
        (np.add, (velocity, gradient, velocity)),
        (np.multiply, (velocity, share, step)),
        (np.add, (step, gradient, step)),
    ]


@dataclass(frozen=True)
class Adagrad:
    """Sgd in units of the root of all squared gradients so far (Duchi, Hazan and Singer, 2011).

        v ← v + g²         p ← p - rate · g / (√v + ε)

    Epsilon, its place outside the root and the start at zero are those of PyTorch.
    """

    type: ClassVar[str] = "adagrad"
    moments: ClassVar[int] = 1
    learning_rate: float
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        _check(self.learning_rate)
        _check_epsilon(self.epsilon)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`."""
        epsilon, sgd = np.array(self.epsilon, parameter.dtype), Sgd(self.learning_rate)
        calls: list[Call] = []
        for p, g, s, (v,) in _blocks(parameter, gradient, step, moments):
            calls += [
                (np.square, (g, s)),
                (np.add, (v, s, v)),
                *_in_units(g, v, epsilon, s),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
            ]
        return calls


@dataclass(frozen=True)
class RmsProp:
    """Adagrad that forgets: v ← decay · v + (1 - decay) · g² (Tieleman and Hinton, 2012).

    The defaults, and epsilon's place outside the root, are those of PyTorch.
    """

    type: ClassVar[str] = "rmsprop"
    moments: ClassVar[int] = 1
    learning_rate: float
    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check(self.learning_rate, decay=self.decay)
        _check_epsilon(self.epsilon)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`."""
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        epsilon = np.array(self.epsilon, dtype)
        kept, fresh = np.array(self.decay, dtype), np.array(1.0 - self.decay, dtype)
        calls: list[Call] = []
        for p, g, s, (v,) in _blocks(parameter, gradient, step, moments):
            calls += [
                (np.multiply, (v, kept, v)),
                (np.square, (g, s)),
                (np.multiply, (s, fresh, s)),
                (np.add, (v, s, v)),
                *_in_units(g, v, epsilon, s),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
            ]
        return calls


@dataclass(frozen=True)
class Adam:
    """Momentum in units of each parameter's usual gradient (Kingma and Ba, 2015, algorithm 1).

        m ← β₁·m + (1 - β₁)·g         v ← β₂·v + (1 - β₂)·g²
        p ← p - rate · m̂ / (√v̂ + ε)   where  m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ)

    The moments start at zero and are too small at first; dividing by the correction makes up for
    it. The defaults, epsilon included, are the paper's.
    """

    type: ClassVar[str] = "adam"
    moments: ClassVar[int] = 2
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _check(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
        _check_epsilon(self.epsilon)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`.

        The kept moments are m / (1 - β₁) and v / (1 - β₂), which saves two calls; the constant
        factors, and the corrections, go into the rate and ε instead:

            rate · m̂ / (√v̂ + ε)  =  (rate · scale₁ / scale₂) · m' / (√v' + ε / scale₂)
            scale₁ = (1 - β₁) / (1 - β₁ᵗ)      scale₂ = √((1 - β₂) / (1 - β₂ᵗ))
        """
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        beta_1, beta_2 = np.array(self.beta_1, dtype), np.array(self.beta_2, dtype)
        scaled_rate, scaled_epsilon = np.zeros((), dtype), np.zeros((), dtype)
        calls: list[Call] = [
            (self._correct, (itertools.count(steps + 1), rate, scaled_rate, scaled_epsilon))
        ]
        for p, g, s, (m, v) in _blocks(parameter, gradient, step, moments):
            calls += [
                (np.multiply, (m, beta_1, m)),
                (np.add, (m, g, m)),
                (np.multiply, (v, beta_2, v)),
                (np.square, (g, s)),
                (np.add, (v, s, v)),
                *_in_units(m, v, scaled_epsilon, s),
                *sgd.calls(p, s, s, moments, scaled_rate, steps, shapes),
            ]
        return calls

    def _correct(
        self, clock: Iterator[int], rate: Array, scaled_rate: Array, scaled_epsilon: Array
    ) -> None:
        t = next(clock)
        scale_1 = (1.0 - self.beta_1) / (1.0 - self.beta_1**t)
        scale_2 = math.sqrt((1.0 - self.beta_2) / (1.0 - self.beta_2**t))
        scaled_rate.fill(float(rate) * scale_1 / scale_2)
        scaled_epsilon.fill(self.epsilon / scale_2)


@dataclass(frozen=True)
class AdamW:
    """Adam whose weights also shrink by themselves: p ← p - rate · weight_decay · p before a step.

    Unlike an l2 penalty, the decay is no part of the gradient, and so is not measured by its usual
    size (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019). It is for weights;
    biases and gains keep their size. The default decay is that of PyTorch.
    """

    type: ClassVar[str] = "adamw"
    moments: ClassVar[int] = 2
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        _check(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
        _check_epsilon(self.epsilon)
        _check_weight_decay(self.weight_decay)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`; the decay is part of the step."""
        adam = Adam(self.learning_rate, self.beta_1, self.beta_2, self.epsilon)
        return _decayed(
            weight_mask(shapes) * self.weight_decay,
            parameter,
            step,
            rate,
            adam.calls(parameter, gradient, step, moments, rate, steps, shapes),
        )


@dataclass(frozen=True)
class Lion:
    """The sign of a momentum, as it will be and as it was: every parameter steps by the rate.

        p ← p - rate · (sign(β₁·m + (1 - β₁)·g) + weight_decay · p)         m ← β₂·m + (1 - β₂)·g

    Source, and that of the betas: Chen et al., "Symbolic Discovery of Optimization Algorithms"
    (2023), algorithm 2; its authors' code has no decay by default. They advise a rate 3 to 10 times
    smaller than AdamW's, and a decay as many times larger.
    """

    type: ClassVar[str] = "lion"
    moments: ClassVar[int] = 1
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
        _check_weight_decay(self.weight_decay)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`; the decay is part of the step.

        The kept moment is m / (1 - β₂), which saves a call: of what is put into the sign, only the
        proportion of its two parts counts.
        """
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        share = np.array(self.beta_1 * (1.0 - self.beta_2) / (1.0 - self.beta_1), dtype)
        beta_2 = np.array(self.beta_2, dtype)
        calls: list[Call] = []
        for p, g, s, (m,) in _blocks(parameter, gradient, step, moments):
            calls += [
                (np.multiply, (m, share, s)),
                (np.add, (s, g, s)),
                (np.sign, (s, s)),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
                (np.multiply, (m, beta_2, m)),
                (np.add, (m, g, m)),
            ]
        return _decayed(weight_mask(shapes) * self.weight_decay, parameter, step, rate, calls)


@dataclass(frozen=True)
class Muon:
    """Nesterov for hidden matrices, each step made orthogonal; AdamW for all other parameters.

    A gradient mostly stretches few directions. Orthogonalized, its step moves all of them alike: if
    UΣVᵀ is the momentum, the step is about UVᵀ times √max(1, units / fan_in). Hidden are the
    matrices, and the kernels as matrices `(fan_in, units)`, of all layers that have some but the
    first and the last.

    Source, and that of the defaults: Jordan et al., "Muon: An optimizer for hidden layers in neural
    networks" (2024), and its code.
    """

    type: ClassVar[str] = "muon"
    moments: ClassVar[int] = 2
    learning_rate: float
    momentum: float = 0.95
    weight_decay: float = 0.0
    adam_fraction: float = 0.015
    """The rate of AdamW over that of the hidden matrices: its authors' 3e-4 over 0.02."""
    beta_1: float = 0.9
    beta_2: float = 0.95
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        _check(self.learning_rate, momentum=self.momentum, beta_1=self.beta_1, beta_2=self.beta_2)
        _check_epsilon(self.epsilon)
        _check_weight_decay(self.weight_decay)
        if not 0.0 <= self.adam_fraction < math.inf:
            raise ValueError("adam_fraction must be a finite number that is not negative")

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As for `Sgd`; the decay is part of the step."""
        adam = Adam(self.learning_rate, self.beta_1, self.beta_2, self.epsilon)
        sgd = Sgd(self.learning_rate)
        adam_rate, fraction = np.zeros((), rate.dtype), np.array(self.adam_fraction, rate.dtype)
        stretches = _hidden_and_other(shapes)
        calls: list[Call] = [(np.multiply, (rate, fraction, adam_rate))]
        for first in range(0, parameter.size, stretches[-1][1]):
            for start, end, matrix in stretches:
                part = slice(first + start, first + end)
                p, g, s, own = parameter[part], gradient[part], step[part], moments[:, part]
                if matrix is None:
                    calls += adam.calls(p, g, s, own, adam_rate, steps, shapes)
                else:
                    calls += [
                        *_look_ahead(g, s, own[0], self.momentum),
                        *_orthogonalize(s.reshape(matrix)),
                        *sgd.calls(p, s, s, own, rate, steps, shapes),
                    ]
        decay = weight_mask(shapes) * self.weight_decay
        for start, end, matrix in stretches:
            if matrix is None:
                decay[start:end] *= self.adam_fraction
        return _decayed(decay, parameter, step, rate, calls)


# ---------------------------------------------------------------- what several share


def _blocks(
    parameter: Array, gradient: Array, step: Array, moments: Array
) -> Iterator[tuple[Array, Array, Array, Array]]:
    """The vectors cut into blocks."""
    for start in range(0, parameter.size, BLOCK):
        part = slice(start, start + BLOCK)
        yield parameter[part], gradient[part], step[part], moments[:, part]


def _in_units(numerator: Array, squares: Array, epsilon: Array, out: Array) -> list[Call]:
    """out = numerator / (√squares + ε)."""
    return [
        (np.sqrt, (squares, out)),
        (np.add, (out, epsilon, out)),
        (np.divide, (numerator, out, out)),
    ]


def weight_mask(shapes: Mapping[str, Shape]) -> Array:
    """1 for every element of a weight, which has two axes or more; 0 for biases and gains."""
    return np.concatenate(
        [np.full(math.prod(shape), float(len(shape) > 1)) for shape in shapes.values()]
    )


def _decayed(
    decay: Array, parameter: Array, step: Array, rate: Array, calls: list[Call]
) -> list[Call]:
    """p ← p - rate · decay · p, then the calls; both become part of the step."""
    if not decay.any():
        return calls
    shares = np.resize(decay, parameter.size).astype(parameter.dtype)
    shrinking = np.empty_like(parameter)
    return [
        (np.multiply, (parameter, shares, shrinking)),
        (np.multiply, (shrinking, rate, shrinking)),
        (np.subtract, (parameter, shrinking, parameter)),
        *calls,
        (np.add, (step, shrinking, step)),
    ]


def _hidden_and_other(shapes: Mapping[str, Shape]) -> list[tuple[int, int, Shape | None]]:
    """Where each hidden matrix lies and its shape, and where the others do, None: joined."""
    matrices = [name.partition(".")[0] for name, shape in shapes.items() if len(shape) > 1]
    stretches: list[tuple[int, int, Shape | None]] = []
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape)
        is_outside = name.partition(".")[0] in matrices[:1] + matrices[-1:]
        # Vectors that stand for places are looked up, not multiplied with.
        if len(shape) > 1 and not is_outside and not name.endswith(".position"):
            stretches.append((start, end, (math.prod(shape[:-1]), shape[-1])))
        elif stretches and stretches[-1][2] is None:
            stretches[-1] = (stretches[-1][0], end, None)
        else:
            stretches.append((start, end, None))
    return stretches


NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the polynomial a·x + b·x³ + c·x⁵ that drives singular values toward 1: those of
Jordan et al., steepest at 0. Five rounds leave them between about 0.7 and 1.2."""
NEWTON_SCHULZ_ROUNDS = 5


def _orthogonalize(matrix: Array) -> list[Call]:
    """Set the singular values of a matrix `(fan_in, units)` to about √max(1, units / fan_in)."""
    fan_in, units = matrix.shape
    source = matrix if fan_in <= units else matrix.T
    low, high = source.shape
    x, moved = np.empty((2, low, high), matrix.dtype)
    gram, polynomial = np.empty((2, low, low), matrix.dtype)
    a, b, c, scale = (
        np.array(value, matrix.dtype)
        for value in (*NEWTON_SCHULZ, math.sqrt(max(1.0, units / fan_in)))
    )
    one_round: list[Call] = [
        # x ← a·x + (b·G + c·G²)·x  with  G = x·xᵀ
        (np.matmul, (x, x.T, gram)),
        (np.matmul, (gram, gram, polynomial)),
        (np.multiply, (polynomial, c, polynomial)),
        (np.multiply, (gram, b, gram)),
        (np.add, (polynomial, gram, polynomial)),
        (np.matmul, (polynomial, x, moved)),
        (np.multiply, (x, a, x)),
        (np.add, (x, moved, x)),
    ]
    return [
        (_normalize, (source, x)),
        *one_round * NEWTON_SCHULZ_ROUNDS,
        (np.multiply, (x, scale, source)),
    ]


def _normalize(matrix: Array, out: Array) -> None:
    # With this norm no singular value is above 1; the 1e-7 is that of the authors' code.
    np.divide(matrix, np.linalg.norm(matrix) + 1e-7, out=out)


def _check(learning_rate: float, **decays: float) -> None:
    if not 0.0 <= learning_rate < math.inf:
        raise ValueError("learning_rate must be a finite number that is not negative")
    for name, decay in decays.items():
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"{name} must be at least 0 and less than 1")


def _check_epsilon(epsilon: float) -> None:
    if not epsilon > 0.0:
        raise ValueError("epsilon must be positive")


def _check_weight_decay(weight_decay: float) -> None:
    if not 0.0 <= weight_decay < math.inf:
        raise ValueError("weight_decay must be a finite number that is not negative")


Optimizer: TypeAlias = (
    Sgd | Perceptron | Momentum | Nesterov | Adagrad | RmsProp | Adam | AdamW | Lion | Muon
)
OPTIMIZERS: dict[str, type[Optimizer]] = {
    o.type: o
    for o in (Sgd, Perceptron, Momentum, Nesterov, Adagrad, RmsProp, Adam, AdamW, Lion, Muon)
}
"""All optimizers by the name that the API knows."""
