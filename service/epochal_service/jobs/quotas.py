"""An owner's use of the store, and the refusal of more.

count, compare, insert: one transaction, which locks the owner
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import QuotaExceeded
from ..settings import Quotas
from ..specs.limits import in_bytes
from ..store import Connection, datasets, exercises, jobs, members, networks, uploads
from ..store.database import lock_owner

QUEUE_RETRY_SECONDS = 10
"""When to repeat a request for which the queue had no room."""


@dataclass(frozen=True)
class Stored:
    """One kind of object that the store holds for an owner."""

    count: Callable[[Connection, str], int]
    advice: str
    """How to make room."""
    retry_after: int | None = None
    """Seconds after which there may be room without any deletion; None: never."""
    text: Callable[[int], str] = str
    """How an amount is written."""


def _bytes_of_class(connection: Connection, owner: str) -> int:
    group = members.group_of(connection, owner)
    return 0 if group is None else members.stored_bytes(connection, group)


STORED: dict[str, Stored] = {
    "max_running_jobs": Stored(
        lambda connection, owner: jobs.count(connection, owner, jobs.HELD), "wait until a job ends"
    ),
    "max_queued_jobs": Stored(
        lambda connection, owner: jobs.count(connection, owner, ("waiting", "queued")),
        "wait until a job starts, or cancel a queued one",
        QUEUE_RETRY_SECONDS,
    ),
    "max_stored_bytes_per_owner": Stored(
        jobs.stored_bytes,
        "delete jobs that you do not need, or store fewer checkpoints",
        text=in_bytes,
    ),
    "max_datasets": Stored(datasets.count, "delete a data set"),
    "max_dataset_bytes_per_owner": Stored(
        datasets.stored_bytes, "delete a data set", text=in_bytes
    ),
    "max_bytes_per_class": Stored(
        _bytes_of_class, "delete jobs or data sets of the class", text=in_bytes
    ),
    "max_networks": Stored(networks.count, "delete a network"),
    "max_exercises": Stored(exercises.count, "delete an exercise"),
    "max_uploads": Stored(uploads.count, "make a data set of an upload, or delete one"),
}
"""The quotas of stored objects, by their names in `Quotas`."""

_BYTES = ("max_stored_bytes_per_owner", "max_dataset_bytes_per_owner")


def reserve(connection: Connection, quotas: Quotas, owner: str, name: str, amount: int = 1) -> None:
    """Raise `QuotaExceeded` unless the owner, and its class, may store `amount` more until the
    commit.
    """
    _reserve(connection, quotas, owner, name, amount)
    if name in _BYTES and quotas.max_bytes_per_class is not None:
        group = members.group_of(connection, owner)
        if group is not None:
            _reserve(connection, quotas, group, "max_bytes_per_class", amount)


def _reserve(connection: Connection, quotas: Quotas, owner: str, name: str, amount: int) -> None:
    limit, stored = getattr(quotas, name), STORED[name]
    if limit is None:
        return
    lock_owner(connection, owner)
    used = stored.count(connection, owner)
    if used + amount > limit:
        more = "" if amount == 1 else f", and {stored.text(amount)} more are needed"
        raise QuotaExceeded(
            f"The quota {name} is used up, {stored.text(used)} of {stored.text(limit)}{more}: "
            f"{stored.advice}",
            retry_after=stored.retry_after,
        )
