"""The cost of a forward pass of a transformer, from its size."""

from __future__ import annotations

from dataclasses import dataclass

from epochal_service.errors import FieldError, InvalidArgument
from epochal_service.specs.limits import in_bytes

from ..specs.explorers.quantity import Quantity
from ..specs.explorers.transformer_cost import (
    DeviceDescription,
    SimulateTransformerCostRequest,
    TransformerCostSimulation,
)
from ..specs.explorers.transformer_size import TransformerSize
from .explorer import Explorer
from .formulas import expression, number, quantity, whole
from .formulas import total as sum_of
from .models import famous_networks
from .transformers import Part, check_size, key_width, parts, total

DEVICES = {
    device.id: device
    for device in (
        DeviceDescription(
            id="v100",
            name="NVIDIA V100 SXM2 32 GB",
            peak_flops=125e12,
            bandwidth=900e9,
            memory=32e9,
            source="NVIDIA V100 Tensor Core GPU, data sheet (2020)",
        ),
        DeviceDescription(
            id="a100",
            name="NVIDIA A100 SXM 80 GB",
            peak_flops=312e12,
            bandwidth=2_039e9,
            memory=80e9,
            source="NVIDIA A100 Tensor Core GPU, data sheet (2021), without sparsity",
        ),
        DeviceDescription(
            id="h100",
            name="NVIDIA H100 SXM 80 GB",
            peak_flops=989e12,
            bandwidth=3_350e9,
            memory=80e9,
            source="NVIDIA H100 Tensor Core GPU, data sheet (2023), without sparsity",
        ),
        DeviceDescription(
            id="h200",
            name="NVIDIA H200 SXM 141 GB",
            peak_flops=989e12,
            bandwidth=4_800e9,
            memory=141e9,
            source="NVIDIA H200 Tensor Core GPU, data sheet (2024), without sparsity",
        ),
        DeviceDescription(
            id="b200",
            name="NVIDIA B200 SXM 180 GB",
            peak_flops=2_250e12,
            bandwidth=8_000e9,
            memory=180e9,
            source="NVIDIA DGX B200, data sheet (2024), one of its eight GPUs, without sparsity",
        ),
    )
}


@dataclass(frozen=True)
class _Known:
    """Quantities that follow from the request's description of the transformer."""

    size: TransformerSize | None
    parts: list[Part]
    parameters: Quantity
    multiplied: Quantity


@dataclass(frozen=True)
class _Cost:
    """The numbers of one pass."""

    known: _Known
    device: DeviceDescription
    tokens: int
    is_causal: bool
    parameters: int
    multiplied: int
    weight_flops: int
    attention_flops: int
    weights: float
    """Bytes of the weights."""
    cache: int
    """Bytes of keys and values."""
    on_each: float
    """Bytes on each device."""
    seconds: float
    reading: float
    """Seconds to read all weights once."""
    utilization: float | None
    """The utilization that the claim requires."""

    @property
    def flops(self) -> int:
        """Operations of the whole pass."""
        return self.weight_flops + self.attention_flops


def transformer_cost(request: SimulateTransformerCostRequest) -> TransformerCostSimulation:
    """Estimate operations, memory and time of a forward pass of a transformer, from its size.

    Raises `InvalidArgument` unless exactly one of model, size and parameters is given and valid.
    """
    return _reply(request, _computed(request, _known(request)))


def _known(request: SimulateTransformerCostRequest) -> _Known:
    given = [name for name in ("model", "size", "parameters") if getattr(request, name) is not None]
    if not given:
        raise InvalidArgument.of(FieldError("model", "must be given, or size, or parameters"))
    if len(given) > 1:
        raise InvalidArgument.of(FieldError(given[0], f"must be left out if {given[1]} is given"))
    size = request.size
    if request.model is not None:
        sizes = {model.id: model.size for model in famous_networks() if model.size is not None}
        if request.model not in sizes:
            raise InvalidArgument.of(FieldError("model", f"must be one of {', '.join(sizes)}"))
        size = sizes[request.model]
    if size is None:
        parameters = quantity("parameters", request.parameters or 0, "the given number")
        return _Known(None, [], parameters, parameters)
    check_size(size, "size")
    groups = parts(size)
    multiplying = [part for part in groups if part.multiplies]
    counts = [part.multiplies for part in multiplying]
    return _Known(
        size,
        groups,
        total(groups),
        quantity(
            "multiplied",
            sum(counts),
            f"matrices of {', '.join(part.name for part in multiplying)}",
            sum_of(counts),
        ),
    )


