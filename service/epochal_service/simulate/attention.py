"""Attention, score by score, and the vectors that tell places apart."""

from __future__ import annotations

import math

import numpy as np

from epochal_engine import ACTIVATIONS
from epochal_engine.layers.tokens import sinusoids
from epochal_engine.trace import Array

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.attention import (
    AttentionHead,
    AttentionQuery,
    AttentionSimulation,
    PositionalEncodingSimulation,
    SimulateAttentionRequest,
    SimulatePositionalEncodingRequest,
)
from ..specs.simulations.quantity import Quantity
from .formulas import exponent, number, sum_of_products

MAX_WIDTH = 16
SOFTMAX = ACTIVATIONS["softmax"].function


def attention(request: SimulateAttentionRequest) -> AttentionSimulation:
    """Attention by products of queries and keys: scores, weights, and what is found.

    Raises `InvalidArgument` unless there are either tokens or queries, keys and values that fit
    together, and heads that can share their numbers.
    """
    queries, keys, values = _vectors(request)
    heads = request.heads
    errors = [
        FieldError("heads", f"must divide the {count} numbers of the {name}")
        for name, count in (("keys", keys.shape[1]), ("values", values.shape[1]))
        if count % heads
    ]
    if request.causal and len(queries) != len(keys):
        errors.append(FieldError("causal", "needs as many queries as keys"))
    if errors:
        raise InvalidArgument.of(*errors)
    told, outputs = [], []
    parts = (np.split(array, heads, axis=1) for array in (queries, keys, values))
    for head, (q, k, v) in enumerate(zip(*parts, strict=True), 1):
        one, output = _head(request, head, q, k, v)
        told.append(one)
        outputs.append(output)
    products = len(queries) * len(keys)
    flops = 2 * products * (keys.shape[1] + values.shape[1])
    scale = " / √d" if request.scaled else ""
    return AttentionSimulation(
        formula=f"softmax(Q·Kᵀ{scale})·V",
        queries=queries.tolist(),
        keys=keys.tolist(),
        values=values.tolist(),
        heads=told,
        output=np.concatenate(outputs, axis=1).tolist(),
        flops=Quantity(
            name="FLOPs",
            value=flops,
            formula="FLOPs = 2·queries·keys·(numbers of a key + numbers of a value)",
            substituted=(
                f"FLOPs = 2·{len(queries)}·{len(keys)}·({keys.shape[1]} + {values.shape[1]}) = "
                f"{flops}"
            ),
        ),
        verdict=_verdict(request, told),
    )


