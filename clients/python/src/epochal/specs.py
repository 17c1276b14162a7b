"""Networks, tables and the SDK's own objects as specs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from .arrays import DataFrame
from .deferred import np
from .errors import InvalidArgument
from .types import (
    ChangedTrainingSpec,
    Dataset,
    InlineDataset,
    LayerSpec,
    Network,
    NetworkSpec,
    SampleSpec,
    Scaling,
    TrainingSpec,
)

Spec: TypeAlias = Mapping[str, Any]
"""A ready spec, such as a preset, the spec of another job, or the content of a JSON file."""


def network(input_shape: Sequence[int], layers: Sequence[LayerSpec]) -> NetworkSpec:
    """Return a network: the shape of one sample without the batch axis, and the layers in order.

    >>> from epochal import layers
    >>> flat = epochal.network([8, 8], [layers.flatten(), layers.dense(10, "softmax")])
    >>> client.networks.summarize(flat).parameters
    650
    """
    return {"input_shape": list(input_shape), "layers": list(layers)}


def spec_after(spec: Spec, epoch: float = math.inf) -> dict[str, Any]:
    """Return the spec of a job with its changes up to an epoch made, and without others."""
    after = {**spec, "changes": []}
    for change in spec.get("changes") or ():
        if change["epoch"] <= epoch:
            after = _changed(after, change["training"])
    return after


def _changed(spec: dict[str, Any], change: Spec) -> dict[str, Any]:
    """Return the spec with one change made."""
    fields = {name: value for name, value in change.items() if name in TrainingSpec.__annotations__}
    if options := fields.get("optimizer"):
        former = spec["optimizer"]
        is_same = options.get("type", former["type"]) == former["type"]
        fields["optimizer"] = {**former, **options} if is_same else options
    if "dataset" in fields:
        scaling = spec["dataset"].get("scaling", "none")
        fields["dataset"] = {**fields["dataset"], "scaling": scaling}
    if samples := change.get("samples"):
        fields["dataset"] = _with_samples(fields.get("dataset") or spec["dataset"], samples)
    frozen = dict.fromkeys([*(spec.get("freeze") or ()), *(change.get("freeze") or ())])
    fields["freeze"] = [name for name in frozen if name not in (change.get("unfreeze") or ())]
    cleared: dict[str, Any] = {"class_weights": None, "augmentation": []}
    return spec | fields | {name: cleared[name] for name in change.get("clear") or ()}


def _with_samples(dataset: Mapping[str, Any], samples: Sequence[SampleSpec]) -> dict[str, Any]:
    names = [name for name in ("inputs", "targets", "weights") if len(dataset.get(name) or ())]
    columns = {name: [*dataset[name]] for name in names}
    for sample in samples:
        row = {"weights": 1.0, **sample}
        index = sample.get("index")
        for name, column in columns.items():
            if index is None:
                column.append(row[name])
            elif "inputs" not in sample:
                del column[index]
            elif name != "weights":
                column[index] = row[name]
    return {**dataset, **columns}


def repeated(spec: Spec, epoch: int, fields: Spec) -> dict[str, Any]:
    """Return the spec of a job that repeats another one up to an epoch and has other settings after
    it. Fields that do not change while a job trains, such as `name`, are those of the new job.
    """
    changing = ChangedTrainingSpec.__annotations__
    training = {name: value for name, value in fields.items() if name in changing}
    changes = [change for change in spec.get("changes") or () if change["epoch"] <= epoch]
    if training:  # the service joins changes after the same epoch; those within the next are later
        changes = [c for c in changes if c["epoch"] < epoch or not c.get("step")]
        changes.append({"epoch": epoch, "training": with_objects(training)})
    others = {name: value for name, value in fields.items() if name not in changing}
    return {**spec, "name": None, **others, "changes": changes}


def with_activation(network: NetworkSpec, activation: str) -> NetworkSpec:
    """Return the network with another activation of the hidden layers that have one."""
    *hidden, last = network["layers"]
    layers = [{**l, "activation": activation} if "activation" in l else l for l in hidden]
    return {**network, "layers": [*layers, last]}  # type: ignore[list-item]


def table(
    frame: DataFrame,
    target: str | None = None,
    *,
    weights: str | None = None,
    scaling: Scaling = "none",
) -> InlineDataset:
    """Return a data frame as a data set inside the request: one row for each sample.

    `target` is the column to predict, by default the last one. A target column of text becomes
    class labels in sorted order. `weights` is the column with the weight of each row in the loss.
    `frame` is a pandas or polars `DataFrame`. Raises `InvalidArgument` for an unknown column, and
    for a column of inputs or weights that holds no numbers.

    >>> import pandas
    >>> frame = pandas.DataFrame({"height": [20.0, 60.0], "kind": ["cat", "dog"]})
    >>> epochal.table(frame)["class_names"]
    ['cat', 'dog']
    """
    names = [str(name) for name in frame.columns]
    target = names[-1] if target is None and names else target
    if target not in names or len(names) < 2:
        raise InvalidArgument.of("target", f"must be one of several columns: {', '.join(names)}")
    columns = {name: np.asarray(frame[key]) for name, key in zip(names, frame.columns, strict=True)}
    if weights is not None and weights not in columns:
        raise InvalidArgument.of("weights", f"must be a column: {', '.join(names)}")
    targets = columns.pop(target)
    for name, values in columns.items():
        if values.dtype.kind not in "biuf":
            raise InvalidArgument.of(f"columns.{name}", "must hold numbers")
    numbers = None if weights is None else columns.pop(weights)
    inputs = np.column_stack(list(columns.values())).astype(np.float64)
    spec: InlineDataset = {"inputs": inputs, "targets": targets, "feature_names": list(columns)}
    if numbers is not None:
        spec["weights"] = numbers
    if targets.dtype.kind not in "biuf":
        classes, labels = np.unique(targets.astype(str), return_inverse=True)
        spec["class_names"] = classes.tolist()
        spec["targets"] = labels
    if scaling != "none":
        spec["scaling"] = scaling
    return spec


def with_objects(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a job with words and objects replaced by the specs that they mean.

    A `Dataset` or `Network` becomes a reference, a data frame rows, `optimizer="adam"` the spec of
    that type, `dataset="xor"` the built-in data set, and `dataset="data_…"` the stored one.
    """
    result = dict(fields)
    if "dataset" in result:
        result["dataset"] = _dataset(result["dataset"])
    if isinstance(result.get("network"), Network):
        result["network"] = {"id": result["network"].id}
    for name in ("optimizer", "schedule"):
        if isinstance(result.get(name), str):
            result[name] = {"type": result[name]}
    return result


def _dataset(value: Any) -> Any:
    if isinstance(value, Dataset):
        return {"name": value.name} if value.builtin else {"id": value.id}
    if isinstance(value, str):
        return {"id": value} if value.startswith("data_") else {"name": value}
    is_frame = hasattr(value, "columns") and hasattr(value, "to_numpy")
    return table(value) if is_frame else value
