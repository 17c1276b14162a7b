"""Cross-validation chooses the network and the penalty that suit the rows of a table."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochal_service.datasets import Dataset, parse_csv
from epochal_service.datasets.columns import Choice
from epochal_service.preparation import selection
from epochal_service.preparation.suggestion import suggest
from epochal_service.specs.suggestion import Suggestion

rng = np.random.default_rng(5)
NUMBERS = rng.normal(size=(120, 4))
NOISE = rng.normal(size=120)


def table(inputs: Any, targets: Any, groups: Sequence[str] | None = None) -> Dataset:
    header = [f"c{index}" for index in range(inputs.shape[1])]
    columns = [*inputs.T, targets]
    if groups is not None:
        header, columns = ["who", *header], [groups, *columns]
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    choices = {} if groups is None else {"who": Choice("group")}
    return parse_csv("\n".join([",".join([*header, "y"]), *lines]), choices=choices)


def suggestion_of(dataset: Dataset) -> Suggestion:
    return suggest(dataset, {"id": "data_1"})


def types_of(suggested: Suggestion) -> list[str]:
    return [layer.type for layer in suggested.spec.network.layers]  # type: ignore[union-attr]


def test_hidden_layers_are_suggested_where_columns_interact() -> None:
    dataset = table(NUMBERS, NUMBERS[:, 0] * NUMBERS[:, 1])
    assert types_of(suggestion_of(dataset)) == ["dense", "dense", "concatenate", "dense"]


@pytest.mark.long
def test_hidden_layers_are_suggested_for_many_rows_of_curves() -> None:
    """Four thousand rows of it: one fold of 400 preferred the linear model."""
    numbers = np.random.default_rng(2).normal(size=(4_000, 4))
    noise = np.random.default_rng(3).normal(size=4_000)
    dataset = table(numbers, np.exp(numbers[:, 0]) * (2 + numbers[:, 1]) + noise)
    assert types_of(suggestion_of(dataset)) != ["dense"]


def test_a_linear_model_is_suggested_where_the_rest_is_noise() -> None:
    dataset = table(NUMBERS[:50], NUMBERS[:50].sum(1) + NOISE[:50])
    assert types_of(suggestion_of(dataset)) == ["dense"]


@pytest.mark.long
def test_the_more_noise_the_stronger_the_penalty() -> None:
    curve = np.sin(2 * NUMBERS[:, 0])
    little, much = (suggestion_of(table(NUMBERS, curve + noise * NOISE)) for noise in (0.01, 2))
    assert much.spec.regularization.l2 > 3 * little.spec.regularization.l2


def test_the_reasons_state_the_measurement() -> None:
    suggested = suggestion_of(table(NUMBERS, NUMBERS[:, 0] * NUMBERS[:, 1]))
    reasons = {reason.field: reason for reason in suggested.reasons}
    text = reasons["network"].reason
    assert "Its median loss in cross-validation is 0." in text
    assert " for a linear model, lower in 5 of 5 folds" in text
    assert "of 3 penalties: 0." in reasons["regularization.l2"].reason
    assert reasons["early_stopping"].value is None
    assert suggested.spec.early_stopping is None
    linear = suggestion_of(table(NUMBERS, NUMBERS.sum(1)))
    assert "chance" not in linear.reasons[0].reason


def test_each_row_is_in_the_validation_part_of_one_fold() -> None:
    dataset = table(NUMBERS, NUMBERS[:, 0])
    folds = [*selection._folds(dataset, seed=3)]
    parts = [fold.inputs[-fold.validation_samples :] for fold in folds]
    assert [len(part) for part in parts] == [24] * 5
    assert all(fold.samples == 120 for fold in folds)
    assert np.unique(np.concatenate(parts), axis=0).tolist() == np.unique(NUMBERS, axis=0).tolist()


def test_each_fold_has_its_share_of_every_class() -> None:
    dataset = table(NUMBERS, np.where(np.arange(120) < 20, "rare", "usual"))
    for fold in selection._folds(dataset, seed=3):
        assert (fold.targets[-fold.validation_samples :] == 0).sum() == 4


def test_a_group_is_in_one_fold() -> None:
    patients = [row % 7 for row in range(120)]
    dataset = table(np.array(patients)[:, None], NOISE, groups=[f"p{n}" for n in patients])
    for fold in selection._folds(dataset, seed=3):
        inside = {*fold.inputs[-fold.validation_samples :, 0]}
        assert inside
        assert not inside & {*fold.inputs[: -fold.validation_samples, 0]}


def test_a_loss_counts_in_all_folds_alike_and_with_its_neighbors() -> None:
    losses = np.array([[1, 4, 16, 16, 64.0]] * 5 + [[1, 400, 16, 16, 64.0]] * 5)
    # The second loss is 40 in the mean, in logarithms.
    expected = [40**0.25, (40**2 * 16) ** 0.25, (40 * 16**3) ** 0.25, (16**3 * 64) ** 0.25]
    means = selection._smoothed(losses).means
    np.testing.assert_allclose(means, [*expected, (16 * 64**3) ** 0.25])


def measured(*losses: float) -> selection.Measured:
    return selection._smoothed(np.array([losses]).T)


@pytest.mark.parametrize(
    ("candidates", "best"),
    [
        # The first is better in the mean, the second in most folds.
        ([measured(1.0, 1.0, 1.0), measured(0.9, 0.9, 5.0)], 1),
        # Folds are compared in pairs: the medians are 2 and 2.1.
        ([measured(1.0, 2.0, 3.0), measured(0.9, 2.1, 2.9)], 1),
        ([measured(1.0, 1.0, 1.0), measured(1.0, 1.0, 0.1)], 0),
        ([measured(2.0, 2.0), measured(np.inf, np.inf), measured(1.0, 1.0)], 2),
        ([measured(np.inf, np.inf), measured(np.inf, np.inf)], 0),
    ],
)
def test_the_candidate_with_a_lower_loss_in_most_folds_is_chosen(
    candidates: list[selection.Measured], best: int
) -> None:
    assert selection.choose(candidates, rows=60) == best


@pytest.mark.parametrize(
    ("larger", "chosen"),
    [
        # Logarithms, with standard errors of the mean: -0.24 ± 0.16, -0.32 ± 0.12, -0.12 ± 0.02.
        ((0.5, 0.6, 0.9, 0.95, 1.2), 0),
        ((0.5, 0.6, 0.8, 0.9, 0.95), 1),
        ((0.85, 0.85, 0.9, 0.9, 0.95), 1),
        ((np.inf,) * 5, 0),
    ],
)
def test_on_few_rows_a_larger_network_must_be_better_by_two_standard_errors(
    larger: tuple[float, ...], chosen: int
) -> None:
    candidates = [measured(1, 1, 1, 1, 1), measured(*larger)]
    assert selection.choose(candidates, rows=59) == chosen


def test_a_table_of_24_rows_of_noise_gets_a_linear_model() -> None:
    """Two hidden layers had lower losses in three of five folds, by 2 percent at most."""
    file = Path(__file__).parents[1] / "datasets" / "messy" / "ids.csv"
    suggested = suggestion_of(parse_csv(file.read_bytes(), fills=True))
    assert types_of(suggested) == ["dense"]
    assert "With fewer than 60 rows" in suggested.reasons[0].reason


def test_equal_tables_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[Dataset] = []

    def recorded(dataset: Dataset, candidates: Sequence[selection.Candidate]) -> Any:
        compared.append(dataset)
        return selection.cross_validate(dataset, candidates)

    monkeypatch.setattr("epochal_service.preparation.suggestion.cross_validate", recorded)
    inputs, targets = NUMBERS[:30], NUMBERS[:30, 0] + NOISE[:30]
    first = suggest(table(inputs, targets), {"id": "data_1"}).spec
    second = suggest(replace(table(inputs, targets), name="again"), {"id": "data_2"}).spec
    assert len(compared) == 1
    assert (second.name, second.dataset.id) == ("again", "data_2")  # type: ignore[union-attr]
    same = {"name": first.name, "dataset": first.dataset}
    assert second.model_copy(update=same) == first
    suggestion_of(table(inputs, -targets))
    suggestion_of(table(inputs, targets, groups=[f"p{row}" for row in range(30)]))
    assert len(compared) == 3


def test_too_few_groups_are_not_compared() -> None:
    dataset = table(NUMBERS, NOISE, groups=["one"] * 120)
    assert suggestion_of(dataset).spec.early_stopping is not None


@pytest.mark.parametrize(
    ("limit", "folds", "compared", "fraction"),
    [
        (5, 5, 3, 1.0),
        (4.2, 4, 3, 1.0),
        (2.1, 3, 3, 0.7),  # fewer epochs rather than fewer folds
        (1.1, 3, 2, None),  # without the largest candidate
        (0.01, 0, 0, None),
    ],
)
def test_a_table_that_takes_long_is_compared_on_fewer_folds_then_with_fewer_epochs(
    monkeypatch: pytest.MonkeyPatch,
    limit: float,
    folds: int,
    compared: int,
    fraction: float | None,
) -> None:
    dataset = table(NUMBERS, NUMBERS[:, 0] + NOISE)
    spec = suggestion_of(dataset).spec
    candidates = [selection.Candidate(spec)] * 3
    fractions: list[float] = []

    def counted(fold: Dataset, candidate: selection.Candidate, fraction: float) -> Any:
        fractions.append(fraction)
        return np.ones(5)

    monkeypatch.setattr(selection, "_losses", counted)
    work = sum(selection._work(dataset, candidate) for candidate in candidates)
    monkeypatch.setattr(selection, "MAX_WORK", limit * work)
    losses = selection.cross_validate(dataset, candidates)
    assert len(losses) == compared
    assert len(fractions) == folds * compared
    if fraction is not None:
        assert fractions == pytest.approx([fraction] * folds * compared)


def test_many_rows_are_compared_on_a_sample_of_them() -> None:
    numbers = np.arange(6_000.0).reshape(3_000, 2)
    sample = selection.comparable_rows(table(numbers, numbers[:, 0] + 0.5))
    assert sample.samples == selection.MAX_ROWS
    assert len(np.unique(sample.inputs[:, 0])) == selection.MAX_ROWS
    np.testing.assert_array_equal(sample.targets[:, 0], sample.inputs[:, 0] + 0.5)
