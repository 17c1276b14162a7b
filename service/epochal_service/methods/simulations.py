"""All explorers in one table, from which both wires make their methods."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from ..simulate import neuron
from ..specs.base import Reply, Spec
from .context import Context


@dataclass(frozen=True)
class Explorer:
    """A pure function from what is asked to what comes out, and how the wires name it."""

    summary: str
    function: Callable[[Any], Reply]
    """Its docstring is what the API says of it; its annotations are the models on both wires."""
    examples: dict[str, dict[str, Any]]
    """A sentence on each request, and the request; the tests ask all of them."""

    @property
    def request(self) -> type[Spec]:
        """The model of the body."""
        request: type[Spec]
        (request, *_) = get_type_hints(self.function).values()
        return request

    @property
    def reply(self) -> type[Reply]:
        """The model of the answer."""
        reply: type[Reply] = get_type_hints(self.function)["return"]
        return reply

    def method(self, context: Context, request: Spec) -> Reply:
        """The explorer as a method; nothing of the service's state has a part in it."""
        return self.function(request)


EXPLORERS: dict[str, Explorer] = {
    "SimulateNeuron": Explorer(
        "One neuron",
        neuron.neuron,
        {
            "A neuron that fires": {
                "inputs": [1.0, 0.5, 0.8],
                "weights": [0.7, -0.3, 0.5],
                "bias": -0.2,
            }
        },
    ),
}
"""By the name of the RPC, whose words make the path: SimulateNeuron is `/v1/simulate/neuron`."""


def path_of(rpc: str) -> str:
    """Where HTTP has the explorer: SimulateSequenceCost is `/v1/simulate/sequence-cost`."""
    words = re.findall("[A-Z][a-z0-9]*", rpc.removeprefix("Simulate"))
    return "/v1/simulate/" + "-".join(words).lower()
