"""The compiled engine gives every bit that the Python engine gives."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Thread
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.recordings import CASES, DType, record
from tests.engine.test_layers import EXAMPLES
from tests.examples import examples

from epochal_engine import (
    ACTIVATIONS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Adam,
    AdamW,
    CrossEntropy,
    Data,
    Dense,
    Dropout,
    Embedding,
    Loss,
    Momentum,
    Network,
    Noise,
    Optimizer,
    Run,
    Sgd,
    State,
    Sweep,
    Training,
    choose_engine,
    chosen_engine,
    why_python,
)
from epochal_engine.model.metrics import Answers
from epochal_engine.optimize.optimizers.vectors import BLOCK, clear_denormals
from epochal_engine.symbolic.plan import perform, run_calls
from epochal_engine.symbolic.primitives.normal import _density_calls, _share_calls
from epochal_engine.symbolic.primitives.pooling import _fill_gradients, _fill_largest
from epochal_engine.symbolic.trace import Array, Call
from epochal_engine.training import LayerSlices
from epochal_engine.training.blocks import Block, join
from epochal_engine.training.epoch import scatter
from epochal_engine.training.probe import Probe
from epochal_engine.training.snapshots import take_snapshots
from epochal_engine.walk import compiled, python_calls
from epochal_engine.walk.native import LIBRARY, library
from epochal_engine.walk.recording import Measurement
from epochal_engine.walk.rows import MOST_NEIGHBORS, Kind, row_of
from epochal_engine.walk.table import Table

pytestmark = pytest.mark.skipif(why_python() is not None, reason=str(why_python()))


@contextmanager
def using(engine: Any) -> Iterator[None]:
    before = chosen_engine()
    choose_engine(engine)
    try:
        yield
    finally:
        choose_engine(before)


def bits_of(array: Array) -> bytes:
    """The bytes of the array; of NaN, which has many, always the same."""
    return bytes(np.where(np.isnan(array), np.nan, array).astype(array.dtype).tobytes())


def bits_of_block(block: Block) -> dict[str, bytes]:
    """Everything that is recorded of some epochs."""
    bits = {name: bits_of(column) for name, column in block.columns.items()}
    if block.gradients is not None:
        bits["statistics"] = bits_of(block.gradients.statistics)
        bits["histogram"] = block.gradients.histogram.tobytes()
    return bits


def bits_of_run(run: Run) -> dict[str, bytes]:
    for _ in run:
        pass
    state = run.state()
    arrays = {name: bits_of(array) for name, array in state.arrays.items()}
    return {**bits_of_block(join(run.take())), **arrays, "values": repr(state.values).encode()}


def bits_of_both(*arguments: Any) -> list[dict[str, bytes]]:
    """The bits of the run with each engine."""
    bits = []
    for engine in ("python", "compiled"):
        with using(engine):
            bits.append(bits_of_run(Run(*arguments)))
    return bits


# ---------------------------------------------------------------- runs


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_training_has_equal_bits(name: str, dtype: DType) -> None:
    recordings = []
    for engine in ("python", "compiled"):
        with using(engine):
            recordings.append(record(CASES[name], dtype))
    python, compiled_ = recordings
    for column, values in python.columns.items():
        assert compiled_.columns[column].tobytes() == values.tobytes(), column
    for epoch, weights in python.checkpoints.items():
        for parameter, values in weights.items():
            assert compiled_.checkpoints[epoch][parameter].tobytes() == values.tobytes(), parameter
    assert python.gradients is not None
    assert compiled_.gradients is not None
    for name in ("statistics", "histogram"):
        of_python, of_compiled = getattr(python.gradients, name), getattr(compiled_.gradients, name)
        assert of_compiled.tobytes() == of_python.tobytes(), name


@st.composite
def frozen_layers(draw: st.DrawFn, network: Network) -> tuple[str, ...]:
    """Names of layers, without one of the learning layers."""
    learning = sorted({name.partition(".")[0] for name in network.learned})
    left = draw(st.sampled_from(learning))
    return tuple(n for n in network.names if n != left and draw(st.integers(0, 2)) == 0)


@st.composite
def trainings(draw: st.DrawFn) -> tuple[Network, Training, Data]:
    """A network of layers, or of dense layers of any sizes, and everything else, at random."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    samples = draw(st.integers(1, 40))
    if draw(st.booleans()):
        network = Network(*draw(st.sampled_from([e for es in EXAMPLES.values() for e in es])))
    else:
        activations = st.sampled_from([name for name in ACTIVATIONS if name != "softmax"])
        sizes = draw(st.lists(st.integers(1, 70), min_size=1, max_size=4))
        dense: list[Any] = [Dense(size, draw(activations)) for size in sizes]
        if draw(st.booleans()):
            dense.insert(draw(st.integers(0, len(dense) - 1)), Dropout(draw(st.floats(0, 0.9))))
        network = Network((draw(st.integers(1, 40)),), (*dense, Dense(draw(st.integers(1, 12)))))
    network = replace(network, frozen=draw(frozen_layers(network)))
    is_tokens = network.layers[0].type == "embedding"
    size = (samples, *network.input_shape)
    inputs = rng.integers(3, size=size).astype(float) if is_tokens else rng.normal(size=size)
    targets = rng.normal(size=(samples, *network.output_shape))
    held = draw(st.integers(0, samples - 1))
    parts: list[Array] = [inputs[held:], targets[held:]]
    if held > 0:
        parts += [inputs[:held], targets[:held]]
    optimizer = draw(st.sampled_from([o for o in OPTIMIZERS if o != "perceptron"]))
    training = Training(
        draw(st.sampled_from(["mse", "mae", "huber"])),
        OPTIMIZERS[optimizer](learning_rate=draw(st.sampled_from([1e-3, 0.05, 1.0, 1e9]))),
        epochs=draw(st.integers(1, 6)),
        batch_size=draw(st.one_of(st.none(), st.integers(1, 16))),
        l1=draw(st.sampled_from([0.0, 0.01])),
        l2=draw(st.sampled_from([0.0, 0.01])),
        clip_norm=draw(st.sampled_from([None, 0.1])),
        clip_value=draw(st.sampled_from([None, 0.01])),
        augmentation=() if is_tokens else draw(st.sampled_from([(), (Noise(0.1),)])),
        shuffle=draw(st.booleans()),
        schedule=SCHEDULES[draw(st.sampled_from(["constant", "cosine", "one_cycle"]))](),
        seed=draw(st.integers(0, 100)),
        dtype=draw(st.sampled_from(["float32", "float64"])),
    )
    return network, training, Data(*parts)


