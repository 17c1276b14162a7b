"""Tokens per second of a network that writes, with and without a key-value cache.

Transformers of several windows and widths, and an LSTM, with untrained weights: what they write
costs as much. With the cache a token costs one position; without it the window is computed for
each token. Each figure is the median of the rounds, in processor time, sampling included. A text
that is as long as the window goes on with its last half.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median
from time import process_time

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

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

VOCABULARY = 64
SECONDS = 0.5


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


def main() -> None:
    """Print the table."""
    given = options(__doc__).parse_args()
    rounds = 1 if given.quick else 5
    rows = []
    for name, network in CASES.items():
        drawn = network.initial_parameters(rng=np.random.default_rng(0))
        weights = {path: array.astype(np.float32) for path, array in drawn.items()}
        (window,) = network.input_shape
        cached, whole = (
            median(rate(kind(network, weights), window, SECONDS) for _ in range(rounds))
            for kind in (CachedDecoder, WindowDecoder)
        )
        rows.append(
            (
                name,
                f"{network.learned_size:,}",
                f"{cached:,.0f}",
                f"{whole:,.0f}",
                f"{cached / whole:.1f}",
            )
        )
    header = ("network", "parameters", "with cache", "without", "factor")
    print_table("Tokens per second of processor time", header, rows)


if __name__ == "__main__":
    main()
