"""The repetition of a training has its states, as many as a program may hold."""

from math import inf

import pytest
from tests.engine.test_run import classes

from epochal_engine import Adam, Data, Dense, Network, Run, Training
from epochal_engine.export.training import At
from epochal_engine.training import join
from epochal_service.answers import recordings
from epochal_service.answers.recordings import repeat, steps_between

NETWORK = Network((2,), (Dense(8, "tanh"), Dense(3, "softmax")))
DATA: Data = classes(200)
EPOCHS = 3
STATE = 4 * 3 * NETWORK.size


def states_of(training: Training) -> list[At]:
    run = Run(NETWORK, training, DATA)
    initial = run.weights()
    assert len([*run]) == EPOCHS
    columns = join(run.take()).columns
    between = steps_between(NETWORK, training, DATA, EPOCHS)
    again = Run(NETWORK, training, DATA, steps_at_once=between)
    repetition = repeat(again, {}, columns, None, {0: initial})
    assert repetition.contradictions == []
    return [*repetition.states]


def limit(monkeypatch: pytest.MonkeyPatch, states: int) -> None:
    monkeypatch.setattr(recordings, "STATE_BYTES", states * STATE)
    monkeypatch.setattr(recordings, "CLOSENESS", {32: states * STATE, 4: 3 * STATE})


def test_a_long_epoch_has_states_after_some_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    training = Training("cross_entropy", Adam(), EPOCHS, 2, seed=3)
    ends = [1, 2, 3]
    states = states_of(training)
    assert [at for at in states if isinstance(at, int)] == ends
    assert len(states) > 30
    limit(monkeypatch, 100)
    assert 9 < len(states_of(training)) < 15
    limit(monkeypatch, 9)
    states = states_of(training)
    assert {at[0] for at in states if isinstance(at, tuple)} == {*ends}
    assert 3 < len(states) <= 9
    limit(monkeypatch, 5)
    assert states_of(training) == ends
    limit(monkeypatch, 2)
    assert states_of(training) == [2]


def test_a_short_epoch_has_a_state_at_its_end_in_either_type() -> None:
    for dtype in ("float32", "float64"):
        training = Training("cross_entropy", Adam(), EPOCHS, 50, seed=3, dtype=dtype)
        assert steps_between(NETWORK, training, DATA, EPOCHS) == inf
        assert states_of(training) == [1, 2, 3]