def _vectors(request: SimulateAttentionRequest) -> tuple[Array, Array, Array]:
    names = ("queries", "keys", "values")
    given = {name: rows for name in names if (rows := getattr(request, name)) is not None}
    if request.tokens is not None:
        if given:
            raise InvalidArgument.of(
                FieldError("tokens", "make queries, keys and values, which cannot be given as well")
            )
        return _of_tokens(request.tokens, request.width, request.seed)
    missing = [
        FieldError(name, "is needed, as are the two others, or tokens instead of all three")
        for name in names
        if name not in given
    ]
    if missing:
        raise InvalidArgument.of(*missing)
    errors = [
        FieldError(name, f"must have rows of one length, of 1 to {MAX_WIDTH} numbers")
        for name, rows in given.items()
        if len({len(row) for row in rows}) > 1 or not 1 <= len(rows[0]) <= MAX_WIDTH
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    queries, keys, values = (np.array(given[name], np.float64) for name in names)
    if keys.shape[1] != queries.shape[1]:
        errors.append(
            FieldError("keys", f"must have rows as long as the queries': {queries.shape[1]}")
        )
    if len(values) != len(keys):
        errors.append(FieldError("values", f"must be as many as the keys: {len(keys)}"))
    if errors:
        raise InvalidArgument.of(*errors)
    return queries, keys, values


def _of_tokens(tokens: list[str], width: int, seed: int) -> tuple[Array, Array, Array]:
    """Queries, keys and values of tokens: a vector for each different one, and three matrices."""
    rng = np.random.default_rng(seed)
    matrices = rng.normal(0.0, 1.0 / math.sqrt(width), (3, width, width))
    different = list(dict.fromkeys(tokens))
    table = rng.normal(size=(len(different), width))
    queries, keys, values = (table @ matrices)[:, [different.index(token) for token in tokens]]
    return queries, keys, values


def _head(
    request: SimulateAttentionRequest, head: int, q: Array, k: Array, v: Array
) -> tuple[AttentionHead, Array]:
    width = k.shape[1]
    scores = q @ k.T / (math.sqrt(width) if request.scaled else 1.0)
    sees = [i + 1 if request.causal else len(k) for i in range(len(q))]
    hidden = np.arange(len(k)) >= np.array(sees)[:, None]
    weights = SOFTMAX(np.where(hidden, -np.inf, scores))
    output = weights @ v
    columns = v.T.tolist()
    divided, by = (f" / √{width}", " / √d") if request.scaled else ("", "")
    told = []
    for i, seen in enumerate(sees):
        asked = q[i].tolist()
        row, shares = scores[i, :seen].tolist(), weights[i, :seen].tolist()
        n = i + 1
        exponents = " + ".join(f"exp({exponent(score)})" for score in row)
        told.append(
            AttentionQuery(
                place=n,
                sees=seen,
                scores=[
                    Quantity(
                        name=f"s{n},{j}",
                        value=score,
                        formula=f"s{n},{j} = q{n}·k{j}{by}",
                        substituted=(
                            f"s{n},{j} = "
                            + ("(" if divided else "")
                            + sum_of_products(list(zip(asked, key, strict=True)), score)
                            + (")" if divided else "")
                            + f"{divided} = {number(score)}"
                        ),
                    )
                    for j, (score, key) in enumerate(zip(row, k.tolist(), strict=False), 1)
                ],
                weights=[
                    Quantity(
                        name=f"α{n},{j}",
                        value=share,
                        formula=f"α{n},{j} = exp(s{n},{j}) / Σₖ exp(s{n},k)",
                        substituted=(
                            f"α{n},{j} = exp({exponent(score)}) / ({exponents}) = {number(share)}"
                        ),
                    )
                    for j, (share, score) in enumerate(zip(shares, row, strict=True), 1)
                ],
                output=[
                    Quantity(
                        name=f"o{n},{c}",
                        value=value,
                        formula=f"o{n},{c} = Σⱼ α{n},j·vj,{c}",
                        substituted=(
                            f"o{n},{c} = "
                            + sum_of_products(list(zip(shares, column, strict=False)), value)
                            + f" = {number(value)}"
                        ),
                    )
                    for c, (value, column) in enumerate(
                        zip(output[i].tolist(), columns, strict=True), 1
                    )
                ],
            )
        )
    return AttentionHead(head=head, weights=weights.tolist(), queries=told), output


def _verdict(request: SimulateAttentionRequest, heads: list[AttentionHead]) -> str:
    weights = np.array(heads[0].weights[-1])
    most = int(weights.argmax())
    asking = len(heads[0].weights)
    if request.tokens is not None:
        asks, found = f"“{request.tokens[asking - 1]}”", f"“{request.tokens[most]}”"
    else:
        asks, found = f"Query {asking}", f"key {most + 1}"
    one = f" in head {heads[0].head}" if len(heads) > 1 else ""
    said = f"{asks} looks most at {found}{one}, with {100 * weights[most]:.1f} % of its attention."
    if request.tokens is None:
        return said
    return f"{said} Nothing here was learnt: training moves these weights to where they help."


# ---------------------------------------------------------------- places


def positional_encoding(request: SimulatePositionalEncodingRequest) -> PositionalEncodingSimulation:
    """Sines and cosines of many wavelengths: a vector for each place (Vaswani et al., 2017).

    Raises `InvalidArgument` if the place that is to be explained is none of them.
    """
    if request.place >= request.places:
        raise InvalidArgument.of(
            FieldError("place", f"must be one of the {request.places} places, counted from 0")
        )
    places, units = request.places, request.units
    table = sinusoids(places, units)
    length = np.sqrt(np.square(table).sum(axis=1, keepdims=True))
    unit_vectors = table / length
    similarity = unit_vectors @ unit_vectors.T
    wavelengths = [2.0 * math.pi * 10_000 ** ((u - u % 2) / units) for u in range(units)]
    p = request.place
    explained = []
    for u, value in enumerate(table[p].tolist()):
        even = u - u % 2
        f = "sin" if u % 2 == 0 else "cos"
        explained.append(
            Quantity(
                name=f"p{p},{u}",
                value=value,
                formula=f"p{p},{u} = {f}(place / 10000^({even} / units))",
                substituted=f"p{p},{u} = {f}({p} / 10000^({even} / {units})) = {number(value)}",
            )
        )
    return PositionalEncodingSimulation(
        table=table.tolist(),
        explained=explained,
        wavelengths=wavelengths,
        similarity=similarity.tolist(),
        verdict=(
            f"The first units begin anew after {number(wavelengths[0])} places, the last ones "
            f"after {number(wavelengths[-1])}: together they tell all places apart, and near "
            "places are alike."
        ),
    )
