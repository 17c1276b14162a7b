"""Long walks through the lives of things, over either wire in turn, beside a model of both.

Everything that may happen to a job happens here, in an order that a seed decides: wishes of users,
workers that take it and give it back, data sets and networks that go. No clock has a part in it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.contract.conftest import NETWORK
from tests.contract.wires import Answer, Wires
from tests.rpc.training import train

from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import TRANSITIONS, Claim, Progress
from epochal_service.specs.jobs import TERMINAL

pytestmark = pytest.mark.long

WISHES: dict[str, dict[str, str]] = {
    "CancelJob": {
        "queued": "cancelled",
        "paused": "cancelled",
        "running": "cancelling",
        "pausing": "cancelling",
        "cancelling": "cancelling",
        "cancelled": "cancelled",
    },
    "PauseJob": {
        "queued": "paused",
        "running": "pausing",
        "pausing": "pausing",
        "paused": "paused",
    },
    "ResumeJob": {
        "paused": "queued",
        "pausing": "running",
        "queued": "queued",
        "running": "running",
    },
}
GIVEN_BACK = {"running": "queued", "pausing": "paused", "cancelling": "cancelled"}
DELETED = "deleted"
GONE = ("NOT_FOUND", "not_found")
POINTS = {"name": "two_moons", "samples": 12}


@dataclass
class Walk:
    """The created objects, and their expected states."""

    service: Wires
    seed: int
    jobs: dict[str, str] = field(default_factory=dict)  # id -> state
    trains_on: dict[str, str] = field(default_factory=dict)  # job -> data set
    datasets: dict[str, bool] = field(default_factory=dict)  # id -> whether it is there
    networks: dict[str, bool] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    been: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def ask(self, rpc: str, **fields: Any) -> Answer:
        over = self.rng.choice([self.service.over_http, self.service.over_grpc])
        answer = over(rpc, **fields)
        self.steps.append(f"{over.__name__} {rpc} {fields.get('id', '')} {answer.kind}")
        return answer

    def succeeded(self, answer: Answer, *expected: str) -> bool:
        """Whether it was granted; an error must be the expected kind and reason."""
        assert (answer.kind, answer.reason) == (expected or (None, None)), self.steps[-20:]
        return not expected

    def one_of(self, things: dict[str, Any]) -> str | None:
        return self.rng.choice(list(things)) if things else None

    # ------------------------------------------------------------------------------------- steps

    def make_job(self) -> None:
        dataset, network = self.one_of(self.datasets), self.one_of(self.networks)
        spec: dict[str, Any] = {
            "network": NETWORK,
            "dataset": POINTS,
            "loss": "binary_cross_entropy",
            "epochs": 2,
            "labels": {"walk": str(self.seed)},
        }
        missing = []
        if network and self.rng.random() < 0.3:
            spec["network"] = {"id": network}
            missing += [] if self.networks[network] else ["network.id"]
        if dataset and self.rng.random() < 0.6:
            spec["dataset"] = {"id": dataset}
            # The network is looked up first.
            missing += [] if self.datasets[dataset] else ["dataset.id"]
        answer = self.ask("CreateJob", spec=spec)
        if missing:
            self.succeeded(answer, "INVALID_ARGUMENT", "invalid_argument")
            assert {name for name, _ in answer.errors} == {missing[0]}
            return
        self.succeeded(answer)
        self.jobs[answer.reply["id"]] = "queued"
        if "id" in spec["dataset"]:
            self.trains_on[answer.reply["id"]] = spec["dataset"]["id"]

    def make_dataset(self) -> None:
        answer = self.ask("CreateDataset", name="points", generator=POINTS)
        self.succeeded(answer)
        self.datasets[answer.reply["id"]] = True

    def make_network(self) -> None:
        answer = self.ask("CreateNetwork", network=NETWORK)
        self.succeeded(answer)
        self.networks[answer.reply["id"]] = True

    def wish(self) -> None:
        if not (job := self.one_of(self.jobs)):
            return
        rpc = self.rng.choice(list(WISHES))
        state = self.jobs[job]
        becomes = WISHES[rpc].get(state)
        answer = self.ask(rpc, id=job)
        if state == DELETED:
            self.succeeded(answer, *GONE)
        elif becomes is None:
            self.succeeded(answer, "FAILED_PRECONDITION", "job_state")
        elif self.succeeded(answer):
            assert answer.reply["state"] == becomes
            assert becomes == state or becomes in TRANSITIONS[state]  # type: ignore[index]
            self.jobs[job] = becomes

    def delete_job(self) -> None:
        if not (job := self.one_of(self.jobs)):
            return
        answer = self.ask("DeleteJob", id=job)
        if self.jobs[job] == DELETED:
            self.succeeded(answer, *GONE)
        elif self.jobs[job] not in TERMINAL:
            self.succeeded(answer, "FAILED_PRECONDITION", "job_not_ended")
        elif self.succeeded(answer):
            self.jobs[job] = DELETED

    def delete_dataset(self) -> None:
        if not (dataset := self.one_of(self.datasets)):
            return
        over = {*TERMINAL, DELETED}
        in_use = dataset in {d for job, d in self.trains_on.items() if self.jobs[job] not in over}
        answer = self.ask("DeleteDataset", id=dataset)
        if not self.datasets[dataset]:
            self.succeeded(answer, *GONE)
        elif in_use:
            self.succeeded(answer, "FAILED_PRECONDITION", "dataset_in_use")
        elif self.succeeded(answer):
            self.datasets[dataset] = False

    def delete_network(self) -> None:
        if not (network := self.one_of(self.networks)):
            return
        answer = self.ask("DeleteNetwork", id=network)
        if self.succeeded(answer, *(() if self.networks[network] else GONE)):
            self.networks[network] = False

    def take(self) -> None:
        """A worker asks for a job; it gets it if it waits."""
        if not (job := self.one_of(self.jobs)):
            return
        claim = lifecycle.claim(
            self.service.context.database, job, lease_seconds=1e9, worker="w", kernel="k"
        )
        assert (claim is not None) == (self.jobs[job] == "queued")
        if claim is not None:
            self.claims[job], self.jobs[job] = claim, "running"

    def give_back(self) -> None:
        """A worker leaves: a wish is granted, or others may go on."""
        if not (job := self.one_of(self.claims)):
            return
        left = lifecycle.release(self.service.context.database, self.claims.pop(job), Progress())
        assert left == GIVEN_BACK[self.jobs[job]]
        self.jobs[job] = left

    def train(self) -> None:
        """A worker trains a job to its end, if it waits."""
        if not (job := self.one_of(self.jobs)):
            return
        left = train(self.service.context, job)
        waited = self.jobs[job] == "queued"
        assert left == ("succeeded" if waited else None)
        if waited:
            self.jobs[job] = "succeeded"

    # ------------------------------------------------------------------------------------- looks

    def look(self) -> None:
        """Some job is what it must have become, and so is what can be asked of it."""
        if not (job := self.one_of(self.jobs)):
            return
        state = self.jobs[job]
        self.been.add(state)
        answer = self.ask("GetJob", id=job)
        if self.succeeded(answer, *(GONE if state == DELETED else ())):
            assert answer.reply["state"] == state, self.steps[-20:]
            assert answer.reply.get("epoch", 0) == (2 if state == "succeeded" else 0)
        epochs = self.ask("ListEpochs", id=job)
        if self.succeeded(epochs, *(GONE if state == DELETED else ())):
            assert len(epochs.reply.get("epochs", [])) == (2 if state == "succeeded" else 0)

    def look_at_all(self) -> None:
        """The list has every existing job, newest first; so has the list of each state."""
        label = f"walk={self.seed}"
        here = {job: state for job, state in self.jobs.items() if state != DELETED}
        for states in ([], *([state] for state in TRANSITIONS)):
            expected = [job for job, state in here.items() if not states or state in states]
            answer = self.ask("ListJobs", label=label, states=states, page_size=1000)
            assert [job["id"] for job in answer.reply.get("jobs", [])] == expected[::-1]


STEPS: list[tuple[Callable[[Walk], None], int]] = [
    (Walk.make_job, 5),
    (Walk.make_dataset, 1),
    (Walk.make_network, 1),
    (Walk.wish, 8),
    (Walk.delete_job, 4),
    (Walk.delete_dataset, 2),
    (Walk.delete_network, 1),
    (Walk.take, 4),
    (Walk.give_back, 3),
    (Walk.train, 3),
]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_asked_in_whatever_order_the_answers_are_those_of_the_model(
    service: Wires, seed: int
) -> None:
    walk = Walk(service, seed)
    steps, weights = zip(*STEPS, strict=True)
    for step in walk.rng.choices(steps, weights, k=150):
        step(walk)
        walk.look()
    walk.look_at_all()
    assert {"running", "paused", "cancelled", "succeeded", DELETED} <= walk.been
