"""Cross-entropy over a vocabulary, over HTTP."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.arithmetic import agree
from tests.course.explorers.conftest import Ask


def baselines(reply: dict[str, Any]) -> dict[str, float]:
    return {row["name"]: row["nats"]["value"] for row in reply["baselines"]}


@pytest.mark.parametrize(("vocabulary", "nats"), [(100_000, 11.5129), (50_257, 10.8249)])
def test_a_uniform_guess_costs_the_logarithm_of_the_vocabulary(
    ask: Ask, vocabulary: int, nats: float
) -> None:
    chance = 1 / vocabulary
    reply = ask("token-loss", target_probabilities=[chance] * 3, vocabulary=vocabulary)
    assert reply["nats"]["value"] == pytest.approx(nats, abs=5e-5)
    assert baselines(reply)["uniform"] == pytest.approx(nats, abs=5e-5)
    assert reply["perplexity"]["value"] == pytest.approx(vocabulary)
    assert "the same as a uniform guess" in reply["verdict"]


def test_a_row_of_probabilities_tells_the_place_of_the_truth(ask: Ask) -> None:
    reply = ask(
        "token-loss",
        tokens=["mat", "sofa", "moon"],
        probabilities=[[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]],
        targets=[0, 2],
    )
    first, second = reply["positions"]
    assert (first["token"], first["rank"], first["bits"]) == ("mat", 1, pytest.approx(1))
    assert (second["token"], second["rank"], second["bits"]) == ("moon", 2, pytest.approx(3))
    assert (second["top_token"], second["top_probability"]) == ("sofa", 0.75)
    assert reply["bits"]["value"] == pytest.approx(2)
    assert reply["perplexity"]["value"] == pytest.approx(4)
    assert reply["nats"]["value"] == pytest.approx(2 * math.log(2))
    assert reply["verdict"].endswith("worse than a uniform guess among 3 tokens.")


@given(
    rows=st.lists(st.lists(st.floats(-30, 30), min_size=4, max_size=4), min_size=1, max_size=5),
    seed=st.integers(0, 3),
)
@settings(max_examples=30)
def test_logits_are_what_plain_python_makes_of_them(
    ask: Ask, rows: list[list[float]], seed: int
) -> None:
    targets = [(seed + i) % 4 for i in range(len(rows))]
    reply = ask("token-loss", logits=rows, targets=targets)
    losses = []
    for row, target, place in zip(rows, targets, reply["positions"], strict=True):
        top = max(row)
        losses.append(top + math.log(sum(math.exp(z - top) for z in row)) - row[target])
        assert place["nats"]["value"] == pytest.approx(losses[-1], abs=1e-9)
        assert place["probability"] == pytest.approx(math.exp(-losses[-1]))
        assert place["rank"] == 1 + sum(z > row[target] for z in row) or min(
            abs(z - row[target]) for z in row if z != row[target]
        ) == pytest.approx(0, abs=1e-9)
    mean = sum(losses) / len(losses)
    assert reply["nats"]["value"] == pytest.approx(mean, abs=1e-9)
    assert reply["bits"]["value"] == pytest.approx(mean / math.log(2), abs=1e-9)
    assert reply["perplexity"]["value"] == pytest.approx(math.exp(mean))


def test_every_printed_formula_comes_to_its_value(ask: Ask) -> None:
    reply = ask("token-loss", probabilities=[[0.6, 0.4], [0.1, 0.9]], targets=[0, 0])
    shown = [reply["nats"], reply["bits"], reply["perplexity"]]
    shown += [row["nats"] for row in [*reply["positions"], *reply["baselines"]]]
    for quantity in shown:
        agree(quantity)


def test_what_was_thought_impossible_costs_100_nats_and_stays_finite(ask: Ask) -> None:
    reply = ask("token-loss", probabilities=[[1.0, 0.0]], targets=[1])
    assert reply["nats"]["value"] == 100
    assert reply["perplexity"]["value"] == pytest.approx(math.exp(100))
    far = ask("token-loss", logits=[[300.0, -300.0]], targets=[1])
    assert far["nats"]["value"] == pytest.approx(600)
    assert math.isfinite(far["perplexity"]["value"])


@pytest.mark.long
def test_a_whole_vocabulary_is_taken_at_once(ask: Ask) -> None:
    size = 100_000
    reply = ask(
        "token-loss", logits=[[0.0] * (size - 1) + [math.log(size - 1)]], targets=[size - 1]
    )
    assert reply["positions"][0]["probability"] == pytest.approx(0.5)
    assert reply["vocabulary"] == size


def test_confident_baselines_show_what_certainty_is_worth(ask: Ask) -> None:
    reply = ask("token-loss", target_probabilities=[0.5], vocabulary=100_000)
    assert baselines(reply)["confident_correct"] == pytest.approx(-math.log(0.99))
    assert baselines(reply)["confident_incorrect"] == pytest.approx(-math.log(0.01 / 99_999))


@pytest.mark.parametrize(
    ("request_", "field", "description"),
    [
        ({}, "probabilities", "must be given, or logits, or target_probabilities"),
        (
            {"probabilities": [[0.5, 0.6]], "targets": [0]},
            "probabilities[0]",
            "must sum to 1; got 1.1",
        ),
        (
            {"logits": [[0.0, 1.0], [0.0]], "targets": [0, 0]},
            "logits[1]",
            "must have 2 numbers like the first row; got 1",
        ),
        ({"logits": [[0.0, 1.0]], "targets": [2]}, "targets[0]", "must be at most 1; got 2"),
        ({"logits": [[0.0, 1.0]]}, "targets", "must have one number for each row, 1; got 0"),
        (
            {"logits": [[0.0, 1.0]], "targets": [0], "probabilities": [[0.5, 0.5]]},
            "logits",
            "must be left out with probabilities",
        ),
        ({"target_probabilities": [0.5]}, "vocabulary", "is required with target_probabilities"),
        (
            {"logits": [[0.0, 1.0]], "targets": [0], "tokens": ["a"]},
            "tokens",
            "must have one text for each token of the vocabulary, 2; got 1",
        ),
        (
            {"logits": [[0.0] * 4_000] * 51, "targets": [0] * 51},
            "logits",
            "must have at most 200000 numbers in all; got 204000",
        ),
    ],
)
def test_an_error_names_the_invalid_field(
    ask: Ask, request_: dict[str, Any], field: str, description: str
) -> None:
    problem = ask("token-loss", **request_, status=400)
    assert problem["errors"] == [{"field": field, "description": description}]
