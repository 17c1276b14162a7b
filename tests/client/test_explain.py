"""`epochal explain`: words and numbers of the journey in the terminal."""

import json

from tests.client.test_cli import Run, run

__all__ = ["run"]


def test_without_a_topic_the_topics_are_listed(run: Run) -> None:
    done = run("explain")
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:3]] == [
        ["1", "network"],
        ["2", "neuron"],
    ]
    assert len(json.loads(run("explain", "--json").stdout)["sections"]) == 11


def test_a_section_tells_its_idea_and_computes_its_examples(run: Run) -> None:
    text = run("explain", "neuron").stdout
    assert text.startswith("2  The single neuron")
    assert "z = 0.7 + (-0.15) + 0.4 + (-0.2) = 0.75" in text
    assert "epochal train perceptron-and" in text
    assert run("explain", "2").stdout == text


def test_an_explorer_may_be_asked_anything(run: Run) -> None:
    request = json.dumps({"inputs": [2.0], "weights": [3.0], "bias": 1.0})
    done = run("explain", "perceptron", "--request", json.dumps({"table": "or"}), "--json")
    assert json.loads(done.stdout)["replies"]["SimulatePerceptron"]["converged"] is True
    assert "z = 6 + 1 = 7" in run("explain", "neuron", "--request", request).stdout
    assert run("explain", "network", "--request", request).returncode == 2


def test_an_error_says_what_is_wrong(run: Run) -> None:
    unknown = run("explain", "nothing")
    assert unknown.returncode == 2
    assert "There is no topic 'nothing'." in unknown.stderr
    misspelt = run("explain", "pereptron").stderr
    assert "did you mean perceptron?" in " ".join(misspelt.replace("│", " ").split())
    assert run("explain", "perceptron", "--request", "{").returncode == 2
    assert run("explain", "perceptron", "--request", "[]").returncode == 2
    assert run("explain", "perceptron", "--request", '{"table": 7}').returncode == 2


def test_architecture_forward_pass_and_losses_are_explained_with_their_arithmetic(run: Run) -> None:
    architecture = run("explain", "architecture").stdout
    assert "parameters = 16 + 20 + 10 = 46" in architecture
    forward = run("explain", "forward").stdout
    assert "z1 = (-0.5)·0.8 + 0·0.3 + 0.5·0.6 + (-0.1) = -0.2" in forward
    assert "seconds = 5.849e+14 / (8·3.12e+14·0.5) = 0.4687" in forward
    losses = run("explain", "loss").stdout
    assert "L = -log(0.7) = 0.3567" in losses
