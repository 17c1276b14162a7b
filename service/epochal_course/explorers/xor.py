"""XOR with two hidden units, which map the points so that one line separates them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Adam, Data, Dense, Network, Sweep, Training, predict
from epochal_engine.model import forward_passes
from epochal_engine.symbolic import perform
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.perceptron import TruthTableName
from ..specs.explorers.quantity import Quantity
from ..specs.explorers.xor import (
    SimulateXorRequest,
    XorGrid,
    XorHiddenUnit,
    XorOutputUnit,
    XorPoint,
    XorRun,
    XorSimulation,
    XorUnit,
)
from .activation import elementwise
from .explorer import Explorer
from .formulas import expression, quantity, sum_of_products
from .perceptron import CORNERS, TRUTH_TABLES, separation
from .separation import line_of, nearest

Floats = NDArray[np.float64]
Weights = Mapping[str, Floats]

TARGETS = TRUTH_TABLES["xor"]
BY_HAND = (
    [XorUnit(weights=[1.0, 1.0], bias=-0.5), XorUnit(weights=[-1.0, -1.0], bias=1.5)],
    XorUnit(weights=[1.0, 1.0], bias=-1.5),
)
"""Hidden units OR and NAND, output AND: XOR is one of the inputs, but not both."""
MOST_UPDATES = 16_000
LOW, HIGH = -0.5, 1.5
"""Limits of the grid, on both axes."""


def xor(request: SimulateXorRequest) -> XorSimulation:
    """Compute XOR with a hidden layer of two units, given or trained, and show the hidden space.

    Raises `InvalidArgument` for units that are both given and trained, for a part of the units, for
    training with a step, for softmax, and for more training than the limit.
    """
    name = request.activation or ("tanh" if request.train else "step")
    elementwise(name, "activation")
    output = "step" if name == "step" else "sigmoid"
    network = Network((2,), (Dense(2, name), Dense(1, output)))
    weights = _trained(request, network) if request.train else _Weights(_given(request))
    return _reply(request, _computed(request, network, weights))


@dataclass(frozen=True, eq=False)
class _Weights:
    """The weights of the network, and how training found them."""

    arrays: Weights
    runs: list[XorRun] = field(default_factory=list)
    shown: int | None = None
    """The seed of the network that is shown, if it was trained."""


def _given(request: SimulateXorRequest) -> Weights:
    if (request.hidden is None) != (request.output is None):
        missing = "hidden" if request.hidden is None else "output"
        raise InvalidArgument.of(FieldError(missing, "must be given too: give all units, or none"))
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


def _trained(request: SimulateXorRequest, network: Network) -> _Weights:
    if request.hidden is not None or request.output is not None:
        raise InvalidArgument.of(
            FieldError("train", "must be false if hidden and output are given")
        )
    if network.layers[0] == Dense(2, "step"):
        raise InvalidArgument.of(
            FieldError("activation", "must have a gradient to train; got step")
        )
    if request.runs * request.epochs > MOST_UPDATES:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"must be at most {MOST_UPDATES // request.runs} here: runs times epochs is "
                f"at most {MOST_UPDATES:,}",
            )
        )
    seeds = [request.seed + k for k in range(request.runs)]
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
    runs = []
    # One forward pass, bound once, with the weights of one run after the other.
    weights, outputs = sweep.weights(0), np.empty((len(CORNERS), 1))
    passes = forward_passes(network, weights, inputs, outputs)
    for k, seed in enumerate(seeds):
        for name, array in sweep.weights(k).items():
            np.copyto(weights[name], array)
        with np.errstate(all="ignore"):
            for calls in passes:
                perform(calls)
        likelihoods = np.where(targets > 0, outputs, 1.0 - outputs)
        loss = float(-np.log(np.maximum(likelihoods, np.finfo(np.float64).tiny)).mean())
        runs.append(XorRun(seed=seed, loss=loss, solved=bool((likelihoods > 0.5).all())))
    best = min(range(len(runs)), key=lambda k: runs[k].loss)
    return _Weights(sweep.weights(best), runs, seeds[best])


@dataclass(frozen=True, eq=False)
class _Xor:
    """The network's numbers for the four points: a row for each, a column for each unit."""

    weights: _Weights
    hidden_activation: str
    output_activation: str
    hidden_sums: Floats
    hidden: Floats
    output_sums: Floats
    """`(4,)`."""
    outputs: Floats
    """`(4,)`."""
    axis: Floats
    """The coordinates of the grid, on both axes."""
    grid: Floats

    @property
    def decisions(self) -> list[int]:
        """1 for each point with an output sum of at least 0."""
        decisions: list[int] = (self.output_sums >= 0.0).astype(int).tolist()
        return decisions

    def unit(self, layer: int, index: int = 0) -> tuple[list[float], float]:
        """The weights and the bias of a unit of layer 1 or 2."""
        weight = self.weights.arrays[f"dense_{layer}.weight"][:, index].tolist()
        return weight, float(self.weights.arrays[f"dense_{layer}.bias"][index])


