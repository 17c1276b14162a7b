"""What layers compute, in plain NumPy: a script takes along those of these that it calls.

They know nothing of the engine that trains, which reaches the same numbers in other ways. Each
calls only those that stand above it.
"""

# mypy: allow-untyped-defs, allow-untyped-calls

from __future__ import annotations

import math

import numpy as np

# ---------------------------------------------------------------- activations


def step(x):
    return np.heaviside(x, 1.0)


@np.errstate(over="ignore")  # Where exp(-x) is infinite, 0 is the right answer.
def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def linear(x):
    return x


def tanh(x):
    return np.tanh(x)


def softsign(x):
    return x / (1.0 + np.abs(x))


def relu(x):
    return np.maximum(x, 0.0)


def leaky_relu(x):
    return np.where(x > 0.0, x, 0.01 * x)


def softplus(x):
    return np.logaddexp(x, 0.0)


def elu(x):
    return np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))


def selu(x):
    return 1.0507009873554805 * np.where(
        x > 0.0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0.0))
    )


def gelu(x):
    return 0.5 * x * (1.0 + np.vectorize(math.erf, [x.dtype])(x / math.sqrt(2.0)))


def gelu_tanh(x):
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)))


def silu(x):
    return x * sigmoid(x)


def mish(x):
    return x * np.tanh(softplus(x))


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


# ---------------------------------------------------------------- norms and tokens


def within(w, name):
    """The weights of one layer, by what is left of their names."""
    return {key[len(name) + 1 :]: w[key] for key in w if key.startswith(f"{name}.")}


def batch_norm(x, w, epsilon):
    return (x - w["mean"]) / np.sqrt(w["variance"] + epsilon) * w["scale"] + w["shift"]


def layer_norm(x, w, epsilon):
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * w["scale"] + w["shift"]


def embedding(tokens, vectors):
    """The vector of every token; a token beyond the vocabulary stands for the nearest in it."""
    return vectors[np.clip(tokens.astype(int), 0, len(vectors) - 1)]


def sinusoids(x):
    """Sines and cosines that tell the places of x (n, places, units) apart."""
    places, units = x.shape[1:]
    unit = np.arange(units)
    angle = np.arange(places)[:, None] / 10_000.0 ** ((unit - unit % 2) / units)
    return np.where(unit % 2 == 0, np.sin(angle), np.cos(angle)).astype(x.dtype)


# ---------------------------------------------------------------- windows


def windows(x, size, stride):
    """All windows of x (n, *places, channels): (n, *windows, channels, *size)."""
    axes = tuple(range(1, len(size) + 1))
    every = np.lib.stride_tricks.sliding_window_view(x, size, axes)
    return every[:, *(slice(None, None, step) for step in stride)]


def convolution(x, kernel, stride, zeros):
    """Each window of x weighed by each filter of the kernel (*size, channels, filters)."""
    size = kernel.shape[:-2]
    inside = windows(np.pad(x, [(0, 0), *zeros, (0, 0)]), size, stride)
    return np.tensordot(np.moveaxis(inside, len(size) + 1, -1), kernel, len(size) + 1)


def max_pool(x, size, stride):
    return windows(x, size, stride).max(axis=tuple(range(-len(size), 0)))


def average_pool(x, size, stride):
    return windows(x, size, stride).mean(axis=tuple(range(-len(size), 0)))


# ---------------------------------------------------------------- sequences


def rnn(x, weight, recurrent, bias):
    """The hidden state at every place of x (n, places, features)."""
    h = np.zeros((len(x), len(recurrent)), x.dtype)
    states = []
    for place in np.moveaxis(x @ weight + bias, 1, 0):
        h = np.tanh(place + h @ recurrent)
        states.append(h)
    return np.stack(states, axis=1)


def lstm(x, weight, recurrent, bias):
    """The hidden state at every place of x (n, places, features)."""
    h = c = np.zeros((len(x), len(recurrent)), x.dtype)
    states = []
    for place in np.moveaxis(x @ weight + bias, 1, 0):
        put_in, keep, show, candidate = np.split(place + h @ recurrent, 4, axis=-1)
        c = sigmoid(keep) * c + sigmoid(put_in) * np.tanh(candidate)
        h = sigmoid(show) * np.tanh(c)
        states.append(h)
    return np.stack(states, axis=1)


def gru(x, weight, recurrent, bias):
    """The hidden state at every place of x (n, places, features)."""
    to_keep, to_reset, to_candidate = np.split(recurrent, 3, axis=-1)
    h = np.zeros((len(x), len(recurrent)), x.dtype)
    states = []
    for place in np.moveaxis(x @ weight + bias, 1, 0):
        keep, reset, candidate = np.split(place, 3, axis=-1)
        keep, reset = sigmoid(keep + h @ to_keep), sigmoid(reset + h @ to_reset)
        h = keep * h + (1.0 - keep) * np.tanh(candidate + (reset * h) @ to_candidate)
        states.append(h)
    return np.stack(states, axis=1)


def additive_attention(query, memory, w):
    """What each place of the query finds in the memory."""
    asked, offered = query @ w["query.weight"], memory @ w["memory.weight"]
    scores = np.tanh(asked[:, :, None] + offered[:, None]) @ w["score.weight"]
    return softmax(scores[..., 0]) @ memory


def multi_head_attention(query, memory, w, heads, causal):
    """What each place of the query finds in the memory, by heads side by side."""

    def project(x, name):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    def by_head(x):
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)

    asked = by_head(project(query, "query"))
    keys, values = by_head(project(memory, "key")), by_head(project(memory, "value"))
    scores = asked @ keys.swapaxes(2, 3) / math.sqrt(asked.shape[-1])
    if causal:  # No place sees a later one.
        scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    found = (softmax(scores) @ values).swapaxes(1, 2)
    return project(found.reshape(query.shape), "output")


def transformer_block(x, w, heads, norm, causal, activation, epsilon):
    """Attention, then two dense layers at every place, each added to what it was made from."""

    def normal(x, name):
        return layer_norm(x, within(w, name), epsilon)

    def attend(x):
        return multi_head_attention(x, x, within(w, "attention"), heads, causal)

    def think(x):
        hidden = activation(x @ w["hidden.weight"] + w["hidden.bias"])
        return hidden @ w["output.weight"] + w["output.bias"]

    if norm == "pre":
        x = x + attend(normal(x, "attention_norm"))
        return x + think(normal(x, "output_norm"))
    x = normal(x + attend(x), "attention_norm")
    return normal(x + think(x), "output_norm")
