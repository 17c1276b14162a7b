"""The cost of a transformer, over HTTP."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.arithmetic import agree
from tests.course.explorers.conftest import Ask

from epochal_engine import Dense, Embedding, LayerNorm, Network, PositionalEncoding, summarize
from epochal_engine import TransformerBlock as Block

SMALL: dict[str, Any] = {
    "family": "gpt",
    "layers": 2,
    "width": 4,
    "heads": 2,
    "vocabulary": 10,
    "context": 3,
}


def test_a_claim_of_500_ms_for_70b_and_4k_tokens_on_8_gpus_is_worked_out(ask: Ask) -> None:
    reply = ask("transformer-cost", model="llama-2-70b", claimed_seconds=0.5)
    assert reply["parameters"]["value"] == 68_976_648_192
    weights = 2 * (68_976_648_192 - 262_144_000 - 161 * 8192) * 4096
    attention = 2 * 80 * 8192 * 4096 * 4097
    assert reply["weight_flops"]["value"] == weights
    assert reply["attention_flops"]["value"] == attention
    assert reply["flops"]["value"] == pytest.approx(5.849e14, rel=1e-3)
    assert reply["seconds"]["value"] == pytest.approx((weights + attention) / (8 * 312e12 * 0.5))
    required = (weights + attention) / (8 * 312e12 * 0.5)
    assert reply["required_utilization"]["value"] == pytest.approx(required)
    assert reply["reading_seconds"]["value"] == pytest.approx(2 * 68_976_648_192 / (8 * 2.039e12))
    assert reply["cache_bytes"]["value"] == 2 * 80 * 1024 * 4096 * 2
    assert reply["fits_in_memory"] is True
    assert "46.9 %, which is possible." in reply["verdict"]
    assert "data sheet" in reply["device"]["source"]


def test_on_one_device_the_model_does_not_fit(ask: Ask) -> None:
    reply = ask("transformer-cost", model="llama-2-70b", devices=1)
    assert reply["fits_in_memory"] is False
    assert "needs 139.3 GB, more than its memory of 80 GB" in reply["verdict"]


def test_one_more_token_waits_for_the_memory(ask: Ask) -> None:
    reply = ask("transformer-cost", model="llama-2-70b", tokens=1)
    assert reply["seconds"]["value"] < reply["reading_seconds"]["value"]
    assert reply["verdict"].startswith("One token takes 137.4 billion operations")
    assert "memory bandwidth is the limit" in reply["verdict"]


def test_a_claim_that_no_device_could_meet_is_impossible(ask: Ask) -> None:
    reply = ask("transformer-cost", model="gpt-3", tokens=2048, claimed_seconds=0.01)
    assert reply["required_utilization"]["value"] > 1
    assert reply["verdict"].endswith("impossible.")


@pytest.mark.parametrize("model", ["bert-base", "gpt-2", "gpt-3", "llama-2-70b"])
@pytest.mark.parametrize("causal", [True, False])
def test_every_printed_formula_comes_to_its_value(ask: Ask, model: str, causal: bool) -> None:
    reply = ask("transformer-cost", model=model, causal=causal, tokens=300, claimed_seconds=1.0)
    quantities = [part for part in reply.values() if isinstance(part, dict) and "formula" in part]
    assert len(quantities) == 13
    for quantity in [*reply["parameter_groups"], *quantities]:
        agree(quantity)


@given(
    layers=st.integers(1, 4),
    heads=st.integers(1, 4),
    share=st.integers(1, 6),
    hidden=st.integers(1, 40),
    vocabulary=st.integers(1, 50),
    tokens=st.integers(1, 12),
)
@settings(max_examples=25)
def test_the_engine_counts_the_same_parameters_and_operations(
    ask: Ask, layers: int, heads: int, share: int, hidden: int, vocabulary: int, tokens: int
) -> None:
    width = heads * share
    size = {
        "layers": layers,
        "width": width,
        "heads": heads,
        "hidden": hidden,
        "vocabulary": vocabulary,
        "context": tokens,
    }
    reply = ask("transformer-cost", size=size, tokens=tokens, causal=False)
    blocks = [Block(heads, hidden) for _ in range(layers)]
    body = (Embedding(vocabulary, width), PositionalEncoding("learned"), *blocks, LayerNorm())
    without_output = Network((tokens,), body)
    with_output = Network((tokens,), (*body, Dense(vocabulary)))
    assert reply["parameters"]["value"] == summarize(without_output).parameters
    assert reply["flops"]["value"] == with_output.flops


def test_of_a_number_of_parameters_alone_the_rule_of_thumb_is_all_there_is(ask: Ask) -> None:
    reply = ask("transformer-cost", parameters=7, tokens=3)
    assert reply["flops"]["value"] == reply["rule_of_thumb"]["value"] == 42
    assert reply["attention_flops"]["value"] == reply["cache_bytes"]["value"] == 0
    assert (reply["size"], reply["parameter_groups"]) == (None, [])


def test_heads_that_share_keys_save_parameters_and_cache(ask: Ask) -> None:
    size = SMALL | {"family": "llama", "width": 8, "heads": 4}
    all_heads = ask("transformer-cost", size=size, tokens=5)
    one_head = ask("transformer-cost", size=size | {"key_value_heads": 1}, tokens=5)
    # In each of two layers, keys and values of 2 instead of 8 numbers.
    saved = all_heads["parameters"]["value"] - one_head["parameters"]["value"]
    assert saved == 2 * 2 * 8 * 6
    assert all_heads["cache_bytes"]["value"] == 4 * one_head["cache_bytes"]["value"]


@pytest.mark.parametrize(
    ("request_", "field", "description"),
    [
        ({}, "model", "must be given, or size, or parameters"),
        ({"model": "gpt-2", "parameters": 1}, "model", "must be left out if parameters is given"),
        (
            {"model": "lenet-5"},
            "model",
            "must be one of bert-base, gpt-2, gpt-2-xl, llama-2-70b, gpt-3, llama-3.1-405b",
        ),
        ({"size": SMALL | {"heads": 3}}, "size.heads", "must divide the width, 4; got 3"),
        (
            {"size": SMALL | {"width": 8, "heads": 4, "key_value_heads": 3}},
            "size.key_value_heads",
            "must divide the heads, 4; got 3",
        ),
        ({"parameters": 1, "utilization": 1.5}, "utilization", "must be at most 1"),
    ],
)
def test_an_error_names_the_field_that_is_missing_or_too_much(
    ask: Ask, request_: dict[str, Any], field: str, description: str
) -> None:
    problem = ask("transformer-cost", **request_, status=400)
    assert problem["errors"] == [{"field": field, "description": description}]


def test_a_device_of_ones_own_takes_the_place_of_the_list(ask: Ask) -> None:
    reply = ask(
        "transformer-cost",
        parameters=100,
        tokens=1,
        devices=1,
        utilization=1.0,
        custom_device={"peak_flops": 200.0, "bandwidth": 50.0, "memory": 199.0},
    )
    assert reply["seconds"]["value"] == 1
    assert reply["reading_seconds"]["value"] == 4
    assert reply["fits_in_memory"] is False


def test_bert_attends_in_both_directions_and_gpt_does_not(ask: Ask) -> None:
    """BERT-base: 12 layers of width 768, all pairs of 512 tokens."""
    bert = ask("transformer-cost", model="bert-base", tokens=512)
    assert bert["attention_flops"]["value"] == 4 * 12 * 768 * 512**2
    gpt = ask("transformer-cost", model="gpt-2", tokens=512)
    assert gpt["attention_flops"]["value"] == 2 * 12 * 768 * 512 * 513
    masked = ask("transformer-cost", model="bert-base", tokens=512, causal=True)
    assert masked["attention_flops"]["value"] == 2 * 12 * 768 * 512 * 513
