"""The records of epochs, computed by `record.c` with the bits of the formulas in Python.

Python computes where the Python engine is chosen, and losses and weights that `record.c` does not
know.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from ..model.exponential import CONSTANTS
from ..model.losses import BinaryCrossEntropy, CrossEntropy, Loss, Mse, is_floating, typed
from ..model.metrics import LOGITS, MEASURED, Answers, measure_answers, measured
from ..symbolic.memory import zeros
from ..symbolic.trace import Array, Call, Shape
from . import chosen_engine, table_of
from .native import address, inner_loop, library

_LOSSES: dict[type[Loss], tuple[int, np.ufunc]] = {
    CrossEntropy: (0, np.log),
    BinaryCrossEntropy: (1, np.log1p),
    Mse: (2, np.log),
}
"""The numbers of the losses in `record.c`, and the second function that each needs."""
_ROOM = 2_048
"""Numbers that are worked on at a time, so that they stay in the cache."""


class Layers:
    """Where layers lie in a flat vector: the `starts` and `sizes`, `(layers,)` int64."""

    def __init__(self, starts: Array, sizes: Array) -> None:
        self._arrays = starts, sizes
        self._fields = np.array([len(starts), address(starts), address(sizes)], np.intp)
        self.count = len(starts)
        self.address = address(self._fields)


def squares(layers: Layers, vectors: Array) -> Array | None:
    """Return the sum of squares of each layer, `(…, size)` to `(…, layers)`, in float64.

    Return None where Python is to compute it.
    """
    function = _function("squares", vectors)
    if function is None or vectors.strides[-1] != vectors.itemsize:
        return None
    sums, fields = np.empty((*vectors.shape[:-1], layers.count)), _fields_of(vectors)
    function(address(vectors), address(fields), layers.address, address(sums))
    return sums


def describe_gradients(
    layers: Layers,
    gradients: Array,
    steps: Array,
    gradient_squares: Array,
    parameter_squares: Array,
    statistics: Array,
    histogram: Array,
) -> bool:
    """Fill the first seven `statistics` `(m, layers, 11)` and the `histogram` `(m, layers, bins)`.

    Gradients and steps are `(m, size)`; the squares are `(m, layers)`. Return whether that is done.
    """
    function = _function("gradients", gradients)
    if function is None or not all(x.strides[-1] == x.itemsize for x in (gradients, steps)):
        return False
    sums = [np.ascontiguousarray(x) for x in (gradient_squares, parameter_squares)]
    function(
        address(gradients),
        gradients.strides[0],
        address(steps),
        steps.strides[0],
        len(gradients),
        layers.address,
        *(address(x) for x in sums),
        address(statistics),
        address(histogram),
    )
    return True


def knows(loss: Loss) -> bool:
    """Return whether `record.c` has the loss, where the compiled engine is chosen."""
    return chosen_engine() == "compiled" and type(loss) in _LOSSES and loss == type(loss)()


class Measurement:
    """A `Measure` of the predictions of a part."""

    def __init__(self, loss: Loss, answers: Answers) -> None:
        self._loss, self._answers = loss, answers
        self._fields: Array | None = None
        self._in_memory: list[Array] = []

    def __call__(self, logits: Array) -> dict[str, Array]:
        """Return the metrics by name; see `Measure`."""
        function, answers = _function("measure", logits), self._answers
        known = None if function is None else self.fields(logits.shape[-1])
        if function is None or known is None:
            return measure_answers(self._loss, answers, logits)
        axes = answers.targets.ndim + (0 if is_floating(answers.targets) else 1)
        flat = logits.reshape(*logits.shape[: logits.ndim - axes], -1)
        metrics = self.metrics(flat.shape[:-1])
        fields = _fields_of(flat)
        function(address(known), address(flat), address(fields), *_starts_of(metrics))
        return metrics

    def metrics(self, shape: Shape) -> dict[str, Array]:
        """Return an array of the shape for each metric."""
        names = measured(self._loss, self._answers.targets)
        return {name: np.empty(shape) for name in names}

    def fields(self, outputs: int) -> Array | None:
        """Return the fields of `losses` in `record.c`; None where Python is to compute."""
        if not knows(self._loss) or self._answers.weights is not None:
            return None
        if self._fields is None:
            self._fields = self._bound(outputs)
        return self._fields

    def _bound(self, outputs: int) -> Array:
        number, second = _LOSSES[type(self._loss)]
        targets = self._answers.targets
        labels = targets.argmax(-1) if is_floating(targets) else targets
        room = max(_ROOM, outputs)
        arrays: list[Array] = [
            np.ascontiguousarray(targets, np.float64),
            np.ascontiguousarray(labels, np.int32),
            zeros((2 * room,), np.float64),
            np.empty(labels.size),
            np.empty(labels.size),
            np.empty(outputs),
        ]
        self._in_memory = arrays
        rows, classes, scratch, values, correct, products = (address(x) for x in arrays)
        exp, log = (inner_loop(function, "dd") or (0, 0) for function in (np.exp, second))
        if isinstance(self._loss, CrossEntropy) and _are_classes(targets, labels):
            rows = 0  # The labels say it all, in a tenth of the memory.
        functions = [exp[0], log[0], exp[1], log[1]]
        fields = [number, outputs, labels.size, rows, classes, *functions, scratch, room]
        positions = labels[:1].size
        more = [values, correct, positions, products, address(CONSTANTS)]
        return np.array([*fields, *more], np.intp)


class ChangingMeasurement:
    """A `Measure` of predictions of one epoch, against targets that change in every epoch.

    `targets` `(copies, *answers)` are read at each call: one copy for all members, or one for each.
    """

    def __init__(self, loss: Loss, targets: Array, weights: Array | None) -> None:
        self._loss, self._targets, self._weights = loss, targets, weights

    def __call__(self, logits: Array) -> dict[str, Array]:
        """Return the metrics by name; see `Measure`."""
        measures = [
            Measurement(self._loss, Answers(typed(targets, np.float64), self._weights))
            for targets in self._targets
        ]
        if len(measures) == 1:
            return measures[0](logits)
        results = [measure(logits[:, member]) for member, measure in enumerate(measures)]
        return {name: np.stack([r[name] for r in results], 1) for name in results[0]}


def _are_classes(targets: Array, labels: Array) -> bool:
    if not is_floating(targets):
        return True
    ones = np.take_along_axis(targets, labels[..., None], -1)
    return bool((ones == 1.0).all()) and np.count_nonzero(targets) == labels.size


def describe_outputs(values: Array, low: float, high: float, is_relu: bool, seen: Array) -> bool:
    """Fill `seen` `(m, 4)` from values `(m, samples, units)`; see `probe._describe`.

    Return whether that is done.
    """
    function = _function("describe", values)
    if function is None or not values.flags.c_contiguous or seen.strides[1] != seen.itemsize:
        return False
    rows, samples, units = values.shape
    dead = np.empty(units, values.dtype)
    step = seen.strides[0] // seen.itemsize
    at = address(values)
    function(at, rows, samples, units, low, high, is_relu, address(dead), address(seen), step)
    return True


@dataclass(frozen=True, eq=False)
class Output:
    """The outputs of a layer for the probed samples, see `describe_outputs`."""

    values: Array
    """`(samples, units)`."""
    low: float
    high: float
    is_relu: bool


class Recorder:
    """Computes in C what is recorded of a run, from its current numbers after each epoch.

    They are still in the cache then. `now` has the numbers by name, `looks` the calls that compute
    the `outputs` of the layers. A round has at most `length` epochs; `statistics` `(m, layers, 11)`
    and `histogram` `(m, layers, bins)` have room for their snapshots.
    """

    def __init__(
        self,
        layers: Layers,
        now: Mapping[str, Array],
        measures: Mapping[str, Measurement],
        every: int,
        looks: Sequence[Call],
        outputs: Sequence[Output],
        statistics: Array,
        histogram: Array,
        growth: float,
        length: int,
    ) -> None:
        kinds = [now[name] for name in ("gradient", "step", "parameters")]
        self._measures = measures
        self._squares = np.empty((2, length, layers.count))
        self._limit = np.array([growth, np.nan])
        self._metrics = {name: measure.metrics((length,)) for name, measure in measures.items()}
        self._statistics, self._histogram = statistics, histogram
        bounds = np.array([[output.low, output.high] for output in outputs])
        dead = [np.empty(output.values.shape[-1], output.values.dtype) for output in outputs]
        parts = np.array(
            [
                [_address_of(measure.fields(z.shape[-1])), address(z), *_starts_of(metrics)]
                for measure, z, metrics in zip(
                    measures.values(),
                    (now[LOGITS[name]] for name in measures),
                    self._metrics.values(),
                    strict=True,
                )
            ],
            np.intp,
        )
        of_outputs = np.array(
            [
                [address(o.values), *o.values.shape, address(limits), o.is_relu, address(room)]
                for o, limits, room in zip(outputs, bounds, dead, strict=True)
            ],
            np.intp,
        )
        table = table_of(looks)
        self._in_memory = layers, now, looks, outputs, bounds, dead, parts, of_outputs
        self._fields = np.array(
            [
                kinds[0].itemsize == 8,
                layers.address,
                *(address(x) for x in (*kinds, *self._squares, self._limit)),
                *(len(parts), address(parts)),
                *(every, 0 if table is None else table.address, address(of_outputs)),
                *(address(statistics), address(histogram)),
            ],
            np.intp,
        )
        self.address = address(self._fields)

    def start(self, first_loss: float | None) -> None:
        """Begin a round; `first_loss` is the training loss of the first epoch of all."""
        self._limit[1] = np.nan if first_loss is None else first_loss
        self._histogram[:] = 0

    def squares(self, epochs: int) -> dict[str, Array]:
        """Return the sums of squares in the epochs of the round, `(epochs, layers)`."""
        gradient, parameters = self._squares[:, :epochs].copy()
        return {"gradient": gradient, "parameters": parameters}

    def metrics(self, epochs: int) -> dict[str, dict[str, Array]]:
        """Return the metrics of each part in the epochs of the round, `(epochs,)`."""
        return {
            part: {name: values[:epochs].copy() for name, values in metrics.items()}
            for part, metrics in self._metrics.items()
        }

    def snapshots(self, count: int) -> tuple[Array, Array]:
        """Return the statistics and the histograms of the snapshots of the round."""
        return self._statistics[:count].copy(), self._histogram[:count].copy()


def _starts_of(metrics: Mapping[str, Array]) -> list[int]:
    return [address(metrics[name]) if name in metrics else 0 for name in MEASURED]


def _address_of(fields: Array | None) -> int:
    return 0 if fields is None else address(fields)


def _fields_of(vectors: Array) -> Array:
    """Return the fields of `vectors` in `record.c`, of `(m, n)` or `(m, members, n)`."""
    *groups, rows, _ = vectors.shape
    *steps, step, _ = vectors.strides
    return np.array([*(groups or [1]), rows, *(steps or [0]), step], np.intp)


_P, _N, _D = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_double
_ARGUMENTS = {
    "squares": (_P, _P, _P, _P),
    "gradients": (_P, _N, _P, _N, _N, _P, _P, _P, _P, _P),
    "measure": (_P, _P, _P, _P, _P, _P),
    "describe": (_P, _N, _N, _N, _D, _D, _N, _P, _P, _N),
}


def _function(name: str, array: Array) -> Callable[..., None] | None:
    if chosen_engine() == "python" or array.dtype.char not in "fd" or array.size == 0:
        return None
    return _of_type(name, array.dtype.char)


@cache
def _of_type(name: str, char: str) -> Callable[..., None] | None:
    walk = library()
    if isinstance(walk, str):
        return None
    function = walk[f"epochal_{name}_{'float' if char == 'f' else 'double'}"]
    function.argtypes, function.restype = _ARGUMENTS[name], None
    return function
