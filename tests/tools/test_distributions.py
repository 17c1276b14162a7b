"""Distributions: what an sdist and a wheel hold, their version, and the licenses they carry."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from hatchling.metadata.core import ProjectMetadata
from tools.dist import archive_protos, stop

ROOT = Path(__file__).parents[2]
PAGE = "service/epochal_service/page/index.html"
NOTICE = (ROOT / "NOTICE").read_text()
PROGRAMS = {"epochal": "epochal", "epochald": "epochal_service"}


@pytest.mark.parametrize("builder", [SdistBuilder, WheelBuilder])
@pytest.mark.parametrize(
    "path",
    [
        PAGE,
        "service/epochal_service/page/assets/index-abc.js.br",
        "service/epochal_course/content/sections.yaml",
    ],
)
def test_both_distributions_of_the_service_hold_the_page_and_the_content(
    builder: Any, path: str
) -> None:
    assert builder(str(ROOT)).config.include_path(path)


def test_a_wheel_without_a_page_is_not_built(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE", "tools/build_hook.py"):
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
        for name in ("package.json", "package-lock.json", "client/package.json")
    }
    assert len(versions) == 1, versions


@pytest.mark.parametrize(("program", "module"), PROGRAMS.items())
def test_a_program_prints_its_version(program: str, module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, "--version"], capture_output=True, text=True
    )
    number = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert done.stdout == f"{program} {number}\n", done.stderr


def bundled_packages() -> set[str]:
    """The packages with code or fonts in the built page, from the lock of the page."""
    packages = json.loads((ROOT / "clients/web/package-lock.json").read_text())["packages"]
    shipped = {path for path, package in packages.items() if path and not package.get("dev")}
    # The page is compiled with Svelte; its runtime and two of its packages go into it.
    names = {path.rpartition("node_modules/")[2] for path in shipped}
    return names | {"svelte", "clsx", "esm-env"}


@pytest.mark.parametrize("package", sorted(bundled_packages()))
def test_the_notice_names_every_package_in_the_page(package: str) -> None:
    # At the start of a line, so that `d3-time-format` does not stand for `d3-time`.
    assert re.search(rf"^  {re.escape(package)} ", NOTICE, re.MULTILINE)


def test_the_notice_names_every_data_set() -> None:
    folder = ROOT / "service/epochal_service/datasets/files"
    files = {file.name for file in folder.iterdir() if file.suffix != ".md"}
    assert files
    assert [name for name in sorted(files) if f"  {name} " not in NOTICE] == []


def test_the_dependencies_of_the_page_are_among_them() -> None:
    manifest = json.loads((ROOT / "clients/web/package.json").read_text())
    assert set(manifest["dependencies"]) <= bundled_packages()


@pytest.mark.parametrize("project", [ROOT, ROOT / "clients" / "python"])
def test_both_wheels_carry_license_and_notice(project: Path) -> None:
    core = ProjectMetadata(str(project), None).core
    assert sorted(core.license_files) == ["LICENSE", "NOTICE"]
    # Files, not links: an sdist would keep a link to a file outside it.
    for name in core.license_files:
        assert not (project / name).is_symlink()
        assert (project / name).read_text() == (ROOT / name).read_text()


def test_the_proto_archive_holds_every_file_and_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        archive_protos(tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    names = set(zipfile.ZipFile(tmp_path / "a.zip").namelist())
    protos = (ROOT / "protos").rglob("*.proto")
    assert names == {"LICENSE", "buf.yaml"} | {
        path.relative_to(ROOT / "protos").as_posix() for path in protos
    }


def test_a_process_that_outlives_its_parent_is_ended_and_reported() -> None:
    sleep = "import time; time.sleep(600)"
    code = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {sleep!r}]); "
    code += "print(child.pid, flush=True); child.wait()"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    child = psutil.Process(int(process.stdout.readline()))
    with pytest.raises(SystemExit, match="Every process of epochald ends with it"):
        stop(process)
    assert process.returncode != 0
    assert not child.is_running()
    process.stdout.close()
