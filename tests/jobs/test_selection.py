"""Cross-validation chooses the network and the penalty that suit the rows of a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from epochal_service.datasets import Dataset, parse_csv
from epochal_service.datasets.columns import Choice
from epochal_service.jobs import selection
from epochal_service.jobs.preparation import build
from epochal_service.jobs.suggestion import suggest
from epochal_service.settings import Limits
from epochal_service.specs.suggestion import Suggestion
from epochal_service.specs.training import TrainingSpec

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


def test_a_hidden_layer_is_suggested_where_columns_interact() -> None:
    dataset = table(NUMBERS, NUMBERS[:, 0] * NUMBERS[:, 1])
    assert types_of(suggestion_of(dataset)) == ["dense", "concatenate", "dense"]


def test_a_linear_model_is_suggested_where_the_rest_is_noise() -> None:
    dataset = table(NUMBERS[:50], NUMBERS[:50].sum(1) + NOISE[:50])
    assert types_of(suggestion_of(dataset)) == ["dense"]


def test_the_more_noise_the_stronger_the_penalty() -> None:
    curve = np.sin(2 * NUMBERS[:, 0])
    little, much = (suggestion_of(table(NUMBERS, curve + noise * NOISE)) for noise in (0.01, 2))
    assert much.spec.regularization.l2 > 3 * little.spec.regularization.l2


def test_the_reasons_have_the_losses_that_were_compared() -> None:
    suggested = suggestion_of(table(NUMBERS, NUMBERS[:, 0] * NUMBERS[:, 1]))
    reasons = {reason.field: reason for reason in suggested.reasons}
    assert "that of a linear model is 0.9" in reasons["network"].reason
    assert "of 5 penalties: 0." in reasons["regularization.l2"].reason
    assert reasons["early_stopping"].value is None
    assert suggested.spec.early_stopping is None


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


def test_a_loss_counts_in_all_folds_alike_and_with_its_neighbors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = table(NUMBERS, NUMBERS[:, 0])
    spec = suggestion_of(dataset).spec
    losses = iter([np.array([1, 4, 16, 16, 64.0])] * 5 + [np.array([1, 400, 16, 16, 64.0])] * 5)
    monkeypatch.setattr(selection, "_losses", lambda *_: next(losses))
    compared = selection.cross_validation_losses(dataset, [spec])
    assert compared is not None
    # The second loss is 40 in the mean, in logarithms.
    expected = [40**0.25, (40**2 * 16) ** 0.25, (40 * 16**3) ** 0.25, (16**3 * 64) ** 0.25]
    np.testing.assert_allclose(compared[0], [*expected, (16 * 64**3) ** 0.25])


def test_too_few_groups_are_not_compared() -> None:
    dataset = table(NUMBERS, NOISE, groups=["one"] * 120)
    assert suggestion_of(dataset).spec.early_stopping is not None


def test_a_wide_table_is_compared_on_one_fold_and_a_wider_one_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = table(NUMBERS, NUMBERS[:, 0] + NOISE)
    candidate = suggestion_of(dataset).spec
    folds: list[int] = []
    losses = selection._losses

    def counted(fold: Dataset, spec: TrainingSpec) -> Any:
        folds.append(fold.validation_samples)
        return losses(fold, spec)

    monkeypatch.setattr(selection, "_losses", counted)
    flops = len(selection.PENALTIES) * build(candidate, dataset, Limits()).cost.flops
    for limit, expected in ((10, 10), (9.9, 1), (0.9, 0)):
        folds.clear()
        monkeypatch.setattr(selection, "MAX_FLOPS", limit * flops)
        compared = selection.cross_validation_losses(dataset, [candidate])
        assert len(folds) == expected
        assert (compared is None) == (expected == 0)


def test_many_rows_are_compared_on_a_sample_of_them() -> None:
    numbers = np.arange(6_000.0).reshape(3_000, 2)
    sample = selection.comparable_rows(table(numbers, numbers[:, 0] + 0.5))
    assert sample.samples == selection.MAX_ROWS
    assert len(np.unique(sample.inputs[:, 0])) == selection.MAX_ROWS
    np.testing.assert_array_equal(sample.targets[:, 0], sample.inputs[:, 0] + 0.5)
