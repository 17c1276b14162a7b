"""Build hook of `epochal-server`: compile the .proto files, and check that the page is built."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = "service/epochal_service/page/index.html"
DESCRIPTORS = "service/epochal_service/_proto/epochal.binpb"


class ServerHook(BuildHookInterface[Any]):
    """Run before files are collected, for an editable install too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the descriptors. Stop the build of an sdist or a wheel if the page is missing; an
        editable install needs none, because `make page` adds it later.
        """
        root = Path(self.root)
        if version != "editable" and not (root / PAGE).is_file():
            self.app.abort(f"{PAGE} is missing. Run `make page` first: the wheel carries the page.")
        command: list[str | Path] = [sys.executable, root / "protos/compile.py", root / DESCRIPTORS]
        subprocess.run(command, check=True)
