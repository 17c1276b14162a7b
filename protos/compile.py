"""Compile the .proto files into one descriptor set, and put it beside the module that loads it.

    python protos/compile.py TARGET...

Both distributions carry the two. Neither wire needs generated code: the messages are built from
their descriptors at run time.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parent
WELL_KNOWN = Path(protoc.__file__).parent / "_proto"


def compile_descriptors(target: Path) -> None:
    """Write the descriptors of all files in `epochal` to `target`, a file of a package.

    Raise `SystemExit` if protoc finds an error, which it prints.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    files = sorted(str(path) for path in PROTOS.glob("epochal/**/*.proto"))
    status = protoc.main(
        ["protoc", f"-I{PROTOS}", f"-I{WELL_KNOWN}", f"--descriptor_set_out={target}", *files]
    )
    if status:
        raise SystemExit(f"protoc failed with status {status}")
    shutil.copyfile(PROTOS / "descriptors.py", target.with_name("__init__.py"))


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        compile_descriptors(Path(argument))
