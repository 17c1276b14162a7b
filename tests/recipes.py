"""A made-up activation, layer, loss and optimizer, added as CONTRIBUTING says.

`registered()` enters them in the engine's tables and removes them afterwards. The service
derives its models from the tables once, when it is imported; `in_new_process` therefore runs a
program in an interpreter in which they are registered first.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import numpy as np

from epochal_engine import (
    ACTIVATIONS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    Activation,
    Layer,
    Loss,
    Optimizer,
)
from epochal_engine.export._spelling import (
    Module,
    Spelling,
    numpy_weight,
    onnx_weight,
    pytorch_module,
)
from epochal_engine.export._spellings import SPELLINGS
from epochal_engine.model import Range, Scope, ones
from epochal_engine.model.losses import Floats
from epochal_engine.optimize.optimizers.optimizer import LearningRate
from epochal_engine.symbolic import Symbol
from epochal_engine.symbolic import primitives as p
from epochal_engine.symbolic.trace import Array, Call, Shape

ROOT = Path(__file__).parents[1]

BENT_IDENTITY = Activation(
    name="bent_identity",
    formula="(√(x² + 1) - 1)/2 + x",
    derivative_formula="x/(2·√(x² + 1)) + 1",
    range="(-∞, ∞)",
    traced=lambda x: 0.5 * (p.sqrt(p.square(x) + 1.0) - 1.0) + x,
    numpy="(np.sqrt(x**2 + 1.0) - 1.0) / 2.0 + x",
    numpy_backward="dy * (x / (2.0 * np.sqrt(x**2 + 1.0)) + 1.0)",
    pytorch="(torch.sqrt({x} ** 2 + 1.0) - 1.0) / 2.0 + {x}",
    onnx=lambda graph, x: graph.apply(
        "Add",
        graph.apply(
            "Mul",
            graph.apply(
                "Sub",
                graph.apply(
                    "Sqrt",
                    graph.apply("Add", graph.apply("Mul", x, x), graph.constant("one", 1.0)),
                ),
                graph.constant("one", 1.0),
            ),
            graph.constant("half", 0.5),
        ),
        x,
    ),
    default_initializer="orthogonal",
)

RESCALE = Spelling(
    numpy=lambda line: f"{line.layer.factor!r} * {line.x} * {numpy_weight(line, 'scale')}",
    pytorch=Module(
        lambda line: f"{line.layer.factor!r} * {line.x} * {pytorch_module(line)}",
        lambda line, w: "nn.Parameter(torch.empty{})".format(w["scale"].shape),
        lambda w: {"": w["scale"]},
    ),
    onnx=lambda graph, line, inputs: graph.apply(
        "Mul",
        graph.apply("Mul", *inputs, onnx_weight(graph, line, "scale")),
        graph.constant(f"{line.name}.factor", line.layer.factor),
    ),
)


class Parts(NamedTuple):
    """The made-up parts, but for the activation."""

    layer: type[Layer]
    loss: type[Loss]
    optimizer: type[Optimizer]


def register() -> Parts:
    """Enter the activation `bent_identity`, the layer `rescale`, the loss `log_cosh` and the
    optimizer `sign_descent` in the engine's tables.
    """
    ACTIVATIONS[BENT_IDENTITY.name] = BENT_IDENTITY
    SPELLINGS["rescale"] = RESCALE

    @dataclass(frozen=True)
    class Rescale(Layer):
        """Multiplies each feature by a learned scale and a fixed factor.

        This paragraph is for readers of the engine.
        """

        type: ClassVar[str] = "rescale"
        factor: Annotated[float, Range(above=0, most=10)] = 2.0
        """Factor applied to every feature. In (0, 10]. Default 2."""

        def forward(self, scope: Scope, x: Symbol) -> Symbol:
            return x * scope.parameter("scale", x.shape[-1:], ones) * self.factor

    @dataclass(frozen=True)
    class LogCosh(Loss):
        """The logarithm of the hyperbolic cosine of the error."""

        type: ClassVar[str] = "log_cosh"
        formula: ClassVar[str] = "mean of log(cosh(ŷ - y))"
        target = "numbers"
        numpy: ClassVar[str] = "(np.logaddexp(z - y, y - z) - math.log(2.0)).mean(axis=-1)"
        pytorch: ClassVar[str] = "torch.log(torch.cosh(z - y)).mean(-1)"

        def values(self, predictions: Floats, targets: Floats) -> Floats:
            losses: Floats = np.log(np.cosh(predictions - targets)).mean(-1)
            return losses

        def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
            outputs: int = predictions.shape[-1]
            return np.tanh(predictions - targets) / outputs

        def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
            error = logits - targets
            return p.mean(error + p.softplus(-2.0 * error) - math.log(2.0))

    LOSSES["log_cosh"] = LogCosh()

    @dataclass(frozen=True)
    class SignDescent(Optimizer):
        """A step of the same size for every weight."""

        type: ClassVar[str] = "sign_descent"
        formula: ClassVar[str] = "w ← w - η·sign(g)"
        step: ClassVar[str] = "w -= rate * np.sign(g)"
        usual_rate: ClassVar[float] = 0.01
        learning_rate: LearningRate = 0.01
        """Step size. Greater than 0, up to 1e12. Default 0.01."""

        def calls(
            self,
            parameter: Array,
            gradient: Array,
            step: Array,
            moments: Array,
            rate: Array,
            steps: int,
            shapes: Mapping[str, Shape],
        ) -> list[Call]:
            return [
                (np.sign, (gradient, step)),
                (np.multiply, (step, rate, step)),
                (np.subtract, (parameter, step, parameter)),
            ]

    return Parts(Rescale, LogCosh, SignDescent)


@contextmanager
def registered() -> Iterator[Parts]:
    """Register all, yield their classes, and remove all again."""
    parts = register()
    try:
        yield parts
    finally:
        for table, name in (
            (ACTIVATIONS, "bent_identity"),
            (LAYERS, "rescale"),
            (SPELLINGS, "rescale"),
            (Loss.table, "log_cosh"),
            (LOSSES, "log_cosh"),
            (OPTIMIZERS, "sign_descent"),
        ):
            del table[name]


def in_new_process(program: str) -> str:
    """Return what a program prints in a new interpreter that registers all first."""
    start = "from tests.recipes import register; register()\n"
    result = subprocess.run(
        [sys.executable, "-c", start + program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
