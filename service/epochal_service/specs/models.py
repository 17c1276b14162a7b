"""Names of trained networks: a name stays, while the job behind it changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from .base import EpochNumber, IdOf, Reply, Spec, exactly_one
from .jobs import PredictInputs, Prediction


class SetNamedModelRequest(Spec):
    """A job, which becomes a new version, or an earlier version: one of the two."""

    model_config = ConfigDict(json_schema_extra=exactly_one("job", "version"))

    job: Annotated[str, Field(min_length=1, max_length=64), IdOf("job")] | None = None
    """The id of a job that has ended. Its weights become the next version."""
    epoch: EpochNumber | None = None
    """With `job`: the epoch of a stored checkpoint. Defaults to the restored epoch, see `best` of a
    job, or the latest.
    """
    version: int | None = Field(default=None, ge=1)
    """The number of an earlier version to return to."""
    share: float = Field(default=1.0, gt=0.0, le=1.0)
    """The share of predictions that the version makes. The version with the largest share until now
    makes the others. Requests with equal inputs go to the same version.
    """


class ModelVersion(Reply):
    """One version of a named model."""

    version: int
    """The number, from 1."""
    job: str
    """The id of the job."""
    epoch: int
    """The epoch of its weights."""
    share: float
    """The share of predictions that it makes. In [0, 1]."""
    created_at: datetime
    """Time at which the version was added."""


class NamedModel(Reply):
    """A name and its versions."""

    id: str
    """The name."""
    versions: list[ModelVersion]
    """All versions, newest first. A list of models has only versions that make predictions."""


class NamedModels(Reply):
    """All names of an owner."""

    models: list[NamedModel]
    """Models, by name."""


class PredictNamedModelRequest(PredictInputs):
    """Inputs, rows, a CSV or a grid: exactly one of the four."""


class ModelPrediction(Prediction):
    """Predictions of a version of a named model."""

    version: int
    """The version that made them."""
    job: str
    """The id of its job."""
