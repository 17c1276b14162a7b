"""Messages and dicts say the same, in both directions, for every message that there is."""

import json
import math
from datetime import datetime
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from tests.examples import examples
from tests.rpc.messages import MESSAGES, MOMENTS, dicts, pydantic_time

from epochal_service._proto import message
from epochal_service.rpc.convert import from_dict, to_dict


def exact(fields: Any) -> str:
    """A text that is equal where the dicts are: NaN equals NaN, and -0.0 is not 0.0."""
    return json.dumps(fields, sort_keys=True, default=bytes.hex)


@pytest.mark.parametrize("descriptor", MESSAGES, ids=lambda m: m.name)
def test_a_dict_comes_back_from_its_message_over_the_wire(descriptor: Descriptor) -> None:
    message_type = GetMessageClass(descriptor)

    @settings(max_examples=examples(50))
    @given(dicts(descriptor))
    def round_trip(fields: dict[str, Any]) -> None:
        sent = from_dict(fields, message_type).SerializeToString(deterministic=True)
        received = message_type.FromString(sent)
        assert exact(to_dict(received)) == exact(fields)
        assert (
            from_dict(to_dict(received), message_type).SerializeToString(deterministic=True) == sent
        )

    round_trip()


def test_a_field_that_is_not_set_has_no_key_and_a_zero_that_is_set_has_one() -> None:
    row = message("EpochRow")(epoch=0, train_loss=0.0)
    assert to_dict(row) == {"epoch": 0, "train_loss": 0.0}


def test_none_and_empty_values_set_nothing() -> None:
    fields: dict[str, Any] = {"name": None, "network": None, "summary": None, "created_at": None}
    assert from_dict(fields, message("Network")) == message("Network")()
    fields = {"outputs": [], "classes": [], "epoch": None}
    assert from_dict(fields, message("Prediction")) == message("Prediction")()
    assert from_dict({"labels": {}}, message("TrainingSpec")) == message("TrainingSpec")()


def test_an_enum_is_its_word_without_the_prefix() -> None:
    layer = message("DenseSpec")(activation="ACTIVATION_LEAKY_RELU")
    assert to_dict(layer) == {"activation": "leaky_relu"}
    assert from_dict({"activation": "leaky_relu"}, type(layer)) == layer


def test_the_fields_of_a_kind_stand_beside_its_type() -> None:
    layers = {"type": "residual", "layers": [{"type": "dense", "units": 2}, {"type": "flatten"}]}
    layer = from_dict(layers, message("LayerSpec"))
    assert [inner.WhichOneof("type") for inner in layer.residual.layers] == ["dense", "flatten"]
    assert layer.residual.layers[0].dense == message("DenseSpec")(units=2)
    assert to_dict(layer) == layers


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"name": "xor"}, "builtin"),
        ({"id": "data_1", "scaling": "minmax"}, "uploaded"),
        ({"targets": [[1.0]], "scaling": "minmax"}, "inline"),
        ({"scaling": "minmax"}, "builtin"),
    ],
)
def test_a_data_set_is_of_the_kind_that_has_its_fields(fields: dict[str, Any], kind: str) -> None:
    dataset = from_dict(fields, message("DatasetSpec"))
    assert dataset.WhichOneof("kind") == kind
    assert to_dict(dataset) == fields


def test_a_kind_that_is_not_set_or_not_known_has_no_type() -> None:
    assert to_dict(message("OptimizerSpec")()) == {}
    assert to_dict(message("OptimizerSpec").FromString(b"\xf2\x06\x00")) == {"110": None}


def test_the_data_of_an_event_stand_under_its_type() -> None:
    end = {"seq": 3, "type": "end", "end": {"state": "failed"}}
    event = from_dict(end | {"snapshot": None}, message("JobEvent"))
    assert event.WhichOneof("event") == "end"
    assert to_dict(event) == end
    heartbeat = from_dict({"seq": 3, "type": "heartbeat", "end": None}, message("JobEvent"))
    assert heartbeat.HasField("heartbeat")
    assert to_dict(heartbeat) == {"seq": 3, "type": "heartbeat"}


def test_an_enum_value_that_says_nothing_stays_visible() -> None:
    spec = message("TrainingSpec").FromString(b"\x18\x63")  # loss = 99
    assert to_dict(spec) == {"loss": "99"}
    spec = message("TrainingSpec")(loss="LOSS_UNSPECIFIED")
    assert to_dict(spec) == {"loss": "unspecified"}


def test_a_field_that_is_not_known_stays_visible_under_its_number() -> None:
    request = message("CreateJobRequest")(spec=message("TrainingSpec")(epochs=2))
    request.spec.MergeFromString(b"\x98\x06\x01")  # field 99 = 1
    assert to_dict(request) == {"spec": {"epochs": 2, "99": None}}


def test_a_row_is_a_list_wherever_it_stands() -> None:
    fields = {"inputs": [[0.0, 1.0], []], "targets": [[math.inf]]}
    dataset = from_dict(fields, message("InlineDataset"))
    assert dataset.inputs[0] == message("Row")(values=[0, 1])
    assert to_dict(dataset) == fields
    batch = from_dict({"columns": {"train_loss": [0.5]}}, message("EpochBatch"))
    assert batch.columns["train_loss"] == message("Row")(values=[0.5])
    assert to_dict(batch) == {"columns": {"train_loss": [0.5]}}


@given(MOMENTS)
@settings(max_examples=50)
def test_a_time_reads_as_pydantic_writes_it_and_a_datetime_is_taken_as_it_is(
    moment: datetime,
) -> None:
    checkpoint = from_dict({"created_at": moment}, message("Checkpoint"))
    assert to_dict(checkpoint) == {"created_at": pydantic_time(moment)}


def test_a_name_or_a_word_that_a_message_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="epohc"):
        from_dict({"epohc": 1}, message("EpochRow"))
    with pytest.raises(KeyError, match="resting"):
        from_dict({"state": "resting"}, message("Job"))
