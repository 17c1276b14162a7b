"""Byte-pair encoding merges the most frequent pairs, and a vocabulary alone says how to encode."""

import re
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_service.datasets.tokens import encode, encode_each, merged_tokens


def merged_by_counting(text: str, merges: int) -> tuple[str, ...]:
    """The algorithm of Sennrich and others (2016): count all pairs again for each merge."""
    tokens = sorted(set(text))
    words = Counter(re.findall(r" ?\w+| ?[^\w\s]+|\s", text))
    parts = {word: [*word] for word in words}
    while merges > 0:
        counts: Counter[tuple[str, str]] = Counter()
        for word, split in parts.items():
            for pair in pairwise(split):
                counts[pair] += words[word]
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        if counts[best] < 2:
            break
        joined = "".join(best)
        if joined not in tokens:
            tokens.append(joined)
            merges -= 1
        for word, split in parts.items():
            result: list[str] = []
            while split:
                is_pair = tuple(split[:2]) == best
                result.append(joined if is_pair else split[0])
                split = split[2 if is_pair else 1 :]
            parts[word] = result
    return tuple(tokens)


texts = st.text(st.sampled_from("aab cd.\n"), max_size=200)


@given(text=texts, merges=st.integers(0, 30))
def test_merges_are_those_of_counting_all_pairs_each_time(text: str, merges: int) -> None:
    assert merged_tokens(text, merges) == merged_by_counting(text, merges)


@given(text=texts, other=texts, merges=st.integers(0, 30))
def test_tokens_spell_the_text_that_they_encode(text: str, other: str, merges: int) -> None:
    tokens = merged_tokens(text + other, merges)
    encoded = encode(other, tokens)
    assert "".join(tokens[token] for token in encoded) == other
    assert len(encoded) <= len(other)


def test_frequent_words_become_one_token_with_the_space_before_them() -> None:
    text = "the cat sees the dog and the dog sees the cat\n" * 5
    tokens = merged_tokens(text, 40)
    assert {" the", " cat", " dog", " sees"} <= set(tokens)
    assert not any(" " in token[1:] for token in tokens)
    assert [tokens[token] for token in encode(" the cat", tokens)] == [" the", " cat"]


def test_a_character_without_token_is_named() -> None:
    for merges in (0, 5):
        with pytest.raises(KeyError, match="x"):
            encode("abx", merged_tokens("abababab", merges))


@pytest.mark.parametrize("merges", [0, 5])
def test_texts_are_encoded_as_each_alone(merges: int) -> None:
    texts = ["low lower", "", "newest", "low", "wild"]
    tokens = merged_tokens(" ".join(texts), merges)
    together = [encoded.tolist() for encoded in encode_each(texts, tokens)]
    assert together == [encode(text, tokens).tolist() for text in texts]
    assert merges == 0 or len(together[0]) < len(texts[0])
