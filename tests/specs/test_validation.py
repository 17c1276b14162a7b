"""An error has the path of the field and says what would be right."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError
from tests import material

from epochal_service.errors import MAX_FIELD_ERRORS, InvalidArgument
from epochal_service.specs.datasets import InlineDataset
from epochal_service.specs.jobs import ListJobsRequest, PredictRequest
from epochal_service.specs.networks import NetworkSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.specs.validation import field_errors, parse

XOR = {**material.XOR, "epochs": 500}


def without(spec: dict[str, Any], *path: Any) -> dict[str, Any]:
    *outer, last = path
    for key in outer:
        spec = spec[key]
    spec.pop(last)
    return spec


def changed(*path: Any, to: Any) -> Callable[[dict[str, Any]], Any]:
    def change(spec: dict[str, Any]) -> None:
        *outer, last = path
        inner: Any = spec
        for key in outer:
            inner = inner[key]
        inner[last] = to

    return change


def test_a_whole_number_may_have_a_decimal_point() -> None:
    spec = parse(TrainingSpec, copy.deepcopy(XOR) | {"epochs": 500.0, "batch_size": 4.0})
    assert (spec.epochs, spec.batch_size) == (500, 4)
    with pytest.raises(InvalidArgument) as caught:
        parse(TrainingSpec, copy.deepcopy(XOR) | {"epochs": 500.0, "batch_size": 0.5})
    assert [error.field for error in caught.value.errors] == ["batch_size"]


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        (lambda s: without(s, "network"), "network", "is required"),
        (lambda s: without(s, "epochs"), "epochs", "is required"),
        (changed("network", to=3), "network", "must be an object"),
        (changed("network", "input_shape", to=[]), "network.input_shape", "needs at least 1"),
        (changed("network", "input_shape", 0, to=0), "network.input_shape[0]", "at least 1"),
        (changed("network", "layers", 0, "units", to=0), "network.layers[0].units", "at least 1"),
        (changed("network", "layers", 1, "units", to="4"), "network.layers[1].units", "whole"),
        (changed("network", "layers", 1, "units", to=1.5), "network.layers[1].units", "whole"),
        (
            lambda s: without(s, "network", "layers", 0, "units"),
            "network.layers[0].units",
            "is required",
        ),
        (
            lambda s: without(s, "network", "layers", 0, "type"),
            "network.layers[0].type",
            "is required",
        ),
        (
            changed("network", "layers", 0, "type", to="dens"),
            "network.layers[0].type",
            "must be one of dense, activation, dropout",
        ),
        (
            changed("network", "layers", 0, "activation", to="rleu"),
            "network.layers[0].activation",
            "must be one of linear",
        ),
        (
            changed("network", "layers", 0, "rate", to=0.5),
            "network.layers[0].rate",
            "is not a field here",
        ),
        (changed("network", "layers", 0, to=7), "network.layers[0]", "must be an object"),
        (changed("dataset", to={}), "dataset.name", "is required"),
        (changed("dataset", to={"inputs": [[1.0]]}), "dataset.targets", "is required"),
        (
            changed("dataset", to={"inputs": [[1, float("nan")]], "targets": [1]}),
            "dataset.inputs[0][1]",
            "must be a finite number",
        ),
        (
            changed("dataset", to={"inputs": [[1, 2]], "targets": ["yes"]}),
            "dataset.targets[0]",
            "must be a list",
        ),
        (changed("dataset", to={"name": "xor", "id": "data_1"}), "dataset.name", "not a field"),
        (changed("loss", to="kl"), "loss", "must be one of mse, mae, huber"),
        (changed("epochs", to=True), "epochs", "must be a whole number"),
        (changed("epochs", to=0), "epochs", "must be at least 1"),
        (changed("optimizer", to={"type": "ftrl"}), "optimizer.type", "one of sgd, perceptron"),
        (
            changed("optimizer", to={"type": "sgd", "learning_rate": 0}),
            "optimizer.learning_rate",
            "must be greater than 0",
        ),
        (
            changed("optimizer", to={"type": "sgd", "momentum": 0.9}),
            "optimizer.momentum",
            "is not a field here",
        ),
        (changed("schedule", to="cosine"), "schedule", "must be an object"),
        (changed("labels", to={"Week 3": "x"}), "labels.Week 3", "lowercase letters"),
        (changed("labels", to={"week": "x" * 65}), "labels.week", "at most 64 characters"),
        (changed("validation_fraction", to=1), "validation_fraction", "must be less than 1"),
        (changed("seed", to=-1), "seed", "must be at least 0"),
        (changed("epoch", to=3), "epoch", "is not a field here"),
    ],
)
def test_each_mistake_is_named_where_it_stands(
    change: Callable[[dict[str, Any]], Any], field: str, sentence: str
) -> None:
    spec = copy.deepcopy(XOR)
    change(spec)
    with pytest.raises(InvalidArgument) as caught:
        parse(TrainingSpec, spec)
    (error,) = caught.value.errors
    assert error.field == field
    assert sentence in error.description


@pytest.mark.parametrize("code", [0, 0x0A, 0x7F, 0x2028, 0x202A, 0x202E, 0x2066, 0x2069])
def test_a_name_has_nothing_that_changes_how_others_are_shown(code: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse(TrainingSpec, XOR | {"name": f"run{chr(code)}7"})
    [error] = caught.value.errors
    assert (error.field, error.description) == (
        "name",
        "must be one line, without control characters",
    )


@pytest.mark.parametrize("name", ["Äpfel – 7", "قطط", "👩\u200d🔬", "שלום"])
def test_a_name_is_in_any_script(name: str) -> None:
    assert parse(TrainingSpec, XOR | {"name": name}).name == name


def test_several_mistakes_are_reported_together_and_at_most_twenty() -> None:
    spec = copy.deepcopy(XOR) | {"epochs": 0, "batch_size": 0, "loss": "x"}
    with pytest.raises(InvalidArgument) as caught:
        parse(TrainingSpec, spec)
    assert {error.field for error in caught.value.errors} == {"epochs", "batch_size", "loss"}
    assert "and 2 more" in caught.value.detail
    spec["network"]["layers"] = [{"type": "dense"}] * 30
    with pytest.raises(InvalidArgument) as caught:
        parse(TrainingSpec, spec)
    assert len(caught.value.errors) == 20


@pytest.mark.parametrize("body", [None, 3, "text", [1], []])
def test_a_body_that_is_no_object_is_refused(body: object) -> None:
    with pytest.raises(InvalidArgument, match="must be an object"):
        parse(TrainingSpec, body)


def test_defaults_are_written_out() -> None:
    spec = parse(TrainingSpec, XOR)
    assert spec.batch_size == 32
    assert spec.optimizer.type == "adam"
    assert spec.schedule.type == "constant"
    assert spec.snapshots.gradients_every == 1
    assert parse(TrainingSpec, spec.model_dump()) == spec


def test_targets_may_be_a_plain_list() -> None:
    dataset = {"inputs": [[0, 1], [1, 1]], "targets": [0, 1]}
    spec = parse(TrainingSpec, XOR | {"dataset": dataset})
    assert spec.dataset.targets == [[0], [1]]  # type: ignore[union-attr]


def test_parameters_of_a_url_are_text_and_still_checked() -> None:
    assert parse(ListJobsRequest, {"page_size": "7"}).page_size == 7
    with pytest.raises(InvalidArgument) as caught:
        parse(ListJobsRequest, {"page_size": "many", "states": ["done"], "order": "asc"})
    assert [error.field for error in caught.value.errors] == ["page_size", "states[0]", "order"]


@pytest.mark.parametrize(
    ("model", "fields", "path"),
    [
        (InlineDataset, {"inputs": [["x", "y"]] * 9, "targets": [0] * 9}, "inputs"),
        (InlineDataset, {"inputs": [[1.0]] * 9, "targets": [["x", "y"]] * 9}, "targets"),
        (PredictRequest, {"inputs": [["x", "y"]] * 9}, "inputs"),
    ],
)
def test_of_many_wrong_numbers_the_first_is_described(
    model: type[BaseModel], fields: dict[str, Any], path: str
) -> None:
    """To describe all of a body of 3 MB took 5 s."""
    with pytest.raises(InvalidArgument) as wrong:
        parse(model, fields)
    assert [error.field for error in wrong.value.errors] == [f"{path}[0][0]"]


WIDE = 200_000
NETWORK: dict[str, Any] = {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"network": NETWORK | {"layers": [{}] * WIDE}}, "network.layers"),
        ({"network": NETWORK | {"input_shape": ["a"] * WIDE}}, "network.input_shape[0]"),
        ({"labels": {f"K{n}": 1 for n in range(WIDE)}}, "labels"),
        ({f"k{n}": 1 for n in range(WIDE)}, "k0"),
        ({"optimizer": {"type": "adam"} | {f"k{n}": 1 for n in range(WIDE)}}, "optimizer.k0"),
        ({"dataset": {"inputs": [["a"] * WIDE], "targets": ["a"]}}, "dataset.inputs[0][0]"),
        (
            {"dataset": {"inputs": [[0]], "targets": [0], "class_names": [0] * WIDE}},
            "dataset.class_names[0]",
        ),
    ],
)
def test_a_spec_with_ever_so_many_mistakes_has_few_errors(
    change: dict[str, Any], first: str
) -> None:
    spec = {"network": NETWORK, "dataset": {"name": "xor"}, "loss": "mse", "epochs": 1, **change}
    with pytest.raises(ValidationError) as raised:
        TrainingSpec.model_validate(spec)
    assert raised.value.error_count() <= 2 * MAX_FIELD_ERRORS
    assert first in [error.field for error in field_errors(raised.value, spec)]


def test_every_wrong_layer_is_named() -> None:
    layers = [{"type": "dense", "units": 0}, {"type": "dense", "units": 1}, {"type": "dense"}]
    with pytest.raises(InvalidArgument) as caught:
        parse(NetworkSpec, {"input_shape": [2], "layers": layers})
    errors = caught.value.errors
    assert [error.field for error in errors] == ["layers[0].units", "layers[2].units"]
