"""Baselines of a run's loss: the losses of the simplest predictors on the same data.

    constant   the best constant prediction, fitted to the training part
    linear     a linear model, fitted to the training part
    boosted    gradient-boosted trees, fitted to the training part
    n-grams    of next tokens: how often each followed the 1, 2 or 3 tokens before it
    initial    the network before its first step

All are in the unit in which the run reports its loss, with its weights of samples and classes, and
depend on the data alone: they are the same whenever they are computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from ..data.data import Data
from ..model.layers import Embedding
from ..model.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Floats,
    Huber,
    Loss,
    Mae,
    Mse,
    Preference,
    as_rows,
    find_loss,
    is_floating,
)
from ..model.network import Network
from ..model.predict import forward_passes
from ..model.sample_weights import checked_weights, scaled_weights
from ..symbolic.plan import perform
from ..symbolic.threads import one_thread
from ..symbolic.trace import Array
from ..training.sweep import Sweep
from ..training.training import corrupted_once
from .boosting import boosted_logits
from .ngrams import MAX_POSITIONS, ngram_losses
from .separability import Separability, separability

MAX_FEATURES = 1_024
"""Most inputs of a linear model, and of trees."""
MIN_VALIDATION = 100
"""Validation samples that tell trees from a network, at least. With fewer, chance decides."""
BOOSTED_WORK = 500_000
"""Numbers of each part, inputs and outputs, that trees are fitted to."""
FIT_WORK = 20_000_000
"""Multiplications of one pass over the samples that a linear model is fitted to."""
SQUARE_WORK = 1_000_000_000
"""Multiplications of a fit by least squares."""
EVALUATION_WORK = 1_000_000_000
"""Multiplications of a linear model's predictions for all samples."""
ROWS_PER_FEATURE = 2
"""A linear model is not fitted to a subset with fewer samples per input."""
FORWARD_FLOPS = 4e9
"""Floating-point operations of the forward passes before the first step."""
STEPS = 60
"""Steps of the optimizer of a linear model."""
TINY_RIDGE = 1e-6
ELEMENTS_AT_ONCE = 262_144


@dataclass(frozen=True)
class Losses:
    """The loss on the training part and on the validation part, if there is one."""

    train: float
    validation: float | None = None


@dataclass(frozen=True)
class Baselines:
    """The losses of the simplest predictors, and of boosted trees. `linear` and `boosted` are None
    where no such model is fitted, and `ngrams`, by their n, is empty where the targets are not the
    next tokens. `separability` describes the two classes of the training part; None for other
    targets and where it is not known.
    """

    constant: Losses
    linear: Losses | None = None
    boosted: Losses | None = None
    ngrams: Mapping[int, Losses] = field(default_factory=dict)
    separability: Separability | None = None


def baselines(
    network: Network, loss: str | Loss, data: Data, *, boosted: bool = False
) -> Baselines:
    """Return the losses of the best constant and of a linear model; see `constant_logits`.

    The linear model is fitted to standardized inputs: by least squares for `mse`, with up to 60
    steps of L-BFGS for other losses. Classifiers have the ridge of scikit-learn's default, C = 1;
    `perceptron` is fitted by logistic regression. The cost is bounded: large data are fitted on a
    subset of the samples, drawn with a fixed seed. `linear` is None for token ids, for outputs with
    several positions, for more than 1,024 inputs, and where the subset would be too small for the
    number of inputs.

    With `boosted`, trees are fitted as well, for squared errors and cross-entropies, if there are
    at least 100 validation samples. They take up to about 0.3 seconds.
    """
    loss = find_loss(loss)
    data = _checked(network, loss, data)
    with one_thread(), np.errstate(all="ignore"):
        constant = constant_losses(network, loss, data)
        return Baselines(
            constant,
            _linear(network, loss, data),
            _boosted(network, loss, data) if boosted else None,
            _ngrams(network, loss, data),
            _separability(network, loss, data),
        )


