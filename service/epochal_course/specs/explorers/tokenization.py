"""Request and reply of the tokenization explorer."""

from __future__ import annotations

from pydantic import Field

from epochal_service.specs.base import Reply, Spec

from .quantity import Quantity

MAX_MERGES = 1000


class SimulateTokenizationRequest(Spec):
    """A text, and how many pairs of tokens a vocabulary has merged."""

    text: str = Field(
        default="Once more unto the breach, dear friends, once more!", min_length=1, max_length=400
    )
    """The text to divide into tokens, at most 400 characters."""
    merges: int = Field(default=300, ge=0, le=MAX_MERGES)
    """Number of merges of the byte-pair encoding, learned on plays by Shakespeare. In [0, 1000].
    Default 300.
    """


class TextToken(Reply):
    """A token of the text."""

    text: str
    """Text of the token."""
    number: int
    """Number of the token in the vocabulary, from 0: what a network reads."""


class TokenMerge(Reply):
    """A merge that joins tokens of this text."""

    merge: int
    """Number of the merge, from 1: frequent pairs of the plays come first."""
    text: str
    """Text of the new token."""
    tokens: int
    """Number of tokens of the text after this merge."""


class TokenizationSimulation(Reply):
    """A text as characters and as byte pairs."""

    characters: list[TextToken]
    """The text with a token for each character."""
    tokens: list[TextToken]
    """The text after all merges."""
    merges: list[TokenMerge]
    """The merges that join tokens of this text, in order."""
    vocabulary: int
    """Number of tokens of the vocabulary: its characters and its merges."""
    compression: Quantity
    """Characters for each token."""
    verdict: str
    """The effect of the merges on this text, in a sentence."""
