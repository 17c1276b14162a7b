"""The walk of the engine is compiled if there is a C compiler, and only then."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "engine"
WALK = Path("epochal_engine/walk")


def compile_walk(folder: Path, compiler: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Compile a copy of the walk in `folder`, where a library of an older source may be."""
    (folder / WALK).mkdir(parents=True, exist_ok=True)
    for file in (ENGINE / "compile_walk.py", *(ENGINE / WALK).glob("*.[ch]")):
        shutil.copyfile(file, folder / file.relative_to(ENGINE))
    return subprocess.run(
        [sys.executable, folder / "compile_walk.py", *options],
        env={"PATH": "/usr/bin:/bin", "CC": compiler},
        capture_output=True,
        text=True,
    )


def libraries(folder: Path) -> set[str]:
    return {path.suffix for path in (folder / WALK).iterdir()} - {".c", ".h"}


@pytest.mark.parametrize("compiler", ["false", "no-such-compiler"])
def test_an_installation_without_a_compiler_succeeds_and_says_why(
    tmp_path: Path, compiler: str
) -> None:
    (tmp_path / WALK).mkdir(parents=True)
    for suffix in (".so", ".dylib"):
        (tmp_path / WALK / f"walk{suffix}").touch()
    done = compile_walk(tmp_path, compiler)
    assert done.returncode == 0
    assert f"The walk in C was not compiled: {compiler} failed" in done.stderr
    # A library of an older source is not left behind.
    assert len(libraries(tmp_path)) == 1
    assert compile_walk(tmp_path, compiler, "--required").returncode == 1


@pytest.mark.long
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_walk_is_compiled_without_a_warning(tmp_path: Path) -> None:
    done = compile_walk(tmp_path, "cc -Wall -Wextra -Werror", "--required")
    assert done.returncode == 0, done.stderr
    assert len(libraries(tmp_path)) == 1
    assert Path(done.stdout.strip()).is_file()
