"""A trained network leaves the service and goes on predicting without it."""

import io
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load
from tests.client.material import XOR
from tests.client.test_cli import Run, environment, run  # noqa: F401 (a fixture)
from tests.servers.stack import Stack

import epochal

ROWS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]


@pytest.fixture
def trained(client: epochal.Client) -> epochal.Job:
    scaled = {**XOR, "dataset": {"name": "xor", "scaling": "standard"}}
    return client.jobs.create(scaled, request_id="client-tests-export").wait(60, check=True)


def answers(script: Path) -> list[float]:
    rows = "\n".join(f"{a},{b}" for a, b in ROWS)
    done = subprocess.run(
        [sys.executable, "-I", str(script)], input=rows, capture_output=True, text=True, check=True
    )
    return [float(line) for line in done.stdout.split()]


def test_the_program_predicts_as_the_service_does(trained: epochal.Job, tmp_path: Path) -> None:
    script = tmp_path / "xor.py"
    script.write_bytes(trained.export())
    np.testing.assert_allclose(answers(script), trained.predict(ROWS)[:, 0], rtol=1e-4)


def test_safetensors_have_the_weights_and_the_scaling(trained: epochal.Job) -> None:
    arrays = load(io.BytesIO(trained.export("safetensors")).getvalue())
    weights = trained.weights()
    assert set(arrays) == set(weights)
    np.testing.assert_array_equal(arrays["dense_1.weight"], weights["dense_1.weight"])


def test_the_onnx_model_predicts_as_the_service_does(trained: epochal.Job) -> None:
    model = ReferenceEvaluator(onnx.load_from_string(trained.export("onnx")))
    (outputs,) = model.run(None, {"input": np.array(ROWS, np.float32)})
    np.testing.assert_allclose(np.asarray(outputs), trained.predict(ROWS), rtol=1e-5)


def test_the_pytorch_module_is_a_program(trained: epochal.Job) -> None:
    text = trained.export("pytorch").decode()
    compile(text, "xor.py", "exec")
    assert "nn.Linear(2, 4, bias=True)" in text


def test_what_cannot_be_exported_says_why(client: epochal.Client, trained: epochal.Job) -> None:
    with pytest.raises(epochal.NotFound):
        trained.export(epoch=1)
    with pytest.raises(epochal.InvalidArgument) as raised:
        trained.export("onyx")  # type: ignore[arg-type]
    assert raised.value.errors[0].field == "format"


def test_the_command_writes_a_file(stack: Stack, tmp_path: Path) -> None:
    with epochal.Client(stack.http) as client:
        job = client.jobs.create(XOR).wait(60, check=True)
        expected = job.predict(ROWS)[:, 0]
    script = tmp_path / "xor.py"
    command = [sys.executable, "-m", "epochal", "export", job.id, "--output", str(script)]
    subprocess.run(command, env=environment(stack.http), timeout=60, check=True)
    np.testing.assert_allclose(answers(script), expected, rtol=1e-4)
    done = subprocess.run([*command, "--json"], env=environment(stack.http), capture_output=True)
    size = script.stat().st_size
    assert json.loads(done.stdout) == {
        "job": job.id,
        "format": "numpy",
        "size_bytes": size,
        "file": str(script),
    }


@pytest.mark.long
def test_the_command_writes_an_onnx_model_to_a_file_or_to_standard_output(
    stack: Stack, tmp_path: Path
) -> None:
    with epochal.Client(stack.http) as client:
        job = client.jobs.create(XOR, request_id="client-tests-onnx").wait(60, check=True)
        expected = job.export("onnx")
    file = tmp_path / "model.onnx"

    def written(*options: str) -> bytes:
        command = [sys.executable, "-m", "epochal", "export", job.id, "--format", "onnx", *options]
        return subprocess.check_output(command, env=environment(stack.http), timeout=60)

    assert written("-o", str(file)) == b""
    assert file.read_bytes() == expected
    assert written() == expected


@pytest.fixture
def verifiable(client: epochal.Client) -> epochal.Job:
    """A job without chance in its rounding: by symmetry, some gradients of XOR are nothing else."""
    spec = {**XOR, "optimizer": {"type": "sgd"}, "epochs": 50}
    return client.jobs.create(spec, request_id="client-tests-verify").wait(60, check=True)


def test_a_job_is_verified_on_this_machine(verifiable: epochal.Job) -> None:
    result = verifiable.verify()
    assert result.verdict == "verified", result
    assert (result.until, result.first_difference) == (verifiable.epoch, None)
    by_name = {row.name: row for row in result.deviations}
    assert by_name["train_loss"].compared == verifiable.epoch
    # At the end of each epoch, there is a state.
    assert by_name["weights of dense_1"].compared == 12 * verifiable.epoch
    assert by_name["gradient of dense_2"].tolerance < 1e-3
    assert (result.noise, result.omitted) == ([], 0)


def test_the_data_of_a_job_are_compared_with_a_file(client: epochal.Client) -> None:
    table = "size;kind\n" + "".join(f"{n},5;{'ab'[n % 2]}\n" for n in range(24))
    dataset = client.datasets.upload(table)
    network = epochal.network([1], [epochal.dense(1, "sigmoid")])
    spec = {"network": network, "loss": "binary_cross_entropy", "epochs": 2}
    job = client.jobs.create({**spec, "validation_fraction": 0.25}, dataset=dataset).wait(60)
    result = job.verify(data=table)
    assert (result.data_compared, result.data_differences) == (48, [])
    assert result.agrees
    result = job.verify(data=table.replace("\n7,5;", "\n7,6;").encode("utf-16"))
    (difference,) = result.data_differences
    assert difference == "row 8, column 'size': 7.5 was trained, the file has 7.6"
    assert (result.verdict, result.agrees) == ("refuted", False)
    with pytest.raises(epochal.EpochalError, match="The data set was not generated"):
        job.verify(data="generated")


def test_a_float64_job_agrees_to_nine_digits(client: epochal.Client) -> None:
    job = client.jobs.create(XOR, dtype="float64", epochs=50).wait(60, check=True)
    for row in job.verify().deviations:
        assert row.deviation <= 1e-9, row


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is installed")
def test_without_pytorch_a_verification_says_so(trained: epochal.Job) -> None:
    with pytest.raises(epochal.MissingDependency, match="pip install torch"):
        trained.verify("pytorch")


@pytest.mark.parametrize("url", ["http"], indirect=True)
def test_the_command_verifies_a_job(
    verifiable: epochal.Job,
    run: Run,  # noqa: F811
) -> None:
    done = run("verify", verifiable.id, "--data", "generated")
    assert (done.returncode, done.stderr) == (0, "")
    assert "verified: all within tolerance" in done.stdout
    assert "12 numbers of the data compared with generated" in done.stdout
    assert json.loads(run("verify", verifiable.id, "--json").stdout)["verdict"] == "verified"
    assert run("verify", verifiable.id, "--format", "onnx").returncode == 2
