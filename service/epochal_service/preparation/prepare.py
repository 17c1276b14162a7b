"""Build everything that a run needs from its spec, in one pass.

    spec ──> network and data set ──> values from other jobs ──> Prepared

The API reads the cost of a job from the result, and the worker trains it, so both read a spec in
the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from epochal_engine import LOSSES

from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument
from ..resources import datasets, transfer
from ..resources.sources import INITIAL_WEIGHTS, REWARD, sources
from ..settings import UNLIMITED, Limits
from ..specs.build import network_of
from ..specs.changes import with_joined_changes
from ..specs.networks import NetworkRef, NetworkSpec
from ..specs.training import SplitSpec, TrainingSpec
from ..store import Access, Connection, Database, networks
from . import forks, preferences, rollouts
from .changes import after_changes
from .prepared import Prepared, build, is_regression


def prepare(
    database: Database,
    spec: TrainingSpec,
    access: Access,
    limits: Limits,
    *,
    stored: bool = False,
    parents: Mapping[str, forks.Parent] = MappingProxyType({}),
) -> Prepared:
    """Build everything that a run of the spec needs, from what the caller may use.

    `parents` are jobs by the name that the spec has for them, if they are not in the store yet.

    With `stored`, the spec belongs to a job in the store: the weights of other jobs that it uses
    were copied, and are None here. It was within the limits when it was created, so limits that
    were lowered since do not apply.

    Raises `InvalidArgument` with all fields that do not fit; `NotFound` if the data set of a stored
    job was deleted.
    """
    if not stored:
        spec = with_joined_changes(spec)
    limits = UNLIMITED if stored else limits
    others = {}
    with database.read() as connection:
        spec = _with_network(connection, spec, access)
        dataset = (
            datasets.load_for_stored_job(connection, spec)
            if stored
            else datasets.load(connection, spec, access)
        )
        for field, source in {} if stored else sources(spec).items():
            others[field] = parents.get(source.job) or forks.parent_of(
                connection, source, access, field
            )
            if spec.rollouts is not None or LOSSES[spec.loss].rows > 1:
                former = others[field].spec
                preferences.check_vocabulary(connection, field, source.job, former, dataset)
    parent, judge = others.get(INITIAL_WEIGHTS), others.get(REWARD)
    if judge is not None:
        spec = rollouts.with_reward_model(spec, judge)
    if not stored:
        spec = _as_child(spec, dataset, parent)
    prepared = build(spec, dataset, limits)
    if not stored:
        prepared = replace(prepared, cost=after_changes(prepared, limits).cost)
    if parent is not None:
        weights = transfer.initial_weights(prepared.spec, parent.network, parent.arrays)
        prepared = replace(prepared, initial_weights={**weights})
    if judge is not None:
        prepared = replace(prepared, reward_weights={**judge.arrays})
    return prepared


def _as_child(spec: TrainingSpec, dataset: Dataset, parent: forks.Parent | None) -> TrainingSpec:
    """Return the spec with its split and the values from its parent written out."""
    former = None if parent is None else parent.spec
    changes: dict[str, Any] = {"split": _resolved_split(spec, dataset, former)}
    if parent is not None:
        assert spec.initial_weights is not None
        start = spec.initial_weights.model_copy(update={"epoch": parent.epoch})
        changes["initial_weights"] = start
        takes_output = start.layers is None or network_of(spec).names[-1] in start.layers
        if spec.target_scaling is None and takes_output and is_regression(spec, dataset):
            # The weights answer in the unit that they were trained in.
            changes["target_scaling"] = parent.spec.target_scaling
    return spec.model_copy(update=changes)


def _with_network(connection: Connection, spec: TrainingSpec, access: Access) -> TrainingSpec:
    """Return the spec with its network written out: a job outlives the saved network."""
    if not isinstance(spec.network, NetworkRef):
        return spec
    row = networks.find(connection, spec.network.id, access)
    if row is None:
        raise InvalidArgument.of(FieldError("network.id", f"There is no network {spec.network.id}"))
    return spec.model_copy(update={"network": NetworkSpec.model_validate_json(row.network)})


def _resolved_split(spec: TrainingSpec, dataset: Dataset, parent: TrainingSpec | None) -> SplitSpec:
    """Return the split with its seed and group column.

    A fork on its parent's data set has the parent's split, or at least its seed and its `stratify`:
    with others, it would be validated on samples that its weights were trained on. A corruption
    ignores the labels, so the parent's split did too.
    """
    split, seed = spec.split, spec.seed
    changes: dict[str, Any] = {}
    if parent is not None and parent.dataset == spec.dataset:
        seed = parent.seed if parent.split.seed is None else parent.split.seed
        stratify = parent.split.stratify and parent.corruption is None
        if "split" not in spec.model_fields_set:
            return parent.split.model_copy(update={"seed": seed, "stratify": stratify})
        if "stratify" not in split.model_fields_set:
            changes["stratify"] = stratify
    if split.seed is None:
        changes["seed"] = seed
    if split.group_column is None and dataset.groups:
        changes["group_column"] = next(iter(dataset.groups))
    return split.model_copy(update=changes)
