"""The language of a data set: what its tokens are, and which of them a network writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ..datasets import Dataset
from ..datasets.dataset import IGNORED
from ..errors import FieldError, InvalidArgument

AGREEMENT = 0.9
"""Fraction of the targets that must be the next token of the input."""


@dataclass(frozen=True)
class Language:
    """Tokens that a network writes one after another, each after those before it.

        to read (of an encoder) | start token | text …

    names      of the tokens; those that can be written come first
    written    how many of them can be written
    window     numbers in a row of inputs
    to_read    how many of these are only read, before the text
    start      the token that each text starts with; None without one
    """

    names: tuple[str, ...]
    written: int
    window: int
    to_read: int
    start: int | None

    @cached_property
    def is_of_characters(self) -> bool:
        """Whether each token that can be written is one character."""
        return all(len(name) == 1 for name in self.names[: self.written])

    @property
    def separator(self) -> str:
        """The text between two tokens."""
        return "" if self.is_of_characters else " "

    @property
    def capacity(self) -> int:
        """The number of tokens of the text that a network can read."""
        return self.window - self.to_read - (self.start is not None)

    def spelled(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens: characters, or words with spaces between them."""
        return self.separator.join(self.names[token] for token in tokens)

    def joined(self, text: str, token: int) -> str:
        """Return a text with one token more."""
        return f"{text}{self.separator if text else ''}{self.names[token]}"

    def tokens_of(self, text: str, field: str) -> list[int]:
        """Return the tokens of a text; a token in upper case may stand for one in lower case.

        Raises `InvalidArgument` on the field, which names the unknown tokens.
        """
        known = {name: token for token, name in enumerate(self.names[: self.written])}
        parts = list(text) if self.is_of_characters else text.split()
        tokens = [known.get(part, known.get(part.lower())) for part in parts]
        unknown = dict.fromkeys(p for p, t in zip(parts, tokens, strict=True) if t is None)
        if unknown:
            named = ", ".join(map(repr, list(unknown)[:10])) + (" …" if len(unknown) > 10 else "")
            vocabulary = self.spelled(range(min(self.written, 100)))
            raise InvalidArgument.of(
                FieldError(field, f"has tokens that the data do not have: {named}; {vocabulary!r}")
            )
        return [token for token in tokens if token is not None]

    def first_read(self, text: Sequence[int]) -> int:
        """Return the index of the first token that is read of a text that has become too long.

        About half of the text is read again, so that the next tokens fit. After a start token the
        text begins with a sentence, as in training, if there is one.
        """
        first = max(len(text) - max(self.capacity // 2, 1), 0)
        if self.start is not None:
            for index in range(max(first, 2), len(text)):
                if self.spelled(text[index - 2 : index]) == ". ":
                    return index
        return first


def language_of(dataset: Dataset) -> Language | None:
    """Return the language of data whose target at each position is the next token; else None."""
    if dataset.task != "sequence" or not len(dataset.target_names):
        return None
    to_read = dataset.features - len(dataset.target_names)
    if to_read < 0:
        return None
    text, labels = dataset.inputs[:, to_read:], dataset.targets
    following, expected = text[:, 1:], labels[:, :-1]
    # The end of a text that is filled up is no input.
    counted = (expected != IGNORED) & (labels[:, 1:] != IGNORED)
    if not counted.any() or (following == expected)[counted].mean() <= AGREEMENT:
        return None
    classes = len(dataset.class_names)
    first = text[:, 0]
    starts = bool((first == first[0]).all()) and (to_read > 0 or first[0] >= classes)
    if to_read > 0 and not starts:
        return None
    names = dataset.token_names or dataset.class_names
    return Language(
        names=names,
        written=classes,
        window=dataset.features,
        to_read=to_read,
        start=int(first[0]) if starts else None,
    )


def is_next_token(dataset: Dataset) -> bool:
    """Return whether the labels of a sequence are its own next tokens."""
    language = language_of(dataset)
    return language is not None and language.to_read == 0
