"""Tokenization: a text as characters, and as byte pairs that are frequent in a large text."""

from __future__ import annotations

from collections.abc import Sequence

from epochal_service.datasets.language import play_characters, play_merges
from epochal_service.datasets.tokens import encode

from ..specs.explorers.tokenization import (
    SimulateTokenizationRequest,
    TextToken,
    TokenizationSimulation,
    TokenMerge,
)
from .explorer import Explorer
from .formulas import expression, quantity


def tokenization(request: SimulateTokenizationRequest) -> TokenizationSimulation:
    """Divide a text into characters, and into byte pairs (Sennrich, Haddow and Birch, 2016).

    Each merge joins the pair of neighboring tokens that is the most frequent one in the plays, so
    that frequent words become single tokens. Characters that the plays do not have stay single.
    """
    text, merged = request.text, play_merges()[: request.merges]
    characters = sorted({*play_characters(), *text})
    vocabulary = [*characters, *merged]
    tokens = _tokens(text, vocabulary)
    return TokenizationSimulation(
        characters=_tokens(text, characters),
        tokens=tokens,
        merges=_steps(text, characters, merged),
        vocabulary=len(vocabulary),
        compression=quantity(
            "r",
            len(text) / len(tokens),
            "characters / tokens",
            expression("{} / {}", len(text), len(tokens)),
        ),
        verdict=_verdict(text, tokens, characters),
    )


def _tokens(text: str, vocabulary: Sequence[str]) -> list[TextToken]:
    numbers = encode(text, vocabulary).tolist()
    return [TextToken(text=vocabulary[number], number=number) for number in numbers]


def _steps(text: str, characters: Sequence[str], merged: Sequence[str]) -> list[TokenMerge]:
    """Return the merges after which the text has fewer tokens."""
    steps, before = [], len(text)
    for merge, token in enumerate(merged, start=1):
        if token in text:
            after = len(encode(text, [*characters, *merged[:merge]]))
            if after < before:
                steps.append(TokenMerge(merge=merge, text=token, tokens=after))
            before = after
    return steps


def _verdict(text: str, tokens: Sequence[TextToken], characters: Sequence[str]) -> str:
    if len(tokens) == len(text):
        return f"Each of the {len(text)} characters is a token, one of {len(characters)}."
    longest = max((token.text for token in tokens), key=len)
    return (
        f"{len(text)} characters become {len(tokens)} tokens; the longest is {longest!r}. A "
        "network reads more text at once, but chooses among more tokens."
    )


TOKENIZATION = Explorer(
    "Text as tokens",
    tokenization,
    {
        "A line of a play, after 300 merges": {},
        "The same characters, without merges": {"merges": 0},
    },
)
