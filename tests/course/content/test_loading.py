"""A mistake in a file of the content is found when the file is loaded, and named by its line."""

from pathlib import Path

import pytest

from epochal_course import content, loading
from epochal_course.content.questions import Question
from epochal_course.specs.content.timeline import TimelineEntry

QUESTION = """\
- section: neuron
  id: weighted-sum
  text: >-
    What is the
    weighted sum?
  rpc: SimulateNeuron
  request: {inputs: [1], weights: [1], bias: 0}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder from which files are loaded."""
    monkeypatch.setattr(loading, "files", lambda package: tmp_path)
    (tmp_path / "content").mkdir()
    return tmp_path / "content"


def test_a_file_becomes_models(folder: Path) -> None:
    (folder / "questions.yaml").write_text(QUESTION)
    (question,) = loading.load("questions", list[Question])
    assert question.text == "What is the weighted sum?"
    assert question.choices == []


@pytest.mark.parametrize(
    ("added", "error"),
    [
        ("  unit: 7\n", "line 8: [0].unit must be a text"),
        ("  units: cm\n", "line 8: [0].units is not a field here"),
        ("  choices: [up, yes]\n", "line 8: [0].choices[1] must be a text"),
        ("  text: Again?\n", "line 8: text twice"),
        ("  unit: a: b\n", "line 8: mapping values are not allowed in this context"),
        ("- section: neuron\n  id: none\n", "line 9: [1].id must be a name in ANSWERS"),
        ("- section: neuron\n  id: weighted-sum\n", "line 8: [1].text is required"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_field(folder: Path, added: str, error: str) -> None:
    (folder / "questions.yaml").write_text(QUESTION + added)
    with pytest.raises(loading.ContentError) as raised:
        loading.load("questions", list[Question])
    assert f"questions.yaml, {error}" in str(raised.value)


def test_every_mistake_is_named(folder: Path) -> None:
    (folder / "timeline.yaml").write_text("- {id: 1, year: soon, facts: [{value: 3}]}\n")
    with pytest.raises(loading.ContentError) as raised:
        loading.load("timeline", list[TimelineEntry])
    lines = str(raised.value).splitlines()
    assert "timeline.yaml, line 1: [0].year must be a whole number" in lines
    assert "timeline.yaml, line 1: [0].facts[0].unit is required" in lines


def test_every_file_is_used() -> None:
    files = {path.stem for path in Path(content.__file__).parent.glob("*.yaml")}
    assert files == {*content.__all__, "exhibits"} - {"history", "stored_results"}
