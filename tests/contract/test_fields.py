"""Every field of a job, wrong in turn: both wires name it, and say what would be right."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.struct_pb2 import Value
from tests.contract.wires import Answer, Wires
from tests.rpc.messages import kinds_of

from epochal_service._proto import message as message_class

SPEC: dict[str, Any] = {
    "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
    "dataset": {"name": "xor"},
    "loss": "mse",
    "epochs": 2,
}

# The other fields that a message needs, so that the tested field is its only error.
BESIDE: dict[str, dict[str, Any]] = {
    "NetworkSpec": {"input_shape": [2], "layers": SPEC["network"]["layers"]},
    "DenseSpec": {"units": 1},
    "ActivationSpec": {"activation": "tanh"},
    "DropoutSpec": {"rate": 0.5},
    "FeaturesSpec": {"terms": ["x1"]},
    "ReshapeSpec": {"shape": [2]},
    "SliceSpec": {"start": 0},
    "ResidualSpec": {"layers": SPEC["network"]["layers"]},
    "Conv1dSpec": {"filters": 2, "kernel_size": [2]},
    "Conv2dSpec": {"filters": 2, "kernel_size": [2]},
    "EmbeddingSpec": {"vocabulary": 2, "units": 1},
    "RnnSpec": {"units": 1},
    "LstmSpec": {"units": 1},
    "GruSpec": {"units": 1},
    "AdditiveAttentionSpec": {"units": 1},
    "MultiHeadAttentionSpec": {"heads": 1},
    "TransformerBlockSpec": {"heads": 1, "hidden": 2},
    "NamedDataset": {"name": "two_moons"},
    "UploadedDataset": {"id": "data_1"},
    "InlineDataset": {"inputs": [[0.0, 0.0], [1.0, 1.0]], "targets": [[0.0], [1.0]]},
    "StepSpec": {"every": 2},
    "ExponentialSpec": {"decay": 0.5},
    "ShiftSpec": {"max_shift": 1},
    "NoiseSpec": {"standard_deviation": 1.0},
    "MaskSpec": {"token": 1},
    "TrainingChangeSpec": {"epoch": 1, "training": {"batch_size": 2}},
    "InitialWeightsSpec": {"job": "job_1"},
    "CountRewardSpec": {"texts": ["a"]},
    "JobRewardSpec": {"job": "job_1"},
    "RolloutsSpec": {"reward": {"type": "count", "texts": ["a"]}},
    "EarlyStoppingSpec": {"patience": 1},
    "TargetSpec": {"metric": "train_loss", "value": 1.0},
    "WebhookSpec": {"url": "http://127.0.0.1/"},
}

WRONG: dict[int, Any] = {
    FieldDescriptor.TYPE_INT32: -1000,
    FieldDescriptor.TYPE_INT64: -1000,
    FieldDescriptor.TYPE_DOUBLE: -1.0,
    FieldDescriptor.TYPE_ENUM: "unspecified",
    FieldDescriptor.TYPE_STRING: "",
}

# Whatever both wires can write here is right.
NEVER_WRONG = {"target.value"} | {
    f"network.layers[0].{field}" for field in ("start", "stop", "shape[0]")
}


def wrong_fields(message: Descriptor, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The path of each field, and the message in which it is the only one that is wrong."""
    for name, kind in kinds_of(message).items():
        tag = {"type": name} if "type" in message.oneofs_by_name else {}
        for path, wrong in wrong_fields(kind, at):
            yield path, tag | wrong
    if kinds_of(message):
        return
    beside = BESIDE.get(message.name, {})
    for field in message.fields:
        path = f"{at}.{field.name}" if at else field.name
        if field.name == "labels":
            yield f"{path}.COURSE", {"labels": {"COURSE": "week-3"}}
        elif field.message_type is message_class("Row").DESCRIPTOR:
            yield f"{path}[1]", beside | {field.name: [[0.0, 0.0], [1.0]]}
        elif field.message_type is Value.DESCRIPTOR:
            yield f"{path}[1]", beside | {field.name: [1.0, -1.0]}
        elif message.name == "ResidualSpec" and field.name == "layers":
            continue  # the fields of layers are wrong in turn already
        elif message.name in ("JobRewardSpec", "ChangedTrainingSpec") and field.name == "network":
            continue  # as are the fields of networks
        elif field.message_type:
            item = f"{path}[0]" if field.is_repeated else path
            for inner_path, inner in wrong_fields(field.message_type, item):
                yield inner_path, beside | {field.name: [inner] if field.is_repeated else inner}
        elif field.type != FieldDescriptor.TYPE_BOOL:
            wrong = WRONG[field.type]
            item = f"{path}[0]" if field.is_repeated else path
            if item in NEVER_WRONG:
                continue
            yield item, beside | {field.name: [wrong] if field.is_repeated else wrong}


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        pytest.param(*wrong_field, id=wrong_field[0])
        for wrong_field in wrong_fields(message_class("TrainingSpec").DESCRIPTOR)
    ],
)
def test_the_error_of_a_wrong_field_names_it_and_says_what_would_be_right(
    service: Wires, path: str, wrong: dict[str, Any]
) -> None:
    over_http, over_grpc = service.both("CreateJob", spec=SPEC | wrong)
    assert over_http == over_grpc
    assert over_http.kind == "INVALID_ARGUMENT"
    [(field, sentence)] = over_http.errors
    assert field == path
    assert any(word in sentence for word in ("must", "needs", "write"))


def test_what_a_job_must_have_is_named(service: Wires) -> None:
    missing = {(name, "is required") for name in ("network", "dataset", "loss", "epochs")}
    expected = Answer(None, "INVALID_ARGUMENT", "invalid_argument", frozenset(missing))
    assert service.both("CreateJob", spec={}) == (expected, expected)


@pytest.mark.parametrize(
    ("part", "missing"),
    [
        ({"optimizer": {}}, "optimizer.type"),
        ({"network": {"input_shape": [2], "layers": [{}]}}, "network.layers[0].type"),
        ({"network": {"input_shape": [2]}}, "network.layers"),
        ({"dataset": {}}, "dataset.name"),
        ({"dataset": {"inputs": [[0.0]]}}, "dataset.targets"),
    ],
)
def test_a_part_that_is_of_no_kind_is_named(
    service: Wires, part: dict[str, Any], missing: str
) -> None:
    expected = Answer(
        None, "INVALID_ARGUMENT", "invalid_argument", frozenset({(missing, "is required")})
    )
    assert service.both("ValidateJob", spec=SPEC | part) == (expected, expected)


def test_the_spec_is_right_where_nothing_is_wrong(service: Wires) -> None:
    assert service.over_grpc("ValidateJob", spec=SPEC).kind is None
