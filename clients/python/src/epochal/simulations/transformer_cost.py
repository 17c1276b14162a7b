"""Section 5 of the journey: the cost of a transformer's forward pass."""

from __future__ import annotations

from typing import Any

from ..records import plain, without_nothing
from ..types import (
    Device,
    DeviceSpec,
    TransformerCostSimulation,
    TransformerSize,
    TransformerSizeSpec,
)
from .explorer import Explorer


class TransformerCostExplorer(Explorer):
    """Part of `client.simulate`."""

    def transformer_cost(
        self,
        model: str | None = None,
        *,
        size: TransformerSizeSpec | TransformerSize | None = None,
        parameters: int | None = None,
        tokens: int | None = None,
        causal: bool | None = None,
        bytes_per_parameter: float | None = None,
        device: Device | None = None,
        custom_device: DeviceSpec | None = None,
        devices: int | None = None,
        utilization: float | None = None,
        claimed_seconds: float | None = None,
    ) -> TransformerCostSimulation:
        """Compute operations, memory and time of a transformer that reads `tokens` tokens.

        Give the id of a famous `model`, a `size`, or the number of `parameters`. The model runs on
        `devices` devices of a known kind, or on a `custom_device` with `peak_flops` (operations per
        second), `bandwidth` (bytes per second) and `memory` (bytes). `utilization` is the fraction
        of the peak that is reached, in (0, 1]. With `claimed_seconds`, the reply has the
        utilization that this time would need.

        >>> client.simulate.transformer_cost("gpt-2").parameters.value
        124439808.0
        """
        sent: Any = size
        if isinstance(size, TransformerSize):
            sent = without_nothing(plain(size))
        return self._simulate(
            "SimulateTransformerCost",
            TransformerCostSimulation,
            model=model,
            size=sent,
            parameters=parameters,
            tokens=tokens,
            causal=causal,
            bytes_per_parameter=bytes_per_parameter,
            device=device,
            custom_device=custom_device,
            devices=devices,
            utilization=utilization,
            claimed_seconds=claimed_seconds,
        )
