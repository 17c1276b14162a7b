"""What it costs to read a sequence: compute, memory, waiting, and how far its ends are apart.

Compute is counted as the engine counts it: products of matrices, two operations for each of their
multiplications, without biases and activations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..specs.simulations.sequence_cost import (
    SequenceCost,
    SequenceCostRow,
    SequenceCostSimulation,
    SequenceReader,
    SimulateSequenceCostRequest,
)
from .formulas import number

SOURCE = (
    "Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762, table 1, whose orders of "
    "growth are these; the factors are those of the layers here"
)

Cost = Callable[[int], float]


@dataclass(frozen=True)
class _Kind:
    kind: SequenceReader
    name: str
    compute: tuple[str, Cost]
    memory: tuple[str, Cost]
    steps: tuple[str, Cost]
    path: tuple[str, Cost]
    parameters: tuple[str, float]
    note: str


def sequence_cost(request: SimulateSequenceCostRequest) -> SequenceCostSimulation:
    """How compute, memory, waiting and distance grow with the length, for each way to read one."""
    kinds = _kinds(request)
    # 8·n·d² + 4·n²·d is more than 16·n·d² from n = 2·d on.
    crossover = 2.0 * request.width
    longest = max(request.lengths)
    by_kind = {kind.kind: kind for kind in kinds}
    ratio = by_kind["attention"].compute[1](longest) / by_kind["lstm"].compute[1](longest)
    return SequenceCostSimulation(
        kinds=[
            SequenceCost(
                kind=one.kind,
                name=one.name,
                compute_formula=one.compute[0],
                memory_formula=one.memory[0],
                steps_formula=one.steps[0],
                path_formula=one.path[0],
                parameters=one.parameters[1],
                parameters_formula=one.parameters[0],
                note=one.note,
                rows=[
                    SequenceCostRow(
                        length=n,
                        compute=one.compute[1](n),
                        memory=one.memory[1](n),
                        sequential_steps=one.steps[1](n),
                        longest_path=one.path[1](n),
                    )
                    for n in request.lengths
                ],
            )
            for one in kinds
        ],
        crossover=crossover,
        source=SOURCE,
        verdict=(
            f"At {longest} places attention takes {number(ratio)} times the operations of an LSTM, "
            f"and has none of its {longest} steps to wait for; up to {number(crossover)} places it "
            "is the cheaper one as well."
        ),
    )


def _kinds(request: SimulateSequenceCostRequest) -> list[_Kind]:
    d, k, w, heads = request.width, request.kernel, request.window, request.heads

    def one(n: int) -> float:
        return 1.0

    def place_by_place(n: int) -> float:
        return float(n)

    def recurrent(kind: SequenceReader, name: str, gates: int, kept: int, note: str) -> _Kind:
        return _Kind(
            kind,
            name,
            (f"2·n·{gates}·(d² + d²)", lambda n: 4.0 * n * gates * d**2),
            (f"{kept}·n·d", lambda n: float(kept * n * d)),
            ("n", place_by_place),
            ("n", place_by_place),
            (f"{gates}·(d² + d² + d)", float(gates * (2 * d**2 + d))),
            note,
        )

    return [
        _Kind(
            "mlp",
            f"Dense layer over a window of {w}",
            ("2·n·w·d²", lambda n: 2.0 * n * w * d**2),
            ("n·d", lambda n: float(n * d)),
            ("1", one),
            ("⌈(n - 1) / (w - 1)⌉, at least 1", lambda n: float(max(-(-(n - 1) // (w - 1)), 1))),
            ("w·d² + d", float(w * d**2 + d)),
            "It sees a fixed number of places; what lies further back needs further layers.",
        ),
        _Kind(
            "cnn",
            f"Convolution with a kernel of {k}",
            ("2·n·k·d²", lambda n: 2.0 * n * k * d**2),
            ("n·d", lambda n: float(n * d)),
            ("1", one),
            ("⌈log_k(n)⌉, dilated, at least 1", lambda n: float(_logarithm(n, k))),
            ("k·d² + d", float(k * d**2 + d)),
            "With gaps that grow from layer to layer; without them it takes ⌈(n - 1) / (k - 1)⌉ "
            "layers.",
        ),
        recurrent(
            "rnn", "RNN", 1, 1, "Every place waits for the one before, forward and back again."
        ),
        recurrent(
            "lstm",
            "LSTM",
            4,
            6,
            "As the RNN, with four times the parameters; the cell state shortens no path, but "
            "little is lost on it.",
        ),
        recurrent("gru", "GRU", 3, 4, "As the LSTM, with three gates in place of four."),
        _Kind(
            "attention",
            f"Self-attention with {heads} head{'s' if heads > 1 else ''}",
            ("8·n·d² + 4·n²·d", lambda n: 8.0 * n * d**2 + 4.0 * float(n) ** 2 * d),
            ("4·n·d + heads·n²", lambda n: 4.0 * n * d + heads * float(n) ** 2),
            ("1", one),
            ("1", one),
            ("4·(d² + d)", float(4 * (d**2 + d))),
            "Every place looks at every other at once: nothing is far away, and the square of the "
            "length is paid for it.",
        ),
    ]


def _logarithm(n: int, base: int) -> int:
    """The fewest layers whose dilated windows of `base` places span n, at least 1."""
    layers, spanned = 1, base
    while spanned < n:
        layers, spanned = layers + 1, spanned * base
    return layers
