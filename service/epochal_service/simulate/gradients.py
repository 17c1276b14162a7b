"""Gradients on their way back: what depth does to them, and what helps."""

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
)
from epochal_engine.diagnosis import VANISHED
from epochal_engine.differentiate import differentiate
from epochal_engine.losses import find_loss
from epochal_engine.network import parameter_leaves
from epochal_engine.plan import evaluate
from epochal_engine.replicas import replicate
from epochal_engine.trace import Array, Symbol, leaf

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.activation import FlowLabel
from ..specs.simulations.gradients import (
    GradientFlowLayer,
    GradientFlowSimulation,
    Normalization,
    Remedy,
    RemedyName,
    SimulateGradientFlowRequest,
    SimulateVanishingBarsRequest,
    VanishingBarsSimulation,
)
from ..specs.simulations.quantity import Quantity
from .formulas import number

MAX_PRICE = 500_000
LOSS = "binary_cross_entropy"
EXPLODED = 1.0 / VANISHED
"""As many times the last layer's gradient as a vanished one is parts of it."""
BARS = (1.0, 0.35, 0.08, 0.01)
"""Bars with which vanishing gradients are often drawn, from the output back to the input."""
BARS_NETWORK = Network(
    (3,),
    tuple(Dense(units, "sigmoid", use_bias=False) for units in (4, 4, 4, 2)),
)
BARS_SAMPLES, BARS_DEVIATION = 32, 0.5


def weight_gradients(
    network: Network, inputs: Array, targets: Array, weights: Mapping[str, Array]
) -> dict[str, Array]:
    """Of many draws at once, the gradient of each weight matrix, `(draws, *shape)`, and the logits.

    Inputs are `(draws, n, *input_shape)`, targets `(draws, n, *output_shape)`, and the weights
    named as in `Network.parameters`, each `(draws, *shape)`. The logits `(draws, n, outputs)` are
    named "scores".
    """
    draws, samples = inputs.shape[:2]
    trace = _traced(network, samples, draws)
    given = {trace.inputs: inputs, trace.targets: targets} | {
        leaf: weights[name] for name, leaf in trace.parameters.items()
    }
    return dict(zip(trace.outputs, evaluate([*trace.outputs.values()], given), strict=True))


@dataclass(frozen=True, eq=False)
class _Trace:
    """The formulas of a training step's gradient, for many draws at once."""

    inputs: Symbol
    targets: Symbol
    parameters: dict[str, Symbol]
    outputs: dict[str, Symbol]


@lru_cache(maxsize=64)
def _traced(network: Network, samples: int, draws: int) -> _Trace:
    x, y = leaf((samples, *network.input_shape)), leaf((samples, *network.output_shape))
    parameters, loss = parameter_leaves(network), find_loss(LOSS)
    scores = loss.scores(network.forward(x, parameters, noise=lambda shape, rate: leaf(shape))[-1])
    weights = [name for name in parameters if _is_weight(name)]
    slopes = differentiate(loss.traced(scores, y), [parameters[name] for name in weights])
    outputs, leaves = replicate([scores, *slopes], [x, y, *parameters.values()], draws)
    return _Trace(
        leaves[x],
        leaves[y],
        {name: leaves[own] for name, own in parameters.items() if own in leaves},
        dict(zip(["scores", *weights], outputs, strict=True)),
    )


def _is_weight(name: str) -> bool:
    return name.endswith(".weight")


def _norms(gradients: Mapping[str, Array]) -> Array:
    """‖∂L/∂W‖ of each draw and layer, `(draws, layers)`."""
    squares = [np.square(g).sum(axis=(1, 2)) for name, g in gradients.items() if _is_weight(name)]
    norms: Array = np.sqrt(np.stack(squares, axis=1))
    return norms


# ---------------------------------------------------------------- flow


@dataclass(frozen=True)
class _Stack:
    """The hidden layers, and how they are drawn."""

    depth: int
    width: int
    activation: str
    initializer: str
    gain: float
    residual: bool
    normalization: Normalization

    def network(self) -> Network:
        """The hidden layers, each wrapped as was asked, and one output."""
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
        """First hidden layer over last one, of each seed; no gradient anywhere counts as 0."""
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


# What is measured depends on the arguments alone, and a slider comes back to where it was.
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
        for name, array in network.first_weights(rng=rng).items():
            weights[name][row] = array
    gradients = weight_gradients(network, inputs, targets, weights)
    logits = gradients["scores"]
    losses = (np.logaddexp(0.0, logits) - targets * logits).mean(axis=(1, 2))
    return _Flow(_norms(gradients), losses)


