"""Losses of n-gram models: what a language model is worth beside counting.

An n-gram model predicts the next token from the n - 1 tokens before it, by how often it followed
them in the training part. Tokens that never followed them get a share by the shorter context, as
much as there are different tokens that followed it (Witten and Bell, 1991; method C):

    p(w | h) = (count(h, w) + kinds(h) p(w | h')) / (count(h) + kinds(h))

where h' is h without its first token, and the empty context has equal shares.
"""

from __future__ import annotations

import numpy as np

from ..symbolic.trace import Array

ORDERS = (2, 3, 4)
"""The n of the models. An n of 1 counts tokens: the best constant prediction."""
MAX_POSITIONS = 2_000_000
"""Most time steps to count."""


def ngram_losses(
    inputs: Array, targets: Array, other_inputs: Array, other_targets: Array, tokens: int
) -> dict[int, float]:
    """Return the mean negative log-likelihood of each order on the other sequences, in nats.

    `inputs` are the tokens of the training part, `(n, length)`, `targets` the next ones, `(n,
    length)`; steps with a negative one do not count. `tokens` is the number of different targets.
    """
    base = int(max(inputs.max(initial=0), other_inputs.max(initial=0))) + 2
    contexts, others = _contexts(inputs, base), _contexts(other_inputs, base)
    counted, other_counted = targets >= 0, other_targets >= 0
    labels = targets[counted].astype(np.int64)
    other_labels = other_targets[other_counted].astype(np.int64)
    shares = np.full(len(other_labels), 1.0 / tokens)
    losses = {}
    for order, (context, other) in enumerate(zip(contexts, others, strict=True), start=1):
        known, code = np.unique(context[counted], return_inverse=True)
        place = np.searchsorted(known, other[other_counted])
        place[place == len(known)] = 0
        is_known = known[place] == other[other_counted]
        counts = np.bincount(code, minlength=len(known))
        pairs, pair_counts = np.unique(code * tokens + labels, return_counts=True)
        kinds = np.bincount(pairs // tokens, minlength=len(known))
        pair = place * tokens + other_labels
        at = np.minimum(np.searchsorted(pairs, pair), len(pairs) - 1)
        seen = np.where(pairs[at] == pair, pair_counts[at], 0)
        mixed = (seen + kinds[place] * shares) / (counts[place] + kinds[place])
        shares = np.where(is_known, mixed, shares)
        if order in ORDERS:
            losses[order] = float(-np.log(shares).mean())
    return losses


def _contexts(inputs: Array, base: int) -> list[Array]:
    """Return a code for the last 0, 1, 2 and 3 tokens at each step, `(n, length)` each."""
    tokens = inputs.astype(np.int64) + 1  # 0 stands for steps before the first
    contexts = [np.zeros_like(tokens)]
    for back in range(ORDERS[-1] - 1):
        earlier = np.zeros_like(tokens)
        earlier[:, back:] = tokens[:, : tokens.shape[1] - back]
        contexts.append(contexts[-1] + earlier * base**back)
    return contexts
