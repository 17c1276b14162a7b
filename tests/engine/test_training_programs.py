"""A training program repeats what the engine computed, in other code."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from tests.engine.recordings import CASES, Case, DType, record, training_program

from epochal_engine import AUGMENTATIONS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, find_loss
from epochal_engine.export.training import (
    Recording,
    TooLarge,
    training_numpy,
    training_pytorch,
)
from epochal_engine.export.training import program as writer
from epochal_engine.model.layers import Layer, Residual

XOR = CASES["l2"]


def layer_types(layers: tuple[Layer, ...]) -> set[str]:
    inner = [layer_types(layer.layers) for layer in layers if isinstance(layer, Residual)]
    return {layer.type for layer in layers}.union(*inner)


def test_the_trainings_of_these_tests_use_everything() -> None:
    cases = CASES.values()
    assert set().union(*(layer_types(c.network.layers) for c in cases)) == set(LAYERS)
    assert {find_loss(c.training.loss).type for c in cases} == {
        name for name, loss in LOSSES.items() if loss.rows == 1
    }
    assert {c.training.optimizer.type for c in cases} == set(OPTIMIZERS)
    assert {c.training.schedule.type for c in cases} == set(SCHEDULES)
    assert {a.type for c in cases for a in c.training.augmentation} == set(AUGMENTATIONS)


def compare(recording: Recording) -> tuple[list[dict[str, Any]], list[str]]:
    """Run the program in this process."""
    table: list[dict[str, Any]]
    table, left_out = training_program(training_numpy(recording))["compare"]()
    return table, left_out


@pytest.mark.long
@pytest.mark.parametrize("dtype", get_args(DType))
@pytest.mark.parametrize("name", CASES)
def test_the_numpy_program_agrees_with_the_engine(name: str, dtype: DType) -> None:
    recording = record(CASES[name], dtype)
    table, _ = compare(recording)
    for row in table:
        assert row["deviation"] <= row["tolerance"], row
        if dtype == "float64":
            assert row["compared"] == row["total"], row
            assert row["deviation"] <= 1e-9, row
    rows = {row["name"] for row in table}
    assert set(recording.columns) <= rows
    assert {f"gradient norm of {layer}" for layer in recording.gradient_norms} <= rows
    assert any(row["name"].startswith("weights of") and row["compared"] > 0 for row in table)


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_the_pytorch_program_can_be_compiled(name: str) -> None:
    compile(training_pytorch(record(CASES[name], "float32")), "training.py", "exec")


def test_a_bias_before_a_batch_norm_is_left_out() -> None:
    layers = (LAYERS["dense"](units=6), *CASES["batch_norm"].network.layers[1:])  # type: ignore[call-arg]
    case = replace(CASES["batch_norm"], network=replace(XOR.network, layers=layers))
    table, left_out = compare(record(case, "float64"))
    assert left_out == ["dense_1.bias"]
    assert all(row["deviation"] <= row["tolerance"] for row in table)


def test_epochs_that_rounding_errors_decide_are_not_compared() -> None:
    # A learning rate at which steps overshoot.
    training = replace(XOR.training, optimizer=OPTIMIZERS["sgd"](2.0), epochs=300, l2=0.0)
    recording = record(replace(XOR, training=training), "float32")
    table, _ = compare(recording)
    rows = {row["name"]: row for row in table}
    assert 0 < rows["train_loss"]["compared"] < rows["train_loss"]["total"] == 300
    assert rows["weights of dense_1"]["compared"] == 0
    assert all(row["deviation"] <= row["tolerance"] for row in table)


def test_norms_that_an_earlier_version_stored_in_float32_agree_to_seven_digits() -> None:
    recording = record(XOR, "float64")
    norms = {layer: norm.astype(np.float32) for layer, norm in recording.gradient_norms.items()}
    table, _ = compare(replace(recording, gradient_norms=norms))
    for row in table:
        assert row["deviation"] <= row["tolerance"], row
        assert row["tolerance"] == (2**-23 if "norm of" in row["name"] else 1e-9)


def changed(case: Case, what: str) -> Recording:
    """What was recorded, with one number changed by a millionth."""
    recording = record(case, "float64")
    match what:
        case "train_loss":
            column = recording.columns["train_loss"].copy()
            column[4] *= 1 + 1e-6
            return replace(recording, columns={**recording.columns, "train_loss": column})
        case "gradient norm of dense_2":
            norms = recording.gradient_norms["dense_2"].copy()
            norms[4] *= 1 + 1e-6
            return replace(recording, gradient_norms={**recording.gradient_norms, "dense_2": norms})
    weights = {name: array.copy() for name, array in recording.last_weights.items()}
    weights["dense_3.weight"][np.abs(weights["dense_3.weight"]) > 0.1] *= 1 + 1e-6
    return replace(recording, last_weights=weights)


@pytest.mark.parametrize("what", ["train_loss", "gradient norm of dense_2", "weights of dense_3"])
def test_a_change_of_a_millionth_is_noticed(what: str, tmp_path: Path) -> None:
    program = tmp_path / "training.py"
    program.write_bytes(training_numpy(changed(XOR, what)))
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "NOT all within tolerance." in done.stdout
    table, _ = compare(changed(XOR, what))
    assert [row["name"] for row in table if row["deviation"] > row["tolerance"]] == [what]


def test_the_program_imports_nothing_but_numpy_and_the_standard_library() -> None:
    lines = training_numpy(record(XOR, "float32")).decode().splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    standard = [f"import {module}" for module in ("base64", "json", "math", "sys")]
    assert imports == [*standard, "import numpy as np"]


def test_a_training_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    recording = record(XOR, "float32")
    monkeypatch.setattr(writer, "LARGEST_ARRAYS", 1_000)
    with pytest.raises(TooLarge, match="the limit of a training program is"):
        training_numpy(recording)
