"""Scaled dot-product attention, score by score, and positional encodings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from epochal_engine import ACTIVATIONS
from epochal_engine.model import sinusoids
from epochal_engine.symbolic import Array
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.attention import (
    AttentionHead,
    AttentionQuery,
    AttentionSimulation,
    PositionalEncodingSimulation,
    SimulateAttentionRequest,
    SimulatePositionalEncodingRequest,
)
from ..specs.explorers.quantity import Quantity
from .explorer import Explorer
from .formulas import Expression, expression, number, quantity, sum_of_products, total

MAX_WIDTH = 16
SOFTMAX = ACTIVATIONS["softmax"].function


def attention(request: SimulateAttentionRequest) -> AttentionSimulation:
    """Compute scaled dot-product attention: scores, attention weights, and outputs.

    Raises `InvalidArgument` unless there are either tokens or fitting queries, keys and values, and
    unless the number of heads divides their sizes.
    """
    queries, keys, values = _vectors(request)
    heads = request.heads
    errors = [
        FieldError("heads", f"must divide the size of the {name}, {count}; got {heads}")
        for name, count in (("keys", keys.shape[1]), ("values", values.shape[1]))
        if count % heads
    ]
    if request.causal and len(queries) != len(keys):
        errors.append(FieldError("causal", "requires as many queries as keys"))
    if errors:
        raise InvalidArgument.of(*errors)
    parts = (np.split(array, heads, axis=1) for array in (queries, keys, values))
    computed = [_computed(request, *arrays) for arrays in zip(*parts, strict=True)]
    sizes = (len(queries), len(keys), keys.shape[1], values.shape[1])
    scale = " / √d" if request.scaled else ""
    return AttentionSimulation(
        formula=f"softmax(Q·Kᵀ{scale})·V",
        queries=queries.tolist(),
        keys=keys.tolist(),
        values=values.tolist(),
        heads=[_head(head, index) for index, head in enumerate(computed, 1)],
        output=np.concatenate([head.output for head in computed], axis=1).tolist(),
        flops=quantity(
            "FLOPs",
            2 * len(queries) * len(keys) * (keys.shape[1] + values.shape[1]),
            "2·queries·keys·(size of a key + size of a value)",
            expression("2·{}·{}·({} + {})", *sizes),
        ),
        verdict=_verdict(request, computed),
    )


def _vectors(request: SimulateAttentionRequest) -> tuple[Array, Array, Array]:
    names = ("queries", "keys", "values")
    given = {name: rows for name in names if (rows := getattr(request, name)) is not None}
    if request.tokens is not None:
        if given:
            raise InvalidArgument.of(
                FieldError("tokens", "must be left out if queries, keys or values are given")
            )
        return _of_tokens(request.tokens, request.width, request.seed)
    missing = [
        FieldError(name, "must be given: queries, keys and values, or tokens instead")
        for name in names
        if name not in given
    ]
    if missing:
        raise InvalidArgument.of(*missing)
    errors = [
        FieldError(name, f"must have rows of equal length, with 1 to {MAX_WIDTH} numbers")
        for name, rows in given.items()
        if len({len(row) for row in rows}) > 1 or not 1 <= len(rows[0]) <= MAX_WIDTH
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    queries, keys, values = (np.array(given[name], np.float64) for name in names)
    if keys.shape[1] != queries.shape[1]:
        errors.append(
            FieldError(
                "keys",
                f"must have rows as long as those of queries, {queries.shape[1]}; got "
                f"{keys.shape[1]}",
            )
        )
    if len(values) != len(keys):
        errors.append(
            FieldError("values", f"must have a row for each key, {len(keys)}; got {len(values)}")
        )
    if errors:
        raise InvalidArgument.of(*errors)
    return queries, keys, values


def _of_tokens(tokens: list[str], width: int, seed: int) -> tuple[Array, Array, Array]:
    """Queries, keys and values of tokens, from a random embedding and three random matrices."""
    rng = np.random.default_rng(seed)
    matrices = rng.normal(0.0, 1.0 / math.sqrt(width), (3, width, width))
    different = list(dict.fromkeys(tokens))
    embeddings = rng.normal(size=(len(different), width))
    queries, keys, values = (embeddings @ matrices)[:, [different.index(token) for token in tokens]]
    return queries, keys, values


@dataclass(frozen=True, eq=False)
class _Head:
    """One head: a row for each query, a column for each key."""

    q: Array
    k: Array
    v: Array
    is_scaled: bool
    visible: list[int]
    """Number of keys that each query may attend to, from the first on."""
    scores: Array
    weights: Array
    output: Array
    """`(queries, size of a value)`."""


def _computed(request: SimulateAttentionRequest, q: Array, k: Array, v: Array) -> _Head:
    scores = q @ k.T / (math.sqrt(k.shape[1]) if request.scaled else 1.0)
    visible = [i + 1 if request.causal else len(k) for i in range(len(q))]
    is_masked = np.arange(len(k)) >= np.array(visible)[:, None]
    weights = SOFTMAX(np.where(is_masked, -np.inf, scores))
    return _Head(q, k, v, request.scaled, visible, scores, weights, weights @ v)


def _head(head: _Head, index: int) -> AttentionHead:
    return AttentionHead(
        head=index,
        weights=head.weights.tolist(),
        queries=[_query(head, i) for i in range(len(head.q))],
    )


def _query(head: _Head, i: int) -> AttentionQuery:
    visible = head.visible[i]
    return AttentionQuery(
        position=i + 1,
        visible_keys=visible,
        scores=[_score(head, i, j) for j in range(visible)],
        weights=_weights(head, i),
        output=_output(head, i),
    )


def _score(head: _Head, i: int, j: int) -> Quantity:
    """The product of query i and key j."""
    name, n = f"s{i + 1},{j + 1}", f"q{i + 1}·k{j + 1}"
    products = sum_of_products(list(zip(head.q[i].tolist(), head.k[j].tolist(), strict=True)))
    value = float(head.scores[i, j])
    if not head.is_scaled:
        return quantity(name, value, n, products)
    size = head.k.shape[1]
    return quantity(name, value, f"{n} / √d", expression(f"({{}}) / √{size}", products))


def _weights(head: _Head, i: int) -> list[Quantity]:
    """The softmax of the scores of query i."""
    visible = head.visible[i]
    powers = [expression("exp({})", score) for score in head.scores[i, :visible].tolist()]
    denominator = total(powers)
    n = i + 1
    return [
        quantity(
            f"α{n},{j}",
            weight,
            f"exp(s{n},{j}) / Σₖ exp(s{n},k)",
            expression("{} / ({})", power, denominator),
        )
        for j, (weight, power) in enumerate(
            zip(head.weights[i, :visible].tolist(), powers, strict=True), 1
        )
    ]


def _output(head: _Head, i: int) -> list[Quantity]:
    """The mean of the values, weighted by the attention of query i."""
    visible, n = head.visible[i], i + 1
    weights = head.weights[i, :visible].tolist()
    columns = head.v[:visible].T.tolist()
    return [
        quantity(
            f"o{n},{c}",
            value,
            f"Σⱼ α{n},j·vj,{c}",
            sum_of_products(list(zip(weights, column, strict=True))),
        )
        for c, (value, column) in enumerate(zip(head.output[i].tolist(), columns, strict=True), 1)
    ]


def _verdict(request: SimulateAttentionRequest, heads: list[_Head]) -> str:
    weights = heads[0].weights[-1]
    most = int(weights.argmax())
    query = len(heads[0].weights)
    if request.tokens is not None:
        subject, target = f"“{request.tokens[query - 1]}”", f"“{request.tokens[most]}”"
    else:
        subject, target = f"Query {query}", f"key {most + 1}"
    where = " in head 1" if len(heads) > 1 else ""
    result = f"{subject} attends most to {target}{where}: {100 * weights[most]:.1f} %."
    if request.tokens is None:
        return result
    return f"{result} These weights are random: training would learn useful ones."


# ---------------------------------------------------------------- positional encoding


def positional_encoding(request: SimulatePositionalEncodingRequest) -> PositionalEncodingSimulation:
    """Compute sinusoidal positional encodings: a vector for each position (Vaswani et al., 2017).

    Raises `InvalidArgument` if the position to explain is not in the sequence.
    """
    if request.position >= request.positions:
        raise InvalidArgument.of(
            FieldError(
                "position",
                f"must be one of the {request.positions} positions, counted from 0; got "
                f"{request.position}",
            )
        )
    encodings = sinusoids(request.positions, request.units)
    unit_vectors = encodings / np.sqrt(np.square(encodings).sum(axis=1, keepdims=True))
    wavelengths = [
        2.0 * math.pi * 10_000 ** ((u - u % 2) / request.units) for u in range(request.units)
    ]
    return PositionalEncodingSimulation(
        encodings=encodings.tolist(),
        encoding=[
            _explained(request.position, request.units, u, value)
            for u, value in enumerate(encodings[request.position].tolist())
        ],
        wavelengths=wavelengths,
        similarity=(unit_vectors @ unit_vectors.T).tolist(),
        verdict=(
            f"The first units repeat after {number(wavelengths[0])} positions, the last ones after "
            f"{number(wavelengths[-1])}: together they identify each position, and nearby "
            "positions have similar encodings."
        ),
    )


def _explained(position: int, units: int, u: int, value: float) -> Quantity:
    """Unit u of the encoding of one position."""
    name, even = f"p{position},{u}", u - u % 2
    function = "sin" if u % 2 == 0 else "cos"
    return quantity(
        name,
        value,
        f"{function}(position / 10000^({even} / units))",
        Expression(f"{function}({position} / 10000^({even} / {units}))"),
    )


ATTENTION = Explorer(
    "Attention, score by score",
    attention,
    {
        "A query that equals one of the keys": {
            "queries": [[1.0, 0.0]],
            "keys": [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]],
            "values": [[10.0], [20.0], [30.0]],
        },
        "Six tokens, two heads, and a causal mask": {
            "tokens": ["the", "cat", "sat", "on", "the", "mat"],
            "heads": 2,
            "causal": True,
            "seed": 1,
        },
    },
)
POSITIONAL_ENCODING = Explorer(
    "Sinusoidal positional encoding",
    positional_encoding,
    {
        "Sixteen positions": {},
        "Position 5 of 32, with 8 units": {"positions": 32, "units": 8, "position": 5},
    },
)
