"""The engine's README shows a program that works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import epochal_engine

README = Path(__file__).parents[2] / "engine" / "README.md"


def test_the_program_learns_exclusive_or() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    assert names["losses"].shape == (500,)
    assert names["losses"][-1] < 0.1
    assert np.round(names["answers"]).ravel().tolist() == [0.0, 1.0, 1.0, 0.0]


def test_every_module_has_its_place_in_the_reading_order() -> None:
    folder = Path(epochal_engine.__file__).parent
    modules = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
    named = set(re.findall(r"`(\w+\.py)`", README.read_text(encoding="utf-8")))
    assert modules == named
