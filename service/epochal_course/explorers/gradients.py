"""Gradient flow in deep networks: vanishing and exploding gradients, and their remedies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from epochal_engine import (
    ACTIVATIONS,
    BatchNorm,
    Dense,
    Layer,
    LayerNorm,
    Network,
    Residual,
    find_loss,
)
from epochal_engine.insight import VANISHED
from epochal_engine.model import parameter_leaves
from epochal_engine.symbolic import Array, Symbol, differentiate, evaluate, leaf, replicate
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.activation import FlowLabel
from ..specs.explorers.gradients import (
    GradientFlowLayer,
    GradientFlowSimulation,
    Normalization,
    Remedy,
    RemedyName,
    SimulateGradientFlowRequest,
)
from .explorer import Explorer
from .formulas import expression, number, quantity

MAX_COST = 500_000
LOSS = "binary_cross_entropy"
EXPLODED = 1.0 / VANISHED
"""Ratio above which a gradient counts as exploded."""


def weight_gradients(
    network: Network, inputs: Array, targets: Array, weights: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the gradient of each weight matrix, `(draws, *shape)`, for many draws at once.

    Inputs are `(draws, n, *input_shape)`, targets `(draws, n, *output_shape)`, and the weights are
    named as in `Network.parameters`, each `(draws, *shape)`. The key "logits" holds the logits
    `(draws, n, outputs)`.
    """
    draws, samples = inputs.shape[:2]
    trace = _traced(network, samples, draws)
    given = {trace.inputs: inputs, trace.targets: targets} | {
        leaf: weights[name] for name, leaf in trace.parameters.items()
    }
    return dict(zip(trace.outputs, evaluate([*trace.outputs.values()], given), strict=True))


@dataclass(frozen=True, eq=False)
class _Trace:
    """The formulas of the gradient of a training step, for many draws at once."""

    inputs: Symbol
    targets: Symbol
    parameters: dict[str, Symbol]
    outputs: dict[str, Symbol]


@lru_cache(maxsize=64)
def _traced(network: Network, samples: int, draws: int) -> _Trace:
    x, y = leaf((samples, *network.input_shape)), leaf((samples, *network.output_shape))
    parameters, loss = parameter_leaves(network), find_loss(LOSS)
    logits = loss.logits(network.forward(x, parameters, noise=lambda shape, rate: leaf(shape))[-1])
    weights = [name for name in parameters if _is_weight(name)]
    gradients = differentiate(loss.traced(logits, y), [parameters[name] for name in weights])
    outputs, leaves = replicate([logits, *gradients], [x, y, *parameters.values()], draws)
    return _Trace(
        leaves[x],
        leaves[y],
        {name: leaves[symbol] for name, symbol in parameters.items() if symbol in leaves},
        dict(zip(["logits", *weights], outputs, strict=True)),
    )


def _is_weight(name: str) -> bool:
    return name.endswith(".weight")


def gradient_norms(gradients: Mapping[str, Array]) -> Array:
    """Return the gradient norm ‖∂L/∂W‖ of each draw and layer, `(draws, layers)`."""
    squares = [np.square(g).sum(axis=(1, 2)) for name, g in gradients.items() if _is_weight(name)]
    norms: Array = np.sqrt(np.stack(squares, axis=1))
    return norms


# ---------------------------------------------------------------- flow


@dataclass(frozen=True)
class _Stack:
    """A stack of hidden layers and its initialization."""

    depth: int
    width: int
    activation: str
    initializer: str
    gain: float
    residual: bool
    normalization: Normalization

    def network(self) -> Network:
        """Return the network: the hidden layers and one sigmoid output."""
        dense = Dense(
            self.width,
            self.activation,
            initializer=self.initializer,
            initializer_gain=self.gain,
        )
        block: list[Layer] = [Residual((dense,)) if self.residual else dense]
        if self.normalization != "none":
            block.append(LayerNorm() if self.normalization == "layer_norm" else BatchNorm())
        return Network((self.width,), (*block * self.depth, Dense(1, "sigmoid")))


