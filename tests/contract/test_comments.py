"""The comments of the .proto files: complete, and equal to the docstrings of the models."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

from epochal_course.specs.explorers.neuron import NeuronSimulation
from epochal_service.specs.base import docstrings

ROOT = Path(__file__).parents[2]
PROTOS = ROOT / "protos"
MESSAGES, SERVICES, PARTS = 4, 6, 2
"""Numbers of the fields of a descriptor: the path to a comment consists of them."""


@pytest.fixture(scope="module")
def comments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """By the full name of all messages, fields, services and methods."""
    path = tmp_path_factory.mktemp("protos") / "descriptors"
    well_known = Path(protoc.__file__).parent / "_proto"
    files = [str(file) for file in sorted(PROTOS.glob("epochal/**/*.proto"))]
    flags = [f"-I{PROTOS}", f"-I{well_known}", "--include_source_info"]
    assert protoc.main(["protoc", *flags, f"--descriptor_set_out={path}", *files]) == 0
    by_name: dict[str, str] = {}
    for file in FileDescriptorSet.FromString(path.read_bytes()).file:
        texts = {tuple(at.path): at.leading_comments for at in file.source_code_info.location}
        by_name |= {name: " ".join(texts.get(at, "").split()) for name, at in _declared(file)}
    return by_name


def _declared(file: FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    for i, message in enumerate(file.message_type):
        yield message.name, (MESSAGES, i)
        for k, field in enumerate(message.field):
            yield f"{message.name}.{field.name}", (MESSAGES, i, PARTS, k)
    for i, service in enumerate(file.service):
        yield service.name, (SERVICES, i)
        for k, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (SERVICES, i, PARTS, k)


def test_every_message_field_and_method_has_a_comment(comments: dict[str, str]) -> None:
    assert {"Job.state", "TrainingService.CreateJob", "NeuronSimulation"} <= comments.keys()
    assert [name for name, text in comments.items() if not text] == []


def test_a_comment_has_the_range_and_the_default_of_its_field(comments: dict[str, str]) -> None:
    assert comments["SimulateXorRequest.epochs"].endswith("In [1, 2000]. Default 500.")
    assert comments["NeuronSimulation.fires"] == docstrings(NeuronSimulation)["fires"]


def test_a_kind_has_the_comment_of_its_message(comments: dict[str, str]) -> None:
    assert comments["AugmentationSpec.shift"] == comments["ShiftSpec"]
    assert comments["ShiftSpec"].startswith("Random shift by up to `max_shift` positions")


def test_comments_name_methods_as_grpc_does_and_call_null_unset(comments: dict[str, str]) -> None:
    assert not [name for name, text in comments.items() if "/v1/" in text]
    assert not [name for name, text in comments.items() if " null" in text]
    assert "CreateJob" in comments["Preset.spec"]


@pytest.mark.long
def test_the_proto_files_are_those_of_the_models() -> None:
    command = [sys.executable, "-m", "protos.generate", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
