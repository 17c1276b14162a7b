"""The eleven sections are complete, match the API, and the API answers their questions."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from epochal_course.content.presets import presets
from epochal_course.content.questions import ANSWERS, Question, questions
from epochal_course.content.sections import sections
from epochal_course.explorers.table import EXPLORERS

IDS = [
    *("network", "neuron", "activations", "architecture", "forward", "loss"),
    *("backpropagation", "training", "zoo", "timeline", "language"),
]


def test_there_are_eleven_sections_in_order(client: TestClient) -> None:
    sections = client.get("/course/v1/sections").json()["sections"]
    assert [section["id"] for section in sections] == IDS
    assert [section["number"] for section in sections] == list(range(1, 12))
    for section in sections:
        assert section == client.get(f"/course/v1/sections/{section['id']}").json()
        assert section["lead"].endswith(".")
        assert len(section["paragraphs"]) >= 3
        assert section["sources"]


def test_every_explorer_belongs_to_one_section_and_its_request_is_accepted(
    client: TestClient,
) -> None:
    sections = client.get("/course/v1/sections").json()["sections"]
    explorers = [explorer for section in sections for explorer in section["explorers"]]
    assert sorted(explorer["rpc"] for explorer in explorers) == sorted(EXPLORERS)
    for explorer in explorers:
        reply = client.post(explorer["path"], json=json.loads(explorer["request"]))
        assert reply.is_success, (explorer, reply.text)


def test_every_preset_belongs_to_a_section(client: TestClient) -> None:
    sections = client.get("/course/v1/sections").json()["sections"]
    names = [name for section in sections for name in section["presets"]]
    assert sorted(names) == sorted(preset.name for preset in presets())


def test_every_section_has_questions_with_unique_ids() -> None:
    for section in sections():
        ids = [question.id for question in questions() if question.section == section.id]
        assert 3 <= len(ids) <= 5, section.id
        assert len(set(ids)) == len(ids)
    assert {question.section for question in questions()} == set(IDS)
    assert {question.id for question in questions()} == ANSWERS.keys()


def check(client: TestClient, question: Question, answer: float) -> dict[str, Any]:
    path = f"/course/v1/sections/{question.section}/answers"
    reply = client.post(path, json={"question": question.id, "answer": answer})
    assert reply.is_success, reply.text
    checked: dict[str, Any] = reply.json()
    return checked


@pytest.mark.parametrize("question", questions(), ids=lambda q: f"{q.section}-{q.id}")
def test_only_the_expected_answer_is_correct(client: TestClient, question: Question) -> None:
    checked = check(client, question, -12345.0)
    assert checked["is_correct"] is False
    assert checked["explanation"]
    assert check(client, question, checked["expected"])["is_correct"] is True
    if question.choices:
        assert checked["expected"] in range(len(question.choices))
        other = (checked["expected"] + 1) % len(question.choices)
        assert check(client, question, other)["is_correct"] is False
    # The reply names the explorer request behind the answer, so that users can repeat it.
    assert client.post(checked["path"], json=json.loads(checked["request"])).is_success


# Answers computed by hand or known from the literature.
KNOWN = {
    "parameters-of-1-8-1": 25,
    "weighted-sum": 0.75,
    "weighted-sum-of-zero": 0,
    "xor-by-one": 1,
    "epochs-for-and": 6,
    "largest-sigmoid-derivative": 0.25,
    "derivative-above-one": 2,
    "derivative-of-relu-at-zero": 0,
    "chain-of-ten": 1,
    "parameters-of-3-4-4-2": 46,
    "parameters-of-digits": 101_770,
    "largest-layer": 0,
    "softmax-prediction": 0,
    "seventy-percent": 0.3567,
    "larger-gradient": 1,
    "guessing-tokens": 11.5129,
    "delta-of-the-output": -0.45133,
    "inactive-relu": 1,
    "sigmoid-or-relu": 1,
    "loss-before-training": 0,
    "middle-of-the-cosine": 1.65,
    "learning-rate-of-ten": 4,
    "convolution-output-size": 3,
    "parameters-of-an-lstm": 128,
    "causal-mask": 3,
    "long-sequence": 1,
    "minsky-and-papert": 1,
    "gpt-3-in-memory": 1,
    "tokens-by-character": 18,
    "one-token-for-the": 0,
    "guessing-letters": 3.2958,
}


@pytest.mark.parametrize("id", KNOWN)
def test_known_answers_are_correct(client: TestClient, id: str) -> None:
    (question,) = (question for question in questions() if question.id == id)
    assert check(client, question, KNOWN[id])["is_correct"], question.text


def test_an_unknown_section_or_question_is_rejected(client: TestClient) -> None:
    assert client.get("/course/v1/sections/none").status_code == 404
    missing = client.post("/course/v1/sections/none/answers", json={"question": "x", "answer": 1})
    assert missing.status_code == 404
    problem = client.post("/course/v1/sections/neuron/answers", json={"question": "x", "answer": 1})
    assert problem.status_code == 400
    (error,) = problem.json()["errors"]
    assert error["field"] == "question"
    assert "weighted-sum" in error["description"]
