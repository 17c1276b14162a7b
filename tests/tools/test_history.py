"""The document on the history: written from experiments that a whole service has trained."""

import json
from pathlib import Path
from typing import Any

import pytest
from tools import history

from epochal_course.content.exhibits import exhibits

RESULT: dict[str, Any] = {
    "title": "Attention, and what it replaced",
    "year": 2014,
    "description": "Two jobs.",
    "facts": ["500 words a second (Somebody, 2014)"],
    "measured": "today",
    "seeds": [0, 1],
    "processor_seconds": 12.4,
    "peak_bytes": 200 * 2**20,
    "jobs": {"attention": {"parameters": 12_600, "epochs": 10, "seconds": None}},
    "claims": [
        {
            "text": "It is ahead",
            "outcome": "missed",
            "met": 1,
            "runs": [
                {"outcome": "met", "value": 0.2, "job_value": 0.9, "minus_value": 0.7},
                {"outcome": "missed", "value": -0.1, "job_value": 0.8, "minus_value": 0.9},
            ],
        },
        {
            "text": "It ends",
            "outcome": "unknown",
            "met": 0,
            "runs": [{"outcome": "unknown", "value": None, "job_value": None, "minus_value": None}]
            * 2,
        },
    ],
}


@pytest.mark.long
def test_an_experiment_is_trained_by_a_whole_service_and_written_down(tmp_path: Path) -> None:
    folders = ["--docs", str(tmp_path), "--results", str(tmp_path)]
    assert history.main(["--only", "perceptron-1958", *folders]) == 0
    results = json.loads((tmp_path / "history.json").read_text())["perceptron-1958"]
    assert results["state"] == "succeeded"
    assert [claim["met"] for claim in results["claims"]] == [5] * len(results["claims"])
    assert results["peak_bytes"] > 20 * 2**20
    assert results["jobs"]["and"]["parameters"] == 3
    stored = json.loads((tmp_path / "perceptron-1958.json").read_text())
    assert stored["experiment"]["state"] == "succeeded"
    assert stored["curves"][0]["series"]
    assert len(stored["replies"]) == len(exhibits()["perceptron-1958"])
    text = (tmp_path / "history.md").read_text()
    assert "| Within six epochs | 5 of 5 | 6 | 6 | 6 | 6 | 6 |" in text
    assert "weights and bias of a perceptron with two inputs" in text


def test_a_missed_claim_is_shown_as_missed_with_both_its_numbers() -> None:
    lines = history.document({"attention-2014": RESULT}).splitlines()
    assert "| It is ahead | **1 of 2: missed** | 0.2 = 0.9 − 0.7 | **−0.1 = 0.8 − 0.9** |" in lines
    assert "| It ends | **0 of 2: unknown** | unknown | unknown |" in lines
    assert "| attention | 12,600 | 10 | – |" in lines
    assert any(
        "Attention, and what it replaced | 0 of 2 | 12 s | 200 MiB" in line for line in lines
    )
    assert "[2014](#2014-attention-and-what-it-replaced)" in "\n".join(lines)


def test_an_unknown_experiment_is_refused_with_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        history.main(["--only", "none", "--docs", str(tmp_path)])
    assert "perceptron-1958" in capsys.readouterr().err
