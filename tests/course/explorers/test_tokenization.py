"""A text as tokens: data sets use the same merges, which can be counted by hand."""

import pytest
from tests.course.explorers.conftest import Ask

from epochal_service.datasets import builtin
from epochal_service.datasets.tokens import encode


def texts(tokens: list[dict[str, object]]) -> list[object]:
    return [token["text"] for token in tokens]


def test_without_merges_a_token_is_a_character(ask: Ask) -> None:
    reply = ask("tokenization", text="to be", merges=0)
    assert texts(reply["tokens"]) == texts(reply["characters"]) == [*"to be"]
    assert (reply["merges"], reply["compression"]["value"]) == ([], 1)
    assert reply["verdict"].startswith("Each of the 5 characters is a token")


@pytest.mark.parametrize("merges", [1, 40, 1000])
def test_tokens_are_those_of_the_data_set_of_plays(ask: Ask, merges: int) -> None:
    line = "the king shall come, the king!"
    vocabulary = builtin.load("plays", samples=10, merges=merges).token_names
    reply = ask("tokenization", text=line, merges=merges)
    assert [token["number"] for token in reply["tokens"]] == encode(line, vocabulary).tolist()
    assert "".join(map(str, texts(reply["tokens"]))) == line
    assert reply["vocabulary"] == len(vocabulary)


def test_each_merge_leaves_fewer_tokens_until_those_of_the_reply(ask: Ask) -> None:
    reply = ask("tokenization", text="then the other", merges=200)
    counts = [14, *(step["tokens"] for step in reply["merges"])]
    assert counts == sorted(set(counts), reverse=True)
    assert counts[-1] == len(reply["tokens"])
    first = reply["merges"][0]
    again = ask("tokenization", text="then the other", merges=first["merge"])
    assert len(again["tokens"]) == first["tokens"]


def test_a_character_that_the_plays_do_not_have_stays_a_token(ask: Ask) -> None:
    reply = ask("tokenization", text="the 7 ü", merges=1000)
    assert "7" in reply["tokens"][1]["text"] + reply["tokens"][2]["text"]
    assert "".join(map(str, texts(reply["tokens"]))) == "the 7 ü"
