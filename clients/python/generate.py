"""Generates the SDK's types, spec builders and routes from the models and methods of the service.

    specs          ->  types.py    words (Literal), specs (TypedDict), replies (dataclass)
                   ->  layers.py, optimizers.py, schedules.py, augmentations.py,
                       corruptions.py, data.py
    methods/table  ->  transport/routes.py
                   ->  simulations.py  one method for each explorer
    errors         ->  errors.py  the classes of refusals, and their tree
    Client         ->  _generated/aio.pyi  the types of AsyncClient

`python clients/python/generate.py` writes the files; with --check it names the stale ones and
exits with status 1. A class `<Record>Methods` in record_methods.py becomes a base of that record.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from generator.awaited import aio_file
from generator.builders import BUILDERS, builders_file, data_file
from generator.classes import PACKAGE, types_file
from generator.errors import errors_file
from generator.explorers import simulations_file
from generator.routes import routes_file


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    texts = {"types": types_file(), "data": data_file(), "transport/routes": routes_file()}
    texts |= {"simulations": simulations_file(), "errors": errors_file()}
    texts |= {name: builders_file(union, idea) for name, (union, idea) in BUILDERS.items()}
    files = {PACKAGE / f"{name}.py": formatted(text) for name, text in texts.items()}
    return files | {PACKAGE / "_generated" / "aio.pyi": formatted(aio_file(), "aio.pyi")}


def formatted(text: str, name: str = "types.py") -> str:
    """`text` as ruff writes it, without imports that it does not need."""
    ruff = [str(Path(sys.executable).parent / "ruff")]
    config = ["--config", str(PACKAGE.parents[3] / "pyproject.toml")]
    place = ["--stdin-filename", str(PACKAGE / name)]
    lint = ["check", "--fix-only", "--select", "F401,I,UP", "-q", "-"]
    for command in ([*ruff, *lint, *config, *place], [*ruff, "format", "-q", "-", *config, *place]):
        done = subprocess.run(command, input=text, text=True, capture_output=True, check=True)
        text = done.stdout
    return text


def main() -> int:
    """Write the files, or with --check name the stale ones."""
    stale = {p: t for p, t in files().items() if not p.exists() or p.read_text("utf-8") != t}
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(Path.cwd())} is stale; run: make protos")
        return 1 if stale else 0
    for path, text in stale.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
