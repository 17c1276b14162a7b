"""Names of trained networks: a name stays, while the job behind it changes."""

from __future__ import annotations

from typing import Any

from .arrays import Floats
from .jobs.predictions import Inputs, fields_of, outputs_of
from .records import read
from .session import Part
from .types import ModelPrediction, NamedModel, NamedModels


class Models(Part):
    """`client.models`."""

    def set(
        self,
        name: str,
        job: str | None = None,
        *,
        epoch: int | None = None,
        version: int | None = None,
        share: float = 1.0,
    ) -> NamedModel:
        """Let a name stand for a job that has ended, or for an earlier `version` of the model.

        `job` is the id of a job, which becomes a new version, with the weights of `epoch`, by
        default the restored or latest ones. With a `share` below 1, the version that made most
        predictions until now still makes the others. Raises `InvalidArgument`, `Conflict` if the
        job has not ended, and `NotFound` if there is no such version.

        >>> job = client.jobs.create(client.preset("xor"), epochs=1).wait()
        >>> client.models.set("exclusive-or", job.id).versions[0].version
        1
        >>> client.models.predict("exclusive-or", [[0, 1]]).shape
        (1, 1)
        >>> client.models.delete("exclusive-or")
        """
        fields: dict[str, Any] = {"id": name, "job": job, "epoch": epoch, "version": version}
        return read(NamedModel, self._session.call("SetNamedModel", {**fields, "share": share}))

    def get(self, name: str) -> NamedModel:
        """Return a model with all versions, newest first. Raises `NotFound`."""
        return read(NamedModel, self._session.call("GetNamedModel", {"id": name}))

    def list(self) -> tuple[NamedModel, ...]:
        """Return all models by name, with the versions that make predictions."""
        return read(NamedModels, self._session.call("ListNamedModels", {})).models

    def delete(self, name: str) -> None:
        """Delete a name and its versions; their jobs stay. Raises `NotFound`."""
        self._session.call("DeleteNamedModel", {"id": name})

    def predict(self, name: str, inputs: Inputs) -> Floats:
        """Return the outputs of a model for `inputs`, which may be all that `Job.predict` takes.

        Raises `NotFound` without such a model, or if the job of its version was deleted, and
        `InvalidArgument` for inputs that do not fit.
        """
        is_single, fields = fields_of(inputs)
        return outputs_of(
            is_single, self._session.call("PredictNamedModel", {"id": name, **fields})
        )

    def prediction(self, name: str, inputs: Inputs) -> ModelPrediction:
        """Return the same with classes, their names, and the version. Raises the same errors."""
        _, fields = fields_of(inputs)
        reply = self._session.call("PredictNamedModel", {"id": name, **fields})
        return read(ModelPrediction, reply)
