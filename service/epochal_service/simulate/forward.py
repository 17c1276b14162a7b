"""A forward pass, every product, sum and activation of it."""

from __future__ import annotations

import math

import numpy as np

from epochal_engine import (
    ACTIVATIONS,
    ActivationLayer,
    Add,
    Dense,
    LayerNorm,
    Residual,
)
from epochal_engine.plan import evaluate
from epochal_engine.trace import Array, Symbol

from ..specs.simulations.forward import (
    ForwardSimulation,
    LayerTrace,
    SimulateForwardRequest,
    UnitTrace,
)
from ..specs.simulations.quantity import Quantity
from .formulas import factor, minus, number, put_in, sum_of_products
from .small_network import SmallNetwork, Step, small_network

Values = dict[Symbol, Array]

FORMULAS = {
    "dropout": "y = x: numbers are dropped in training only",
    "layer_norm": "y = (x - mean) / √(variance + ε)·scale + shift",
    "residual": "y = x + f(x)",
    "flatten": "y = x, in one row",
    "reshape": "y = x, in another shape",
    "slice": "y = a part of x",
    "add": "y = the sum of the inputs",
    "concatenate": "y = the inputs, one after the other",
}


def forward(request: SimulateForwardRequest) -> ForwardSimulation:
    """What a small network makes of an input: every product, sum and activation, explained.

    Raises `InvalidArgument` if the network is too large to be written out, or if its shapes, the
    input or the weights do not fit.
    """
    small = small_network(request)
    values = all_values(small)
    with np.errstate(all="ignore"):  # what grows beyond all numbers is told as such
        layers = [_layer(step, small, values) for step in small.trace.steps]
    output = values[small.trace.output]
    parts = [layer.flops.value for layer in layers if layer.flops.value]
    total = sum(parts)
    parameters = sum(math.prod(shape) for shape in small.network.parameters.values())
    return ForwardSimulation(
        layers=layers,
        output=output.ravel().tolist(),
        output_shape=list(small.network.output_shape),
        parameters=parameters,
        flops=Quantity(
            name="FLOPs",
            value=total,
            formula="FLOPs = Σ over the layers",
            substituted=f"FLOPs = {' + '.join(map(number, parts)) or '0'} = {total:.0f}",
        ),
        verdict=f"{_verdict(small, output)} This took {total:.0f} multiplications and additions "
        f"with {parameters} parameters.",
    )


def all_values(small: SmallNetwork) -> Values:
    """The numbers of every symbol that a step has: its inputs, weighted sum and output."""
    wanted = list(
        {
            symbol: None
            for step in small.trace.steps
            for symbol in (*step.inputs, step.weighted_sum, step.output)
            if symbol is not None
        }
    )
    return dict(zip(wanted, evaluate(wanted, small.leaves), strict=True))


def _layer(step: Step, small: SmallNetwork, values: Values) -> LayerTrace:
    output = values[step.output]
    inputs = [values[x] for x in step.inputs]
    statistics: list[Quantity] = []
    units: list[UnitTrace] = []
    flops = "0"
    formula = FORMULAS.get(step.layer.type, "")
    match step.layer:
        case Dense(activation=activation):
            weight = small.weights[f"{step.name}.weight"]
            rows = inputs[0].size // len(weight)
            flops = "·".join(map(str, (2, *(() if rows == 1 else (rows,)), *weight.shape)))
            formula = f"z = x·W{' + b' if step.layer.use_bias else ''}, a = {activation}(z)"
            assert step.weighted_sum is not None
            sums = values[step.weighted_sum]
            statistics, outputs = _activated(activation, sums, output)
            units = _dense_units(step, small, inputs[0], sums, outputs)
        case ActivationLayer(activation=activation):
            formula = f"a = {activation}(z)"
            statistics, outputs = _activated(activation, inputs[0], output)
            units = [UnitTrace(products=[], weighted_sum=None, output=one) for one in outputs]
        case LayerNorm():
            statistics, outputs = _normalized(step, small, inputs[0], output)
            units = [UnitTrace(products=[], weighted_sum=None, output=one) for one in outputs]
        case Residual() | Add():
            units = [
                UnitTrace(products=[], weighted_sum=None, output=one)
                for one in _added(inputs, output)
            ]
    cost = math.prod(map(int, flops.split("·")))
    return LayerTrace(
        name=step.name,
        type=step.layer.type,
        formula=formula,
        inputs=[x.ravel().tolist() for x in inputs],
        statistics=statistics,
        units=units,
        output=output.ravel().tolist(),
        output_shape=list(output.shape[1:]),
        flops=Quantity(
            name="FLOPs",
            value=cost,
            formula="FLOPs = 2·(products)" if cost else "FLOPs = 0",
            substituted=f"FLOPs = {flops} = {cost}" if cost else "FLOPs = 0",
        ),
    )