def initial_losses(
    network: Network,
    loss: str | Loss,
    data: Data,
    weights: Mapping[str, Array],
    max_flops: float = FORWARD_FLOPS,
) -> Losses:
    """Return the losses of the network with these weights, without dropout and other noise.

    Where the forward passes of all samples take more than `max_flops` operations, the losses are
    computed on a subset, drawn with a fixed seed.
    """
    loss = find_loss(loss)
    data = _checked(network, loss, data)
    dtype = np.result_type(*weights.values(), "f4")
    parameters = {name: np.ascontiguousarray(weights[name], dtype) for name in network.parameters}
    most = max(1, int(max_flops / max(network.flops, 1)))
    data = _subset(data, most)

    def logits(inputs: Array) -> Floats:
        inputs = np.ascontiguousarray(inputs, dtype)
        results = np.empty(_shape(network, inputs), dtype)
        for calls in forward_passes(network, parameters, inputs, results, loss.logits):
            perform(calls)
        return results.astype(np.float64)

    with one_thread(), np.errstate(all="ignore"):
        return _losses(loss, data, logits, math.prod(network.output_shape))


def initial_member_losses(sweep: Sweep, networks: Sequence[Network]) -> list[Losses]:
    """Return the losses of each member of a sweep that has not started; see `initial_losses`.

    `networks` has one network for each member.
    """
    # Members with the same seed and initializer have the same weights.
    starts = [(t.seed, id(n)) for t, n in zip(sweep.trainings, networks, strict=True)]
    max_flops = FORWARD_FLOPS / len(set(starts))
    losses: dict[tuple[int, int], Losses] = {}
    for index, start in enumerate(starts):
        if start not in losses:
            training, weights = sweep.trainings[index], sweep.weights(index)
            data = corrupted_once(training, sweep.data)
            losses[start] = initial_losses(sweep.network, training.loss, data, weights, max_flops)
    return [losses[start] for start in starts]


def comparable(network: Network, initial: float) -> float | None:
    """Return the loss before the first step; None if it is not comparable with training losses.

    It is not with batch normalization, which uses the statistics of the batch in training.
    """
    return initial if network.changing_size == network.learned_size else None


def constant_losses(network: Network, loss: str | Loss, data: Data) -> Losses:
    """Return the losses of the best constant for the training part; see `constant_logits`."""
    loss = find_loss(loss)
    data = _checked(network, loss, data)
    weights = scaled_weights(data.train_sample_weights, loss.counted(data.train_targets))
    constant = constant_logits(loss, data.train_targets, network.output_shape[-1], weights)
    train = _constant_loss(loss, constant, data.train_targets, weights)
    if data.validation_targets is None:
        return Losses(train)
    weights = scaled_weights(data.validation_sample_weights, loss.counted(data.validation_targets))
    return Losses(train, _constant_loss(loss, constant, data.validation_targets, weights))


def constant_logits(
    loss: Loss, targets: Array, outputs: int, weights: Array | None = None
) -> Floats:
    """Return the logits `(outputs,)` of the constant that has the lowest loss on the targets.

    The mean for `mse`, the median for `mae`, the class shares for cross-entropies, and for
    `preference` the margin 0 of a constant score. For a sequence it is one constant for all
    positions that count. `weights` `(n, …)` are scaled, one for each prediction.
    """
    if isinstance(loss, Preference):
        return np.zeros(outputs)  # Rows of equal scores: which of two is chosen has no order.
    if isinstance(loss, CrossEntropy):
        shares = _class_shares(loss, targets, outputs, weights)
        shares = shares * (1.0 - loss.label_smoothing) + loss.label_smoothing / outputs
        logs: Floats = np.log(np.maximum(shares, 1e-12))
        return logs
    rows = np.asarray(targets, np.float64).reshape(-1, outputs)
    column = 1.0 if weights is None else weights.reshape(-1, 1)
    if isinstance(loss, Mse):
        return np.asarray((column * rows).mean(0))
    if isinstance(loss, Mae):
        return _weighted_median(rows, weights)
    if isinstance(loss, Huber):
        return _zero_of(lambda z: -(column * loss.derivatives(z + 0.0 * rows, rows)).mean(0), rows)
    shares = (column * rows).mean(0)
    if isinstance(loss, BinaryCrossEntropy):
        shares = np.clip(shares, 1e-12, 1.0 - 1e-12)
        return np.asarray(np.log(shares) - np.log1p(-shares))
    # The loss is linear in the target: try logits on a grid. It has one minimum for focal; for
    # hinge and perceptron, the minimum is at ±1.
    grid = np.concatenate([np.linspace(-30.0, 30.0, 60_001), [-1.0, 1.0]])[:, None]
    if_yes, if_no = (loss.values_from_logits(grid, np.full_like(grid, y)) for y in (1.0, 0.0))
    means = shares[:, None] * if_yes + (1.0 - shares[:, None]) * if_no
    return np.asarray(grid[means.argmin(1), 0])