def _computed(request: SimulateTransformerCostRequest, known: _Known) -> _Cost:
    size, tokens, device = known.size, request.tokens, _device(request)
    is_causal = request.causal
    if is_causal is None:
        # BERT reads in both directions; GPT and Llama mask later tokens.
        is_causal = size is None or size.family != "bert"
    weight_flops = 2 * int(known.multiplied.value) * tokens
    attention_flops = cache = 0
    if size is not None:
        pairs = tokens * (tokens + 1) if is_causal else 2 * tokens * tokens
        attention_flops = 2 * size.layers * size.width * pairs
        cache = 2 * size.layers * key_width(size) * tokens * 2
    parameters = int(known.parameters.value)
    weights = parameters * request.bytes_per_parameter
    flops, peak = weight_flops + attention_flops, request.devices * device.peak_flops
    claim = request.claimed_seconds
    return _Cost(
        known=known,
        device=device,
        tokens=tokens,
        is_causal=is_causal,
        parameters=parameters,
        multiplied=int(known.multiplied.value),
        weight_flops=weight_flops,
        attention_flops=attention_flops,
        weights=weights,
        cache=cache,
        on_each=(weights + cache) / request.devices,
        seconds=flops / (peak * request.utilization),
        reading=weights / (request.devices * device.bandwidth),
        utilization=None if claim is None else flops / (peak * claim),
    )


def _device(request: SimulateTransformerCostRequest) -> DeviceDescription:
    custom = request.custom_device
    if custom is None:
        return DEVICES[request.device]
    return DeviceDescription(
        id="custom", name="the given device", source="the request", **custom.model_dump()
    )


# ---------------------------------------------------------------- the reply


def _reply(request: SimulateTransformerCostRequest, cost: _Cost) -> TransformerCostSimulation:
    operations = _operations(cost)
    return TransformerCostSimulation(
        size=cost.known.size,
        parameter_groups=[part.quantity for part in cost.known.parts],
        parameters=cost.known.parameters,
        multiplied_weights=cost.known.multiplied,
        weight_flops=operations["weights"],
        attention_flops=_attention(cost),
        flops=operations["all"],
        flops_per_token=operations["per token"],
        rule_of_thumb=operations["estimate"],
        weight_bytes=quantity(
            "weights",
            cost.weights,
            "parameters·bytes",
            expression("{}·{}", cost.parameters, request.bytes_per_parameter),
        ),
        cache_bytes=_cache(cost),
        device_bytes=quantity(
            "bytes on each",
            cost.on_each,
            "(weights + cache) / devices",
            expression("({} + {}) / {}", cost.weights, float(cost.cache), request.devices),
        ),
        fits_in_memory=cost.on_each <= cost.device.memory,
        seconds=_time("seconds", cost, request, request.utilization, "utilization", cost.seconds),
        reading_seconds=quantity(
            "seconds of reading",
            cost.reading,
            "weights / (devices·bandwidth)",
            expression("{} / ({}·{})", cost.weights, request.devices, cost.device.bandwidth),
        ),
        required_utilization=None
        if cost.utilization is None or request.claimed_seconds is None
        else _time(
            "utilization", cost, request, request.claimed_seconds, "seconds", cost.utilization
        ),
        device=cost.device,
        verdict=_verdict(request, cost),
    )


def _operations(cost: _Cost) -> dict[str, Quantity]:
    flops = float(cost.flops)
    estimate = float(2 * cost.parameters * cost.tokens)
    return {
        "weights": quantity(
            "FLOPs of weights",
            float(cost.weight_flops),
            "2·multiplied·n",
            expression("2·{}·{}", cost.multiplied, cost.tokens),
        ),
        "all": quantity(
            "FLOPs",
            flops,
            "FLOPs of weights + FLOPs of attention",
            expression("{} + {}", float(cost.weight_flops), float(cost.attention_flops)),
        ),
        "per token": quantity(
            "FLOPs per token",
            flops / cost.tokens,
            "FLOPs / n",
            expression("{} / {}", flops, cost.tokens),
        ),
        "estimate": quantity(
            "estimate", estimate, "2·N·n", expression("2·{}·{}", cost.parameters, cost.tokens)
        ),
    }