@settings(max_examples=examples(150))
@given(trainings())
def test_random_trainings_have_equal_bits(training: tuple[Network, Training, Data]) -> None:
    python, compiled_ = bits_of_both(*training)
    assert compiled_ == python


def spirals() -> Data:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 2))
    return Data(inputs[:45], inputs[:45, :1] ** 2, inputs[45:], inputs[45:, :1] ** 2)


NETWORK = Network((2,), (Dense(9, "gelu"), Dropout(0.2), Dense(8, "tanh"), Dense(1)))
TRAINING = Training("mse", Adam(0.02), epochs=20, batch_size=8, seed=3)


@pytest.mark.parametrize("every", [0, 1, 7])
def test_results_of_many_rounds_have_equal_bits(every: int) -> None:
    training = replace(TRAINING, epochs=300, gradients_every=every)
    in_python, in_c = bits_of_both(NETWORK, training, spirals())
    assert in_python == in_c


@pytest.mark.parametrize("rate", [4.0, 1e30])
def test_both_engines_explain_a_divergence_before_the_end_of_a_round_alike(rate: float) -> None:
    network = Network((1,), (Dense(1, use_bias=False), Dense(1, use_bias=False)))
    data = Data(np.ones((1, 1)), np.zeros((1, 1)))
    outcomes = []
    for engine in ("python", "compiled"):
        with using(engine):
            run = Run(network, Training("mse", Sgd(rate), epochs=500), data)
            bits_of_run(run)
        outcomes.append(run.outcome)
    assert outcomes[0] is not None
    assert outcomes[0].stop_reason == "diverged"
    assert outcomes[0] == outcomes[1]


def test_of_what_is_looked_at_after_each_epoch_nothing_else_is_kept() -> None:
    state = NETWORK.size * (1 + TRAINING.optimizer.moments)
    for engine, has_more in (("compiled", False), ("python", True)):
        with using(engine):
            run = Run(NETWORK, TRAINING, spirals())
        assert (run._buffer.slots.shape[1] > state) == has_more


def test_a_short_run_has_room_for_its_epochs_alone() -> None:
    training = replace(TRAINING, epochs=7)
    for engine in ("compiled", "python"):
        with using(engine):
            run = Run(NETWORK, training, spirals())
            for _ in run:
                if run.epoch == 3:
                    state = run.state()
            rest = Run(NETWORK, training, spirals(), state)
        assert len(run._buffer.slots) == 1 + 7
        assert len(rest._buffer.slots) == 1 + 4
        ended = Run(NETWORK, training, spirals(), run.state())
        assert [*ended] == []


def test_a_run_goes_on_with_the_other_engine_as_if_nothing_had_happened() -> None:
    expected, _ = bits_of_both(NETWORK, TRAINING, spirals())
    for first, second in (("python", "compiled"), ("compiled", "python")):
        with using(first):
            run = Run(NETWORK, TRAINING, spirals())
            next(epoch for epoch in run if epoch == 11)
            blocks = run.take()
        with using(second):
            rest = Run(NETWORK, TRAINING, spirals(), run.state())
            for _ in rest:
                pass
            actual = bits_of_block(join([*blocks, *rest.take()]))
        weights = {name: array.tobytes() for name, array in rest.weights().items()}
        assert {**actual, **weights}.items() <= expected.items()


def denormals(state: State) -> int:
    """How many moments are below the smallest normal number, and not 0."""
    arrays = [array for name, array in state.arrays.items() if name.startswith("moments")]
    return sum(int(((x != 0) & (abs(x) < np.finfo(x.dtype).smallest_normal)).sum()) for x in arrays)