@dataclass(frozen=True, eq=False)
class _Flow:
    norms: Array
    """`(seeds, layers)`, the output layer last."""
    losses: Array
    """`(seeds,)`."""

    @property
    def ratios(self) -> Array:
        """Gradient norm of the first hidden layer divided by the last one's, for each seed."""
        first, last = self.norms[:, 0], self.norms[:, -2]
        return np.divide(first, last, out=np.zeros_like(first), where=last > 0.0)

    @property
    def ratio(self) -> float:
        """The median."""
        return float(np.median(self.ratios))

    @property
    def label(self) -> FlowLabel:
        """By the median."""
        if self.ratio < VANISHED:
            return "vanishing"
        return "exploding" if self.ratio > EXPLODED else "healthy"


# The measurement depends on the arguments alone, and a slider often returns to an earlier value.
@lru_cache(maxsize=256)
def _measure(stack: _Stack, samples: int, seed: int, seeds: int) -> _Flow:
    network = stack.network()
    inputs = np.empty((seeds, samples, stack.width))
    targets = np.empty((seeds, samples, 1))
    weights = {name: np.empty((seeds, *shape)) for name, shape in network.parameters.items()}
    for row in range(seeds):
        rng = np.random.default_rng(seed + row)
        inputs[row] = rng.normal(size=inputs.shape[1:])
        targets[row] = rng.random(targets.shape[1:]) < 0.5
        for name, array in network.initial_parameters(rng=rng).items():
            weights[name][row] = array
    gradients = weight_gradients(network, inputs, targets, weights)
    logits = gradients["logits"]
    losses = (np.logaddexp(0.0, logits) - targets * logits).mean(axis=(1, 2))
    return _Flow(gradient_norms(gradients), losses)


def gradient_flow(request: SimulateGradientFlowRequest) -> GradientFlowSimulation:
    """Measure how the gradient changes from the last hidden layer to the first, in real networks.

    Each seed draws standard normal inputs, random targets of 0 and 1, and initial weights; the
    gradients belong to the first training step. Four remedies are measured in the same way, each
    alone.

    Raises `InvalidArgument` for an activation that is not elementwise, and for more than the budget
    of one call.
    """
    stack = _stack(request)
    flow = _measure(stack, request.samples, request.seed, request.seeds)
    medians = np.median(flow.norms, axis=0)
    first, last = float(medians[0]), float(medians[-2])
    remedies = _measured_remedies(request, stack)
    names = [f"hidden {k}" for k in range(1, request.depth + 1)] + ["output"]
    ratios = ", ".join(["{}"] * len(flow.ratios))
    return GradientFlowSimulation(
        layers=[
            GradientFlowLayer(
                name=name,
                norm=float(norm),
                relative_norm=float(norm) / last if last > 0.0 else 0.0,
                norms=column.tolist(),
            )
            for name, norm, column in zip(names, medians, flow.norms.T, strict=True)
        ],
        ratio=quantity(
            "ratio",
            flow.ratio,
            f"median over seeds of ‖∂L/∂W1‖ / ‖∂L/∂W{request.depth}‖",
            expression(f"median({ratios})", *flow.ratios.tolist()),
        ),
        ratios=flow.ratios.tolist(),
        label=flow.label,
        vanishing_below=VANISHED,
        exploding_above=EXPLODED,
        loss=float(np.median(flow.losses)),
        remedies=remedies,
        verdict=_flow_verdict(request.depth, flow, first, last, remedies),
    )


def _stack(request: SimulateGradientFlowRequest) -> _Stack:
    cost = request.depth * request.width * request.seeds * (request.samples + request.width)
    if cost > MAX_COST:
        raise InvalidArgument.of(
            FieldError(
                "depth",
                f"must cost at most {MAX_COST}, about 200 ms; got depth · width · seeds · "
                f"(samples + width) = {cost}. Reduce one of them",
            ),
            reason="limit_exceeded",
        )
    if not ACTIVATIONS[request.activation].is_elementwise:
        raise InvalidArgument.of(
            FieldError("activation", f"must be elementwise; got {request.activation}")
        )
    return _Stack(
        depth=request.depth,
        width=request.width,
        activation=request.activation,
        initializer=request.initializer or ACTIVATIONS[request.activation].default_initializer,
        gain=request.gain,
        residual=request.residual,
        normalization=request.normalization,
    )


