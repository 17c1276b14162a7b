"""`make test-changed` runs the tests that a change can break."""

import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tools.changed.proofs import plant
from tools.changed.record import Record, merge
from tools.changed.selection import RECORDED, is_python, select
from tools.changed.sources import Sources, read

RECORDING = Path(__file__).parents[2] / "tools" / "changed" / "recording"
FILES = {
    "engine/shapes.py": '''
from functools import cache, cached_property

SIDES = 4


class Shape:
    color: str = "red"

    @cached_property
    def name(self) -> str:
        return _title("shape")


def area(width: int) -> int:
    """Return the area."""
    return width * width


def perimeter(width: int) -> int:
    return width * SIDES


def _double(width: int) -> int:
    return 2 * width


def _title(text: str) -> str:
    return text.title()


@cache
def cube() -> int:
    return _third_power(2)


def _third_power(width: int) -> int:
    return width**3


TWICE = _double(21)
''',
    "engine/paint.py": """
from shapes import Shape


def paint(shape: Shape) -> str:
    return shape.color


def untested() -> int:
    return 7
""",
    "engine/__main__.py": """
from paint import untested

print(untested())
""",
    "tests/conftest.py": """
import pytest
import shapes


@pytest.fixture(scope="session")
def square() -> int:
    return shapes.area(2)
""",
    "tests/test_shapes.py": """
import shapes
from paint import paint


def test_area(square):
    assert square == 4


def test_area_again(square):
    assert square < 5


def test_perimeter():
    assert shapes.perimeter(2) == 8


def test_color():
    assert paint(shapes.Shape()) == "red"


def test_twice():
    assert shapes.TWICE == 42


def test_cube():
    assert shapes.cube() == 8


def test_cube_again():
    assert shapes.cube() == 8


SHARED = shapes.Shape()


def test_name():
    assert SHARED.name == "Shape"


def test_name_again():
    assert SHARED.name == "Shape"
""",
    "tests/test_command.py": """
import subprocess, sys


def test_command():
    assert subprocess.check_output([sys.executable, "engine/__main__.py"]) == b"7\\n"
""",
}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The record of a run of these tests."""
    if sys.version_info < (3, 12):
        pytest.skip("recording needs Python 3.12")
    tree = tmp_path_factory.mktemp("tree")
    for path, text in FILES.items():
        (tree / path).parent.mkdir(exist_ok=True)
        (tree / path).write_text(text)
    folder = tree / ".test-coverage"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "sitecustomize", "-p", "no:cacheprovider"],
        cwd=tree,
        env={
            **os.environ,
            "TEST_RECORD": str(folder),
            "PYTHONPATH": f"{RECORDING}{os.pathsep}{tree / 'engine'}",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    merge(folder, Sources(FILES), "abc").save(folder)
    return Record.load(folder)


def chosen(record: Record, path: str, old: str, new: str) -> set[str]:
    """The names of the tests that run when a text replaces another."""
    before = FILES.get(path, "")
    after = before.replace(old, new) if before else new
    assert after != before
    files = {**FILES, path: after}
    sources = Sources({path: text for path, text in files.items() if is_python(path)})
    selection = select(record, sources, [(path, before, after)])
    return {name.partition("::")[2] for name in selection.names()} - {""}


CASES: Mapping[str, tuple[str, str, str, set[str]]] = {
    "a function, through a shared fixture": (
        "engine/shapes.py",
        "width * width",
        "width + width",
        {"test_area", "test_area_again"},
    ),
    "a name of a module": ("engine/shapes.py", "SIDES = 4", "SIDES = 5", {"test_perimeter"}),
    "a function that runs in an import, here and in another process": (
        "engine/shapes.py",
        "2 * width",
        "3 * width",
        {"test_twice", "test_command"},
    ),
    "a function below a cache": (
        "engine/shapes.py",
        "width**3",
        "width**2",
        {"test_cube", "test_cube_again"},
    ),
    "a function below a cached property": (
        "engine/shapes.py",
        "text.title",
        "text.upper",
        {"test_name", "test_name_again"},
    ),
    "a function in another process": ("engine/paint.py", "return 7", "return 8", {"test_command"}),
    "a comment and a docstring": ("engine/shapes.py", "the area.", "the area of a square.", set()),
    "a fixture": ("tests/conftest.py", "area(2)", "area(3)", {"test_area", "test_area_again"}),
    "a new test": (
        "tests/test_shapes.py",
        "SHARED = ",
        "def test_new():\n    assert True\n\n\nSHARED = ",
        {"test_new"},
    ),
    "a file in another language": ("deploy/new.yaml", "", "x", set()),
}


@pytest.mark.parametrize("case", CASES)
def test_the_tests_of_a_change_run(record: Record, case: str) -> None:
    path, old, new, expected = CASES[case]
    assert chosen(record, path, old, new) == expected


def test_a_field_of_a_class_is_used_through_annotations(record: Record) -> None:
    tests = chosen(record, "engine/shapes.py", '"red"', '"blue"')
    assert "test_color" in tests
    assert not {"test_area", "test_cube", "test_command"} & tests


def test_the_walk_is_read_by_the_functions_beside_it() -> None:
    units = {"engine/epochal_engine/walk/native.py:load": 1, "engine/epochal_engine/x.py:f": 2}
    record = Record("abc", ["tests/a.py::one", "tests/a.py::two"], [1.0, 2.0], {}, units, {})
    selection = select(record, Sources({}), [("engine/epochal_engine/walk/walk.c", "", "")])
    assert record.named(selection.tests) == ["tests/a.py::one"]
    assert record.time(selection.tests) == 1.0


def test_a_new_component_changes_what_its_base_lists() -> None:
    base = "class Layer:\n    def __init_subclass__(cls): ...\n\ndef layers() -> list[Layer]: ...\n"
    files = {"engine/base.py": base, "engine/dense.py": "from base import Layer\n"}
    record = Record("abc", ["tests/a.py::one"], [1.0], {}, {"engine/base.py:layers": 1}, {})
    after = files["engine/dense.py"] + "class Dense(Layer): ...\n"
    sources = Sources({**files, "engine/dense.py": after})
    selection = select(record, sources, [("engine/dense.py", files["engine/dense.py"], after)])
    assert selection.tests == 1


def test_a_planted_fault_changes_one_function() -> None:
    source = FILES["engine/shapes.py"]
    function = read("engine/shapes.py", source).units["area"].nodes[0]
    planted = plant(source, function, random.Random(0))
    assert planted is not None
    assert planted != source
    before, after = (read("engine/shapes.py", text).units for text in (source, planted))
    assert [name for name in before if before[name].text != after[name].text] == ["area"]


def test_what_is_recorded_is_what_is_compared() -> None:
    names = ", ".join(f'"{folder}"' for folder in RECORDED)
    assert f"({names})" in (RECORDING / "sitecustomize.py").read_text()
