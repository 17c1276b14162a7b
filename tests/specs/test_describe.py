"""Descriptions of fields: completed by range and default, and true where a text states them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.documents import openapi_document

from epochal_service.apis import apis
from epochal_service.specs.describe import described, field_descriptions, shown
from epochal_service.specs.training import ClippingSpec, TrainingSpec

DEFAULT = r"Default (`\w+`|true|false|-?\d[\d.]*(?:e-?\d+)?)\.(?: |$)"
BOUNDS = {
    "[": "minimum",
    "(": "exclusiveMinimum",
    "]": "maximum",
    ")": "exclusiveMaximum",
}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"minimum": 1, "maximum": 8192}, "Units. In [1, 8192]."),
        (
            {"minimum": 0.0, "exclusiveMaximum": 1.0, "default": 0.5},
            "Units. In [0, 1). Default 0.5.",
        ),
        ({"exclusiveMinimum": 0.0, "default": 1e-8}, "Units. Greater than 0. Default 1e-8."),
        ({"minimum": 0, "exclusiveMaximum": 2**63, "default": 0}, "Units. At least 0. Default 0."),
        ({"maximum": 10}, "Units. At most 10."),
        ({"type": "string", "default": "relu"}, "Units. Default `relu`."),
        ({"type": "boolean", "default": False}, "Units. Default false."),
        ({"anyOf": [{"minimum": 2}, {"type": "null"}], "default": None}, "Units. At least 2."),
        ({"default": {"type": "adam"}}, "Units."),
    ],
)
def test_a_description_gets_the_range_and_the_default(schema: dict[str, Any], text: str) -> None:
    assert described({**schema, "description": "Units."}) == text


def test_what_a_text_states_is_not_repeated() -> None:
    text = "Units. From 1 to `max_units`. Defaults to the width of the input."
    assert described({"minimum": 1, "default": 4, "description": text}) == text


def test_the_default_comes_last() -> None:
    text = "Number of units. Defaults to the width of the input."
    stated = described({"minimum": 1, "description": text})
    assert stated == "Number of units. At least 1. Defaults to the width of the input."


def test_the_fields_of_a_model_have_complete_descriptions() -> None:
    assert field_descriptions(ClippingSpec)["norm"].endswith("Greater than 0.")
    assert set(field_descriptions(TrainingSpec)) == set(TrainingSpec.model_fields)


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    for api in apis():
        for name, schema in openapi_document(api)["components"]["schemas"].items():
            for field, about in schema.get("properties", {}).items():
                yield f"{name}.{field}", about


def test_a_range_that_a_text_states_is_that_of_the_schema() -> None:
    checked = 0
    for name, about in properties():
        arms = [about, *about.get("anyOf", ())]
        text = " ".join(about.get("description", "").split())
        stated = re.findall(r"In ([\[(])(-?[\d.e]+), (-?[\d.e]+)([\])])", text)
        if not any(key in arm for arm in arms for key in BOUNDS.values()):
            continue  # a reply: the text alone states its range
        for opening, low, high, closing in stated:
            bounds = {BOUNDS[opening]: float(low), BOUNDS[closing]: float(high)}
            assert any(bounds.items() <= arm.items() for arm in arms), (name, text)
            checked += 1
    assert checked > 50


def test_a_default_that_a_text_states_is_that_of_the_schema() -> None:
    checked = 0
    for name, about in properties():
        text = " ".join(about.get("description", "").split())
        default = about.get("x-default")
        if isinstance(default, bool | int | float | str) and default != "":
            for stated in re.findall(
                r"Default (`\w+`|true|false|-?\d[\d.]*(?:e-?\d+)?)\.(?: |$)", text
            ):
                assert stated == shown(default), (name, text, default)
                checked += 1
    assert checked > 100
