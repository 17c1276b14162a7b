"""Section 5 of the journey: what a transformer's forward pass costs."""

from __future__ import annotations

from ..records import plain, without_nothing
from ..specs import Spec
from ..types import TransformerCostSimulation, TransformerSize
from .explorer import Explorer


class TransformerCostExplorer(Explorer):
    """Part of `client.simulate`."""

    def transformer_cost(
        self,
        model: str | None = None,
        *,
        size: Spec | TransformerSize | None = None,
        parameters: int | None = None,
        tokens: int | None = None,
        causal: bool | None = None,
        bytes_per_parameter: float | None = None,
        device: str | None = None,
        custom_device: Spec | None = None,
        devices: int | None = None,
        utilization: float | None = None,
        claimed_seconds: float | None = None,
    ) -> TransformerCostSimulation:
        """Operations, memory and time of a transformer that reads `tokens`, from its size.

        Which one, says the id of a famous `model`, or a `size`, or a number of `parameters`. It
        runs on `devices` of a kind: a `device` by its name (`"v100"`, `"a100"`, `"h100"`,
        `"h200"`), or a `custom_device` with `peak_flops` (operations a second), `bandwidth` (bytes
        a second) and `memory` (bytes); `utilization`, above 0 and up to 1, is the share of the peak
        that is reached. For a number of `claimed_seconds` the answer says what utilization it would
        need.

        >>> client.simulate.transformer_cost("gpt-2").parameters.value
        124439808.0
        """
        if isinstance(size, TransformerSize):
            size = without_nothing(plain(size))
        return self._ask(
            "SimulateTransformerCost",
            TransformerCostSimulation,
            model=model,
            size=size,
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
