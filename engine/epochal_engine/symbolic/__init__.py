"""Formulas that are traced, differentiated and laid out as a flat list of NumPy calls."""

from . import primitives
from .differentiate import differentiate
from .plan import Plan, calls_of, evaluate, perform, run_calls
from .replicas import replicate
from .threads import one_thread
from .trace import Array, Call, Shape, Symbol, leaf

__all__ = [
    "Array",
    "Call",
    "Plan",
    "Shape",
    "Symbol",
    "calls_of",
    "differentiate",
    "evaluate",
    "leaf",
    "one_thread",
    "perform",
    "primitives",
    "replicate",
    "run_calls",
]
