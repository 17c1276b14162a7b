"""Distributions: what an sdist and a wheel hold, their version, and the licenses they carry."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[2]
PAGE = "service/epochal_service/page/index.html"
PROGRAMS = {"epochal": "epochal", "epochald": "epochal_service"}


@pytest.mark.parametrize("builder", [SdistBuilder, WheelBuilder])
@pytest.mark.parametrize("path", [PAGE, "service/epochal_service/page/assets/index-abc.js.br"])
def test_both_distributions_of_the_service_hold_the_page(builder: Any, path: str) -> None:
    assert builder(str(ROOT)).config.include_path(path)


def test_a_wheel_without_a_page_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "tools/build_hook.py"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert f"{PAGE} is missing. Run `make page` first" in done.stdout + done.stderr
    assert not (tmp_path / "dist").exists() or not list((tmp_path / "dist").iterdir())


def test_the_three_manifests_have_one_version() -> None:
    versions = {
        tomllib.loads((ROOT / name).read_text())["project"]["version"]
        for name in ("pyproject.toml", "clients/python/pyproject.toml")
    }
    versions |= {
        json.loads((ROOT / "clients/web" / name).read_text())["version"]
        for name in ("package.json", "package-lock.json")
    }
    assert len(versions) == 1, versions


@pytest.mark.parametrize(("program", "module"), PROGRAMS.items())
def test_a_program_prints_its_version(program: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, "--version"], capture_output=True, text=True
    )
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert done.stdout == f"{program} {number}\n", done.stderr
