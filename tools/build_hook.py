"""Build hook of `epochal-server`: refuse to build a distribution that has no page."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = "service/epochal_service/page/index.html"


class PageHook(BuildHookInterface[Any]):
    """Check that the page was built. An editable install needs none: `make page` adds it later."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Stop the build of an sdist or a wheel if the page is missing."""
        if version != "editable" and not (Path(self.root) / PAGE).is_file():
            self.app.abort(f"{PAGE} is missing. Run `make page` first: the wheel carries the page.")
