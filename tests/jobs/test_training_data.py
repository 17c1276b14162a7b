"""A training program compares its data with a file, and finds each number that was forged."""

import ast
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engine.recordings import training_program

import epochal_engine as engine
from epochal_engine import Data
from epochal_engine.data import GENERATORS
from epochal_engine.export.training import (
    Generated,
    Recording,
    Source,
    training_numpy,
    training_pytorch,
)
from epochal_engine.export.training.source import section_of
from epochal_engine.training import check_data, join
from epochal_service.answers.sources import source_of
from epochal_service.datasets import Dataset, load, parse_csv
from epochal_service.datasets.columns import Choice
from epochal_service.preparation.prepared import build
from epochal_service.settings import UNLIMITED
from epochal_service.specs.training import TrainingSpec

ROWS = 60


def table() -> str:
    """A table with every kind of column, gaps, and a row without a target."""
    rng = np.random.default_rng(0)
    lines = ["size;city;paid;sold;owner;kind;price"]
    for row in range(ROWS):
        size = "" if row % 7 == 3 else f"{rng.normal(20, 9):.4f}".replace(".", ",")
        city, paid = rng.choice(["Rome", "Oslo", "Lima"]), rng.choice(["yes", "no"])
        sold = date(2020, 1, 1) + timedelta(days=int(rng.integers(900)))
        kind = "" if row == 10 else rng.choice(["cat", "dog", "owl"])
        price = f"{rng.normal(3, 1):.4f}".replace(".", ",")
        lines.append(f"{size};{city};{paid};{sold};o{rng.integers(25)};{kind};{price}")
    return "\n".join(lines) + "\n"


TABLE = table()


def dataset_of(target: str) -> Dataset:
    other = {"kind": "price", "price": "kind"}[target]
    choices = {"owner": Choice("group"), other: Choice("ignore")}
    return parse_csv(TABLE, target=target, choices=choices, fills=True)