def gradient_flow(request: SimulateGradientFlowRequest) -> GradientFlowSimulation:
    """How the gradient changes from the last hidden layer back to the first one, in real networks.

    Each seed draws standard normal inputs, targets of 0 and 1 by the toss of a coin, and first
    weights; the gradients are those of the first step of training. Four remedies are tried, each
    by itself and measured in the same way.

    Raises `InvalidArgument` for an activation that does not work on single numbers, and for more
    than the budget of one call.
    """
    price = request.depth * request.width * request.seeds * (request.samples + request.width)
    if price > MAX_PRICE:
        raise InvalidArgument.of(
            FieldError(
                "depth",
                f"costs depth · width · seeds · (samples + width) = {price}, and one call may cost "
                f"{MAX_PRICE}, about 200 ms: ask for less of one of them",
            ),
            reason="limit_exceeded",
        )
    if not ACTIVATIONS[request.activation].is_elementwise:
        raise InvalidArgument.of(
            FieldError("activation", f"{request.activation} is for the last layer only")
        )
    asked = _Stack(
        depth=request.depth,
        width=request.width,
        activation=request.activation,
        initializer=request.initializer or ACTIVATIONS[request.activation].default_initializer,
        gain=request.gain,
        residual=request.residual,
        normalization=request.normalization,
    )

    def measured(stack: _Stack) -> _Flow:
        return _measure(stack, request.samples, request.seed, request.seeds)

    flow = measured(asked)
    names = [f"hidden {k}" for k in range(1, request.depth + 1)] + ["output"]
    medians = np.median(flow.norms, axis=0)
    last = float(medians[-2])
    first_median, ratio = float(medians[0]), flow.ratio
    remedies = [
        Remedy(
            name=name,
            description=description,
            is_on=is_on,
            ratio_off=(off := measured(without)).ratio,
            label_off=off.label,
            ratio_on=(on := measured(with_it)).ratio,
            label_on=on.label,
            norms_on=np.median(on.norms, axis=0).tolist(),
        )
        for name, description, is_on, without, with_it in _remedies(asked)
    ]
    return GradientFlowSimulation(
        layers=[
            GradientFlowLayer(
                name=name,
                norm=float(norm),
                share=float(norm) / last if last > 0.0 else 0.0,
                norms=column.tolist(),
            )
            for name, norm, column in zip(names, medians, flow.norms.T, strict=True)
        ],
        ratio=Quantity(
            name="ratio",
            value=ratio,
            formula=f"ratio = median over seeds of ‖∂L/∂W1‖ / ‖∂L/∂W{request.depth}‖",
            substituted=(
                f"ratio = median of {', '.join(number(r) for r in flow.ratios)} = {number(ratio)}"
            ),
        ),
        ratios=flow.ratios.tolist(),
        label=flow.label,
        vanishing_below=VANISHED,
        exploding_above=EXPLODED,
        loss=float(np.median(flow.losses)),
        remedies=remedies,
        verdict=_flow_verdict(request.depth, flow, first_median, last, remedies),
    )


def _remedies(
    asked: _Stack,
) -> list[tuple[RemedyName, str, bool, _Stack, _Stack]]:
    """Name, description, whether it is on, the network without it, and the network with it."""
    relu = replace(asked, activation="relu", initializer="he_normal", gain=1.0)
    sigmoid = replace(asked, activation="sigmoid", initializer="xavier_uniform", gain=1.0)
    is_relu = asked == relu
    slope = float(ACTIVATIONS[asked.activation].derivative(0.0))
    gain = 1.0 / slope if slope > 0.0 else 1.0
    is_raised = asked.gain == gain
    normalized = "layer_norm" if asked.normalization == "none" else asked.normalization
    return [
        (
            "activation",
            "relu, whose slope is 1 wherever it is not 0, with He's initializer"
            + (", against sigmoid with Xavier's" if is_relu else ""),
            is_relu,
            sigmoid if is_relu else asked,
            relu,
        ),
        (
            "initialization",
            f"first weights times {number(gain)}, which is 1 / f'(0): what the slope takes, "
            "the weights give back"
            if slope > 0.0
            else "first weights as the initializer draws them",
            is_raised,
            replace(asked, gain=1.0) if is_raised else asked,
            replace(asked, gain=gain),
        ),
        (
            "residual",
            "each layer is added to its own input, so that the gradient has a way past it",
            asked.residual,
            replace(asked, residual=False),
            replace(asked, residual=True),
        ),
        (
            "normalization",
            "each layer's outputs are brought back to mean 0 and variance 1 ("
            + ("per sample" if normalized == "layer_norm" else "over the batch")
            + ")",
            asked.normalization != "none",
            replace(asked, normalization="none"),
            replace(asked, normalization=normalized),
        ),
    ]


