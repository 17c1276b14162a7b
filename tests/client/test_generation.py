"""Text that a network generates, once on each wire."""

import pytest
from tests.rest.test_corruption import CORNERS
from tests.rest.test_generation import CALLS, CIRCLE, REVERSAL, calls

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


def test_tokens_of_a_tool_are_marked(client: epochal.Client) -> None:
    spec = calls(CALLS)
    job = client.jobs.create(spec, request_id="client-tests-calls").wait(60, check=True)
    text = job.generate(";", max_tokens=7, temperature=0, tools=["calculator"])
    assert [token.tool for token in text] == [None] * 5 + ["calculator", None]
    assert text.text == CALLS
    with pytest.raises(epochal.InvalidArgument, match="calculator"):
        job.generate(";", tools=["python"])  # type: ignore[list-item]


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


def test_samples_of_a_diffusion_network_emerge_from_noise(client: epochal.Client) -> None:
    spec = CORNERS | {"corruption": epochal.corruptions.diffuse(steps=10), "epochs": 5}
    job = client.jobs.create(spec, request_id="client-tests-diffused").wait(60, check=True)
    samples = job.generate(count=6, seed=3, steps_per_event=4)
    steps = [(part.step, part.samples.shape) for part in samples.steps()]
    assert steps == [(10, (6, 2)), (8, (6, 2)), (4, (6, 2)), (0, (6, 2))]
    assert samples.array.tolist() == [*samples.steps()][-1].samples.tolist()
    assert samples.diffusion is not None
    assert samples.diffusion.classes.tolist() == [0, 1, 2, 3, 0, 1]
    again = job.generate(count=6, seed=3)
    assert again.array.tolist() == samples.array.tolist()
    assert len(samples.to_dict()["denoised"]) == 4
    with pytest.raises(epochal.InvalidArgument, match="must be one of a, b, c, d"):
        job.generate(class_name="e")
    with pytest.raises(epochal.InvalidArgument, match="prompt"):
        job.generate("a")


def test_text_has_no_array(circle: epochal.Job) -> None:
    with pytest.raises(ValueError, match="read `text`"):
        _ = circle.generate("a", max_tokens=3).array
