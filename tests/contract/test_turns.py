"""Both wires refuse a simulation where too many of its owner wait, and nothing else."""

from functools import partial
from pathlib import Path

import pytest
from tests.contract.wires import wires
from tests.rpc.serving import settings

from epochal_service.methods import context
from epochal_service.store import migrate
from epochal_service.turns import Turns


def test_a_simulation_that_cannot_wait_is_refused(
    tmp_path: Path, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "Turns", partial(Turns, at_once=0, max_waiting=0))
    chosen = settings(tmp_path, broker_url=broker_url)
    migrate.upgrade(chosen.database_url)
    with wires(chosen) as service:
        neuron = {"inputs": [1.0], "weights": [0.5], "bias": 0.0}
        for answer in service.both("SimulateNeuron", **neuron):
            assert (answer.kind, answer.reason) == ("RESOURCE_EXHAUSTED", "quota_exceeded")
        reply = service.http.post("/course/v1/simulate/neuron", json=neuron)
        assert reply.headers["Retry-After"] == "1"
        for answer in service.both("GetVersion"):
            assert answer.kind is None
