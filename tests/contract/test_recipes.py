"""What is made up reaches both wires without a change of any other file."""

from __future__ import annotations

import json

import pytest
from tests import recipes

pytestmark = pytest.mark.long

# The .proto files, the descriptors and the models are derived once, when they are imported.
PROGRAM = """
import importlib.util, json, shutil, subprocess, sys, tempfile
from pathlib import Path

from protos import generate
from protos.contract import Contract
from protos.descriptions import Descriptions

root = Path.cwd()
folder = Path(tempfile.mkdtemp())
protos = folder / "protos"
protos.mkdir(parents=True)
for name in ("compile.py", "descriptors.py"):
    shutil.copy(root / "protos" / name, protos)
contract = Contract(json.loads(generate.NUMBERS.read_text()))
for path, text in generate.files(contract, Descriptions(contract)).items():
    copy = protos / path.relative_to(generate.ROOT)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(text)
command = [sys.executable, protos / "compile.py", folder / "epochal.binpb"]
subprocess.run(command, check=True)
name = "epochal_service._proto"
spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
sys.modules[name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[name])

from tests.contract.wires import wires

from epochal_service.methods.table import TRAINING
from epochal_service.rest.openapi import describe
from epochal_service.settings import Settings
from epochal_service.store import migrate

settings = Settings(
    _env_file=None,
    data_dir=folder,
    broker_url="redis://127.0.0.1:1/0",
    grpc_address="127.0.0.1:0",
)
migrate.upgrade(settings.database_url)
layers = [
    {"type": "rescale", "factor": 3.0},
    {"type": "dense", "units": 1, "activation": "bent_identity"},
]
with wires(settings) as service:
    http, grpc = service.both(
        "SummarizeNetwork", network={"input_shape": [2], "layers": layers}
    )
    wrong, _ = service.both(
        "SummarizeNetwork",
        network={"input_shape": [2], "layers": [{"type": "rescale", "factor": 11.0}]},
    )
    job = {
        "network": {"input_shape": [2], "layers": layers},
        "dataset": {"name": "two_moons"},
        "loss": "log_cosh",
        "optimizer": {"type": "sign_descent"},
        "epochs": 5,
    }
    valid, same = service.both("ValidateJob", spec=job)
    unknown = service.over_http("ValidateJob", spec=job | {"loss": "log_cos"})
    schemas = describe(TRAINING)["components"]["schemas"]
    print(json.dumps([
        http == grpc, http.reply, list(wrong.errors),
        schemas["RescaleSpec"]["properties"]["factor"]["maximum"],
        valid == same, valid.reply, [text for _, text in unknown.errors],
    ]))
shutil.rmtree(folder)
"""


def test_both_wires_take_them_and_the_schema_has_them() -> None:
    printed = json.loads(recipes.in_new_process(PROGRAM).splitlines()[-1])
    equal, reply, errors, maximum, both_train, job, unknown = printed
    assert equal
    assert both_train
    assert job["spec"]["optimizer"]["type"] == "sign_descent", job
    assert "log_cosh" in unknown[0]
    assert [layer["type"] for layer in reply["layers"]] == ["rescale", "dense"]
    assert reply["layers"][1]["activation"] == "bent_identity"
    assert reply["parameters"] == 2 + 3
    assert errors == [["network.layers[0].factor", "must be at most 10"]]
    assert maximum == 10
