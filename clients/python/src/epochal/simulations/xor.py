"""Section 2 of the journey: XOR by a hidden layer."""

from __future__ import annotations

from collections.abc import Sequence

from ..specs import Spec
from ..types import XorSimulation
from .explorer import Explorer


class XorExplorer(Explorer):
    """Part of `client.simulate`."""

    def xor(
        self,
        *,
        hidden: Sequence[Spec] | None = None,
        output: Spec | None = None,
        train: bool | None = None,
        activation: str | None = None,
        seed: int | None = None,
        starts: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        resolution: int | None = None,
    ) -> XorSimulation:
        """The four points of XOR through two hidden units, and the space that these make of them.

        The units are made by hand, or given as `hidden=[{"weights": [1, 1], "bias": -0.5}, …]` and
        `output`, or looked for with `train`: from `starts` seeds (1 to 32), in `epochs` steps of
        Adam at the `learning_rate`; starts times epochs may be 16,000. `resolution` (2 to 51) is
        the side of the map.

        >>> answer = client.simulate.xor()
        >>> [unit.gate for unit in answer.hidden_units], answer.solved
        (['or', 'nand'], True)
        """
        return self._ask(
            "SimulateXor",
            XorSimulation,
            hidden=hidden,
            output=output,
            train=train,
            activation=activation,
            seed=seed,
            starts=starts,
            epochs=epochs,
            learning_rate=learning_rate,
            resolution=resolution,
        )