@pytest.mark.parametrize("engine", ["python", "compiled"])
@pytest.mark.parametrize("optimizer", [Adam(0.02), Momentum(0.02)])
@pytest.mark.parametrize("of_many", [False, True])
def test_moments_without_gradients_decay_to_0(
    engine: Any, optimizer: Optimizer, of_many: bool
) -> None:
    training = replace(TRAINING, optimizer=optimizer)  # six steps in an epoch
    data = Data(spirals().train_inputs * [1, 0], spirals().train_targets)

    def begun(state: State | None = None) -> Run | Sweep:
        if of_many:
            return Sweep(NETWORK, [training, replace(training, seed=4)], data, state)
        return Run(NETWORK, training, data, state)

    with using(engine):
        state = begun().state()
        for name, array in state.arrays.items():
            if name.startswith("moments"):
                array.fill(1e-37)
        run = begun(state)
        next(epoch for epoch in run if epoch == 10)
        state = run.state()
        assert denormals(state) >= 9  # of the weights of the second feature
        # The steps before are counted.
        rest = begun(state)
        next(epoch for epoch in rest if epoch == 11)
        assert denormals(rest.state()) == 0


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("seeds", [(1, 1, 1), (1, 2, 3)])
def test_sweeps_have_equal_bits(seeds: tuple[int, ...], batch_size: int | None) -> None:
    optimizers = (Adam(0.01), Adam(0.02, beta_1=0.5), Adam(0.1))
    trainings = [
        replace(TRAINING, optimizer=optimizer, seed=seed, batch_size=batch_size, clip_norm=0.5)
        for optimizer, seed in zip(optimizers, seeds, strict=True)
    ]
    bits = []
    for engine in ("python", "compiled"):
        with using(engine):
            sweep = Sweep(NETWORK, trainings, spirals())
            for _ in sweep:
                pass
        blocks = [bits_of_block(join(member)) for member in sweep.take()]
        weights = [{k: a.tobytes() for k, a in sweep.weights(m).items()} for m in range(3)]
        bits.append((blocks, weights))
    assert bits[0] == bits[1]


def tokens() -> Data:
    """Sequences of five tokens, and the class of each token; some do not count."""
    rng = np.random.default_rng(0)
    return Data(rng.integers(7, size=(30, 5)).astype(float), rng.integers(-1, 4, size=(30, 5)))


CLASSIFIER = Network((5,), (Embedding(7, 6), Dense(4, "softmax")))
CLASSES = replace(
    TRAINING, loss=CrossEntropy(ignore_label=-1), clip_norm=0.1, clip_value=0.05, batch_size=7
)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_labels_and_clipped_gradients_have_equal_bits(dtype: DType) -> None:
    python, compiled_ = bits_of_both(CLASSIFIER, replace(CLASSES, dtype=dtype), tokens())
    assert compiled_ == python


@pytest.mark.parametrize("seeds", [(1, 1), (1, 2)])
def test_sweeps_over_labels_have_equal_bits(seeds: tuple[int, ...]) -> None:
    bits = []
    for engine in ("python", "compiled"):
        with using(engine):
            members = [replace(CLASSES, seed=seed, clip_norm=None) for seed in seeds]
            sweep = Sweep(CLASSIFIER, [replace(m, clip_value=None) for m in members], tokens())
            for _ in sweep:
                pass
        bits.append([bits_of_block(join(member)) for member in sweep.take()])
    assert bits[0] == bits[1]


def test_python_makes_few_of_the_calls_of_an_epoch() -> None:
    with using("compiled"):
        assert Run(CLASSIFIER, CLASSES, tokens()).python_calls == 0
        run = Run(NETWORK, TRAINING, spirals())
        assert run.engine == "compiled"
        assert run.python_calls == 0
    with using("python"):
        run = Run(NETWORK, TRAINING, spirals())
        assert run.engine == "python"
        assert run.python_calls > 100


# ---------------------------------------------------------------- calls

RNG = np.random.default_rng(0)
UNARY = (np.exp, np.tanh, np.log, np.sqrt, np.square, np.negative, np.sign, np.reciprocal, np.expm1)
BINARY = (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.logaddexp, np.heaviside)
COMPARISONS = (np.greater, np.greater_equal, np.equal)


@st.composite
def strided(draw: st.DrawFn, shape: tuple[int, ...], dtype: str) -> Array:
    """An array of a shape in memory of any order, with gaps."""
    steps = [draw(st.integers(1, 3)) for _ in shape]
    order = draw(st.permutations(range(len(shape))))
    memory = [shape[i] * steps[i] for i in order]
    whole = RNG.normal(size=memory).astype(dtype).transpose(np.argsort(order))
    parts: Any = (*(slice(None, None, step) for step in steps), ...)
    array: Array = whole[parts]
    return array


