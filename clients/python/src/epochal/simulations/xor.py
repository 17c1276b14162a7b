"""Section 2 of the journey: XOR with a hidden layer."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import ActivationName, XorSimulation, XorUnit
from .explorer import Explorer


class XorExplorer(Explorer):
    """Part of `client.simulate`."""

    def xor(
        self,
        *,
        hidden: Sequence[XorUnit] | None = None,
        output: XorUnit | None = None,
        train: bool | None = None,
        activation: ActivationName | None = None,
        seed: int | None = None,
        runs: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        resolution: int | None = None,
    ) -> XorSimulation:
        """Pass the four points of XOR through two hidden units and an output unit.

        The units are built by hand by default, or given as `hidden=[{"weights": [1, 1], "bias":
        -0.5}, …]` and `output`. With `train`, they are trained from `runs` seeds (1 to 32) in
        `epochs` steps of Adam at the `learning_rate`; runs times epochs are at most 16,000. The
        map of the output has `resolution` points (2 to 51) along each side.

        >>> reply = client.simulate.xor()
        >>> [unit.gate for unit in reply.hidden_units], reply.solved
        (['or', 'nand'], True)
        """
        return self._simulate(
            "SimulateXor",
            XorSimulation,
            hidden=hidden,
            output=output,
            train=train,
            activation=activation,
            seed=seed,
            runs=runs,
            epochs=epochs,
            learning_rate=learning_rate,
            resolution=resolution,
        )
