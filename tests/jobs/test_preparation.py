"""If parts of a spec do not fit together, the error lists the fields that do not fit."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pytest

from epochal_service.datasets import parse_csv
from epochal_service.datasets.columns import Column
from epochal_service.errors import InvalidArgument
from epochal_service.preparation.prepare import prepare
from epochal_service.preparation.prepared import (
    SCALE,
    SHIFT,
    TARGET_SCALE,
    TARGET_SHIFT,
    Prepared,
    build,
    scaled,
    scaling_of,
    unscaled_outputs,
)
from epochal_service.settings import Limits
from epochal_service.specs.training import TrainingSpec
from epochal_service.specs.validation import parse
from epochal_service.store import Access, Database, migrate


def spec(dataset: Any = None, layers: Any = None, **fields: Any) -> TrainingSpec:
    dense: dict[str, Any] = {"type": "dense", "units": 1, "activation": "sigmoid"}
    return parse(
        TrainingSpec,
        {
            "network": {
                "input_shape": fields.pop("input_shape", [2]),
                "layers": [dense] if layers is None else layers,
            },
            "dataset": dataset or {"name": "xor"},
            "loss": "binary_cross_entropy",
            "epochs": 10,
            **fields,
        },
    )


class Prepare(Protocol):
    def __call__(self, requested: TrainingSpec, **limits: Any) -> Prepared: ...


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepare]:
    """Prepare a spec with an empty store."""
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/epochal.db"
    migrate.upgrade(url)
    database = Database(url)

    def run(requested: TrainingSpec, **limits: Any) -> Prepared:
        return prepare(database, requested, Access("me"), Limits(**limits))

    yield run
    database.close()


def misfits(prepared: Prepare, requested: TrainingSpec, **limits: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArgument) as caught:
        prepared(requested, **limits)
    return list(caught.value.errors)


def dense(units: int, activation: str = "linear") -> dict[str, Any]:
    return {"type": "dense", "units": units, "activation": activation}


@pytest.mark.parametrize(
    ("requested", "field", "sentence"),
    [
        (spec(input_shape=[3]), "network.input_shape", "xor has 2 features: write [2]"),
        (spec(layers=[dense(3, "sigmoid")]), "network.layers[0].units", "needs 1"),
        (spec(layers=[dense(1, "relu")]), "network.layers[0].activation", "write sigmoid"),
        (
            spec(layers=[dense(1, "sigmoid"), {"type": "dropout", "rate": 0.5}]),
            "network.layers[1].type",
            "a layer with activation sigmoid",
        ),
        (spec(layers=[dense(2, "softmax")], loss="cross_entropy"), "", ""),
        (spec({"name": "iris"}, input_shape=[4]), "loss", "use cross_entropy"),
        (spec({"name": "sine"}, input_shape=[1]), "loss", "use mse"),
        (spec({"name": "moons"}), "dataset.name", "two_moons"),
        (spec({"name": "iris", "noise": 0.1}, input_shape=[4]), "dataset.noise", "iris"),
        (spec({"id": "data_1"}), "dataset.id", "There is no data set data_1"),
        (
            spec({"inputs": [[0, 1], [1]], "targets": [0, 1]}),
            "dataset.inputs[1]",
            "2",
        ),
        (
            spec(target={"metric": "validation_loss", "value": 0.1}),
            "target.metric",
            "needs a validation_fraction",
        ),
        (
            spec(schedule={"type": "cosine", "warmup_epochs": 11}),
            "schedule.warmup_epochs",
            "at most the 10 epochs",
        ),
        (
            spec(layers=[dense(2, "softmax"), dense(1, "sigmoid")]),
            "network.layers",
            "softmax",
        ),
    ],
)
def test_each_misfit_is_reported_with_its_field(
    prepared: Prepare, requested: TrainingSpec, field: str, sentence: str
) -> None:
    if not field:  # two outputs can distinguish two classes just as well
        assert prepared(requested).network.output_shape == (2,)
        return
    ((row, description),) = misfits(prepared, requested)
    assert row.startswith(field)
    assert sentence in description


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"max_epochs": 9}, "epochs"),
        ({"max_flops": 100.0}, "epochs"),
        ({"max_samples": 3}, "dataset"),
        ({"max_layers": 1}, "network.layers"),
        ({"max_units": 4}, "network.layers[0].units"),
        ({"max_parameters": 5}, "network.layers"),
        ({"max_features": 1}, "network.input_shape"),
    ],
)
def test_every_limit_is_enforced_and_reported_with_its_field(
    prepared: Prepare, limits: dict[str, Any], field: str
) -> None:
    requested = spec(layers=[dense(5, "tanh"), dense(1, "sigmoid")])
    assert prepared(requested).cost.parameters == 21
    errors = misfits(prepared, requested, **limits)
    assert [error[0] for error in errors] == [field]


def test_the_price_is_three_forward_passes_for_each_sample_and_epoch(prepared: Prepare) -> None:
    cost = prepared(spec({"name": "two_moons", "samples": 100}, validation_fraction=0.2)).cost
    assert (cost.parameters, cost.samples) == (3, 80)
    assert cost.flops == 3 * 4 * 80 * 10


def test_scaling_uses_the_training_part_and_does_not_scale_constant_features() -> None:
    training, none = np.array([[0.0, 5.0], [2.0, 5.0]]), np.array([False, False])
    standard = scaling_of(training, "standard", none)
    assert standard[SHIFT].tolist() == [1, 5]
    assert standard[SCALE].tolist() == [1, 1]
    assert scaled(np.array([[4.0, 6.0]]), standard).tolist() == [[3, 1]]
    minmax = scaling_of(training, "minmax", none)
    assert scaled(training, minmax).tolist() == [[0, 0], [1, 0]]
    assert scaling_of(training, "none", none) == {}


def test_categories_and_booleans_are_not_scaled_except_those_stored_by_earlier_versions() -> None:
    cells = [("1", "a", "no"), ("2", "b", "yes"), ("3", "c", "no"), ("6", "a", "no")] * 5
    rows = "\n".join(f"{size},{kind},{new},{k}.5" for k, (size, kind, new) in enumerate(cells))
    table = parse_csv("size,kind,new,y\n" + rows)
    requested = spec({"id": "data_1", "scaling": "standard"}, loss="mse", input_shape=[5])
    scaling = build(requested, table, Limits()).scaling
    assert scaling[SHIFT].tolist() == [3, 0, 0, 0, 0]
    assert scaling[SCALE].tolist() == [np.sqrt(3.5), 1, 1, 1, 1]
    stored = [{k: v for k, v in c.to_json().items() if k != "scaled"} for c in table.columns]
    earlier = replace(table, columns=tuple(map(Column.from_json, stored)))
    scaling = build(requested, earlier, Limits()).scaling
    assert scaling[SHIFT].tolist() == table.inputs.mean(0).tolist()


def test_standard_scaling_reaches_the_data(prepared: Prepare) -> None:
    wine = {"name": "wine", "scaling": "standard"}
    requested = spec(
        wine,
        [dense(3, "softmax")],
        input_shape=[13],
        loss="cross_entropy",
        validation_fraction=0.25,
    )
    data = prepared(requested).data
    assert data.validation_inputs is not None
    np.testing.assert_allclose(data.train_inputs.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(data.train_inputs.std(axis=0), 1)
    assert abs(data.validation_inputs.mean()) > 1e-6


@pytest.mark.parametrize(
    ("snapshots", "epochs", "every"),
    [({}, 500, 25), ({}, 7, 1), ({"weights_every": 0}, 500, 0), ({"weights_every": 3}, 500, 3)],
)
def test_there_are_about_twenty_checkpoints_by_default(
    prepared: Prepare, snapshots: dict[str, int], epochs: int, every: int
) -> None:
    assert prepared(spec(snapshots=snapshots, epochs=epochs)).weights_every == every


def test_large_networks_store_only_their_last_weights(prepared: Prepare) -> None:
    requested = spec(layers=[dense(4000, "relu"), dense(30, "relu"), dense(1, "sigmoid")])
    assert prepared(requested).weights_every == 0


def test_data_beyond_the_range_of_float32_is_refused(prepared: Prepare) -> None:
    rows = {"inputs": [[0.0, 1e300], [1.0, 2.0]], "targets": [0, 1]}
    ((field, description),) = misfits(prepared, spec(rows))
    assert field == "dataset"
    assert "float32" in description


def tokens(inputs: list[list[float]], targets: list[list[float]], **layer: Any) -> TrainingSpec:
    layers = [
        {"type": "embedding", "vocabulary": 3, "units": 4, **layer},
        {"type": "gru", "units": 5, "return_sequences": True},
        dense(3, "softmax"),
    ]
    rows = {"inputs": inputs, "targets": targets}
    return spec(rows, layers, input_shape=[2], loss="cross_entropy")


def test_targets_of_a_sequence_are_rows_of_labels(prepared: Prepare) -> None:
    requested = tokens([[0, 1], [2, 2]], [[1, 0], [2, 1]])
    np.testing.assert_array_equal(prepared(requested).data.train_targets, [[1, 0], [2, 1]])
    ((field, description),) = misfits(prepared, tokens([[0, 1], [2, 2]], [[1, 0], [3, 1]]))
    assert field == "dataset.targets[1]"
    assert "from 0 to 2" in description


def test_tokens_outside_the_vocabulary_are_refused(prepared: Prepare) -> None:
    ((field, description),) = misfits(prepared, tokens([[0, 3]], [[0, 1]]))
    assert field == "network.layers[0].vocabulary"
    assert "from 0 to 2; they range from 0 to 3" in description


def test_an_image_is_read_from_a_row_of_features(prepared: Prepare) -> None:
    layers = [
        {"type": "conv2d", "filters": 4, "kernel_size": 3, "activation": "relu"},
        {"type": "max_pool2d"},
        {"type": "flatten"},
        dense(10, "softmax"),
    ]
    ready = prepared(spec({"name": "digits"}, layers, input_shape=[8, 8, 1], loss="cross_entropy"))
    assert ready.data.train_inputs.shape == (1797, 8, 8, 1)
    assert ready.cost.parameters == 4 * 9 + 4 + 10 * 36 + 10


def test_a_window_beyond_the_limit_is_refused(prepared: Prepare) -> None:
    image = {"name": "digits"}
    layers = [
        {"type": "reshape", "shape": [8, 8, 1]},
        {"type": "conv2d", "filters": 2, "kernel_size": [3]},
        {"type": "flatten"},
        dense(10, "softmax"),
    ]
    requested = spec(layers=layers, input_shape=[64], dataset=image, loss="cross_entropy")
    assert prepared(requested).cost.parameters > 0
    [(field, sentence)] = misfits(prepared, requested, max_filter_positions=8)
    assert field == "network.layers"
    assert "8 positions" in sentence


PLANE = {
    "inputs": [[0, 1], [2, 3], [4, 0], [1, 1]],
    "targets": [[1e5, 1], [3e5, 1], [2e5, 1], [4e5, 1]],
}


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        (spec(PLANE, [dense(2)], loss="mse"), "standardize"),
        (spec(PLANE, [dense(2)], loss="huber"), "standardize"),
        (spec(PLANE, [dense(2)], loss="mse", target_scaling="none"), "none"),
        (spec(PLANE, [dense(2, "relu")], loss="mae"), "none"),
        (spec(layers=[dense(1)], loss="mse"), "none"),
        (spec(), "none"),
    ],
)
def test_targets_are_standardized_for_a_regression_without_an_output_activation(
    prepared: Prepare, requested: TrainingSpec, expected: str
) -> None:
    job = prepared(requested)
    assert job.spec.target_scaling == expected
    assert (TARGET_SHIFT in job.scaling) == (expected == "standardize")
    if expected == "none":
        np.testing.assert_array_equal(job.data.train_targets, job.targets)
        return
    # The second target is constant.
    np.testing.assert_allclose(job.data.train_targets.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(job.data.train_targets.std(0), [1, 0], atol=1e-12)
    np.testing.assert_allclose(unscaled_outputs(job.data.train_targets, job.scaling), job.targets)


def test_targets_are_scaled_by_the_training_part(prepared: Prepare) -> None:
    job = prepared(spec({"name": "plane"}, [dense(1)], loss="mse", validation_fraction=0.5))
    train = job.targets[job.rows.train]
    np.testing.assert_allclose(job.scaling[TARGET_SHIFT], train.mean(0))
    np.testing.assert_allclose(job.scaling[TARGET_SCALE], train.std(0))
    assert job.data.validation_targets is not None
    np.testing.assert_allclose(
        unscaled_outputs(job.data.validation_targets, job.scaling), job.targets[job.rows.validation]
    )


def test_classes_cannot_be_standardized(prepared: Prepare) -> None:
    [(field, _)] = misfits(prepared, spec(target_scaling="standardize"))
    assert field == "target_scaling"
