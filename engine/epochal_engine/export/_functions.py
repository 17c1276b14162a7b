"""The computations of layers in plain NumPy. A script includes the functions that it calls.

They share nothing with the engine, which reaches the same numbers in other ways. Each calls only
functions above it, and activations.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import math

import numpy as np

from ..model.activations import ACTIVATIONS

# A script defines them by `Activation.numpy`.
sigmoid, softmax = (ACTIVATIONS[name].function for name in ("sigmoid", "softmax"))

# ---------------------------------------------------------------- norms and tokens


def within(w, name):
    """Return the weights of one layer by their short names."""
    return {key[len(name) + 1 :]: w[key] for key in w if key.startswith(f"{name}.")}


def batch_norm(x, w, epsilon):
    return (x - w["mean"]) / np.sqrt(w["variance"] + epsilon) * w["scale"] + w["shift"]


def layer_norm(x, w, epsilon):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * w["scale"] + w["shift"]


def embedding(tokens, vectors):
    """Return the vector of every token; others are clipped to the vocabulary."""
    return vectors[np.clip(tokens.astype(int), 0, len(vectors) - 1)]


def sinusoids(x):
    """Return the positional encoding of x (n, length, units)."""
    length, units = x.shape[1:]
    unit = np.arange(units)
    angle = np.arange(length)[:, None] / 10_000.0 ** ((unit - unit % 2) / units)
    return np.where(unit % 2 == 0, np.sin(angle), np.cos(angle)).astype(x.dtype)


# ---------------------------------------------------------------- windows


def windows(x, size, stride):
    """Return all windows of x (n, *positions, channels): (n, *windows, channels, *size)."""
    axes = tuple(range(1, len(size) + 1))
    all_windows = np.lib.stride_tricks.sliding_window_view(x, size, axes)
    return all_windows[:, *(slice(None, None, n) for n in stride)]


def convolution(x, kernel, stride, zeros):
    """Return the product of each window of x with the kernel (*size, channels, filters)."""
    size = kernel.shape[:-2]
    patches = windows(np.pad(x, [(0, 0), *zeros, (0, 0)]), size, stride)
    return np.tensordot(np.moveaxis(patches, len(size) + 1, -1), kernel, len(size) + 1)


def max_pool(x, size, stride):
    numbers = windows(x, size, stride)
    numbers = numbers.reshape(*numbers.shape[: x.ndim], -1)
    largest = numbers.argmax(axis=-1, keepdims=True)  # the first of equal ones
    return np.take_along_axis(numbers, largest, axis=-1)[..., 0]


def average_pool(x, size, stride):
    return windows(x, size, stride).mean(axis=tuple(range(-len(size), 0)))


# ---------------------------------------------------------------- sequences


def rnn(x, weight, recurrent, bias):
    """Return the hidden state at every time step of x (n, length, features)."""
    h = np.zeros((len(x), len(recurrent)), x.dtype)
    states = []
    for x_t in np.moveaxis(x @ weight + bias, 1, 0):
        h = np.tanh(x_t + h @ recurrent)
        states.append(h)
    return np.stack(states, axis=1)


def lstm(x, weight, recurrent, bias):
    """Return the hidden state at every time step of x (n, length, features)."""
    h = c = np.zeros((len(x), len(recurrent)), x.dtype)
    states = []
    for x_t in np.moveaxis(x @ weight + bias, 1, 0):
        input_gate, forget_gate, output_gate, candidate = np.split(x_t + h @ recurrent, 4, axis=-1)
        c = sigmoid(forget_gate) * c + sigmoid(input_gate) * np.tanh(candidate)
        h = sigmoid(output_gate) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def gru(x, weight, recurrent, bias):
    """Return the hidden state at every time step of x (n, length, features)."""
    to_update, to_reset, to_candidate = np.split(recurrent, 3, axis=-1)
    h = np.zeros((len(x), len(recurrent)), x.dtype)
    states = []
    for x_t in np.moveaxis(x @ weight + bias, 1, 0):
        update, reset, candidate = np.split(x_t, 3, axis=-1)
        update, reset = sigmoid(update + h @ to_update), sigmoid(reset + h @ to_reset)
        h = update * h + (1.0 - update) * np.tanh(candidate + (reset * h) @ to_candidate)
        states.append(h)
    return np.stack(states, axis=1)


def additive_attention(query, memory, w):
    """Return the additive attention of each position of the query to the memory."""
    queries, keys = query @ w["query.weight"], memory @ w["memory.weight"]
    scores = np.tanh(queries[:, :, None] + keys[:, None]) @ w["score.weight"]
    return softmax(scores[..., 0]) @ memory


def multi_head_attention(query, memory, w, heads, causal):
    """Return the multi-head attention of each position of the query to the memory."""

    def project(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def by_head(x):
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)

    queries = by_head(project(query, "query"))
    keys, values = by_head(project(memory, "key")), by_head(project(memory, "value"))
    scores = queries @ keys.swapaxes(2, 3) / math.sqrt(queries.shape[-1])
    if causal:  # No position attends to a later one.
        scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    attended = (softmax(scores) @ values).swapaxes(1, 2)
    return project(attended.reshape(query.shape), "output")


def transformer_block(x, w, heads, norm, causal, activation, epsilon):
    """Return x plus attention, plus two dense layers at every position."""

    def normalize(x, name):
        return layer_norm(x, within(w, name), epsilon)

    def attend(x):
        return multi_head_attention(x, x, within(w, "attention"), heads, causal)

    def feed_forward(x):
        hidden = activation(x @ w["hidden.weight"] + w["hidden.bias"])
        return hidden @ w["output.weight"] + w["output.bias"]

    if norm == "pre":
        x = x + attend(normalize(x, "attention_norm"))
        return x + feed_forward(normalize(x, "output_norm"))
    x = normalize(x + attend(x), "attention_norm")
    return normalize(x + feed_forward(x), "output_norm")
