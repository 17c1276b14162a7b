"""Every layer, loss, optimizer, schedule and penalty, trained by the service and by PyTorch.

Jobs go in through the API, a worker trains them, and the training programs that the API exports run
in the Python of `EPOCHAL_ORACLE_PYTHON`, which has PyTorch: make check-oracles
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.engine.recordings import CASES, Case

from epochal_engine import Layer, find_loss
from epochal_engine.model.components import Component
from epochal_engine.model.losses import is_floating

PYTHON = os.environ.get("EPOCHAL_ORACLE_PYTHON", "")

# Importing PyTorch takes longer than a program: one process runs all.
RUNNER = """
import json, sys
for path in sys.argv[1:]:
    names = {"__name__": "training"}
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), names)
    table, noise = names["compare"]()
    print(json.dumps([path, table, noise]))
"""


def options(component: Component) -> dict[str, Any]:
    """The component as in a spec."""
    given = {
        field.name: getattr(component, field.name)
        for field in fields(component)
        if getattr(component, field.name) != field.default or field.default is MISSING
    }
    return {"type": component.type, **given}


def layer_spec(layer: Layer) -> dict[str, Any]:
    spec = options(layer)
    for name in ("input", "shape", "kernel_size", "pool_size", "stride"):
        if name in spec and not isinstance(spec[name], list):
            value = spec[name]
            spec[name] = list(value) if isinstance(value, tuple) else [value]
    if "layers" in spec:
        spec["layers"] = [layer_spec(inner) for inner in spec["layers"]]
    return spec


def spec_of(case: Case, dtype: str) -> dict[str, Any]:
    training, loss = case.training, find_loss(case.training.loss)
    targets = case.targets
    if is_floating(targets) and loss.type in ("mse", "mae", "huber") and targets.ndim > 1:
        targets = targets[:, : case.network.output_shape[-1]]
    samples = len(case.inputs)
    loss_options = {k: v for k, v in options(loss).items() if k not in ("type", "ignore_label")}
    return {
        "network": {
            "input_shape": list(case.network.input_shape),
            "layers": [layer_spec(layer) for layer in case.network.layers],
        },
        "dataset": {
            "inputs": case.inputs.reshape(samples, -1).tolist(),
            "targets": targets.tolist(),
            "weights": [] if case.sample_weights is None else case.sample_weights.tolist(),
        },
        "freeze": list(case.network.frozen),
        "loss": loss.type,
        "loss_options": loss_options,
        "class_weights": case.class_weights,
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "validation_fraction": 0.2,
        "optimizer": options(training.optimizer)
        | {"learning_rate": training.optimizer.learning_rate},
        "schedule": options(training.schedule),
        "regularization": {"l1": training.l1, "l2": training.l2},
        "clipping": {"norm": training.clip_norm, "value": training.clip_value},
        "augmentation": [options(change) for change in training.augmentation],
        "shuffle": training.shuffle,
        "seed": training.seed,
        "dtype": dtype,
    }


@pytest.mark.skipif(not PYTHON, reason="EPOCHAL_ORACLE_PYTHON names no Python with PyTorch")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.timeout(1200)
def test_pytorch_repeats_what_the_service_trains(
    client: TestClient,
    train: Callable[[str], str | None],
    tmp_path: Path,
    dtype: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert len(CASES) >= 80
    for name, case in CASES.items():
        answer = client.post("/v1/jobs", json=spec_of(case, dtype))
        assert answer.status_code == 201, (name, answer.text)
        job = answer.json()["id"]
        assert train(job) == "succeeded", name
        program = client.get(f"/v1/jobs/{job}/export?format=training_pytorch")
        assert program.status_code == 200, (name, program.text)
        (tmp_path / f"{name}.py").write_bytes(program.content)
    paths = [str(tmp_path / f"{name}.py") for name in CASES]
    done = subprocess.run(
        [PYTHON, "-c", RUNNER, *paths],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [f"\n{'training':32} {'loss':>8} {'gradient':>8} {'weights':>8}  noise"]
    misses = []
    for text in done.stdout.splitlines():
        path, table, noise = json.loads(text)
        name = Path(path).stem

        def worst(word: str, rows: Sequence[dict[str, Any]] = table) -> float:
            return max(float(row["deviation"]) for row in rows if word in row["name"])

        lines.append(
            f"{name:32} {worst('_loss'):8.1e} {worst('gradient of'):8.1e} {worst('weights'):8.1e}  "
            f"{', '.join(noise)}"
        )
        misses += [
            (name, row)
            for row in table
            if row["deviation"] > row["tolerance"] or row["compared"] < row["total"]
        ]
    with capsys.disabled():
        sys.stdout.write("\n".join([f"\n{dtype}, {len(CASES)} networks", *lines, ""]))
    assert not misses