def _time(
    name: str,
    cost: _Cost,
    request: SimulateTransformerCostRequest,
    factor: float,
    symbol: str,
    value: float,
) -> Quantity:
    """Operations over devices, peak and a factor: seconds or utilization."""
    return quantity(
        name,
        value,
        f"FLOPs / (devices·peak·{symbol})",
        expression(
            "{} / ({}·{}·{})", float(cost.flops), request.devices, cost.device.peak_flops, factor
        ),
    )


def _attention(cost: _Cost) -> Quantity:
    """Scores and weighted sums: two matrix products for each pair of tokens."""
    name, size, n = "FLOPs of attention", cost.known.size, cost.tokens
    value = float(cost.attention_flops)
    if size is None:
        return quantity(name, value, "0: unknown without layers and width")
    if cost.is_causal:
        terms = expression("2·{}·{}·{}·({} + 1)", size.layers, size.width, n, n)
        return quantity(name, value, "2·L·d·n·(n + 1)", terms)
    return quantity(name, value, "4·L·d·n²", expression("4·{}·{}·{}²", size.layers, size.width, n))


def _cache(cost: _Cost) -> Quantity:
    size, value = cost.known.size, float(cost.cache)
    if size is None:
        return quantity("cache", value, "0: unknown without layers and width")
    return quantity(
        "cache",
        value,
        "(keys and values)·L·k·n·(2 bytes)",
        expression("2·{}·{}·{}·2", size.layers, key_width(size), cost.tokens),
    )


def _verdict(request: SimulateTransformerCostRequest, cost: _Cost) -> str:
    tokens = "One token takes" if cost.tokens == 1 else f"{whole(cost.tokens)} tokens take"
    result = (
        f"{tokens} {_amount(cost.flops)} operations: on "
        f"{whole(request.devices)} × {cost.device.name}, at {100 * request.utilization:.0f} % of "
        f"the peak, {_duration(cost.seconds)}."
    )
    if cost.reading > cost.seconds:
        result += (
            f" Reading all weights takes {_duration(cost.reading)}, so memory bandwidth is the "
            "limit."
        )
    size = cost.known.size
    if size is not None and cost.tokens > size.context:
        result += f" The context of the model is only {whole(size.context)} tokens."
    if cost.on_each > cost.device.memory:
        result += (
            f" Each device needs {in_bytes(cost.on_each)}, more than its memory of "
            f"{in_bytes(cost.device.memory)}."
        )
    if cost.utilization is not None and request.claimed_seconds is not None:
        share = f"{100 * cost.utilization:.3g} %"
        result += f" To take {_duration(request.claimed_seconds)}, they must reach {share}"
        if cost.utilization > 1.0:
            result += ", which is impossible."
        elif cost.utilization > 0.76:
            result += ", more than is usually reported."
        else:
            result += ", which is possible."
    return result


def _amount(count: float) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{number(count / size)} {word}"
    return whole(count)


def _duration(seconds: float) -> str:
    for size, word in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{number(seconds / size)} {word}"
    return f"{number(seconds)} s"


TRANSFORMER_COST = Explorer(
    "The cost of a transformer",
    transformer_cost,
    {
        "Llama 2 70B reads 4,096 tokens on 8 A100: in 500 ms?": {
            "model": "llama-2-70b",
            "tokens": 4096,
            "devices": 8,
            "claimed_seconds": 0.5,
        },
        "One more token from a given model on one H100": {
            "size": {
                "family": "llama",
                "layers": 32,
                "width": 4096,
                "heads": 32,
                "hidden": 11008,
                "vocabulary": 32000,
                "context": 4096,
            },
            "tokens": 1,
            "device": "h100",
            "devices": 1,
        },
        "BERT-base, which attends in both directions": {"model": "bert-base", "tokens": 512},
        "An estimated size on a given device": {
            "parameters": 1800000000000,
            "bytes_per_parameter": 1.0,
            "custom_device": {"peak_flops": 1e16, "bandwidth": 8e12, "memory": 2e11},
        },
    },
)