def _flow_verdict(
    depth: int, flow: _Flow, first: float, last: float, remedies: Sequence[Remedy]
) -> str:
    if last == 0.0:
        return (
            "No gradient comes through at all: every weight of the hidden layers would stay where "
            "it is."
        )
    said = f"From layer {depth} back to layer 1 the gradient goes from {number(last)} to " + (
        f"{number(first)}: "
    )
    helping = [r.name for r in remedies if not r.is_on and r.label_on == "healthy"]
    match flow.label:
        case "vanishing":
            said += "it vanishes, and the first layers hardly learn."
        case "exploding":
            said += "it explodes, and one step changes the first layers beyond use."
        case "healthy":
            return said + "it stays of one order, and all layers learn."
    if helping:
        said += f" What brings it back, each alone: {', '.join(helping)}."
    return said


# ---------------------------------------------------------------- bars


def vanishing_bars(request: SimulateVanishingBarsRequest) -> VanishingBarsSimulation:
    """Bars 1.00, .35, .08, .01 for a vanishing gradient, from a real network and not by hand.

    A sigmoid network 3-4-4-4-2 without biases, with normal weights of deviation .5, on 32 random
    samples. Most draws give other bars; how many of those tried round to exactly these is counted.
    """
    norms = _bars_of(range(request.seed, request.seed + 1))[0]
    tried = _bars_of(range(request.first_seed, request.first_seed + request.seeds))
    shares = tried / tried[:, :1]
    is_match = (np.round(shares, 2) == BARS).all(axis=1)
    matching = (request.first_seed + np.flatnonzero(is_match)).tolist()
    bars = norms / norms[0]
    rounded = np.round(bars, 2)
    matches = bool((rounded == BARS).all())
    layers = len(norms)
    typical = np.median(shares, axis=0)
    return VanishingBarsSimulation(
        recipe=_recipe(request.seed),
        norms=norms.tolist(),
        bars=[
            Quantity(
                name=f"bar {k}",
                value=float(bar),
                formula=f"‖∂L/∂W{k}‖ / ‖∂L/∂W{layers}‖",
                substituted=f"{number(norm)} / {number(norms[0])} = {number(bar)}",
            )
            for k, norm, bar in zip(range(layers, 0, -1), norms, bars, strict=True)
        ],
        rounded=rounded.tolist(),
        target=list(BARS),
        matches=matches,
        tried=request.seeds,
        matching=len(matching),
        matching_seeds=matching,
        typical=typical.tolist(),
        verdict=(
            f"Seed {request.seed} gives {' / '.join(f'{bar:.2f}' for bar in bars)}"
            f"{', the bars asked for' if matches else ''}. Of {request.seeds} seeds from "
            f"{request.first_seed} on, {len(matching)} give them to two decimals; the median draw "
            f"gives {' / '.join(f'{bar:.2g}' for bar in typical)}: it shrinks, and how fast is "
            "chance."
        ),
    )


@lru_cache(maxsize=32)
def _bars_of(seeds: range) -> Array:
    """‖∂L/∂W‖ of each draw from the output layer back to the first, `(seeds, 4)`."""
    network, draws = BARS_NETWORK, len(seeds)
    inputs = np.empty((draws, BARS_SAMPLES, *network.input_shape))
    targets = np.empty((draws, BARS_SAMPLES, *network.output_shape))
    weights = {name: np.empty((draws, *shape)) for name, shape in network.parameters.items()}
    for row, seed in enumerate(seeds):
        rng = np.random.default_rng(seed)
        inputs[row] = rng.normal(size=inputs.shape[1:])
        targets[row] = rng.random(targets.shape[1:]) < 0.5
        for array in weights.values():
            array[row] = rng.normal(0.0, BARS_DEVIATION, array.shape[1:])
    return _norms(weight_gradients(network, inputs, targets, weights))[:, ::-1]


def _recipe(seed: int) -> list[str]:
    matrices = ", ".join(
        f"W{k} ({i}, {o})" for k, (i, o) in enumerate(BARS_NETWORK.parameters.values(), 1)
    )
    return [
        f"rng = numpy.random.default_rng({seed})",
        f"inputs: rng.normal(size=({BARS_SAMPLES}, 3))",
        f"targets: rng.random(({BARS_SAMPLES}, 2)) < 0.5",
        f"weights, in this order, each rng.normal(0, {BARS_DEVIATION}, shape): {matrices}",
        "network: 3-4-4-4-2, each layer sigmoid(x·W), without biases",
        f"loss: binary cross-entropy, the mean over both outputs of all {BARS_SAMPLES} samples",
        "bar k: ‖∂L/∂Wk‖ / ‖∂L/∂W4‖, the Frobenius norm of a gradient over that of the output "
        "layer's",
    ]
