"""A made-up addition reaches both wires without a change of any other file."""

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
for path, text in generate.files(contract, Descriptions()).items():
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

ERROR = """
import json, sys, tempfile, types
from functools import wraps
from pathlib import Path

from epochal_service.errors import EpochalError
from epochal_service.methods import system


class Asleep(EpochalError):
    "The service is asleep; it wakes up by itself."

    status, code, title = 418, "ABORTED", "The service is asleep"
    reason, more_reasons = "asleep", ("very_tired",)
    example = "Call again in the morning"


@wraps(system.get_version)
def refuse(context):
    raise Asleep.sample()


system.get_version = refuse

from protos.errors import documented_errors
from tests.contract.wires import wires
from epochal_service.methods.table import TRAINING
from epochal_service.rest.openapi import describe
from epochal_service.settings import Settings
from epochal_service.store import migrate

sys.path.append("clients/python")
from generator.errors import errors_file

folder = Path(tempfile.mkdtemp())
settings = Settings(_env_file=None, data_dir=folder, grpc_address="127.0.0.1:0")
migrate.upgrade(settings.database_url)
with wires(settings) as service:
    http, grpc = service.both("GetVersion")
    example = describe(TRAINING)["components"]["examples"]["418"]["value"]["detail"]
client = types.ModuleType("errors")
exec(errors_file(), vars(client))
error = client.api_error(418, "no")
print(json.dumps([
    http.reason, grpc.reason, http.kind, grpc.kind, example,
    type(error).__name__, error.reason, type(error).__doc__,
    [line for line in client.__doc__.splitlines() if "Asleep" in line],
    [line for line in documented_errors("").splitlines() if "418" in line],
]))
"""


def test_both_wires_the_sdk_and_the_documents_have_an_error_that_is_only_a_class() -> None:
    *wires, example, name, reason, text, tree, documented = json.loads(
        recipes.in_new_process(ERROR).splitlines()[-1]
    )
    assert wires == ["asleep", "asleep", "ABORTED", "ABORTED"]
    assert example == "Call again in the morning"
    assert (name, reason) == ("Asleep", "asleep")
    assert text == "The service is asleep; it wakes up by itself."
    assert tree == ["│   └── Asleep                418  the service is asleep"]
    assert documented == [f"| 418 | ABORTED | `asleep`, `very_tired` | {text[:-1]} |"]


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
