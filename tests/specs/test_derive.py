"""The API's models follow from the engine's components."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter
from tests import recipes

from epochal_engine import AUGMENTATIONS, LAYERS, OPTIMIZERS, SCHEDULES
from epochal_service.specs.networks import LAYER_SPECS, LayerSpec
from epochal_service.specs.training import (
    AUGMENTATION_SPECS,
    OPTIMIZER_SPECS,
    SCHEDULE_SPECS,
    LossOptionsSpec,
    OptimizerSpec,
)


def test_every_component_has_a_model() -> None:
    assert list(LAYER_SPECS) == list(LAYERS)
    assert list(OPTIMIZER_SPECS) == list(OPTIMIZERS)
    assert list(SCHEDULE_SPECS) == list(SCHEDULES)
    assert list(AUGMENTATION_SPECS) == list(AUGMENTATIONS)


@pytest.mark.parametrize(
    "model",
    [
        *LAYER_SPECS.values(),
        *OPTIMIZER_SPECS.values(),
        *SCHEDULE_SPECS.values(),
        *AUGMENTATION_SPECS.values(),
        LossOptionsSpec,
    ],
    ids=lambda model: model.__name__,
)
def test_every_model_and_field_has_a_description(model: type[LayerSpec]) -> None:
    schema = model.model_json_schema()
    schema = schema.get("$defs", {}).get(model.__name__, schema)
    assert schema["description"].endswith((".", ")"))
    for name, field in schema["properties"].items():
        assert name == "type" or field["description"].endswith("."), name


def test_a_model_has_the_ranges_and_defaults_of_the_component() -> None:
    assert TypeAdapter(OptimizerSpec).json_schema()["$defs"]["MomentumSpec"] == {
        "additionalProperties": False,
        "description": (
            "Gradient descent with momentum: v ← momentum · v + g, p ← p - rate · v (Polyak 1964)."
        ),
        "properties": {
            "type": {"const": "momentum", "title": "Type", "type": "string"},
            "learning_rate": {
                "default": 0.01,
                "description": "Step size. Greater than 0, up to 1e12. Default 0.01.",
                "exclusiveMinimum": 0,
                "maximum": 1e12,
                "title": "Learning Rate",
                "type": "number",
            },
            "momentum": {
                "default": 0.9,
                "description": (
                    "Fraction of the previous velocity carried over to the next. In [0, 1). "
                    "Default 0.9."
                ),
                "minimum": 0,
                "exclusiveMaximum": 1,
                "title": "Momentum",
                "type": "number",
            },
        },
        "required": ["type"],
        "title": "MomentumSpec",
        "type": "object",
    }


def test_internal_fields_are_not_in_the_model() -> None:
    assert "beta_1" not in OPTIMIZER_SPECS["muon"].model_fields
    assert "ignore_label" not in LossOptionsSpec.model_fields


def test_a_new_activation_and_a_new_layer_are_in_the_schema_and_are_built() -> None:
    program = """
import json
from epochal_service.specs.build import build_network
from epochal_service.specs.networks import NetworkSpec
spec = {"input_shape": [3], "layers": [
    {"type": "dense", "units": 2, "activation": "bent_identity"}, {"type": "rescale", "factor": 3.0}
]}
network = build_network(NetworkSpec.model_validate(spec))
schema = NetworkSpec.model_json_schema()["$defs"]
print(json.dumps([network.layers[1].factor, schema["RescaleSpec"], schema["DenseSpec"]]))
"""
    factor, layer, dense = json.loads(recipes.in_new_process(program))
    assert factor == 3.0
    assert "bent_identity" in dense["properties"]["activation"]["enum"]
    assert layer["description"] == "Multiplies each feature by a learned scale and a fixed factor."
    assert layer["properties"]["factor"] == {
        "default": 2.0,
        "description": "Factor applied to every feature. In (0, 10]. Default 2.",
        "exclusiveMinimum": 0,
        "maximum": 10,
        "title": "Factor",
        "type": "number",
    }


def test_an_activation_without_a_note_is_listed() -> None:
    program = """
from epochal_course.content.activations import activations
print(activations().activations[-1].model_dump_json())
"""
    listed = json.loads(recipes.in_new_process(program))
    assert (listed["activation"], listed["initializer"]) == ("bent_identity", "orthogonal")
    assert listed["idea"] == ""
