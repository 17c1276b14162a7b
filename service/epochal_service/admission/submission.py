"""The rows of a new job, from its preparation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..jobs import webhooks
from ..jobs.deletion import expiry
from ..preparation.prepared import Prepared
from ..resources.datasets import Schema, uploaded_id
from ..settings import Settings
from ..store.packing import pack
from .price import Price


@dataclass(frozen=True)
class Submission:
    """The row of a new job, its labels, what a search finds it by, and copies of weights."""

    values: Mapping[str, Any]
    labels: Mapping[str, str]
    search_terms: tuple[str, ...]
    initial_weights: bytes | None
    """Packed, with the scaling of the data; None for new weights."""
    reward_weights: bytes | None
    """The weights of the reward model, packed; None without one."""


def submission_of(prepared: Prepared, price: Price, settings: Settings) -> Submission:
    """Return what the store needs to create the job."""
    spec, cost = prepared.spec, prepared.cost
    weights, reward_weights = prepared.initial_weights, prepared.reward_weights
    return Submission(
        values={
            "spec": spec.model_dump_json(),
            "webhooks": webhooks.dump(spec.webhooks),
            "schema": Schema.of(prepared.dataset).to_json() if uploaded_id(spec.dataset) else None,
            "priority": spec.priority,
            "dataset_id": uploaded_id(spec.dataset),
            "validation_dataset_id": uploaded_id(spec.validation_dataset),
            "parameters": cost.parameters,
            "samples": cost.samples,
            "flops": cost.flops,
            "ttl_seconds": expiry(spec.ttl_seconds, settings.job_ttl_seconds),
            **price.values,
        },
        labels=spec.labels,
        search_terms=(spec.name or "", prepared.dataset.name, getattr(spec.dataset, "id", "")),
        initial_weights=None if weights is None else pack({**weights, **prepared.scaling}),
        reward_weights=None if reward_weights is None else pack(reward_weights),
    )
