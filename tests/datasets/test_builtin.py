"""Built-in data sets have their documented content, the same on every load."""

import gzip
from importlib import resources
from typing import Any

import numpy as np
import pytest

from epochal_engine.data.generators import GENERATORS
from epochal_service.datasets import CATALOG, Builtin, Dataset, DatasetError, load, parse_csv
from epochal_service.datasets.language import PLAYS_WINDOWS

MEASURED = ("iris", "wine", "breast_cancer", "digits", "shifted_digits", "digit_images")
TEXTS = ("sonnets", "plays", "names", "questions")
DIGIT_SIZES = (178, 182, 177, 183, 181, 182, 181, 179, 174, 180)


def errors(**arguments: Any) -> dict[str, str]:
    with pytest.raises(DatasetError) as caught:
        load(**arguments)
    return dict(caught.value.errors)


def test_the_catalog_has_all_generators_and_files() -> None:
    assert list(CATALOG) == [*GENERATORS, *MEASURED, *TEXTS]


@pytest.mark.parametrize("builtin", CATALOG.values(), ids=CATALOG)
def test_every_entry_loads_by_its_name_alone_and_is_described(builtin: Builtin) -> None:
    dataset = load(builtin.name)
    assert dataset.name == builtin.name
    assert dataset.task == builtin.task
    assert dataset.description == builtin.description
    assert dataset.source == builtin.source
    assert dataset.license == builtin.license
    assert builtin.description.endswith(".")
    assert np.isfinite(dataset.inputs).all()
    if "samples" in builtin.parameters:
        assert dataset.samples == (builtin.parameters["samples"].default or PLAYS_WINDOWS)
    loss = "mse" if dataset.task == "regression" else "cross_entropy"
    assert len(dataset.encoded_targets(loss)) == dataset.samples


@pytest.mark.parametrize(
    ("name", "shape", "sizes"),
    [
        ("iris", (150, 4), {"setosa": 50, "versicolor": 50, "virginica": 50}),
        ("wine", (178, 13), {"1": 59, "2": 71, "3": 48}),
        ("breast_cancer", (569, 30), {"benign": 357, "malignant": 212}),
        (
            "digits",
            (1797, 64),
            {str(digit): size for digit, size in enumerate(DIGIT_SIZES)},
        ),
    ],
)
def test_a_measured_set_has_the_published_rows_and_classes(
    name: str, shape: tuple[int, int], sizes: dict[str, int]
) -> None:
    dataset = load(name)
    assert dataset.inputs.shape == shape
    counts = np.bincount(dataset.targets).tolist()
    assert dict(zip(dataset.class_names, counts, strict=True)) == sizes
    assert "doi:10.24432/" in dataset.source
    assert dataset.license == "CC BY 4.0"


def test_iris_has_the_published_extremes_and_the_two_rows_as_fisher_printed_them() -> None:
    iris = load("iris")
    assert iris.feature_names[0] == "sepal_length_cm"
    assert iris.inputs.min(axis=0).tolist() == [4.3, 2.0, 1.0, 0.1]
    assert iris.inputs.max(axis=0).tolist() == [7.9, 4.4, 6.9, 2.5]
    assert iris.inputs[34].tolist() == [4.9, 3.1, 1.5, 0.2]
    assert iris.inputs[37].tolist() == [4.9, 3.6, 1.4, 0.1]


def test_wine_and_breast_cancer_have_the_published_extremes() -> None:
    wine, cancer = load("wine"), load("breast_cancer")
    proline = wine.inputs[:, wine.feature_names.index("proline")]
    assert proline.min() == 278
    assert proline.max() == 1680
    radius = cancer.inputs[:, cancer.feature_names.index("mean_radius")]
    assert radius.min() == 6.981
    assert radius.max() == 28.11


def test_digits_are_sixteenths_of_ink_and_the_first_one_is_a_zero() -> None:
    digits = load("digits")
    np.testing.assert_array_equal(np.unique(digits.inputs * 16), np.arange(17))
    assert digits.class_names[digits.targets[0]] == "0"
    assert (digits.inputs[0].reshape(8, 8)[0] * 16).tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_a_measured_set_is_read_once() -> None:
    assert load("iris") is load("iris", seed=5)


