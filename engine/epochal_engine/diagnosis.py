"""Find the well-known problems of a run, the layer that shows them, and one change to try for each.

A finding is computed from the metrics of the run, the gradients of its layers and its last
parameters, and it lists the numbers that it is based on. A healthy run has no findings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

import numpy as np

from .activations import ACTIVATIONS
from .data import Data
from .divergence import SAMPLES_EXAMINED, layer_outputs, lower_rate
from .labels import NOTICEABLE, label
from .losses import find_loss
from .network import Network
from .snapshots import STATISTICS, Gradients
from .trace import Array
from .training import Training

FindingKind: TypeAlias = Literal[
    "output_activation",
    "unscaled_inputs",
    "vanishing_gradients",
    "exploding_gradients",
    "dead_units",
    "saturated_units",
    "learning_rate_too_high",
    "learning_rate_too_low",
    "overfitting",
]
Patch: TypeAlias = dict[str, Any]

LARGE_INPUT = 20.0
"""A feature is unscaled if its root mean square is larger; initializers assume about 1."""
VANISHED = 0.01
"""A gradient has vanished if its norm is below this fraction of the norm in the last layer."""
EXPLODED = 30.0
"""A gradient has exploded if its norm is above this, and above this many times the first norm."""
AFFECTED_FRACTION = 0.25
"""Dead or saturated units are reported from this fraction of the units of a layer."""
SATURATED_DERIVATIVE = 0.05
"""A unit is saturated where its derivative is below this fraction of the largest derivative."""
MOST_SAMPLES = 0.95
"""A saturated unit is saturated for at least this fraction of the samples."""
OVERFITTED = 1.2
"""The validation loss has risen if it is above this many times its minimum, and if the rise is also
a noticeable fraction of its first value."""

_ONE_SIDED = ("relu",)
"""Activations whose derivative is 0 for negative inputs: a unit that stays there cannot learn."""
_SATURATING = {"sigmoid": 0.25, "tanh": 1.0, "softsign": 1.0}
"""Activations that are flat on both sides, and their largest derivatives."""
_RANGES = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
}
"""The range of each activation that is bounded on a side."""


_SCALE: tuple[str, Patch] = (
    "Scale every feature to mean 0 and standard deviation 1.",
    {"dataset": {"scaling": "standard"}},
)


@dataclass(frozen=True)
class Finding:
    """One problem of a run."""

    kind: FindingKind
    layer: str | None
    """The layer that shows the problem; None if it concerns the whole run."""
    message: str
    """The observation with its numbers, a sentence."""
    evidence: dict[str, float]
    """The numbers that the finding is based on."""
    suggestion: str
    """The change to try, a sentence."""
    patch: Patch
    """The change as a JSON merge patch (RFC 7396) of the job's spec."""


def diagnose(
    network: Network,
    training: Training,
    data: Data,
    weights: Mapping[str, Array] | None,
    columns: Mapping[str, Array],
    gradients: Gradients | None,
    *,
    diverged: bool = False,
) -> list[Finding]:
    """Return the findings on a run, causes before their effects.

    `weights` are the last parameters by name; if None, units are not examined. `columns` are the
    metrics, `(epochs,)` each. `gradients` are the snapshots, None if there are none. `diverged` is
    whether training diverged.
    """
    examined = _Examination(network, training, data, weights, columns, gradients, diverged)
    causes = [
        *examined.output_activation(),
        *examined.unscaled_inputs(),
        *examined.vanishing_gradients(),
        *examined.exploding_gradients(),
        *examined.dead_units(),
        *examined.saturated_units(),
        *examined.learning_rate_too_high(),
    ]
    # Each of the causes slows a run down too, and a higher learning rate would not help.
    slow = [] if causes else examined.learning_rate_too_low()
    return [*causes, *slow, *examined.overfitting()]


