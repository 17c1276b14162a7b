"""The primitives: what NumPy is asked to do, each beside its rule for the backward pass.

A rule is read as: "given g = dL/dy, here is dL/dx for every input x". It is written with symbols,
so that a rule is itself a formula, and its terms from the forward pass are reused rather than
computed again.
"""

from .arithmetic import equal, maximum
from .attention import gather, scores, softmax_of_columns
from .convolution import MANY_POSITIONS, convolve
from .elementary import (
    absolute,
    cos,
    exp,
    expm1,
    is_positive,
    log,
    negative_part,
    positive_part,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    step,
    tanh,
)
from .normal import normal_cdf, normal_density
from .normalization import standardize
from .outputs import sigmoid_binary_cross_entropy, softmax, softmax_cross_entropy
from .pooling import largest_in_windows, window_parts
from .products import FEW_ROWS, affine, take_rows
from .recurrent import gru, lstm, rnn
from .shapes import (
    broadcast,
    concatenate,
    contiguous,
    copy,
    largest,
    mean,
    mean_to,
    place,
    sum_to,
    with_ones,
    with_row,
    without_ones,
)

__all__ = [
    "FEW_ROWS",
    "MANY_POSITIONS",
    "absolute",
    "affine",
    "broadcast",
    "concatenate",
    "contiguous",
    "convolve",
    "copy",
    "cos",
    "equal",
    "exp",
    "expm1",
    "gather",
    "gru",
    "is_positive",
    "largest",
    "largest_in_windows",
    "log",
    "lstm",
    "maximum",
    "mean",
    "mean_to",
    "negative_part",
    "normal_cdf",
    "normal_density",
    "place",
    "positive_part",
    "rnn",
    "scores",
    "sigmoid",
    "sigmoid_binary_cross_entropy",
    "sign",
    "sin",
    "softmax",
    "softmax_cross_entropy",
    "softmax_of_columns",
    "softplus",
    "sqrt",
    "square",
    "standardize",
    "step",
    "sum_to",
    "take_rows",
    "tanh",
    "window_parts",
    "with_ones",
    "with_row",
    "without_ones",
]
