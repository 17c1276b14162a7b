"""A training whose settings change while it runs: its spec before and after each change."""

from __future__ import annotations

import math
from typing import Any

from ..errors import FieldError, InvalidArgument
from .limits import in_bytes
from .training import (
    MAX_CHANGES,
    OPTIMIZER_SPECS,
    ChangedTrainingSpec,
    OptimizerChangeSpec,
    OptimizerSpec,
    TrainingChangeSpec,
    TrainingSpec,
)
from .validation import parse

MAX_NETWORKS_BYTES = 1_000_000
"""Of the networks in the changes of a job: every change writes its spec again."""


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
    if change.optimizer is not None:
        values["optimizer"] = _optimizer(spec.optimizer, change.optimizer)
    if change.epochs is not None and change.epochs < spec.epochs:
        text = f"must be at least the present {spec.epochs}: pause or cancel the job to end sooner"
        raise InvalidArgument.of(FieldError("epochs", text))
    return spec.model_copy(update=values)


def _fields(change: ChangedTrainingSpec) -> dict[str, Any]:
    values = {name: getattr(change, name) for name in type(change).model_fields}
    return {name: value for name, value in values.items() if value is not None}


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


def with_change(spec: TrainingSpec, epoch: int, change: ChangedTrainingSpec) -> TrainingSpec:
    """Return the spec with one more change, after its last. Changes after the same epoch become
    one. Raises `InvalidArgument` if there are too many, or a later one is planned.
    """
    changes = [*spec.changes]
    networks = [c.training.network for c in changes] + [change.network]
    size = sum(len(network.model_dump_json()) for network in networks if network is not None)
    if change.network is not None and size > MAX_NETWORKS_BYTES:
        text = f"may change until all its versions are {in_bytes(MAX_NETWORKS_BYTES)} of JSON: "
        raise InvalidArgument.of(FieldError("network", text + "fork the job to go on"))
    if changes and changes[-1].epoch > epoch:
        text = f"cannot come before the planned change after epoch {changes[-1].epoch}"
        raise InvalidArgument.of(FieldError("changes", text))
    if changes and changes[-1].epoch == epoch:
        change = _joined(changes.pop().training, change)
    elif len(changes) == MAX_CHANGES:
        text = f"may change {MAX_CHANGES:,} times: fork the job to go on"
        raise InvalidArgument.of(FieldError("changes", text))
    changes.append(TrainingChangeSpec(epoch=epoch, training=change))
    return spec.model_copy(update={"changes": changes})


def _joined(first: ChangedTrainingSpec, second: ChangedTrainingSpec) -> ChangedTrainingSpec:
    values = _fields(second)
    options = second.optimizer
    if first.optimizer is not None and options is not None and options.type is None:
        values["optimizer"] = first.optimizer.model_copy(
            update=options.model_dump(exclude_none=True)
        )
    return first.model_copy(update=values)
