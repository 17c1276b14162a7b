"""The language of a data set, and the tokens of a text in it."""

from io import BytesIO

import numpy as np
import pytest

from epochal_service.datasets import Dataset, load
from epochal_service.datasets.text_rows import TextRows, parse_text
from epochal_service.errors import InvalidArgument
from epochal_service.resources.language import Language, language_of

FOX = "The quick brown fox jumps over the lazy dog. " * 40
PAIRS = '{"prompt": "1+1", "answer": "2"}\n{"prompt": "12+1", "answer": "13"}\n'


def builtin(name: str) -> Dataset:
    return load(name, samples=None, noise=None, seed=0, classes=None, features=None, length=None)


def of(dataset: Dataset) -> Language:
    language = language_of(dataset)
    assert language is not None
    return language


def of_text(text: str, rows: TextRows, merges: int = 0, length: int | None = None) -> Language:
    return of(parse_text(BytesIO(text.encode()), rows, merges=merges, length=length))


@pytest.mark.parametrize(
    ("name", "to_read", "start", "ask", "end"),
    [
        ("sentences", 0, ">", None, None),
        ("sonnets", 0, None, None, None),
        ("plays", 0, None, None, None),
        ("repeats", 0, None, None, None),
        ("names", 0, ".", None, "."),
        ("arithmetic", 0, None, "?", "."),
        ("arithmetic_calls", 0, None, "?", "."),
        ("reversal", 6, ">", None, None),
        ("questions", 129, None, None, "."),
    ],
)
def test_the_data_say_what_begins_and_ends_a_text(
    name: str, to_read: int, start: str | None, ask: str | None, end: str | None
) -> None:
    language = of(builtin(name))
    special = (language.start, language.ask, language.end)
    named = [None if token is None else language.names[token] for token in special]
    assert (language.to_read, *named) == (to_read, start, ask, end)


@pytest.mark.parametrize("name", ["sorting", "digits", "two_moons", "wine"])
def test_other_data_have_no_language(name: str) -> None:
    assert language_of(builtin(name)) is None


def test_lines_start_and_end_with_a_line_break() -> None:
    language = of_text("anna\nbob\nclara\n", "lines")
    assert language.names[language.start or 0] == language.names[language.end or 0] == "\n"


def test_an_answer_follows_the_end_of_a_prompt() -> None:
    language = of_text(PAIRS, "pairs")
    assert language.start is None
    assert (language.names[language.ask or 0], language.names[language.end or 0]) == ("\n", "\n")


def test_parts_of_words_are_encoded_as_in_the_data() -> None:
    dataset = parse_text(BytesIO(FOX.encode()), "windows", merges=30, length=16)
    language = of(dataset)
    tokens = language.tokens_of(FOX[:89], "prompt")
    assert tokens == dataset.inputs.ravel()[: len(tokens)].tolist()
    assert language.spelled(tokens) == FOX[:89]
    assert len(tokens) < 60


def test_words_are_separated_by_spaces() -> None:
    inputs = np.array([[0.0, 1, 2], [1, 2, 0]])
    dataset = Dataset(
        name="words",
        description="",
        task="sequence",
        inputs=inputs,
        targets=np.array([[1, 2, 0], [2, 0, 1]]),
        feature_names=("a", "b", "c"),
        class_names=("cat", "dog", "fox"),
        target_names=("a", "b", "c"),
    )
    language = of(dataset)
    assert language.tokens_of(" fox  Cat dog", "prompt") == [2, 0, 1]
    assert language.spelled([2, 0, 1]) == "fox cat dog"
    assert language.joined(language.joined("", 1), 2) == "dog fox"


def test_unknown_tokens_are_named() -> None:
    language = of_text(FOX, "windows")
    with pytest.raises(
        InvalidArgument, match=r"do not have: 'é', '~'\. They have ' \.Tabc"
    ) as raised:
        language.tokens_of("the é FOX ~ é", "prompt")
    assert raised.value.errors[0].field == "prompt"
    # "T" is in the data, and "F" is not.
    assert language.spelled(language.tokens_of("The FOX", "prompt")) == "The fox"


def test_a_long_text_is_read_from_the_middle_of_the_window_or_a_sentence_on() -> None:
    language = of(builtin("sonnets"))
    assert language.capacity == 32
    assert language.first_read([5] * 40) == 40 - 16
    sentences = of(builtin("sentences"))
    for text, read in (
        ("the cat. a dog sees a fox. the boat finds", "a dog sees a fox. the boat finds"),
        ("the child of the moon follows a gray crow. ", ""),
        ("the child of the moon follows a gray crow in a", "ows a gray crow in a"[1:]),
    ):
        tokens = sentences.tokens_of(text, "prompt")
        assert sentences.spelled(tokens[sentences.first_read(tokens) :]) == read
