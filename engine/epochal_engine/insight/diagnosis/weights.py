"""Causes in the network: its initial weights, and how signals and gradients pass through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...model.activations import ACTIVATIONS
from ...model.initializers import INITIALIZERS
from ...symbolic.trace import Array
from .hypothesis import Hypothesis
from .observation import Observation
from .remedies import Remedy, both, each_layer, layers, learning_rate, setting

VANISHED = 0.01
"""A gradient has vanished if its norm is below this fraction of the norm in the last layer."""
EXPLODED = 30.0
"""A gradient has exploded if its norm is above this, and above this many times the first norm."""
ORDINARY = 20.0
"""At a rate above this many times the usual one, a large gradient is the effect of the rate."""
LARGE_GAIN = 3.0
"""Initial weights are large if a layer amplifies its inputs by more than this many times what its
default initializer does, and small below the inverse: two such layers already make it 10 times."""
AFFECTED_FRACTION = 0.25
"""Dead or saturated units are reported from this fraction of the units of a layer."""
SATURATED_DERIVATIVE = 0.05
"""A unit is saturated where its derivative is below this fraction of the largest derivative."""
SATURATED_GATE = 4.4
"""A gate is saturated beyond this input: there σ' is 5 % of its largest value."""
MOST_SAMPLES = 0.95
"""A saturated unit is saturated for at least this fraction of the samples."""
SHALLOW = 2
"""Hidden layers that pass on gradients with any activation."""
TINY_BATCH = 4
"""Batch statistics of at most this many samples are mostly noise: the standard error of a mean of 4
is half a standard deviation."""

_ONE_SIDED = ("relu",)
"""Activations with derivative 0 for negative inputs: a unit that stays there cannot learn."""
_SATURATING = {"sigmoid": 0.25, "tanh": 1.0, "softsign": 1.0}
"""Activations that are flat on both sides, and their largest derivatives."""


def _default_initializer(layer: dict[str, Any]) -> None:
    layer.pop("initializer", None)
    if "initializer_gain" in layer:
        layer["initializer_gain"] = 1.0


DEFAULT_INITIALIZERS = each_layer(
    "Use the default initializer of each layer, with a gain of 1.",
    _default_initializer,
    output=True,
)


def _set_hidden(activation: str, initializer: str) -> Any:
    def change(layer: dict[str, Any]) -> None:
        if "activation" in layer and layer["type"] != "activation":
            layer["activation"] = activation
            if "initializer" in layer or "initializer_gain" in layer:
                layer["initializer"] = initializer
                layer["initializer_gain"] = 1.0
        elif layer["type"] == "activation":
            layer["activation"] = activation

    return change


def initial_weights(run: Observation) -> Iterator[Hypothesis]:
    """Find hidden layers with equal initial units, and weights of an unusual size."""
    ratios: dict[str, float] = {}
    for name, layer in zip(run.names, run.job.network.layers, strict=True):
        weight = run.initial_weights.get(f"{name}.weight")
        activation = getattr(layer, "activation", None)
        if weight is None or activation is None or weight.ndim < 2:
            continue
        columns = np.asarray(weight, np.float64).reshape(-1, weight.shape[-1])
        is_last = name == run.names[-1]
        if columns.shape[1] > 1 and np.ptp(columns, axis=1).max() == 0.0 and not is_last:
            yield Hypothesis(
                "symmetric_weights",
                f"All {columns.shape[1]} units of {name} start with the same weights, so they "
                "get the same gradient and stay alike: the layer works as a single unit.",
                (DEFAULT_INITIALIZERS,),
                layer=name,
                is_certain=True,
            )
            return
        default = INITIALIZERS[ACTIVATIONS[activation].default_initializer]
        usual = default(weight.shape, rng=np.random.default_rng(0))
        size = float(np.sqrt(np.square(columns).mean() / np.square(usual).mean()))
        if size > 0.0:
            ratios[name] = size
    if not ratios:
        return
    largest, smallest = max(ratios, key=ratios.__getitem__), min(ratios, key=ratios.__getitem__)
    total = float(np.exp(np.sum(np.log(list(ratios.values())))))
    if ratios[largest] > LARGE_GAIN:
        yield Hypothesis(
            "large_initial_weights",
            f"The initial weights of {largest} are {ratios[largest]:.2g} times as large as the "
            "default initializer makes them.",
            (DEFAULT_INITIALIZERS,),
            layer=largest,
        )
    if ratios[smallest] < 1.0 / LARGE_GAIN and total < 1.0:
        yield Hypothesis(
            "small_initial_weights",
            f"The initial weights of {smallest} are {ratios[smallest]:.2g} times as large as the "
            "default initializer makes them.",
            (DEFAULT_INITIALIZERS,),
            layer=smallest,
        )


