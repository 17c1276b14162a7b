"""Jobs and sweeps survive every fault, with the same results as undisturbed twins."""

import os
import secrets
import sys
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pytest
from tests.chaos.storm import QUICK, WORKERS, Storm
from tests.servers.postgres import PostgresServer
from tests.servers.stack import MakeStack
from tests.workers.in_process import DIGITS, LONG_EPOCHS, XOR, Service, service_at
from tests.workers.record import Record

pytestmark = pytest.mark.long

DatabaseName = Literal["sqlite", "postgresql"]

LEAVE_SECONDS = 5.0
# From a fault to the next epochs of each of its jobs.
RECOVERY_SECONDS = 20.0
# For five transactions of a job, and for its creation, beside a broker that hangs. If one of them
# waited for the broker, it would take a second or more, as would the transactions of two other jobs
# that its process trains in turns.
STALL_SECONDS = 10.0

# Many short epochs, some with all kinds of memory, and a few long ones: each for some seconds.
SPECS: dict[str, dict[str, Any]] = {
    "sweep": {
        "job": {
            **XOR,
            "dataset": {"name": "two_moons", "samples": 40},
            "network": {
                "input_shape": [2],
                "layers": [
                    {"type": "dense", "units": 8, "activation": "tanh"},
                    {"type": "dropout", "rate": 0.1},
                    {"type": "dense", "units": 1, "activation": "sigmoid"},
                ],
            },
            "batch_size": 8,
            "validation_fraction": 0.25,
            "epochs": 10_000,
        },
        "variants": [
            {"learning_rate": 0.01},
            {"learning_rate": 0.1, "seed": 3},
            {"initializer": "orthogonal", "initializer_gain": 2.0},
            {"beta_1": 0.5, "l2": 0.01},
        ],
    },
    "xor": {**XOR, "epochs": 100_000, "snapshots": {"gradients_every": 100}},
    "digits": {**DIGITS, "epochs": 400, "early_stopping": {"patience": 380}},
    "moons": {**LONG_EPOCHS, "epochs": 12},
}


def shortened(spec: dict[str, Any]) -> dict[str, Any]:
    """The same with a sixth of the epochs, and no more patience than that."""
    if "job" in spec:
        return {**spec, "job": shortened(spec["job"])}
    shorter = {**spec, "epochs": spec["epochs"] // 6}
    if "early_stopping" in spec:
        shorter["early_stopping"] = {"patience": spec["early_stopping"]["patience"] // 6}
    return shorter


SHORT_SPECS = {kind: shortened(spec) for kind, spec in SPECS.items()}


@pytest.fixture(scope="module")
def peace(valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("peace")
    with service_at(f"sqlite:///{folder}/epochal.db", valkey_server, folder) as service:
        service.settings = service.settings.model_copy(update={"flush_seconds": 1.0})
        yield service


def twins(peace: Service, specs: dict[str, dict[str, Any]]) -> dict[str, Record]:
    """Return the record of each kind of job without faults."""
    return {kind: peace.undisturbed(spec) for kind, spec in specs.items()}


@pytest.fixture(scope="module")
def short_twins(peace: Service) -> dict[str, Record]:
    return twins(peace, SHORT_SPECS)


@pytest.fixture(scope="module")
def long_twins(peace: Service) -> dict[str, Record]:
    return twins(peace, SPECS)


@pytest.fixture
def server(database: DatabaseName, request: pytest.FixtureRequest) -> PostgresServer | None:
    """The server of the database; None for SQLite."""
    if database == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_jobs_survive_every_fault(
    make_stack: MakeStack,
    short_twins: dict[str, Record],
    database: DatabaseName,
    server: PostgresServer | None,
) -> None:
    stack = make_stack(database=database, workers=WORKERS, **QUICK)
    storm = Storm(stack, SHORT_SPECS, short_twins, np.random.default_rng(1), server)
    # Faults that do not depend on the database are met on one of the two.
    elsewhere = storm.common_faults[server is None :: 2]
    try:
        for fault in storm.faults:
            if fault not in elsewhere:
                storm.strike(fault)
        storm.check()
    finally:
        storm.close()


@pytest.mark.chaos
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_jobs_survive_a_storm_of_faults(
    make_stack: MakeStack,
    long_twins: dict[str, Record],
    database: DatabaseName,
    server: PostgresServer | None,
    capfd: pytest.CaptureFixture[str],
) -> None:
    rounds = int(os.environ.get("EPOCHAL_CHAOS_ROUNDS", "40")) // 2
    seed = int(os.environ.get("EPOCHAL_CHAOS_SEED") or secrets.randbelow(2**32))
    with capfd.disabled():
        sys.stdout.write(f"\n{database}: SEED={seed}\n")
    rng = np.random.default_rng(seed)
    stack = make_stack(database=database, workers=WORKERS, **QUICK)
    storm = Storm(stack, SPECS, long_twins, rng, server)
    try:
        # Every kind equally often, in any order.
        rounds_of_each = -(-rounds // len(storm.faults))
        for fault in rng.permutation([*storm.faults] * rounds_of_each)[:rounds]:
            storm.strike(str(fault))
        storm.check()
        with capfd.disabled():
            sys.stdout.write(f"\n{storm.report()}\n")
        assert max(storm.leaves, default=0.0) < LEAVE_SECONDS
        assert max(map(max, storm.recoveries.values()), default=0.0) < RECOVERY_SECONDS
        assert max(storm.stalls + storm.creations, default=0.0) < STALL_SECONDS
    finally:
        storm.close()