def test_the_same_arguments_load_the_same_numbers_and_another_seed_others() -> None:
    first, same, other = (load("two_moons", samples=50, noise=0.2, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.inputs, same.inputs)
    assert not np.array_equal(first.inputs, other.inputs)


def test_samples_and_noise_change_what_is_drawn() -> None:
    still = load("circles", samples=40, noise=0.0)
    assert still.samples == 40
    np.testing.assert_allclose(sorted(np.hypot(*still.inputs.T)), [0.5] * 20 + [1.0] * 20)


def test_two_blobs_are_a_binary_problem_and_five_in_seven_dimensions_are_not() -> None:
    assert load("blobs", classes=2).task == "binary"
    five = load("blobs", classes=5, features=7, samples=10)
    assert (five.task, five.inputs.shape, five.outputs) == ("multiclass", (10, 7), 5)
    assert five.feature_names == ("x1", "x2", "x3", "x4", "x5", "x6", "x7")


def test_an_unknown_name_is_refused_with_a_similar_name_or_all_names() -> None:
    assert "did you mean 'two_moons'?" in errors(name="two_moon")["name"]
    assert "choose one of false, and, " in errors(name="mnist-1d!")["name"]


def test_parameters_of_a_fixed_data_set_are_refused() -> None:
    wrong = errors(name="iris", samples=10, noise=0.1)
    assert wrong == {
        "samples": "is not a parameter of iris; its parameters: none.",
        "noise": "is not a parameter of iris; its parameters: none.",
    }


def test_every_argument_out_of_bounds_is_named_with_its_bounds() -> None:
    wrong = errors(name="sine", samples=3, noise=float("nan"), seed=-1, classes=4)
    assert wrong == {
        "samples": "must be between 4 and 100000 for sine.",
        "noise": "must be between 0 and 10 for sine.",
        "classes": "is not a parameter of sine; its parameters: samples and noise.",
        "seed": f"must be between 0 and {2**63 - 1}.",
    }


@pytest.mark.parametrize("samples", [10.5, 10**400, float("inf"), -(10**400)])
def test_an_impossible_number_of_samples_is_refused(samples: float) -> None:
    assert list(errors(name="plane", samples=samples)) == ["samples"]


def test_a_whole_number_may_come_as_a_float() -> None:
    assert load("blobs", classes=4.0).outputs == 4


def test_a_shifted_digit_is_completely_on_its_canvas_and_depends_on_the_seed() -> None:
    digits, shifted = load("digits"), load("shifted_digits", samples=1_800)
    assert shifted.inputs.shape == (1_800, 144)
    canvases = shifted.inputs.reshape(-1, 12, 12)
    np.testing.assert_allclose(canvases.sum((1, 2))[:1_797], digits.inputs.sum(1))
    # After the last digit comes the first one again.
    assert shifted.targets[1_797] == digits.targets[0]
    positions = {
        (top, left)
        for top in range(5)
        for left in range(5)
        for canvas, image in zip(canvases, digits.inputs.reshape(-1, 8, 8), strict=False)
        if (canvas[top : top + 8, left : left + 8] == image).all()
    }
    assert len(positions) == 25
    assert not np.array_equal(shifted.inputs, load("shifted_digits", samples=1_800, seed=1).inputs)


def test_the_target_of_a_digit_image_is_its_input() -> None:
    images = load("digit_images")
    assert images.task == "regression"
    assert images.target_names == images.feature_names
    np.testing.assert_array_equal(images.targets, load("digits").inputs)


def test_sonnets_are_windows_of_a_text_with_their_next_characters() -> None:
    sonnets = load("sonnets", length=24)
    read = ["".join(sonnets.token_names[int(token)] for token in row) for row in sonnets.inputs]
    requested = ["".join(sonnets.class_names[token] for token in row) for row in sonnets.targets]
    assert "".join(read).startswith("from fairest creatures we desire increase,\nthat thereby")
    assert "shall i compare thee to a summer's day?\n" in "".join(read)
    assert "".join(requested) == "".join(read)[1:] + requested[-1][-1]
    assert len(sonnets.class_names) == 37


def test_plays_are_windows_of_the_whole_text() -> None:
    plays = load("plays", samples=100, length=50)
    read = ["".join(plays.token_names[int(token)] for token in row) for row in plays.inputs]
    assert len(read) == 100
    assert "".join(read).startswith("First Citizen:\nBefore we proceed any further, hear me speak.")
    assert len(plays.token_names) == len(load("plays").token_names) == 65


@pytest.mark.parametrize("merges", [1, 60, 1000])
def test_merged_tokens_spell_the_plays(merges: int) -> None:
    plays = load("plays", samples=100, length=50, merges=merges)
    read = "".join(plays.token_names[int(token)] for token in plays.inputs.ravel())
    following = "".join(plays.token_names[token] for token in plays.targets[:, -1])
    characters = load("plays", samples=400, length=50)
    text = "".join(characters.token_names[int(token)] for token in characters.inputs.ravel())
    assert len(read) > plays.inputs.size
    assert text.startswith(read)
    assert len(following) >= len(plays.targets)
    np.testing.assert_array_equal(plays.inputs.ravel()[1:], plays.targets.ravel()[:-1])
    assert plays.token_names[:65] == characters.token_names
    assert len(plays.token_names) == 65 + merges


def test_a_vocabulary_of_the_plays_begins_with_those_of_fewer_merges() -> None:
    few, many = (load("plays", samples=10, merges=merges).token_names for merges in (50, 900))
    assert many[: len(few)] == few
    assert {" the", " and"} <= set(many)


def test_plays_have_as_many_windows_as_fit() -> None:
    assert load("plays", merges=60).samples == PLAYS_WINDOWS
    plays = load("plays", merges=500)
    assert 1_000 < plays.samples < PLAYS_WINDOWS
    assert load("plays", merges=500, samples=plays.samples).samples == plays.samples
    for samples in (plays.samples + 1, PLAYS_WINDOWS):
        assert errors(name="plays", merges=500, samples=samples) == {
            "samples": f"must be at most {plays.samples:,} for 500 merges and a length of 64: use "
            "fewer, fewer merges or a smaller length."
        }


def test_merges_have_bounds_and_are_those_of_the_plays() -> None:
    for merges in (-1, 1001):
        assert errors(name="plays", merges=merges) == {
            "merges": "must be between 0 and 1000 for plays."
        }
    assert errors(name="plays", merges=1.5)["merges"].endswith("whole number for plays.")
    assert errors(name="iris", merges=3)["merges"].startswith("is not a parameter of iris")


def text_of(dataset: Dataset) -> str:
    return "".join(dataset.token_names[int(token)] for token in dataset.inputs.ravel())


def test_texts_can_be_written_in_the_characters_of_each_other() -> None:
    sonnets, other = load("sonnets"), load("plays", samples=200, length=64, vocabulary="sonnets")
    assert other.token_names == other.class_names == sonnets.token_names
    assert text_of(other).startswith(
        "first citizen:\nbefore we proceed any further, hear me speak."
    )
    # Characters that the sonnets lack are left out, and the windows still join.
    whole = text_of(load("plays", length=128, vocabulary="sonnets"))
    assert not {"$", "&", "3", "A"} & {*whole}
    np.testing.assert_array_equal(other.inputs.ravel()[1:], other.targets.ravel()[:-1])
    capital = load("sonnets", vocabulary="plays")
    assert capital.token_names == load("plays").token_names
    assert text_of(capital).startswith("From fairest creatures we desire increase,\nThat thereby")
    assert load("sonnets", vocabulary="sonnets").inputs.tobytes() == sonnets.inputs.tobytes()
    merged = load("plays", samples=10, merges=5, vocabulary="plays")
    assert merged.inputs.tobytes() == load("plays", samples=10, merges=5).inputs.tobytes()


def test_a_vocabulary_is_that_of_a_text_and_belongs_to_texts() -> None:
    assert errors(name="plays", vocabulary="names") == {
        "vocabulary": "must be plays or sonnets for plays."
    }
    assert errors(name="plays", merges=5, vocabulary="sonnets") == {
        "merges": "must be 0 with the characters of sonnets."
    }
    for name in ("names", "two_moons"):
        assert errors(name=name, vocabulary="sonnets") == {
            "vocabulary": f"must be absent for {name}: only sonnets and plays have a choice."
        }


def test_a_name_ends_once_and_nothing_counts_behind_its_end() -> None:
    names = load("names")
    assert names.token_names == names.class_names == (".", *"abcdefghijklmnopqrstuvwxyz")
    ends = (names.targets == 0).sum(axis=1)
    np.testing.assert_array_equal(ends, 1)
    lengths = (names.targets != -1).sum(axis=1) - 1
    assert (lengths.min(), lengths.max()) == (2, 15)
    written = {
        "".join(names.class_names[label] for label in row[:length])
        for row, length in zip(names.targets, lengths, strict=True)
    }
    assert {"emma", "olivia", "zyair"} <= written
    np.testing.assert_array_equal(names.inputs[:, 0], 0)
    follows = names.targets[:, :-1] != -1
    np.testing.assert_array_equal(names.inputs[:, 1:][follows], names.targets[:, :-1][follows])
    few = load("names", samples=50, seed=3)
    assert few.samples == 50
    assert not np.array_equal(few.inputs, load("names", samples=50, seed=4).inputs)


def test_an_answer_names_a_digit_of_its_picture_or_their_sum() -> None:
    questions, digits = load("questions", samples=600), load("digits")
    label_of = {
        image.tobytes(): label for image, label in zip(digits.inputs, digits.targets, strict=True)
    }
    words = [
        *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
        *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
        "eighteen",
    ]
    question_of = questions.inputs[:, 128].astype(int)
    group_of: dict[bytes, int] = {}
    for row in range(600):
        picture = questions.inputs[row, :128].reshape(8, 16)
        halves = [half.tobytes() for half in (picture[:, :8], picture[:, 8:])]
        left, right = (label_of[half] for half in halves)
        expected = (left, right, left + right)[question_of[row] - question_of.min()]
        labels = [label for label in questions.targets[row] if label != -1]
        assert "".join(questions.class_names[label] for label in labels) == f"{words[expected]}."
        written = questions.inputs[row, 129 : 128 + len(labels)]
        assert written.tolist() == labels[:-1]
        # A split that separates the groups has other digits in each part.
        for half in halves:
            assert group_of.setdefault(half, questions.groups["digits"][row]) == row % 20
    assert set(question_of) == {17, 18, 19}


def test_a_sequence_names_its_letters_its_time_steps_and_its_start() -> None:
    words = load("reversal", length=2, classes=3, samples=4)
    assert words.token_names == (*words.class_names, ">") == ("a", "b", "c", ">")
    assert words.feature_names == ("letter_1", "letter_2", "letter_3", "letter_4")
    assert words.target_names == ("letter_1", "letter_2")
    assert load("adding", length=2).feature_names == ("number_1", "mark_1", "number_2", "mark_2")
    # Two letters are a sequence of two classes, no yes and no.
    assert load("sorting", classes=2).task == "sequence"


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "digits"])
def test_a_table_of_the_catalog_is_what_its_file_would_be_as_an_upload(name: str) -> None:
    file = resources.files("epochal_service.datasets").joinpath("files", f"{name}.csv.gz")
    uploaded = parse_csv(gzip.decompress(file.read_bytes()), task="classification")
    table = load(name)
    scale = 16.0 if name == "digits" else 1.0
    np.testing.assert_array_equal(table.inputs, uploaded.inputs / scale)
    np.testing.assert_array_equal(table.targets, uploaded.targets)
    assert table.targets.dtype == uploaded.targets.dtype
    for field in ("task", "feature_names", "class_names", "target_names", "columns"):
        assert getattr(table, field) == getattr(uploaded, field)
