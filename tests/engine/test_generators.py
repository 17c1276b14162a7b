"""A generator's data have the shape that its description promises."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epochal_engine.data.generators import (
    ARITHMETIC_CHARACTERS,
    BOOLEAN_FUNCTIONS,
    CHARACTERS,
    GENERATORS,
    IGNORED,
    SENTENCE,
    TOPIC_TOKENS,
    TOPICS,
    Generator,
)


def draw(name: str, **changes: float) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """The data set of `name` without noise, from seed 0, unless the options differ."""
    generator = GENERATORS[name]
    parameters = {key: parameter.default for key, parameter in generator.parameters.items()}
    if "noise" in parameters:
        parameters["noise"] = 0.0
    parameters |= changes
    return generator.function(**parameters, rng=np.random.default_rng(0))


every_generator = pytest.mark.parametrize("generator", GENERATORS.values(), ids=GENERATORS)


@every_generator
def test_every_generator_returns_float_inputs_and_labels_or_a_column_of_numbers(
    generator: Generator,
) -> None:
    inputs, targets = draw(generator.name, samples=11)
    if "length" in generator.parameters:
        steps = inputs.shape[1] / len(generator.feature_names)
        length = generator.parameters["length"].default
        assert length is not None
        assert steps in (length, 2 * length)
    else:
        features = len(generator.feature_names) or generator.parameters["features"].default
        assert inputs.shape[1] == features
    assert inputs.shape[0] == 11
    assert inputs.dtype == np.float64
    if generator.task == "sequence":
        assert targets.shape == (11, length)
        assert targets.dtype == np.int64
    elif generator.task == "regression":
        assert targets.shape == (11, length if generator.name == "functions" else 1)
        assert targets.dtype == np.float64
    else:
        assert targets.shape == (11,)
        assert targets.dtype == np.int64


@every_generator
def test_the_same_seed_draws_the_same_numbers_and_another_seed_others(
    generator: Generator,
) -> None:
    parameters = {key: parameter.default for key, parameter in generator.parameters.items()}
    if "noise" in parameters:
        parameters["noise"] = 0.25

    def from_seed(seed: int) -> bytes:
        inputs, targets = generator.function(**parameters, rng=np.random.default_rng(seed))
        return inputs.tobytes() + targets.tobytes()

    assert from_seed(1) == from_seed(1)
    assert from_seed(1) != from_seed(2)


@pytest.mark.parametrize("name", [g.name for g in GENERATORS.values() if "noise" in g.parameters])
def test_noise_moves_the_inputs_of_classes_and_the_targets_of_a_regression(
    name: str,
) -> None:
    generator = GENERATORS[name]
    still_inputs, still_targets = draw(generator.name, samples=4000)
    inputs, targets = draw(generator.name, samples=4000, noise=0.5)
    if generator.task == "regression":
        moved, unchanged = targets - still_targets, (inputs, still_inputs)
    else:
        moved, unchanged = inputs - still_inputs, (targets, still_targets)
    np.testing.assert_array_equal(*unchanged)
    assert moved.mean() == pytest.approx(0.0, abs=0.05)
    assert moved.std() == pytest.approx(0.5, rel=0.05)


@every_generator
def test_a_record_is_found_under_its_name_and_its_defaults_lie_within_its_bounds(
    generator: Generator,
) -> None:
    assert GENERATORS[generator.name] is generator
    for parameter in generator.parameters.values():
        assert parameter.default is not None
        assert parameter.minimum <= parameter.default <= parameter.maximum


@pytest.mark.long
@every_generator
def test_the_bounds_of_every_parameter_can_be_drawn(generator: Generator) -> None:
    for key, parameter in generator.parameters.items():
        for bound in (parameter.minimum, parameter.maximum):
            inputs, targets = draw(generator.name, **{key: bound})
            assert len(inputs) == len(targets)
            assert np.isfinite(inputs).all()
            assert np.isfinite(targets).all()


def test_the_sixteen_boolean_functions_are_the_sixteen_truth_tables_in_order() -> None:
    numbers = [int("".join(map(str, table)), base=2) for table in BOOLEAN_FUNCTIONS.values()]
    assert numbers == list(range(16))
    assert set(BOOLEAN_FUNCTIONS) <= set(GENERATORS)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("and", lambda a, b: a and b),
        ("or", lambda a, b: a or b),
        ("xor", lambda a, b: a != b),
        ("nand", lambda a, b: not (a and b)),
        ("nor", lambda a, b: not (a or b)),
        ("xnor", lambda a, b: a == b),
        ("a", lambda a, b: a),
        ("b", lambda a, b: b),
        ("not_a", lambda a, b: not a),
        ("not_b", lambda a, b: not b),
        ("a_and_not_b", lambda a, b: a and not b),
        ("not_a_and_b", lambda a, b: not a and b),
        ("a_or_not_b", lambda a, b: a or not b),
        ("not_a_or_b", lambda a, b: not a or b),
        ("true", lambda a, b: True),
        ("false", lambda a, b: False),
    ],
)
def test_a_boolean_function_has_the_truth_table_of_its_name(
    name: str, formula: Callable[[bool, bool], bool]
) -> None:
    inputs, labels = draw(name)
    assert inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert labels.tolist() == [int(formula(bool(a), bool(b))) for a, b in inputs]


def test_more_samples_of_a_boolean_function_repeat_its_rows_in_turn() -> None:
    inputs, labels = draw("xor", samples=6)
    assert inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [0, 0], [0, 1]]
    assert labels.tolist() == [0, 1, 1, 0, 0, 1]


def test_six_moons_are_the_ends_and_the_tips_of_two_half_circles() -> None:
    inputs, labels = draw("two_moons", samples=6)
    assert labels.tolist() == [0, 1, 0, 1, 0, 1]
    upper = [(1, 0), (0, 1), (-1, 0)]
    lower = [(0, 0.5), (1, -0.5), (2, 0.5)]
    np.testing.assert_allclose(inputs[labels == 0], upper, atol=1e-12)
    np.testing.assert_allclose(inputs[labels == 1], lower, atol=1e-12)


def test_moons_lie_at_radius_one_around_their_centers() -> None:
    inputs, labels = draw("two_moons", samples=201)
    centers = np.array([[0.0, 0.0], [1.0, 0.5]])[labels]
    np.testing.assert_allclose(np.hypot(*(inputs - centers).T), 1.0)
    assert (inputs[labels == 0, 1] >= -1e-12).all()
    assert (inputs[labels == 1, 1] <= 0.5 + 1e-12).all()


def test_circles_have_radius_one_and_one_half_and_go_around_once() -> None:
    inputs, labels = draw("circles", samples=8)
    np.testing.assert_allclose(np.hypot(*inputs.T), np.where(labels == 0, 1.0, 0.5))
    quarters = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    np.testing.assert_allclose(inputs[labels == 0], quarters, atol=1e-12)
    np.testing.assert_allclose(inputs[labels == 1], np.array(quarters) / 2, atol=1e-12)


def test_a_spiral_arm_turns_one_and_three_quarters_times_out_to_radius_five() -> None:
    inputs, labels = draw("spiral", samples=250)
    arm = inputs[labels == 1]
    radius = np.hypot(*arm.T)
    np.testing.assert_allclose(radius, 5 * np.arange(125) / 125, atol=1e-12)
    # Clockwise from +y; the origin itself has no angle.
    angle = np.unwrap(np.arctan2(arm[1:, 0], arm[1:, 1]))
    np.testing.assert_allclose(angle, 1.75 * 2 * np.pi * np.arange(1, 125) / 125)


def test_the_two_spiral_arms_mirror_each_other_in_the_origin() -> None:
    inputs, labels = draw("spiral", samples=250)
    np.testing.assert_array_equal(inputs[labels == 0], -inputs[labels == 1])


def test_blobs_without_noise_are_one_point_for_each_class_within_the_box() -> None:
    inputs, labels = draw("blobs", samples=12, classes=4, features=3)
    assert labels.tolist() == [0, 1, 2, 3] * 3
    assert len(np.unique(inputs, axis=0)) == 4
    for label in range(4):
        assert len(np.unique(inputs[labels == label], axis=0)) == 1
    assert (np.abs(inputs) <= 10).all()


@pytest.mark.parametrize("name", ["two_moons", "circles", "spiral", "blobs"])
def test_classes_are_balanced_to_within_one_sample(name: str) -> None:
    for samples in (100, 101):
        sizes = np.bincount(draw(name, samples=samples)[1])
        assert sizes.max() - sizes.min() <= 1


def test_five_points_of_the_sine_stand_a_quarter_period_apart() -> None:
    inputs, targets = draw("sine", samples=5)
    np.testing.assert_allclose(inputs[:, 0], np.pi * np.array([-1, -0.5, 0, 0.5, 1]))
    np.testing.assert_allclose(targets[:, 0], [0, -1, 0, 1, 0], atol=1e-12)


def test_the_plane_is_a_tenth_of_the_sum_over_the_square_of_six() -> None:
    inputs, targets = draw("plane", samples=2000)
    np.testing.assert_allclose(targets[:, 0], (inputs[:, 0] + inputs[:, 1]) / 10)
    assert (np.abs(inputs) <= 6).all()
    # 2,000 uniform points leave a margin of 0.1 empty with a chance below 1e-14.
    np.testing.assert_allclose(inputs.min(axis=0), -6, atol=0.1)
    np.testing.assert_allclose(inputs.max(axis=0), 6, atol=0.1)


def test_the_sum_of_the_adding_problem_is_that_of_one_marked_number_of_each_half() -> None:
    inputs, targets = draw("adding", samples=300, length=5)
    numbers, marks = inputs[:, 0::2], inputs[:, 1::2]
    assert set(marks[:, :2].sum(axis=1)) == set(marks[:, 2:].sum(axis=1)) == {1.0}
    # Every place is marked in some row.
    assert (marks.sum(axis=0) > 0).all()
    first = [row[np.flatnonzero(mark)].sum() for row, mark in zip(numbers, marks, strict=True)]
    np.testing.assert_allclose(targets[:, 0], first)
    # Who always answers 1: two variances of 1/12.
    assert np.square(draw("adding")[1] - 1.0).mean() == pytest.approx(1 / 6, rel=0.05)


def test_letters_are_sorted_and_none_is_lost() -> None:
    inputs, targets = draw("sorting", samples=200, length=4, classes=3)
    assert set(np.unique(inputs)) == {0, 1, 2}
    assert all(sorted(row) == list(t) for row, t in zip(inputs, targets, strict=True))


def test_a_word_is_followed_by_the_start_and_by_what_was_written_backwards() -> None:
    inputs, targets = draw("reversal", samples=50, length=3, classes=5)
    for row, answer in zip(inputs.tolist(), targets.tolist(), strict=True):
        a, b, c = row[:3]
        assert row[3:] == [5, c, b]
        assert answer == [c, b, a]


def test_sentences_are_of_the_pattern_and_the_inputs_lag_one_character_behind() -> None:
    inputs, targets = draw("sentences", samples=20, length=60)
    np.testing.assert_array_equal(inputs[:, 0], len(CHARACTERS))
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    for row in targets:
        text = "".join(CHARACTERS[token] for token in row)
        words = text.split(". ")[0].split()
        assert len(words) == len(SENTENCE)
        assert all(word in choice for word, choice in zip(words, SENTENCE, strict=True))
        assert text.split(". ")[1].startswith("the ")


def test_letters_recur_after_six_to_eleven_positions_and_count_from_then_on() -> None:
    inputs, targets = draw("repeats", samples=300)
    periods = set()
    for row, labels in zip(inputs.astype(int), targets, strict=True):
        (first,) = np.flatnonzero(labels != IGNORED)[:1]
        periods.add(int(first))
        text = [*row, labels[-1]]
        assert text[first:] == text[:-first]
        np.testing.assert_array_equal(labels[:first], IGNORED)
        np.testing.assert_array_equal(labels[first:-1], row[first + 1 :])
    assert periods == set(range(6, 12))


def test_half_of_the_words_of_a_sentence_are_of_its_topic_and_none_of_another() -> None:
    inputs, labels = draw("topics", samples=120)
    for row, label in zip(inputs.astype(int), labels, strict=True):
        start, *words = (TOPIC_TOKENS[token] for token in row)
        assert start == "[topic]"
        topics = [word.rstrip("0123456789") for word in words]
        assert [topic for topic in topics if topic in TOPICS] == [TOPICS[label]] * 6


@pytest.mark.parametrize("name", ["arithmetic", "arithmetic_calls"])
def test_the_answer_to_a_question_is_right_and_counts_alone(name: str) -> None:
    inputs, targets = draw(name, samples=300)
    signs = {"boxes of": "*", "times": "*", "and": "+", "taken from": "-"}
    texts = set()
    for row, labels in zip(inputs.astype(int), targets, strict=True):
        read = "".join((*ARITHMETIC_CHARACTERS, "_")[token] for token in row)
        question, start = read.split("?")[0], read.index("?")
        answer = "".join(ARITHMETIC_CHARACTERS[label] for label in labels if label != IGNORED)
        assert labels[start - 1] == IGNORED
        written = read[start + 1 :].rstrip("_")
        a, *words, b = question.removesuffix(" more").split()
        if words == ["taken", "from"]:
            a, b = b, a
        formula = f"{a}{signs[' '.join(words)]}{b}"
        texts.add(" ".join(words))
        call = f"[{formula}]" if name == "arithmetic_calls" else ""
        assert written == f"{call}{eval(formula)}"
        # The calculator writes the result of a call.
        assert answer == (f"{call}." if call else f"{eval(formula)}.")
    assert texts == set(signs)


def test_the_values_of_a_function_follow_from_two_of_its_examples() -> None:
    inputs, targets = draw("functions", samples=50, length=6)
    steps = inputs.reshape(50, 6, 5)
    np.testing.assert_array_equal(steps[:, 0, 2:], 0.0)
    np.testing.assert_array_equal(steps[:, 1:, 2:4], steps[:, :-1, :2])
    np.testing.assert_array_equal(steps[:, 1:, 4], targets[:, :-1])
    weights = np.linalg.solve(steps[:, :2, :2], targets[:, :2, np.newaxis])
    np.testing.assert_allclose((steps[:, :, :2] @ weights)[..., 0], targets, atol=1e-6)
