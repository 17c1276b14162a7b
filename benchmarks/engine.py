"""Speed of the engine and of other frameworks: `python -m benchmarks.engine [part …]`, one thread.

    training   microseconds per step of both engines, with and without snapshots; PyTorch's usual
               eager loop, and JAX with scan; the goals
    recording  what an epoch records in runs of ordinary length, as a share of the calls that train
               it, and its parts: losses of all samples, the forward pass of the samples that are
               looked at, statistics of layers, and the rest
    together   64 learning rates in one program, as a sweep trains them; PyTorch, one by one
    products   the share of matrix products in a step
    compiling  milliseconds until the first step
    peers      torch.compile, JAX (jit and scan), scikit-learn, and one object per neuron in node
    digits     seconds until the validation accuracy on digits is 97 %; PyTorch

Every figure is the best of several runs (of `recording` the median), in processor time, and
includes everything that a run does: losses, accuracies and norms of every epoch, and, where stated,
a snapshot of the gradients of all layers in every epoch. The other frameworks train the same
network and measure nothing; a ratio is how many times longer they take. A framework that is not
installed is listed as missing.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any
from unittest import mock

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import numpy as np
from benchmarks import _frameworks as frameworks
from benchmarks._cases import CASES, CLASSES, SMALL_TRANSFORMERS, Case, dense
from benchmarks._report import options, print_table

from epochal_engine import (
    Adam,
    Data,
    Dense,
    Gru,
    Lstm,
    Network,
    Rnn,
    Run,
    Sgd,
    Sweep,
    Target,
    Training,
    choose_engine,
    chosen_engine,
)
from epochal_engine.symbolic import Call, calls_of, perform, run_calls
from epochal_engine.training import Record, Streams, compile_epoch, record_shapes


def train(case: Case, data: Data) -> float:
    """Return microseconds of processor time per step, without compilation."""
    run = Run(case.network, case.training, data)
    start = process_time()
    for _ in run:
        pass
    seconds = process_time() - start
    assert run.outcome is not None
    assert run.outcome.stop_reason == "completed"
    return seconds / case.steps * 1e6


def train_in_python(case: Case, data: Data) -> float:
    """Return the microseconds per step of the Python engine, without snapshots."""
    choose_engine("python")
    try:
        return train(unrecorded(case), data)
    finally:
        choose_engine(None)


def unrecorded(case: Case) -> Case:
    """Return the case without snapshots."""
    return replace(case, training=replace(case.training, gradients_every=0))


def ratio_to(
    ours: float, peer: Callable[[Case, Data], float], case: Case, data: Data, repeats: int
) -> str:
    """Return how many times longer a framework takes, or why it does not run."""
    try:
        return f"{min(peer(case, data) for _ in range(repeats)) / ours:.2f}"
    except NotImplementedError:
        return ""
    except ImportError:
        return "missing"


def show_training(repeats: int) -> None:
    rows = []
    for case in (*CASES, *SMALL_TRANSFORMERS):
        data = case.data()
        peers = (frameworks.train_with_pytorch, frameworks.train_with_jax)
        # Alternating, so that a busy machine affects all alike.
        runs = [
            (train_in_python(case, data), train(unrecorded(case), data), train(case, data))
            for _ in range(repeats)
        ]
        python, plain, recorded = (min(run[i] for run in runs) for i in range(3))
        pytorch, jax = (ratio_to(plain, peer, case, data, min(repeats, 5)) for peer in peers)
        times = [f"{seconds:,.1f}" for seconds in (python, plain, recorded)]
        rows.append([case.name, *times, pytorch, *compared(pytorch, case.goal), jax])
    header = ["network", "in Python", "µs a step", "with snapshots"]
    header += ["PyTorch", "goal", "", "JAX scan"]
    print_table("Training; PyTorch and JAX: times as long", header, rows)


def compared(ratio: str, goal: float) -> list[str]:
    """Return the goal, and whether the ratio reaches it."""
    try:
        verdict = "reached" if float(ratio) >= goal else "MISSED"
    except ValueError:
        verdict = "not measured"
    return [f"{goal:g}", verdict]


# ---------------------------------------------------------------- many networks together

MEMBERS, TIMES_TOGETHER = 64, 300.0


def train_together(case: Case, data: Data) -> float:
    """Return microseconds of processor time per step of each of `MEMBERS` learning rates."""
    plain = unrecorded(case).training
    optimizers = [
        replace(plain.optimizer, learning_rate=float(rate))
        for rate in np.geomspace(1e-4, 1e-2, MEMBERS)
    ]
    trainings = [replace(plain, optimizer=optimizer) for optimizer in optimizers]
    sweep = Sweep(case.network, trainings, data)
    start = process_time()
    for _ in sweep:
        pass
    return (process_time() - start) / case.steps / MEMBERS * 1e6


def show_together(repeats: int) -> None:
    rows = []
    for case in CASES[:3]:
        data = case.data()
        runs = [
            (train(unrecorded(case), data), train_together(case, data))
            for _ in range(min(repeats, 5))
        ]
        alone, together = (min(run[i] for run in runs) for i in range(2))
        ratio = ratio_to(together, frameworks.train_with_pytorch, case, data, min(repeats, 3))
        times = [f"{alone:,.2f}", f"{together:,.2f}", f"{alone / together:.1f}"]
        rows.append([case.name, *times, ratio, *compared(ratio, TIMES_TOGETHER)])
    header = ["network", "alone, µs a step", "each of 64", "times", "PyTorch", "goal", ""]
    print_table("64 networks together; PyTorch: times as long, for each", header, rows)


# ---------------------------------------------------------------- recording

DIGITS_64 = Case(
    "64-64-10 relu, Adam, batch 32 of 1,440",
    dense(64, 64, 10, hidden="relu", output="softmax"),
    Training(CLASSES, Adam(0.001), epochs=1, batch_size=32),
    1_440,
)
# Epochs of a run: enough that one-time costs, such as the plan of the samples, do not matter.
RECORDED = [
    replace(case, training=replace(case.training, epochs=epochs))
    for case, epochs in zip(
        (*CASES[:2], DIGITS_64, *CASES[2:]), (10_000, 1_000, 400, 400, 20, 20, 4), strict=True
    )
]

PREDICTIONS = 2
"""The place of their number in the fields of `losses` in `record.c`."""


def walk_alone(case: Case, data: Data) -> float:
    """Return microseconds per epoch of the calls that train and validate, and nothing else."""
    run = Run(case.network, case.training, data)
    run._rate.fill(case.training.optimizer.learning_rate)
    start = process_time()
    for _ in range(case.training.epochs):
        for segment in run._segments:
            for function, arguments in segment.calls:
                function(*arguments)
    return (process_time() - start) / case.training.epochs * 1e6


def record(
    case: Case, data: Data, *, measures: bool = True, statistics: bool = True, looks: bool = True
) -> float:
    """Return microseconds per epoch of a run that records all of it, or less.

    Without `measures`, the loss covers one prediction; without `looks`, one sample is shown.
    """
    one_sample = mock.patch.multiple("epochal_engine.training.probe", FEWEST=1, MOST=1)
    with nullcontext() if looks else one_sample:
        run = Run(case.network, case.training if statistics else unrecorded(case).training, data)
    if not measures:
        measure: Any = run._measures["train"]
        measure.fields(case.network.output_shape[-1])[PREDICTIONS] = 1
    start = process_time()
    for _ in run:
        pass
    return (process_time() - start) / case.training.epochs * 1e6


def show_recording(repeats: int) -> None:
    rows = []
    for case in RECORDED:
        data = case.data()
        # Alternating, so that a busy machine affects all alike.
        parts = []
        for _ in range(min(repeats, 9)):
            alone = walk_alone(case, data)
            least = record(case, data, measures=False, statistics=False)
            losses = record(case, data, statistics=False)
            statistics = record(case, data, looks=False)
            cost = record(case, data) - alone
            looks = cost + alone - statistics
            parts.append((alone, cost, losses - least, looks, statistics - losses, least - alone))
        alone, cost, *others = np.median(parts, 0)
        share = cost / alone
        rows.append(
            [
                case.name,
                f"{case.training.epochs:,}",
                f"{alone:,.2f}",
                f"{cost:,.2f}",
                f"{share * 100.0:.1f} %",
                *(f"{part:,.2f}" for part in others),
                "reached" if cost <= 1.0 or share <= 0.05 else "MISSED",
            ]
        )
    header = ["network", "epochs", "training", "recording", "share"]
    header += ["losses", "samples", "statistics", "rest", ""]
    title = "Recording; microseconds an epoch, median differences; the goal is 1 µs or 5 %"
    print_table(title, header, rows)


# ---------------------------------------------------------------- products


def is_product(call: Call) -> bool:
    """Return whether a call multiplies two matrices, and does not only sum the rows of one."""
    function, arguments = call
    arrays = [getattr(function, "__self__", None), *arguments]
    name = getattr(function, "__name__", "")
    sizes = [n for a in arrays if isinstance(a, np.ndarray) and a.ndim > 1 for n in a.shape[-2:]]
    return name in ("dot", "matmul") and len(sizes) == 6 and min(sizes) > 1


def calls_of_an_epoch(case: Case) -> list[Call]:
    """Return all calls of an epoch, with arrays in the layout of training."""
    network, training, data = case.network, case.training, case.data()
    record = Record(record_shapes(network, training, data), training.dtype)
    streams = Streams.from_seed(0)
    weights = network.initial_parameters(rng=streams.weights)
    flat = np.concatenate([weights[name].ravel() for name in network.parameters])
    np.copyto(record.arrays["parameters"], flat)
    rate = np.full((), training.optimizer.learning_rate, training.dtype)
    segments = compile_epoch(network, training, data, record.arrays, rate, streams, 0)
    return list(each_call([call for segment in segments for call in segment.calls]))


def each_call(calls: Sequence[Call]) -> Iterator[Call]:
    """Yield the calls, and the calls that a call stands for."""
    for call in calls:
        if call[0] is run_calls:
            yield from each_call(calls_of(call))
        else:
            yield call


def show_products(repeats: int) -> None:
    rows = []
    for case in CASES[2:]:
        calls = calls_of_an_epoch(case)
        steps = case.steps / case.training.epochs
        products = [call for call in calls if is_product(call)]
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(repeats):
            for whole, part in ((True, calls), (False, products)):
                start = process_time()
                perform(part)
                seconds[whole].append((process_time() - start) / steps * 1e6)
        step, product = min(seconds[True]), min(seconds[False])
        rows.append([case.name, f"{step:,.1f}", f"{product:,.1f}", f"{step / product:.2f}"])
    print_table("Products of matrices", ["network", "µs a step", "products", "ratio"], rows)


# ---------------------------------------------------------------- compiling


def show_compiling(repeats: int) -> None:
    rng = np.random.default_rng(0)
    sequences = Data(rng.normal(size=(2_048, 64, 16)), np.eye(4)[rng.integers(4, size=2_048)])
    training = Training(CLASSES, Adam(0.001), epochs=1, batch_size=32)
    cases = [(case.name, case.network, case.training, case.data()) for case in CASES]
    cases += [
        (f"{layer.type} of 32 units over 64 time steps, batch 32", network, training, sequences)
        for layer in (Rnn(32), Lstm(32), Gru(32))
        for network in [Network((64, 16), (layer, Dense(4, "softmax")))]
    ]
    rows = []
    for name, network, its_training, data in cases:
        seconds = []
        for _ in range(min(repeats, 5)):
            start = process_time()
            Run(network, its_training, data)
            seconds.append(process_time() - start)
        rows.append([name, f"{min(seconds) * 1e3:.1f}"])
    print_table("Compiling", ["network", "ms"], rows)


# ---------------------------------------------------------------- peers


def playground(batch: int) -> Case:
    """Return the largest network of TensorFlow Playground: tanh, squared error, plain SGD."""
    training = Training("mse", Sgd(0.03), epochs=100, batch_size=batch)
    network = dense(2, 8, 8, 1, hidden="tanh", output="tanh")
    return Case(f"2-8-8-1 tanh, SGD, batch {batch} of 500", network, training, 500)


def show_peers(repeats: int) -> None:
    few = min(repeats, 3)
    peers = {
        "PyTorch": frameworks.train_with_pytorch,
        "torch.compile": frameworks.train_with_compiled_pytorch,
        "JAX": frameworks.train_with_jax,
        "scikit-learn": frameworks.train_with_scikit_learn,
    }
    rows = []
    for case in CASES[:4]:
        data = case.data()
        ours = min(train(unrecorded(case), data) for _ in range(repeats))
        ratios = (ratio_to(ours, peer, case, data, few) for peer in peers.values())
        rows.append([case.name, f"{ours:,.1f}", *ratios])
    print_table("Peers, times as long", ["network", "µs a step", *peers], rows)
    rows = []
    for case in (playground(10), playground(32)):
        data = case.data()
        ours = min(train(unrecorded(case), data) for _ in range(repeats))
        rows.append(
            [case.name, f"{ours:,.1f}", ratio_to(ours, frameworks.train_in_node, case, data, few)]
        )
    print_table("Node by node, times as long", ["network", "µs a step", "node"], rows)


# ---------------------------------------------------------------- digits

DIGITS = Path(__file__).parents[1] / "service/epochal_service/datasets/files/digits.csv.gz"
ENOUGH = 0.97


def digits() -> Data:
    """Return 1,437 images of 64 pixels for training and 360 for validation."""
    table = np.loadtxt(DIGITS, delimiter=",", skiprows=1)
    table = np.random.default_rng(0).permutation(table)
    inputs, targets = table[:, :-1] / 16.0, np.eye(10)[table[:, -1].astype(int)]
    return Data(inputs[:1_437], targets[:1_437], inputs[1_437:], targets[1_437:])


def read_digits(data: Data, seed: int) -> float:
    """Return the seconds until the validation accuracy is `ENOUGH`, including compilation."""
    network = dense(64, 64, 10, hidden="relu", output="softmax")
    target = Target("validation_accuracy", ENOUGH)
    training = Training(CLASSES, Adam(0.003), epochs=200, batch_size=32, seed=seed, target=target)
    start = process_time()
    run = Run(network, training, data)
    for _ in run:
        pass
    seconds = process_time() - start
    assert run.outcome is not None
    assert run.outcome.stop_reason == "target_reached"
    return seconds


def show_digits(repeats: int) -> None:
    seeds = range(3 if repeats < 5 else 9)
    ours, theirs = [], []
    missing = False
    data = digits()
    for seed in seeds:
        ours.append(read_digits(data, seed))
        try:
            theirs.append(frameworks.read_digits_with_pytorch(data, seed, ENOUGH))
        except ImportError:
            missing = True
    median = float(np.median(ours))
    rows = [["Epochal", f"{median:.3f}", ""]]
    if missing:
        rows.append(["PyTorch", "missing", ""])
    else:
        other = float(np.median(theirs))
        rows.append(["PyTorch", f"{other:.3f}", f"{other / median:.2f}"])
    title = f"Digits, {ENOUGH:.0%} validation accuracy: 64-64-10 relu, Adam, batch 32"
    print_table(title, ["median of seeds", "seconds", "ratio"], rows)


# ---------------------------------------------------------------- all


def kernel() -> str:
    """Return the name of the OpenBLAS kernel, if it is known."""
    for library in (Path(np.__file__).parents[1] / "numpy.libs").glob("*openblas*"):
        name = getattr(ctypes.CDLL(str(library)), "scipy_openblas_get_corename64_", None)
        if name is not None:
            name.restype = ctypes.c_char_p
            pinned = " (as OPENBLAS_CORETYPE asks)" if os.environ.get("OPENBLAS_CORETYPE") else ""
            return f"{name().decode()}{pinned}"
    return "unknown"


PARTS: dict[str, Callable[[int], None]] = {
    "training": show_training,
    "together": show_together,
    "recording": show_recording,
    "products": show_products,
    "compiling": show_compiling,
    "peers": show_peers,
    "digits": show_digits,
}


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="default: all")
    chosen = parser.parse_args()
    print(f"kernel of OpenBLAS: {kernel()}; {chosen_engine()} engine")
    for part in chosen.part or PARTS:
        PARTS[part](3 if chosen.quick else 15)


if __name__ == "__main__":
    main()