def recording_of(dataset: Dataset, spec: dict[str, Any]) -> Recording:
    """Train for an epoch, and return what is stored of it."""
    is_class = spec["loss"] == "cross_entropy"
    output = {"units": len(dataset.class_names), "activation": "softmax"} if is_class else {}
    written = TrainingSpec.model_validate(
        {
            "network": {
                "input_shape": [dataset.features],
                "layers": [{"type": "dense", "units": 1, **output}],
            },
            "dataset": {"id": "a table", "scaling": "none"},
            "epochs": 1,
            "validation_fraction": 0.25,
            "split": {"seed": 7},
            **spec,
        }
    )
    prepared = build(written, dataset, UNLIMITED)
    data = check_data(prepared.network, prepared.training, prepared.data)
    run = engine.Run(prepared.network, prepared.training, data)
    initial = run.weights()
    assert [*run] == [1]
    columns = join(run.take()).columns
    source = source_of(prepared)
    return Recording(
        "x",
        prepared.network,
        prepared.training,
        data,
        initial,
        columns,
        None,
        {},
        {},
        source=source,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(TABLE, "utf-8")
    return path


def differences_from(recording: Recording, path: Path | str) -> list[str]:
    errors: list[str]
    errors, compared = training_program(training_numpy(recording))["data_differences"](str(path))
    assert compared > 0
    return errors


CLASSES = {"loss": "cross_entropy", "split": {"seed": 7, "stratify": True, "test_fraction": 0.1}}


@pytest.mark.parametrize(
    ("scaling", "dtype"), [("none", "float32"), ("standard", "float64"), ("minmax", "float32")]
)
@pytest.mark.parametrize(
    ("target", "spec"),
    [
        ("kind", CLASSES),
        ("kind", {"loss": "cross_entropy", "split": {"seed": 7, "group_column": "owner"}}),
        ("kind", {"loss": "cross_entropy", "split": {"seed": 7, "group_column": "city"}}),
        ("price", {"loss": "mse"}),
    ],
)
def test_the_file_gives_the_samples_of_the_training(
    target: str, spec: dict[str, Any], scaling: str, dtype: str, path: Path
) -> None:
    spec = {**spec, "dtype": dtype, "dataset": {"id": "a table", "scaling": scaling}}
    recording = recording_of(dataset_of(target), spec)
    assert differences_from(recording, path) == []
    for program in (training_numpy(recording), training_pytorch(recording)):
        functions = [n.name for n in ast.parse(program).body if isinstance(n, ast.FunctionDef)]
        assert len(functions) == len({*functions}), "one of them hides another"


def changed(**arrays: Callable[[Any], Any]) -> Callable[[Recording], Recording]:
    def change(recording: Recording) -> Recording:
        data = recording.data
        new = {name: function(getattr(data, name).copy()) for name, function in arrays.items()}
        return replace(recording, data=Data(**{**vars(data), **new}))

    return change


def larger(inputs: Any) -> Any:
    inputs[3, 0] *= 1.01
    return inputs


def other_class(targets: Any) -> Any:
    targets[2] = (targets[2] + 1) % 3
    return targets


def swapped(array: Any) -> Any:
    array[[0, 4]] = array[[4, 0]]
    return array


def other_split(recording: Recording) -> Recording:
    assert recording.source is not None
    return replace(recording, source=replace(recording.source, split_seed=8))


def longer(array: Any) -> Any:
    return np.concatenate([array, array[:1]])


@pytest.mark.parametrize(
    ("forge", "count", "first"),
    [
        (changed(train_inputs=larger), 1, "column 'size'"),
        (changed(validation_inputs=larger), 1, "column 'size'"),
        (changed(train_targets=other_class), 1, "column 'kind'"),
        (changed(train_inputs=swapped, train_targets=swapped), 2, "training sample 1 is row"),
        (
            changed(train_inputs=longer, train_targets=longer),
            1,
            "39 training samples; the split of the file gives 38",
        ),
        (other_split, None, "the split from the seed 8 has row"),
    ],
)
def test_what_is_forged_is_named(
    forge: Callable[[Recording], Recording], count: int | None, first: str, path: Path
) -> None:
    spec = {**CLASSES, "dataset": {"id": "a table", "scaling": "standard"}}
    errors = differences_from(forge(recording_of(dataset_of("kind"), spec)), path)
    assert first in errors[0], errors
    assert len(errors) == count or (count is None and len(errors) > 20), errors


def test_a_number_that_is_forged_in_the_file_is_named_with_its_row(path: Path) -> None:
    recording = recording_of(dataset_of("kind"), CLASSES)
    lines = TABLE.splitlines()
    lines[1] = f"99,5{lines[1][lines[1].index(';') :]}"
    path.write_text("\n".join(lines), "utf-8")
    was = float(TABLE.splitlines()[1].split(";")[0].replace(",", "."))
    assert differences_from(recording, path) == [
        f"row 1, column 'size': {was:.6g} was trained, the file has 99.5"
    ]


def test_arrays_and_a_table_of_numbers_are_files_as_well(tmp_path: Path) -> None:
    iris = load("iris")
    spec = {**CLASSES, "dataset": {"name": "iris", "scaling": "standard"}}
    recording = recording_of(iris, spec)
    labels = [iris.class_names[label] for label in iris.targets]
    np.savez(tmp_path / "iris.npz", inputs=iris.inputs, targets=np.array(labels))
    rows = [*zip(*iris.inputs.T.tolist(), labels, strict=True)]
    lines = [",".join(map(str, row)) for row in [(*iris.feature_names, "species"), *rows]]
    (tmp_path / "iris.csv").write_text("\n".join(lines), "utf-8")
    for name in ("iris.npz", "iris.csv"):
        assert differences_from(recording, tmp_path / name) == []
    with pytest.raises(SystemExit):
        differences_from(recording, "generated")


def test_a_generated_data_set_is_drawn_again(tmp_path: Path) -> None:
    moons = load("two_moons", samples=50, seed=4)
    options = {"name": "two_moons", "samples": 50, "seed": 4, "scaling": "standard"}
    recording = recording_of(moons, {**CLASSES, "dataset": options})
    assert differences_from(recording, "generated") == []
    forged = changed(train_inputs=larger)(recording)
    (errors,) = differences_from(forged, "generated")
    assert "column 'x'" in errors


@pytest.fixture(scope="module")
def source() -> Source:
    source = recording_of(load("iris"), CLASSES).source
    assert isinstance(source, Source)
    return source


@pytest.mark.parametrize("name", GENERATORS)
def test_a_program_draws_what_the_generator_does(source: Source, name: str) -> None:
    generator = GENERATORS[name]
    parameters = {n: p.default for n, p in generator.parameters.items() if p.default is not None}
    parameters["samples"] = 12
    text = section_of(replace(source, generated=Generated(name, parameters, seed=9)))
    names: dict[str, Any] = {"np": np}
    start = "from __future__ import annotations\n"
    exec(compile(start + text, "section", "exec"), names)
    drawn = names["generated"]()
    expected = generator.function(**parameters, rng=np.random.default_rng(9))
    for ours, theirs in zip(drawn, expected, strict=True):
        assert np.array_equal(ours, theirs)
