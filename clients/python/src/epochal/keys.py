"""API keys that do less than the key of the client: for a page, a visitor, or a link to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .records import read
from .session import Part
from .types import Key, KeyAction
from .types import Keys as _Keys

LOOKING: tuple[KeyAction, ...] = ("read", "watch", "predict")


class Keys(Part):
    """`client.keys`."""

    def create(
        self,
        actions: Sequence[KeyAction] = LOOKING,
        *,
        name: str = "",
        jobs: Sequence[str] = (),
        labels: Mapping[str, str] | None = None,
        origins: Sequence[str] = (),
        jobs_per_hour: int | None = None,
        expires_in_seconds: int | None = None,
    ) -> Key:
        """Make a key. `key` of the result is the secret, which cannot be read again.

        The key reaches these `jobs` and sweeps, by their ids, and those with all of the `labels`;
        everything of its owner by default. It ends with the key of the client. Raises
        `InvalidArgument` for jobs that the client does not reach.

        >>> job = client.jobs.create(client.preset("xor"), epochs=1)
        >>> link = client.keys.create(jobs=[job.id], expires_in_seconds=3600)
        >>> link.actions
        ('read', 'watch', 'predict')
        >>> client.keys.delete(link.id)
        """
        fields = {
            "name": name,
            "actions": [*actions],
            "jobs": [*jobs],
            "labels": dict(labels or {}),
            "origins": [*origins],
            "jobs_per_hour": jobs_per_hour,
            "expires_in_seconds": expires_in_seconds,
        }
        return read(Key, self._session.call("CreateKey", fields))

    def list(self) -> tuple[Key, ...]:
        """Return the valid keys that keys of the same owner made, newest first, without secrets."""
        return read(_Keys, self._session.call("ListKeys", {})).keys

    def delete(self, key_id: str) -> None:
        """Revoke a key that was made so; what it created stays. Raises `NotFound`."""
        self._session.call("DeleteKey", {"id": key_id})