def places(array: Array) -> list[str]:
    """The number of each element of one sample, counted from 1, e.g. `3`, or `2,3` in a table."""
    return [",".join(str(i + 1) for i in index) for index in np.ndindex(array.shape[1:])]


def _dense_units(
    step: Step, small: SmallNetwork, x: Array, sums: Array, outputs: list[Quantity]
) -> list[UnitTrace]:
    weight = small.weights[f"{step.name}.weight"]
    bias = small.weights.get(f"{step.name}.bias")
    names = places(sums)
    products = x.reshape((-1, len(weight)))[:, :, None] * weight + 0.0  # and no -0
    units = []
    inputs = x.reshape((-1, len(weight))).tolist()
    weights = weight.T.tolist()
    for place, (total, output) in enumerate(zip(sums.ravel().tolist(), outputs, strict=True)):
        row, unit = divmod(place, weight.shape[1])
        name = names[place]
        pairs = list(zip(weights[unit], inputs[row], strict=True))
        sign, rest = ("", []) if bias is None else (f" + b{unit + 1}", [float(bias[unit])])
        units.append(
            UnitTrace(
                products=products[row, :, unit].tolist(),
                weighted_sum=Quantity(
                    name=f"z{name}",
                    value=total,
                    formula=f"z{name} = Σᵢ wᵢ,{unit + 1}·xᵢ{sign}",
                    substituted=f"z{name} = {sum_of_products(pairs, total, rest)} = "
                    f"{number(total)}",
                ),
                output=output,
            )
        )
    return units


