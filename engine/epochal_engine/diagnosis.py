"""What went wrong in a run, where it shows, and the one change to try next.

A run tells much while it trains: the curve, the gradient of every layer, the weights that it ends
with. Each finding here reads one well-known ailment off these numbers and names the numbers that it
was read from. A healthy run has no findings.
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
"""A feature is unscaled if its root mean square is larger. Weights are drawn for inputs about 1."""
VANISHED = 0.01
"""The share of the gradient of the last layer at which that of an earlier one has vanished."""
EXPLODED = 30.0
"""How many times the first epoch's gradient, and at least how large, an exploded one is."""
AILING_SHARE = 0.25
"""The share of a layer's units that must be dead or saturated to be reported."""
SATURATED_DERIVATIVE = 0.05
"""A unit is saturated where its derivative is below this share of the activation's largest one."""
MOST_SAMPLES = 0.95
"""A saturated unit is saturated for at least this share of the samples."""
OVERFITTED = 1.2
"""How many times its lowest value the validation loss has risen to when that counts, if the rise
is also noticeable beside its first value."""

_SILENT = ("relu",)
"""Activations whose derivative is 0 on one side: a unit that stays there never learns."""
_SQUASHING = {"sigmoid": 0.25, "tanh": 1.0, "softsign": 1.0}
"""Activations that flatten on both sides, and their largest derivatives."""
_RANGES = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
}
"""What an output with this activation can reach."""


_SCALE: tuple[str, Patch] = (
    "Scale every feature to mean 0 and deviation 1.",
    {"dataset": {"scaling": "standard"}},
)


