"""An explorer: a pure function from a request to a reply, with examples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from epochal_service.specs.base import Reply, Spec


@dataclass(frozen=True)
class Explorer:
    """A pure function from a request to a reply, and how both wires describe it."""

    summary: str
    """A title of a few words."""
    function: Callable[[Any], Reply]
    """Its docstring is the description of the method; its annotations are the models."""
    examples: dict[str, dict[str, Any]]
    """Requests by title. The documentation shows them and the tests send them."""

    @property
    def request(self) -> type[Spec]:
        """The model of the request."""
        request: type[Spec]
        (request, *_) = get_type_hints(self.function).values()
        return request

    @property
    def reply(self) -> type[Reply]:
        """The model of the reply."""
        reply: type[Reply] = get_type_hints(self.function)["return"]
        return reply
