"""What a transformer costs on its way forward, worked out from its size."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.quantity import Quantity
from ..specs.simulations.transformer_cost import (
    DeviceFacts,
    SimulateTransformerCostRequest,
    TransformerCostSimulation,
)
from ..specs.simulations.transformer_size import TransformerSize
from .formulas import in_bytes, number, whole
from .models import FAMOUS
from .transformers import Part, check_size, key_width, parts, total

DEVICES = {
    device.id: device
    for device in (
        DeviceFacts(
            id="v100",
            name="NVIDIA V100 SXM2 32 GB",
            peak_flops=125e12,
            bandwidth=900e9,
            memory=32e9,
            source="NVIDIA V100 Tensor Core GPU, data sheet (2020)",
        ),
        DeviceFacts(
            id="a100",
            name="NVIDIA A100 SXM 80 GB",
            peak_flops=312e12,
            bandwidth=2_039e9,
            memory=80e9,
            source="NVIDIA A100 Tensor Core GPU, data sheet (2021), without sparsity",
        ),
        DeviceFacts(
            id="h100",
            name="NVIDIA H100 SXM 80 GB",
            peak_flops=989e12,
            bandwidth=3_350e9,
            memory=80e9,
            source="NVIDIA H100 Tensor Core GPU, data sheet (2023), without sparsity",
        ),
        DeviceFacts(
            id="h200",
            name="NVIDIA H200 SXM 141 GB",
            peak_flops=989e12,
            bandwidth=4_800e9,
            memory=141e9,
            source="NVIDIA H200 Tensor Core GPU, data sheet (2024), without sparsity",
        ),
    )
}


@dataclass(frozen=True)
class _Known:
    """What the question says of the transformer."""

    size: TransformerSize | None
    parts: list[Part]
    parameters: Quantity
    multiplied: Quantity


def transformer_cost(request: SimulateTransformerCostRequest) -> TransformerCostSimulation:
    """Operations, memory and time of a transformer that reads a text, worked out from its size.

    Raises `InvalidArgument` unless exactly one of model, size and parameters is given, and fits.
    """
    known = _known(request)
    size, tokens = known.size, request.tokens
    n, parameters = whole(tokens), int(known.parameters.value)
    multiplied = int(known.multiplied.value)
    by_weights = 2 * multiplied * tokens
    attention = _attention(size, tokens, request.causal)
    flops = by_weights + int(attention.value)
    device = _device(request)
    weights = parameters * request.bytes_per_parameter
    cache = _cache(size, tokens)
    on_each = (weights + cache.value) / request.devices
    peak = request.devices * device.peak_flops
    seconds = flops / (peak * request.utilization)
    reading = weights / (request.devices * device.bandwidth)
    claim = None
    if request.claimed_seconds is not None:
        needed = flops / (peak * request.claimed_seconds)
        claim = Quantity(
            name="utilization",
            value=needed,
            formula="utilization = FLOPs / (devices·peak·seconds)",
            substituted=f"utilization = {number(flops)} / ({request.devices}·"
            f"{number(device.peak_flops)}·{number(request.claimed_seconds)}) = {number(needed)}",
        )
    return TransformerCostSimulation(
        size=size,
        parts=[part.quantity for part in known.parts],
        parameters=known.parameters,
        multiplied=known.multiplied,
        weight_flops=Quantity(
            name="FLOPs of weights",
            value=by_weights,
            formula="FLOPs of weights = 2·multiplied·n",
            substituted=f"FLOPs of weights = 2·{whole(multiplied)}·{n} = {number(by_weights)}",
        ),
        attention_flops=attention,
        flops=Quantity(
            name="FLOPs",
            value=flops,
            formula="FLOPs = FLOPs of weights + FLOPs of attention",
            substituted=f"FLOPs = {number(by_weights)} + {number(attention.value)} = "
            f"{number(flops)}",
        ),
        flops_per_token=Quantity(
            name="FLOPs per token",
            value=flops / tokens,
            formula="FLOPs per token = FLOPs / n",
            substituted=f"FLOPs per token = {number(flops)} / {n} = {number(flops / tokens)}",
        ),
        rule_of_thumb=Quantity(
            name="estimate",
            value=2 * parameters * tokens,
            formula="estimate = 2·N·n",
            substituted=f"estimate = 2·{whole(parameters)}·{n} = {number(2 * parameters * tokens)}",
        ),
        weight_bytes=Quantity(
            name="weights",
            value=weights,
            formula="weights = parameters·bytes",
            substituted=f"weights = {whole(parameters)}·{number(request.bytes_per_parameter)} = "
            f"{number(weights)}",
        ),
        cache_bytes=cache,
        device_bytes=Quantity(
            name="bytes on each",
            value=on_each,
            formula="bytes on each = (weights + cache) / devices",
            substituted=f"bytes on each = ({number(weights)} + {number(cache.value)}) / "
            f"{request.devices} = {number(on_each)}",
        ),
        fits=on_each <= device.memory,
        seconds=Quantity(
            name="seconds",
            value=seconds,
            formula="seconds = FLOPs / (devices·peak·utilization)",
            substituted=f"seconds = {number(flops)} / ({request.devices}·"
            f"{number(device.peak_flops)}·{number(request.utilization)}) = {number(seconds)}",
        ),
        reading_seconds=Quantity(
            name="seconds of reading",
            value=reading,
            formula="seconds of reading = weights / (devices·bandwidth)",
            substituted=f"seconds of reading = {number(weights)} / ({request.devices}·"
            f"{number(device.bandwidth)}) = {number(reading)}",
        ),
        claim=claim,
        device=device,
        verdict=_verdict(request, known, device, flops, seconds, reading, on_each, claim),
    )


def _known(request: SimulateTransformerCostRequest) -> _Known:
    given = [name for name in ("model", "size", "parameters") if getattr(request, name) is not None]
    if len(given) != 1:
        fault = "is required, or size, or parameters" if not given else f"excludes {given[1]}"
        raise InvalidArgument.of(FieldError(given[0] if given else "model", fault))
    size = request.size
    if request.model is not None:
        sizes = {one.id: one.size for one in FAMOUS if one.size is not None}
        if request.model not in sizes:
            raise InvalidArgument.of(FieldError("model", f"must be one of {', '.join(sizes)}"))
        size = sizes[request.model]
    if size is None:
        count = request.parameters or 0
        all_of_them = Quantity(
            name="parameters",
            value=count,
            formula="parameters, as given",
            substituted=f"parameters = {whole(count)}",
        )
        return _Known(None, [], all_of_them, all_of_them)
    check_size(size, "size")
    found = parts(size)
    multiplying = [part for part in found if part.multiplies]
    count = sum(part.multiplies for part in multiplying)
    return _Known(
        size,
        found,
        total(found),
        Quantity(
            name="multiplied",
            value=count,
            formula=f"multiplied = matrices of {', '.join(part.name for part in multiplying)}",
            substituted=f"multiplied = {' + '.join(whole(part.multiplies) for part in multiplying)}"
            f" = {whole(count)}",
        ),
    )


def _attention(size: TransformerSize | None, tokens: int, causal: bool) -> Quantity:
    """Scores and weighted sums: two products of the width for each pair of tokens."""
    name, n = "FLOPs of attention", whole(tokens)
    if size is None:
        return Quantity(
            name=name,
            value=0.0,
            formula=f"{name}: not known without layers and width",
            substituted=f"{name} = 0",
        )
    layers, width = size.layers, size.width
    pairs = tokens * (tokens + 1) if causal else 2 * tokens * tokens
    flops = 2 * layers * width * pairs
    return Quantity(
        name=name,
        value=flops,
        formula=f"{name} = 2·L·d·n·(n + 1)" if causal else f"{name} = 4·L·d·n²",
        substituted=f"{name} = 2·{layers}·{width}·{n}·({n} + 1) = {number(flops)}"
        if causal
        else f"{name} = 4·{layers}·{width}·{n}² = {number(flops)}",
    )


def _cache(size: TransformerSize | None, tokens: int) -> Quantity:
    if size is None:
        return Quantity(
            name="cache",
            value=0.0,
            formula="cache: not known without layers and width",
            substituted="cache = 0",
        )
    keys = key_width(size)
    held = 2 * size.layers * keys * tokens * 2
    return Quantity(
        name="cache",
        value=held,
        formula="cache = (keys and values)·L·k·n·(2 bytes)",
        substituted=f"cache = 2·{size.layers}·{keys}·{whole(tokens)}·2 = {number(held)}",
    )


def _device(request: SimulateTransformerCostRequest) -> DeviceFacts:
    custom = request.custom_device
    if custom is None:
        return DEVICES[request.device]
    return DeviceFacts(
        id="custom", name="device as given", source="the request", **custom.model_dump()
    )


def _verdict(
    request: SimulateTransformerCostRequest,
    known: _Known,
    device: DeviceFacts,
    flops: int,
    seconds: float,
    reading: float,
    on_each: float,
    claim: Quantity | None,
) -> str:
    tokens = "One token takes" if request.tokens == 1 else f"{whole(request.tokens)} tokens take"
    told = (
        f"{tokens} {_amount(flops)} operations: on "
        f"{whole(request.devices)} × {device.name}, at {100 * request.utilization:.0f} % of the "
        f"peak, {_time(seconds)}."
    )
    if reading > seconds:
        told += f" But to read all weights takes {_time(reading)}: the memory sets the pace."
    if known.size is not None and request.tokens > known.size.context:
        told += f" It was made for at most {whole(known.size.context)} tokens."
    if on_each > device.memory:
        told += (
            f" But {in_bytes(on_each)} on each is more than its memory of "
            f"{in_bytes(device.memory)}."
        )
    if claim is not None and request.claimed_seconds is not None:
        share = f"{100 * claim.value:.3g} %"
        told += f" To do it in {_time(request.claimed_seconds)}, they must reach {share} of it"
        if claim.value > 1.0:
            told += ": impossible."
        elif claim.value > 0.76:
            told += ": more than is usually reported."
        else:
            told += ": that is possible."
    return told


def _amount(count: float) -> str:
    for size, word in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if count >= size:
            return f"{number(count / size)} {word}"
    return whole(count)


def _time(seconds: float) -> str:
    for size, word in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size:
            return f"{number(seconds / size)} {word}"
    return f"{number(seconds)} s"
