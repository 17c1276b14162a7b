"""An activation is one record: its formula, its name in each export, and its initializer.

Without an activation between them, two layers are one: W₂(W₁x) = (W₂W₁)x. With one, a network can
compute nonlinear functions. The derivative follows from the formula by the chain rule. The same
formula is drawn by an explorer and traced into a training step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..symbolic import primitives as p
from ..symbolic.differentiate import differentiate
from ..symbolic.plan import Plan
from ..symbolic.trace import Array, Shape, Symbol, leaf
from .components import source

if TYPE_CHECKING:
    from ..export.onnx_graph import Graph


@dataclass(frozen=True, kw_only=True)
class Activation:
    """A function that a layer applies to each of its weighted sums."""

    name: str
    formula: str
    derivative_formula: str
    """The derivative; for softmax, of an output with respect to the input at the same index."""
    range: str
    """The values that it can take, as an interval."""
    traced: Callable[[Symbol], Symbol]
    """The formula, on a symbolic array."""
    numpy: str
    """In NumPy: an expression in x, or the statements of a function body that return one. It may
    call activations that stand before this one in the table."""
    numpy_backward: str
    """In NumPy: the derivative of a loss with respect to x, from x, y = f(x) and dy, that with
    respect to y; an expression, or statements, as `numpy`."""
    pytorch: str
    """In PyTorch: an expression in `{x}`, with torch and torch.nn.functional as F. PyTorch must be
    able to differentiate it."""
    onnx: Callable[[Graph, str], str]
    """In ONNX: `onnx(graph, x)` adds the operators to the graph and returns their output."""
    default_initializer: str
    """The name of the initializer of a layer that has this activation and names no initializer."""
    is_elementwise: bool = True
    """False for softmax, which weighs the outputs of a layer against each other."""

    def function(self, x: ArrayLike) -> Array:
        """Return f(x), as float64 of the shape of x; softmax works along the last axis."""
        return self._evaluate(x, 0)

    def derivative(self, x: ArrayLike) -> Array:
        """Return f'(x), as float64 of the shape of x; for softmax, ∂f(x)ᵢ/∂xᵢ."""
        return self._evaluate(x, 1)

    def _evaluate(self, x: ArrayLike, order: int) -> Array:
        array = np.asarray(x, np.float64)
        z, plan = activation_plan(self, array.shape, order)
        return plan.evaluate({z: array})[0]

    @property
    def numpy_source(self) -> str:
        """The source of a NumPy function of one array, named as the activation."""
        return source(f"{self.name}(x)", self.numpy)

    @property
    def numpy_backward_source(self) -> str:
        """The source of a NumPy function of x, y and dy: its name ends with `_backward`."""
        return source(f"{self.name}_backward(x, y, dy)", self.numpy_backward)

    @property
    def pytorch_source(self) -> str:
        """The source of a PyTorch function of one tensor, named as the activation."""
        return source(f"{self.name}(x)", self.pytorch.format(x="x"))


@lru_cache(maxsize=256)
def activation_plan(activation: Activation, shape: Shape, *orders: int) -> tuple[Symbol, Plan]:
    """Return a leaf x of this shape, and a plan for f(x), of order 0, or f'(x), of order 1.

    All who ask for the same plan share it: evaluate it, or bind `plan.unbound()`.
    """
    x = leaf(shape)
    y = activation.traced(x)
    results = [y]
    if 1 in orders:
        (gradient,) = differentiate(y, [x]) if activation.is_elementwise else [y * (1.0 - y)]
        results.append(gradient)
    return x, Plan([results[order] for order in orders], np.float64)


def _operator(name: str, **attributes: Any) -> Callable[[Graph, str], str]:
    """Return the `onnx` of an activation that is one ONNX operator."""
    return lambda graph, x: graph.elementwise(name, x, **attributes)


def _linear(x: Symbol) -> Symbol:
    return x


def _leaky_relu(x: Symbol) -> Symbol:
    return p.positive_part(x) + 0.01 * p.negative_part(x)


def _elu(x: Symbol) -> Symbol:
    return p.positive_part(x) + p.expm1(p.negative_part(x))


SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772
"""With these, mean 0 and variance 1 are a fixed point of a layer (Klambauer et al., 2017)."""


def _selu(x: Symbol) -> Symbol:
    return SELU_SCALE * p.positive_part(x) + SELU_SCALE * SELU_ALPHA * p.expm1(p.negative_part(x))


def _gelu(x: Symbol) -> Symbol:
    return x * p.normal_cdf(x)


def _gelu_tanh(x: Symbol) -> Symbol:
    return 0.5 * x * (1.0 + p.tanh(math.sqrt(2.0 / math.pi) * x * (1.0 + 0.044715 * p.square(x))))


