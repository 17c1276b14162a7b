"""A type checker knows the requests: correct programs pass in strict mode, mistakes do not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CORRECT = """
import numpy as np

import epochal
from epochal import data, layers, optimizers, schedules

with epochal.Client() as client:
    network = epochal.network(
        [2], [epochal.dense(4, "tanh"), epochal.dropout(0.1), epochal.dense(1, "sigmoid")]
    )
    job = client.jobs.create(
        network=network,
        dataset={"name": "xor"},
        loss="binary_cross_entropy",
        epochs=10,
        optimizer={"type": "adam", "learning_rate": 0.05},
    ).wait()
    spec: epochal.TrainingSpec = {
        "network": epochal.network([8, 8, 1], [
            layers.conv2d(4, 3, "relu"), {"type": "flatten", "name": "pixels", "input": "conv2d_1"}
        ]),
        "dataset": data.two_moons(noise=0.1),
        "loss": "mse",
        "epochs": 3,
    }
    uploaded = client.datasets.upload("a,b\\n1,2\\n")
    saved = client.networks.create(network)
    for other in (
        client.jobs.create(job.spec, dataset=uploaded, optimizer="adam"),
        client.jobs.create(spec, network=saved, optimizer=optimizers.adamw(weight_decay=0.1)),
        client.jobs.create(client.preset("xor"), dataset="xor", schedule=schedules.cosine()),
        client.jobs.create(spec, dataset={"inputs": np.eye(2), "targets": [0, 1]}),
        job.fork(epochs=3),
    ):
        print(other.id, other.state, other.data.epoch, other.latest)
    sweep = client.sweeps.create(spec, learning_rate=[0.1, 1.0], seed=[1, 2])
    print(sweep.best, client.course.simulate.neuron([1.0], [2.0]).weighted_sum.value)
    training = client.course.simulate.training(optimizer="sgd", dataset="circles")
    print(training.train_loss.mean(), job.predict([[0, 1]]).shape)
    for event in job.watch():
        if isinstance(event, epochal.EpochsEvent):
            print(event.columns["train_loss"][-1])
"""
MISTAKES = {
    "misspelled_word": 'epochal.dense(4, "tahn")',
    "misspelled_field": 'epochal.Client().jobs.create(dataset={"nmae": "xor"})',
    "misspelled_field_of_a_layer": 'epochal.network([2], [{"type": "flatten", "nmae": "a"}])',
    "missing_field_of_a_layer": 'epochal.network([2], [{"type": "dense", "name": "a"}])',
    "text_for_a_number": 'epochal.Client().jobs.create(epochs="10")',
}


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The errors in each program, by its name, from one run of the type checker."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    programs = {"correct": CORRECT}
    programs |= {name: f"import epochal\n\nprint({code})\n" for name, code in MISTAKES.items()}
    for name, code in programs.items():
        (folder / f"{name}.py").write_text(code)
    checker = Path(sys.executable).with_name("basedpyright")
    done = subprocess.run(
        [checker, "--outputjson", "--pythonpath", sys.executable, "--project", folder],
        capture_output=True,
        text=True,
    )
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(programs)
    by_program: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
    for error in report["generalDiagnostics"]:
        by_program[Path(error["file"]).stem].append(error)
    return by_program


def test_a_correct_program_has_no_errors(errors: dict[str, list[dict[str, Any]]]) -> None:
    assert errors["correct"] == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_an_error(mistake: str, errors: dict[str, list[dict[str, Any]]]) -> None:
    assert [error["rule"] for error in errors[mistake]] == ["reportArgumentType"]
