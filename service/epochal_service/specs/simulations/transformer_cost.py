"""What a pass of a transformer costs, as it may be asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import Reply, Spec
from .quantity import Quantity
from .transformer_size import TransformerSize

Device = Literal["v100", "a100", "h100", "h200"]


class DeviceSpec(Spec):
    """A device that is not in the list."""

    peak_flops: float = Field(ge=1, le=1e24)
    """Operations a second, at most."""
    bandwidth: float = Field(ge=1, le=1e18)
    """Bytes a second between its memory and its processors, at most."""
    memory: float = Field(ge=1, le=1e18)
    """Bytes that it holds."""


class SimulateTransformerCostRequest(Spec):
    """One of `model`, `size` and `parameters` says which transformer it is."""

    model: str | None = Field(default=None, max_length=64)
    """The id of a model of `GET /v1/models` whose size is known."""
    size: TransformerSize | None = None
    """Of one that is not in the list."""
    parameters: int | None = Field(default=None, ge=1, le=10**18)
    """Where nothing else is known; attention is then left out."""
    tokens: int = Field(default=4096, ge=1, le=100_000_000)
    """The length of the text that is read at once."""
    causal: bool = True
    """No token looks at later ones, so that half of the attention is saved."""
    bytes_per_parameter: float = Field(default=2.0, ge=0.01, le=16)
    """Memory of one parameter: 2 for 16 bits, 0.5 for 4 bits."""
    device: Device = "a100"
    """What it runs on, by its maker's data sheet."""
    custom_device: DeviceSpec | None = None
    """Takes the place of `device`."""
    devices: int = Field(default=8, ge=1, le=10_000_000)
    """How many share the work, weights and cache evenly."""
    utilization: float = Field(default=0.5, ge=1e-6, le=1)
    """The share of the peak that is reached. While training PaLM it was 0.46 (Chowdhery et al.,
    2022), while reading long texts with it up to 0.76 (Pope et al., 2022).
    """
    claimed_seconds: float | None = Field(default=None, ge=1e-9, le=1e12)
    """Somebody's number: what utilization would it need?"""


class DeviceFacts(Reply):
    """The device in the calculation, by its maker's numbers."""

    id: str
    """As in the request, or `custom`."""
    name: str
    """With its form and memory, e.g. `NVIDIA A100 SXM 80 GB`."""
    peak_flops: float
    """Of dense 16-bit matrix products, in operations a second."""
    bandwidth: float
    """Bytes a second between its memory and its processors."""
    memory: float
    """Bytes that it holds."""
    source: str
    """The data sheet, or `the request`."""


class TransformerCostSimulation(Reply):
    """Operations, memory and time of one pass, with the arithmetic of each."""

    size: TransformerSize | None
    """Of the transformer; null where only its parameters are known."""
    parts: list[Quantity]
    """The parameters, kind by kind."""
    parameters: Quantity
    """Trainable numbers of the whole transformer."""
    multiplied: Quantity
    """Weights by which every token is multiplied: not those that are only looked up or added."""
    weight_flops: Quantity
    """A multiplication and an addition for each of `multiplied` and each token."""
    attention_flops: Quantity
    """Every token with every one that it may look at: grows with the square of the length; 0 where
    the size is not known."""
    flops: Quantity
    """Multiplications and additions of the whole pass."""
    flops_per_token: Quantity
    """Operations of the whole pass over its tokens."""
    rule_of_thumb: Quantity
    """Two operations for each parameter and token (Kaplan et al., 2020)."""
    weight_bytes: Quantity
    """Memory of the weights, in bytes."""
    cache_bytes: Quantity
    """Keys and values of all tokens in 16 bits, kept for the tokens that follow; 0 where the size
    is not known."""
    device_bytes: Quantity
    """Weights and cache, shared among the devices."""
    fits: bool
    """Whether that is no more than a device's memory."""
    seconds: Quantity
    """Of the whole pass, if the devices compute all the time as well as is assumed."""
    reading_seconds: Quantity
    """To read all weights once: no pass is faster, and a pass for one more token hardly slower."""
    claim: Quantity | None
    """The utilization that `claimed_seconds` would need."""
    device: DeviceFacts
    """One of the devices."""
    verdict: str
    """How long the pass takes, and what stands in its way."""
