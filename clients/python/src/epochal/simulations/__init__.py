"""The explorers of the journey: ask with numbers, and get every number on the way, explained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from ..records import read, request
from ..session import Session
from .neuron import NeuronSimulation
from .quantity import Quantity

__all__ = ["NeuronSimulation", "Quantity", "Simulations"]

T = TypeVar("T")


class Simulations:
    """`client.simulate`: nothing is stored, and the same question has the same answer.

    What is left out takes the service's default. All raise `InvalidArgument`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def _ask(self, rpc: str, reply: type[T], **fields: Any) -> T:
        given = {name: request(value, name) for name, value in fields.items() if value is not None}
        return read(reply, self._session.call(rpc, given))

    # ------------------------------------------------------------------- 2 the single neuron

    def neuron(
        self, inputs: Sequence[float], weights: Sequence[float], *, bias: float | None = None
    ) -> NeuronSimulation:
        """What one neuron makes of its inputs, by the step of 1958 and by the sigmoid."""
        return self._ask(
            "SimulateNeuron", NeuronSimulation, inputs=inputs, weights=weights, bias=bias
        )
