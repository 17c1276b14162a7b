"""Text that a network generates, once on each wire."""

import pytest
from tests.rest.test_generation import CIRCLE, REVERSAL

import epochal


@pytest.fixture
def circle(client: epochal.Client) -> epochal.Job:
    """A network that writes abcabc…"""
    return client.jobs.create(CIRCLE, request_id="client-tests-circle").wait(60, check=True)


def test_tokens_arrive_one_by_one_and_are_the_text(circle: epochal.Job) -> None:
    text = circle.generate("a", max_tokens=40, temperature=0, alternatives=1)
    token = next(iter(text))
    assert (token.text, token.context, len(token.alternatives)) == ("b", 1, 1)
    assert token.probability > 0.5
    assert token.sampling_probability == 1
    assert text.text == ("bca" * 14)[:40]
    assert "".join(token.text for token in text) == text.text
    assert [sample.finish_reason for sample in text.samples] == ["max_tokens"]
    assert (text.epoch, text.prompt, text.uncached_layer) == (60, "a", None)


def test_samples_follow_each_other(circle: epochal.Job) -> None:
    text = circle.generate("a", count=3, max_tokens=20, temperature=0, stop="ca")
    assert "".join(text.pieces()) == "abca\nabca\nabca\n"
    assert text.texts == ["bca"] * 3
    assert [len(tokens) for tokens in text.tokens] == [3] * 3
    assert "".join(text.pieces()) == "abca\nabca\nabca\n"
    reply = text.to_dict()
    assert [sample["text"] for sample in reply["samples"]] == text.texts
    assert reply["samples"][0]["tokens"][0]["text"] == "b"


def test_an_encoder_reads_the_prompt(client: epochal.Client) -> None:
    job = client.jobs.create(REVERSAL, request_id="client-tests-generated").wait(60, check=True)
    text = job.generate("abc", temperature=0)
    assert "".join(text.pieces()) == "cba\n"
    assert text.uncached_layer == "slice_2"


def test_errors_are_raised_before_the_first_token(circle: epochal.Job) -> None:
    with pytest.raises(epochal.InvalidArgument, match="'x', 'y'"):
        circle.generate("axyx")
    with pytest.raises(epochal.InvalidArgument, match="temperature"):
        circle.generate("a", temperature=-1)


def test_a_generation_that_is_closed_has_no_text(circle: epochal.Job) -> None:
    text = circle.generate("a", max_tokens=2000)
    next(iter(text))
    text.close()
    with pytest.raises(epochal.EpochalError, match="closed before its end"):
        _ = text.text
