"""The other jobs with weights that a job uses: to start from, and as its reward model."""

from __future__ import annotations

from typing import Any

from ..specs.training import JobRewardSpec, TrainingSpec, WeightsOfJobSpec

INITIAL_WEIGHTS = "initial_weights"
REWARD = "rollouts.reward"


def sources(spec: TrainingSpec) -> dict[str, WeightsOfJobSpec]:
    """Return the weights of other jobs that the spec names, by field."""
    by_field: dict[str, WeightsOfJobSpec] = {}
    if spec.initial_weights is not None:
        by_field[INITIAL_WEIGHTS] = spec.initial_weights
    if spec.rollouts is not None and isinstance(spec.rollouts.reward, JobRewardSpec):
        by_field[REWARD] = spec.rollouts.reward
    return by_field


def with_source(spec: TrainingSpec, field: str, **changes: Any) -> TrainingSpec:
    """Return the spec with changes of the weights in that field of `sources`."""
    source = sources(spec)[field].model_copy(update=changes)
    if field == INITIAL_WEIGHTS:
        return spec.model_copy(update={"initial_weights": source})
    assert spec.rollouts is not None
    rollouts = spec.rollouts.model_copy(update={"reward": source})
    return spec.model_copy(update={"rollouts": rollouts})


def named_source(spec: TrainingSpec, field: str, name: str) -> TrainingSpec:
    """Return the spec with a job of its experiment in that field, as a request names it: the
    service writes out the epoch and the network.
    """
    written = {"epoch": None} if field == INITIAL_WEIGHTS else {"epoch": None, "network": None}
    return with_source(spec, field, job=name, **written)
