"""Looking at a run, stopping it and going on from a state do not change a single bit of it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.selection import one_in

from epochal_engine import (
    Adam,
    Cosine,
    CrossEntropy,
    Data,
    Dense,
    Diffuse,
    Dropout,
    EarlyStopping,
    Embedding,
    Lion,
    MaskTokens,
    Momentum,
    Network,
    Noise,
    ReduceOnPlateau,
    Run,
    Sgd,
    State,
    Training,
)
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import Block, join

RNG = np.random.default_rng(0)


def data(samples: int, validation: int = 0) -> Data:
    inputs = RNG.normal(size=(samples + validation, 2))
    targets = (np.square(inputs).sum(1, keepdims=True) < 1.2).astype(float)
    if validation == 0:
        return Data(inputs, targets)
    return Data(inputs[:samples], targets[:samples], inputs[samples:], targets[samples:])


PLAIN = Network((2,), (Dense(5, "tanh"), Dense(3, "relu"), Dense(1, "sigmoid")))
DROPPED = Network((2,), (Dense(6, "gelu"), Dropout(0.3), Dense(1, "sigmoid")))
TRAINING = Training("binary_cross_entropy", Sgd(0.3), epochs=130)
TOKEN_ROWS = np.random.default_rng(2).integers(0, 9, (25, 6))
TOKENS = Data(
    TOKEN_ROWS[:19].astype(float),
    TOKEN_ROWS[:19],
    *MaskTokens(9, 0.3).once(TOKEN_ROWS[19:].astype(float), TOKEN_ROWS[19:]),
)
CLASSES = Network((3,), (Dense(4, "mish"), Dense(7, "softmax")))
CASES = {
    "full batch": (PLAIN, TRAINING, data(13)),
    "full batch with dropout": (DROPPED, replace(TRAINING, optimizer=Momentum(0.05)), data(9)),
    "seven classes": (
        CLASSES,
        replace(TRAINING, loss="cross_entropy", optimizer=Adam(0.02)),
        Data(RNG.normal(size=(21, 3)), np.eye(7)[np.arange(21) % 7]),
    ),
    "batches, one of them partial": (
        PLAIN,
        replace(TRAINING, optimizer=Adam(0.02), batch_size=8, schedule=Cosine(5, 0.1), l2=1e-3),
        data(43, validation=17),
    ),
    "dropout, clipping, sparse snapshots": (
        DROPPED,
        replace(
            TRAINING, optimizer=Adam(0.02), batch_size=16, clip_norm=0.1, gradients_every=7, seed=5
        ),
        data(40),
    ),
    "early stopping": (
        PLAIN,
        replace(
            TRAINING,
            optimizer=Adam(0.01),
            batch_size=20,
            epochs=1_000,
            early_stopping=EarlyStopping(patience=40, min_delta=1e-4),
        ),
        data(30, validation=20),
    ),
    "augmentation": (
        PLAIN,
        replace(TRAINING, batch_size=8, augmentation=(Noise(0.1),), optimizer=Lion(0.01)),
        data(19, validation=9),
    ),
    "masked tokens": (
        Network((6,), (Embedding(10, 3), Dropout(0.2), Dense(9, "softmax"))),
        replace(
            TRAINING,
            loss=CrossEntropy(ignore_label=-1),
            batch_size=8,
            corruption=MaskTokens(9, 0.3),
        ),
        TOKENS,
    ),
    "diffusion": (
        Network((3,), (Dense(4, "tanh"), Dense(2))),
        replace(TRAINING, loss="mse", batch_size=8, corruption=Diffuse(9)),
        Data(np.random.default_rng(3).normal(size=(19, 3)), np.zeros((19, 2))),
    ),
    "plateaus": (
        PLAIN,
        replace(
            TRAINING,
            optimizer=Adam(0.1),
            schedule=ReduceOnPlateau(factor=0.7, patience=1),
            l1=1e-3,
        ),
        data(13, validation=9),
    ),
}


def bits(block: Block, run: Run) -> dict[str, bytes | int]:
    """Everything that a run has given, as bytes."""
    weights, best = run.weights(), run.best()
    assert best is not None
    weights |= {f"best:{name}": array for name, array in best.weights.items()}
    weights["best"] = np.array([best.epoch, best.value])
    actual: dict[str, bytes | int] = {name: c.tobytes() for name, c in block.columns.items()}
    actual |= {name: values.tobytes() for name, values in weights.items()}
    actual["first"], actual["last"] = block.first_epoch, block.last_epoch
    if block.gradients is not None:
        actual["epochs"] = block.gradients.epochs.tobytes()
        actual["statistics"] = block.gradients.statistics.tobytes()
        actual["histogram"] = block.gradients.histogram.tobytes()
    return actual


def whole(case: str, take_every: int) -> tuple[dict[str, bytes | int], Run]:
    run = Run(*CASES[case])
    blocks = []
    for epoch in run:
        if epoch % take_every == 0:
            blocks += run.take()
    blocks += run.take()
    return bits(join(blocks), run), run


@pytest.mark.parametrize("case", CASES)
def test_taking_often_or_seldom_gives_the_same_bits(case: str) -> None:
    at_the_end, run = whole(case, take_every=10**9)
    assert run.epoch > 100
    assert whole(case, take_every=1)[0] == at_the_end
    assert whole(case, take_every=37)[0] == at_the_end


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_going_on_from_any_epoch_gives_the_same_bits(case: str) -> None:
    expected, run = whole(case, take_every=50)
    outcome = run.outcome
    for cut in [0, 1, 2, 3, *range(5, run.epoch, 11), run.epoch - 1, run.epoch]:
        first = Run(*CASES[case])
        if cut > 0:
            next(epoch for epoch in first if epoch == cut)
        blocks = first.take()
        state = through_json(first.state())
        assert state.values["epoch"] == cut
        second = Run(*CASES[case], state=state)
        assert second.epoch == cut
        assert list(second) == list(range(cut + 1, run.epoch + 1))
        blocks += second.take()
        assert bits(join(blocks), second) == expected
        assert second.outcome == outcome


@pytest.mark.parametrize("longest_round", one_in(3, [3, 1, Run.longest_round]))
@pytest.mark.parametrize("case", CASES)
def test_the_best_epoch_has_the_lowest_loss_of_all_so_far_and_its_weights(
    case: str, longest_round: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Run, "longest_round", longest_round)
    samples = CASES[case][2]
    metric = "train_loss" if samples.validation_inputs is None else "validation_loss"
    run = Run(*CASES[case])
    assert run.best() is None
    losses: list[float] = []
    after: dict[int, dict[str, Array]] = {}
    for epoch in run:
        losses += [float(x) for block in run.take() for x in block.columns[metric]]
        after[epoch] = run.weights()
        best = run.best()
        assert best is not None
        lowest = int(np.argmin(losses))
        assert (best.epoch, best.metric, best.value) == (lowest + 1, metric, losses[lowest])
        assert all((after[best.epoch][n] == w).all() for n, w in best.weights.items())


def test_a_run_that_diverges_has_the_best_epoch_before() -> None:
    network, _, samples = CASES["full batch"]
    training = Training("binary_cross_entropy", Sgd(1e12), epochs=50)
    run = Run(network, replace(training, l2=1e-3), samples)
    list(run)
    assert run.outcome is not None
    assert run.outcome.stop_reason == "diverged"
    best, state = run.best(), run.state()
    assert best is None or best.epoch <= state.values["epoch"]


def through_json(state: State) -> State:
    """The state as it comes back from a store: arrays as bytes, values as JSON."""
    arrays = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
        for name, array in state.arrays.items()
    }
    return State(arrays, json.loads(json.dumps(state.values, allow_nan=False)))


@pytest.mark.long
def test_going_on_after_every_single_epoch_gives_the_same_bits() -> None:
    case = "dropout, clipping, sparse snapshots"
    expected, run = whole(case, take_every=50)
    network, training, samples = CASES[case]
    state, blocks = None, []
    hop = run
    for epoch in range(1, run.epoch + 1):
        hop = Run(network, training, samples, state)
        assert next(iter(hop)) == epoch
        blocks += hop.take()
        state = hop.state()
    assert bits(join(blocks), hop) == expected


def test_a_state_is_a_copy() -> None:
    run = Run(*CASES["full batch"])
    epochs = iter(run)
    next(epochs)
    state = run.state()
    before = {name: array.tobytes() for name, array in state.arrays.items()}
    for _ in epochs:
        pass
    assert {name: array.tobytes() for name, array in state.arrays.items()} == before
    assert state.values["epoch"] == 1
    assert state.values["steps"] == 1


def test_a_longer_training_may_go_on_from_the_end_of_a_shorter_one() -> None:
    network, training, samples = CASES["full batch"]
    short = Run(network, replace(training, epochs=20), samples)
    for _ in short:
        pass
    longer = Run(network, replace(training, epochs=130), samples, short.state())
    for _ in longer:
        pass
    direct = Run(network, training, samples)
    for _ in direct:
        pass
    assert (
        direct.weights()["dense_1.weight"].tobytes() == longer.weights()["dense_1.weight"].tobytes()
    )


def test_another_seed_gives_another_run() -> None:
    network, training, samples = CASES["batches, one of them partial"]
    rows = []
    for seed in (0, 0, 1):
        run = Run(network, replace(training, seed=seed, epochs=2), samples)
        list(run)
        rows.append(join(run.take()).columns["train_loss"].tobytes())
    assert rows[0] == rows[1] != rows[2]


def test_the_weights_of_a_state_are_named() -> None:
    run = Run(*CASES["full batch with dropout"])
    next(iter(run))
    arrays = run.state().arrays
    assert {name: array.shape for name, array in arrays.items()} == {
        **DROPPED.parameters,
        **{f"best:{name}": shape for name, shape in DROPPED.parameters.items()},
        "moments": (1, 25),
    }
    for name, values in run.weights().items():
        assert (arrays[name] == values).all()


def test_a_state_of_another_network_is_refused() -> None:
    network, training, samples = CASES["full batch"]
    state = Run(network, training, samples).state()
    other = Network((2,), (Dense(9, "tanh"), Dense(1, "sigmoid")))
    with pytest.raises(
        ValueError, match=r"dense_1\.weight should have shape \(2, 9\), not \(2, 5\)"
    ):
        Run(other, training, samples, state)
    with pytest.raises(ValueError, match=r"moments should have shape \(2, 37\), not \(0, 37\)"):
        Run(network, replace(training, optimizer=Adam(0.1)), samples, state)
