"""Two classes work at once, over both wires, and everybody sees what they should and nothing else.

`make classes` does it with thirty pupils each for a minute.
"""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
from tests.client.material import XOR
from tests.servers.stack import MakeStack, Stack

import epochal

pytestmark = pytest.mark.long

SECONDS = float(os.environ.get("EPOCHAL_CLASS_SECONDS", 0))
PUPILS = 30 if SECONDS else 4


class Class:
    """A class with its keys, and the ids of the jobs that its pupils have right now."""

    def __init__(self, name: str, created: str) -> None:
        self.keys = {row["owner"]: row["key"] for row in json.loads(created)["keys"]}
        self.name = name
        self.pupils = [owner for owner in self.keys if owner != name]
        self.jobs: dict[str, list[str]] = {owner: [] for owner in self.pupils}
        self.created = 0
        self.lock = threading.Lock()


def client_of(stack: Stack, room: Class, owner: str) -> epochal.Client:
    url = stack.http if random.random() < 0.5 else f"grpc://{stack.grpc}"
    return epochal.Client(url, api_key=room.keys[owner])


def work(stack: Stack, room: Class, other_room: Class, owner: str, until: float) -> None:
    """Create, watch, list and delete jobs, and look for the jobs of the others."""
    with client_of(stack, room, owner) as client:
        while True:
            job = client.jobs.create(XOR, epochs=20)
            with room.lock:
                room.jobs[owner].append(job.id)
                room.created += 1
            assert [event.type for event in job.watch()][-1] == "end"
            listed = list(client.jobs.list())
            assert {row.owner for row in listed} == {owner}
            assert [row.id for row in listed] == room.jobs[owner][::-1]
            for other in (room, other_room):
                pupil = random.choice([name for name in other.pupils if name != owner])
                for job_id in other.jobs[pupil][-1:]:
                    with pytest.raises(epochal.NotFound):
                        client.jobs.get(job_id)
            assert not list(client.jobs.list(owner=room.name))
            if len(room.jobs[owner]) > 3 or random.random() < 0.3:
                client.jobs.get(room.jobs[owner][0]).delete()
                with room.lock:
                    room.jobs[owner].pop(0)
            if time.monotonic() >= until:
                return


def teach(stack: Stack, room: Class, done: Callable[[], bool]) -> int:
    """Read the runs of all pupils until they are done; return how often."""
    rounds = 0
    with client_of(stack, room, room.name) as client:
        while True:
            was_done = done()
            listed = list(client.jobs.list())
            assert {job.owner for job in listed} <= {*room.pupils}
            for job in listed[:3]:
                assert {row.owner for row in client.jobs.list(owner=job.owner)} <= {job.owner}
                try:
                    assert [event.type for event in job.watch()][-1] == "end"
                    assert len(job.curve().epochs)
                    with pytest.raises(epochal.Forbidden, match=f"only {job.owner} may change it"):
                        job.delete()
                except epochal.NotFound:  # the pupil deleted it in the meantime
                    continue
            rounds += 1
            if was_done:
                assert sorted(job.id for job in listed) == sorted(chain(*room.jobs.values()))
                return rounds


def test_two_classes_work_at_once_and_see_what_they_should(make_stack: MakeStack) -> None:
    names = ("10a", "10b")
    count = ("--count", str(PUPILS), "--json")
    stack = make_stack(keys=[("--class", name, *count) for name in names])
    rooms = [Class(name, created) for name, created in zip(names, stack.keys, strict=True)]
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(2 * PUPILS + 2) as threads:
        pupils = [
            threads.submit(work, stack, room, other, owner, until)
            for room, other in (rooms, rooms[::-1])
            for owner in room.pupils
        ]
        teachers = [
            threads.submit(teach, stack, room, lambda: all(pupil.done() for pupil in pupils))
            for room in rooms
        ]
        for pupil in pupils:
            pupil.result()
        rounds = [teacher.result() for teacher in teachers]
    created = [room.created for room in rooms]
    assert min(created) >= PUPILS
    sys.stdout.write(
        f"\n{created} jobs of {PUPILS} pupils each; the teachers read {rounds} times\n"
    )