@dataclass(frozen=True)
class Finding:
    """One ailment."""

    kind: FindingKind
    layer: str | None
    """Where it shows; None for what concerns the whole run."""
    message: str
    """A sentence on what was seen."""
    evidence: dict[str, float]
    """The numbers that the finding was read from."""
    suggestion: str
    """A sentence on the change."""
    patch: Patch
    """The change as a JSON merge patch (RFC 7396) of the job that was asked for."""


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
    """The findings on a run, causes before their effects.

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
    # Whatever is wrong above makes a run slow too, and a higher rate would not help it.
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
        """Targets that the last activation cannot reach."""
        activation = getattr(self.network.layers[-1], "activation", None)
        needed = find_loss(self.training.loss).output_activation
        if activation not in _RANGES or needed is not None:
            return
        low, high = _RANGES[activation]
        targets = self.data.train_targets
        outside = float(np.mean((targets < low) | (targets > high)))
        if outside > 0.0:
            last = len(self.network.layers) - 1
            yield Finding(
                "output_activation",
                self.network.names[last],
                f"The output can only reach {ACTIVATIONS[activation].range}, and "
                f"{outside:.0%} of the targets lie outside.",
                {
                    "lowest_target": float(targets.min()),
                    "highest_target": float(targets.max()),
                    "fraction_outside": outside,
                },
                "Let the last layer be linear.",
                self._with_layer(last, activation="linear"),
            )

    def unscaled_inputs(self) -> Iterator[Finding]:
        """Features far from the size that initial weights are drawn for."""
        inputs = np.asarray(self.data.train_inputs, np.float64)
        flat = inputs.reshape(len(inputs), -1)
        sizes = np.sqrt(np.square(flat).mean(0))
        worst = int(sizes.argmax())
        # Rows of token numbers are looked up, not weighed.
        if self.network.layers[0].type == "embedding" or not sizes[worst] > LARGE_INPUT:
            return
        yield Finding(
            "unscaled_inputs",
            None,
            f"The inputs are large: feature {worst} is about {sizes[worst]:.3g} in size, where "
            "weights start out for inputs about 1.",
            {"feature": float(worst), "root_mean_square": float(sizes[worst])},
            *_SCALE,
        )

    def vanishing_gradients(self) -> Iterator[Finding]:
        """An early layer whose gradient is a small part of the last one's."""
        if self.gradients is None or len(self.gradients.layers) < 3:
            return
        with np.errstate(all="ignore"):
            norms = self._statistic("norm")
            shares = np.nan_to_num(np.median(norms / norms[:, -1:], axis=0), nan=1.0)
        ailing = np.flatnonzero(shares < VANISHED)
        # The gradient flows backward, so it vanished at the last of these; if there is none of it
        # at all there, dead units cut it off.
        if len(ailing) == 0 or shares[ailing[-1]] == 0.0:
            return
        at = int(ailing[-1])
        name = self.gradients.layers[at]
        yield Finding(
            "vanishing_gradients",
            name,
            f"The gradient of {name} is {shares[at]:.2g} of that of {self.gradients.layers[-1]}: "
            "what lies before it hardly learns.",
            {
                "gradient_ratio": float(shares[at]),
                "first_layer_gradient_ratio": float(shares[0]),
            },
            "Let the hidden layers use relu, whose derivative is 1 wherever it is not 0, with the "
            "initializer that suits it.",
            self._with_hidden(activation="relu", initializer="he_normal"),
        )

    def exploding_gradients(self) -> Iterator[Finding]:
        """A gradient that grew far beyond its first size."""
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
        grew = f"grew from {norms[0]:.3g}" if np.isfinite(norms[0]) else "grew within one epoch"
        until = f"to {norms[epoch]:.3g}" if np.isfinite(norms[epoch]) else "beyond all numbers"
        yield Finding(
            "exploding_gradients",
            layer,
            f"The gradient {grew} {until} by epoch {epoch + 1}.",
            {
                "first_norm": float(norms[0]),
                "largest_norm": float(norms[epoch]),
                "epoch": float(epoch + 1),
            },
            "Shorten every gradient to a length of at most 1.",
            {"clipping": {"norm": 1.0}},
        )

    def dead_units(self) -> Iterator[Finding]:
        """Units whose output is 0 for every sample, so that nothing can wake them."""
        for at, name, activation, outputs in self._hidden():
            if activation not in _SILENT:
                continue
            dead = float(np.mean((outputs == 0.0).all(axis=0)))
            if dead >= AILING_SHARE:
                yield Finding(
                    "dead_units",
                    name,
                    f"{dead:.0%} of the units of {name} are 0 for every sample: no gradient "
                    "reaches them any more.",
                    {"dead_fraction": dead, "units": float(outputs.shape[1])},
                    f"Let {name} use leaky_relu, which has a derivative on both sides.",
                    self._with_layer(at, activation="leaky_relu"),
                )

    def saturated_units(self) -> Iterator[Finding]:
        """Units that sit where their activation is flat, for nearly every sample.

        Initial weights of the usual sizes do not put them there: large inputs do, or long steps.
        """
        unscaled = any(True for _ in self.unscaled_inputs())
        suggestion, patch = _SCALE if unscaled else self._lower_rate()
        for _, name, activation, outputs in self._hidden():
            if activation not in _SQUASHING:
                continue
            derivatives = _derivatives(activation, outputs) / _SQUASHING[activation]
            stuck = (derivatives < SATURATED_DERIVATIVE).mean(axis=0) >= MOST_SAMPLES
            share = float(stuck.mean())
            if share >= AILING_SHARE:
                yield Finding(
                    "saturated_units",
                    name,
                    f"{share:.0%} of the units of {name} sit where {activation} is flat, for "
                    "nearly every sample.",
                    {"saturated_fraction": share, "units": float(outputs.shape[1])},
                    suggestion,
                    patch,
                )

    def learning_rate_too_high(self) -> Iterator[Finding]:
        """A curve that oscillates, or ends above its beginning."""
        curve = label(self.columns["train_loss"], diverged=self.diverged)
        if curve.name not in ("oscillating", "diverged"):
            return
        rate = self.training.optimizer.learning_rate
        what = "ran away" if curve.name == "diverged" else "rose about as much as it fell"
        yield Finding(
            "learning_rate_too_high",
            None,
            f"The training loss {what}: the steps are too long.",
            {
                "learning_rate": rate,
                "final_loss_ratio": curve.final_loss_ratio,
                "increase_decrease_ratio": curve.increase_decrease_ratio,
            },
            *self._lower_rate(),
        )

    def learning_rate_too_low(self) -> Iterator[Finding]:
        """A curve that hardly falls, or has by far not come to its end."""
        curve = label(self.columns["train_loss"], diverged=self.diverged)
        factor = {"too_low": 10.0, "slow": 3.0}.get(curve.name)
        if factor is None or len(self.columns["train_loss"]) < 2:
            return
        rate = self.training.optimizer.learning_rate
        what = "hardly fell" if curve.name == "too_low" else "was still on its way down at the end"
        yield Finding(
            "learning_rate_too_low",
            None,
            f"The training loss {what}: the steps are too short.",
            {
                "learning_rate": rate,
                "final_loss_ratio": curve.final_loss_ratio,
                "late_decrease_fraction": curve.late_decrease_fraction,
            },
            f"Raise the learning rate from {rate:g} to {factor * rate:g}.",
            {"optimizer": {"learning_rate": factor * rate}},
        )

    def overfitting(self) -> Iterator[Finding]:
        """A validation loss that rises while the training loss still falls."""
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
            f"{last:.3g} while the training loss went on falling: the network memorizes."
        )
        if self.training.early_stopping is None:
            suggestion = "Stop once the validation loss has not improved for 10 epochs."
            patch: Patch = {"early_stopping": {"patience": 10}}
        else:
            l2 = 10.0 * self.training.l2 or 0.001
            suggestion = f"Hold the weights back with an l2 penalty of {l2:g}."
            patch = {"regularization": {"l2": l2}}
        yield Finding("overfitting", None, message, evidence, suggestion, patch)

    # ---------------------------------------------------------------- inside

    def _statistic(self, name: str) -> Array:
        """One statistic of all snapshots, `(m, layers)` float64."""
        assert self.gradients is not None
        wide: Array = self.gradients.statistics[..., STATISTICS.index(name)].astype(np.float64)
        return wide

    def _hidden(self) -> Iterator[tuple[int, str, str, Array]]:
        """Position, name, activation and outputs `(n, units)` of the hidden layers that have one.

        Nothing where the weights are not finite numbers: what is not a number is neither dead nor
        alive.
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
    """f'(x) of a squashing activation, from y = f(x)."""
    if activation == "sigmoid":
        return outputs * (1.0 - outputs)
    if activation == "tanh":
        return 1.0 - np.square(outputs)
    return np.square(1.0 - np.abs(outputs))  # softsign: 1 / (1 + |x|)² and 1 / (1 + |x|) = 1 - |y|


def _spec(layer: Any) -> Patch:
    """A layer as the API writes it: its type, and what is not left to choose."""
    spec: Patch = {"type": layer.type}
    for f in fields(layer):
        value = getattr(layer, f.name)
        if value is None:
            continue
        if f.name == "layers":
            value = [_spec(inner) for inner in value]
        spec[f.name] = list(value) if isinstance(value, tuple) else value
    return spec
