"""A training with settings that change while it runs: its spec before and after each change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..errors import FieldError, InvalidArgument
from .datasets import DatasetSpec, InlineDataset, UploadedDataset
from .limits import in_bytes
from .training import (
    MAX_CHANGES,
    MAX_SAMPLES,
    MAX_WEIGHTS,
    OPTIMIZER_SPECS,
    ChangedTrainingSpec,
    OptimizerChangeSpec,
    OptimizerSpec,
    SampleSpec,
    TrainingChangeSpec,
    TrainingSpec,
    WeightSpec,
)
from .validation import parse

MAX_BYTES = 1_000_000
"""JSON of all changes of a job, if a field may be large: every change writes its spec again."""
LARGE = ("network", "dataset", "samples", "weights")
ACTIONS = ("weights", "samples", "clear", "freeze", "unfreeze")
"""Fields of a change that the spec does not have."""
BETWEEN_EPOCHS = ("dataset", "samples", "class_weights", "augmentation", "clear", "shuffle")
"""Fields that do not change within an epoch, since they decide its samples and their order."""


def spec_after(spec: TrainingSpec, epoch: float = math.inf) -> TrainingSpec:
    """Return the spec with the changes up to an epoch made, and without others. Raises
    `InvalidArgument`.
    """
    for change in spec.changes:
        if change.epoch <= epoch:
            spec = changed(spec, change.training)
    return spec.model_copy(update={"changes": []}) if spec.changes else spec


def spec_at(spec: TrainingSpec, epoch: int) -> TrainingSpec:
    """Return the spec that an epoch was trained by: without the change after it."""
    return spec_after(spec, epoch - 1)


def changed(spec: TrainingSpec, change: ChangedTrainingSpec) -> TrainingSpec:
    """Return the spec with one change made, and without others.

    Raises `InvalidArgument` for options that do not fit, and for fewer epochs.
    """
    values = _fields(change) | {"changes": []}
    for name in ACTIONS:
        values.pop(name, None)
    for index, name in enumerate(change.clear or ()):
        if name in values:
            text = f"must not be {name}, which has another value in the same change"
            raise InvalidArgument.of(FieldError(f"clear[{index}]", text))
        values[name] = TrainingSpec.model_fields[name].get_default(call_default_factory=True)
    if change.freeze is not None or change.unfreeze is not None:
        names = dict.fromkeys((*spec.freeze, *(change.freeze or ())))
        values["freeze"] = [name for name in names if name not in (change.unfreeze or ())]
    if change.dataset is not None:
        values["dataset"] = _dataset(spec, change.dataset)
    if change.samples is not None:
        values["dataset"] = _with_samples(values.get("dataset", spec.dataset), change.samples)
    if change.optimizer is not None:
        values["optimizer"] = _optimizer(spec.optimizer, change.optimizer)
    if change.epochs is not None and change.epochs < spec.epochs:
        text = f"must be at least the present {spec.epochs}: pause or cancel the job to end sooner"
        raise InvalidArgument.of(FieldError("epochs", text))
    return spec.model_copy(update=values)


def between_epochs(change: ChangedTrainingSpec) -> list[str]:
    """Return the fields of a change that do not change within an epoch."""
    return [name for name in BETWEEN_EPOCHS if getattr(change, name) is not None]


def _fields(change: ChangedTrainingSpec) -> dict[str, Any]:
    values = {name: getattr(change, name) for name in type(change).model_fields}
    return {name: value for name, value in values.items() if value is not None}


def _dataset(spec: TrainingSpec, dataset: DatasetSpec) -> DatasetSpec:
    if isinstance(dataset, UploadedDataset):
        text = "must be built-in or inline: fork the job to train on an uploaded data set"
        raise InvalidArgument.of(FieldError("dataset.id", text))
    return dataset.model_copy(update={"scaling": spec.dataset.scaling})


def _with_samples(dataset: DatasetSpec, samples: Sequence[SampleSpec]) -> InlineDataset:
    if not isinstance(dataset, InlineDataset):
        text = "need an inline data set: send its rows as the dataset once"
        raise InvalidArgument.of(FieldError("samples", text))
    inputs, targets, weights = [*dataset.inputs], [*dataset.targets], [*dataset.weights]
    for position, sample in enumerate(samples):
        path, index = f"samples[{position}]", sample.index
        if index is not None and index >= len(inputs):
            text = f"must be less than {len(inputs)}, the number of rows"
            raise InvalidArgument.of(FieldError(f"{path}.index", text))
        if (sample.inputs is None) != (sample.targets is None):
            missing = "inputs" if sample.inputs is None else "targets"
            raise InvalidArgument.of(FieldError(f"{path}.{missing}", "must be present with both"))
        if sample.inputs is None or sample.targets is None:
            if index is None:
                raise InvalidArgument.of(FieldError(f"{path}.index", "is needed without inputs"))
            del inputs[index], targets[index], weights[index : index + 1]
        elif index is None:
            inputs.append(sample.inputs)
            targets.append(sample.targets)
            weights += [1.0] if weights else []
        else:
            inputs[index], targets[index] = sample.inputs, sample.targets
    rows = {"inputs": inputs, "targets": targets, "weights": weights}
    return dataset.model_copy(update=rows)


def _optimizer(former: OptimizerSpec, change: OptimizerChangeSpec) -> OptimizerSpec:
    options = change.model_dump(exclude_none=True)
    kind = options.setdefault("type", former.type)
    stays = former.model_dump() if kind == former.type else {}
    try:
        return parse(OPTIMIZER_SPECS[kind], {**stays, **options})
    except InvalidArgument as error:
        texts = [(f"optimizer.{e.field}", e.description) for e in error.errors]
        wrong = (FieldError(path, text.replace("here", f"of {kind}")) for path, text in texts)
        raise InvalidArgument.of(*wrong) from None


def with_change(
    spec: TrainingSpec, epoch: int, change: ChangedTrainingSpec, step: int = 0
) -> TrainingSpec:
    """Return the spec with one more change, after its last. Changes after the same step become one.
    One that comes before a change within the same epoch joins that, or comes after the epoch.

    Raises `InvalidArgument` if there are too many, or a later one is planned.
    """
    changes = [*spec.changes]
    if changes and changes[-1].epoch == epoch and changes[-1].step > step:
        waiting = between_epochs(change)
        epoch, step = (epoch + 1, 0) if waiting else (epoch, changes[-1].step)
        if epoch >= spec_after(spec).epochs:
            text = "cannot change within the last epoch: fork the job to go on"
            raise InvalidArgument.of(FieldError(waiting[0], text))
    large = [name for name in LARGE if getattr(change, name) is not None]
    if large:
        size = sum(len(c.model_dump_json()) for c in (*(c.training for c in changes), change))
        if size > MAX_BYTES:
            text = f"may change until all changes are {in_bytes(MAX_BYTES)} of JSON: "
            raise InvalidArgument.of(FieldError(large[0], text + "fork the job to go on"))
    if changes and changes[-1].epoch > epoch:
        text = f"cannot come before the planned change after epoch {changes[-1].epoch}"
        raise InvalidArgument.of(FieldError("changes", text))
    if changes and (changes[-1].epoch, changes[-1].step) == (epoch, step):
        change = _joined(changes.pop().training, change)
    elif len(changes) == MAX_CHANGES:
        text = f"may change {MAX_CHANGES:,} times: fork the job to go on"
        raise InvalidArgument.of(FieldError("changes", text))
    changes.append(TrainingChangeSpec(epoch=epoch, step=step, training=change))
    return spec.model_copy(update={"changes": changes})


def with_joined_changes(spec: TrainingSpec) -> TrainingSpec:
    """Return the spec with one change after each step that has some. Raises `InvalidArgument`."""
    if len({(change.epoch, change.step) for change in spec.changes}) == len(spec.changes):
        return spec
    joined = spec.model_copy(update={"changes": []})
    for index, change in enumerate(spec.changes):
        try:
            joined = with_change(joined, change.epoch, change.training, change.step)
        except InvalidArgument as error:
            path = f"changes[{index}].training"
            raise InvalidArgument.of(
                *(FieldError(f"{path}.{e.field}", e.description) for e in error.errors)
            ) from None
    return joined


def _joined(first: ChangedTrainingSpec, second: ChangedTrainingSpec) -> ChangedTrainingSpec:
    values = _fields(second)
    options = second.optimizer
    if first.optimizer is not None and options is not None and options.type is None:
        values["optimizer"] = first.optimizer.model_copy(
            update=options.model_dump(exclude_none=True)
        )
    if first.weights is not None and second.weights is not None:
        values["weights"] = _last_of_each([*first.weights, *second.weights])
    if first.samples is not None and second.dataset is None:
        values["samples"] = samples = [*first.samples, *(second.samples or ())]
        if len(samples) > MAX_SAMPLES:
            text = f"may change {MAX_SAMPLES:,} samples after the same epoch"
            raise InvalidArgument.of(FieldError("samples", text))
    elif second.dataset is not None:
        values.setdefault("samples", None)
    for name, opposite in (("freeze", "unfreeze"), ("unfreeze", "freeze")):
        stays = {*(getattr(first, name) or ())} - {*(getattr(second, opposite) or ())}
        values[name] = sorted({*stays, *(getattr(second, name) or ())}) or None
    cleared = {*(first.clear or ())} - values.keys() | {*(second.clear or ())}
    values |= dict.fromkeys(second.clear or ())
    return first.model_copy(update={**values, "clear": sorted(cleared) or None})


def _last_of_each(weights: Sequence[WeightSpec]) -> list[WeightSpec]:
    last = {(weight.layer, weight.array, *weight.index): weight for weight in weights}
    if len(last) > MAX_WEIGHTS:
        text = f"may set {MAX_WEIGHTS} weights after the same epoch"
        raise InvalidArgument.of(FieldError("weights", text))
    return [*last.values()]
