"""A forward pass: the products, sum and activation of every unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from epochal_engine import (
    ACTIVATIONS,
    Activation,
    ActivationLayer,
    Add,
    Dense,
    LayerNorm,
    Residual,
)
from epochal_engine.symbolic import Array, Symbol
from epochal_service.methods.examples import THREE_FOUR_FOUR_TWO

from ..specs.explorers.forward import (
    ForwardSimulation,
    LayerTrace,
    SimulateForwardRequest,
    UnitTrace,
)
from ..specs.explorers.quantity import Quantity
from .activation import applied
from .explorer import Explorer
from .formulas import expression, number, put_in, quantity, sum_of_products, total
from .small_network import SmallNetwork, Step, small_network

Values = dict[Symbol, Array]

FORMULAS = {
    "dropout": "y = x: dropout is active in training only",
    "layer_norm": "y = (x - mean) / √(variance + ε)·scale + shift",
    "residual": "y = x + f(x)",
    "flatten": "y = x as one row",
    "reshape": "y = x in another shape",
    "slice": "y = a slice of x",
    "add": "y = sum of the inputs",
    "concatenate": "y = concatenation of the inputs",
}


def forward(request: SimulateForwardRequest) -> ForwardSimulation:
    """Run a forward pass through a small network and show each product, sum and activation.

    Raises `InvalidArgument` if the network is too large to show, or if its shapes, the input or
    the weights do not fit.
    """
    small = small_network(request)
    values = all_values(small)
    with np.errstate(all="ignore"):  # An overflow is a result, shown as inf.
        layers = [_layer(step, small, values) for step in small.trace.steps]
    output = values[small.trace.output]
    parts = [int(layer.flops.value) for layer in layers if layer.flops.value]
    flops = sum(parts)
    parameters = sum(math.prod(shape) for shape in small.network.parameters.values())
    return ForwardSimulation(
        layers=layers,
        output=output.ravel().tolist(),
        output_shape=list(small.network.output_shape),
        parameters=parameters,
        flops=quantity("FLOPs", flops, "Σ over the layers", total(parts)),
        verdict=f"{_verdict(small, output)} The pass took {number(flops)} multiplications and "
        f"additions with {number(parameters)} parameters.",
    )


def all_values(small: SmallNetwork) -> Values:
    """Return the value of each symbol of each step: inputs, weighted sum and output."""
    plan = small.trace.plan
    return dict(zip(small.trace.symbols, plan.evaluate(small.leaves), strict=True))


def _layer(step: Step, small: SmallNetwork, values: Values) -> LayerTrace:
    output = values[step.output]
    inputs = [values[x] for x in step.inputs]
    statistics, units = _units(step, small, values, inputs)
    factors = _flops(step, small, inputs[0])
    return LayerTrace(
        name=step.name,
        type=step.layer.type,
        formula=_formula(step),
        inputs=[x.ravel().tolist() for x in inputs],
        statistics=statistics,
        units=units,
        output=output.ravel().tolist(),
        output_shape=list(output.shape[1:]),
        flops=quantity(
            "FLOPs",
            math.prod(factors),
            "2·products" if factors != [0] else "0",
            expression("·".join(["{}"] * len(factors)), *factors),
        ),
    )


def _formula(step: Step) -> str:
    match step.layer:
        case Dense(activation=activation):
            return f"z = x·W{' + b' if step.layer.use_bias else ''}, a = {activation}(z)"
        case ActivationLayer(activation=activation):
            return f"a = {activation}(z)"
    return FORMULAS.get(step.layer.type, "")


def _flops(step: Step, small: SmallNetwork, x: Array) -> list[int]:
    """Factors of the number of operations of a layer."""
    if not isinstance(step.layer, Dense):
        return [0]
    weight = small.weights[f"{step.name}.weight"]
    rows = x.size // len(weight)
    return [2, *([rows] if rows > 1 else []), *weight.shape]


def _units(
    step: Step, small: SmallNetwork, values: Values, inputs: list[Array]
) -> tuple[list[Quantity], list[UnitTrace]]:
    """The numbers that all units share, and each unit."""
    output = values[step.output]
    match step.layer:
        case Dense(activation=activation):
            assert step.weighted_sum is not None
            sums = values[step.weighted_sum]
            statistics, outputs = _activated(activation, sums, output)
            return statistics, _dense_units(step, small, inputs[0], sums, outputs)
        case ActivationLayer(activation=activation):
            statistics, outputs = _activated(activation, inputs[0], output)
        case LayerNorm():
            statistics, outputs = _normalized(step, small, inputs[0], output)
        case Residual() | Add():
            statistics, outputs = [], _added(inputs, output)
        case _:
            return [], []
    return statistics, [
        UnitTrace(products=[], weighted_sum=None, output=output) for output in outputs
    ]


def element_names(array: Array) -> list[str]:
    """Return the index of each element of one sample, from 1, e.g. `3`, or `2,3` in a table."""
    return [",".join(str(i + 1) for i in index) for index in np.ndindex(array.shape[1:])]


def _dense_units(
    step: Step, small: SmallNetwork, x: Array, sums: Array, outputs: list[Quantity]
) -> list[UnitTrace]:
    weight = small.weights[f"{step.name}.weight"]
    bias = small.weights.get(f"{step.name}.bias")
    names = element_names(sums)
    rows = x.reshape((-1, len(weight)))
    products = rows[:, :, None] * weight + 0.0  # + 0.0 turns -0 into 0
    inputs, weights = rows.tolist(), weight.T.tolist()
    units = []
    for index, (z, output) in enumerate(zip(sums.ravel().tolist(), outputs, strict=True)):
        row, unit = divmod(index, weight.shape[1])
        pairs = list(zip(weights[unit], inputs[row], strict=True))
        last, rest = ("", []) if bias is None else (f" + b{unit + 1}", [float(bias[unit])])
        units.append(
            UnitTrace(
                products=products[row, :, unit].tolist(),
                weighted_sum=quantity(
                    f"z{names[index]}",
                    z,
                    f"Σᵢ wᵢ,{unit + 1}·xᵢ{last}",
                    sum_of_products(pairs, rest),
                ),
                output=output,
            )
        )
    return units


def _activated(name: str, sums: Array, output: Array) -> tuple[list[Quantity], list[Quantity]]:
    """The numbers that all units share, and the output of each unit."""
    activation = ACTIVATIONS[name]
    rows = list(
        zip(element_names(sums), sums.ravel().tolist(), output.ravel().tolist(), strict=True)
    )
    if activation.is_elementwise:
        return [], [_applied(activation, index, z, a) for index, z, a in rows]
    shared, outputs = [], []
    classes = sums.shape[-1]
    for start in range(0, len(rows), classes):
        suffix = "" if len(rows) == classes else str(start // classes + 1)
        statistics, results = _softmax(rows[start : start + classes], suffix)
        shared += statistics
        outputs += results
    return shared, outputs


def _applied(activation: Activation, index: str, z: float, a: float) -> Quantity:
    """An elementwise activation, with the branch of its formula that applies."""
    name = f"a{index}"
    formula = activation.formula.rpartition(" = ")[2]
    symbols = "" if formula == f"{activation.name}(x)" else f" = {formula}"
    return quantity(
        name,
        a,
        f"{activation.name}(z{index}){_in_symbols(symbols, f'z{index}')}",
        applied(formula, z)[-1],
    )


def _in_symbols(formula: str, symbol: str) -> str:
    """The formula with another symbol in place of x."""
    return put_in(formula, x=0.0).template.replace("{}", symbol)


def _softmax(
    row: list[tuple[str, float, float]], suffix: str
) -> tuple[list[Quantity], list[Quantity]]:
    """Maximum and sum of one softmax, and its outputs; `suffix` numbers the position."""
    logits = [z for _, z, _ in row]
    largest, denominator = max(logits), 1.0 / max(a for _, _, a in row)
    powers = [expression("exp({} - {})", z, largest) for z in logits]
    m, s = f"m{suffix}", f"S{suffix}"
    statistics = [
        quantity(
            m, largest, "maxⱼ zⱼ", expression(f"max({', '.join(['{}'] * len(logits))})", *logits)
        ),
        quantity(s, denominator, f"Σⱼ exp(zⱼ - {m})", total(powers)),
    ]
    return statistics, [
        quantity(
            f"a{index}", a, f"exp(z{index} - {m}) / {s}", expression("{} / {}", power, denominator)
        )
        for (index, _, a), power in zip(row, powers, strict=True)
    ]


@dataclass(frozen=True)
class _Row:
    """One position of a layer norm."""

    x: list[float]
    mean: float
    variance: float
    suffix: str
    """The number of the position; empty if there is only one."""

    @property
    def statistics(self) -> list[Quantity]:
        """Mean and variance."""
        n = len(self.x)
        mean, squares = (
            f"mean{self.suffix}",
            [expression("({} - {})²", x, self.mean) for x in self.x],
        )
        return [
            quantity(mean, self.mean, "Σᵢ xᵢ / n", expression("({}) / {}", total(self.x), n)),
            quantity(
                f"variance{self.suffix}",
                self.variance,
                f"Σᵢ (xᵢ - {mean})² / n",
                expression("({}) / {}", total(squares), n),
            ),
        ]


def _normalized(
    step: Step, small: SmallNetwork, x: Array, output: Array
) -> tuple[list[Quantity], list[Quantity]]:
    """Mean and variance of each position, and the output of each unit."""
    assert isinstance(step.layer, LayerNorm)
    scale, shift = (small.weights[f"{step.name}.{name}"].tolist() for name in ("scale", "shift"))
    arrays = x.reshape((-1, x.shape[-1]))
    rows = [
        _Row(
            array.tolist(),
            float(array.mean()),
            float(array.var()),
            "" if len(arrays) == 1 else str(index + 1),
        )
        for index, array in enumerate(arrays)
    ]
    names, results = iter(element_names(x)), iter(output.ravel().tolist())
    outputs = [
        _normalized_unit(row, i, next(names), next(results), step.layer.epsilon, scale, shift)
        for row in rows
        for i in range(len(row.x))
    ]
    return [statistic for row in rows for statistic in row.statistics], outputs


def _normalized_unit(
    row: _Row,
    i: int,
    index: str,
    value: float,
    epsilon: float,
    scale: list[float],
    shift: list[float],
) -> Quantity:
    return quantity(
        f"y{index}",
        value,
        f"(x{index} - mean{row.suffix}) / √(variance{row.suffix} + ε)·scale{i + 1} + shift{i + 1}",
        expression(
            "({} - {}) / √({} + {})·{} + {}",
            row.x[i],
            row.mean,
            row.variance,
            epsilon,
            scale[i],
            shift[i],
        ),
    )


def _added(inputs: list[Array], output: Array) -> list[Quantity]:
    columns = zip(*(x.ravel().tolist() for x in inputs), strict=True)
    results = zip(element_names(output), columns, output.ravel().tolist(), strict=True)
    return [
        quantity(f"y{index}", value, f"sum of element {index} of each input", total(terms))
        for index, terms, value in results
    ]


def _verdict(small: SmallNetwork, output: Array) -> str:
    last = small.trace.steps[-1].layer
    flat = output.ravel()
    activation = getattr(last, "activation", "")
    if activation == "softmax" and output.ndim == 2:
        best = int(flat.argmax())
        return f"Class {best}, counted from 0, is the most likely: {100 * flat[best]:.1f} %."
    if activation == "sigmoid" and flat.size == 1:
        label = "positive" if flat[0] >= 0.5 else "negative"
        return (
            f"The network predicts the {label} class: the probability of the positive class is "
            f"{100 * flat[0]:.1f} %."
        )
    shown = ", ".join(map(number, flat[:8].tolist())) + (", …" if flat.size > 8 else "")
    return f"The output is {shown}."


FORWARD = Explorer(
    "A forward pass",
    forward,
    {
        "3-4-4-2, with weights that can be worked out by hand": {
            "network": THREE_FOUR_FOUR_TWO,
            "input": [0.8, 0.3, 0.6],
            "weights_from": "pattern",
        },
        "XOR of 1 and 0 with a hidden layer of OR and NAND": {
            "network": {
                "input_shape": [2],
                "layers": [
                    {"type": "dense", "units": 2, "activation": "step"},
                    {"type": "dense", "units": 1, "activation": "step"},
                ],
            },
            "input": [1.0, 0.0],
            "weights": [
                {"layer": "dense_1", "weight": [[1.0, -1.0], [1.0, -1.0]], "bias": [-0.5, 1.5]},
                {"layer": "dense_2", "weight": [[1.0], [1.0]], "bias": [-1.5]},
            ],
        },
        "Two positions of a sequence: dense, layer norm, and a residual": {
            "network": {
                "input_shape": [2, 3],
                "layers": [
                    {"type": "layer_norm"},
                    {
                        "type": "residual",
                        "layers": [
                            {"type": "dense", "units": 3, "activation": "gelu"},
                            {"type": "dropout", "rate": 0.1},
                        ],
                    },
                    {"type": "flatten"},
                    {"type": "dense", "units": 1, "activation": "sigmoid"},
                ],
            },
            "input": [0.8, 0.3, 0.6, -1.0, 2.0, 0.5],
            "seed": 7,
        },
    },
)
