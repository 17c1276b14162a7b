"""Every field of a job, wrong in turn: both wires name it, and say what would be right."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.struct_pb2 import Value
from tests.contract.wires import Answer, Wires

from epochal_service._proto import message as message_class
from epochal_service.rpc.convert import holds_its_own_kind

SPEC: dict[str, Any] = {
    "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
    "dataset": {"name": "xor"},
    "loss": "mse",
    "epochs": 2,
}

# The other fields that a request needs, so that the tested field is its only error.
BESIDE: dict[str, dict[str, Any]] = {
    "NetworkSpec.input_shape": {"layers": SPEC["network"]["layers"]},
    "NetworkSpec.layers": {"input_shape": [2]},
    "LayerSpec.units": {"type": "dense"},
    "LayerSpec.activation": {"type": "dense", "units": 1},
    "LayerSpec.initializer": {"type": "dense", "units": 1},
    "LayerSpec.initializer_gain": {"type": "dense", "units": 1},
    "LayerSpec.rate": {"type": "dropout"},
    "DatasetSpec.samples": {"name": "two_moons"},
    "DatasetSpec.noise": {"name": "two_moons"},
    "DatasetSpec.seed": {"name": "two_moons"},
    "DatasetSpec.classes": {"name": "blobs"},
    "DatasetSpec.features": {"name": "blobs"},
    "DatasetSpec.length": {"name": "sorting"},
    "DatasetSpec.merges": {"name": "plays"},
    "DatasetSpec.vocabulary": {"name": "plays"},
    "DatasetSpec.inputs": {"targets": [[0.0], [1.0]]},
    "DatasetSpec.feature_names": {"inputs": [[0.0], [1.0]], "targets": [[0.0], [1.0]]},
    "DatasetSpec.class_names": {"inputs": [[0.0], [1.0]], "targets": [[0.0], [1.0]]},
    "DatasetSpec.weights": {"inputs": [[0.0], [1.0]], "targets": [[0.0], [1.0]]},
    "DatasetSpec.targets": {"inputs": [[0.0, 0.0], [1.0, 1.0]]},
    "DatasetSpec.scaling": {"name": "xor"},
    "LayerSpec.epsilon": {"type": "layer_norm"},
    "LayerSpec.momentum": {"type": "batch_norm"},
    "LayerSpec.shape": {"type": "reshape"},
    "LayerSpec.filters": {"type": "conv1d", "kernel_size": [2]},
    "LayerSpec.kernel_size": {"type": "conv2d", "filters": 2},
    "LayerSpec.stride": {"type": "conv2d", "filters": 2, "kernel_size": [2]},
    "LayerSpec.padding": {"type": "conv2d", "filters": 2, "kernel_size": [2]},
    "LayerSpec.pool_size": {"type": "max_pool2d"},
    "LayerSpec.vocabulary": {"type": "embedding", "units": 2},
    "LayerSpec.kind": {"type": "positional_encoding"},
    "LayerSpec.heads": {"type": "multi_head_attention"},
    "LayerSpec.hidden": {"type": "transformer_block", "heads": 1},
    "LayerSpec.norm": {"type": "transformer_block", "heads": 1, "hidden": 2},
    "LayerSpec.dropout": {"type": "transformer_block", "heads": 1, "hidden": 2},
    "LayerSpec.name": {"type": "flatten"},
    "LayerSpec.input": {"type": "flatten"},
    "AugmentationSpec.max_shift": {"type": "shift"},
    "AugmentationSpec.standard_deviation": {"type": "noise"},
    "AugmentationSpec.probability": {"type": "flip"},
    "CorruptionSpec.token": {"type": "mask"},
    "CorruptionSpec.share": {"type": "mask", "token": 1},
    "CorruptionSpec.steps": {"type": "diffuse"},
    "TrainingChangeSpec.epoch": {"training": {"batch_size": 2}},
    "TrainingChangeSpec.training": {"epoch": 1},
    "OptimizerSpec.learning_rate": {"type": "sgd"},
    "OptimizerSpec.momentum": {"type": "momentum"},
    "OptimizerSpec.beta_1": {"type": "adam"},
    "OptimizerSpec.beta_2": {"type": "adam"},
    "OptimizerSpec.epsilon": {"type": "adam"},
    "OptimizerSpec.decay": {"type": "rmsprop"},
    "OptimizerSpec.weight_decay": {"type": "adamw"},
    "OptimizerSpec.adam_fraction": {"type": "muon"},
    "ScheduleSpec.every": {"type": "step"},
    "ScheduleSpec.factor": {"type": "step", "every": 2},
    "ScheduleSpec.decay": {"type": "exponential"},
    "ScheduleSpec.rising_fraction": {"type": "one_cycle"},
    "ScheduleSpec.initial_fraction": {"type": "one_cycle"},
    "ScheduleSpec.patience": {"type": "reduce_on_plateau"},
    "ScheduleSpec.warmup_epochs": {"type": "cosine"},
    "ScheduleSpec.final_fraction": {"type": "cosine"},
    "InitialWeightsSpec.job": {"epoch": 1},
    "InitialWeightsSpec.layers": {"job": "job_1"},
    "InitialWeightsSpec.epoch": {"job": "job_1"},
    "RewardSpec.type": {"texts": ["a"]},
    "RewardSpec.texts": {"type": "count"},
    "RewardSpec.job": {"type": "job"},
    "RewardSpec.epoch": {"type": "job", "job": "job_1"},
    "RewardSpec.network": {"type": "job", "job": "job_1"},
    "RolloutsSpec.beta": {"reward": {"type": "count", "texts": ["a"]}},
    "RolloutsSpec.grammar": {"reward": {"type": "count", "texts": ["a"]}},
    "EarlyStoppingSpec.min_delta": {"patience": 1},
    "TargetSpec.metric": {"value": 1.0},
    "WebhookSpec.on": {"url": "http://127.0.0.1/"},
    "WebhookSpec.secret": {"url": "http://127.0.0.1/"},
}

WRONG: dict[int, Any] = {
    FieldDescriptor.TYPE_INT32: -1000,
    FieldDescriptor.TYPE_INT64: -1000,
    FieldDescriptor.TYPE_DOUBLE: -1.0,
    FieldDescriptor.TYPE_ENUM: "unspecified",
    FieldDescriptor.TYPE_STRING: "",
}

# Whatever both wires can write here is right; the network of a reward model has no id.
NEVER_WRONG = {"target.value", "rollouts.reward.network.id"} | {
    f"{at}network.layers[0].{field}"
    for at in ("", "rollouts.reward.")
    for field in ("start", "stop", "shape[0]")
}


def wrong_fields(message: Descriptor, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The path of each field, and the message in which it is the only one that is wrong."""
    for field in message.fields:
        path = f"{at}.{field.name}" if at else field.name
        beside = BESIDE.get(f"{message.name}.{field.name}", {})
        if field.name == "labels":
            yield f"{path}.COURSE", {"labels": {"COURSE": "week-3"}}
        elif field.message_type is message_class("Row").DESCRIPTOR:
            yield f"{path}[1]", beside | {field.name: [[0.0, 0.0], [1.0]]}
        elif field.message_type is Value.DESCRIPTOR:
            yield f"{path}[1]", beside | {field.name: [1.0, -1.0]}
        elif holds_its_own_kind(field):
            continue  # a layer within a layer: its own fields are wrong in turn already
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


def test_the_spec_is_right_where_nothing_is_wrong(service: Wires) -> None:
    assert service.over_grpc("ValidateJob", spec=SPEC).kind is None
