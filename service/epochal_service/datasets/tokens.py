"""Tokens of a text: its characters, and pairs of tokens that are merged because they are frequent.

Byte-pair encoding (Gage, 1994; Sennrich, Haddow and Birch, 2016), on characters instead of bytes,
and within words: a word keeps the space before it, so that a token never crosses a border of words.
A vocabulary alone says how to encode: it merges the neighbors with the text of the earliest token.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import islice, pairwise

import numpy as np

from epochal_service.datasets.dataset import Labels

__all__ = ["encode", "encode_each", "merged_tokens"]

# Letters and digits or other signs, with the space before them; other white space by itself.
_WORD = re.compile(r" ?\w+| ?[^\w\s]+|\s")


def merged_tokens(text: str, merges: int) -> tuple[str, ...]:
    """Return the characters of a text, sorted, then at most `merges` merged pairs, as they came up.

    Each merge joins the most frequent pair of neighbors; of equally frequent ones, the first by
    their text. It ends early when no pair stands twice.
    """
    tokens = sorted(set(text))
    words = Counter(_WORD.findall(text))
    parts = {word: tuple(word) for word in words if len(word) > 1}
    counts: Counter[tuple[str, str]] = Counter()
    words_of: dict[tuple[str, str], set[str]] = {}
    for word, split in parts.items():
        for pair in pairwise(split):
            counts[pair] += words[word]
            words_of.setdefault(pair, set()).add(word)
    known = set(tokens)
    heap = [(-count, pair) for pair, count in counts.items()]
    heapify(heap)
    while heap and merges > 0:
        count, pair = heappop(heap)
        if -count != counts[pair]:
            continue  # the pair was pushed again when its count changed
        if count > -2:
            break
        joined = "".join(pair)
        if joined not in known:
            known.add(joined)
            tokens.append(joined)
            merges -= 1
        changed = set()
        for word in words_of.pop(pair):
            before = parts[word]
            after = parts[word] = _merged(before, pair)
            for old in pairwise(before):
                counts[old] -= words[word]
                changed.add(old)
            for new in pairwise(after):
                counts[new] += words[word]
                words_of.setdefault(new, set()).add(word)
                changed.add(new)
        for other in changed:
            if counts[other] > 0:
                heappush(heap, (-counts[other], other))
    return tuple(tokens)


def _merged(parts: Sequence[str], pair: tuple[str, str]) -> tuple[str, ...]:
    """Return the parts with each occurrence of the pair as one, from the left."""
    result: list[str] = []
    index = 0
    while index < len(parts):
        if tuple(parts[index : index + 2]) == pair:
            result.append("".join(pair))
            index += 2
        else:
            result.append(parts[index])
            index += 1
    return tuple(result)


def encode(text: str, tokens: Sequence[str], limit: int | None = None) -> Labels:
    """Return the tokens of a text by their numbers, `(n,)`; at most the first `limit` of them.

    Raises KeyError with the first character that is not a token.
    """
    (encoded,) = encode_each([text], tokens, limit)
    return encoded


def encode_each(
    texts: Iterable[str], tokens: Sequence[str], limit: int | None = None
) -> Iterator[Labels]:
    """Yield the result of `encode` for each text. Shared parts are computed once."""
    numbers = {token: number for number, token in enumerate(tokens)}
    are_characters = all(len(token) == 1 for token in tokens)
    known: dict[str, list[int]] = {}
    for text in texts:
        if are_characters:
            yield np.array([numbers[character] for character in text[:limit]], np.int64)
        else:
            yield np.fromiter(islice(_encoded_words(text, numbers, known), limit), np.int64)


def _encoded_words(
    text: str, numbers: dict[str, int], known: dict[str, list[int]]
) -> Iterator[int]:
    for word in _WORD.findall(text):
        if word not in known:
            parts: tuple[str, ...] = tuple(word)
            while len(parts) > 1:
                pair = min(pairwise(parts), key=lambda pair: numbers.get("".join(pair), np.inf))
                if "".join(pair) not in numbers:
                    break
                parts = _merged(parts, pair)
            known[word] = [numbers[part] for part in parts]
        yield from known[word]
