"""XOR: two hidden units bend the plane such that one line can part what none could before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Adam, Data, Dense, Network, Sweep, Training, predict

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.perceptron import TruthTableName
from ..specs.simulations.quantity import Quantity
from ..specs.simulations.xor import (
    SimulateXorRequest,
    XorGrid,
    XorHiddenUnit,
    XorOutputUnit,
    XorPoint,
    XorSimulation,
    XorStart,
    XorUnit,
)
from .activation import elementwise
from .formulas import number, sum_of_products
from .perceptron import CORNERS, TRUTH_TABLES, separation
from .separation import line_of, nearest

Weights = Mapping[str, NDArray[np.float64]]

TARGETS = TRUTH_TABLES["xor"]
BY_HAND = (
    [XorUnit(weights=[1.0, 1.0], bias=-0.5), XorUnit(weights=[-1.0, -1.0], bias=1.5)],
    XorUnit(weights=[1.0, 1.0], bias=-1.5),
)
"""OR and NAND, and AND of both: XOR is "one of them, but not both"."""
MOST_UPDATES = 16_000
LOW, HIGH = -0.5, 1.5
"""The square of the grid."""


def xor(request: SimulateXorRequest) -> XorSimulation:
    """The four points through a hidden layer of two units, and the space that it makes of them.

    Raises `InvalidArgument` for units that are both given and to be trained, for half of a network,
    for a step that is to be trained, for softmax, and for more training than the budget allows.
    """
    name = request.activation or ("tanh" if request.train else "step")
    elementwise(name, "activation")
    output = "step" if name == "step" else "sigmoid"
    network = Network((2,), (Dense(2, name), Dense(1, output)))
    starts: list[XorStart] = []
    shown = None
    if request.train:
        weights, starts, shown = _trained(request, network)
    else:
        weights = _given(request)
    return _told(request, network, weights, starts, shown)


def _given(request: SimulateXorRequest) -> Weights:
    if (request.hidden is None) != (request.output is None):
        missing = "hidden" if request.hidden is None else "output"
        raise InvalidArgument.of(
            FieldError(missing, "is needed beside the other: give all units, or none")
        )
    hidden, output = (
        BY_HAND
        if request.hidden is None or request.output is None
        else (request.hidden, request.output)
    )
    return {
        "dense_1.weight": np.array([unit.weights for unit in hidden]).T,
        "dense_1.bias": np.array([unit.bias for unit in hidden]),
        "dense_2.weight": np.array([output.weights]).T,
        "dense_2.bias": np.array([output.bias]),
    }


def _trained(request: SimulateXorRequest, network: Network) -> tuple[Weights, list[XorStart], int]:
    if request.hidden is not None or request.output is not None:
        raise InvalidArgument.of(
            FieldError("train", "looks for the units; leave out those that are given")
        )
    if network.layers[0] == Dense(2, "step"):
        raise InvalidArgument.of(
            FieldError("activation", "a step has no slope that training could follow")
        )
    if request.starts * request.epochs > MOST_UPDATES:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"times the starts may be {MOST_UPDATES:,} at most, to answer at once; "
                f"that is {MOST_UPDATES // request.starts} epochs here",
            )
        )
    seeds = [request.seed + k for k in range(request.starts)]
    trainings = [
        Training(
            "binary_cross_entropy",
            Adam(request.learning_rate),
            request.epochs,
            seed=seed,
            gradients_every=0,
            dtype="float64",
        )
        for seed in seeds
    ]
    inputs, targets = np.array(CORNERS), np.array(TARGETS, np.float64)[:, None]
    sweep = Sweep(network, trainings, Data(inputs, targets))
    for _ in sweep:
        pass
    starts = []
    for k, seed in enumerate(seeds):
        chances = predict(network, sweep.weights(k), inputs).ravel()
        right = np.where(targets.ravel() > 0, chances, 1.0 - chances)
        loss = float(-np.log(np.maximum(right, np.finfo(np.float64).tiny)).mean())
        starts.append(XorStart(seed=seed, loss=loss, solved=bool((right > 0.5).all())))
    best = min(range(len(starts)), key=lambda k: starts[k].loss)
    return sweep.weights(best), starts, seeds[best]


def _told(
    request: SimulateXorRequest,
    network: Network,
    weights: Weights,
    starts: list[XorStart],
    shown: int | None,
) -> XorSimulation:
    hidden_activation, output_activation = (
        layer.activation for layer in network.layers if isinstance(layer, Dense)
    )
    corners = np.array(CORNERS)
    into_hidden, hidden_bias = weights["dense_1.weight"], weights["dense_1.bias"]
    into_output, output_bias = weights["dense_2.weight"][:, 0], float(weights["dense_2.bias"][0])
    hidden = predict(network, weights, corners, "dense_1")
    outputs = predict(network, weights, corners)[:, 0]
    hidden_sums = corners @ into_hidden + hidden_bias
    output_sums = hidden @ into_output + output_bias
    points = [
        XorPoint(
            inputs=CORNERS[k],
            target=TARGETS[k],
            hidden_sums=[
                _sum(f"z{u + 1}", "x", into_hidden[:, u], hidden_bias[u], corners[k], z)
                for u, z in enumerate(hidden_sums[k].tolist())
            ],
            hidden=[
                _applied(f"h{u + 1}", hidden_activation, f"z{u + 1}", z, h)
                for u, (z, h) in enumerate(
                    zip(hidden_sums[k].tolist(), hidden[k].tolist(), strict=True)
                )
            ],
            output_sum=_sum("z", "h", into_output, output_bias, hidden[k], float(output_sums[k])),
            output=_applied("ŷ", output_activation, "z", float(output_sums[k]), float(outputs[k])),
            answer=int(output_sums[k] >= 0.0),
            is_right=int(output_sums[k] >= 0.0) == TARGETS[k],
        )
        for k in range(len(CORNERS))
    ]
    space = hidden.tolist()
    parted = nearest(space, TARGETS)
    places = np.linspace(LOW, HIGH, request.resolution)
    grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
    answers = predict(network, weights, grid)[:, 0].reshape(request.resolution, -1)
    solved = all(point.is_right for point in points)
    gates = [_gate(hidden_sums[:, u]) for u in range(2)]
    return XorSimulation(
        activation=hidden_activation,
        output_activation=output_activation,
        hidden_units=[
            XorHiddenUnit(
                name=f"h{u + 1}",
                weights=into_hidden[:, u].tolist(),
                bias=float(hidden_bias[u]),
                line=line_of(into_hidden[:, u].tolist(), float(hidden_bias[u]), CORNERS),
                gate=gates[u],
            )
            for u in range(2)
        ],
        output_unit=XorOutputUnit(
            weights=into_output.tolist(),
            bias=output_bias,
            line=line_of(into_output.tolist(), output_bias, space, of="h"),
            gate=_gate(output_sums),
        ),
        points=points,
        solved=solved,
        hidden_separation=None if parted.meet else separation(parted, space, of="h"),
        grid=XorGrid(x_values=places.tolist(), y_values=places.tolist(), outputs=answers.tolist()),
        starts=starts,
        shown_seed=shown,
        verdict=_verdict(gates, starts, solved=solved, parted=not parted.meet),
    )


def _gate(sums: NDArray[np.float64]) -> TruthTableName:
    outputs = tuple((sums >= 0.0).astype(int).tolist())
    return next(name for name, table in TRUTH_TABLES.items() if table == outputs)


def _sum(
    name: str,
    inputs: str,
    weights: NDArray[np.float64],
    bias: float,
    point: NDArray[np.float64],
    value: float,
) -> Quantity:
    unit = name[1:]
    pairs = list(zip(weights.tolist(), point.tolist(), strict=True))
    return Quantity(
        name=name,
        value=value,
        formula=f"{name} = w1·{inputs}1 + w2·{inputs}2 + b" + (f" (of h{unit})" if unit else ""),
        substituted=f"{name} = {sum_of_products(pairs, value, [bias])} = {number(value)}",
    )


def _applied(name: str, activation: str, of: str, z: float, value: float) -> Quantity:
    return Quantity(
        name=name,
        value=value,
        formula=f"{name} = {activation}({of})",
        substituted=f"{name} = {activation}({number(z)}) = {number(value)}",
    )


def _verdict(
    gates: Sequence[TruthTableName], starts: Sequence[XorStart], *, solved: bool, parted: bool
) -> str:
    one, other = (gate.replace("_", " ").upper() for gate in gates)
    told = f"The hidden units do {one} and {other}. "
    if solved:
        told += "Where they put the four points, one line parts them: the network does XOR."
    elif parted:
        told += "Where they put the four points, a line could part them, but the output's does not."
    else:
        told += "Where they put the four points, still no line parts them."
    if starts:
        count = sum(start.solved for start in starts)
        told += (
            f" {count} of {len(starts)} starts solve it: two hidden units are just enough, and "
            "many starts end in a hollow of the loss."
        )
    return told
