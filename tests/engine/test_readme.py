"""The engine's README shows a program that works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import epochal_engine
from epochal_engine import LAYERS, Dense, Network, predict

README = Path(__file__).parents[2] / "engine" / "README.md"


def run_program(number: int) -> dict[str, Any]:
    """The names that a program of the README leaves behind."""
    programs = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(programs) == 2
    names: dict[str, Any] = {"__name__": "readme"}
    exec(compile(programs[number], README, "exec", dont_inherit=True), names)
    return names


def test_the_program_learns_exclusive_or() -> None:
    names = run_program(0)
    assert names["losses"].shape == (500,)
    assert names["losses"][-1] < 0.1
    assert np.round(names["predictions"]).ravel().tolist() == [0.0, 1.0, 1.0, 0.0]


def test_the_layer_is_one_formula_and_nothing_else() -> None:
    gate = run_program(1)["Gate"]
    del LAYERS["gate"]  # The program registers it.
    network = Network((3,), (gate(), Dense(2)))
    assert network.parameters["gate_1.weight"] == (3,)
    weights = {name: np.zeros(shape) for name, shape in network.parameters.items()}
    weights["dense_2.weight"] = np.ones((3, 2))
    actual = predict(network, weights, np.array([[1.0, 2.0, 3.0]]))
    assert actual.tolist() == [[3.0, 3.0]]  # each gate is half open


def test_every_module_has_its_place_in_the_reading_order() -> None:
    order = README.read_text(encoding="utf-8").partition("## Reading order")[2]
    named = {
        folder: set(re.findall(r"`(\w+\.py|\w+/)`", text))
        for folder, text in re.findall(r"^\d\. `(\w+)/`:(.*?)(?=^\d\. |\n\n)", order, re.M | re.S)
    }
    engine = Path(epochal_engine.__file__).parent
    folders = [path for path in engine.iterdir() if (path / "__init__.py").is_file()]
    assert set(named) == {folder.name for folder in folders}
    for folder in folders:
        if folder.name not in ("walk", "export"):  # Read from their `__init__.py`.
            packages = {f"{path.parent.name}/" for path in folder.glob("*/__init__.py")}
            modules = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
            assert named[folder.name] == packages | modules
