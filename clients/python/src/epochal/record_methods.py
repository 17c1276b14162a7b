"""Methods of replies, by record: `QuantityMethods` is a base of the generated `Quantity`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from .arrays import Floats, Ints
from .curves import Curve
from .deferred import np
from .errors import EpochalError


class QuantityMethods:
    """Text and number of an explained value."""

    value: float
    substituted: str

    def __str__(self) -> str:
        return self.substituted

    def __float__(self) -> float:
        return self.value


class LimitsMethods:
    """Access to a limit by its name."""

    limits: tuple[Any, ...]

    def __getitem__(self, name: str) -> float:
        """Return one limit, e.g. `limits["max_epochs"]`. Raises `KeyError`."""
        return {limit.name: float(limit.value) for limit in self.limits}[name]


class UsageMethods:
    """Access to the usage of a quota by its name."""

    quotas: tuple[Any, ...]

    def __getitem__(self, name: str) -> int:
        """Return the quantity in use, e.g. `usage["max_queued_jobs"]`. Raises `KeyError`."""
        return {quota.name: int(quota.used) for quota in self.quotas}[name]


class HealthMethods:
    """Truth value of a health report."""

    status: str

    def __bool__(self) -> bool:
        return self.status != "down"


class CheckedAnswerMethods:
    """Truth value of a checked answer."""

    is_correct: bool

    def __bool__(self) -> bool:
        return self.is_correct


class _PatchMethods:
    """A change of a spec."""

    patch: dict[str, Any] | None

    def apply_to(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return `spec` with the suggested change, ready for `jobs.create`.

        Its name says what changed: "iris, learning rate 0.01". Raises `EpochalError` if there is no
        change that helped.
        """
        if self.patch is None:
            raise EpochalError("There is no change to apply: none was found that lowers the loss.")
        name = spec.get("name") or spec["dataset"].get("name") or "rerun"
        changed = ", ".join(dict.fromkeys(_changes(spec, self.patch)))
        return {**merge_patch(spec, self.patch), "name": f"{name[:50]}, {changed}"[:100]}


class FindingMethods(_PatchMethods):
    """The suggested change of a spec."""


class DiagnosisMethods(_PatchMethods):
    """All suggested changes that help together."""


class TrialMethods:
    """A trial as a sentence."""

    epochs: int
    metric: str
    without_remedy: float | None
    with_remedy: float

    def __str__(self) -> str:
        metric = self.metric.replace("_", " ").replace("train loss", "training loss")
        before = self.without_remedy
        as_is = "diverged" if before is None else f"{before:.3g}"
        return (
            f"{metric} after {self.epochs} epochs: {as_is} as it is, {self.with_remedy:.3g} with "
            "the change"
        )


def _changes(spec: Any, patch: Any, path: str = "") -> Iterator[str]:
    """Yield each field that a patch changes, with its new value."""
    if isinstance(patch, dict):
        for name, value in patch.items():
            inner = spec.get(name) if isinstance(spec, Mapping) else None
            field = f"clipping {name}" if path == "clipping" else name
            yield from _changes(inner, value, field)
    elif isinstance(patch, list) and isinstance(spec, list) and len(patch) == len(spec):
        for before, after in zip(spec, patch, strict=True):
            yield from _changes(before, after, path)
    elif patch != spec:
        value = f"{len(patch)} items" if isinstance(patch, list) else patch
        value = f"{value:g}" if isinstance(value, float) else value
        yield f"{path} {value}".replace("_", " ")


class SpecDifferenceMethods:
    """Values of a difference as Python objects."""

    values: tuple[str, ...]

    @property
    def parsed(self) -> tuple[Any, ...]:
        """The values as Python objects: None if absent, text if cut off."""
        return tuple(_parsed(value) for value in self.values)


class SamplePredictionsMethods:
    """Inputs of the samples as pictures."""

    samples: tuple[Any, ...]
    image_shape: tuple[int, ...]

    @property
    def images(self) -> Floats:
        """The inputs as pictures `(n, *image_shape)`. Raises `EpochalError` for other inputs."""
        if not self.image_shape:
            raise EpochalError("These samples are not images: image_shape is empty.")
        return np.stack([sample.inputs.reshape(self.image_shape) for sample in self.samples])


class ConfusionMatrixMethods:
    """Counts as one array."""

    rows: tuple[Any, ...]

    @property
    def counts(self) -> Ints:
        """`(classes, classes)`: `counts[i, j]` samples of class i were predicted as class j."""
        return np.array([row.counts for row in self.rows], dtype=np.int64)


