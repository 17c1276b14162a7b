"""Section 4 of the journey: layers and architecture."""

from __future__ import annotations

from ..specs import Spec
from ..types import ArchitectureSimulation, NetworkSpec, OptimizerName
from .explorer import Explorer


class ArchitectureExplorer(Explorer):
    """Part of `client.simulate`."""

    def architecture(
        self,
        network: NetworkSpec | Spec,
        *,
        batch_size: int | None = None,
        optimizer: OptimizerName | None = None,
    ) -> ArchitectureSimulation:
        """Compute shapes, parameters, operations and memory of a network, without its weights.

        The network may be too large to train here; `client.journey.models()` has famous ones.
        Memory is that of a training step on `batch_size` samples with the `optimizer`.

        >>> reply = client.simulate.architecture(epochal.network([3], [epochal.dense(4)]))
        >>> reply.parameters.substituted
        'parameters = 16'
        """
        return self._simulate(
            "SimulateArchitecture",
            ArchitectureSimulation,
            network=network,
            batch_size=batch_size,
            optimizer=optimizer,
        )
