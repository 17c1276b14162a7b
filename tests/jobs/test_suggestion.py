"""A suggestion is a job that can be trained, and it suits the form of the data."""

import sys
from typing import Any

import numpy as np
import pytest

from epochal_course.content.presets import preset
from epochal_engine import Run
from epochal_service.datasets import CATALOG, Dataset, parse_csv
from epochal_service.preparation.prepared import build
from epochal_service.preparation.suggestion import suggest
from epochal_service.resources.datasets import generate
from epochal_service.settings import Limits
from epochal_service.specs.datasets import GeneratorSpec
from epochal_service.specs.suggestion import Suggestion
from epochal_service.specs.training import TrainingSpec


def builtin(name: str, **parameters: Any) -> Dataset:
    return generate(GeneratorSpec(name=name, **parameters))


def suggestion_of(dataset: Dataset) -> Suggestion:
    return suggest(dataset, {"id": "data_1"})


def types_of(suggestion: Suggestion) -> list[str]:
    return [layer.type for layer in suggestion.spec.network.layers]  # type: ignore[union-attr]


def value_at(spec: dict[str, Any], path: str) -> Any:
    for name in path.split("."):
        spec = spec[name]
    return spec


def last_losses(dataset: Dataset) -> tuple[float, float]:
    """Train the suggested job; return the lowest and the first validation loss."""
    prepared = build(suggestion_of(dataset).spec, dataset, Limits())
    run = Run(prepared.network, prepared.training, prepared.data)
    for _ in run:
        pass
    losses = np.concatenate([block.columns["validation_loss"] for block in run.take()])
    return float(losses.min()), float(losses[0])


@pytest.mark.long
@pytest.mark.parametrize("name", CATALOG)
def test_every_builtin_data_set_has_a_job_that_can_be_trained(name: str) -> None:
    dataset = builtin(name)
    suggestion = suggest(dataset, {"name": name})
    assert suggestion.spec.name == name
    build(suggestion.spec, dataset, Limits())
    set_by_the_rules = suggestion.spec.model_dump(exclude_none=True)
    for reason in suggestion.reasons:
        assert reason.reason.endswith(".")
        if reason.value is not None:
            value_at(set_by_the_rules, reason.field)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("iris", ["dense", "concatenate", "dense"]),
        ("digits", ["reshape", "conv2d", "max_pool2d", "conv2d", "flatten", "dense"]),
        ("adding", ["reshape", "gru", "dense"]),
        ("functions", ["reshape", "dense", "positional_encoding", "transformer_block"]),
        ("sonnets", ["embedding", "gru", "dense"]),
        ("sentences", ["embedding", "positional_encoding", "transformer_block"]),
        ("digit_images", ["dense", "dense", "dense", "dense"]),
    ],
)
def test_the_network_suits_the_form_of_the_inputs(name: str, layers: list[str]) -> None:
    assert types_of(suggestion_of(builtin(name)))[: len(layers)] == layers


def test_next_tokens_are_predicted_from_the_tokens_before() -> None:
    block = suggestion_of(builtin("sentences")).spec.network.layers[2]  # type: ignore[union-attr]
    assert block.causal
    block = suggestion_of(builtin("sorting")).spec.network.layers[2]  # type: ignore[union-attr]
    assert not block.causal


def test_the_numbers_of_a_series_are_predicted_from_earlier_ones_alone() -> None:
    layers = suggestion_of(builtin("functions", samples=100)).spec.network.layers  # type: ignore[union-attr]
    assert [layer.causal for layer in layers if layer.type == "transformer_block"] == [True, True]
    # One output for each step: a layer over all steps would read the later ones.
    assert [(layers[-2].type, layers[-2].units), layers[-1].type] == [("dense", 1), "flatten"]


def test_a_generated_data_set_needs_no_cross_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("epochal_service.preparation.suggestion.cross_validate")
    for name, parameters in (("spiral", {}), ("sine", {}), ("blobs", {"features": 10})):
        assert types_of(suggestion_of(builtin(name, **parameters))) == ["dense"] * 3


def test_a_handful_of_samples_is_not_split() -> None:
    spec = suggestion_of(builtin("xor")).spec
    assert spec.validation_fraction == 0
    assert spec.early_stopping is None


@pytest.mark.parametrize(
    ("table", "at_most"),
    [
        # A line in units of thousands: no better than the mean without scaling.
        ("area,price\n50,100000\n60,120000\n70,141000\n80,160000\n90,180000\n", 0.01),
        ("height,weight,sex\n150,50,f\n160,60,m\n170,80,m\n155,51,f\n", 0.01),
        ("a,b,xor\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n", 0.01),
        ("x,y\n1,2000\n2,4000\n", 0.01),
    ],
)
def test_a_table_of_a_few_rows_is_learned(table: str, at_most: float) -> None:
    dataset = parse_csv(table)
    prepared = build(suggestion_of(dataset).spec, dataset, Limits())
    run = Run(prepared.network, prepared.training, prepared.data)
    for _ in run:
        pass
    assert run.take()[-1].columns["train_loss"][-1] < at_most


def test_a_suggested_job_learns() -> None:
    lowest, first = last_losses(builtin("spiral"))
    assert first > 0.6
    assert lowest < 0.2


PRESETS = (
    *("moons", "circles", "spiral", "sine", "xor", "adding-gru", "sorting", "reversal"),
    *("sentences", "sonnets", "plays-characters", "first-names", "iris", "wine", "breast-cancer"),
    *("digits", "lenet", "shifted-digits", "autoencoder"),
)


def error_of(spec: TrainingSpec, dataset: Dataset, accuracy: str | None) -> float:
    """Train; return the error rate, or the fraction of the variance that is not explained."""
    prepared = build(spec, dataset, Limits())
    run = Run(prepared.network, prepared.training, prepared.data)
    for _ in run:
        pass
    blocks = run.take()
    values = {
        name: np.concatenate([block.columns[name] for block in blocks])
        for name in blocks[0].columns
    }
    best = -1 if spec.early_stopping is None else int(values["validation_loss"].argmin())
    if accuracy is not None:
        return float(1 - values[accuracy][best])
    is_scaled = spec.target_scaling != "none"
    return float(values["validation_loss"][best] / (1 if is_scaled else dataset.targets.var()))


@pytest.mark.training
@pytest.mark.parametrize("name", PRESETS)
def test_a_suggested_job_comes_within_5_percent_of_the_preset(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = preset(name).spec
    reference = spec.dataset.model_dump(exclude_unset=True, exclude={"scaling"})
    errors = []
    for seed in (21, 22, 23):
        dataset = generate(GeneratorSpec.model_validate({**reference, "seed": seed}))
        jobs = [spec, suggest(dataset, reference).spec]
        accuracy = None
        if dataset.task != "regression":
            accuracy = ("validation" if spec.validation_fraction else "train") + "_accuracy"
        errors.append(
            [error_of(job.model_copy(update={"seed": seed}), dataset, accuracy) for job in jobs]
        )
    by_preset, by_suggestion = np.median(errors, axis=0)
    with capsys.disabled():
        sys.stdout.write(f"\n{name:<18} preset {by_preset:6.1%}  suggestion {by_suggestion:6.1%}\n")
    assert by_suggestion <= by_preset + 0.05
