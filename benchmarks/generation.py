"""Tokens per second of a network that writes, with and without a key-value cache.

Transformers of several windows and widths, and an LSTM, with untrained weights: what they write
costs as much. With the cache a token costs one position; without it the window is computed for
each token. Each figure is the median of the rounds, in processor time, sampling included. A text
that is as long as the window goes on with its last half. A second table is about texts that are
written together, as by `rollouts`, without sampling.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import chain
from statistics import median
from time import process_time

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from benchmarks._report import options, print_table

from epochal_engine import (
    CachedDecoder,
    Decoder,
    Dense,
    Embedding,
    Layer,
    LayerNorm,
    Lstm,
    Network,
    PositionalEncoding,
    TransformerBlock,
    WindowDecoder,
    draw_token,
    sampling_probabilities,
)
from epochal_engine.model import Steps, forward_passes
from epochal_engine.symbolic import Array, perform

VOCABULARY = 64
SECONDS = 0.5
TEXTS = 64


def transformer(window: int, units: int, layers: int) -> Network:
    """Return a causal transformer with four heads."""
    blocks: list[Layer] = [TransformerBlock(4, 4 * units, causal=True) for _ in range(layers)]
    return writer(window, units, [PositionalEncoding("learned"), *blocks, LayerNorm()])


def writer(window: int, units: int, layers: list[Layer]) -> Network:
    """Return a network that predicts the next token."""
    return Network((window,), (Embedding(VOCABULARY, units), *layers, Dense(VOCABULARY, "softmax")))


CASES = {
    "LSTM 64, window 32": writer(32, 32, [Lstm(64, return_sequences=True)]),
    "2 blocks of 32, window 64": transformer(64, 32, 2),
    "2 blocks of 64, window 64": transformer(64, 64, 2),
    "4 blocks of 128, window 128": transformer(128, 128, 4),
    "4 blocks of 128, window 512": transformer(512, 128, 4),
}


def rate(decoder: Decoder, window: int, seconds: float) -> float:
    """Return the tokens per second of a text that goes on for some seconds."""
    rng, row, tokens = np.random.default_rng(0), [0], 0
    begun = process_time()
    while process_time() - begun < seconds:
        if len(row) > window:
            row = row[len(row) // 2 :]
        chances = sampling_probabilities(decoder.outputs_after(row))
        row.append(draw_token(chances, rng.random()))
        tokens += 1
    return tokens / (process_time() - begun)


def rate_together(network: Network, weights: dict[str, Array], *, cached: bool) -> float:
    """Return the tokens per second of texts that are written together."""
    (window,) = network.input_shape
    rows = np.zeros((TEXTS, window), np.float32)
    if cached:
        steps = Steps(network, weights, TEXTS)
        calls = [call for at in range(window) for call in steps.calls(at, rows[:, at])]
    else:
        outputs = np.empty((TEXTS, *network.output_shape), np.float32)
        calls = [*chain(*forward_passes(network, weights, rows, outputs))]
    begun = process_time()
    perform(calls)
    return TEXTS * (window if cached else 1) / (process_time() - begun)


def main() -> None:
    """Print the table."""
    given = options(__doc__).parse_args()
    rounds = 1 if given.quick else 5
    alone, together = [], []
    for name, network in CASES.items():
        drawn = network.initial_parameters(rng=np.random.default_rng(0))
        weights = {path: array.astype(np.float32) for path, array in drawn.items()}
        (window,) = network.input_shape
        size = f"{network.learned_size:,}"
        alone.append(
            (
                name,
                size,
                *factors(
                    median(rate(kind(network, weights), window, SECONDS) for _ in range(rounds))
                    for kind in (CachedDecoder, WindowDecoder)
                ),
            )
        )
        together.append(
            (
                name,
                size,
                *factors(
                    median(rate_together(network, weights, cached=c) for _ in range(rounds))
                    for c in (True, False)
                ),
            )
        )
    header = ("network", "parameters", "with cache", "without", "factor")
    print_table("Tokens per second of processor time", header, alone)
    print_table(f"The same, {TEXTS} texts together", header, together)


def factors(rates: Iterable[float]) -> tuple[str, str, str]:
    """Return the rates with and without a cache, and how many times the first is the second."""
    cached, whole = rates
    return f"{cached:,.0f}", f"{whole:,.0f}", f"{cached / whole:.1f}"


if __name__ == "__main__":
    main()
