"""The parts of layers that only training needs, in plain NumPy. A program includes those it calls.

All else that a layer computes is what the exported script of a network computes, see
`export/_functions.py`; `_tape.py` differentiates both.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import math

import numpy as np

from .._functions import layer_norm, multi_head_attention, within
from ._tape import plain


def dropout(x, masks):
    """Multiply by the mask of the step; masks are None outside training."""
    return x if masks is None else x * masks[0]


def batch_norm(x, w, momentum, epsilon, training):
    """Normalize by the statistics of the batch; outside training, by the running ones."""
    mean, variance = w["mean"], w["variance"]
    if training:
        others, count = tuple(range(x.ndim - 1)), math.prod(x.shape[:-1])
        mean, variance = x.mean(axis=others), x.var(axis=others)
        unbiased = plain(variance) * (count / max(count - 1, 1))
        for name, new in (("mean", plain(mean)), ("variance", unbiased)):
            w[name][:] = momentum * w[name] + (1.0 - momentum) * new
    return (x - mean) / np.sqrt(variance + epsilon) * w["scale"] + w["shift"]


def transformer_block(x, w, heads, norm, causal, activation, epsilon, masks):
    """Return x plus attention, plus two dense layers at every position."""

    def normalize(x, name):
        return layer_norm(x, within(w, name), epsilon)

    def attend(x):
        y = multi_head_attention(x, x, within(w, "attention"), heads, causal)
        return dropout(y, masks and masks[:1])

    def feed_forward(x):
        hidden = activation(x @ w["hidden.weight"] + w["hidden.bias"])
        return dropout(hidden @ w["output.weight"] + w["output.bias"], masks and masks[1:])

    if norm == "pre":
        x = x + attend(normalize(x, "attention_norm"))
        return x + feed_forward(normalize(x, "output_norm"))
    x = normalize(x + attend(x), "attention_norm")
    return normalize(x + feed_forward(x), "output_norm")
