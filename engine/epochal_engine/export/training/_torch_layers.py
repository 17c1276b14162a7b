"""Layers in PyTorch, which differentiates them. A training program includes the ones it calls.

Each takes inputs and the weights of a layer by their short names, and returns the output. Kernels
and matrices have the shapes of the service's checkpoints.
"""

# mypy: ignore-errors

from __future__ import annotations

import torch
import torch.nn.functional as F


def within(w, name):
    """Return the weights of one layer by their short names."""
    return {key[len(name) + 1 :]: w[key] for key in w if key.startswith(f"{name}.")}


# ---------------------------------------------------------------- dense layers and shapes


def affine(x, w):
    return F.linear(x, w["weight"].T, w.get("bias"))


def dense(x, w, activation):
    return activation(affine(x, w))


def apply_activation(x, w, activation):
    return activation(x)


def dropout(x, w, masks):
    """Multiply by the mask of the step; masks are None outside training."""
    return x if masks is None else x * masks[0]


def reshape(x, w, shape):
    return x.reshape(len(x), *shape)


def cut(x, w, start, stop):
    return x[:, start:stop]


def features(x, w, parsed):
    """Return function(factor * product of features) for each term, as (n, terms)."""
    functions = {"": lambda values: values, "sin": torch.sin, "cos": torch.cos}
    terms = [
        functions[name](factor * x[:, list(columns)].prod(-1)) for name, factor, columns in parsed
    ]
    return torch.stack(terms, -1)


def add(*inputs, w):
    return sum(inputs[1:], inputs[0])


def concatenate(*inputs, w):
    return torch.cat(inputs, -1)


# ---------------------------------------------------------------- norms


def layer_norm(x, w, epsilon):
    return F.layer_norm(x, x.shape[-1:], w["scale"], w["shift"], epsilon)


def batch_norm(x, w, momentum, epsilon, training):
    """Normalize by the statistics of the batch; outside training, by the running ones."""
    y = F.batch_norm(
        x.flatten(0, -2),
        w["mean"],
        w["variance"],
        w["scale"],
        w["shift"],
        training=training,
        momentum=1.0 - momentum,
        eps=epsilon,
    )
    return y.view_as(x)


# ---------------------------------------------------------------- windows


def convolution(x, w, activation, stride, zeros):
    """Return the product of each window of x with the kernel (*size, channels, filters)."""
    convolve = F.conv1d if x.ndim == 3 else F.conv2d
    x = F.pad(x.movedim(-1, 1), [n for around in reversed(zeros) for n in around])
    kernel = w["weight"].movedim((-1, -2), (0, 1))
    return activation(convolve(x, kernel, w.get("bias"), stride).movedim(1, -1))


def max_pool(x, w, size, stride):
    pool = F.max_pool1d if x.ndim == 3 else F.max_pool2d
    return pool(x.movedim(-1, 1), size, stride).movedim(1, -1)


def average_pool(x, w, size, stride):
    pool = F.avg_pool1d if x.ndim == 3 else F.avg_pool2d
    return pool(x.movedim(-1, 1), size, stride).movedim(1, -1)


def global_max_pool(x, w):
    return x.amax(tuple(range(1, x.ndim - 1)))


def global_average_pool(x, w):
    return x.mean(tuple(range(1, x.ndim - 1)))


# ---------------------------------------------------------------- tokens and positions


def embedding(tokens, w):
    """Return the vector of every token; others are clipped to the vocabulary."""
    return F.embedding(tokens.long().clamp(0, len(w["weight"]) - 1), w["weight"])


def sinusoids(x):
    """Return the positional encoding of x (n, length, units)."""
    length, units = x.shape[1:]
    unit = torch.arange(units, dtype=torch.float64)
    angle = torch.arange(length)[:, None] / 10_000 ** ((unit - unit % 2) / units)
    return torch.where(unit % 2 == 0, angle.sin(), angle.cos()).to(x)


def positional_encoding(x, w):
    return x + (w["position"] if "position" in w else sinusoids(x))


# ---------------------------------------------------------------- sequences


def rnn(x, w, return_sequences):
    h = x.new_zeros(len(x), len(w["recurrent"]))
    states = []
    for x_t in (x @ w["weight"] + w["bias"]).unbind(1):
        h = torch.tanh(x_t + h @ w["recurrent"])
        states.append(h)
    return torch.stack(states, 1) if return_sequences else h


def lstm(x, w, return_sequences):
    h = c = x.new_zeros(len(x), len(w["recurrent"]))
    states = []
    for x_t in (x @ w["weight"] + w["bias"]).unbind(1):
        i, f, o, candidate = (x_t + h @ w["recurrent"]).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(candidate)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states, 1) if return_sequences else h


def gru(x, w, return_sequences):
    """The GRU of Cho et al. (2014): the reset gate acts before the product, in nn.GRU after it."""
    to_update, to_reset, to_candidate = w["recurrent"].chunk(3, -1)
    h = x.new_zeros(len(x), len(w["recurrent"]))
    states = []
    for x_t in (x @ w["weight"] + w["bias"]).unbind(1):
        update, reset, candidate = x_t.chunk(3, -1)
        update = torch.sigmoid(update + h @ to_update)
        reset = torch.sigmoid(reset + h @ to_reset)
        candidate = torch.tanh(candidate + (reset * h) @ to_candidate)
        h = update * h + (1 - update) * candidate
        states.append(h)
    return torch.stack(states, 1) if return_sequences else h


# ---------------------------------------------------------------- attention


def additive_attention(query, memory, w):
    """Return the additive attention of each position of the query to the memory."""
    queries, keys = query @ w["query.weight"], memory @ w["memory.weight"]
    scores = torch.tanh(queries[:, :, None] + keys[:, None]) @ w["score.weight"]
    return torch.softmax(scores.squeeze(-1), -1) @ memory


def multi_head_attention(query, memory, w, heads, causal):
    """Return the multi-head attention of each position of the query to the memory."""

    def by_head(x, name):
        projected = affine(x, within(w, name))
        return projected.unflatten(-1, (heads, -1)).transpose(1, 2)

    queries, keys, values = (
        by_head(query, "query"),
        by_head(memory, "key"),
        by_head(memory, "value"),
    )
    attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=causal)
    return affine(attended.transpose(1, 2).flatten(2), within(w, "output"))


def transformer_block(x, w, heads, norm, causal, activation, epsilon, masks):
    """Return x plus attention, plus two dense layers at every position."""

    def normalize(name, x):
        return layer_norm(x, within(w, name), epsilon)

    def attend(x):
        y = multi_head_attention(x, x, within(w, "attention"), heads, causal)
        return dropout(y, {}, masks and masks[:1])

    def feed_forward(x):
        y = affine(dense(x, within(w, "hidden"), activation), within(w, "output"))
        return dropout(y, {}, masks and masks[1:])

    if norm == "pre":
        x = x + attend(normalize("attention_norm", x))
        return x + feed_forward(normalize("output_norm", x))
    x = normalize("attention_norm", x + attend(x))
    return normalize("output_norm", x + feed_forward(x))
