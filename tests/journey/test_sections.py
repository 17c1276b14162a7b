"""The ten sections: complete, true to the API, and their questions answered by it."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from epochal_service.journey.presets import PRESETS
from epochal_service.journey.questions import QUESTIONS, Question
from epochal_service.journey.sections import TEXTS
from epochal_service.methods.simulations import EXPLORERS

IDS = [
    *("network", "neuron", "activations", "architecture", "forward", "loss"),
    *("backpropagation", "training", "zoo", "timeline"),
]


def test_there_are_ten_in_order(client: TestClient) -> None:
    sections = client.get("/v1/sections").json()["sections"]
    assert [section["id"] for section in sections] == IDS
    assert [section["number"] for section in sections] == list(range(1, 11))
    for section in sections:
        assert section == client.get(f"/v1/sections/{section['id']}").json()
        assert section["lead"].endswith(".")
        assert len(section["paragraphs"]) >= 3
        assert section["sources"]


def test_every_explorer_belongs_to_one_section_and_its_request_is_accepted(
    client: TestClient,
) -> None:
    told = [e for s in client.get("/v1/sections").json()["sections"] for e in s["explorers"]]
    assert sorted(e["rpc"] for e in told) == sorted(EXPLORERS)
    for explorer in told:
        answer = client.post(explorer["path"], json=json.loads(explorer["request"]))
        assert answer.is_success, (explorer, answer.text)


def test_every_preset_belongs_to_a_section(client: TestClient) -> None:
    told = [name for s in client.get("/v1/sections").json()["sections"] for name in s["presets"]]
    assert sorted(told) == sorted(preset.name for preset in PRESETS)


def test_every_section_has_questions_with_names_of_their_own() -> None:
    for text in TEXTS:
        own = [question.id for question in QUESTIONS if question.section == text.id]
        assert 3 <= len(own) <= 5, text.id
        assert len(set(own)) == len(own)
    assert {question.section for question in QUESTIONS} == set(IDS)


def check(client: TestClient, question: Question, answer: float) -> dict[str, Any]:
    path = f"/v1/sections/{question.section}/answers"
    told = client.post(path, json={"question": question.id, "answer": answer})
    assert told.is_success, told.text
    checked: dict[str, Any] = told.json()
    return checked


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: f"{q.section}-{q.id}")
def test_the_right_answer_is_right_and_another_is_not(
    client: TestClient, question: Question
) -> None:
    told = check(client, question, -12345.0)
    assert told["correct"] is False
    assert told["explanation"]
    right = check(client, question, told["expected"])
    assert right["correct"] is True
    if question.choices:
        assert told["expected"] in range(len(question.choices))
        other = (told["expected"] + 1) % len(question.choices)
        assert check(client, question, other)["correct"] is False
    # What it was computed from may be asked again by whoever doubts it.
    assert client.post(told["path"], json=json.loads(told["request"])).is_success


# What must come out, worked out by hand or known from elsewhere.
KNOWN = {
    "parameters-of-the-row": 25,
    "weighted-sum": 0.75,
    "the-threshold": 0,
    "xor-by-one": 1,
    "epochs-for-and": 6,
    "steepest-sigmoid": 0.25,
    "above-one": 2,
    "slope-of-relu-at-zero": 0,
    "chain-of-ten": 1,
    "parameters-of-3-4-4-2": 46,
    "parameters-of-digits": 101_770,
    "where-they-are": 0,
    "shares": 0,
    "seventy-percent": 0.3567,
    "steeper": 1,
    "guessing-tokens": 11.5129,
    "delta-of-the-output": -0.45133,
    "a-silent-unit": 1,
    "sigmoid-or-relu": 1,
    "first-loss": 0,
    "middle-of-the-cosine": 1.65,
    "a-rate-of-ten": 4,
    "size-after-a-window": 3,
    "parameters-of-an-lstm": 128,
    "what-the-third-sees": 3,
    "the-long-text": 1,
    "minsky-and-papert": 1,
    "gpt-3-in-memory": 1,
}


@pytest.mark.parametrize("id", KNOWN)
def test_what_is_known_beforehand_comes_out(client: TestClient, id: str) -> None:
    (question,) = (question for question in QUESTIONS if question.id == id)
    assert check(client, question, KNOWN[id])["correct"], question.text


def test_an_unknown_section_or_question_is_told(client: TestClient) -> None:
    assert client.get("/v1/sections/none").status_code == 404
    nowhere = client.post("/v1/sections/none/answers", json={"question": "x", "answer": 1})
    assert nowhere.status_code == 404
    problem = client.post("/v1/sections/neuron/answers", json={"question": "x", "answer": 1})
    assert problem.status_code == 400
    (error,) = problem.json()["errors"]
    assert error["field"] == "question"
    assert "weighted-sum" in error["description"]
