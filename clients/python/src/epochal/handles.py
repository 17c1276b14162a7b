"""What the handles of jobs and sweeps have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from .records import read
from .session import Session
from .types import Delivery


class Handle:
    """A job or a sweep of the service."""

    _session: Session
    _update_rpc: ClassVar[str]
    _deliveries_rpc: ClassVar[str]

    @property
    def id(self) -> str:
        """The id of the job or sweep."""
        raise NotImplementedError

    def update(
        self,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        remove_labels: Sequence[str] = (),
    ) -> Self:
        """Change the name and the labels of the job or sweep, in any state.

        `name` replaces the name, an empty text removes it; `labels` are added, or get another
        value. What is absent stays. Raises `NotFound`, `InvalidArgument`.

        >>> job = client.jobs.create(client.preset("xor"), epochs=1, labels={"draft": ""})
        >>> job = job.update(name="XOR, week 3", labels={"course": "3"}, remove_labels=["draft"])
        >>> job.name, job.labels
        ('XOR, week 3', {'course': '3'})
        """
        fields = {"name": name, "labels": dict(labels or {}), "remove_labels": list(remove_labels)}
        return self._update(self._session.call(self._update_rpc, {"id": self.id, **fields}))

    def deliveries(self) -> list[Delivery]:
        """Return what the webhooks of the job or sweep have sent, with every attempt.

        `webhooks` of the spec names the receivers: `[{"url": "https://host.example/hook"}]`. Raises
        `NotFound`.
        """
        reply = self._session.call(self._deliveries_rpc, {"id": self.id})
        return [read(Delivery, row) for row in reply.get("deliveries") or ()]

    def _update(self, data: Mapping[str, Any]) -> Self:
        raise NotImplementedError
