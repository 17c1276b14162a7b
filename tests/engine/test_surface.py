"""Programs import names that the engine lists, and private names stay in their folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest

import epochal_engine

ROOT = Path(__file__).parents[2]
ENGINE = Path(epochal_engine.__file__).parent
PUBLIC = (
    "epochal_engine",
    "epochal_engine.symbolic",
    "epochal_engine.data",
    "epochal_engine.model",
    "epochal_engine.training",
    "epochal_engine.insight",
    "epochal_engine.export",
    "epochal_engine.export.training",
)
USERS = ("service", "workers", "benchmarks", "engine/examples")


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the module, and the name that a file imports from it; absolute imports alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_a_name_is_public_in_one_place() -> None:
    names = list(chain.from_iterable(import_module(module).__all__ for module in PUBLIC))
    assert len(names) == len(set(names))


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_exists(module: str) -> None:
    package = import_module(module)
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


@pytest.mark.parametrize("folder", USERS)
def test_programs_import_public_names_alone(folder: str) -> None:
    others = {
        f"{path.relative_to(ROOT)}: {module}.{name}"
        for path in (ROOT / folder).rglob("*.py")
        for module, name in imports(path)
        if module.split(".")[0] == "epochal_engine"
        and not (module in PUBLIC and (not name or name in import_module(module).__all__))
    }
    assert others == set()


def test_a_folder_of_the_engine_alone_imports_its_private_modules() -> None:
    others = {
        f"{path.relative_to(ENGINE)}: {node.module}"
        for path in ENGINE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module is not None
        # A subfolder, `..`, belongs to its folder.
        if any(part.startswith("_") and part != "__future__" for part in node.module.split("."))
        and (node.level == 0 or node.level > 2 or not node.module.startswith("_"))
    }
    assert others == set()