def results(call: Any, out: Array) -> tuple[bytes, bytes, int]:
    """The bits in `out` after Python and after C, and the number of Python's calls in the table."""
    before = out.copy()
    with np.errstate(all="ignore"):
        perform([call])
        expected = out.tobytes()
        np.copyto(out, before)
        with using("compiled"):
            (table,) = compiled([[call]])
        perform(table)
    return expected, out.tobytes(), python_calls(table)


@settings(max_examples=300)
@given(st.data())
def test_a_function_of_elements_has_equal_bits(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 9), max_size=4)))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    function = data.draw(st.sampled_from((*UNARY, *BINARY, *COMPARISONS)))
    inputs = []
    for _ in range(function.nin):
        narrow = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
        inputs.append(data.draw(strided(narrow[data.draw(st.integers(0, len(shape))) :], dtype)))
    out = data.draw(strided(shape, dtype))
    if data.draw(st.booleans()) and function not in COMPARISONS:
        inputs[0] = out
    call = (partial(function, *inputs, out=out), ())
    expected, actual, count = results(call, out)
    assert actual == expected
    assert count == 0


@pytest.mark.parametrize("function", [np.add, np.subtract, np.multiply, np.divide, np.maximum])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", ["(7, n) (n)", "(7, n) (7, 1)", "(7, 1) (7, n)", "in place"])
def test_many_short_rows_are_one_loop_of_the_walk(
    function: np.ufunc, dtype: str, form: str
) -> None:
    kind = Kind[function.__name__.upper()]
    for count in (2, 8, 17, 100, 128, 129):
        rows, row = RNG.normal(size=(7, count)).astype(dtype), RNG.normal(size=count).astype(dtype)
        column = row[:1] * np.arange(-1, 6).astype(dtype)[:, None]
        rows[3, 1], rows[4, :2], row[1], column[2] = np.nan, [0.0, -0.0], np.inf, np.nan
        inputs = {"(7, n) (7, 1)": (rows, column), "(7, 1) (7, n)": (column, rows)}
        out = rows if form == "in place" else np.empty_like(rows)
        call = (partial(function, *inputs.get(form, (rows, row)), out=out), ())
        with np.errstate(all="ignore"):
            expected, actual, _ = results(call, out)
        assert actual == expected
        known = row_of(call)
        assert known is not None
        assert (known.kind == kind + (dtype == "float64")) == (count <= MOST_NEIGHBORS)


@settings(max_examples=200)
@given(st.data())
def test_a_copy_in_any_order_has_equal_bits(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=4)))
    dtype = data.draw(st.sampled_from(["float32", "float64", "int64"]))
    source, out = data.draw(strided(shape, dtype)), data.draw(strided(shape, dtype))
    if data.draw(st.booleans()):
        source = np.ascontiguousarray(source.T).T
    expected, actual, count = results((np.copyto, (out, source)), out)
    assert actual == expected
    assert count == 0


@settings(max_examples=300)
@given(st.data())
def test_a_product_has_equal_bits(data: st.DataObject) -> None:
    m, k, n = (data.draw(st.one_of(st.just(1), st.integers(1, 40))) for _ in range(3))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    a, b = RNG.normal(size=(m, k)).astype(dtype), RNG.normal(size=(k, n)).astype(dtype)
    if data.draw(st.booleans()):
        a = np.asfortranarray(a)
    if data.draw(st.booleans()):
        b = np.asfortranarray(b)
    if data.draw(st.booleans()):
        b = a.T
    out = np.full((len(a), b.shape[1]), np.nan, dtype)
    if data.draw(st.booleans()):
        a, out = (a[0], out[0]) if len(a) > 0 else (a, out)
    for call in [(a.dot, (b, out)), (np.matmul, (a, b, out))]:
        expected, actual, count = results(call, out)
        assert actual == expected
        assert count == 0 or call[0] is np.matmul


@settings(max_examples=100)
@given(st.data())
def test_products_of_many_matrices_have_equal_bits(data: st.DataObject) -> None:
    outer = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)))
    m, k, n = (data.draw(st.integers(1, 12)) for _ in range(3))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    a, b = data.draw(strided((*outer, m, k), dtype)), data.draw(strided((*outer, k, n), dtype))
    if data.draw(st.booleans()):
        a = a[:1]
    out = np.empty((*outer, m, n), dtype)
    expected, actual, count = results((np.matmul, (a, b, out)), out)
    assert actual == expected
    assert count == 0


def test_calls_that_work_in_overlapping_memory_are_left_to_python() -> None:
    x = np.arange(10.0)
    call = (np.add, (x[:-1], x[1:], x[1:]))
    expected, actual, _ = results(call, x)
    assert actual == expected
    with using("compiled"):
        assert python_calls(*compiled([[(np.add, (x[:-2], x[:-2], x[2:]))]])) == 1
        assert python_calls(*compiled([[(x[:4].reshape(2, 2).dot, (np.eye(2), x[:4]))]])) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_calls_have_equal_bits(dtype: str) -> None:
    x = RNG.normal(size=(7, 5)).astype(dtype)
    x[3, 2], x[5] = np.nan, 1.0
    largest, row = np.empty(7, np.int64), np.empty((7, 1), dtype)
    positions = np.array([6, 0, -3, 40, 2])
    taken = np.empty((5, 5), dtype)
    calls: list[tuple[Any, Array]] = [
        ((np.maximum.reduce, (x, -1, None, row, True)), row),
        ((x.argmax, (1, largest)), largest),
        ((x.take, (positions, 0, taken, "clip")), taken),
        ((scatter, (x[None], np.array([[4, 1]]), taken[None, :2])), x),
        ((np.copyto, (taken.T, x[:5])), taken),
        ((taken[:, ::2].fill, (0,)), taken),
    ]
    for call, out in calls:
        expected, actual, count = results(call, out)
        assert actual == expected
        assert count == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("before", [62, 63])
