"""Jobs that learn from preferences or rewards continue with the same reference, bit for bit."""

from typing import Any

import pytest
from tests.workers.in_process import AT_ONCE, NEVER, Service, at_call
from tests.workers.record import record

from epochal_service.methods import jobs
from epochal_service.store import checkpoints

# Jobs of other kinds run the same SQL on both databases.

LENGTH = 16
NETWORK: dict[str, Any] = {
    "input_shape": [LENGTH],
    "layers": [
        {"type": "embedding", "vocabulary": 25, "units": 8},
        {"type": "dropout", "rate": 0.1},
        {"type": "gru", "units": 8, "return_sequences": True},
        {"type": "dense", "units": 24, "activation": "softmax"},
    ],
}
WRITER: dict[str, Any] = {
    "network": NETWORK,
    "dataset": {"name": "sentences", "samples": 60, "length": LENGTH},
    "loss": "cross_entropy",
    "epochs": 2,
}
PREFERRED: dict[str, Any] = {
    "network": NETWORK,
    "dataset": {"name": "preferences", "samples": 60, "length": LENGTH},
    "loss": "preference",
    "validation_fraction": 0.2,
    "epochs": 8,
    "snapshots": {"weights_every": 1},
}

REWARDED: dict[str, Any] = {
    **WRITER,
    "rollouts": {"reward": {"type": "count", "texts": ["moon", "e"]}, "grammar": "sentences"},
    "epochs": 8,
    "batch_size": 20,
    "snapshots": {"weights_every": 1},
}
JUDGE: dict[str, Any] = {
    "network": {
        "input_shape": [LENGTH],
        "layers": [
            {"type": "embedding", "vocabulary": 25, "units": 4},
            {"type": "global_average_pool"},
            {"type": "dense", "units": 1},
        ],
    },
    "dataset": {"name": "preferences", "samples": 40, "length": LENGTH},
    "loss": "preference",
    "epochs": 2,
}


@pytest.mark.parametrize("kind", ["pairs", "rule", "reward model"])
def test_a_job_with_a_reference_resumes_bit_for_bit(service: Service, kind: str) -> None:
    parent, judge = service.create(WRITER), service.create(JUDGE)
    assert service.run(parent) == service.run(judge) == "succeeded"
    start = {"job": parent}
    spec = PREFERRED if kind == "pairs" else REWARDED
    if kind == "reward model":
        spec = {**spec, "rollouts": {"reward": {"type": "job", "job": judge}}}
    whole, broken = (service.create(spec, initial_weights=start) for _ in range(2))
    jobs.delete_job(service.context, judge)
    assert service.run(whole) == "succeeded"
    pause = at_call(3, lambda: service.pause(broken))
    assert service.run(broken, pause, flush_seconds=AT_ONCE) == "paused"
    service.resume(broken)
    # The next worker dies before it stores a resume point, and another one begins again there.
    lost = at_call(2, lambda: service.lose_worker(broken))
    assert service.run(broken, lost, flush_seconds=AT_ONCE, checkpoint_seconds=NEVER) is None
    assert service.run(broken) == "succeeded"
    assert record(service.database, broken) == record(service.database, whole)
    with service.database.read() as connection:
        # Only an unfinished job keeps the weights of its reward model.
        assert checkpoints.start(connection, whole).reward_weights is None
