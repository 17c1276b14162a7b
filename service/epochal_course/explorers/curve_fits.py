"""Fit many small networks to one curve at once, by the Levenberg-Marquardt method.

It suits few weights and few points, and takes tens of steps where gradient descent takes tens of
thousands. It needs the Jacobian: the gradient of each point's output with respect to each weight.
The engine differentiates the activation, and all points and fits are evaluated at once. The output
is linear in the output weights, so each step ends with their least-squares fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Activation
from epochal_engine.model import activation_plan
from epochal_engine.symbolic import one_thread, run_calls

Floats = NDArray[np.float64]

INITIAL_DAMPING = 0.03
"""The damping at the start, times samples and divided by hidden units."""
FASTEST_FALL = 0.2
"""The smallest factor of the damping. Nielsen's 1/3 takes more steps here."""
MIN_DECREASE = 0.1
"""The fraction of the tolerance by which a step must decrease the error, or the fit stops."""
OPTIMIZER = (
    "Levenberg-Marquardt (Marquardt, 1963) with the damping of Nielsen (1999), a least-squares fit "
    "of the output weights in each step (Ruhe and Wedin, 1980), and initial weights that spread "
    "the nonlinear regions of the hidden units over the interval (after Nguyen and Widrow, 1990)"
)


@dataclass(frozen=True)
class Fits:
    """The fits of one width, one from each seed."""

    weights: Floats
    """`(seeds, size)`: w, b and v of all hidden units, and c. Weights of missing units are 0."""
    errors: Floats
    """Mean squared errors `(seeds,)`."""
    steps: NDArray[np.int64]
    """How many steps were taken, `(seeds,)`."""

    def split(self, count: int) -> list[Fits]:
        """Return `count` groups of equal size."""
        parts = (np.split(array, count) for array in vars(self).values())
        return [Fits(*group) for group in zip(*parts, strict=True)]

    @property
    def median(self) -> int:
        """The number of the fit with the median error, the lower one of two."""
        return int(np.argsort(self.errors, kind="stable")[(len(self.errors) - 1) // 2])


@dataclass
class Points:
    """The state of each fit at its current weights. One entry of each array per fit."""

    weights: Floats
    """`(fits, size)`."""
    errors: Floats
    """Sums of squared residuals `(fits,)`."""
    products: Floats
    """JᵀJ or JJᵀ, whichever is smaller: `(fits, equations, equations)`."""
    trace: Floats
    """The trace of either, `(fits,)`."""
    right: Floats
    """The right side of the equations, Jᵀr or r, `(fits, equations)`."""
    jacobian: Floats
    """The transposed Jacobian Jᵀ `(fits, size, samples)`; without rows unless it is wide."""

    def select(self, chosen: NDArray[np.bool_]) -> Points:
        """Return the chosen fits."""
        return Points(*(array[chosen] for array in vars(self).values()))

    def restore(self, chosen: NDArray[np.bool_], before: Points) -> None:
        """Put the chosen fits back to where they were before."""
        for k in chosen.nonzero()[0]:
            for array, old in zip(vars(self).values(), vars(before).values(), strict=True):
                array[k] = old[k]


def fit(evaluate: Evaluation, weights: Floats, steps: int, tolerance: float) -> Fits:
    """Fit networks from these weights `(fits, size)`.

    A fit stops when its mean squared error is at most the tolerance, or when a step neither changes
    it nor was predicted to by more than `MIN_DECREASE` of the tolerance (Moré, 1978). A step that
    increases the error is undone. The damping follows Nielsen (1999): it falls if the error
    decreases about as predicted, and grows otherwise. Fits that have stopped leave the arrays.
    """
    samples, count = evaluate.samples, len(weights)
    fits = Fits(np.empty_like(weights), np.empty(count), np.full(count, steps))
    numbers = np.arange(count)
    damping, growth = INITIAL_DAMPING * samples / evaluate.units, np.full(count, 2.0)
    # For systems of up to 64 equations a second thread is more trouble than help.
    with one_thread(), np.errstate(all="ignore"):
        limit = tolerance * samples
        now = evaluate(weights, damping, numbers)
        has_stopped = now.errors <= limit
        for step in range(steps):
            if has_stopped.any():
                left, stopped = ~has_stopped, numbers[has_stopped]
                fits.weights[stopped] = now.weights[has_stopped]
                fits.errors[stopped] = now.errors[has_stopped]
                fits.steps[stopped] = step
                numbers, damping, growth = numbers[left], damping[left], growth[left]
                now = now.select(left)
                if not len(numbers):
                    break
            change, predicted = damped_step(now, damping)
            tried = evaluate(now.weights - change, damping, numbers)
            decrease = now.errors - tried.errors
            has_stopped = np.maximum(predicted, np.abs(decrease)) <= MIN_DECREASE * limit
            is_better = (decrease > 0.0) & (tried.trace < np.inf)
            surplus = 2.0 * decrease / predicted - 1.0
            fall = np.fmax(1.0 - surplus * surplus * surplus, FASTEST_FALL)
            damping = damping * np.where(is_better, fall, growth)
            growth = np.where(is_better, 2.0, 2.0 * growth)
            tried.restore(~is_better, now)
            now = tried
            has_stopped |= now.errors <= limit
            damping = np.minimum(np.maximum(damping, 1e-12), 1e12)
    fits.weights[numbers], fits.errors[numbers] = now.weights, now.errors
    fits.errors[:] /= samples
    return fits


def damped_step(now: Points, damping: Floats) -> tuple[Floats, Floats]:
    """Return the steps `(fits, size)`, and the decreases of the errors that the linear model
    predicts, `(fits,)`.

    With the residuals r, a step is (JᵀJ + damping)⁻¹·Jᵀr, or the same as Jᵀ·(JJᵀ + damping)⁻¹·r.
    """
    solution = _solve(now.products.copy(), now.right, damping)
    shares = damping[:, None] * solution
    if now.jacobian.shape[1]:
        # The shares are the residuals that the linear model leaves.
        return np.matvec(now.jacobian, solution), now.errors - np.vecdot(shares, shares)
    return solution, np.vecdot(solution, now.right + shares)


def _is_wide(jacobian: Floats) -> bool:
    """Whether Jᵀ `(fits, size, samples)` has more weights than samples."""
    return bool(jacobian.shape[1] > jacobian.shape[2])


def _equations(jacobian: Floats, residuals: Floats) -> tuple[Floats, Floats]:
    """Return JᵀJ and Jᵀr for Jᵀ `(fits, size, samples)`, or if it is wide JJᵀ and r."""
    transposed = jacobian.swapaxes(1, 2)
    if _is_wide(jacobian):
        return transposed @ jacobian, residuals
    return jacobian @ transposed, np.matvec(jacobian, residuals)


def _solve(products: Floats, right: Floats, damping: Floats) -> Floats:
    """Return (products + damping)⁻¹·right. Overwrites the products."""
    diagonal = products.reshape(len(products), -1)[:, :: products.shape[1] + 1]
    # At least a fraction of the trace, so that rounding errors do not make the matrix singular.
    diagonal += np.maximum(damping, 1e-14 * diagonal.sum(axis=1))[:, None]
    return np.asarray(np.linalg.solve(products, right[..., None])[..., 0])


class Evaluation:
    """The outputs of networks at all inputs, and their gradients for each weight.

    The output is v·h + c with h = φ(z) and z = w·x + b, so its gradients for w, b, v and c are
    x·δ, δ, h and 1 with δ = v·φ'(z). The engine computes φ and its derivative. Narrower networks
    are padded to the units of the widest; the padding has weights and gradients of 0.
    """

    def __init__(
        self, activation: Activation, inputs: Floats, targets: Floats, exists: NDArray[np.bool_]
    ) -> None:
        """`exists` says which units each network has, `(fits, width)`."""
        count, self._width = exists.shape
        self.samples, self.units = len(inputs), exists.sum(axis=1)
        self._targets, self._exists = targets, exists[..., None].astype(np.float64)
        z, plan = activation_plan(activation, (*exists.shape, len(inputs)), 0, 1)
        self._sums, self._hidden, self._derivatives = (np.empty(z.shape) for _ in range(3))
        self._calls = plan.unbound().bind({z: self._sums}, [self._hidden, self._derivatives])
        self._lines = np.stack([inputs, np.ones_like(inputs)])
        self._inputs = inputs
        # One for the current weights, one for the trial step.
        self._jacobians = [np.ones((count, 3 * self._width + 1, len(inputs))) for _ in "12"]

    def __call__(self, weights: Floats, damping: Floats, numbers: NDArray[np.int64]) -> Points:
        """Evaluate the networks with these numbers and weights `(fits, size)`.

        First, the output weights v and c are fitted with this damping, in place.
        """
        count, width = len(weights), self._width
        w_and_b = weights[:, : 2 * width].reshape(count, 2, width).swapaxes(1, 2)
        np.matmul(w_and_b, self._lines, self._sums[:count])
        run_calls(self._calls)
        self._jacobians.reverse()
        jacobian = self._jacobians[0][:count]
        for_w, for_b = jacobian[:, :width], jacobian[:, width : 2 * width]
        v_and_c, for_v_and_c = weights[:, 2 * width :], jacobian[:, 2 * width :]
        np.multiply(self._hidden[:count], self._exists[numbers], for_v_and_c[:, :-1])
        residuals = np.vecmat(v_and_c, for_v_and_c) - self._targets
        change = _solve(*_equations(for_v_and_c, residuals), damping)
        if _is_wide(for_v_and_c):
            change = np.matvec(for_v_and_c, change)
        v_and_c -= change
        residuals -= np.vecmat(change, for_v_and_c)
        np.multiply(v_and_c[:, :-1, None], self._derivatives[:count], for_b)
        np.multiply(for_b, self._inputs, for_w)
        errors = np.vecdot(residuals, residuals)
        products, right = _equations(jacobian, residuals)
        trace = products.trace(axis1=1, axis2=2)
        rows = jacobian if _is_wide(jacobian) else jacobian[:, :0]
        return Points(weights, errors, products, trace, right, rows)


def initial_weights(units: Floats, widths: Sequence[int]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return weights `(fits, size)`, all seeds of the first width first, and which units exist.

    The units are nonlinear anywhere in the interval, and steeper the more there are. Output weights
    are 0. The factor is 0.4 instead of the 0.7 of Nguyen and Widrow (1990), which gave larger
    errors here.
    """
    widest = max(widths)
    factors, centers = np.tile(units[..., :widest], (1, len(widths), 1))
    counts = np.repeat(widths, units.shape[1])[:, None]
    exists = np.arange(widest) < counts
    w = exists * 0.4 * counts * (factors + 0.5 * np.sign(factors))
    return np.hstack([w, -w * centers, np.zeros((len(w), widest + 1))]), exists