def _weighted_median(rows: Floats, weights: Array | None) -> Floats:
    """Return the median of each column of `(n, outputs)`."""
    if weights is None:
        return np.asarray(np.median(rows, axis=0))
    order = rows.argsort(0)
    below = weights.ravel()[order].cumsum(0)
    middle = (below >= 0.5 * below[-1]).argmax(0)
    median: Floats = np.take_along_axis(rows, np.take_along_axis(order, middle[None], 0), 0)[0]
    return median


def _class_shares(
    loss: CrossEntropy, targets: Array, classes: int, weights: Array | None
) -> Floats:
    if is_floating(targets):
        rows = targets.reshape(-1, classes).astype(np.float64)
        if weights is not None:
            rows *= weights.reshape(-1, 1)
        counted = loss.counted(rows)
        total = len(rows) if counted is None else counted.sum()
        return np.asarray(rows.sum(0) / max(total, 1.0))
    counts = _label_counts(targets, classes, weights)
    return np.asarray(counts / max(counts.sum(), 1))


def _label_counts(labels: Array, classes: int, weights: Array | None) -> Array:
    """Return how many labels of each class there are, or the sum of their weights."""
    counts = labels >= 0
    factors = None if weights is None else weights[counts]
    return np.bincount(labels[counts].ravel(), factors, minlength=classes)


def _zero_of(descent: Callable[[Floats], Floats], rows: Floats) -> Floats:
    """Return where a decreasing function of each output crosses 0, by bisection."""
    low, high = rows.min(0), rows.max(0)
    for _ in range(60):
        middle = (low + high) / 2.0
        rises = descent(middle) > 0.0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    return np.asarray((low + high) / 2.0)


# ---------------------------------------------------------------- linear


def _linear(network: Network, loss: Loss, data: Data) -> Losses | None:
    features, outputs = int(np.prod(network.input_shape)), network.output_shape[-1]
    samples = len(data.train_inputs)
    if (
        _reads_tokens(network)
        or isinstance(loss, Preference)
        or len(network.output_shape) > 1
        or features > MAX_FEATURES
        or samples * features * outputs > EVALUATION_WORK
    ):
        return None
    if isinstance(loss, Mse):
        rows = SQUARE_WORK // features**2
    else:
        rows = FIT_WORK // (features * outputs)
    if rows < min(samples, ROWS_PER_FEATURE * features):
        return None
    fitted = _subset(data, rows)
    inputs = np.asarray(fitted.train_inputs, np.float64).reshape(-1, features)
    targets = as_rows(fitted.train_targets, outputs).astype(np.float64).reshape(-1, outputs)
    weights = scaled_weights(fitted.train_sample_weights, None)
    shift, scale = inputs.mean(0), inputs.std(0)
    scale[scale == 0.0] = 1.0
    x = np.hstack([(inputs - shift) / scale, np.ones((len(inputs), 1))])
    fit = _least_squares if isinstance(loss, Mse) else partial(_minimize, loss)
    coefficients = fit(x, targets, weights)
    if not np.isfinite(coefficients).all():
        return None
    slope = coefficients[:-1] / scale[:, None]
    offset = coefficients[-1] - shift @ slope
    return _losses(
        loss,
        data,
        lambda inputs: np.asarray(inputs, np.float64).reshape(-1, features) @ slope + offset,
        outputs,
    )


