"""Request and reply of the transformer cost explorer."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from epochal_service.specs.base import Int64, Reply, Spec, exactly_one

from .quantity import Quantity
from .transformer_size import TransformerSize

Device = Literal["v100", "a100", "h100", "h200", "b200"]


class DeviceSpec(Spec):
    """A device that is not listed."""

    peak_flops: float = Field(ge=1, le=1e24)
    """Peak performance in operations per second."""
    bandwidth: float = Field(ge=1, le=1e18)
    """Memory bandwidth in bytes per second."""
    memory: float = Field(ge=1, le=1e18)
    """Memory in bytes."""


class SimulateTransformerCostRequest(Spec):
    """A transformer and the devices it runs on. Exactly one of `model`, `size` and `parameters`."""

    model_config = ConfigDict(json_schema_extra=exactly_one("model", "size", "parameters"))

    model: str | None = Field(default=None, max_length=64)
    """The id of a model of `GET /course/v1/models` with a known transformer size."""
    size: TransformerSize | None = None
    """The size of a transformer that is not listed."""
    parameters: Int64 | None = Field(default=None, ge=1, le=10**18)
    """Number of parameters, if nothing else is known. Attention is then not counted."""
    tokens: int = Field(default=4096, ge=1, le=100_000_000)
    """Number of tokens of the text. Default 4096."""
    causal: bool | None = None
    """Whether attention is causal: no token attends to later ones, which halves its cost. Defaults
    to the model's value: false for the family `bert`, else true."""
    bytes_per_parameter: float = Field(default=2.0, ge=0.01, le=16)
    """Bytes per parameter, e.g. 2 for 16 bits, 0.5 for 4 bits. Default 2."""
    device: Device = "a100"
    """The device, with the numbers of its data sheet. Default `a100`."""
    custom_device: DeviceSpec | None = None
    """A device that replaces `device`."""
    devices: int = Field(default=8, ge=1, le=10_000_000)
    """Number of devices, which share work, weights and cache evenly. Default 8."""
    utilization: float = Field(default=0.5, ge=1e-6, le=1)
    """Fraction of the peak performance that is reached. In [1e-6, 1]. PaLM reached 0.46 in training
    (Chowdhery et al., 2022) and up to 0.76 on long inputs (Pope et al., 2022). Default 0.5.
    """
    claimed_seconds: float | None = Field(default=None, ge=1e-9, le=1e12)
    """A claimed time in seconds, to compute the utilization that it requires."""


class DeviceDescription(Reply):
    """A device with the numbers of its data sheet."""

    id: str
    """The id of the device, or `custom`."""
    name: str
    """The name of the device, e.g. `NVIDIA A100 SXM 80 GB`."""
    peak_flops: float
    """Peak performance of dense 16-bit matrix products, in operations per second."""
    bandwidth: float
    """Memory bandwidth in bytes per second."""
    memory: float
    """Memory in bytes."""
    source: str
    """Source of the numbers: the data sheet, or `the request`."""


class TransformerCostSimulation(Reply):
    """Operations, memory and time of one forward pass, with their arithmetic."""

    size: TransformerSize | None
    """The size of the transformer; null if only its parameters are known."""
    parameter_groups: list[Quantity]
    """The groups of parameters."""
    parameters: Quantity
    """Number of parameters."""
    multiplied_weights: Quantity
    """Number of weights that multiply every token, without embeddings, biases and norms."""
    weight_flops: Quantity
    """Operations of the weights: a multiplication and an addition per weight and token."""
    attention_flops: Quantity
    """Operations of attention, which grow with the square of the number of tokens; 0 if the size is
    not known."""
    flops: Quantity
    """Operations of the whole pass."""
    flops_per_token: Quantity
    """Operations per token."""
    rule_of_thumb: Quantity
    """Rule of thumb: two operations per parameter and token (Kaplan et al., 2020)."""
    weight_bytes: Quantity
    """Memory of the weights in bytes."""
    cache_bytes: Quantity
    """Memory of the key-value cache of all tokens in 16 bits, in bytes; 0 if the size is not
    known."""
    device_bytes: Quantity
    """Memory of weights and cache per device, in bytes."""
    fits_in_memory: bool
    """Whether weights and cache fit into the memory of the devices."""
    seconds: Quantity
    """Time of the whole pass in seconds, at the given utilization."""
    reading_seconds: Quantity
    """Time to read all weights once, in seconds: a lower limit of any pass."""
    required_utilization: Quantity | None
    """Utilization that `claimed_seconds` requires; null without it."""
    device: DeviceDescription
    """The device that the time is computed for."""
    verdict: str
    """The duration of the pass and its limiting resource, in a sentence."""
