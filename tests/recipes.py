"""A made-up activation and a made-up layer, added as CONTRIBUTING says: one record, one dataclass.

`registered()` enters them in the engine's tables and removes them afterwards. What the service
derives from the tables it derives once, when it is imported; `in_new_process` therefore runs a
program in an interpreter in which they are registered first.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

from epochal_engine import ACTIVATIONS, LAYERS, Activation, Layer
from epochal_engine.export._spelling import (
    Module,
    Spelling,
    numpy_weight,
    onnx_weight,
    pytorch_module,
)
from epochal_engine.export._spellings import SPELLINGS
from epochal_engine.model import Range, Scope, ones
from epochal_engine.symbolic import Symbol
from epochal_engine.symbolic import primitives as p

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


def register() -> type[Layer]:
    """Enter the activation `bent_identity` and the layer `rescale` in the engine's tables."""
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

    return Rescale


@contextmanager
def registered() -> Iterator[type[Layer]]:
    """Register both, yield the layer's class, and remove both again."""
    layer = register()
    try:
        yield layer
    finally:
        for table, name in (
            (ACTIVATIONS, "bent_identity"),
            (LAYERS, "rescale"),
            (SPELLINGS, "rescale"),
        ):
            del table[name]


def in_new_process(program: str) -> str:
    """Return what a program prints in a new interpreter that registers both first."""
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
