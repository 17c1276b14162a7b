"""Both wires refuse a format alike if the server lacks its package, and say how to install it."""

import sys
from typing import Any

import numpy as np
import pytest
from tests.contract.conftest import JOB, World
from tests.contract.wires import Wires
from tests.engine.recordings import training_program
from tests.rpc.training import train

from epochal_service.answers import recordings
from epochal_service.methods import exports
from epochal_service.processes.second_process import SecondProcess
from epochal_service.store.packing import unpack


def test_onnx_without_its_package_says_what_to_install(
    service: Wires, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    over_http, over_grpc = service.both("GetExport", id=world.ended, format="onnx")
    assert over_http == over_grpc
    assert (over_http.kind, over_http.reason) == ("UNIMPLEMENTED", "not_installed")
    response = service.http.get(f"/v1/jobs/{world.ended}/export", params={"format": "onnx"})
    assert response.status_code == 501
    assert response.json()["detail"] == (
        "The format onnx needs the Python package onnx, which is not installed on this server: "
        "pip install 'epochal-server[onnx]'"
    )
    safetensors, _ = service.both("GetExport", id=world.ended, format="safetensors")
    assert safetensors.kind is None


def test_weights_beyond_the_range_of_a_format_name_the_format(
    service: Wires, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        exports,
        "unpack",
        lambda blob: {name: np.float64(array) * 1e300 for name, array in unpack(blob).items()},
    )
    over_http, over_grpc = service.both("GetExport", id=world.ended, format="onnx")
    assert over_http == over_grpc
    ((field, description),) = over_http.errors
    assert (over_http.kind, field) == ("INVALID_ARGUMENT", "format")
    assert "beyond the range of float32" in description
    numpy, _ = service.both("GetExport", id=world.ended, format="numpy")
    assert numpy.kind is None


def test_a_job_that_changed_is_verified(service: Wires) -> None:
    layers = [JOB["network"]["layers"][0] | {"activation": "relu"}, *JOB["network"]["layers"][1:]]
    changes: list[dict[str, Any]] = [
        {"epoch": 2, "training": {"optimizer": {"learning_rate": 0.5}, "batch_size": 2}},
        {"epoch": 3, "training": {"network": JOB["network"] | {"layers": layers}}},
    ]
    job = service.rpc.call("CreateJob", spec=JOB | {"epochs": 4, "changes": changes})["id"]
    assert train(service.context, job) == "succeeded"
    over_http, over_grpc = service.both("GetExport", id=job, format="training_numpy")
    assert over_http == over_grpc
    assert over_http.kind is None
    params = {"format": "training_numpy"}
    program = service.http.get(f"/v1/jobs/{job}/export", params=params).content
    for factor, epochs in ((1.0, []), (1.01, [4])):
        names = training_program(program)
        names["stored"]["train_loss"] = names["stored"]["train_loss"] * [1.0, 1.0, 1.0, factor]
        table, _ = names["compare"]()
        wrong = [row["epoch"] for row in table if row["deviation"] > row["tolerance"]]
        assert wrong == epochs


def test_a_training_is_repeated_where_no_other_large_request_waits(
    service: Wires, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "BESIDE_LOOP_SECONDS", -1.0)
    calls: list[SecondProcess] = []
    run = SecondProcess.run

    async def observed(process: SecondProcess, *args: Any) -> Any:
        calls.append(process)
        return await run(process, *args)

    monkeypatch.setattr(SecondProcess, "run", observed)
    over_http, over_grpc = service.both("GetExport", id=world.ended, format="training_numpy")
    assert over_http == over_grpc
    assert over_http.kind is None
    assert calls == [service.context.file_process] * 2
