"""How many threads BLAS may use does not change a bit of a run."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from epochal_engine.symbolic.threads import _thread_count, one_thread

PROGRAM = """
import hashlib

import numpy as np

from epochal_engine import Adam, Data, Dense, Network, Run, Training, predict

rng = np.random.default_rng(0)
network = Network((784,), (Dense(256, "relu"), Dense(128, "tanh"), Dense(10, "softmax")))
targets = np.eye(10)[rng.integers(10, size=512)]
data = Data(rng.normal(size=(512, 784)), targets, rng.normal(size=(512, 784)), targets)
training = Training("cross_entropy", Adam(0.001), epochs=2, batch_size=128, seed=3)
run = Run(network, training, data)
for _ in run:
    pass
(block,) = run.take()
arrays = [*run.weights().values(), *block.columns.values(), block.gradients.statistics]
arrays.append(predict(network, run.weights(), data.train_inputs))
print(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
"""


def digest(threads: int) -> str:
    """A digest of everything that a run gives in its own process."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "OPENBLAS_NUM_THREADS": str(threads)},
        check=True,
        capture_output=True,
        text=True,
    )
    return finished.stdout


def test_the_same_seed_gives_the_same_bits_with_one_thread_and_with_two() -> None:
    assert digest(1) == digest(2)


def test_afterwards_there_are_as_many_threads_as_before() -> None:
    get, put = _thread_count()
    before = get()
    put(2)
    try:
        if get() != 2:
            pytest.skip("this BLAS has no setting for the number of threads")
        with one_thread():
            assert get() == 1
            assert np.dot(np.ones(3), np.ones(3)) == 3.0
        assert get() == 2
        with pytest.raises(ValueError, match="stop"), one_thread():
            raise ValueError("stop")
        assert get() == 2
    finally:
        put(before)
