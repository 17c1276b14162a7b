"""A recurrent layer, unrolled: every gate at every place of a sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epochal_engine import ACTIVATIONS, LAYERS, Gru, Lstm, Rnn
from epochal_engine.differentiate import differentiate
from epochal_engine.plan import evaluate
from epochal_engine.streams import Streams
from epochal_engine.trace import Array

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.quantity import Quantity
from ..specs.simulations.recurrence import (
    GateValues,
    RecurrenceSimulation,
    RecurrenceStep,
    SimulateRecurrenceRequest,
)
from .formulas import factor, number, probability, sum_of_products
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
        "i, f, o = σ(W·xₜ + R·hₜ₋₁ + b), each with weights of its own",
        "g = tanh(W·xₜ + R·hₜ₋₁ + b)",
        "cₜ = f·cₜ₋₁ + i·g",
        "hₜ = o·tanh(cₜ)",
    ],
    "gru": [
        "z, r = σ(W·xₜ + R·hₜ₋₁ + b), each with weights of its own",
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


def recurrence(request: SimulateRecurrenceRequest) -> RecurrenceSimulation:
    """A recurrent cell along a sequence: all gates at all places, and what the end remembers.

    Weights that are not given are drawn as a job with this seed would draw them.

    Raises `InvalidArgument` if rows are not of one length, or weights not of the right shape.
    """
    features = {len(row) for row in request.inputs}
    if len(features) > 1 or not 1 <= max(features) <= MAX_FEATURES:
        raise InvalidArgument.of(
            FieldError("inputs", f"must have rows of one length, of 1 to {MAX_FEATURES} features")
        )
    x = np.array(request.inputs, np.float64)
    kind: type[Rnn | Lstm | Gru] = LAYERS[request.cell]  # type: ignore[assignment]
    layer = one_layer(kind(request.units, return_sequences=True), (1, *x.shape))
    weights = _weights(request, layer)
    last = layer.output.cut(1, len(x) - 1, len(x))
    (slope,) = differentiate(last, layer.inputs)
    h, slopes = (
        array[0] for array in evaluate([layer.output, slope], layer.leaves([x[None]], weights))
    )
    influence = np.sqrt(np.square(slopes).sum(axis=1)).tolist()
    gates = _gates(request.cell, x, h, weights)
    steps = _told(request, x, h, gates, weights)
    columns = len(weights["bias"])
    count = sum(array.size for array in weights.values())
    return RecurrenceSimulation(
        formulas=FORMULAS[request.cell],
        steps=steps,
        states=h.tolist(),
        influence=influence,
        weight=weights["weight"].tolist(),
        recurrent=weights["recurrent"].tolist(),
        bias=weights["bias"].tolist(),
        parameters=Quantity(
            name="parameters",
            value=count,
            formula="parameters = gates·units·(features + units + 1)",
            substituted=(
                f"parameters = {columns // request.units}·{request.units}·({x.shape[1]} + "
                f"{request.units} + 1) = {count}"
            ),
        ),
        verdict=_verdict(request.cell, influence),
    )


def _weights(request: SimulateRecurrenceRequest, layer: OneLayer) -> dict[str, Array]:
    weights = layer.first_weights(Streams.from_seed(request.seed).weights)
    errors = []
    for name, array in weights.items():
        given = getattr(request, name)
        if given is None:
            continue
        ragged = name != "bias" and len({len(row) for row in given}) > 1
        found = None if ragged else np.array(given, np.float64)
        if found is None or found.shape != array.shape:
            needs = " x ".join(map(str, array.shape))
            errors.append(FieldError(name, f"must be {needs} numbers for {request.cell}"))
        else:
            weights[name] = found
    if errors:
        raise InvalidArgument.of(*errors)
    return weights


def _gates(cell: str, x: Array, h: Array, weights: dict[str, Array]) -> dict[str, Array]:
    """Each gate at all places, `(places, units)`, from the states that the engine found."""
    before = np.vstack([np.zeros_like(h[:1]), h[:-1]])
    names = GATES[cell]
    units = h.shape[1]
    part = {name: np.s_[:, k * units : (k + 1) * units] for k, name in enumerate(names)}
    inflow = x @ weights["weight"] + weights["bias"]
    from_state = before @ weights["recurrent"]
    z = {name: (inflow + from_state)[part[name]] for name in names}
    if cell == "rnn":
        return {"state": TANH(z["state"])}
    told = {name: SIGMOID(z[name]) for name in names if name != "candidate"}
    if cell == "gru":
        kept = (told["reset"] * before) @ weights["recurrent"][part["candidate"]]
        return told | {"candidate": TANH(inflow[part["candidate"]] + kept)}
    return told | {"candidate": TANH(z["candidate"])}


def _told(
    request: SimulateRecurrenceRequest,
    x: Array,
    h: Array,
    gates: dict[str, Array],
    weights: dict[str, Array],
) -> list[RecurrenceStep]:
    units = request.units
    columns = [[factor(w) for w in column] for column in weights["weight"].T.tolist()]
    recurrent = [[factor(w) for w in column] for column in weights["recurrent"].T.tolist()]
    biases = [factor(b) for b in weights["bias"].tolist()]
    before, cell = np.zeros(units), np.zeros(units)
    steps = []
    for t, (inputs, state) in enumerate(zip(x, h, strict=True)):
        xs = [factor(value) for value in inputs.tolist()]
        hs = [factor(value) for value in before.tolist()]
        told = []
        for k, name in enumerate(GATES[request.cell]):
            seen = hs
            if request.cell == "gru" and name == "candidate":
                seen = [factor(v) for v in (gates["reset"][t] * before).tolist()]
            f = "tanh" if name in ("candidate", "state") else "σ"
            letter = LETTERS[name]
            quantities = []
            for u, value in enumerate(gates[name][t].tolist()):
                c = k * units + u
                terms = [f"{w}·{v}" for w, v in zip(columns[c], xs, strict=True)]
                if t > 0:
                    terms += [f"{w}·{v}" for w, v in zip(recurrent[c], seen, strict=True)]
                terms.append(biases[c])
                quantities.append(
                    Quantity(
                        name=f"{letter}{u + 1}",
                        value=value,
                        formula=f"{letter}{u + 1} = {f}(w·x + r·h + b)",
                        substituted=(
                            f"{letter}{u + 1} = {f}({' + '.join(terms)}) = {number(value)}"
                        ),
                    )
                )
            told.append(GateValues(name=name, units=quantities))
        remembered: list[Quantity] = []
        if request.cell == "lstm":
            kept = gates["forget"][t] * cell + gates["input"][t] * gates["candidate"][t]
            remembered = _cell(gates, t, cell, kept)
            cell = kept
        steps.append(
            RecurrenceStep(
                place=t + 1,
                inputs=inputs.tolist(),
                gates=told,
                cell=remembered,
                state=_state(request.cell, gates, t, before, cell, state),
            )
        )
        before = state
    return steps


def _cell(gates: dict[str, Array], t: int, before: Array, after: Array) -> list[Quantity]:
    rows = zip(
        *(gates[name][t].tolist() for name in ("forget", "input", "candidate")),
        before.tolist(),
        after.tolist(),
        strict=True,
    )
    return [
        Quantity(
            name=f"c{u}",
            value=value,
            formula=f"c{u} = f{u}·(c{u} before) + i{u}·g{u}",
            substituted=(f"c{u} = {sum_of_products([(f, old), (i, g)], value)} = {number(value)}"),
        )
        for u, (f, i, g, old, value) in enumerate(rows, 1)
    ]


def _state(
    kind: str, gates: dict[str, Array], t: int, before: Array, cell: Array, state: Array
) -> list[Quantity]:
    told = []
    for k, value in enumerate(state.tolist()):
        u = k + 1
        match kind:
            case "lstm":
                formula = f"h{u} = o{u}·tanh(c{u})"
                numbers = f"{number(float(gates['output'][t, k]))}·tanh({number(float(cell[k]))})"
            case "gru":
                z = probability(float(gates["update"][t, k]))
                formula = f"h{u} = z{u}·(h{u} before) + (1 - z{u})·g{u}"
                numbers = (
                    f"{z}·{factor(float(before[k]))} + "
                    f"(1 - {z})·{factor(float(gates['candidate'][t, k]))}"
                )
            case _:
                formula, numbers = f"h{u} = the state, as above", ""
        told.append(
            Quantity(
                name=f"h{u}",
                value=value,
                formula=formula,
                substituted=f"h{u} = {numbers + ' = ' if numbers else ''}{number(value)}",
            )
        )
    return told


def _verdict(cell: str, influence: Sequence[float]) -> str:
    first, last = influence[0], influence[-1]
    if len(influence) == 1:
        return f"The state after one place is all that the {cell} knows."
    if last == 0.0:
        return (
            "A small change of the last input does not move the last state at all: the weights "
            "are 0, or the sums so large that nothing bends any more."
        )
    share = first / last
    meaning = (
        "hardly anything of the beginning is left at the end"
        if share < 0.01
        else "the beginning is still known at the end"
        if share < 2.0
        else "the beginning outweighs the end"
    )
    return (
        f"A small change of the first input moves the last state {number(share)} times as much as "
        f"one of the last input: {meaning}."
    )
