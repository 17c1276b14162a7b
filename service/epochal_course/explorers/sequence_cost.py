"""The cost of a sequence layer: operations, memory, sequential steps, and path length.

Operations are counted as in the engine: two for each multiplication of a matrix product, without
biases and activations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..specs.explorers.sequence_cost import (
    SequenceCost,
    SequenceCostRow,
    SequenceCostSimulation,
    SequenceReader,
    SimulateSequenceCostRequest,
)
from .explorer import Explorer
from .formulas import number

SOURCE = (
    "Orders of growth: Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762, table "
    "1. Constant factors: those of the layers here"
)

Cost = Callable[[int], float]


@dataclass(frozen=True)
class _Kind:
    """A kind of layer: each cost as a formula and as a function of the length."""

    kind: SequenceReader
    name: str
    compute: tuple[str, Cost]
    memory: tuple[str, Cost]
    steps: tuple[str, Cost]
    path: tuple[str, Cost]
    parameters: tuple[str, float]
    note: str


def sequence_cost(request: SimulateSequenceCostRequest) -> SequenceCostSimulation:
    """Compute how operations, memory, sequential steps and path length grow with the length.

    One layer of each kind: dense, convolutional, recurrent, and self-attention.
    """
    kinds = {kind.kind: kind for kind in _kinds(request)}
    # 8·n·d² + 4·n²·d exceeds 16·n·d² from n = 2·d on.
    crossover = 2.0 * request.width
    longest = max(request.lengths)
    ratio = kinds["attention"].compute[1](longest) / kinds["lstm"].compute[1](longest)
    return SequenceCostSimulation(
        kinds=[_cost(kind, request.lengths) for kind in kinds.values()],
        crossover_length=crossover,
        source=SOURCE,
        verdict=(
            f"At {longest} positions attention takes {number(ratio)} times the operations of an "
            f"LSTM, but no sequential steps, where the LSTM takes {longest}. Up to "
            f"{number(crossover)} positions attention also takes fewer operations."
        ),
    )


def _cost(kind: _Kind, lengths: list[int]) -> SequenceCost:
    return SequenceCost(
        kind=kind.kind,
        name=kind.name,
        compute_formula=kind.compute[0],
        memory_formula=kind.memory[0],
        steps_formula=kind.steps[0],
        path_formula=kind.path[0],
        parameters=kind.parameters[1],
        parameters_formula=kind.parameters[0],
        note=kind.note,
        rows=[
            SequenceCostRow(
                length=n,
                compute=kind.compute[1](n),
                memory=kind.memory[1](n),
                sequential_steps=kind.steps[1](n),
                longest_path=kind.path[1](n),
            )
            for n in lengths
        ],
    )


CONSTANT: tuple[str, Cost] = ("1", lambda n: 1.0)
LINEAR: tuple[str, Cost] = ("n", float)


def _kinds(request: SimulateSequenceCostRequest) -> list[_Kind]:
    d = request.width
    return [
        _dense(d, request.window),
        _convolution(d, request.kernel_size),
        _recurrent(d, "rnn", "RNN", 1, 1, "Each step waits for the previous one, in both passes."),
        _recurrent(
            d,
            "lstm",
            "LSTM",
            4,
            6,
            "Like the RNN, with four times the parameters. The cell state does not shorten the "
            "path, but it preserves the gradient.",
        ),
        _recurrent(d, "gru", "GRU", 3, 4, "Like the LSTM, with three gates instead of four."),
        _attention(d, request.heads),
    ]


def _dense(d: int, w: int) -> _Kind:
    return _Kind(
        "mlp",
        f"Dense layer over a window of {w}",
        ("2·n·w·d²", lambda n: 2.0 * n * w * d**2),
        ("n·d", lambda n: float(n * d)),
        CONSTANT,
        ("⌈(n - 1) / (w - 1)⌉, at least 1", lambda n: float(max(-(-(n - 1) // (w - 1)), 1))),
        ("w·d² + d", float(w * d**2 + d)),
        "It sees a fixed number of positions; more distant ones need more layers.",
    )


def _convolution(d: int, k: int) -> _Kind:
    return _Kind(
        "cnn",
        f"Convolution with a kernel of {k}",
        ("2·n·k·d²", lambda n: 2.0 * n * k * d**2),
        ("n·d", lambda n: float(n * d)),
        CONSTANT,
        ("⌈log_k(n)⌉, dilated, at least 1", lambda n: float(_logarithm(n, k))),
        ("k·d² + d", float(k * d**2 + d)),
        "With a dilation that grows from layer to layer; without it, the path takes "
        "⌈(n - 1) / (k - 1)⌉ layers.",
    )


def _recurrent(
    d: int, kind: SequenceReader, name: str, gates: int, stored: int, note: str
) -> _Kind:
    return _Kind(
        kind,
        name,
        (f"2·n·{gates}·(d² + d²)", lambda n: 4.0 * n * gates * d**2),
        (f"{stored}·n·d", lambda n: float(stored * n * d)),
        LINEAR,
        LINEAR,
        (f"{gates}·(d² + d² + d)", float(gates * (2 * d**2 + d))),
        note,
    )


def _attention(d: int, heads: int) -> _Kind:
    return _Kind(
        "attention",
        f"Self-attention with {heads} head{'s' if heads > 1 else ''}",
        ("8·n·d² + 4·n²·d", lambda n: 8.0 * n * d**2 + 4.0 * float(n) ** 2 * d),
        ("4·n·d + heads·n²", lambda n: 4.0 * n * d + heads * float(n) ** 2),
        CONSTANT,
        CONSTANT,
        ("4·(d² + d)", float(4 * (d**2 + d))),
        "Each position attends to all others in one step, at a cost that grows with the square of "
        "the length.",
    )


def _logarithm(n: int, base: int) -> int:
    """The fewest layers with dilated kernels of `base` that span n positions, at least 1."""
    layers, span = 1, base
    while span < n:
        layers, span = layers + 1, span * base
    return layers


SEQUENCE_COST = Explorer(
    "The cost of sequence layers",
    sequence_cost,
    {
        "Six kinds of layers, up to 16,384 positions": {},
        "Layers as wide as those of a base transformer": {
            "lengths": [512, 1024, 2048],
            "width": 512,
            "heads": 8,
        },
    },
)
