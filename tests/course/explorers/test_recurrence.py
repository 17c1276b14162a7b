"""Recurrent cells, over HTTP, beside a scalar loop in plain Python."""

import math
from typing import Any

import numpy as np
import pytest
from tests.course.explorers.conftest import Ask


def sigmoid(z: float) -> float:
    return 1.0 / (1.0 + math.exp(-z))


def unrolled(reply: dict[str, Any], cell: str, inputs: list[list[float]]) -> list[list[float]]:
    """The states by loops over single numbers, as the papers have them."""
    w, r, b = reply["weight"], reply["recurrent"], reply["bias"]
    units = len(r)

    def total(gate: int, unit: int, x: list[float], h: list[float]) -> float:
        column = gate * units + unit
        seen = sum(x[i] * w[i][column] for i in range(len(x)))
        return float(seen + sum(h[i] * r[i][column] for i in range(units)) + b[column])

    h, c = [0.0] * units, [0.0] * units
    states = []
    for x in inputs:
        if cell == "rnn":
            h = [math.tanh(total(0, u, x, h)) for u in range(units)]
        elif cell == "lstm":
            i, f, o = ([sigmoid(total(g, u, x, h)) for u in range(units)] for g in range(3))
            g = [math.tanh(total(3, u, x, h)) for u in range(units)]
            c = [f[u] * c[u] + i[u] * g[u] for u in range(units)]
            h = [o[u] * math.tanh(c[u]) for u in range(units)]
        else:
            z, reset = ([sigmoid(total(g, u, x, h)) for u in range(units)] for g in range(2))
            remaining = [reset[u] * h[u] for u in range(units)]
            g = [math.tanh(total(2, u, x, remaining)) for u in range(units)]
            h = [z[u] * h[u] + (1 - z[u]) * g[u] for u in range(units)]
        states.append(h)
    return states


INPUTS = [[1.0, 0.2], [0.0, -1.0], [0.5, -0.5], [2.0, 1.0]]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("seed", [0, 5])
def test_the_states_are_those_of_the_loop(ask: Ask, cell: str, seed: int) -> None:
    reply = ask("recurrence", cell=cell, inputs=INPUTS, units=3, seed=seed)
    expected = unrolled(reply, cell, INPUTS)
    assert np.array(reply["states"]) == pytest.approx(np.array(expected))
    for step, state in zip(reply["steps"], expected, strict=True):
        assert [unit["value"] for unit in step["state"]] == pytest.approx(state)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_gates_make_the_states(ask: Ask, cell: str) -> None:
    reply = ask("recurrence", cell=cell, inputs=INPUTS, units=2, seed=3)
    before = [0.0, 0.0]
    for step in reply["steps"]:
        gates = {g["name"]: [unit["value"] for unit in g["units"]] for g in step["gates"]}
        for u, state in enumerate(unit["value"] for unit in step["state"]):
            match cell:
                case "rnn":
                    expected = gates["state"][u]
                case "lstm":
                    expected = gates["output"][u] * math.tanh(step["cell"][u]["value"])
                case _:
                    z = gates["update"][u]
                    expected = z * before[u] + (1 - z) * gates["candidate"][u]
            assert state == pytest.approx(expected)
        before = [unit["value"] for unit in step["state"]]


def test_the_parameters_are_those_of_the_known_cells(ask: Ask) -> None:
    """8 in, hidden 8: gates · 8 · (8 + 8 + 1)."""
    for cell, gates in (("rnn", 1), ("gru", 3), ("lstm", 4)):
        reply = ask("recurrence", cell=cell, inputs=[[0.0] * 8], units=8)
        assert reply["parameters"]["value"] == gates * 8 * 17


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_influence_is_what_a_small_change_of_an_input_does_to_the_end(ask: Ask, cell: str) -> None:
    reply = ask("recurrence", cell=cell, inputs=INPUTS, units=2, seed=1)
    step = 1e-5
    for place, influence in enumerate(reply["influence"]):
        derivatives = []
        for feature in range(2):
            ends = []
            for sign in (1, -1):
                changed = [list(row) for row in INPUTS]
                changed[place][feature] += sign * step
                again = ask("recurrence", cell=cell, inputs=changed, units=2, seed=1)
                ends.append(again["states"][-1])
            derivatives += [(a - b) / (2 * step) for a, b in zip(*ends, strict=True)]
        assert influence == pytest.approx(math.hypot(*derivatives), rel=1e-5)


def test_the_influence_on_units_with_opposite_weights_does_not_cancel(ask: Ask) -> None:
    reply = ask(
        "recurrence",
        cell="rnn",
        inputs=[[0.0]],
        units=2,
        weight=[[1.0, -1.0]],
        recurrent=[[0.0, 0.0], [0.0, 0.0]],
        bias=[0.0, 0.0],
    )
    assert reply["influence"] == pytest.approx([math.sqrt(2)])


def test_an_rnn_with_weights_of_its_own_by_hand(ask: Ask) -> None:
    reply = ask(
        "recurrence",
        cell="rnn",
        inputs=[[0.1], [0.2]],
        units=1,
        weight=[[1.0]],
        recurrent=[[1.0]],
        bias=[0.0],
    )
    first = math.tanh(0.1)
    assert reply["states"] == pytest.approx(np.array([[first], [math.tanh(0.2 + first)]]))
    unit = reply["steps"][1]["gates"][0]["units"][0]
    assert unit["substituted"] == "h1 = tanh(1·0.2 + 1·0.09967 + 0) = 0.291"


def test_weights_of_another_shape_are_refused(ask: Ask) -> None:
    problem = ask(
        "recurrence", cell="lstm", inputs=[[1.0]], units=1, weight=[[1.0]], bias=[1.0], status=400
    )
    assert [error["field"] for error in problem["errors"]] == ["weight", "bias"]
    assert problem["errors"][0]["description"] == "must be 1 x 4 numbers for lstm"


def test_rows_of_several_lengths_are_refused(ask: Ask) -> None:
    problem = ask("recurrence", inputs=[[1.0], [1.0, 2.0]], status=400)
    assert [error["field"] for error in problem["errors"]] == ["inputs"]
