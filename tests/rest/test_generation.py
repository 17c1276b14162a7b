"""Text that a trained network writes, token by token."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx2
import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.contract.wires import events
from tests.rest.conftest import served
from tests.rest.test_streams import WAIT, until_open_streams_are
from tests.servers.stack import await_condition

from epochal_service.rest.app import create_app
from epochal_service.settings import Limits, Settings

pytestmark = pytest.mark.long

Train = Callable[[str], str | None]
Sent = list[dict[str, Any]]
SSE = {"Accept": "text/event-stream"}


def language_model(window: int, vocabulary: int, **fields: Any) -> dict[str, Any]:
    return {
        "network": {
            "input_shape": [window],
            "layers": [
                {"type": "embedding", "vocabulary": vocabulary, "units": 12},
                {"type": "positional_encoding", "kind": "learned"},
                {"type": "transformer_block", "heads": 2, "hidden": 24, "causal": True},
                {"type": "gru", "units": 12, "return_sequences": True},
                {"type": "dense", "units": fields.pop("written"), "activation": "softmax"},
            ],
        },
        "loss": "cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "epochs": 3,
        "snapshots": {"weights_every": 1},
        **fields,
    }


WINDOW = 32
# 21 characters and a start token.
SENTENCES = language_model(
    WINDOW, 25, written=24, dataset={"name": "sentences", "samples": 200, "length": WINDOW}
)
# "abcabc…": every next token is certain once it is learned, and there is no start token.
ROWS = [[(start + i) % 3 for i in range(6)] for start in range(3)] * 10
CIRCLE = language_model(
    6,
    3,
    written=3,
    epochs=60,
    dataset={
        "inputs": ROWS,
        "targets": [[(token + 1) % 3 for token in row] for row in ROWS],
        "class_names": ["a", "b", "c"],
    },
)
REVERSAL: dict[str, Any] = {
    "network": {
        "input_shape": [6],
        "layers": [
            {"type": "embedding", "vocabulary": 4, "units": 8, "name": "tokens"},
            {"type": "slice", "start": 0, "stop": 3},
            {"type": "gru", "units": 16, "return_sequences": True, "name": "encoder"},
            {"type": "slice", "start": 3, "input": ["tokens"]},
            {"type": "gru", "units": 16, "return_sequences": True, "name": "decoder"},
            {"type": "additive_attention", "units": 8, "input": ["decoder", "encoder"]},
            {"type": "dense", "units": 3, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "reversal", "samples": 100, "length": 3, "classes": 3},
    "loss": "cross_entropy",
    "optimizer": {"type": "adam", "learning_rate": 0.02},
    "epochs": 60,
}


# Names of three letters or fewer, which start and end with a dot; 0 fills short rows up.
NAMES = language_model(
    5,
    4,
    written=4,
    epochs=150,
    dataset={
        "inputs": [[0, 1, 2, 0, 0], [0, 2, 3, 1, 0]] * 8,
        "targets": [[1, 2, 0, -1, -1], [2, 3, 1, 0, -1]] * 8,
        "class_names": [".", "a", "b", "c"],
    },
)
# Two numbers, a token that asks for the larger one, and that number.
PICTURES: dict[str, Any] = {
    "network": {
        "input_shape": [4],
        "layers": [
            {"type": "slice", "start": 0, "stop": 2, "name": "picture"},
            {"type": "dense", "units": 8, "activation": "tanh"},
            {"type": "reshape", "shape": [1, 8], "name": "seen"},
            {"type": "slice", "start": 2, "input": ["input"], "name": "text"},
            {"type": "embedding", "vocabulary": 5, "units": 8, "name": "tokens"},
            {"type": "gru", "units": 8, "return_sequences": True, "name": "decoder"},
            {"type": "additive_attention", "units": 8, "input": ["decoder", "seen"]},
            {"type": "add", "input": ["decoder", "additive_attention_7"]},
            {"type": "dense", "units": 3, "activation": "softmax"},
        ],
    },
    "dataset": {
        "inputs": [[0.1, 0.9, 3, 1], [0.8, 0.2, 3, 0], [0.3, 0.7, 4, 0], [0.6, 0.1, 4, 1]] * 8,
        "targets": [[1, 2], [0, 2], [0, 2], [1, 2]] * 8,
        "class_names": ["l", "r", "."],
    },
    "loss": "cross_entropy",
    "optimizer": {"type": "adam", "learning_rate": 0.02},
    "epochs": 100,
}


def made(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    answer = client.post("/v1/jobs", json=spec)
    assert answer.is_success, answer.text
    job_id: str = answer.json()["id"]
    assert train(job_id) == "succeeded"
    return job_id


@pytest.fixture
def sentences(client: TestClient, train: Train) -> str:
    return made(client, train, SENTENCES)


@pytest.fixture
def circle(client: TestClient, train: Train) -> str:
    return made(client, train, CIRCLE)


def generate(client: TestClient, job: str, **fields: Any) -> dict[str, Any]:
    answer = client.post(f"/v1/jobs/{job}/generate", json=fields)
    assert answer.is_success, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def refusal(client: TestClient, job: str, **fields: Any) -> tuple[int, str, dict[str, str]]:
    answer = client.post(f"/v1/jobs/{job}/generate", json=fields, headers=SSE)
    problem = answer.json()
    errors = {error["field"]: error["description"] for error in problem["errors"]}
    return answer.status_code, problem["reason"], errors


def predicted(client: TestClient, job: str, row: list[int], width: int, epoch: int) -> Any:
    body = {"inputs": [row], "epoch": epoch}
    outputs = client.post(f"/v1/jobs/{job}/predict", json=body).json()["outputs"][0]
    return np.array(outputs).reshape(-1, width)


def test_the_probabilities_are_those_that_predict_returns(
    client: TestClient, sentences: str
) -> None:
    names = (
        client.get(f"/v1/jobs/{sentences}").json()
        and client.get("/v1/datasets/sentences/preview?rows=1").json()["dataset"]["class_names"]
    )
    text = generate(client, sentences, prompt="The c", max_tokens=26, alternatives=3, epoch=2)
    (sample,) = text["samples"]
    assert (text["epoch"], text["prompt"], text["window"]) == (2, "the c", WINDOW)
    assert text["prompt_tokens"] == [*"the c"]
    assert text["uncached_layer"] is None
    assert sample["text"] == "".join(token["text"] for token in sample["tokens"])
    assert sample["finish_reason"] == "max_tokens"
    whole = [names.index(c) for c in text["prompt"] + sample["text"]]
    row = [len(names), *whole, *[0] * (WINDOW - 1 - len(whole))]
    outputs = predicted(client, sentences, row, len(names), epoch=2)
    for position, token in enumerate(sample["tokens"], start=len("the c")):
        expected = outputs[position]
        assert token["context"] == position
        assert token["probability"] == pytest.approx(expected[names.index(token["text"])], rel=1e-4)
        ranked = [name for name in np.array(names)[np.argsort(-expected)] if name != token["text"]]
        assert [other["text"] for other in token["alternatives"]] == ranked[:3]


def test_a_stream_has_what_the_reply_has(client: TestClient, sentences: str) -> None:
    fields = {"prompt": "a ", "count": 3, "max_tokens": 40, "seed": 5, "stop": ["."]}
    whole = generate(client, sentences, **fields)
    answer = client.post(f"/v1/jobs/{sentences}/generate", json=fields, headers=SSE)
    assert answer.headers["content-type"].startswith("text/event-stream")
    sent: Sent = list(events(answer.text))
    assert [event["seq"] for event in sent] == list(range(1, len(sent) + 1))
    assert sent[0] == {"seq": 1, "type": "start", "start": {k: whole[k] for k in sent[0]["start"]}}
    samples: list[dict[str, Any]] = [{"tokens": []} for _ in range(3)]
    for event in sent[1:-1]:
        data = event[event["type"]]
        if event["type"] == "tokens":
            samples[data["sample"]]["tokens"] += data["tokens"]
        else:
            samples[data.pop("sample")] |= data
    assert samples == whole["samples"]
    tokens = sum(len(sample["tokens"]) for sample in samples)
    assert sent[-1]["end"] == {"samples": 3, "tokens": tokens}
    again = client.post(f"/v1/jobs/{sentences}/generate", json=fields, headers=SSE)
    assert tokens_of(again.text) == tokens_of(answer.text)


def tokens_of(text: str) -> list[dict[str, Any]]:
    """All tokens of a stream: a slow service sends them in more events."""
    sent = [event["tokens"] for event in events(text) if event["type"] == "tokens"]
    return [{"sample": data["sample"]} | token for data in sent for token in data["tokens"]]


def test_a_sample_depends_on_seed_and_index_alone(client: TestClient, sentences: str) -> None:
    fields: dict[str, Any] = {"max_tokens": 20, "seed": 3}
    texts = [s["text"] for s in generate(client, sentences, count=4, **fields)["samples"]]
    assert len(set(texts)) == 4
    assert [s["text"] for s in generate(client, sentences, count=2, **fields)["samples"]] == (
        texts[:2]
    )
    longer = generate(client, sentences, count=1, **fields | {"max_tokens": 40})["samples"]
    assert longer[0]["text"].startswith(texts[0])
    other = generate(client, sentences, count=1, **fields | {"seed": 4})["samples"]
    assert other[0]["text"] != texts[0]


def test_temperature_0_top_k_and_top_p_take_the_most_probable(
    client: TestClient, sentences: str
) -> None:
    greedy = generate(client, sentences, max_tokens=30, temperature=0)["samples"][0]
    for token in greedy["tokens"]:
        assert token["sampling_probability"] == 1
        assert all(other["probability"] <= token["probability"] for other in token["alternatives"])
    for fields in ({"top_k": 1}, {"top_p": 0.001}, {"temperature": 1e-9}):
        other = generate(client, sentences, max_tokens=30, seed=9, **fields)["samples"][0]
        assert other["text"] == greedy["text"]
    few = generate(client, sentences, max_tokens=30, top_k=2, temperature=2)["samples"][0]
    for token in few["tokens"]:
        higher = [o for o in token["alternatives"] if o["probability"] > token["probability"]]
        assert len(higher) <= 1


def test_a_text_longer_than_the_window_is_read_from_its_end(
    client: TestClient, circle: str
) -> None:
    reply = generate(client, circle, prompt="b", max_tokens=40)
    (sample,) = reply["samples"]
    assert sample["text"] == ("cab" * 20)[:40]
    contexts = [token["context"] for token in sample["tokens"]]
    assert contexts[:6] == [1, 2, 3, 4, 5, 6]
    # Read on from half of the window, which then fills again.
    assert {after for before, after in pairwise(contexts) if before == 6} == {3}
    for start in range(0, 40 - 6, 7):
        whole = "b" + sample["text"]
        token = sample["tokens"][start]
        read = whole[: start + 1][-token["context"] :]
        row = ["abc".index(c) for c in read] + [0] * (6 - len(read))
        outputs = predicted(client, circle, row, 3, epoch=60)[len(read) - 1]
        assert token["probability"] == pytest.approx(outputs["abc".index(token["text"])], rel=1e-4)
    long = generate(client, circle, prompt="abc" * 100, max_tokens=3)["samples"][0]
    assert (long["text"], long["tokens"][0]["context"]) == ("abc", 3)


def test_after_a_start_token_a_long_text_is_read_from_a_sentence_on(
    client: TestClient, sentences: str
) -> None:
    prompt = "the small fox sees a gray cat. the quiet "
    token = generate(client, sentences, prompt=prompt, max_tokens=1)["samples"][0]["tokens"][0]
    assert token["context"] == len("the quiet ")


def test_a_text_ends_with_a_stop(client: TestClient, circle: str) -> None:
    (sample,) = generate(client, circle, prompt="a", stop=["zz", "abc"])["samples"]
    assert (sample["text"], sample["finish_reason"]) == ("bcabc", "stop")


def test_an_encoder_reads_the_prompt_and_the_decoder_writes(
    client: TestClient, train: Train
) -> None:
    job = made(client, train, REVERSAL)
    reply = generate(client, job, prompt="abc", temperature=0)
    (sample,) = reply["samples"]
    assert reply["uncached_layer"] == "slice_2"
    assert (sample["text"], sample["finish_reason"]) == ("cba", "end_of_window")
    row = [0, 1, 2, 3, 2, 1]
    outputs = predicted(client, job, row, 3, epoch=60)
    assert [token["probability"] for token in sample["tokens"]] == pytest.approx(
        [outputs[0, 2], outputs[1, 1], outputs[2, 0]], rel=1e-4
    )
    status, _, errors = refusal(client, job, prompt="ab")
    assert status == 400
    assert "must have 3 tokens" in errors["prompt"]


def test_a_text_ends_with_the_token_that_ends_texts_of_the_data(
    client: TestClient, train: Train
) -> None:
    job = made(client, train, NAMES)
    reply = generate(client, job, count=20)
    ends = {sample["finish_reason"] for sample in reply["samples"]}
    texts = {sample["text"] for sample in reply["samples"]}
    assert "end_token" in ends
    assert {"ab.", "bca."} <= texts
    (sample,) = generate(client, job, prompt="b", temperature=0)["samples"]
    assert (sample["text"], sample["finish_reason"]) == ("ca.", "end_token")


def test_a_network_reads_numbers_and_a_question_before_it_writes(
    client: TestClient, train: Train
) -> None:
    job = made(client, train, PICTURES)
    for inputs, text in (([0.1, 0.9, 3], "r."), ([0.8, 0.2, 3], "l."), ([0.6, 0.1, 4], "r.")):
        (sample,) = generate(client, job, inputs=inputs, temperature=0)["samples"]
        assert sample["text"] == text
    for fields, field, words in (
        ({"inputs": [0.1, 0.9]}, "inputs", "must have 3 tokens"),
        ({}, "prompt", "or send as many inputs"),
        ({"inputs": [0.1, 0.9, 3], "prompt": "l"}, "prompt", "must be empty"),
    ):
        status, _, errors = refusal(client, job, **fields)
        assert status == 400
        assert words in errors[field]


def test_a_network_that_does_not_predict_the_next_token_is_refused(
    client: TestClient, train: Train, trained: str
) -> None:
    status, reason, errors = refusal(client, trained)
    assert (status, reason) == (400, "cannot_generate")
    assert "predicts one of 2 classes" in errors["id"]
    assert "/predict" in errors["id"]
    sorting = language_model(4, 3, written=3, epochs=1)
    sorting["dataset"] = {"name": "sorting", "samples": 20, "length": 4, "classes": 3}
    status, _, errors = refusal(client, made(client, train, sorting))
    assert "which is not the next token" in errors["id"]
    ahead = json.loads(json.dumps(CIRCLE | {"epochs": 1}))
    ahead["network"]["layers"][2]["causal"] = False
    status, _, errors = refusal(client, made(client, train, ahead), prompt="a")
    assert "make its attention causal" in errors["id"]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"temperature": -0.1}, "temperature", "must be at least 0"),
    ({"prompt": "a?b!?"}, "prompt", "'?', '!'"),
    ({"prompt": "a" * 10_001}, "prompt", "10000"),
    ({"prompt": ""}, "prompt", "must not be empty"),
    ({"top_k": 0}, "top_k", "must be at least 1"),
    ({"top_p": 0}, "top_p", "must be greater than 0"),
    ({"top_p": 1.1}, "top_p", "must be at most 1"),
    ({"count": 0}, "count", "must be at least 1"),
    ({"count": 1001}, "count", "must be at most 1000"),
    ({"max_tokens": 0}, "max_tokens", "must be at least 1"),
    ({"stop": [""]}, "stop[0]", "must not be empty"),
    ({"stop": ["a"] * 9}, "stop", "at most 8"),
    ({"inputs": [1.0]}, "inputs", "must be empty"),
    ({"tools": ["python"]}, "tools[0]", "must be one of calculator"),
    ({"tools": "calculator"}, "tools", "must be a list"),
    ({"tool": "calculator"}, "tool", "not a field"),
]


def test_a_wrong_field_is_named(client: TestClient, circle: str) -> None:
    for fields, field, text in WRONG:
        status, _, errors = refusal(client, circle, **{"prompt": "a"} | fields)
        assert status == 400, fields
        assert text in errors[field]


def test_a_temperature_that_is_not_a_number_is_refused(client: TestClient, circle: str) -> None:
    body = b'{"prompt": "a", "temperature": NaN}'
    headers = {"Content-Type": "application/json"}
    answer = client.post(f"/v1/jobs/{circle}/generate", content=body, headers=headers)
    assert answer.status_code == 400


def test_the_tokens_of_all_samples_are_limited(settings: Settings, circle: str) -> None:
    limited = settings.model_copy(update={"limits": Limits(max_generated_tokens=30)})
    with TestClient(create_app(limited)) as client:
        generate(client, circle, prompt="a", count=3, max_tokens=10)
        status, reason, errors = refusal(client, circle, prompt="a", count=3, max_tokens=11)
    assert (status, reason) == (400, "limit_exceeded")
    assert "at most 10 with a count of 3" in errors["max_tokens"]


def test_a_job_without_weights_says_what_to_do(client: TestClient) -> None:
    job = client.post("/v1/jobs", json=CIRCLE).json()["id"]
    status, reason, _ = refusal(client, job, prompt="a")
    assert (status, reason) == (404, "checkpoint_not_found")
    assert refusal(client, "job_1")[:2] == (404, "not_found")


def test_probabilities_that_are_not_finite_are_named(client: TestClient, train: Train) -> None:
    spec = CIRCLE | {
        "epochs": 4,
        "optimizer": {"type": "sgd", "learning_rate": 1e12},
    }
    job = client.post("/v1/jobs", json=spec).json()["id"]
    train(job)
    stored = client.get(f"/v1/jobs/{job}/checkpoints").json()["checkpoints"]
    status, _, errors = refusal(client, job, prompt="a", epoch=stored[-1]["epoch"])
    assert status == 400
    assert "not finite" in errors["epoch"]


def test_a_client_that_goes_away_stops_the_computation(app: FastAPI, circle_url: Any) -> None:
    url, job = circle_url
    fields = {"prompt": "a", "count": 2, "max_tokens": 10_000}
    with httpx2.stream(
        "POST", f"{url}/v1/jobs/{job}/generate", json=fields, headers=SSE, timeout=WAIT
    ) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        until_open_streams_are(url, 1)
    until_open_streams_are(url, 0)
    hub = app.state.context.hub
    await_condition(lambda: hub.streams("local") == 0, WAIT, "the stream is closed")


@pytest.fixture
def circle_url(app: FastAPI, circle: str) -> Any:
    with served(app) as (url, _):
        yield url, circle


# A call, its result, and the next call: "[2*3]6;[2*3]6;…" and so on.
CALLS = "[2*3]6;"


def calls(text: str, **fields: Any) -> dict[str, Any]:
    """A network that learns one text, again and again."""
    names = sorted(set(text) | set("6"))
    rows = [[names.index(text[(s + i) % len(text)]) for i in range(8)] for s in range(len(text))]
    codes = [[*row, names.index(text[(s + 8) % len(text)])] for s, row in enumerate(rows)]
    return language_model(
        8,
        len(names),
        written=len(names),
        **{"epochs": 150, **fields},
        dataset={
            "inputs": rows * 5,
            "targets": [row[1:] for row in codes] * 5,
            "class_names": names,
        },
    )


def marked(sample: dict[str, Any]) -> str:
    """The text with the tokens of tools in parentheses."""
    return "".join(
        token["text"] if token.get("tool") is None else f"({token['text']})"
        for token in sample["tokens"]
    )


def test_the_calculator_puts_its_result_into_the_text_and_the_window(
    client: TestClient, train: Train
) -> None:
    job = made(client, train, calls(CALLS))
    fields: dict[str, Any] = {"prompt": ";", "max_tokens": 14, "temperature": 0}
    (without,) = generate(client, job, **fields)["samples"]
    assert marked(without) == CALLS * 2
    (sample,) = generate(client, job, **fields, tools=["calculator"])["samples"]
    assert marked(sample) == "[2*3](6);[2*3](6);"
    assert sample["text"] == CALLS * 2
    result, after = sample["tokens"][5:7]
    assert result["tool"] == "calculator"
    assert result["sampling_probability"] == 1
    assert result["probability"] == without["tokens"][5]["probability"]
    # The network reads the result as it would read its own token.
    assert after == without["tokens"][6]
    assert after["tool"] is None
    assert after["context"] == result["context"] + 1


def test_the_network_goes_on_from_the_result_and_not_from_what_it_would_have_written(
    client: TestClient, train: Train
) -> None:
    # It has learned to write a wrong result, and that another text follows the right one.
    wrong = calls("[2*3]7;", epochs=150)
    names = wrong["dataset"]["class_names"]
    right = [names.index(c) for c in "*3]6]6]6]"]
    wrong["dataset"]["inputs"] += [right[:-1]] * 20
    wrong["dataset"]["targets"] += [right[1:]] * 20
    job = made(client, train, wrong)
    fields: dict[str, Any] = {"prompt": ";[2*3", "max_tokens": 3, "temperature": 0}
    (sample,) = generate(client, job, **fields)["samples"]
    assert sample["text"] in ("]7;", "]6]")
    (sample,) = generate(client, job, **fields, tools=["calculator"])["samples"]
    assert marked(sample) == sample["text"]  # the call began in the prompt
    fields = {"prompt": ";", "max_tokens": 7, "temperature": 0, "tools": ["calculator"]}
    (sample,) = generate(client, job, **fields)["samples"]
    assert marked(sample).startswith("[2*3](6)")
    assert sample["text"][6] == "]"


def test_calls_that_are_not_computed_stay_as_they_are(client: TestClient, train: Train) -> None:
    tools: dict[str, Any] = {"temperature": 0, "tools": ["calculator"]}
    for text in ("[2/3]6;", "[2*3 6;", "(2*3)6;"):
        job = made(client, train, calls(text))
        (sample,) = generate(client, job, prompt=";", max_tokens=14, **tools)["samples"]
        assert marked(sample) == text * 2
    # 9 * 9 has an 8, which this language does not have as a token.
    job = made(client, train, calls("[9*9]6;"))
    (sample,) = generate(client, job, prompt=";", max_tokens=14, **tools)["samples"]
    assert marked(sample) == "[9*9]6;" * 2


def test_limits_and_stops_hold_for_results(client: TestClient, train: Train) -> None:
    job = made(client, train, calls("[6*6]3;"))
    tools: dict[str, Any] = {"prompt": ";", "temperature": 0, "tools": ["calculator"]}
    for max_tokens, text in ((5, "[6*6]"), (6, "[6*6]3"), (7, "[6*6](3)(6)")):
        (sample,) = generate(client, job, max_tokens=max_tokens, **tools)["samples"]
        assert (marked(sample), sample["finish_reason"]) == (text, "max_tokens")
    for stop, text in (("]", "[6*6]"), ("3", "[6*6](3)"), ("36", "[6*6](3)(6)")):
        (sample,) = generate(client, job, stop=[stop], **tools)["samples"]
        assert (marked(sample), sample["finish_reason"]) == (text, "stop")
