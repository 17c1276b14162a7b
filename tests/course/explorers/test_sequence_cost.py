"""The cost of reading a sequence, beside what the engine counts for its own layers."""

from typing import Any

import pytest
from tests.course.explorers.conftest import Ask

from epochal_engine import Conv1d, Gru, Layer, Lstm, MultiHeadAttention, Network, Rnn

LAYERS: dict[str, Layer] = {
    "cnn": Conv1d(8, 3, padding="same"),
    "rnn": Rnn(8, return_sequences=True),
    "lstm": Lstm(8, return_sequences=True),
    "gru": Gru(8, return_sequences=True),
    "attention": MultiHeadAttention(2),
}


def by_kind(reply: dict[str, Any]) -> dict[str, Any]:
    return {row["kind"]: row for row in reply["kinds"]}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("length", [6, 12])
def test_compute_and_parameters_are_those_of_the_engines_layer(
    ask: Ask, kind: str, length: int
) -> None:
    cost = by_kind(ask("sequence-cost", lengths=[length], width=8, kernel_size=3, heads=2))[kind]
    network = Network((length, 8), (LAYERS[kind],))
    assert cost["parameters"] == network.learned_size
    compute = cost["rows"][0]["compute"]
    if kind in ("rnn", "lstm", "gru"):
        # The first place meets a state of zeros, which the engine does not multiply.
        gates = {"rnn": 1, "lstm": 4, "gru": 3}[kind]
        compute -= 2 * gates * 8 * 8
    assert compute == network.flops


def test_growth_is_that_of_the_table(ask: Ask) -> None:
    kinds = by_kind(ask("sequence-cost", lengths=[1000, 2000], width=16))

    def factor(kind: str, cost: str) -> float:
        first, second = kinds[kind]["rows"]
        return float(second[cost] / first[cost])

    for kind in ("mlp", "cnn", "rnn", "lstm", "gru"):
        assert factor(kind, "compute") == 2
        assert factor(kind, "memory") == 2
    assert factor("attention", "compute") == pytest.approx(4, abs=0.1)
    assert factor("attention", "memory") == pytest.approx(4, abs=0.1)
    for kind in ("rnn", "lstm", "gru"):
        assert [row["sequential_steps"] for row in kinds[kind]["rows"]] == [1000, 2000]
        assert [row["longest_path"] for row in kinds[kind]["rows"]] == [1000, 2000]
    for kind in ("mlp", "cnn", "attention"):
        assert [row["sequential_steps"] for row in kinds[kind]["rows"]] == [1, 1]
    assert [row["longest_path"] for row in kinds["attention"]["rows"]] == [1, 1]
    assert [row["longest_path"] for row in kinds["cnn"]["rows"]] == [7, 7]  # 3⁷ = 2187


def test_attention_and_lstm_cost_the_same_at_the_crossover_length(ask: Ask) -> None:
    crossover = ask("sequence-cost", width=32)["crossover_length"]
    lengths = [int(crossover) - 1, int(crossover), int(crossover) + 1]
    kinds = by_kind(ask("sequence-cost", width=32, lengths=lengths))
    attention, lstm = (
        [row["compute"] for row in kinds[kind]["rows"]] for kind in ("attention", "lstm")
    )
    assert attention[0] < lstm[0]
    assert attention[1] == lstm[1]
    assert attention[2] > lstm[2]


def test_powers_of_the_kernel_are_spanned_exactly(ask: Ask) -> None:
    kinds = by_kind(ask("sequence-cost", lengths=[1, 3, 4, 243, 244, 10_000_000], kernel_size=3))
    paths = [row["longest_path"] for row in kinds["cnn"]["rows"]]
    assert paths == [1, 1, 2, 5, 6, 15]


def test_a_length_is_a_positive_whole_number(ask: Ask) -> None:
    problem = ask("sequence-cost", lengths=[0], status=400)
    assert [error["field"] for error in problem["errors"]] == ["lengths[0]"]