def _boosted(network: Network, loss: Loss, data: Data) -> Losses | None:
    features, outputs = int(np.prod(network.input_shape)), network.output_shape[-1]
    if (
        data.validation_inputs is None
        or len(data.validation_inputs) < MIN_VALIDATION
        or _reads_tokens(network)
        or not isinstance(loss, Mse | BinaryCrossEntropy | CrossEntropy)
        or len(network.output_shape) > 1
        or features > MAX_FEATURES
    ):
        return None
    data = _subset(data, BOOSTED_WORK // (features + outputs))
    assert data.validation_inputs is not None
    targets = np.asarray(data.train_targets)
    start = constant_logits(loss, targets, outputs, scaled_weights(data.train_sample_weights, None))
    if isinstance(loss, CrossEntropy):
        targets = np.eye(outputs)[targets]
    weights = data.train_sample_weights
    logits = boosted_logits(
        loss.output_activation,
        np.asarray(data.train_inputs, np.float64).reshape(-1, features),
        targets.astype(np.float64).reshape(-1, outputs),
        np.ones((len(targets), 1)) if weights is None else weights.reshape(-1, 1),
        np.asarray(data.validation_inputs, np.float64).reshape(-1, features),
        start,
    )
    if logits is None:
        return None
    train, validation = logits[: len(targets)], logits[len(targets) :]
    predicted = replace(data, train_inputs=train, validation_inputs=validation)
    return _losses(loss, predicted, lambda rows: np.asarray(rows), outputs)


def _least_squares(x: Floats, targets: Floats, sample_weights: Floats | None) -> Floats:
    """Return the weights `(features + 1, outputs)`, the last row for the column of ones."""
    ridge = np.full(x.shape[1], TINY_RIDGE * len(x))
    ridge[-1] = 0.0
    weighted = x if sample_weights is None else x * sample_weights[:, None]
    return np.asarray(np.linalg.solve(weighted.T @ x + np.diag(ridge), weighted.T @ targets))


def _minimize(loss: Loss, x: Floats, targets: Floats, sample_weights: Floats | None) -> Floats:
    """Return the weights `(features + 1, outputs)` that minimize the loss, about."""
    start = np.zeros((x.shape[1], targets.shape[1]))
    ridge = TINY_RIDGE
    if isinstance(loss, Mae | Huber):
        start = _least_squares(x, targets, sample_weights)
    else:
        start[-1] = constant_logits(loss, targets, targets.shape[1], sample_weights)
        ridge = 1.0 / len(x)
    smooth = _smooth(loss, targets)
    counted = smooth.counted(targets) if sample_weights is None else sample_weights
    total = len(x) if counted is None else max(float(counted.sum()), 1.0)

    def evaluate(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(start.shape)
        logits = x @ weights
        values = smooth.values_from_logits(logits, targets)
        derivatives = _logit_derivatives(smooth, logits, targets) / total
        if counted is not None:
            values = values * counted
            derivatives *= counted[:, None]
        gradient = x.T @ derivatives
        gradient[:-1] += ridge * weights[:-1]
        penalty = 0.5 * ridge * float(np.square(weights[:-1]).sum())
        return float(values.sum()) / total + penalty, gradient.ravel()

    return _lbfgs(evaluate, start.ravel()).reshape(start.shape)


def _smooth(loss: Loss, targets: Floats) -> Loss:
    """Return a loss with a derivative that leads to the minimum of the loss."""
    if isinstance(loss, Mae):
        return Huber(delta=max(0.02 * float(targets.std()), 1e-9))
    if loss.output_activation == "step":
        return BinaryCrossEntropy()
    return loss


def _logit_derivatives(loss: Loss, logits: Floats, targets: Floats) -> Floats:
    match loss.output_activation:
        case "sigmoid":
            p = 0.5 * (1.0 + np.tanh(0.5 * logits))
            return np.asarray(loss.derivatives(p, targets) * p * (1.0 - p))
        case "softmax":
            powers = np.exp(logits - logits.max(-1, keepdims=True))
            p = powers / powers.sum(-1, keepdims=True)
            scaled = p * loss.derivatives(p, targets)
            return np.asarray(scaled - p * scaled.sum(-1, keepdims=True))
    return loss.derivatives(logits, targets)


def _lbfgs(evaluate: Callable[[Floats], tuple[float, Floats]], start: Floats) -> Floats:
    """Return the point after up to `STEPS` steps of L-BFGS with backtracking (Nocedal 1980)."""
    point = start
    value, gradient = evaluate(point)
    pairs: list[tuple[Floats, Floats, float]] = []
    for _ in range(STEPS):
        direction = -_inverse_hessian_product(pairs, gradient)
        slope = float(direction @ gradient)
        if not slope < 0.0:
            break
        rate = 1.0 if pairs else min(1.0, 1.0 / max(float(np.linalg.norm(gradient)), 1e-12))
        for _ in range(20):
            candidate = point + rate * direction
            new_value, new_gradient = evaluate(candidate)
            if new_value <= value + 1e-4 * rate * slope:
                break
            rate *= 0.5
        else:
            break
        move, change = candidate - point, new_gradient - gradient
        product = float(move @ change)
        if product > 1e-12 * float(change @ change):
            pairs = [*pairs[-9:], (move, change, product)]
        gain = value - new_value
        point, value, gradient = candidate, new_value, new_gradient
        if gain <= 1e-9 * max(abs(value), 1e-9):
            break
    return point


def _inverse_hessian_product(pairs: list[tuple[Floats, Floats, float]], gradient: Floats) -> Floats:
    """Return H⁻¹·gradient; `pairs` are moves, the changes of the gradient, and their products."""
    result = gradient.copy()
    shares = []
    for move, change, product in reversed(pairs):
        share = (move @ result) / product
        result -= share * change
        shares.append(share)
    if pairs:
        _, change, product = pairs[-1]
        result *= product / (change @ change)
    for (move, change, product), share in zip(pairs, reversed(shares), strict=True):
        result += (share - (change @ result) / product) * move
    return result


def _reads_tokens(network: Network) -> bool:
    return any(
        isinstance(layer, Embedding) and "input" in inputs
        for layer, inputs in zip(network.layers, network.inputs, strict=True)
    )


def _separability(network: Network, loss: Loss, data: Data) -> Separability | None:
    """Return the separability of two classes with one row of numbers for each sample."""
    outputs = network.output_shape
    two_classes = outputs == ((2,) if loss.output_activation == "softmax" else (1,))
    if not two_classes or loss.output_activation is None or _reads_tokens(network):
        return None
    targets = as_rows(data.train_targets, outputs[0])
    if not np.isin(targets, (0.0, 1.0)).all():
        return None
    return separability(data.train_inputs.reshape(len(targets), -1), targets[:, -1] > 0.5)


# ---------------------------------------------------------------- n-grams


def _ngrams(network: Network, loss: Loss, data: Data) -> dict[int, Losses]:
    """Return the losses by n; none unless the targets are the next tokens, and count alike."""
    inputs, targets = data.train_inputs, data.train_targets
    if (
        not isinstance(loss, CrossEntropy)
        or loss.label_smoothing != 0.0
        or data.train_sample_weights is not None
        or not _reads_tokens(network)
        or is_floating(targets)
        or targets.shape != inputs.shape
        or targets.size > MAX_POSITIONS
        or not _are_next(inputs, targets)
    ):
        return {}
    tokens = network.output_shape[-1]
    train = ngram_losses(inputs, targets, inputs, targets, tokens)
    if data.validation_inputs is None or data.validation_targets is None:
        return {order: Losses(value) for order, value in train.items()}
    other = ngram_losses(inputs, targets, data.validation_inputs, data.validation_targets, tokens)
    return {order: Losses(value, other[order]) for order, value in train.items()}


def _are_next(inputs: Array, labels: Array) -> bool:
    """Return whether nine of ten labels are the next inputs, where another label follows."""
    counts = (labels[:, :-1] >= 0) & (labels[:, 1:] >= 0)
    return bool(counts.any()) and (inputs[:, 1:] == labels[:, :-1])[counts].mean() > 0.9


# ---------------------------------------------------------------- losses


def _checked(network: Network, loss: Loss, data: Data) -> Data:
    """Return the data with targets in the form that the loss takes, and a weight per prediction."""

    def checked(targets: Array | None) -> Array | None:
        if targets is None or targets.dtype == np.int32:  # labels of a run, which have been checked
            return targets
        return loss.checked(targets, (len(targets), *network.output_shape))

    def weights(array: Array | None) -> Array | None:
        if array is None:
            return None
        return checked_weights(array, (len(array), *network.output_shape[:-1]))

    train_targets = checked(data.train_targets)
    assert train_targets is not None
    return replace(
        data,
        train_targets=train_targets,
        validation_targets=checked(data.validation_targets),
        train_sample_weights=weights(data.train_sample_weights),
        validation_sample_weights=weights(data.validation_sample_weights),
    )


def _subset(data: Data, most: int) -> Data:
    """Return the data with at most `most` samples in each part, drawn with a fixed seed."""

    def rows(inputs: Array | None) -> slice | Array:
        if inputs is None or len(inputs) <= most:
            return slice(None)
        return np.sort(np.random.default_rng(0).choice(len(inputs), most, replace=False))

    return data.part(rows(data.train_inputs), rows(data.validation_inputs))


def _shape(network: Network, inputs: Array) -> tuple[int, ...]:
    return (len(inputs), *network.output_shape)


def _losses(loss: Loss, data: Data, logits: Callable[[Array], Floats], outputs: int) -> Losses:
    """Return the losses of a predictor, which maps each input to `outputs` logits."""
    targets, weights = data.train_targets, data.train_sample_weights
    scaled = scaled_weights(weights, loss.counted(targets))
    train = _mean_loss(loss, data.train_inputs, targets, scaled, logits, outputs)
    if data.validation_inputs is None or data.validation_targets is None:
        return Losses(train)
    targets, weights = data.validation_targets, data.validation_sample_weights
    scaled = scaled_weights(weights, loss.counted(targets))
    inputs = data.validation_inputs
    return Losses(train, _mean_loss(loss, inputs, targets, scaled, logits, outputs))


def _constant_loss(loss: Loss, constant: Floats, targets: Array, weights: Floats | None) -> float:
    if is_floating(targets):
        rows = targets.reshape(-1, len(constant))
        flat = None if weights is None else weights.ravel()

        def logits(rows: Array) -> Floats:
            return np.broadcast_to(constant, rows.shape)

        return _mean_loss(loss, rows, rows, flat, logits, len(constant))
    # The loss of a constant depends on the label alone.
    counts = _label_counts(targets, len(constant), weights)
    alike = np.broadcast_to(constant, (len(constant), len(constant)))
    labels: Array = np.arange(len(constant))
    values = loss.values_from_logits(alike, labels)
    return float(values @ counts) / max(float(counts.sum()), 1.0)


def _mean_loss(
    loss: Loss,
    inputs: Array,
    targets: Array,
    weights: Floats | None,
    logits: Callable[[Array], Floats],
    outputs: int,
) -> float:
    total = count = 0.0
    for rows in _blocks(inputs, outputs):
        part = targets[rows] if not is_floating(targets) else targets[rows].astype(np.float64)
        values = loss.values_from_logits(logits(inputs[rows]), part)
        counted = loss.counted(part) if weights is None else weights[rows]
        total += float(values.sum() if counted is None else (values * counted).sum())
        count += values.size if counted is None else float(counted.sum())
    return total / max(count, 1.0)


def _blocks(inputs: Array, outputs: int) -> Iterator[slice]:
    size = outputs + inputs[0].size
    at_once = max(1, ELEMENTS_AT_ONCE // size)
    return (slice(start, start + at_once) for start in range(0, len(inputs), at_once))
