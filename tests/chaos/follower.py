"""A client that follows a job or a sweep to its end, however often its connection breaks."""

import json
import threading
from dataclasses import dataclass
from itertools import chain
from typing import Any

import httpx2
from tests.workers.record import read

from epochal_service.curves.epochs import parse_note
from epochal_service.jobs.lifecycle import kind_of
from epochal_service.store import Database


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    id: int
    type: str
    data: dict[str, Any]


def parse(block: str) -> Event | None:
    """The event in a block of lines; None for a comment, or for advice on when to connect again."""
    fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
    if "event" not in fields:
        return None
    return Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))


class Follower:
    """Follows from the first event on, and after a break from the last that had arrived whole."""

    def __init__(self, url: str, job_id: str) -> None:
        self.events: list[Event] = []
        self.breaks = 0
        self._url = f"{url}/v1/{kind_of(job_id)}s/{job_id}/events"
        self._job_id = job_id
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name=f"follow {job_id}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Do not connect again."""
        self._over.set()

    def join(self, seconds: float) -> None:
        """Wait for the end of the stream."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"the stream of {self._job_id} has not ended"

    def _follow(self) -> None:
        with httpx2.Client(trust_env=False, timeout=httpx2.Timeout(5, read=60)) as client:
            while not self._over.is_set():
                try:
                    self._read(client)
                except httpx2.TransportError:
                    self.breaks += 1
                self._over.wait(0.05)

    def _read(self, client: httpx2.Client) -> None:
        cursor = self.events[-1].id if self.events else 0
        with client.stream("GET", self._url, headers={"Last-Event-ID": str(cursor)}) as response:
            if response.status_code == 204:
                self._over.set()
                return
            if response.status_code != 200:
                return
            lines: list[str] = []
            for line in response.iter_lines():
                if line:
                    lines.append(line)
                    continue
                event = parse("\n".join(lines))
                lines.clear()
                if event is not None:
                    self.events.append(event)

    def check(self, database: Database) -> None:
        """Everything that arrived is the job's whole log: in order, no gap, nothing twice."""
        row, rows = read(database, self._job_id)
        ids = [event.id for event in self.events]
        assert ids == sorted(set(ids))
        assert ids[-1] == row.last_seq

        result = [event.data["state"] for event in self.events if event.type == "state"]
        assert result == [
            parse_note(entry.note)["state"] for entry in rows if entry.kind == "state"
        ]

        reached = 0
        for batch in (event.data for event in self.events if event.type == "epochs"):
            assert batch["first_epoch"] == reached + 1
            reached = batch["last_epoch"]
        assert reached == row.epoch

        chosen = [event.data["epochs"] for event in self.events if event.type == "checkpoint"]
        noted = [parse_note(entry.note)["epochs"] for entry in rows if entry.kind == "checkpoint"]
        assert [*chain.from_iterable(chosen)] == [*chain.from_iterable(noted)]
        assert [event.type for event in self.events].count("end") == 1
        assert self.events[-1].type == "end"
        assert self.events[-1].data["stop_reason"] == row.stop_reason
