"""The price of a job before it is created: its work, its memory, and the bytes that it stores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import epochal_engine as engine

from ..errors import FieldError, InvalidArgument
from ..preparation.changes import after_changes
from ..preparation.prepared import Prepared
from ..settings import Settings
from ..specs.limits import LIMIT, in_bytes
from .estimate import dump_work, work_of
from .memory import memory_bytes
from .storage import Storage, storage_of


@dataclass(frozen=True)
class Price:
    """The cost of a job."""

    work: engine.Work
    memory_bytes: int
    stored_bytes: int

    @property
    def values(self) -> dict[str, Any]:
        """The values of the job's row."""
        return {
            "work": dump_work(self.work),
            "memory_bytes": self.memory_bytes,
            "stored_bytes": self.stored_bytes,
        }


def price_of(prepared: Prepared, settings: Settings, members: int | None = None) -> Price:
    """Return the price of a job with the changes of its spec, or of a sweep with `members`.

    Raises `InvalidArgument` if it exceeds a limit.
    """
    limits, prepared = settings.limits, after_changes(prepared)
    try:
        work = work_of(prepared, members or 1)
        storage = storage_of(prepared, work, settings.flush_seconds, members)
        memory = memory_bytes(prepared, storage, members)
    except MemoryError:  # an array that is larger than the memory of this machine
        storage, memory = None, None
    if storage is None or memory is None or memory > limits.max_memory_bytes:
        error = _memory_error(prepared, memory, limits.max_memory_bytes, members)
        raise InvalidArgument.of(error, reason="limit_exceeded")
    if storage.total > limits.max_stored_bytes:
        error = _stored_error(storage, limits.max_stored_bytes)
        raise InvalidArgument.of(error, reason="limit_exceeded")
    return Price(work, memory, storage.total)


def _memory_error(
    prepared: Prepared, memory: int | None, limit: int, members: int | None
) -> FieldError:
    """Return the error on the field that makes the difference."""
    batch = prepared.training.samples_per_step(prepared.cost.samples)
    smallest = replace(prepared.training, batch_size=1)
    alone = engine.memory(prepared.network, smallest, prepared.cost.samples)
    if batch > 1 and alone.total < limit / max(members or 1, 1):
        field, text = "batch_size", f"in batches of {batch:,} samples: use a smaller batch_size"
    elif members is not None and alone.total < limit:
        field, text = "variants", f"for {members} members at once: use fewer"
    else:
        field, text = "network.layers", "for this network and data: use a smaller network"
    needed = "more memory than this machine has" if memory is None else in_bytes(memory)
    return FieldError(
        field,
        f"makes the job need {needed}{' of memory' if memory is not None else ''} {text}; the "
        f"limit of one job is {in_bytes(limit)}: {LIMIT}",
    )


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