def test_numbers_below_the_smallest_normal_one_become_0(dtype: str, before: int) -> None:
    smallest = np.finfo(dtype).smallest_normal
    normal = [smallest, -smallest, 1.0, np.inf, -np.inf, np.nan]
    smaller = [smallest / 2, -smallest / 4, np.finfo(dtype).smallest_subnormal, 0.0]
    for engine in ("python", "compiled"):
        clock, x = np.array(before), np.array(normal + smaller, dtype)
        with using(engine):
            (calls,) = compiled([[(clear_denormals, (clock, x))]])
        perform(calls)
        assert clock == before + 1
        assert python_calls(calls) == (engine == "python")
        expected = normal + [0.0] * 4 if before == 63 else normal + smaller
        assert bits_of(x) == bits_of(np.array(expected, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_numbers_are_those_of_the_generator(dtype: str) -> None:
    drawn = []
    for engine in ("python", "compiled"):
        rng, out, order = np.random.default_rng(1), np.empty(7, dtype), np.arange(1_025)
        with using(engine):
            (calls,) = compiled([[(rng.random, (None, out.dtype, out)), (rng.shuffle, (order,))]])
        perform(calls)
        perform(calls)
        drawn.append((out.tobytes(), order.tobytes(), rng.bit_generator.state))
        assert python_calls(calls) == (2 if engine == "python" else 0)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 9, 500])
def test_orders_are_those_of_the_generator(length: int) -> None:
    orders = []
    for engine in ("python", "compiled"):
        rng, order = np.random.default_rng(5), np.arange(length)
        with using(engine):
            (calls,) = compiled([[(rng.shuffle, (order,))]])
        perform(calls)
        orders.append((order.tobytes(), rng.bit_generator.state))
    assert orders[0] == orders[1]


def test_an_unknown_shuffle_is_left_to_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("epochal_engine.walk.rows.shuffle_is_known", lambda: False)
    with using("compiled"):
        assert Run(NETWORK, TRAINING, spirals()).python_calls == 1


