"""Facts that programs need about a data set: its columns, and how its rows became samples."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from epochal_engine import LOSSES
from epochal_engine.data import GENERATORS
from epochal_engine.export import Table
from epochal_engine.export.training import Generated, Source

from ..datasets.builtin import CATALOG
from ..datasets.columns import OTHER, Column
from ..preparation.prepared import Prepared
from ..resources.datasets import Schema
from ..specs.datasets import DatasetSpec, NamedDataset


def source_of(prepared: Prepared) -> Source | None:
    """Return how the rows of the data set became samples; None if a corruption changed them."""
    spec, dataset = prepared.spec, prepared.dataset
    if spec.corruption is not None:
        return None
    column = spec.split.group_column
    features = None
    if column is not None and column not in dataset.groups:
        named = {c.name: c.features for c in dataset.columns if c.is_input}
        features = [dataset.feature_names.index(name) for name in named.get(column, [column])]
    scaling = spec.dataset.scaling
    return Source(
        split_seed=spec.seed if spec.split.seed is None else spec.split.seed,
        validation_fraction=spec.validation_fraction,
        test_fraction=spec.split.test_fraction,
        is_stratified=spec.split.stratify
        and bool(dataset.class_names)
        and dataset.targets.ndim == 1,
        group_column=column,
        group_features=features,
        scaling=scaling,
        unscaled=np.flatnonzero(dataset.unscaled).tolist(),
        target_scaling="standard" if spec.target_scaling == "standardize" else "none",
        target_form=LOSSES[spec.loss].target,
        table=table_of(Schema.of(dataset), 0.5)
        if dataset.columns
        else Table(dataset.feature_names, dataset.class_names, dataset.target_names),
        generated=_generated(spec.dataset),
    )


def _generated(spec: DatasetSpec) -> Generated | None:
    if not isinstance(spec, NamedDataset) or spec.name not in GENERATORS:
        return None
    parameters = {}
    for name, parameter in CATALOG[spec.name].parameters.items():
        value = getattr(spec, name)
        value = parameter.default if value is None else value
        if value is not None:
            parameters[name] = int(value) if parameter.integer else value
    return Generated(spec.name, cast(dict[str, float], parameters), spec.seed)


def table_of(schema: Schema, threshold: float) -> Table:
    """Return the names, and the columns if the data set was uploaded as a table."""
    columns = [column for column in schema.columns if column.is_input]
    return Table(
        feature_names=[name for column in columns for name in column.features],
        class_names=schema.class_names,
        target_names=schema.target_names,
        columns=[_column(column) for column in columns] if schema.is_table else [],
        threshold=threshold,
    )


def _column(column: Column) -> dict[str, Any]:
    other = f"{column.name}={OTHER}"
    return {
        "name": column.name,
        "kind": column.kind,
        "features": len(column.features),
        "categories": column.categories,
        "other": column.features.index(other) if other in column.features else None,
        "unknown": column.unknown,
        "parts": column.parts,
        "day_first": column.day_first,
        "decimal_commas": column.decimal_commas,
        "thousands": column.thousands,
        "unit": column.unit,
        "marks_missing": column.marks_missing,
        "fill_value": column.fill_value,
    }
