"""Attention and positions, over HTTP, beside loops in plain Python and the engine's layer."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.conftest import Ask

from epochal_course.explorers.one_layer import apply_layer
from epochal_engine import MultiHeadAttention, PositionalEncoding


def test_a_query_finds_the_key_that_is_like_it(ask: Ask) -> None:
    reply = ask(
        "attention",
        queries=[[1.0, 0.0]],
        keys=[[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]],
        values=[[10.0], [20.0], [30.0]],
    )
    (head,) = reply["heads"]
    (query,) = head["queries"]
    scores = [1 / math.sqrt(2), 0.0, -1 / math.sqrt(2)]
    assert [score["value"] for score in query["scores"]] == pytest.approx(scores)
    assert query["scores"][0]["substituted"] == "s1,1 = (1·1 + 0·0) / √2 = 0.7071"
    shares = [math.exp(s) / sum(map(math.exp, scores)) for s in scores]
    assert head["weights"][0] == pytest.approx(shares)
    assert reply["output"][0][0] == pytest.approx(10 * shares[0] + 20 * shares[1] + 30 * shares[2])
    assert "key 1" in reply["verdict"]


def test_without_the_scale_attention_is_sharper(ask: Ask) -> None:
    request: dict[str, Any] = {"tokens": ["a", "b", "c"], "width": 16, "seed": 2}
    scaled = np.array(ask("attention", **request)["heads"][0]["weights"])
    bare = np.array(ask("attention", scaled=False, **request)["heads"][0]["weights"])
    assert (bare.max(axis=1) > scaled.max(axis=1)).all()


@given(
    tokens=st.lists(st.sampled_from("abcd"), min_size=1, max_size=6),
    heads=st.sampled_from([1, 2, 4]),
    causal=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=30)
def test_it_is_the_attention_of_the_layer(
    ask: Ask, tokens: list[str], heads: int, causal: bool, seed: int
) -> None:
    """With query, key and value as the layer's projections of one and the same input."""
    reply = ask("attention", tokens=tokens, width=8, heads=heads, causal=causal, seed=seed)
    rng = np.random.default_rng(seed)
    matrices = rng.normal(0.0, 1 / math.sqrt(8), (3, 8, 8))
    different = list(dict.fromkeys(tokens))
    table = rng.normal(size=(len(different), 8))
    x = table[[different.index(token) for token in tokens]]
    weights: dict[str, Any] = {"output.weight": np.eye(8), "output.bias": np.zeros(8)}
    for name, matrix in zip(("query", "key", "value"), matrices, strict=True):
        weights |= {f"{name}.weight": matrix, f"{name}.bias": np.zeros(8)}
    expected = apply_layer(MultiHeadAttention(heads, causal), x[None], weights)[0]
    assert np.array(reply["output"]) == pytest.approx(expected)
    for head in reply["heads"]:
        rows = np.array(head["weights"])
        assert rows.sum(axis=1) == pytest.approx(1.0)
        if causal:
            assert np.triu(rows, 1).any() == np.False_
        for query in head["queries"]:
            assert query["visible_keys"] == (query["position"] if causal else len(tokens))
            assert len(query["scores"]) == len(query["weights"]) == query["visible_keys"]


def test_the_same_token_asks_the_same_wherever_it_stands(ask: Ask) -> None:
    reply = ask("attention", tokens=["the", "cat", "the"])
    assert reply["queries"][0] == reply["queries"][2] != reply["queries"][1]


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        ({}, ["queries", "keys", "values"]),
        ({"queries": [[1.0]], "keys": [[1.0]]}, ["values"]),
        ({"tokens": ["a"], "keys": [[1.0]]}, ["tokens"]),
        ({"queries": [[1.0]], "keys": [[1.0, 2.0]], "values": [[1.0]]}, ["keys"]),
        ({"queries": [[1.0]], "keys": [[1.0]], "values": [[1.0], [2.0]]}, ["values"]),
        ({"queries": [[1.0], []], "keys": [[1.0]], "values": [[1.0]]}, ["queries"]),
        ({"tokens": ["a"], "width": 3, "heads": 2}, ["heads", "heads"]),
        (
            {"queries": [[1.0]], "keys": [[1.0], [2.0]], "values": [[1.0], [2.0]], "causal": True},
            ["causal"],
        ),
    ],
)
def test_an_error_names_the_invalid_field(
    ask: Ask, request_: dict[str, Any], fields: list[str]
) -> None:
    problem = ask("attention", status=400, **request_)
    assert [error["field"] for error in problem["errors"]] == fields


def test_encodings_are_sines_and_cosines(ask: Ask) -> None:
    reply = ask("positional-encoding", positions=5, units=6, position=3)
    for position, row in enumerate(reply["encodings"]):
        for unit, value in enumerate(row):
            angle = position / 10_000 ** (2 * (unit // 2) / 6)
            assert value == pytest.approx((math.sin, math.cos)[unit % 2](angle))
    assert [quantity["value"] for quantity in reply["encoding"]] == reply["encodings"][3]
    assert reply["encoding"][2]["substituted"].startswith("p3,2 = sin(3 / 10000^(2 / 6)) = ")
    layer = apply_layer(PositionalEncoding(), np.zeros((1, 5, 6)), {})[0]
    assert np.array(reply["encodings"]) == pytest.approx(layer)


def test_how_alike_two_positions_are_depends_on_their_distance_alone(ask: Ask) -> None:
    similarity = np.array(ask("positional-encoding", positions=12, units=8)["similarity"])
    assert np.diag(similarity) == pytest.approx(1.0)
    for distance in range(1, 12):
        along = np.diag(similarity, distance)
        assert along == pytest.approx(along[0])
    assert similarity[0, 1] > similarity[0, 2] > similarity[0, 3]


def test_a_place_beyond_the_end_cannot_be_explained(ask: Ask) -> None:
    problem = ask("positional-encoding", positions=4, position=4, status=400)
    assert [error["field"] for error in problem["errors"]] == ["position"]