def _activated(name: str, sums: Array, output: Array) -> tuple[list[Quantity], list[Quantity]]:
    """What the units share, and the output of each."""
    activation = ACTIVATIONS[name]
    names = places(sums)
    pairs = list(zip(names, sums.ravel().tolist(), output.ravel().tolist(), strict=True))
    if activation.is_elementwise:
        formula = activation.formula.rpartition(" = ")[2]
        applied = "" if formula == f"{name}(x)" else f" = {formula}"
        return [], [
            Quantity(
                name=f"a{place}",
                value=a,
                formula=f"a{place} = {name}(z{place}){put_in(applied, x=f'z{place}')}",
                substituted=f"a{place} = {put_in(formula, x=factor(z))} = {number(a)}",
            )
            for place, z, a in pairs
        ]
    shared, outputs = [], []
    classes = sums.shape[-1]
    for start in range(0, len(pairs), classes):
        row = pairs[start : start + classes]
        largest = max(z for _, z, _ in row)
        total = 1.0 / max(a for _, _, a in row)
        mark = "" if len(pairs) == classes else str(start // classes + 1)
        shared += [
            Quantity(
                name=f"m{mark}",
                value=largest,
                formula=f"m{mark} = maxⱼ zⱼ",
                substituted=f"m{mark} = max({', '.join(number(z) for _, z, _ in row)}) = "
                f"{number(largest)}",
            ),
            Quantity(
                name=f"S{mark}",
                value=total,
                formula=f"S{mark} = Σⱼ exp(zⱼ - m{mark})",
                substituted=f"S{mark} = "
                + " + ".join(f"exp({minus(z, largest)})" for _, z, _ in row)
                + f" = {number(total)}",
            ),
        ]
        outputs += [
            Quantity(
                name=f"a{place}",
                value=a,
                formula=f"a{place} = exp(z{place} - m{mark}) / S{mark}",
                substituted=f"a{place} = exp({minus(z, largest)}) / {number(total)} = {number(a)}",
            )
            for place, z, a in row
        ]
    return shared, outputs


def _normalized(
    step: Step, small: SmallNetwork, x: Array, output: Array
) -> tuple[list[Quantity], list[Quantity]]:
    """Mean and variance of each position, and the output of each unit."""
    assert isinstance(step.layer, LayerNorm)
    epsilon = number(step.layer.epsilon)
    scale, shift = (small.weights[f"{step.name}.{name}"].tolist() for name in ("scale", "shift"))
    features = x.shape[-1]
    rows = x.reshape((-1, features))
    names, results = places(x), output.ravel().tolist()
    shared, outputs = [], []
    for index, row in enumerate(rows):
        mark = "" if len(rows) == 1 else str(index + 1)
        mean, variance = float(row.mean()), float(row.var())
        terms = [factor(value) for value in row.tolist()]
        distances = [minus(value, mean) for value in row.tolist()]
        squares = " + ".join(f"({distance})²" for distance in distances)
        shared += [
            Quantity(
                name=f"mean{mark}",
                value=mean,
                formula=f"mean{mark} = Σᵢ xᵢ / n",
                substituted=f"mean{mark} = ({' + '.join(terms)}) / {features} = {number(mean)}",
            ),
            Quantity(
                name=f"variance{mark}",
                value=variance,
                formula=f"variance{mark} = Σᵢ (xᵢ - mean{mark})² / n",
                substituted=f"variance{mark} = ({squares}) / {features} = {number(variance)}",
            ),
        ]
        for i, distance in enumerate(distances):
            place, value = names[index * features + i], results[index * features + i]
            outputs.append(
                Quantity(
                    name=f"y{place}",
                    value=value,
                    formula=f"y{place} = (x{place} - mean{mark}) / √(variance{mark} + ε)"
                    f"·scale{i + 1} + shift{i + 1}",
                    substituted=f"y{place} = ({distance}) / √({number(variance)} + "
                    f"{epsilon})·{factor(scale[i])} + {factor(shift[i])} = {number(value)}",
                )
            )
    return shared, outputs


def _added(inputs: list[Array], output: Array) -> list[Quantity]:
    columns = zip(*(x.ravel().tolist() for x in inputs), strict=True)
    return [
        Quantity(
            name=f"y{place}",
            value=value,
            formula=f"y{place} = the sum of number {place} of each input",
            substituted=f"y{place} = {' + '.join(map(factor, terms))} = {number(value)}",
        )
        for place, terms, value in zip(
            places(output), columns, output.ravel().tolist(), strict=True
        )
    ]


def _verdict(small: SmallNetwork, output: Array) -> str:
    last = small.trace.steps[-1].layer
    flat = output.ravel()
    activation = getattr(last, "activation", "")
    if activation == "softmax" and output.ndim == 2:
        best = int(flat.argmax())
        return f"Class {best} (they count from 0) is the most likely: {100 * flat[best]:.1f} %."
    if activation == "sigmoid" and flat.size == 1:
        says = "yes" if flat[0] >= 0.5 else "no"
        return f"The network says {says}: {100 * flat[0]:.1f} % for yes."
    shown = ", ".join(map(number, flat[:8].tolist())) + (", …" if flat.size > 8 else "")
    return f"The output is {shown}."
