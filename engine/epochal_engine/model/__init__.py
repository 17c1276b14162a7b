"""The parts of a network, each a table from a name in the API to one record."""

from .activations import activation_plan
from .components import (
    ApiRange,
    Component,
    FieldDescription,
    Internal,
    Items,
    OneOf,
    PerAxis,
    Range,
    describe_fields,
    field_docstrings,
    split_annotation,
)
from .decoding import Steps
from .layers import Scope
from .layers.convolution import Padding
from .layers.layer import InitialValues, ones, zeros
from .layers.structure import TERM, TERM_FORM, position_names
from .layers.tokens import sinusoids
from .losses import SMALLEST_DIVISOR, SMALLEST_LOG, Binary, Floats, as_rows
from .network import INPUT, parameter_leaves, parameter_views
from .predict import ELEMENTS_AT_ONCE, forward_passes

__all__ = [
    "ELEMENTS_AT_ONCE",
    "INPUT",
    "SMALLEST_DIVISOR",
    "SMALLEST_LOG",
    "TERM",
    "TERM_FORM",
    "ApiRange",
    "Binary",
    "Component",
    "FieldDescription",
    "Floats",
    "InitialValues",
    "Internal",
    "Items",
    "OneOf",
    "Padding",
    "PerAxis",
    "Range",
    "Scope",
    "Steps",
    "activation_plan",
    "as_rows",
    "describe_fields",
    "field_docstrings",
    "forward_passes",
    "ones",
    "parameter_leaves",
    "parameter_views",
    "position_names",
    "sinusoids",
    "split_annotation",
    "zeros",
]
