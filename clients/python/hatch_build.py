"""Build hook of `epochal`: compile the .proto files into the package.

A checkout has them two folders above this one, an sdist in its own folder.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DESCRIPTORS = "src/epochal/_proto/epochal.binpb"


class ClientHook(BuildHookInterface[Any]):
    """Run before files are collected, for an editable install too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the descriptors."""
        root = Path(self.root)
        program = root / "protos/compile.py"
        if not program.exists():
            program = root.parents[1] / "protos/compile.py"
        subprocess.run([sys.executable, program, root / DESCRIPTORS], check=True)
