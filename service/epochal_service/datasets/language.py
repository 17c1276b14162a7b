"""Data sets of text and of pictures with text, with content from files."""

import gzip
from functools import cache
from importlib import resources

import numpy as np

from epochal_service.datasets.dataset import IGNORED, MAX_LOGITS, Dataset, DatasetError
from epochal_service.datasets.text_rows import per_step, rows_of_texts, windows
from epochal_service.datasets.tokens import encode, encode_each, merged_tokens

__all__ = [
    "MAX_MERGES",
    "NAME_LENGTH",
    "PLAYS_WINDOWS",
    "TEXTS",
    "names",
    "packed",
    "play_characters",
    "play_merges",
    "plays",
    "questions",
    "sonnets",
]

MAX_MERGES = 1000
"""Merges that are learned on the plays."""
MERGED_TEXT = 200_000
"""Characters of the plays that the merges are learned on: more take longer, and change few."""
PLAYS_WINDOWS = 8_000
"""The most windows of the plays."""

NAME_LENGTH = 16
"""Characters in a row of names: the longest name has 15, and its end is one."""
END = "."

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
)
QUESTIONS = ("left?", "right?", "sum?")
ANSWER_LENGTH = 1 + max(map(len, NUMBERS))
"""Letters of an answer, and its end."""
DIGIT_GROUPS = 20
"""Parts of the digits. Both digits of a row are of one part, so that a split can separate them."""


TEXTS = ("plays", "sonnets")
"""Texts that can be written in the characters of each other."""


def sonnets(length: int, vocabulary: str = "sonnets") -> Dataset:
    """Return windows of the sonnets and the next character of each step.

    The characters come from the `vocabulary`, one of `TEXTS`; the sonnets have no upper case.
    """
    characters = _characters_of(vocabulary)
    text = _written_in(_sonnets_text(), characters)
    return windows("sonnets", text, characters, length, feature="character")


def plays(length: int, merges: int, samples: int | None, vocabulary: str = "plays") -> Dataset:
    """Return the first windows of the plays and the next token of each step.

    A token is a character of the `vocabulary`, one of `TEXTS`, or one of the merged pairs. By
    default, `MAX_LOGITS` probabilities and `PLAYS_WINDOWS` limit the number of windows. Raises
    `DatasetError` on `samples` for more of them, and on `merges` if there are any with characters
    of another text.
    """
    if merges and vocabulary != "plays":
        raise DatasetError(("merges", f"must be 0 with the characters of {vocabulary}."))
    characters = _characters_of(vocabulary)
    tokens = (*characters, *play_merges()[:merges]) if merges else characters
    most = min(MAX_LOGITS // (length * len(tokens)), PLAYS_WINDOWS)
    if samples is not None and samples > most:
        advice = "use fewer, fewer merges or a smaller length"
        text = f"must be at most {most:,} for {merges} merges and a length of {length}: {advice}."
        raise DatasetError(("samples", text))
    return windows(
        "plays",
        _written_in(packed("plays.txt.gz"), characters),
        tokens,
        length,
        feature="token" if merges else "character",
        limit=most if samples is None else samples,
    )


@cache
def play_characters() -> tuple[str, ...]:
    """Return the characters of the plays, sorted."""
    return _characters(packed("plays.txt.gz"))


def _characters_of(text: str) -> tuple[str, ...]:
    """Return the characters of one of `TEXTS`."""
    return play_characters() if text == "plays" else _characters(_sonnets_text().lower())


def _sonnets_text() -> str:
    return resources.files(__package__).joinpath("files", "sonnets.txt").read_text("ascii")


def _written_in(text: str, characters: tuple[str, ...]) -> str:
    """Return the text with these characters alone: others become lower case, or are left out."""
    table = {
        ord(c): c.lower() if c.lower() in characters else None
        for c in {*text}.difference(characters)
    }
    return text.translate(table)


@cache
def play_merges() -> tuple[str, ...]:
    """Return the pairs merged by byte-pair encoding on the plays, the most frequent first."""
    text = packed("plays.txt.gz")[:MERGED_TEXT]
    return merged_tokens(text, MAX_MERGES)[len(set(text)) :]


def _characters(text: str) -> tuple[str, ...]:
    return tuple(sorted(set(text)))


def names(samples: int, seed: int) -> Dataset:
    """Return first names in random order, character by character: `(samples, NAME_LENGTH)`.

    A row begins with the token of the end; targets are the next characters, `IGNORED` behind the
    end.
    """
    listed = packed("names.txt.gz").split()
    chosen = np.random.default_rng(seed).permutation(len(listed))[:samples]
    tokens = (END, *_characters("".join(listed)))
    none = np.empty(0, np.int64)
    texts = (listed[index] for index in chosen.tolist())
    rows = [(none, encoded) for encoded in encode_each(texts, tokens)]
    inputs, targets = rows_of_texts(rows, NAME_LENGTH, tokens.index(END))
    return Dataset(
        name="names",
        description="",
        task="sequence",
        inputs=inputs.astype(np.float64),
        targets=targets,
        feature_names=per_step(("character",), NAME_LENGTH),
        class_names=tokens,
        target_names=per_step(("next",), NAME_LENGTH),
        token_names=tokens,
    )


def questions(digits: Dataset, samples: int, seed: int) -> Dataset:
    """Return two digits beside each other with a question, and its answer, letter by letter.

    Inputs `(samples, 128 + ANSWER_LENGTH)`: 8 x 16 pixels, then tokens: the question, and the
    answer so far. Targets `(samples, ANSWER_LENGTH)`: the answer and its end, then `IGNORED`. A
    digit stands in rows of one group only: a split that separates groups measures how digits are
    read that the network has not seen.
    """
    rng = np.random.default_rng(seed)
    groups = np.arange(samples) % DIGIT_GROUPS
    per_group = digits.samples // DIGIT_GROUPS
    drawn = rng.integers(per_group, size=(samples, 2)) + groups[:, np.newaxis] * per_group
    pairs = rng.permutation(digits.samples)[drawn]
    pixels = digits.inputs[pairs].reshape(samples, 2, 8, 8).transpose(0, 2, 1, 3)
    question_of = rng.integers(len(QUESTIONS), size=samples)
    left, right = digits.targets[pairs].T
    values = np.choose(question_of, [left, right, left + right])

    letters = _characters("".join(NUMBERS))
    answers = np.full((len(NUMBERS), ANSWER_LENGTH), IGNORED)
    for number, word in enumerate(NUMBERS):
        answers[number, : len(word) + 1] = [*encode(word, letters), len(letters)]
    targets = answers[values]
    question = len(letters) + 1 + question_of[:, np.newaxis]
    written = np.where(targets == IGNORED, len(letters), targets)[:, :-1]
    return Dataset(
        name="questions",
        description="",
        task="sequence",
        inputs=np.concatenate([pixels.reshape(samples, 128), question, written], axis=1),
        targets=targets,
        feature_names=(
            *(f"pixel_{row}_{column}" for row in range(8) for column in range(16)),
            *per_step(("letter",), ANSWER_LENGTH),
        ),
        class_names=(*letters, END),
        target_names=per_step(("next",), ANSWER_LENGTH),
        groups={"digits": groups},
    )


def packed(name: str) -> str:
    """Return the text of a gzipped file."""
    path = resources.files(__package__).joinpath("files", name)
    return gzip.decompress(path.read_bytes()).decode()
