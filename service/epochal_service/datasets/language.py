"""Data sets of text and of pictures with text, whose content comes from files."""

import gzip
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from epochal_service.datasets.dataset import IGNORED, Dataset

__all__ = ["NAME_LENGTH", "names", "packed", "per_step", "plays", "questions", "sonnets"]

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


def sonnets(length: int) -> Dataset:
    """Return windows of the sonnets in lower case and the next character of each step."""
    text = resources.files(__package__).joinpath("files", "sonnets.txt").read_text("ascii")
    return _windows("sonnets", text.lower(), length)


def plays(length: int, samples: int) -> Dataset:
    """Return the first windows of the plays and the next character of each step."""
    text = packed("plays.txt.gz")
    return _windows("plays", text[: samples * length + 1], length, alphabet=text)


def _windows(name: str, text: str, length: int, alphabet: str | None = None) -> Dataset:
    """Return windows of a text and the next character of each step: both `(windows, length)`.

    Windows do not overlap, so that the validation part is not in the training part.
    """
    tokens = tuple(sorted(set(alphabet or text)))
    characters = _encoded(text, tokens)
    count = (len(characters) - 1) // length * length
    return Dataset(
        name=name,
        description="",
        task="sequence",
        inputs=characters[:count].reshape(-1, length).astype(np.float64),
        targets=characters[1 : count + 1].reshape(-1, length),
        feature_names=per_step(("character",), length),
        class_names=tokens,
        target_names=per_step(("next",), length),
        token_names=tokens,
    )


def names(samples: int, seed: int) -> Dataset:
    """Return first names in random order, character by character: `(samples, NAME_LENGTH)`.

    A row begins with the token of the end; targets are the next characters, `IGNORED` behind the
    end.
    """
    listed = packed("names.txt.gz").split()
    chosen = np.random.default_rng(seed).permutation(len(listed))[:samples]
    tokens = (END, *sorted(set("".join(listed))))
    rows = np.zeros((samples, NAME_LENGTH + 1), np.int64)
    counts = np.zeros((samples, NAME_LENGTH), np.bool_)
    for row, index in enumerate(chosen.tolist()):
        name = listed[index]
        rows[row, 1 : len(name) + 1] = _encoded(name, tokens)
        counts[row, : len(name) + 1] = True
    return Dataset(
        name="names",
        description="",
        task="sequence",
        inputs=rows[:, :-1].astype(np.float64),
        targets=np.where(counts, rows[:, 1:], IGNORED),
        feature_names=per_step(("character",), NAME_LENGTH),
        class_names=tokens,
        target_names=per_step(("next",), NAME_LENGTH),
        token_names=tokens,
    )


def questions(digits: Dataset, samples: int, seed: int) -> Dataset:
    """Return two digits beside each other with a question, and its answer, letter by letter.

    Inputs `(samples, 128 + ANSWER_LENGTH)`: 8 x 16 pixels, then tokens: the question, and what was
    written of the answer. Targets `(samples, ANSWER_LENGTH)`: the answer and its end, then
    `IGNORED`. A digit stands in rows of one group only: a split that separates groups measures how
    digits are read that the network has not seen.
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

    letters = tuple(sorted(set("".join(NUMBERS))))
    answers = np.full((len(NUMBERS), ANSWER_LENGTH), IGNORED)
    for number, word in enumerate(NUMBERS):
        answers[number, : len(word) + 1] = [*_encoded(word, letters), len(letters)]
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


def _encoded(text: str, tokens: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the token of each character `(len(text),)`."""
    codes = {character: token for token, character in enumerate(tokens)}
    return np.array([codes[character] for character in text], np.int64)


def packed(name: str) -> str:
    """Return the text of a gzipped file."""
    path = resources.files(__package__).joinpath("files", name)
    return gzip.decompress(path.read_bytes()).decode()


def per_step(names: tuple[str, ...], columns: int) -> tuple[str, ...]:
    """Return one name per column; names of a sequence are repeated with the number of the step."""
    if len(names) == columns:
        return names
    if not names:
        return tuple(f"x{i + 1}" for i in range(columns))
    steps = range(1, columns // len(names) + 1)
    return tuple(f"{name}_{step}" for step in steps for name in names)
