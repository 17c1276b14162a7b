"""A recurrent layer unrolled over a sequence: every gate at every time step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epochal_engine import ACTIVATIONS, LAYERS, Gru, Lstm, Rnn
from epochal_engine.symbolic import Array, differentiate, evaluate, leaf, replicate
from epochal_engine.training import Streams
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.quantity import Quantity
from ..specs.explorers.recurrence import (
    GateValues,
    RecurrenceSimulation,
    RecurrenceStep,
    SimulateRecurrenceRequest,
)
from .explorer import Explorer
from .formulas import Expression, expression, number, quantity, sum_of_products
from .one_layer import OneLayer, one_layer

MAX_FEATURES = 8
SIGMOID, TANH = ACTIVATIONS["sigmoid"].function, ACTIVATIONS["tanh"].function

GATES = {
    "rnn": ("state",),
    "lstm": ("input", "forget", "output", "candidate"),
    "gru": ("update", "reset", "candidate"),
}
FORMULAS = {
    "rnn": ["hₜ = tanh(W·xₜ + R·hₜ₋₁ + b)"],
    "lstm": [
        "i, f, o = σ(W·xₜ + R·hₜ₋₁ + b), each with its own weights",
        "g = tanh(W·xₜ + R·hₜ₋₁ + b)",
        "cₜ = f·cₜ₋₁ + i·g",
        "hₜ = o·tanh(cₜ)",
    ],
    "gru": [
        "z, r = σ(W·xₜ + R·hₜ₋₁ + b), each with its own weights",
        "g = tanh(W·xₜ + R·(r·hₜ₋₁) + b)",
        "hₜ = z·hₜ₋₁ + (1 - z)·g",
    ],
}
LETTERS = {
    "state": "h",
    "input": "i",
    "forget": "f",
    "output": "o",
    "candidate": "g",
    "update": "z",
    "reset": "r",
}


@dataclass(frozen=True, eq=False)
class _Unrolled:
    """A cell over a sequence: a row for each time step, a column for each unit."""

    cell: str
    x: Array
    """`(steps, features)`."""
    weights: dict[str, Array]
    states: Array
    """The hidden states."""
    before: Array
    """The hidden state before each step."""
    gates: dict[str, Array]
    cells: Array
    """The cell states of an LSTM; zeros for others."""
    cells_before: Array
    influence: list[float]
    """‖∂h_T/∂xₜ‖ of each step."""


def recurrence(request: SimulateRecurrenceRequest) -> RecurrenceSimulation:
    """Unroll a recurrent cell over a sequence: all gates, and how much the last state remembers.

    Weights that are not given are the initial weights of a job with this seed.

    Raises `InvalidArgument` if rows differ in length, or weights have the wrong shape.
    """
    features = {len(row) for row in request.inputs}
    if len(features) > 1 or not 1 <= max(features) <= MAX_FEATURES:
        raise InvalidArgument.of(
            FieldError(
                "inputs", f"must have rows of equal length, with 1 to {MAX_FEATURES} features"
            )
        )
    return _reply(request, _computed(request))


def _computed(request: SimulateRecurrenceRequest) -> _Unrolled:
    x = np.array(request.inputs, np.float64)
    kind: type[Rnn | Lstm | Gru] = LAYERS[request.cell]  # type: ignore[assignment]
    layer = one_layer(kind(request.units, return_sequences=True), (1, *x.shape))
    weights = _weights(request, layer)
    states = evaluate([layer.output], layer.leaves([x[None]], weights))[0][0]
    before = np.vstack([np.zeros_like(states[:1]), states[:-1]])
    gates = _gates(request.cell, x, before, weights)
    cells = np.zeros_like(states)
    if request.cell == "lstm":
        cell = np.zeros(request.units)
        for t in range(len(x)):
            cell = gates["forget"][t] * cell + gates["input"][t] * gates["candidate"][t]
            cells[t] = cell
    return _Unrolled(
        cell=request.cell,
        x=x,
        weights=weights,
        states=states,
        before=before,
        gates=gates,
        cells=cells,
        cells_before=np.vstack([np.zeros_like(cells[:1]), cells[:-1]]),
        influence=_influence(layer, x, weights),
    )


def _weights(request: SimulateRecurrenceRequest, layer: OneLayer) -> dict[str, Array]:
    weights = layer.initial_parameters(Streams.from_seed(request.seed).weights)
    errors = []
    for name, array in weights.items():
        given = getattr(request, name)
        if given is None:
            continue
        is_ragged = name != "bias" and len({len(row) for row in given}) > 1
        replacement = None if is_ragged else np.array(given, np.float64)
        if replacement is None or replacement.shape != array.shape:
            needs = " x ".join(map(str, array.shape))
            errors.append(FieldError(name, f"must be {needs} numbers for {request.cell}"))
        else:
            weights[name] = replacement
    if errors:
        raise InvalidArgument.of(*errors)
    return weights


def _influence(layer: OneLayer, x: Array, weights: dict[str, Array]) -> list[float]:
    """‖∂h_T/∂xₜ‖ for each time step t: the Frobenius norm of the Jacobian of the last state."""
    last = layer.output.cut(1, len(x) - 1, len(x))
    units = last.shape[-1]
    direction = leaf(last.shape)
    gradients = differentiate(last * direction, layer.inputs)
    leaves = layer.leaves([x[None]], weights)
    # One copy for each unit of the last state: the rows of the Jacobian.
    (rows,), copies = replicate(gradients, [*leaves, direction], units)
    given = {
        copies[symbol]: np.broadcast_to(array, (units, *array.shape)).copy()
        for symbol, array in leaves.items()
        if symbol in copies
    }
    given[copies[direction]] = np.eye(units).reshape((units, *last.shape))
    (jacobian,) = evaluate([rows], given)
    influence: list[float] = np.sqrt(np.square(jacobian[:, 0]).sum(axis=(0, 2))).tolist()
    return influence


def _gates(cell: str, x: Array, before: Array, weights: dict[str, Array]) -> dict[str, Array]:
    """Each gate at all time steps, `(steps, units)`."""
    names = GATES[cell]
    units = before.shape[1]
    part = {name: np.s_[:, k * units : (k + 1) * units] for k, name in enumerate(names)}
    from_input = x @ weights["weight"] + weights["bias"]
    from_state = before @ weights["recurrent"]
    z = {name: (from_input + from_state)[part[name]] for name in names}
    if cell == "rnn":
        return {"state": TANH(z["state"])}
    gates = {name: SIGMOID(z[name]) for name in names if name != "candidate"}
    if cell == "gru":
        reset = (gates["reset"] * before) @ weights["recurrent"][part["candidate"]]
        return gates | {"candidate": TANH(from_input[part["candidate"]] + reset)}
    return gates | {"candidate": TANH(z["candidate"])}


# ---------------------------------------------------------------- the reply


def _reply(request: SimulateRecurrenceRequest, run: _Unrolled) -> RecurrenceSimulation:
    gates = len(run.weights["bias"]) // request.units
    return RecurrenceSimulation(
        formulas=FORMULAS[run.cell],
        steps=[_step(run, t) for t in range(len(run.x))],
        states=run.states.tolist(),
        influence=run.influence,
        weight=run.weights["weight"].tolist(),
        recurrent=run.weights["recurrent"].tolist(),
        bias=run.weights["bias"].tolist(),
        parameters=quantity(
            "parameters",
            sum(array.size for array in run.weights.values()),
            "gates·units·(features + units + 1)",
            expression("{}·{}·({} + {} + 1)", gates, request.units, run.x.shape[1], request.units),
        ),
        verdict=_verdict(run.cell, run.influence),
    )


def _step(run: _Unrolled, t: int) -> RecurrenceStep:
    return RecurrenceStep(
        time_step=t + 1,
        inputs=run.x[t].tolist(),
        gates=[
            GateValues(name=name, units=_gate(run, t, k, name))
            for k, name in enumerate(GATES[run.cell])
        ],
        cell=_cell(run, t) if run.cell == "lstm" else [],
        state=_state(run, t),
    )


def _gate(run: _Unrolled, t: int, k: int, name: str) -> list[Quantity]:
    """Gate k at step t: an activation of inputs, hidden state and bias."""
    before = run.before[t]
    if run.cell == "gru" and name == "candidate":
        before = run.gates["reset"][t] * before
    inputs, state = run.x[t].tolist(), before.tolist()
    activation, letter = "tanh" if name in ("candidate", "state") else "σ", LETTERS[name]
    values = run.gates[name][t].tolist()
    quantities = []
    for u, value in enumerate(values):
        column = k * len(values) + u
        pairs = list(zip(run.weights["weight"][:, column].tolist(), inputs, strict=True))
        if t > 0:
            pairs += zip(run.weights["recurrent"][:, column].tolist(), state, strict=True)
        terms = sum_of_products(pairs, [float(run.weights["bias"][column])])
        quantities.append(
            quantity(
                f"{letter}{u + 1}",
                value,
                f"{activation}(w·x + r·h + b)",
                expression(f"{activation}({{}})", terms),
            )
        )
    return quantities


def _cell(run: _Unrolled, t: int) -> list[Quantity]:
    """The cell state of an LSTM at step t."""
    rows = zip(
        *(run.gates[name][t].tolist() for name in ("forget", "input", "candidate")),
        run.cells_before[t].tolist(),
        run.cells[t].tolist(),
        strict=True,
    )
    return [
        quantity(
            f"c{u}",
            value,
            f"f{u}·(previous c{u}) + i{u}·g{u}",
            sum_of_products([(f, before), (i, g)]),
        )
        for u, (f, i, g, before, value) in enumerate(rows, 1)
    ]


def _state(run: _Unrolled, t: int) -> list[Quantity]:
    """The hidden state after step t."""
    quantities = []
    for k, value in enumerate(run.states[t].tolist()):
        u, terms = k + 1, list[Expression]()
        match run.cell:
            case "lstm":
                formula = f"o{u}·tanh(c{u})"
                output, cell = float(run.gates["output"][t, k]), float(run.cells[t, k])
                terms = [expression("{}·tanh({})", output, cell)]
            case "gru":
                formula = f"z{u}·(previous h{u}) + (1 - z{u})·g{u}"
                z, g = float(run.gates["update"][t, k]), float(run.gates["candidate"][t, k])
                before = float(run.before[t, k])
                terms = [expression("{}·{} + (1 - {})·{}", z, before, z, g)]
            case _:
                formula = "the state, as above"
        quantities.append(quantity(f"h{u}", value, formula, *terms))
    return quantities


def _verdict(cell: str, influence: Sequence[float]) -> str:
    first, last = influence[0], influence[-1]
    if len(influence) == 1:
        return f"The sequence has one step: the hidden state of the {cell} depends on it alone."
    if last == 0.0:
        return (
            "A small change of the last input does not change the last hidden state: the weights "
            "are 0, or the activations saturate."
        )
    ratio = first / last
    meaning = (
        "almost nothing of the first step remains at the end"
        if ratio < 0.01
        else "the first step is still remembered at the end"
        if ratio < 2.0
        else "the first step outweighs the last one"
    )
    return (
        f"A small change of the first input changes the last hidden state {number(ratio)} times as "
        f"much as a change of the last input: {meaning}."
    )


RECURRENCE = Explorer(
    "A recurrent cell along a sequence",
    recurrence,
    {
        "An LSTM after a single signal": {
            "cell": "lstm",
            "inputs": [[1.0], [0.0], [0.0], [0.0], [0.0], [0.0]],
            "units": 2,
        },
        "A GRU over three steps with two features": {
            "cell": "gru",
            "inputs": [[1.0, 0.0], [0.0, 1.0], [0.5, -0.5]],
            "units": 3,
            "seed": 4,
        },
        "An RNN that adds up its inputs, with given weights": {
            "cell": "rnn",
            "inputs": [[0.1], [0.2], [0.3]],
            "units": 1,
            "weight": [[1.0]],
            "recurrent": [[1.0]],
            "bias": [0.0],
        },
    },
)