@dataclass(frozen=True)
class _Change:
    """One remedy: the network without it and with it."""

    name: RemedyName
    description: str
    is_on: bool
    without: _Stack
    with_it: _Stack


def _measured_remedies(request: SimulateGradientFlowRequest, stack: _Stack) -> list[Remedy]:
    remedies = []
    for change in _changes(stack):
        off, on = (
            _measure(variant, request.samples, request.seed, request.seeds)
            for variant in (change.without, change.with_it)
        )
        remedies.append(
            Remedy(
                name=change.name,
                description=change.description,
                is_on=change.is_on,
                ratio_off=off.ratio,
                label_off=off.label,
                ratio_on=on.ratio,
                label_on=on.label,
                norms_on=np.median(on.norms, axis=0).tolist(),
            )
        )
    return remedies


def _changes(stack: _Stack) -> list[_Change]:
    relu = replace(stack, activation="relu", initializer="he_normal", gain=1.0)
    sigmoid = replace(stack, activation="sigmoid", initializer="xavier_uniform", gain=1.0)
    is_relu = stack == relu
    at_zero = float(ACTIVATIONS[stack.activation].derivative(0.0))
    gain = 1.0 / at_zero if at_zero > 0.0 else 1.0
    is_raised = stack.gain == gain
    normalized = "layer_norm" if stack.normalization == "none" else stack.normalization
    return [
        _Change(
            "activation",
            "relu, whose derivative is 1 for positive inputs, with He initialization"
            + (", against sigmoid with Xavier initialization" if is_relu else ""),
            is_relu,
            sigmoid if is_relu else stack,
            relu,
        ),
        _Change(
            "initialization",
            f"initial weights times {number(gain)}, which is 1 / f'(0): this compensates for the "
            "derivative of the activation"
            if at_zero > 0.0
            else "initial weights as drawn: the derivative of the activation at 0 is 0",
            is_raised,
            replace(stack, gain=1.0) if is_raised else stack,
            replace(stack, gain=gain),
        ),
        _Change(
            "residual",
            "a residual (skip) connection around each layer, through which the gradient passes "
            "unchanged",
            stack.residual,
            replace(stack, residual=False),
            replace(stack, residual=True),
        ),
        _Change(
            "normalization",
            "outputs of each layer normalized to mean 0 and variance 1 ("
            + ("per sample" if normalized == "layer_norm" else "over the batch")
            + ")",
            stack.normalization != "none",
            replace(stack, normalization="none"),
            replace(stack, normalization=normalized),
        ),
    ]


def _flow_verdict(
    depth: int, flow: _Flow, first: float, last: float, remedies: Sequence[Remedy]
) -> str:
    if last == 0.0:
        return "The gradient is 0: no weight of the hidden layers would change."
    result = (
        f"From layer {depth} back to layer 1 the gradient norm goes from {number(last)} to "
        f"{number(first)}: "
    )
    match flow.label:
        case "vanishing":
            result += "the gradient vanishes, and the first layers hardly learn."
        case "exploding":
            result += "the gradient explodes, and updates of the first layers are far too large."
        case "healthy":
            return result + "the gradient keeps its order of magnitude, and all layers learn."
    remedy_names = [r.name for r in remedies if not r.is_on and r.label_on == "healthy"]
    if remedy_names:
        result += f" Each of these remedies restores it: {', '.join(remedy_names)}."
    return result


GRADIENT_FLOW = Explorer(
    "Gradient flow through many layers",
    gradient_flow,
    {
        "Ten sigmoid layers, and the remedies": {},
        "Twenty tanh layers with weights that are too large": {
            "depth": 20,
            "activation": "tanh",
            "initializer": "xavier_normal",
            "gain": 4.0,
            "seeds": 3,
        },
        "Residual layers with layer norm": {
            "depth": 8,
            "activation": "relu",
            "residual": True,
            "normalization": "layer_norm",
            "samples": 16,
            "seed": 7,
        },
    },
)
