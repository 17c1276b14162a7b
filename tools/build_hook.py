"""Build hook of `epochal-server`: compile the .proto files and the walk of the engine, and check
that the page is built.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags

PAGE = "service/epochal_service/page/index.html"
DESCRIPTORS = "service/epochal_service/_proto/epochal.binpb"


class ServerHook(BuildHookInterface[Any]):
    """Run before files are collected, for an editable install too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the descriptors and the walk. Stop the build of an sdist or a wheel if the page
        is missing; an editable install needs none, because `make page` adds it later.

        Without a C compiler there is no walk, and the engine does without; `EPOCHAL_WALK=required`
        makes that an error.
        """
        root = Path(self.root)
        if version != "editable" and not (root / PAGE).is_file():
            self.app.abort(f"{PAGE} is missing. Run `make page` first: the wheel carries the page.")
        command: list[str | Path] = [sys.executable, root / "protos/compile.py", root / DESCRIPTORS]
        subprocess.run(command, check=True)
        if self.target_name == "wheel":
            self.add_walk(root, build_data)

    def add_walk(self, root: Path, build_data: dict[str, Any]) -> None:
        """Compile the walk, and make the wheel one for this platform if it holds the library."""
        required = ["--required"] if os.environ.get("EPOCHAL_WALK") == "required" else []
        subprocess.run([sys.executable, root / "engine/compile_walk.py", *required], check=True)
        libraries = [
            path.relative_to(root).as_posix()
            for path in (root / "engine/epochal_engine/walk").glob("walk.*")
            if path.suffix in (".so", ".dylib", ".dll")
        ]
        if libraries:
            # Not `manylinux_…`: only `auditwheel` may say that it runs elsewhere.
            platform = next(tag for tag in platform_tags() if not tag.startswith("manylinux"))
            build_data["artifacts"] += libraries
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform}"
