"""Section 4 of the journey: layers and architecture."""

from __future__ import annotations

from typing import Literal

from ..specs import Spec
from ..types import ArchitectureSimulation
from .explorer import Explorer

Known = Literal["computed", "published", "estimated"]


class ArchitectureExplorer(Explorer):
    """Part of `client.simulate`."""

    def architecture(
        self, network: Spec, *, batch_size: int | None = None, optimizer: str | None = None
    ) -> ArchitectureSimulation:
        """What any network amounts to, and how it compares with famous ones; no weights are made.

        It need not be small enough to be trained: `client.journey.models()` has some to try. Memory
        is that of a training step on `batch_size` samples by the `optimizer`.

        >>> answer = client.simulate.architecture(epochal.network([3], [epochal.dense(4)]))
        >>> answer.parameters.substituted
        'parameters = 16 = 16'
        """
        return self._ask(
            "SimulateArchitecture",
            ArchitectureSimulation,
            network=network,
            batch_size=batch_size,
            optimizer=optimizer,
        )
