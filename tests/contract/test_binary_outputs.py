"""A network with several binary outputs is trained and inspected alike over both protocols."""

from typing import Any

import numpy as np
import pytest
from tests.contract.wires import Answer, Wires
from tests.rpc.training import train

INPUTS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
TARGETS = [[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]  # AND, OR, NAND


def spec(**fields: Any) -> dict[str, Any]:
    return {
        "network": {
            "input_shape": [2],
            "layers": [{"type": "dense", "units": 3, "activation": "sigmoid"}],
        },
        "dataset": {"inputs": INPUTS, "targets": TARGETS},
        "loss": "binary_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.05},
        "epochs": 4,
        **fields,
    }


def same(answers: tuple[Answer, Answer]) -> Answer:
    http, grpc = answers
    assert http == grpc
    return http


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "focal"])
def test_several_binary_outputs_train_and_predict(service: Wires, loss: str) -> None:
    made = service.rpc.call("CreateJob", spec=spec(loss=loss))["id"]
    assert train(service.context, made) == "succeeded"

    predicted = same(service.both("Predict", id=made, inputs=INPUTS)).reply
    outputs = np.array(predicted["outputs"])
    assert outputs.shape == (4, 3)
    assert predicted["classes"] == (outputs >= 0.5).astype(int).ravel().tolist()
    assert "labels" not in predicted

    seen = same(service.both("GetSamplePredictions", id=made)).reply
    assert [sample["target"] for sample in seen["samples"]] == TARGETS
    assert all("target_class" not in sample for sample in seen["samples"])
    space = same(service.both("GetHiddenSpace", id=made)).reply
    assert space["targets"] == TARGETS

    refused = same(service.both("GetConfusionMatrix", id=made))
    assert refused.kind == "INVALID_ARGUMENT"
    ((field, description),) = refused.errors
    assert field == "id"
    assert description.startswith("must be a job with classes, one per prediction")


def test_accuracy_is_the_mean_over_the_outputs(service: Wires) -> None:
    # At this rate no weight changes: training and the checkpoint have the same outputs.
    still = spec(optimizer={"type": "sgd", "learning_rate": 1e-30}, epochs=1)
    made = service.rpc.call("CreateJob", spec=still)["id"]
    assert train(service.context, made) == "succeeded"
    outputs = same(service.both("Predict", id=made, inputs=INPUTS)).reply["outputs"]
    right = (np.array(outputs) >= 0.5) == (np.array(TARGETS) == 1)
    (row,) = same(service.both("ListEpochs", id=made)).reply["epochs"]
    assert row["train_accuracy"] == pytest.approx(right.mean())
    assert right.all(axis=1).mean() != pytest.approx(right.mean())


def test_other_numbers_are_refused_where_they_are(service: Wires) -> None:
    wrong = spec(dataset={"inputs": INPUTS, "targets": [*TARGETS[:3], [1.0, 0.5, 0.0]]})
    refused = same(service.both("CreateJob", spec=wrong))
    assert refused.errors == {
        ("dataset.targets[3]", "must be 0 or 1 with binary_cross_entropy; the value at 1 is 0.5.")
    }
    narrow = spec()
    narrow["network"]["layers"][0]["units"] = 2
    ((field, description),) = same(service.both("CreateJob", spec=narrow)).errors
    assert field == "network.layers[0].units"
    assert "needs 3 outputs" in description
