"""Compile the walk in C into a shared library beside it.

    python engine/compile_walk.py [--required]

The compiler is the value of `CC`, or else `cc`, `gcc` or `clang`. Without one, or if it fails,
there is no library, and Python walks; `--required` makes this an error. The library calls NumPy and
BLAS by their addresses: it needs no header of Python or NumPy, and fits every version of Python.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "epochal_engine" / "walk"
SOURCES = tuple(FOLDER / name for name in ("walk.c", "record.c", "fused.c"))
HEADER = FOLDER / "portable.h"
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
COMPILERS = ("cc", "gcc", "clang")
# Sums and products stay apart: joined, they are rounded once instead of twice. Nobody reads `errno`
# or the flags of exceptions, for which a loop over square roots would be one of single numbers.
MATHEMATICS = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")
FLAGS = ("-std=c99", "-O3", *MATHEMATICS, "-fvisibility=hidden", "-shared")


def compiler() -> list[str] | None:
    """Return the command of the C compiler; None if there is none."""
    if command := os.environ.get("CC"):
        return shlex.split(command)
    return next(([name] for name in COMPILERS if shutil.which(name)), None)


def compile_walk() -> Path:
    """Write the library and return its path. Raise RuntimeError if that is not possible."""
    library = SOURCES[0].with_suffix(SUFFIX)
    # A library of an older source is worse than none.
    library.unlink(missing_ok=True)
    command = compiler()
    if command is None:
        raise RuntimeError("there is no C compiler")
    source = b"".join(file.read_bytes() for file in (*SOURCES, HEADER))
    digest = f"-DSOURCE_DIGEST={zlib.crc32(source)}u"
    ending = [] if sys.platform == "win32" else ["-fPIC", "-lm"]
    try:
        subprocess.run(
            [*command, *FLAGS, digest, *map(str, SOURCES), "-o", str(library), *ending],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        library.unlink(missing_ok=True)
        reason = getattr(error, "stderr", None) or error
        raise RuntimeError(f"{shlex.join(command)} failed: {reason}") from error
    return library


def main() -> None:
    """Compile, and print the path of the library or why there is none."""
    try:
        print(compile_walk())
    except RuntimeError as error:
        print(f"The walk in C was not compiled: {error}", file=sys.stderr)
        raise SystemExit(1 if "--required" in sys.argv else 0) from None


if __name__ == "__main__":
    main()
