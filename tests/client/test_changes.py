"""The SDK makes the changes of a spec as the service does."""

import random
from typing import Any

import numpy as np
import pytest
from tests.workers.test_changes import CHANGES, INLINE, POINT_CHANGES, SPEC

import epochal
from epochal import layers
from epochal.specs import repeated, spec_after
from epochal_service.errors import InvalidArgument
from epochal_service.specs import changes
from epochal_service.specs.training import TrainingSpec

MOONS: dict[str, Any] = {
    "network": epochal.network([2], [layers.dense(5, "tanh"), layers.dense(1, "sigmoid")]),
    "dataset": {"name": "two_moons", "samples": 60},
    "loss": "binary_cross_entropy",
    "epochs": 10,
}


@pytest.mark.parametrize("seed", range(40))
def test_both_have_the_same_spec_after_each_change(seed: int) -> None:
    rng = random.Random(seed)
    base, kinds = (INLINE, POINT_CHANGES) if seed % 2 else (SPEC, CHANGES)
    spec = TrainingSpec.model_validate(base)
    for epoch in range(1, 9):
        change = {"epoch": epoch, "training": kinds[rng.choice([*kinds])]}
        document = spec.model_dump(mode="json")
        longer = TrainingSpec.model_validate(document | {"changes": [*spec.changes, change]})
        try:
            changes.spec_after(longer)
        except InvalidArgument:
            continue  # it does not fit the changes before it
        spec = longer
        ours = spec_after(spec.model_dump(mode="json"), epoch)
        theirs = changes.spec_after(spec, epoch)
        assert TrainingSpec.model_validate(ours) == theirs


def test_a_repetition_that_changes_leaves_out_what_comes_later_within_its_epoch() -> None:
    rate = {"optimizer": {"learning_rate": 0.003}}
    made = [{"epoch": 3, "step": step, "training": rate} for step in (0, 5)]
    spec = {**MOONS, "changes": made}
    assert repeated(spec, 3, {})["changes"] == made
    batch = {"batch_size": 9}
    assert repeated(spec, 3, batch)["changes"] == [made[0], {"epoch": 3, "training": batch}]


def test_a_fork_with_another_network_has_the_same_outputs(client: epochal.Client) -> None:
    moons = client.jobs.create(MOONS).wait(60, check=True)
    network = epochal.network([2], [layers.dense(8, "tanh"), layers.dense(1, "sigmoid")])
    fork = moons.fork(10, network=network, epochs=2).wait(60, check=True)
    assert fork.forked_from == epochal.ForkedFrom(moons.id, 10)
    points = [[0.5, 0.25], [-1.0, 0.75], [1.5, -0.5]]
    before, after = (np.array(job.predict(points, epoch=e)) for job, e in ((moons, 10), (fork, 0)))
    np.testing.assert_allclose(before, after, atol=1e-6)
    assert fork.weights(2)["dense_1.weight"].shape == (2, 8)