@pytest.mark.parametrize("engine", ["python", "compiled"])
def test_states_of_an_unknown_layout_are_read_from_the_generator(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = []
    for is_known in (True, False):
        monkeypatch.setattr(
            "epochal_engine.walk.states.layout_is_known", lambda known=is_known: known
        )
        with using(engine):
            run = Run(NETWORK, TRAINING, spirals())
            states.append([run.state().values["random"] for _ in run])
    assert states[0] == states[1]
    assert len({repr(state) for state in states[0]}) == TRAINING.epochs


def test_other_threads_run_while_the_compiled_engine_walks() -> None:
    x = np.ones(500_000)
    with using("compiled"):
        (table,) = compiled([[(np.multiply, (x, x, x))] * 400])
    times: list[float] = []

    def walk() -> None:
        times.append(perf_counter())
        perform(table)
        times.append(perf_counter())

    thread = Thread(target=walk)
    ticks = []
    thread.start()
    while thread.is_alive():
        ticks.append(perf_counter())
    start, end = times
    quarter = (end - start) / 4
    assert any(start + quarter < tick < end - quarter for tick in ticks)


# ---------------------------------------------------------------- what is recorded


@st.composite
def predictions(draw: st.DrawFn) -> tuple[Loss, Answers, Array]:
    """Logits of some epochs, or of some members' epochs, and their targets."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    name = draw(st.sampled_from(sorted(LOSSES)))
    outputs = draw(st.integers(1, 40)) if name != "cross_entropy" else draw(st.integers(2, 60))
    answers = (draw(st.integers(1, 300)), *draw(st.sampled_from([(), (3,), (1, 2)])))
    epochs = draw(st.sampled_from([(1,), (4,), (2, 3)]))
    logits = rng.normal(size=(*epochs, *answers, outputs), scale=draw(st.sampled_from([1, 1e3])))
    logits = logits.astype(draw(st.sampled_from(["float32", "float64"])))
    if draw(st.booleans()):
        flat = logits.reshape(-1)
        flat[rng.integers(flat.size, size=3)] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    labels = rng.integers(outputs, size=answers)
    kind = draw(st.sampled_from(["labels", "classes", "shares"]))
    targets: Array = rng.random(size=(*answers, outputs))
    if name == "cross_entropy" and kind == "labels":
        targets = labels.astype(np.int32)
    elif kind == "classes":
        targets = np.eye(outputs)[labels]
    loss = LOSSES[name]
    if name == "cross_entropy" and draw(st.booleans()):
        loss = CrossEntropy(label_smoothing=0.1)
    weights = rng.random(size=answers) if draw(st.integers(0, 3)) == 0 else None
    return loss, Answers(targets, weights), logits


@settings(max_examples=200)
@given(predictions())
def test_metrics_of_predictions_have_equal_bits(case: tuple[Loss, Answers, Array]) -> None:
    results = []
    for engine in ("python", "compiled"):
        with using(engine), np.errstate(all="ignore"):
            metrics = Measurement(case[0], case[1])(case[2])
        results.append({name: values.tolist() for name, values in metrics.items()})
    assert repr(results[0]) == repr(results[1])


@settings(max_examples=100)
@given(st.data())
def test_statistics_of_layers_have_equal_bits(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    sizes = data.draw(st.lists(st.integers(1, 300), min_size=1, max_size=4))
    network = Network((1,), tuple(Dense(size, use_bias=False) for size in sizes))
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    scale = data.draw(st.sampled_from([1e-30, 1.0, 1e30]))
    size = sum(math.prod(shape) for shape in network.parameters.values())
    vectors = (scale * rng.normal(size=(3, 2, size))).astype(dtype)
    vectors[rng.random(size=vectors.shape) < 0.2] = 0
    if data.draw(st.booleans()):
        vectors[0, 1, rng.integers(size)] = data.draw(st.sampled_from([np.nan, np.inf]))
    records = {"gradient": vectors[0], "step": vectors[1, ::-1], "parameters": vectors[2]}
    inputs = rng.normal(size=(9, 1))
    bits = []
    for engine in ("python", "compiled"):
        with using(engine), np.errstate(all="ignore"):
            layers = LayerSlices(network)
            squares = {name: layers.squares(records[name]) for name in ("gradient", "parameters")}
            probe = Probe(network, inputs, dtype)
            snapshots = take_snapshots(layers, probe, np.arange(2), records, squares)
            together = layers.squares(vectors)
        arrays = (*squares.values(), together, snapshots.statistics, snapshots.histogram)
        bits.append([array.tobytes() for array in arrays])
    assert bits[0] == bits[1]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "gelu"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_descriptions_of_outputs_have_equal_bits(activation: str, dtype: str) -> None:
    network = Network((3,), (Dense(30, activation), Dense(200, activation), Dense(2)))
    rng = np.random.default_rng(0)
    parameters = rng.normal(size=(5, network.size), scale=2.0).astype(dtype)
    parameters[3] -= 3.0
    parameters[4, 0] = np.nan
    bits = []
    for engine in ("python", "compiled"):
        with using(engine), np.errstate(all="ignore"):
            seen = Probe(network, rng.normal(size=(40, 3)) * 0 + 1, dtype).look(parameters)
        bits.append(seen.tobytes())
    assert bits[0] == bits[1]
    saturated, dead = seen[..., 2], seen[..., 3]
    assert (saturated[:, :2].max() > 0) == (activation in ("tanh", "sigmoid"))
    assert (dead[:, :2].max() > 0) == (activation == "relu")


# ---------------------------------------------------------------- fused calls


def rows_in(calls: Sequence[Call]) -> int:
    return sum(len(x) for _, arguments in calls for x in arguments if isinstance(x, Table))


def steps_of_adam(optimizer: Any, size: int, dtype: str, engine: str) -> tuple[list[bytes], int]:
    """The bits that three steps leave, and the rows of the table."""
    rng = np.random.default_rng(0)
    parameter, gradient, step = (rng.normal(size=size).astype(dtype) for _ in range(3))
    gradient[:: size // 4 + 1] = 0
    moments, rate = np.zeros((2, size), dtype), np.array(0.01, dtype)
    shapes = {"w": (1, size)}
    with using(engine):
        calls = optimizer.calls(parameter, gradient, step, moments, rate, 0, shapes)
        (table,) = compiled([calls])
    for _ in range(3):
        perform(table)
    return [array.tobytes() for array in (parameter, step, moments)], rows_in(table)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [1, 2, 7, 33, 70_000])
def test_a_step_of_adam_is_one_row_with_equal_bits(size: int, dtype: str) -> None:
    for optimizer in (Adam(0.01), AdamW(0.01)):
        python, _ = steps_of_adam(optimizer, size, dtype, "python")
        compiled_, rows = steps_of_adam(optimizer, size, dtype, "compiled")
        assert compiled_ == python
        if size <= BLOCK:
            assert rows == 2


@settings(max_examples=100)
@given(st.data())
def test_the_largest_in_windows_have_equal_bits(data: st.DataObject) -> None:
    down, right = (data.draw(st.integers(1, 3)) for _ in range(2))
    size = data.draw(st.integers(1, down)), data.draw(st.integers(1, right))
    rows, columns = (data.draw(st.integers(1, 3)) for _ in range(2))
    images = data.draw(st.sampled_from([(), (3,)]))
    channels, samples = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([1, 5, 64, 300]))
    height, width = (rows - 1) * down + size[0] + 1, (columns - 1) * right + size[1]
    dtype = data.draw(st.sampled_from(["float32", "float64"]))
    # Few different numbers, so that many are equal.
    numbers = np.array([-np.inf, -1.0, -0.0, 0.0, 0.5, np.inf, np.nan], dtype)
    image = RNG.choice(numbers, size=(*images, height, channels, width, samples))
    g = RNG.choice(numbers, size=(*images, rows, channels, columns, samples))
    out, back = np.empty_like(g), np.empty_like(image)
    stride = (down, right)
    if math.prod(size) > 1:
        for call, written in (
            ((_fill_largest, (image, out, size, stride)), out),
            ((_fill_gradients, (image, g, back, size, stride)), back),
        ):
            expected, actual, count = results(call, written)
            assert actual == expected
            assert count == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 2, 5, 10, 16, 17])
def test_the_largest_of_each_row_has_equal_bits(count: int, dtype: str) -> None:
    numbers = np.array([-np.inf, -1.0, -0.0, 0.0, 0.5, np.nan, -np.nan], dtype)
    whole = RNG.choice(numbers, size=(3, 200, count))
    for x in (whole, whole[:, 50:150], whole[0]):
        out = np.empty((*x.shape[:-1], 1), dtype)
        expected, actual, python = results((np.maximum.reduce, (x, -1, None, out, True)), out)
        assert actual == expected
        assert python == 0


def test_an_unknown_largest_of_few_is_found_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    x, out = RNG.normal(size=(9, 4)), np.empty((9, 1))
    call = (np.maximum.reduce, (x, -1, None, out, True))
    kinds = [Kind.LARGEST_OF_FEW + 1, Kind.LARGEST]
    for is_known, kind in zip((True, False), kinds, strict=True):
        monkeypatch.setattr(
            "epochal_engine.walk.rows.largest_of_few_is_known", lambda *_, known=is_known: known
        )
        row = row_of(call)
        assert row is not None
        assert row.kind == kind
        expected, actual, _ = results(call, out)
        assert actual == expected


@pytest.mark.parametrize("size", [1, 3, 1_024, 1_025, 5_000])
def test_the_normal_distribution_is_one_row_with_equal_bits(size: int) -> None:
    x = (RNG.normal(size=size) * 3.0).astype("float32")
    x[:: size // 7 + 1] = np.resize(
        [np.inf, -np.inf, 0.0, -0.0, 5.6, 1e30, -9.0], len(x[:: size // 7 + 1])
    )
    out, scratch = np.empty_like(x), np.empty_like(x)
    for (call,) in (_share_calls(x, out, scratch), _density_calls(x, out)):
        expected, actual, count = results(call, out)
        assert actual == expected
        assert count == 0
    assert np.isfinite(out).all()


def test_the_normal_distribution_of_arrays_with_gaps_is_left_to_python() -> None:
    x = RNG.normal(size=(6, 8)).astype("float32")[:, ::2]
    out = np.empty(x.shape, "float32")
    (call,) = _density_calls(x, out)
    expected, actual, count = results(call, out)
    assert actual == expected
    assert count == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gelu_and_its_slope_leave_nothing_to_python(dtype: DType) -> None:
    network = Network((3,), (Dense(4, "gelu"), Dense(1)))
    inputs = RNG.normal(size=(9, 3))
    training = Training("mse", Adam(0.01), epochs=1, dtype=dtype)
    with using("compiled"):
        assert Run(network, training, Data(inputs, inputs[:, :1])).python_calls == 0


def test_an_unknown_maximum_is_left_to_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("epochal_engine.walk.rows.maximum_is_known", lambda: False)
    image, out = np.ones((2, 1, 2, 3)), np.empty((1, 1, 1, 3))
    expected, actual, count = results((_fill_largest, (image, out, (2, 2), (2, 2))), out)
    assert actual == expected
    assert count == 1


def test_calls_that_only_resemble_adam_are_not_fused() -> None:
    parameter, gradient, step = np.ones((3, 50))
    moments, rate = np.ones((2, 50)), np.array(0.01)
    calls = Adam(0.01).calls(parameter, gradient, step, moments, rate, 0, {})
    m = calls[1][1][0]
    changed: dict[int, Call] = {
        2: (np.add, (m, step, m)),
        5: (np.subtract, calls[5][1]),
        9: calls[9],
    }
    with using("compiled"):
        for at, call in changed.items():
            (table,) = compiled([[*calls[1:at], call, *calls[at + 1 :]]])
            assert rows_in(table) == (1 if at == 9 else 10)
        (table,) = compiled([calls[1:-1]])
        assert rows_in(table) == 9


# ---------------------------------------------------------------- chains

LONG = 5_000
TWO = np.array(2.0, np.float32)


@pytest.fixture
def long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays of `LONG` numbers are worth a chain; a piece is 2,048 of them."""
    monkeypatch.setattr("epochal_engine.walk.chains.FEWEST", LONG)


def bits_and_rows(calls: list[Call], memory: Array) -> tuple[bytes, bytes, int]:
    """The memory's bits after Python and after C, and the number of rows."""
    before = memory.copy()
    with np.errstate(all="ignore"):
        perform(calls)
        expected = memory.tobytes()
        np.copyto(memory, before)
        with using("compiled"):
            (table,) = compiled([calls])
        perform(table)
    return expected, memory.tobytes(), rows_in(table)


@pytest.mark.usefixtures("long")
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_calls_on_long_arrays_have_equal_bits_in_pieces(data: st.DataObject) -> None:
    memory = RNG.normal(size=4 * LONG).astype("float32")
    # Some of them overlap.
    starts = st.sampled_from([0, LONG, 2 * LONG, 3 * LONG, 1, LONG + 2_048, 2 * LONG - 7])
    calls: list[Call] = []
    for _ in range(data.draw(st.integers(1, 6))):
        x, y, out = (memory[k : k + LONG] for k in (data.draw(starts) for _ in range(3)))
        functions = (np.square, np.tanh, np.add, np.multiply)
        function: np.ufunc | None = data.draw(st.sampled_from([*functions, None]))
        if function is None:
            calls += _density_calls(x, out)
        else:
            inputs = (x, data.draw(st.sampled_from([y, TWO])))[: function.nin]
            calls += [(partial(function, *inputs, out=out), ())]
    expected, actual, _ = bits_and_rows(calls, memory)
    assert actual == expected


@pytest.mark.usefixtures("long")
def test_calls_on_the_same_long_arrays_are_one_row() -> None:
    memory = RNG.normal(size=(3, LONG)).astype("float32")
    x, y, z = memory
    calls: list[Call] = [
        (np.square, (x, y)),
        (partial(np.greater, y, x, out=z), ()),
        (np.multiply, (y, TWO, y)),
        *_density_calls(y, x),
        (np.add, (x, z, z)),
    ]
    expected, actual, rows = bits_and_rows(calls, memory)
    assert actual == expected
    assert rows == 1
    short: list[Call] = [(np.square, (x[:9], y[:9])), (np.add, (x[:9], y[:9], z[:9]))]
    assert bits_and_rows([*calls[:2], *short, *calls[2:]], memory)[2] == 4


@pytest.mark.usefixtures("long")
def test_calls_on_long_arrays_that_overlap_are_no_chain() -> None:
    memory = RNG.normal(size=2 * LONG + 1).astype("float32")
    x, shifted, y = memory[:LONG], memory[1 : LONG + 1], memory[LONG + 1 :]
    overlapping: tuple[list[Call], ...] = (
        [(np.square, (x, y)), (np.multiply, (y, TWO, shifted))],
        [(np.square, (y, shifted)), (np.multiply, (x, TWO, y))],
    )
    for calls in overlapping:
        expected, actual, rows = bits_and_rows(calls, memory)
        assert actual == expected
        assert rows == 2


# ---------------------------------------------------------------- calls that come again


@pytest.mark.parametrize("layer", [Dense(3, "tanh"), Dropout(0.5)])
def test_steps_that_come_again_are_compiled_once_and_have_equal_bits(layer: Any) -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(2_000, 3))
    data = Data(inputs, inputs[:, :1])
    network = Network((3,), (Dense(3, "tanh"), layer, Dense(1, "sigmoid")))
    training = Training("binary_cross_entropy", Adam(0.01), epochs=1, batch_size=1)
    python, compiled_ = bits_of_both(network, training, data)
    assert compiled_ == python
    with using("compiled"):
        run = Run(network, training, data)
    assert run.python_calls == 0
    # Some for each of 32 batches at a time, not for 2,000 steps.
    assert sum(rows_in(segment.calls) for segment in run._segments) < 1_500


def test_a_call_of_python_among_calls_that_come_again_is_counted_each_time() -> None:
    numbers = np.zeros(3)
    log: list[str] = []
    calls: list[Call] = [(np.add, (numbers, 1.0, numbers)), (log.append, ("a",))]
    again: Call = (run_calls, (calls,))
    other: Call = (np.square, (np.full(3, 2.0), numbers))
    with using("compiled"):
        (table,) = compiled([[again, other, again]])
    perform(table)
    assert numbers.tolist() == [5.0, 5.0, 5.0]
    assert log == ["a", "a"]
    assert python_calls(table) == 4


# ---------------------------------------------------------------- the choice


def test_a_library_of_another_version_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    other = tmp_path / "walk.c"
    other.write_text("another version")
    monkeypatch.setattr("epochal_engine.walk.native.SOURCES", (other,))
    monkeypatch.setattr("epochal_engine.walk._choice", None)
    library.cache_clear()
    try:
        assert why_python() == f"{LIBRARY.name} was built from other versions of its sources"
        assert chosen_engine() == "python"
        with pytest.raises(RuntimeError, match="the compiled engine is not available: walk"):
            choose_engine("compiled")
    finally:
        monkeypatch.undo()
        library.cache_clear()
    assert why_python() is None
