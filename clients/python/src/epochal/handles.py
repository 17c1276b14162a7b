"""Common methods of the handles of jobs and sweeps: their life, and their events."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar, Generic, Self, TypeVar

from .following import GIVE_UP_SECONDS, TERMINAL, follow
from .notebook import table
from .records import read
from .session import Session
from .transport import noun_of
from .types import Delivery, JobData, JobState, StreamToken, SweepData

DataT = TypeVar("DataT", JobData, SweepData)
EventT = TypeVar("EventT")


class Handle(Generic[DataT, EventT]):
    """A job or a sweep of the service, with its latest record."""

    _data: DataT
    _session: Session
    _record: ClassVar[type[Any]]
    _token_rpc: ClassVar[str]
    _deliveries_rpc: ClassVar[str]
    _events: ClassVar[tuple[type[Any], ...]]

    def __init__(self, data: Mapping[str, Any], session: Session) -> None:
        self._data = read(self._record, data)
        self._session = session

    @property
    def id(self) -> str:
        """The id of the job or sweep."""
        return self._data.id

    @property
    def state(self) -> JobState:
        """The state of the job or sweep."""
        return self._data.state

    @property
    def is_over(self) -> bool:
        """Whether the job or sweep succeeded, failed or was cancelled."""
        return self.state in TERMINAL

    @property
    def name(self) -> str | None:
        """The display name in the spec."""
        name: str | None = self._job_spec().get("name")
        return name

    @property
    def labels(self) -> dict[str, str]:
        """The labels in the spec."""
        return dict(self._job_spec().get("labels") or {})

    def refresh(self) -> Self:
        """Update the handle from the service. Raises `NotFound` if the job or sweep was deleted."""
        return self._update(self._call("Get"))

    def wait(self, timeout: float | None = None) -> Self:
        """Wait until the job or sweep is over, and return it.

        Raises `TimedOut` after `timeout` seconds; the job or sweep continues.
        """
        if not self.is_over:
            for _ in self.watch(after=self._data.seq, timeout=timeout):
                pass
        return self.refresh()

    def watch(
        self,
        after: int | None = None,
        *,
        timeout: float | None = None,
        give_up_after: float = GIVE_UP_SECONDS,
    ) -> Iterator[EventT]:
        """Yield the events as they happen, up to the `EndEvent`, and update the handle.

        Without `after`, the first event is a snapshot: the record, and the curves so far. With the
        `seq` of an event, the events after it are replayed first. A broken connection is reopened;
        after `give_up_after` seconds without one, the last error is raised. Raises `TimedOut` after
        `timeout` seconds in all, and `NotFound`.
        """
        yield from self._watch(after, timeout=timeout, give_up_after=give_up_after)

    def _watch(self, after: int | None, **options: Any) -> Generator[EventT]:
        with closing(follow(self._session, self.id, after, **options)) as frames:
            for frame in frames:
                event = self._receive(frame)
                if event is not None:
                    yield event

    def _receive(self, frame: Mapping[str, Any]) -> EventT | None:
        """Update the handle by a frame, and return its event."""
        event = self._event_of(frame)
        if event is not None:
            self._data = self._after(event)
        return event

    def stream_token(self) -> StreamToken:
        """Return a token that opens the events for 60 seconds, without an API key.

        For the `EventSource` of a browser, which cannot send one: `/v1/jobs/{id}/events?token=…`,
        and `/v1/sweeps/{id}/events?token=…` for a sweep.
        """
        return read(StreamToken, self._session.call(self._token_rpc, {"id": self.id}))

    def update(
        self,
        *,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        remove_labels: Sequence[str] = (),
    ) -> Self:
        """Change the name and the labels of the job or sweep, in any state.

        `name` replaces the name, an empty text removes it; `labels` are added, or get another
        value. Absent fields stay. Raises `NotFound`, `InvalidArgument`.

        >>> job = client.jobs.create(client.preset("xor"), epochs=1, labels={"draft": ""})
        >>> job = job.update(name="XOR, week 3", labels={"course": "3"}, remove_labels=["draft"])
        >>> job.name, job.labels
        ('XOR, week 3', {'course': '3'})
        """
        fields = {"name": name, "labels": dict(labels or {}), "remove_labels": list(remove_labels)}
        return self._update(self._call("Update", **fields))

    def cancel(self) -> Self:
        """Cancel the job or sweep; its stored epochs stay. Raises `Conflict` if it ended in another
        way.
        """
        return self._update(self._call("Cancel"))

    def delete(self) -> None:
        """Delete the job or sweep and its stored data. Raises `Conflict` unless it is over."""
        self._call("Delete")

    def deliveries(self) -> list[Delivery]:
        """Return what the webhooks of the job or sweep have sent, with every attempt.

        `webhooks` of the spec names the receivers: `[{"url": "https://host.example/hook"}]`. Raises
        `NotFound`.
        """
        reply = self._session.call(self._deliveries_rpc, {"id": self.id})
        return [read(Delivery, row) for row in reply.get("deliveries") or ()]

    def _repr_html_(self) -> str:
        return table(self._data)

    # ------------------------------------------------------------------------- for subclasses

    def _job_spec(self) -> Mapping[str, Any]:
        """Return the spec of the job, or of the job that the members of a sweep share."""
        raise NotImplementedError

    def _snapshot(self, seq: int, data: Mapping[str, Any]) -> EventT:
        """Return the first event of a stream."""
        raise NotImplementedError

    def _event_of(self, frame: Mapping[str, Any]) -> EventT | None:
        """Return the event in a frame; None for a type that this version does not know."""
        name, seq = frame["type"], frame["seq"]
        data = frame.get(name) or {}
        if name == "snapshot":
            return self._snapshot(seq, data)
        event: EventT | None = next(
            (read(kind, data, seq=seq) for kind in self._events if kind.type == name), None
        )
        return event

    def _after(self, event: EventT) -> DataT:
        """Return the record after an event of the stream."""
        raise NotImplementedError

    def _call(self, verb: str, **fields: Any) -> dict[str, Any]:
        """Call the method with this verb, such as `GetJob`."""
        return self._session.call(f"{verb}{noun_of(self.id)}", {"id": self.id, **fields})

    def _update(self, data: Mapping[str, Any]) -> Self:
        self._data = read(self._record, data)
        return self