def batch_norm_small_batches(run: Observation) -> Iterator[Hypothesis]:
    """Find batch normalization over batches that are too small for its statistics."""
    batch = run.job.training.batch_size
    if batch is None or batch > TINY_BATCH:
        return
    names = [
        name
        for name, layer in zip(run.names, run.job.network.layers, strict=True)
        if layer.type == "batch_norm"
    ]
    if not names:
        return

    def layer_norm(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for layer in listed:
            if layer["type"] == "batch_norm":
                inputs = {"input": layer["input"]} if layer.get("input") else {}
                layer.clear()
                layer.update({"type": "layer_norm", **inputs})
        return listed

    yield Hypothesis(
        "batch_norm_small_batches",
        f"{names[0]} normalizes by the mean and deviation of batches of {batch}, which are mostly "
        "noise, and predicts with averages of these.",
        (
            setting("Raise the batch size to 32.", {"batch_size": 32}),
            setting("Raise the batch size to 16.", {"batch_size": 16}),
            layers("Replace batch normalization by layer normalization.", layer_norm),
        ),
        layer=names[0],
    )


def _shallow(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the layers without the dense ones after the first few; all if any is connected."""
    if any(layer.get("input") for layer in listed):
        return listed
    dense = [at for at, layer in enumerate(listed[:-1]) if layer["type"] == "dense"]
    return [layer for at, layer in enumerate(listed) if at not in dense[SHALLOW:]]


def vanishing_gradients(run: Observation) -> Iterator[Hypothesis]:
    """Find the last layer with a gradient that is a small fraction of the output layer's."""
    if run.gradients is None or len(run.gradients.layers) < 3:
        return
    with np.errstate(all="ignore"):
        norms = run.statistic("norm")
        ratios = np.nan_to_num(np.median(norms / norms[:, -1:], axis=0), nan=1.0)
    vanished = np.flatnonzero(ratios < VANISHED)
    # Gradients flow backward, so this one vanished at the last of these layers. If it is exactly 0
    # there, the cause is dead units.
    if len(vanished) == 0 or ratios[vanished[-1]] == 0.0:
        return
    at = int(vanished[-1])
    name = run.gradients.layers[at]
    optimizer = run.job.training.optimizer
    rate = optimizer.learning_rate
    relu = each_layer(
        "Set the activation of the hidden layers to relu, whose derivative is 1 for positive "
        "inputs, and their initializer to he_normal.",
        _set_hidden("relu", "he_normal"),
    )
    lower = [both(relu, learning_rate(rate, rate / 10.0))]
    if rate > ORDINARY * optimizer.usual_rate:  # the rate would be the cause
        lower = []
    yield Hypothesis(
        "vanishing_gradients",
        f"The gradient norm of {name} is {ratios[at]:.2g} times that of "
        f"{run.gradients.layers[-1]}, so {name} and the layers before it hardly learn.",
        (
            relu,
            *lower,
            layers(f"Keep the first {SHALLOW} dense layers and the output only.", _shallow),
            each_layer(
                "Set the activation of the hidden layers to tanh, whose largest derivative is 1, "
                "and their initializer to xavier_uniform.",
                _set_hidden("tanh", "xavier_uniform"),
            ),
        ),
        layer=name,
    )


def exploding_gradients(run: Observation) -> Iterator[Hypothesis]:
    """Find a gradient norm that is large from the start, or grew to many times its first value."""
    norms = np.asarray(run.columns["gradient_norm"], np.float64)
    finite = np.where(np.isfinite(norms), norms, np.inf)
    epoch = int(finite.argmax())
    exploded = np.isinf(finite[epoch]) or finite[epoch] > EXPLODED * max(finite[0], 1.0)
    exploded = exploded or finite[0] > EXPLODED
    growth = _growth(run)
    optimizer = run.job.training.optimizer
    rate = optimizer.learning_rate
    if not (exploded or growth > EXPLODED) or run.job.training.clip_norm is not None:
        return
    if rate > ORDINARY * optimizer.usual_rate:  # the rate is the cause
        return
    layer = None
    if run.gradients is not None and len(run.gradients.epochs) > 0:
        by_layer = run.statistic("norm")
        by_layer = np.where(np.isfinite(by_layer), by_layer, np.inf)
        at = int(np.abs(run.gradients.epochs - (epoch + 1)).argmin())
        layer = run.gradients.layers[int(by_layer[at].argmax())]
    if not exploded:
        change = (
            f"was {norms[-1]:.3g} in the end, but before the first step the layers made signals "
            f"{growth:.0f} times as large; it was largest, {norms[epoch]:.3g}, in"
        )
    elif np.isfinite(norms[epoch]) and finite[0] > EXPLODED:
        change = f"was {norms[0]:.3g} in the first epoch and at most {norms[epoch]:.3g}, in"
    elif np.isfinite(norms[epoch]):
        change = f"grew from {norms[0]:.3g} to {norms[epoch]:.3g} by"
    elif np.isfinite(norms[0]):
        change = f"grew from {norms[0]:.3g} and overflowed in"
    else:
        change = "overflowed in"
    clip = setting("Clip the gradient to a norm of at most 1.", {"clipping": {"norm": 1.0}})
    yield Hypothesis(
        "exploding_gradients",
        f"The gradient norm {change} epoch {epoch + 1}.",
        (
            clip,
            DEFAULT_INITIALIZERS,
            both(clip, learning_rate(rate, rate / 10.0)),
            both(DEFAULT_INITIALIZERS, clip),
        ),
        layer=layer,
        # At a usual rate, an overflow is not the rate's fault.
        is_certain=run.diverged and rate <= optimizer.usual_rate,
    )


def _growth(run: Observation) -> float:
    """Return by how much signals grow from the input to the last hidden layer before training."""
    sizes = [
        float(np.sqrt(np.square(outputs).mean()))
        for _, _, _, outputs in run.hidden(run.initial_outputs)
    ]
    inputs = float(np.sqrt(np.square(run.inputs).mean()))
    return sizes[-1] / max(inputs, 1e-12) if sizes and not run.takes_tokens else 0.0


def dead_units(run: Observation) -> Iterator[Hypothesis]:
    """Find units that output 0 for every sample; their gradient is 0, so they cannot learn."""
    for _, name, activation, outputs in run.hidden(run.final_outputs):
        if activation not in _ONE_SIDED:
            continue
        dead = float(np.mean((outputs == 0.0).all(axis=0)))
        if dead < AFFECTED_FRACTION:
            continue

        def leaky(layer: dict[str, Any]) -> None:
            if layer.get("activation") == "relu":
                layer["activation"] = "leaky_relu"

        yield Hypothesis(
            "dead_units",
            f"{dead:.0%} of the {outputs.shape[1]} units of {name} output 0 for every sample; "
            "their gradient is 0, so they cannot learn.",
            (
                each_layer(
                    "Set the activation of the hidden layers to leaky_relu, whose derivative is "
                    "nonzero for negative inputs too.",
                    leaky,
                ),
            ),
            layer=name,
        )
        return


def saturated_units(run: Observation) -> Iterator[Hypothesis]:
    """Find units and gates with a derivative close to 0 for nearly every sample."""
    remedies: tuple[Remedy, ...] = (
        setting(
            "Scale every feature to mean 0 and standard deviation 1.",
            {"dataset": {"scaling": "standard"}},
        ),
        DEFAULT_INITIALIZERS,
    )
    for _, name, activation, outputs in run.hidden(run.final_outputs):
        if activation not in _SATURATING:
            continue
        derivatives = _derivatives(activation, outputs) / _SATURATING[activation]
        saturated = (derivatives < SATURATED_DERIVATIVE).mean(axis=0) >= MOST_SAMPLES
        fraction = float(saturated.mean())
        if fraction >= AFFECTED_FRACTION:
            yield Hypothesis(
                "saturated_units",
                f"{fraction:.0%} of the {outputs.shape[1]} units of {name} are saturated: the "
                f"derivative of {activation} is close to 0 for nearly every sample.",
                remedies,
                layer=name,
            )
            return
    yield from _saturated_gates(run, remedies)


def _saturated_gates(run: Observation, remedies: tuple[Remedy, ...]) -> Iterator[Hypothesis]:
    if run.final_outputs is None or run.weights is None:
        return
    for at, layer in enumerate(run.job.network.layers):
        if layer.type not in ("lstm", "gru") or layer.input is not None:
            continue
        name = run.names[at]
        x = run.job.data.train_inputs[:256] if at == 0 else run.final_outputs[at - 1]
        gates = np.asarray(x, np.float64) @ run.weights[f"{name}.weight"]
        gates = gates + run.weights[f"{name}.bias"]
        gates = np.abs(gates).reshape(-1, gates.shape[-1])
        fraction = float((gates > SATURATED_GATE).mean())
        if fraction >= AFFECTED_FRACTION:
            yield Hypothesis(
                "saturated_units",
                f"The gates of {name} are saturated in {fraction:.0%} of the cases: they are fully "
                "open or closed, where the derivative of the sigmoid is close to 0.",
                remedies,
                layer=name,
            )
            return


def _derivatives(activation: str, outputs: Array) -> Array:
    """Return f'(x) of a saturating activation, from y = f(x)."""
    if activation == "sigmoid":
        return outputs * (1.0 - outputs)
    if activation == "tanh":
        return 1.0 - np.square(outputs)
    return np.square(1.0 - np.abs(outputs))  # softsign: 1 / (1 + |x|)² and 1 / (1 + |x|) = 1 - |y|