def _silu(x: Symbol) -> Symbol:
    return x * p.sigmoid(x)


def _mish(x: Symbol) -> Symbol:
    return x * p.tanh(p.softplus(x))


def _softsign(x: Symbol) -> Symbol:
    return x / (1.0 + p.absolute(x))


def _onnx_step(graph: Graph, x: str) -> str:
    is_reached = graph.apply("GreaterOrEqual", x, graph.constant("zero", 0.0))
    return graph.cast(is_reached, "float32")


ACTIVATIONS: dict[str, Activation] = {
    activation.name: activation
    # He's initializer is for activations that, like relu, are near 0 for negative sums; Xavier's
    # for the others.
    for activation in (
        Activation(
            name="linear",
            formula="x",
            derivative_formula="1",
            range="(-∞, ∞)",
            traced=_linear,
            numpy="x",
            numpy_backward="dy",
            pytorch="{x}",
            onnx=lambda graph, x: x,
            default_initializer="xavier_uniform",
        ),
        # Rosenblatt (1958). Its derivative is 0: no layer below it learns by gradients.
        Activation(
            name="step",
            formula="1 if x ≥ 0 else 0",
            derivative_formula="0",
            range="{0, 1}",
            traced=p.step,
            numpy="np.heaviside(x, 1.0)",
            numpy_backward="0.0 * dy",
            pytorch="1.0 - F.relu(-torch.sign({x}))",
            onnx=_onnx_step,
            default_initializer="xavier_uniform",
        ),
        Activation(
            name="sigmoid",
            formula="1 / (1 + exp(-x))",
            derivative_formula="sigmoid(x)·(1 - sigmoid(x))",
            range="(0, 1)",
            traced=p.sigmoid,
            numpy="""
                with np.errstate(over="ignore"):  # Where exp(-x) is infinite, 0 is the limit.
                    return 1.0 / (1.0 + np.exp(-x))
            """,
            numpy_backward="dy * y * (1.0 - y)",
            pytorch="torch.sigmoid({x})",
            onnx=_operator("Sigmoid"),
            default_initializer="xavier_uniform",
        ),
        Activation(
            name="tanh",
            formula="tanh(x)",
            derivative_formula="1 - tanh(x)²",
            range="(-1, 1)",
            traced=p.tanh,
            numpy="np.tanh(x)",
            numpy_backward="dy * (1.0 - y**2)",
            pytorch="torch.tanh({x})",
            onnx=_operator("Tanh"),
            default_initializer="xavier_uniform",
        ),
        Activation(
            name="softsign",
            formula="x / (1 + |x|)",
            derivative_formula="1 / (1 + |x|)²",
            range="(-1, 1)",
            traced=_softsign,
            numpy="x / (1.0 + np.abs(x))",
            numpy_backward="dy / (1.0 + np.abs(x)) ** 2",
            pytorch="F.softsign({x})",
            onnx=_operator("Softsign"),
            default_initializer="xavier_uniform",
        ),
        # Nair and Hinton (2010). The derivative at 0 is 0, by convention.
        Activation(
            name="relu",
            formula="max(0, x)",
            derivative_formula="1 if x > 0 else 0",
            range="[0, ∞)",
            traced=p.positive_part,
            numpy="np.maximum(x, 0.0)",
            numpy_backward="dy * (x > 0.0)",
            pytorch="F.relu({x})",
            onnx=_operator("Relu"),
            default_initializer="he_normal",
        ),
        # Maas et al. (2013); the derivative at 0 is 0.01.
        Activation(
            name="leaky_relu",
            formula="x if x > 0 else 0.01·x",
            derivative_formula="1 if x > 0 else 0.01",
            range="(-∞, ∞)",
            traced=_leaky_relu,
            numpy="np.where(x > 0.0, x, 0.01 * x)",
            numpy_backward="np.where(x > 0.0, dy, 0.01 * dy)",
            pytorch="F.leaky_relu({x}, 0.01)",
            onnx=_operator("LeakyRelu", alpha=0.01),
            default_initializer="he_normal",
        ),
        Activation(
            name="softplus",
            formula="log(1 + exp(x))",
            derivative_formula="1 / (1 + exp(-x))",
            range="(0, ∞)",
            traced=p.softplus,
            numpy="np.logaddexp(x, 0.0)",
            numpy_backward="dy * sigmoid(x)",
            pytorch="F.softplus({x}, threshold=torch.inf)",
            onnx=_operator("Softplus"),
            default_initializer="xavier_uniform",
        ),
        # Clevert et al. (2016).
        Activation(
            name="elu",
            formula="x if x > 0 else exp(x) - 1",
            derivative_formula="1 if x > 0 else exp(x)",
            range="(-1, ∞)",
            traced=_elu,
            numpy="np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))",
            numpy_backward="np.where(x > 0.0, dy, dy * (y + 1.0))",
            pytorch="F.elu({x})",
            onnx=_operator("Elu"),
            default_initializer="he_normal",
        ),
        # Klambauer et al. (2017), who derive it for LeCun's initializer.
        Activation(
            name="selu",
            formula="1.0507·x if x > 0 else 1.7581·(exp(x) - 1)",
            derivative_formula="1.0507 if x > 0 else 1.7581·exp(x)",
            range="(-1.7581, ∞)",
            traced=_selu,
            numpy="""
                return 1.0507009873554805 * np.where(
                    x > 0.0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0.0))
                )
            """,
            numpy_backward="""
                return dy * np.where(
                    x > 0.0, 1.0507009873554805, y + 1.0507009873554805 * 1.6732632423543772
                )
            """,
            pytorch="F.selu({x})",
            onnx=_operator("Selu"),
            default_initializer="lecun_normal",
        ),
        # Hendrycks and Gimpel (2016), exactly and in their approximation.
        Activation(
            name="gelu",
            formula="x·Φ(x) = x·(1 + erf(x/√2))/2",
            derivative_formula="Φ(x) + x·φ(x)",
            range="[-0.1700, ∞)",
            traced=_gelu,
            numpy="0.5 * x * np.vectorize(math.erfc, [x.dtype])(-x / math.sqrt(2.0))",
            numpy_backward="""
                cdf = np.divide(y, x, out=np.full_like(x, 0.5), where=x != 0.0)
                return dy * (cdf + x * np.exp(-0.5 * x**2) / math.sqrt(2.0 * math.pi))
            """,
            pytorch="F.gelu({x})",
            onnx=_operator("Gelu"),
            default_initializer="he_normal",
        ),
        Activation(
            name="gelu_tanh",
            formula="x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2",
            derivative_formula="(1 + t)/2 + x·(1 - t²)·√(2/π)·(1 + 0.134145·x²)/2"
            " with t = tanh(√(2/π)·(x + 0.044715·x³))",
            range="[-0.1700, ∞)",
            traced=_gelu_tanh,
            numpy="x * sigmoid(2.0 * math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3))",
            numpy_backward="""
                c = math.sqrt(2.0 / math.pi)
                t = np.tanh(c * (x + 0.044715 * x**3))
                slope = c * (1.0 + 0.134145 * x**2)
                return 0.5 * dy * (1.0 + t + x * (1.0 - t**2) * slope)
            """,
            pytorch='F.gelu({x}, approximate="tanh")',
            onnx=_operator("Gelu", approximate="tanh"),
            default_initializer="he_normal",
        ),
        # Elfwing et al. (2018); also called swish.
        Activation(
            name="silu",
            formula="x·sigmoid(x)",
            derivative_formula="sigmoid(x)·(1 + x·(1 - sigmoid(x)))",
            range="[-0.2785, ∞)",
            traced=_silu,
            numpy="x * sigmoid(x)",
            numpy_backward="""
                s = sigmoid(x)
                return dy * s * (1.0 + x * (1.0 - s))
            """,
            pytorch="F.silu({x})",
            onnx=lambda graph, x: graph.elementwise("Mul", x, graph.elementwise("Sigmoid", x)),
            default_initializer="he_normal",
        ),
        # Misra (2019).
        Activation(
            name="mish",
            formula="x·tanh(softplus(x))",
            derivative_formula="t + x·sigmoid(x)·(1 - t²) with t = tanh(softplus(x))",
            range="[-0.3088, ∞)",
            traced=_mish,
            numpy="x * np.tanh(softplus(x))",
            numpy_backward="""
                t = np.tanh(softplus(x))
                return dy * (t + x * sigmoid(x) * (1.0 - t**2))
            """,
            pytorch="F.mish({x})",
            onnx=_operator("Mish"),
            default_initializer="he_normal",
        ),
        Activation(
            name="softmax",
            formula="exp(xᵢ) / Σⱼ exp(xⱼ)",
            derivative_formula="softmax(x)ᵢ·(1 - softmax(x)ᵢ)",
            range="(0, 1), summing to 1",
            traced=p.softmax,
            numpy="""
                powers = np.exp(x - x.max(axis=-1, keepdims=True))
                return powers / powers.sum(axis=-1, keepdims=True)
            """,
            numpy_backward="y * (dy - (dy * y).sum(axis=-1, keepdims=True))",
            pytorch="torch.softmax({x}, -1)",
            onnx=lambda graph, x: graph.apply("Softmax", x, axis=-1),
            default_initializer="xavier_uniform",
            is_elementwise=False,
        ),
    )
}
"""All activations by name."""