def _computed(request: SimulateXorRequest, network: Network, weights: _Weights) -> _Xor:
    arrays, corners = weights.arrays, np.array(CORNERS)
    hidden_activation, output_activation = (
        layer.activation for layer in network.layers if isinstance(layer, Dense)
    )
    hidden = predict(network, arrays, corners, "dense_1")
    axis = np.linspace(LOW, HIGH, request.resolution)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return _Xor(
        weights=weights,
        hidden_activation=hidden_activation,
        output_activation=output_activation,
        hidden_sums=corners @ arrays["dense_1.weight"] + arrays["dense_1.bias"],
        hidden=hidden,
        output_sums=(hidden @ arrays["dense_2.weight"] + arrays["dense_2.bias"])[:, 0],
        outputs=predict(network, arrays, corners)[:, 0],
        axis=axis,
        grid=predict(network, arrays, grid)[:, 0].reshape(request.resolution, -1),
    )


def _reply(request: SimulateXorRequest, xor: _Xor) -> XorSimulation:
    space = xor.hidden.tolist()
    hulls = nearest(space, TARGETS)
    solved = xor.decisions == list(TARGETS)
    gates = [_gate(xor.hidden_sums[:, u]) for u in range(2)]
    output_weights, output_bias = xor.unit(2)
    return XorSimulation(
        activation=xor.hidden_activation,
        output_activation=xor.output_activation,
        hidden_units=[_hidden_unit(xor, u, gate) for u, gate in enumerate(gates)],
        output_unit=XorOutputUnit(
            weights=output_weights,
            bias=output_bias,
            line=line_of(output_weights, output_bias, space, of="h"),
            gate=_gate(xor.output_sums),
        ),
        points=[_point(xor, k) for k in range(len(CORNERS))],
        solved=solved,
        hidden_separation=None if hulls.meet else separation(hulls, space, of="h"),
        grid=XorGrid(
            x_values=xor.axis.tolist(), y_values=xor.axis.tolist(), outputs=xor.grid.tolist()
        ),
        runs=xor.weights.runs,
        shown_seed=xor.weights.shown,
        verdict=_verdict(gates, xor.weights.runs, solved=solved, separable=not hulls.meet),
    )


def _hidden_unit(xor: _Xor, u: int, gate: TruthTableName) -> XorHiddenUnit:
    weights, bias = xor.unit(1, u)
    return XorHiddenUnit(
        name=f"h{u + 1}",
        weights=weights,
        bias=bias,
        line=line_of(weights, bias, CORNERS),
        gate=gate,
    )


def _point(xor: _Xor, k: int) -> XorPoint:
    sums, hidden = xor.hidden_sums[k].tolist(), xor.hidden[k].tolist()
    z, decision = float(xor.output_sums[k]), xor.decisions[k]
    return XorPoint(
        inputs=CORNERS[k],
        target=TARGETS[k],
        hidden_sums=[
            _sum(f"z{u + 1}", "x", *xor.unit(1, u), CORNERS[k], sums[u]) for u in range(2)
        ],
        hidden=[
            quantity(
                f"h{u + 1}",
                hidden[u],
                f"{xor.hidden_activation}(z{u + 1})",
                expression(f"{xor.hidden_activation}({{}})", sums[u]),
            )
            for u in range(2)
        ],
        output_sum=_sum("z", "h", *xor.unit(2), hidden, z),
        output=quantity(
            "ŷ",
            float(xor.outputs[k]),
            f"{xor.output_activation}(z)",
            expression(f"{xor.output_activation}({{}})", z),
        ),
        prediction=decision,
        is_correct=decision == TARGETS[k],
    )


def _gate(sums: Floats) -> TruthTableName:
    outputs = tuple((sums >= 0.0).astype(int).tolist())
    return next(name for name, table in TRUTH_TABLES.items() if table == outputs)


def _sum(
    name: str, inputs: str, weights: list[float], bias: float, point: list[float], value: float
) -> Quantity:
    unit = name[1:]
    return quantity(
        name,
        value,
        f"w1·{inputs}1 + w2·{inputs}2 + b" + (f" (of h{unit})" if unit else ""),
        sum_of_products(list(zip(weights, point, strict=True)), [bias]),
    )


def _verdict(
    gates: Sequence[TruthTableName], runs: Sequence[XorRun], *, solved: bool, separable: bool
) -> str:
    first, second = (gate.replace("_", " ").upper() for gate in gates)
    result = f"The hidden units compute {first} and {second}. "
    if solved:
        result += "In the hidden space one line separates the points: the network computes XOR."
    elif separable:
        result += "In the hidden space a line separates the points, but the output unit's does not."
    else:
        result += "In the hidden space still no line separates the points."
    if runs:
        count = sum(run.solved for run in runs)
        result += (
            f" {count} of {len(runs)} runs solve XOR: two hidden units are just enough, and many "
            "runs end in a local minimum of the loss."
        )
    return result


XOR = Explorer(
    "XOR with a hidden layer",
    xor,
    {
        "By hand: OR, NAND, and AND of both": {},
        "Trained from eight initializations": {"train": True, "resolution": 11},
        "Two sigmoids of your own": {
            "activation": "sigmoid",
            "hidden": [
                {"weights": [20.0, 20.0], "bias": -10.0},
                {"weights": [20.0, 20.0], "bias": -30.0},
            ],
            "output": {"weights": [20.0, -20.0], "bias": -10.0},
            "resolution": 5,
        },
    },
)