class _DrawsMethods:
    """Draws as one array."""

    shape: tuple[int, ...]
    values: Floats

    @property
    def array(self) -> Floats:
        """The values in their shape, `(samples of the batch, …)`."""
        return self.values.reshape(self.shape)


class MaskDrawsMethods(_DrawsMethods):
    """A mask as one array."""


class AugmentationDrawsMethods(_DrawsMethods):
    """The draws of an augmentation as one array."""


class CorruptionDrawsMethods(_DrawsMethods):
    """The draws of a corruption as one array."""


class RandomDrawsMethods:
    """The order by batch."""

    order: Ints
    batch_size: int
    batches: int

    @property
    def batch_rows(self) -> list[Ints]:
        """The rows of each batch in the data set."""
        starts = range(0, len(self.order), self.batch_size)
        return [self.order[start : start + self.batch_size] for start in starts]


class EvaluationMethods:
    """The metrics as a table."""

    epoch: int
    split: str
    samples: int
    predictions: int
    classification: Any
    regression: Any
    sequence: Any

    @property
    def metrics(self) -> dict[str, float]:
        """The metrics over all classes or targets by name, without undefined ones."""
        parts = (part for part in (self.classification, self.regression, self.sequence) if part)
        values = {
            field.name: getattr(part, field.name)
            for part in parts
            for field in dataclasses.fields(part)
        }
        return {name: value for name, value in values.items() if isinstance(value, float)}

    def __str__(self) -> str:
        return "\n".join([self._head(), *self._totals(), *self._rows()])

    def _head(self) -> str:
        parts = {"train": "training"}
        head = f"Epoch {self.epoch:,}, {self.samples:,} {parts.get(self.split, self.split)} samples"
        if self.predictions != self.samples:
            head += f", {self.predictions:,} predictions"
        return head

    def _totals(self) -> list[str]:
        """One line for each metric; errors of a single target name it, as they have its unit."""
        units = {}
        if self.regression and len(self.regression.targets) == 1:
            name = self.regression.targets[0].name
            units = dict.fromkeys(("rmse", "mae", "median_absolute_error"), f"  ({name})")
        positive = self.classification and self.classification.positive_class
        if positive:
            units = dict.fromkeys(("precision", "recall", "f1", "roc_auc"), f"  ({positive})")
        return [
            f"  {name:<22}{_four_digits(value):>12}{units.get(name, '')}"
            for name, value in self.metrics.items()
        ] + self._positions()

    def _positions(self) -> list[str]:
        """The accuracy at each position of sequences, in percent."""
        if not self.sequence:
            return []
        shares = (f"{100 * position.accuracy:.0f}" for position in self.sequence.positions)
        return [f"  accuracy by position, in %: {' '.join(shares)}"]

    def _rows(self) -> list[str]:
        """A table of the classes, or of several targets, under its header."""
        if self.classification:
            rows = self.classification.classes
            columns = ["precision", "recall", "f1", "roc_auc", "support"]
        else:
            rows, columns = self.regression.targets, ["rmse", "mae", "r2"]
            if len(rows) == 1:
                return []
        width = min(max([len(row.name) for row in rows] + [5]), _LONGEST_NAME)
        lines = ["  " + " " * width + "".join(f"{column:>12}" for column in columns)]
        for row in rows:
            cells = [_four_digits(getattr(row, column)) for column in columns]
            name = _shortened(row.name, width)
            lines.append(f"  {name:<{width}}" + "".join(f"{cell:>12}" for cell in cells))
        return ["", *lines]

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Show the table in IPython and notebooks."""
        printer.text(str(self))


_LONGEST_NAME = 32


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 1] + "…"


def _four_digits(value: float | None) -> str:
    """Return four significant digits, a dash for None; large numbers keep all before the point."""
    if value is None:
        return "–"
    if not 1000 <= abs(value) < 1e12:
        return f"{value:.4g}"
    return f"{value:,.0f}"


class ComparedJobMethods:
    """The series as a curve."""

    epochs: int
    series: tuple[Any, ...]

    @property
    def curve(self) -> Curve:
        """The metrics of the job over its epochs."""
        return Curve(
            total_epochs=self.epochs,
            epochs={part.metric: part.epochs for part in self.series},
            series={part.metric: part.values for part in self.series},
        )


def merge_patch(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with a merge patch applied (RFC 7396); None removes a field."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merge_patch(before if isinstance(before, Mapping) else {}, value)
        else:
            result[name] = value
    return result


def _parsed(text: str) -> Any:
    if not text:
        return None
    return text if text.endswith("…") else json.loads(text)
