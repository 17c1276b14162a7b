"""Layers with their derivatives, in plain NumPy: a training program includes those that it calls.

They share nothing with the engine, which differentiates its formulas by itself. Each takes inputs
and the weights of a layer by their short names, and returns the output together with a function
`backward`. Given the derivative of the loss with respect to the output, `backward` returns that
with respect to each input, then the gradient of the weights by name. An activation is a pair of
functions, of x and of (x, f(x), the derivative with respect to f(x)).
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# ruff: noqa: F821

from __future__ import annotations

import math
from typing import Any

import numpy as np

# What a program defines as `Activation` says.
sigmoid: Any
softmax: Any
softmax_backward: Any


def within(w, name):
    """Return the weights of one layer by their short names."""
    return {key[len(name) + 1 :]: w[key] for key in w if key.startswith(f"{name}.")}


def named(name, gradient):
    """Return the gradient of an inner layer under the names of the outer one."""
    return {f"{name}.{key}": array for key, array in gradient.items()}


# ---------------------------------------------------------------- dense layers and shapes


def affine(x, w):
    y = x @ w["weight"] + w["bias"] if "bias" in w else x @ w["weight"]

    def backward(dy):
        rows = dy.reshape(-1, dy.shape[-1])  # every position of every sample
        gradient = {"weight": x.reshape(-1, x.shape[-1]).T @ rows}
        if "bias" in w:
            gradient["bias"] = rows.sum(axis=0)
        return dy @ w["weight"].T, gradient

    return y, backward


def activated(x, activation):
    function, backward = activation
    y = function(x)
    return y, lambda dy: backward(x, y, dy)


def dense(x, w, activation):
    z, affine_backward = affine(x, w)
    y, activation_backward = activated(z, activation)
    return y, lambda dy: affine_backward(activation_backward(dy))


def apply_activation(x, w, activation):
    y, activation_backward = activated(x, activation)
    return y, lambda dy: (activation_backward(dy), {})


def dropout(x, w, masks):
    """Multiply by the mask of the step; masks are None outside training."""
    if masks is None:
        return x, lambda dy: (dy, {})
    return x * masks[0], lambda dy: (dy * masks[0], {})


def reshape(x, w, shape):
    return x.reshape(len(x), *shape), lambda dy: (dy.reshape(x.shape), {})


def cut(x, w, start, stop):
    def backward(dy):
        dx = np.zeros_like(x)
        dx[:, start:stop] = dy
        return dx, {}

    return x[:, start:stop], backward


def add(*inputs, w):
    return sum(inputs[1:], inputs[0]), lambda dy: (*[dy] * len(inputs), {})


def concatenate(*inputs, w):
    ends = np.cumsum([x.shape[-1] for x in inputs])[:-1]
    return np.concatenate(inputs, axis=-1), lambda dy: (*np.split(dy, ends, axis=-1), {})


# ---------------------------------------------------------------- norms


def normalize(x, axes, epsilon):
    """Return x with mean 0 and variance 1 over the axes, mean, variance, and the backward pass."""
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    deviation = np.sqrt(variance + epsilon)
    normal = (x - mean) / deviation

    def backward(dy):
        along_mean = dy.mean(axis=axes, keepdims=True)
        along_normal = (dy * normal).mean(axis=axes, keepdims=True)
        return (dy - along_mean - normal * along_normal) / deviation

    return normal, mean, variance, backward


def layer_norm(x, w, epsilon):
    normal, _, _, normal_backward = normalize(x, -1, epsilon)

    def backward(dy):
        others = tuple(range(x.ndim - 1))
        gradient = {"scale": (dy * normal).sum(axis=others), "shift": dy.sum(axis=others)}
        return normal_backward(dy * w["scale"]), gradient

    return normal * w["scale"] + w["shift"], backward


def batch_norm(x, w, momentum, epsilon, training):
    """Normalize by the statistics of the batch; outside training, by the running ones."""
    if not training:
        deviation = np.sqrt(w["variance"] + epsilon)
        y = (x - w["mean"]) / deviation * w["scale"] + w["shift"]
        return y, lambda dy: (dy * w["scale"] / deviation, {})
    others = tuple(range(x.ndim - 1))
    count = math.prod(x.shape[:-1])
    normal, mean, variance, normal_backward = normalize(x, others, epsilon)
    unbiased = variance * (count / max(count - 1, 1))
    for name, new in (("mean", mean), ("variance", unbiased)):
        w[name][:] = momentum * w[name] + (1.0 - momentum) * new.ravel()

    def backward(dy):
        gradient = {"scale": (dy * normal).sum(axis=others), "shift": dy.sum(axis=others)}
        return normal_backward(dy * w["scale"]), gradient

    return normal * w["scale"] + w["shift"], backward


# ---------------------------------------------------------------- windows


def windows(x, size, stride):
    """Return all windows of x (n, *positions, channels): (n, *windows, channels, *size)."""
    axes = tuple(range(1, len(size) + 1))
    all_windows = np.lib.stride_tricks.sliding_window_view(x, size, axes)
    return all_windows[:, *(slice(None, None, n) for n in stride)]


def add_windows(parts, shape, counts, stride, dtype):
    """Return an array of `shape`, to which each part is added at its offset within all windows."""
    total = np.zeros(shape, dtype)
    for offset, part in parts:
        at = (
            slice(first, first + (count - 1) * n + 1, n)
            for first, count, n in zip(offset, counts, stride, strict=True)
        )
        total[:, *at] += part
    return total


def convolution(x, w, activation, stride, zeros):
    """Return the product of each window of x with the kernel (*size, channels, filters)."""
    kernel = w["weight"]
    size = kernel.shape[:-2]
    padded = np.pad(x, [(0, 0), *zeros, (0, 0)])
    patches = np.moveaxis(windows(padded, size, stride), len(size) + 1, -1)
    z = np.tensordot(patches, kernel, len(size) + 1)
    z = z + w["bias"] if "bias" in w else z
    y, activation_backward = activated(z, activation)

    def backward(dy):
        dz = activation_backward(dy)
        everywhere = tuple(range(len(size) + 1))  # all windows of all samples
        gradient = {"weight": np.tensordot(patches, dz, (everywhere, everywhere))}
        if "bias" in w:
            gradient["bias"] = dz.sum(axis=everywhere)
        parts = ((offset, dz @ kernel[offset].T) for offset in np.ndindex(*size))
        dx = add_windows(parts, padded.shape, dz.shape[1:-1], stride, x.dtype)
        for axis, (before, after) in enumerate(zeros, 1):  # The zeros were no inputs.
            dx = np.moveaxis(np.moveaxis(dx, axis, 0)[before : dx.shape[axis] - after], 0, axis)
        return dx, gradient

    return y, backward


def max_pool(x, w, size, stride):
    patches = windows(x, size, stride)
    patches = patches.reshape(*patches.shape[: x.ndim], -1)
    largest = patches.argmax(axis=-1)

    def backward(dy):
        parts = ((o, dy * (largest == k)) for k, o in enumerate(np.ndindex(*size)))
        return add_windows(parts, x.shape, dy.shape[1:-1], stride, x.dtype), {}

    return patches.max(axis=-1), backward


def average_pool(x, w, size, stride):
    def backward(dy):
        parts = ((offset, dy / math.prod(size)) for offset in np.ndindex(*size))
        return add_windows(parts, x.shape, dy.shape[1:-1], stride, x.dtype), {}

    return windows(x, size, stride).mean(axis=tuple(range(-len(size), 0))), backward


def global_max_pool(x, w):
    positions = tuple(range(1, x.ndim - 1))
    y = x.max(axis=positions, keepdims=True)

    def backward(dy):
        hits = (x == y).astype(x.dtype)  # equal ones share the gradient
        return hits * dy.reshape(y.shape) / hits.sum(axis=positions, keepdims=True), {}

    return y.reshape(len(x), -1), backward


def global_average_pool(x, w):
    positions = tuple(range(1, x.ndim - 1))
    count = math.prod(x.shape[1:-1])

    def backward(dy):
        return np.broadcast_to(np.expand_dims(dy / count, positions), x.shape), {}

    return x.mean(axis=positions), backward


# ---------------------------------------------------------------- tokens and positions


def embedding(tokens, w):
    """Return the vector of every token; others are clipped to the vocabulary."""
    rows = np.clip(tokens.astype(int), 0, len(w["weight"]) - 1)

    def backward(dy):
        gradient = np.zeros_like(w["weight"])
        np.add.at(gradient, rows, dy)
        return None, {"weight": gradient}

    return w["weight"][rows], backward


def sinusoids(x):
    """Return the positional encoding of x (n, length, units)."""
    length, units = x.shape[1:]
    unit = np.arange(units)
    angle = np.arange(length)[:, None] / 10_000.0 ** ((unit - unit % 2) / units)
    return np.where(unit % 2 == 0, np.sin(angle), np.cos(angle)).astype(x.dtype)


def positional_encoding(x, w):
    if "position" in w:
        return x + w["position"], lambda dy: (dy, {"position": dy.sum(axis=0)})
    return x + sinusoids(x), lambda dy: (dy, {})


# ---------------------------------------------------------------- sequences


def inflow_gradient(x, w, dz):
    """Return the derivatives of z = x @ weight + bias, given those of z (n, length, gates)."""
    rows = dz.reshape(-1, dz.shape[-1])
    gradient = {"weight": x.reshape(-1, x.shape[-1]).T @ rows, "bias": rows.sum(axis=0)}
    return dz @ w["weight"].T, gradient


def rnn(x, w, return_sequences):
    recurrent = w["recurrent"]
    inflow = x @ w["weight"] + w["bias"]
    h = [np.zeros((len(x), len(recurrent)), x.dtype)]  # h[t + 1] is the state after time step t
    for t in range(x.shape[1]):
        h.append(np.tanh(inflow[:, t] + h[-1] @ recurrent))

    def backward(dy):
        dz, dh, d_recurrent = np.zeros_like(inflow), 0.0, np.zeros_like(recurrent)
        for t in reversed(range(x.shape[1])):
            if return_sequences:
                dh = dh + dy[:, t]
            elif t == x.shape[1] - 1:
                dh = dy
            dz[:, t] = dh * (1.0 - h[t + 1] ** 2)
            d_recurrent += h[t].T @ dz[:, t]
            dh = dz[:, t] @ recurrent.T
        dx, gradient = inflow_gradient(x, w, dz)
        return dx, {**gradient, "recurrent": d_recurrent}

    return np.stack(h[1:], axis=1) if return_sequences else h[-1], backward


def lstm(x, w, return_sequences):
    recurrent = w["recurrent"]
    inflow = x @ w["weight"] + w["bias"]
    h = [np.zeros((len(x), len(recurrent)), x.dtype)]
    c, gates = [h[0]], []
    for t in range(x.shape[1]):
        i, f, o, candidate = np.split(inflow[:, t] + h[-1] @ recurrent, 4, axis=-1)
        i, f, o, candidate = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(candidate)
        c.append(f * c[-1] + i * candidate)
        h.append(o * np.tanh(c[-1]))
        gates.append((i, f, o, candidate))

    def backward(dy):
        dz, dh, dc, d_recurrent = np.zeros_like(inflow), 0.0, 0.0, np.zeros_like(recurrent)
        for t in reversed(range(x.shape[1])):
            if return_sequences:
                dh = dh + dy[:, t]
            elif t == x.shape[1] - 1:
                dh = dy
            i, f, o, candidate = gates[t]
            tanh_c = np.tanh(c[t + 1])
            dc = dc + dh * o * (1.0 - tanh_c**2)
            parts = (
                dc * candidate * i * (1.0 - i),
                dc * c[t] * f * (1.0 - f),
                dh * tanh_c * o * (1.0 - o),
                dc * i * (1.0 - candidate**2),
            )
            dz[:, t] = np.concatenate(parts, axis=-1)
            dc = dc * f
            d_recurrent += h[t].T @ dz[:, t]
            dh = dz[:, t] @ recurrent.T
        dx, gradient = inflow_gradient(x, w, dz)
        return dx, {**gradient, "recurrent": d_recurrent}

    return np.stack(h[1:], axis=1) if return_sequences else h[-1], backward


def gru(x, w, return_sequences):
    to_update, to_reset, to_candidate = np.split(w["recurrent"], 3, axis=-1)
    inflow = x @ w["weight"] + w["bias"]
    h = [np.zeros((len(x), len(to_update)), x.dtype)]
    gates = []
    for t in range(x.shape[1]):
        update, reset, candidate = np.split(inflow[:, t], 3, axis=-1)
        update = sigmoid(update + h[-1] @ to_update)
        reset = sigmoid(reset + h[-1] @ to_reset)
        candidate = np.tanh(candidate + (reset * h[-1]) @ to_candidate)
        gates.append((update, reset, candidate))
        h.append(update * h[-1] + (1.0 - update) * candidate)

    def backward(dy):
        dz, dh, d_recurrent = np.zeros_like(inflow), 0.0, np.zeros_like(w["recurrent"])
        d_to_update, d_to_reset, d_to_candidate = np.split(d_recurrent, 3, axis=-1)  # views
        for t in reversed(range(x.shape[1])):
            if return_sequences:
                dh = dh + dy[:, t]
            elif t == x.shape[1] - 1:
                dh = dy
            update, reset, candidate = gates[t]
            d_candidate = dh * (1.0 - update) * (1.0 - candidate**2)
            d_state = d_candidate @ to_candidate.T  # of reset * h
            d_update = dh * (h[t] - candidate) * update * (1.0 - update)
            d_reset = d_state * h[t] * reset * (1.0 - reset)
            dz[:, t] = np.concatenate((d_update, d_reset, d_candidate), axis=-1)
            d_to_update += h[t].T @ d_update
            d_to_reset += h[t].T @ d_reset
            d_to_candidate += (reset * h[t]).T @ d_candidate
            dh = dh * update + d_state * reset + d_update @ to_update.T + d_reset @ to_reset.T
        dx, gradient = inflow_gradient(x, w, dz)
        return dx, {**gradient, "recurrent": d_recurrent}

    return np.stack(h[1:], axis=1) if return_sequences else h[-1], backward


# ---------------------------------------------------------------- attention


def additive_attention(query, memory, w):
    """Return the additive attention of each position of the query to the memory."""
    queries, queries_backward = affine(query, within(w, "query"))
    keys, keys_backward = affine(memory, within(w, "memory"))
    hidden = np.tanh(queries[:, :, None] + keys[:, None])
    scores, scores_backward = affine(hidden, within(w, "score"))
    weights, weights_backward = activated(scores[..., 0], (softmax, softmax_backward))

    def backward(dy):
        d_weights = dy @ memory.swapaxes(1, 2)
        d_hidden, of_score = scores_backward(weights_backward(d_weights)[..., None])
        dz = d_hidden * (1.0 - hidden**2)
        d_query, of_query = queries_backward(dz.sum(axis=2))
        d_memory, of_memory = keys_backward(dz.sum(axis=1))
        gradient = named("query", of_query) | named("memory", of_memory) | named("score", of_score)
        return d_query, d_memory + weights.swapaxes(1, 2) @ dy, gradient

    return weights @ memory, backward


def multi_head_attention(query, memory, w, heads, causal):
    """Return the multi-head attention of each position of the query to the memory."""

    def by_head(x):
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)

    def merged(x):
        return x.swapaxes(1, 2).reshape(len(x), x.shape[2], -1)

    projected, query_backward = affine(query, within(w, "query"))
    queries = by_head(projected)
    projected, key_backward = affine(memory, within(w, "key"))
    keys = by_head(projected)
    projected, value_backward = affine(memory, within(w, "value"))
    values = by_head(projected)
    scale = 1.0 / math.sqrt(queries.shape[-1])
    scores = queries @ keys.swapaxes(2, 3) * scale
    if causal:  # No position attends to a later one.
        scores = np.where(np.tri(scores.shape[-1], dtype=bool), scores, -np.inf)
    weights, weights_backward = activated(scores, (softmax, softmax_backward))
    y, output_backward = affine(merged(weights @ values), within(w, "output"))

    def backward(dy):
        d_attended, of_output = output_backward(dy)
        d_attended = by_head(d_attended)
        d_scores = weights_backward(d_attended @ values.swapaxes(2, 3)) * scale
        d_query, of_query = query_backward(merged(d_scores @ keys))
        d_keys, of_key = key_backward(merged(d_scores.swapaxes(2, 3) @ queries))
        d_values, of_value = value_backward(merged(weights.swapaxes(2, 3) @ d_attended))
        gradient = named("query", of_query) | named("key", of_key)
        gradient |= named("value", of_value) | named("output", of_output)
        return d_query, d_keys + d_values, gradient

    return y, backward


def transformer_block(x, w, heads, norm, causal, activation, epsilon, masks):
    """Return x plus attention, plus two dense layers at every position."""

    def attend(x):
        y, attention_backward = multi_head_attention(x, x, within(w, "attention"), heads, causal)
        y, dropout_backward = dropout(y, {}, masks and masks[:1])

        def backward(dy):
            dy, _ = dropout_backward(dy)
            d_query, d_memory, gradient = attention_backward(dy)
            return d_query + d_memory, named("attention", gradient)

        return y, backward

    def feed_forward(x):
        hidden, hidden_backward = dense(x, within(w, "hidden"), activation)
        y, output_backward = affine(hidden, within(w, "output"))
        y, dropout_backward = dropout(y, {}, masks and masks[1:])

        def backward(dy):
            dy, _ = dropout_backward(dy)
            dy, of_output = output_backward(dy)
            dx, of_hidden = hidden_backward(dy)
            return dx, named("output", of_output) | named("hidden", of_hidden)

        return y, backward

    def around(name, inner, x):
        """Return x plus the inner layers, normalized before them or after the sum."""
        weights = within(w, name)
        if norm == "pre":
            normal, norm_backward = layer_norm(x, weights, epsilon)
            y, inner_backward = inner(normal)
            y = x + y
        else:
            y, inner_backward = inner(x)
            y, norm_backward = layer_norm(x + y, weights, epsilon)

        def backward(dy):
            if norm == "pre":
                d_normal, gradient = inner_backward(dy)
                dx, of_norm = norm_backward(d_normal)
                dx = dx + dy
            else:
                dy, of_norm = norm_backward(dy)
                dx, gradient = inner_backward(dy)
                dx = dx + dy
            return dx, gradient | named(name, of_norm)

        return y, backward

    y, attend_backward = around("attention_norm", attend, x)
    y, feed_forward_backward = around("output_norm", feed_forward, y)

    def backward(dy):
        dy, second = feed_forward_backward(dy)
        dx, first = attend_backward(dy)
        return dx, first | second

    return y, backward


# ---------------------------------------------------------------- losses


def mse(z, y):
    """Return the loss of each prediction and its derivative with respect to the outputs z."""
    return ((z - y) ** 2).mean(axis=-1), 2.0 * (z - y) / z.shape[-1]


def mae(z, y):
    """Return the loss of each prediction and its derivative with respect to the outputs z."""
    return np.abs(z - y).mean(axis=-1), np.sign(z - y) / z.shape[-1]


def huber(z, y, delta):
    """Return the loss of each prediction and its derivative with respect to the outputs z."""
    size = np.abs(z - y)
    values = np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
    return values.mean(axis=-1), np.clip(z - y, -delta, delta) / z.shape[-1]


def binary_cross_entropy(z, y):
    """Return the loss of each prediction and its derivative with respect to the logits z."""
    values = np.logaddexp(z, 0.0) - y * z
    return values.mean(axis=-1), (sigmoid(z) - y) / z.shape[-1]


def focal(z, y, gamma):
    """Return the loss of each prediction and its derivative with respect to the logits z."""
    p, q = sigmoid(z), sigmoid(-z)
    if_yes, if_no = np.logaddexp(-z, 0.0), np.logaddexp(z, 0.0)  # -log(p), -log(1 - p)
    values = y * q**gamma * if_yes + (1.0 - y) * p**gamma * if_no
    of_yes = -(q**gamma) * (gamma * p * if_yes + q)
    of_no = p**gamma * (gamma * q * if_no + p)
    return values.mean(axis=-1), (y * of_yes + (1.0 - y) * of_no) / z.shape[-1]


def hinge(z, y):
    """Return the loss of each prediction and its derivative with respect to the outputs z."""
    side = 2.0 * y - 1.0
    values = np.maximum(1.0 - side * z, 0.0)
    return values.mean(axis=-1), np.where(side * z < 1.0, -side, 0.0) / z.shape[-1]


def perceptron(z, y):
    """Return the error of each prediction and the derivative of Rosenblatt's rule."""
    predicted = np.heaviside(z, 1.0)
    return np.abs(predicted - y).mean(axis=-1), (predicted - y) / z.shape[-1]


def cross_entropy(z, y, label_smoothing):
    """Return the loss of each prediction and its derivative with respect to the logits z.

    A prediction that does not count has a target of zeros.
    """
    counts = y.sum(axis=-1, keepdims=True)
    y = (1.0 - label_smoothing) * y + counts * label_smoothing / z.shape[-1]
    shifted = z - z.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -(y * logs).sum(axis=-1), counts * np.exp(logs) - y
