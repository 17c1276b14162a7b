"""The language of a data set: what its tokens are, and which of them a network writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..datasets import Dataset
from ..datasets.dataset import IGNORED, Floats, Labels
from ..datasets.tokens import encode
from ..errors import FieldError, InvalidArgument

AGREEMENT = 0.9
"""Fraction of the targets that must be the next token of the input."""


@dataclass(frozen=True)
class Language:
    """Tokens that a network writes one after another, each after those before it.

        to read (of an encoder, or a picture) | start token | text … | end token

    names      of the tokens; writable tokens come first
    written    how many of them can be written
    window     numbers in a row of inputs
    to_read    how many of these are only read, before the text
    start      the token that each text starts with; None without one
    ask        the token that ends each prompt, after which an answer counts; None without one
    end        the token that ends each text, where shorter ones are filled up; None without one
    """

    names: tuple[str, ...]
    written: int
    window: int
    to_read: int
    start: int | None
    ask: int | None
    end: int | None

    @cached_property
    def separator(self) -> str:
        """The text between two tokens: none between characters or parts of words, where each
        character is a token; a space between words.
        """
        known = set(self.names[: self.written])
        return "" if all(character in known for name in known for character in name) else " "

    @property
    def characters(self) -> Labels | None:
        """The number of characters of each token that can be written; None for words."""
        if self.separator:
            return None
        return np.array([*map(len, self.names[: self.written])], np.int64)

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
        known = self.names[: self.written]
        parts = text.split() if self.separator else list(text)
        named = [part if part in known else part.lower() for part in parts]
        unknown = [p for p, n in zip(parts, named, strict=True) if n not in known]
        if unknown:
            different = [*dict.fromkeys(unknown)]
            shown = ", ".join(map(repr, different[:10])) + (" …" if len(different) > 10 else "")
            tokens = self.separator.join(known[:100])
            problem = f"has tokens that the data do not have: {shown}. They have {tokens!r}"
            raise InvalidArgument.of(FieldError(field, problem))
        if self.separator:
            return [known.index(name) for name in named]
        return encode("".join(named), known).tolist() if named else []

    def first_read(self, text: Sequence[int]) -> int:
        """Return the index of the first token that is read of a text that has become too long.

        After a start token the text begins with a sentence, as in training, if one begins within
        the window. Else half of the window is read, so that the next tokens fit.
        """
        if self.start is not None:
            for index in range(max(len(text) - self.capacity, 2), len(text) + 1):
                if self.spelled(text[index - 2 : index]) == ". ":
                    return index
        return max(len(text) - max(self.capacity // 2, 1), 0)


def language_of(dataset: Dataset) -> Language | None:
    """Return the language of data with the next token as the target of each position; else None."""
    if dataset.task != "sequence" or not len(dataset.target_names):
        return None
    to_read = dataset.features - len(dataset.target_names)
    if to_read < 0:
        return None
    text, labels = dataset.inputs[:, to_read:], dataset.targets
    following, expected = text[:, 1:], labels[:, :-1]
    # Padding is not an input.
    counted = (expected != IGNORED) & (labels[:, 1:] != IGNORED)
    if not counted.any() or (following == expected)[counted].mean() <= AGREEMENT:
        return None
    same = len(text) > 1 and bool((text[:, 0] == text[0, 0]).all())
    starts = same and bool((labels[:, 0] != IGNORED).all())
    return Language(
        names=dataset.token_names or dataset.class_names,
        written=len(dataset.class_names),
        window=dataset.features,
        # Without a start token, the first token of the text is also only read, such as a question.
        to_read=to_read + (to_read > 0 and not starts),
        start=int(text[0, 0]) if starts else None,
        ask=_ask(text, labels),
        end=_end(labels),
    )


def tokens_of(dataset: Dataset) -> Language | None:
    """Return the language of data with tokens as inputs, also if none is written; else None."""
    language, names = language_of(dataset), dataset.token_names
    if language is not None or not names:
        return language
    return Language(
        names=names,
        written=len(names),
        window=dataset.features,
        to_read=0,
        start=None,
        ask=None,
        end=None,
    )


def _ask(text: Floats, labels: Labels) -> int | None:
    """Return the token of the first position that counts, if it is never the first, and all agree:
    the end of a prompt.
    """
    first = (labels != IGNORED).argmax(1)
    tokens = np.unique(text[np.arange(len(text)), first])
    return int(tokens[0]) if len(tokens) == 1 and len(text) > 1 and first.all() else None


def _end(labels: Labels) -> int | None:
    """Return the last label that counts, of rows `(n, length)` that are filled up, if all agree."""
    filled = labels[labels[:, -1] == IGNORED]
    if not len(filled):
        return None
    last = labels.shape[1] - 1 - (filled[:, ::-1] != IGNORED).argmax(1)
    ends = np.unique(filled[np.arange(len(filled)), last])
    return int(ends[0]) if len(ends) == 1 and ends[0] != IGNORED else None


def is_next_token(dataset: Dataset) -> bool:
    """Return whether the labels of a sequence are its own next tokens."""
    language = language_of(dataset)
    return language is not None and language.to_read == 0
