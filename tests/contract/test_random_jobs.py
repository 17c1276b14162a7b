"""A job of any fields that is accepted can be trained, and read by every method."""

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import (
    AUGMENTED,
    DIFFUSED,
    JOB,
    MASKED,
    PADDED,
    SEQUENCE,
    World,
)
from tests.contract.requests import RIGHT
from tests.contract.wires import Wires
from tests.examples import examples
from tests.rpc.training import train

from epochal_engine import LOSSES, OPTIMIZERS, SCHEDULES
from epochal_service.apis import methods

pytestmark = pytest.mark.long

READING = [rpc for rpc in RIGHT if methods()[rpc].path.startswith("/v1/jobs/{id}")]


def rows(*inputs: list[float], targets: list[Any]) -> dict[str, Any]:
    """A job on two columns and a number or class, as little of it as there may be."""
    is_class = all(isinstance(target, int) for target in targets)
    last = {"type": "dense", "units": 1, "activation": "sigmoid" if is_class else "linear"}
    return {
        "network": {"input_shape": [2], "layers": [last]},
        "dataset": {"inputs": [*inputs], "targets": [[target] for target in targets]},
        "loss": "binary_cross_entropy" if is_class else "mse",
    }


BASES: list[dict[str, Any]] = [
    JOB,
    SEQUENCE,
    PADDED,
    AUGMENTED,
    DIFFUSED,
    MASKED,
    rows([0.0, 0.0], targets=[0.0]),
    rows([0.0, 1.0], [1.0, 0.0], targets=[0, 0]),
    rows([1.0, 2.0], [1.0, 2.0], [1.0, 2.0], targets=[0.5, 0.5, 0.5]),
    rows([1.0, 2.0], [3.0, 2.0], [5.0, 2.0], [7.0, 2.0], targets=[1.0, 2.0, 2.0, 4.0]),
    rows([1e30, -1e30], [-1e30, 1e30], [0.0, 1e-30], targets=[1e30, 0.0, -1e30]),
    rows(*[[float(i), float(i % 3)] for i in range(12)], targets=[i % 2 for i in range(12)]),
]
RATES = st.sampled_from([1e-30, 1e-3, 0.1, 10.0, 1e12])
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "epochs": st.integers(1, 4),
    "batch_size": st.sampled_from([1, 2, 1000]),
    "validation_fraction": st.sampled_from([0.0, 0.25, 0.5]),
    "optimizer": st.fixed_dictionaries(
        {"type": st.sampled_from([*OPTIMIZERS]), "learning_rate": RATES}
    ),
    "schedule": st.fixed_dictionaries({"type": st.sampled_from([*SCHEDULES])}),
    "loss": st.sampled_from([*LOSSES]),
    "dtype": st.sampled_from(["float32", "float64"]),
    "target_scaling": st.sampled_from(["standardize", "none"]),
    "class_weights": st.sampled_from(["balanced", [1.0, 3.0]]),
    "early_stopping": st.sampled_from(
        [{"patience": 1}, {"patience": 1, "min_delta": 10.0, "restore_best": True}]
    ),
    "target": st.sampled_from([{"metric": "train_loss", "value": 1e9}]),
    "snapshots": st.fixed_dictionaries(
        {"gradients_every": st.integers(0, 3), "weights_every": st.integers(0, 3)}
    ),
    "regularization": st.sampled_from([{"l1": 1.0}, {"l2": 1e6}]),
    "clipping": st.sampled_from([{"norm": 1e-12}, {"value": 1e12}]),
    "shuffle": st.booleans(),
    "freeze": st.sampled_from([["dense_1"]]),
    "seed": st.integers(0, 3),
}
SPECS = st.builds(
    lambda base, changes: base | changes,
    st.sampled_from(BASES),
    st.dictionaries(st.sampled_from([*CHANGES]), st.none(), max_size=5).flatmap(
        lambda names: st.fixed_dictionaries({name: CHANGES[name] for name in names})
    ),
)


@pytest.mark.timeout(1800)  # in `make fuzz`, hundreds of jobs
def test_every_method_reads_every_job(service: Wires, world: World) -> None:
    requests = {rpc: RIGHT[rpc](world) for rpc in READING}
    tried: list[str] = []

    @settings(max_examples=examples(400))
    @given(SPECS, st.booleans(), st.randoms(use_true_random=False))
    def read(spec: dict[str, Any], is_http: bool, random: Any) -> None:
        over = service.over_http if is_http else service.over_grpc
        created = over("CreateJob", spec=spec)
        assert created.kind in (None, "INVALID_ARGUMENT"), created
        assume(created.kind is None)
        job = created.reply["id"]
        train(service.context, job)
        assert over("GetJob", id=job).reply["state"] in ("succeeded", "failed")
        for rpc in READING:
            request = random.choice(requests[rpc])
            answer = over(rpc, **{**request, "id": job})
            assert answer.kind in (None, "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"), (
                rpc,
                request,
                answer,
            )
        tried.append(job)

    read()
    assert len(tried) >= examples(400) // 2, "most jobs are accepted"
