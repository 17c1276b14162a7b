"""The price of a job, computed before it is created: its work, and the bytes that it stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import epochal_engine as engine

from ..errors import FieldError, InvalidArgument
from ..settings import Settings
from ..simulate.formulas import in_bytes
from ..specs.limits import LIMIT
from .estimate import dump_work, work_of
from .preparation import Prepared
from .storage import Storage, storage_of


@dataclass(frozen=True)
class Price:
    """What a job costs."""

    work: engine.Work
    stored_bytes: int

    @property
    def values(self) -> dict[str, Any]:
        """The values of the job's row."""
        return {"work": dump_work(self.work), "stored_bytes": self.stored_bytes}


def price_of(prepared: Prepared, settings: Settings, members: int | None = None) -> Price:
    """Return the price of a job, or of a sweep with so many members.

    Raises `InvalidArgument` if it exceeds a limit.
    """
    work = work_of(prepared, members or 1)
    storage = storage_of(prepared, work, settings.flush_seconds, members)
    if storage.total > settings.limits.max_stored_bytes:
        error = _stored_error(storage, settings.limits.max_stored_bytes)
        raise InvalidArgument.of(error, reason="limit_exceeded")
    return Price(work, storage.total)


def _stored_error(storage: Storage, limit: int) -> FieldError:
    """Return the error on the field that the largest part comes from."""
    parts = {
        "snapshots.weights_every": (
            storage.checkpoints,
            f"{storage.checkpoint_count:,} checkpoints: store them less often, or thin them",
        ),
        "snapshots.gradients_every": (
            storage.gradients,
            "gradient statistics: record them less often",
        ),
        "epochs": (storage.epochs, "metrics: train fewer epochs"),
        "network.layers": (storage.resume_point, "state to resume from: use a smaller network"),
        "dataset": (storage.data, "data: upload it once as a data set"),
    }
    field, (largest, text) = max(parts.items(), key=lambda part: part[1][0])
    return FieldError(
        field,
        f"would make the job store {in_bytes(storage.total)}, of which {in_bytes(largest)} "
        f"are {text}; the limit of one job is {in_bytes(limit)}: {LIMIT}",
    )