@dataclass(frozen=True, eq=False)
class _Examination:
    network: Network
    training: Training
    data: Data
    weights: Mapping[str, Array] | None
    columns: Mapping[str, Array]
    gradients: Gradients | None
    diverged: bool

    def output_activation(self) -> Iterator[Finding]:
        """Find targets outside the range of the output activation."""
        activation = getattr(self.network.layers[-1], "activation", None)
        needed = find_loss(self.training.loss).output_activation
        if activation not in _RANGES or needed is not None:
            return
        low, high = _RANGES[activation]
        targets = self.data.train_targets
        outside = float(np.mean((targets < low) | (targets > high)))
        if outside > 0.0:
            last = len(self.network.layers) - 1
            name = self.network.names[last]
            yield Finding(
                "output_activation",
                name,
                f"The output activation {activation} has the range "
                f"{ACTIVATIONS[activation].range}; {outside:.0%} of the targets are outside it.",
                {
                    "lowest_target": float(targets.min()),
                    "highest_target": float(targets.max()),
                    "fraction_outside": outside,
                },
                f"Set the activation of {name} to linear.",
                self._with_layer(last, activation="linear"),
            )

    def unscaled_inputs(self) -> Iterator[Finding]:
        """Find features that are far larger than initializers assume."""
        inputs = np.asarray(self.data.train_inputs, np.float64)
        flat = inputs.reshape(len(inputs), -1)
        sizes = np.sqrt(np.square(flat).mean(0))
        worst = int(sizes.argmax())
        # An embedding looks tokens up; their numbers have no size.
        if self.network.layers[0].type == "embedding" or not sizes[worst] > LARGE_INPUT:
            return
        yield Finding(
            "unscaled_inputs",
            None,
            f"Input feature {worst} has a root mean square of {sizes[worst]:.3g}, but initial "
            "weights are scaled for inputs of about 1.",
            {"feature": float(worst), "root_mean_square": float(sizes[worst])},
            *_SCALE,
        )

    def vanishing_gradients(self) -> Iterator[Finding]:
        """Find the last layer whose gradient is a small fraction of that of the output layer."""
        if self.gradients is None or len(self.gradients.layers) < 3:
            return
        with np.errstate(all="ignore"):
            norms = self._statistic("norm")
            ratios = np.nan_to_num(np.median(norms / norms[:, -1:], axis=0), nan=1.0)
        vanished = np.flatnonzero(ratios < VANISHED)
        # Gradients flow backward, so this one vanished at the last of these layers. If it is
        # exactly 0 there, the cause is dead units.
        if len(vanished) == 0 or ratios[vanished[-1]] == 0.0:
            return
        at = int(vanished[-1])
        name = self.gradients.layers[at]
        yield Finding(
            "vanishing_gradients",
            name,
            f"The gradient norm of {name} is {ratios[at]:.2g} times that of "
            f"{self.gradients.layers[-1]}, so {name} and the layers before it hardly learn.",
            {
                "gradient_ratio": float(ratios[at]),
                "first_layer_gradient_ratio": float(ratios[0]),
            },
            "Set the activation of the hidden layers to relu, whose derivative is 1 for positive "
            "inputs, and their initializer to he_normal.",
            self._with_hidden(activation="relu", initializer="he_normal"),
        )

    def exploding_gradients(self) -> Iterator[Finding]:
        """Find a gradient norm that grew to many times its first value."""
        norms = np.asarray(self.columns["gradient_norm"], np.float64)
        finite = np.where(np.isfinite(norms), norms, np.inf)
        epoch = int(finite.argmax())
        exploded = np.isinf(finite[epoch]) or finite[epoch] > EXPLODED * max(finite[0], 1.0)
        if not exploded or self.training.clip_norm is not None:
            return
        layer = None
        if self.gradients is not None and len(self.gradients.epochs) > 0:
            norms_by_layer = self._statistic("norm")
            norms_by_layer = np.where(np.isfinite(norms_by_layer), norms_by_layer, np.inf)
            at = int(np.abs(self.gradients.epochs - (epoch + 1)).argmin())
            layer = self.gradients.layers[int(norms_by_layer[at].argmax())]
        if np.isfinite(norms[epoch]):
            change = f"grew from {norms[0]:.3g} to {norms[epoch]:.3g} by"
        elif np.isfinite(norms[0]):
            change = f"grew from {norms[0]:.3g} and overflowed in"
        else:
            change = "overflowed in"
        yield Finding(
            "exploding_gradients",
            layer,
            f"The gradient norm {change} epoch {epoch + 1}.",
            {
                "first_norm": float(norms[0]),
                "largest_norm": float(norms[epoch]),
                "epoch": float(epoch + 1),
            },
            "Clip the gradient to a norm of at most 1.",
            {"clipping": {"norm": 1.0}},
        )

    def dead_units(self) -> Iterator[Finding]:
        """Find units that output 0 for every sample; their gradient is 0, so they cannot learn."""
        for at, name, activation, outputs in self._hidden():
            if activation not in _ONE_SIDED:
                continue
            dead = float(np.mean((outputs == 0.0).all(axis=0)))
            if dead >= AFFECTED_FRACTION:
                yield Finding(
                    "dead_units",
                    name,
                    f"{dead:.0%} of the units of {name} output 0 for every sample; their gradient "
                    "is 0, so they cannot learn.",
                    {"dead_fraction": dead, "units": float(outputs.shape[1])},
                    f"Set the activation of {name} to leaky_relu, whose derivative is nonzero for "
                    "negative inputs too.",
                    self._with_layer(at, activation="leaky_relu"),
                )

    def saturated_units(self) -> Iterator[Finding]:
        """Find units whose derivative is close to 0 for nearly every sample.

        Large inputs or a high learning rate saturate them; the usual initial weights do not.
        """
        unscaled = any(True for _ in self.unscaled_inputs())
        suggestion, patch = _SCALE if unscaled else self._lower_rate()
        for _, name, activation, outputs in self._hidden():
            if activation not in _SATURATING:
                continue
            derivatives = _derivatives(activation, outputs) / _SATURATING[activation]
            saturated = (derivatives < SATURATED_DERIVATIVE).mean(axis=0) >= MOST_SAMPLES
            fraction = float(saturated.mean())
            if fraction >= AFFECTED_FRACTION:
                yield Finding(
                    "saturated_units",
                    name,
                    f"{fraction:.0%} of the units of {name} are saturated: the derivative of "
                    f"{activation} is close to 0 for nearly every sample.",
                    {"saturated_fraction": fraction, "units": float(outputs.shape[1])},
                    suggestion,
                    patch,
                )

    def learning_rate_too_high(self) -> Iterator[Finding]:
        """Find a training loss that oscillates or diverges."""
        curve = label(self.columns["train_loss"], diverged=self.diverged)
        if curve.name not in ("oscillating", "diverged"):
            return
        rate = self.training.optimizer.learning_rate
        change = "diverged" if curve.name == "diverged" else "rose about as much as it fell"
        yield Finding(
            "learning_rate_too_high",
            None,
            f"The training loss {change}: the learning rate {rate:g} is too high.",
            {
                "learning_rate": rate,
                "final_loss_ratio": curve.final_loss_ratio,
                "increase_decrease_ratio": curve.increase_decrease_ratio,
            },
            *self._lower_rate(),
        )

    def learning_rate_too_low(self) -> Iterator[Finding]:
        """Find a training loss that hardly fell, or was still falling at the end."""
        curve = label(self.columns["train_loss"], diverged=self.diverged)
        factor = {"too_low": 10.0, "slow": 3.0}.get(curve.name)
        if factor is None or len(self.columns["train_loss"]) < 2:
            return
        rate = self.training.optimizer.learning_rate
        change = "hardly fell" if curve.name == "too_low" else "was still falling at the end"
        yield Finding(
            "learning_rate_too_low",
            None,
            f"The training loss {change}: the learning rate {rate:g} is too low.",
            {
                "learning_rate": rate,
                "final_loss_ratio": curve.final_loss_ratio,
                "late_decrease_fraction": curve.late_decrease_fraction,
            },
            f"Raise the learning rate from {rate:g} to {factor * rate:g}.",
            {"optimizer": {"learning_rate": factor * rate}},
        )

    def overfitting(self) -> Iterator[Finding]:
        """Find a validation loss that rises while the training loss still falls."""
        validation_loss = self.columns.get("validation_loss")
        if validation_loss is None or self.diverged or not np.isfinite(validation_loss).all():
            return
        losses = self.columns["train_loss"]
        best = int(validation_loss.argmin())
        last = float(np.median(validation_loss[-max(len(validation_loss) // 10, 1) :]))
        rise = last - float(validation_loss[best])
        is_high = rise > max(
            (OVERFITTED - 1.0) * validation_loss[best], NOTICEABLE * validation_loss[0]
        )
        if not (is_high and losses[-1] < losses[best]):
            return
        evidence = {
            "best_epoch": float(best + 1),
            "best_validation_loss": float(validation_loss[best]),
            "last_validation_loss": last,
            "last_train_loss": float(losses[-1]),
        }
        message = (
            f"After epoch {best + 1} the validation loss rose from {validation_loss[best]:.3g} to "
            f"{last:.3g} while the training loss kept falling: the network overfits."
        )
        if self.training.early_stopping is None:
            suggestion = "Stop when the validation loss has not improved for 10 epochs."
            patch: Patch = {"early_stopping": {"patience": 10}}
        else:
            l2 = 10.0 * self.training.l2 or 0.001
            suggestion = f"Set the L2 penalty of the weights to {l2:g}."
            patch = {"regularization": {"l2": l2}}
        yield Finding("overfitting", None, message, evidence, suggestion, patch)

    # ---------------------------------------------------------------- inside

    def _statistic(self, name: str) -> Array:
        """Return one statistic of all snapshots, `(m, layers)` float64."""
        assert self.gradients is not None
        wide: Array = self.gradients.statistics[..., STATISTICS.index(name)].astype(np.float64)
        return wide

    def _hidden(self) -> Iterator[tuple[int, str, str, Array]]:
        """Yield index, name, activation and outputs `(n, units)` of hidden layers that have one.

        Yield nothing unless all weights are finite: outputs that are NaN are neither dead nor
        saturated.
        """
        if self.weights is None:
            return
        if not all(np.isfinite(array).all() for array in self.weights.values()):
            return
        weights = {name: np.asarray(self.weights[name]) for name in self.network.parameters}
        inputs = self.data.train_inputs[:SAMPLES_EXAMINED]
        with np.errstate(all="ignore"):
            outputs = layer_outputs(self.network, weights, inputs)
        layers = self.network.layers[:-1]
        for at, (layer, output) in enumerate(zip(layers, outputs, strict=False)):
            activation = getattr(layer, "activation", None)
            if activation is not None:
                units = output.reshape(-1, output.shape[-1])
                yield at, self.network.names[at], activation, units

    def _lower_rate(self) -> tuple[str, Patch]:
        rate = self.training.optimizer.learning_rate
        lower = lower_rate(self.training)
        return (
            f"Lower the learning rate from {rate:g} to {lower:g}.",
            {"optimizer": {"learning_rate": lower}},
        )

    def _with_layer(self, at: int, **changes: Any) -> Patch:
        layers = [_spec(layer) for layer in self.network.layers]
        layers[at] |= changes
        return {"network": {"layers": layers}}

    def _with_hidden(self, **changes: Any) -> Patch:
        layers = [_spec(layer) for layer in self.network.layers]
        for layer in layers[:-1]:
            if "activation" in layer:
                layer |= changes
        return {"network": {"layers": layers}}


def _derivatives(activation: str, outputs: Array) -> Array:
    """Return f'(x) of a saturating activation, from y = f(x)."""
    if activation == "sigmoid":
        return outputs * (1.0 - outputs)
    if activation == "tanh":
        return 1.0 - np.square(outputs)
    return np.square(1.0 - np.abs(outputs))  # softsign: 1 / (1 + |x|)² and 1 / (1 + |x|) = 1 - |y|


def _spec(layer: Any) -> Patch:
    """Return the layer as the API writes it, without the fields that are None."""
    spec: Patch = {"type": layer.type}
    for f in fields(layer):
        value = getattr(layer, f.name)
        if value is None:
            continue
        if f.name == "layers":
            value = [_spec(inner) for inner in value]
        spec[f.name] = list(value) if isinstance(value, tuple) else value
    return spec
