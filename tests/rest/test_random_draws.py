"""The random draws of a job can be read, and its training program draws the same."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.engine.recordings import steps, training_program
from tests.workers.in_process import DIGITS, at_call

from epochal_service.jobs.queue import Queue
from epochal_service.rest.app import create_app
from epochal_service.settings import Limits, Settings
from epochal_service.store import Database
from epochal_workers.run import WorkerContext, run

SAMPLES = 1438
"""Digits in the training part."""

Train = Callable[[str], str | None]

SHIFTED: dict[str, Any] = {
    **DIGITS,
    "network": {
        "input_shape": [8, 8, 1],
        "layers": [
            {"type": "flatten"},
            {"type": "dense", "units": 6},
            {
                "type": "residual",
                "layers": [
                    {"type": "dense", "units": 6, "activation": "tanh"},
                    {"type": "dropout", "rate": 0.3},
                ],
            },
            {"type": "dense", "units": 10, "activation": "softmax"},
        ],
    },
    "epochs": 3,
    "augmentation": [
        {"type": "shift", "max_shift": 1},
        {"type": "noise", "standard_deviation": 0.2},
        {"type": "flip", "probability": 0.25},
    ],
}


def created(client: TestClient, spec: dict[str, Any]) -> str:
    reply = client.post("/v1/jobs", json=spec)
    assert reply.status_code == 201, reply.text
    job_id: str = reply.json()["id"]
    return job_id


def trained(client: TestClient, train: Train, spec: dict[str, Any]) -> str:
    job_id = created(client, spec)
    assert train(job_id) == "succeeded"
    return job_id


def draws(client: TestClient, job_id: str, **query: Any) -> dict[str, Any]:
    reply = client.get(f"/v1/jobs/{job_id}/random-draws", params=query)
    assert reply.status_code == 200, reply.text
    content: dict[str, Any] = reply.json()
    return content


def refused(client: TestClient, job_id: str, **query: Any) -> dict[str, Any]:
    reply = client.get(f"/v1/jobs/{job_id}/random-draws", params=query)
    assert reply.status_code in (400, 404), reply.text
    problem: dict[str, Any] = reply.json()
    return problem


def program(client: TestClient, job_id: str) -> dict[str, Any]:
    """Return the names of the job's training program."""
    return training_program(client.get(f"/v1/jobs/{job_id}/export?format=training_numpy").content)


def array(reply: dict[str, Any], dtype: str = "float32") -> np.ndarray:
    return np.array(reply["values"], dtype).reshape(reply["shape"])


def test_the_masks_of_a_resumed_job_are_those_of_the_training_program(
    client: TestClient, settings: Settings, train: Train
) -> None:
    job_id = created(client, {**DIGITS, "epochs": 4, "dtype": "float64"})
    database, queue = Database(settings.database_url), Queue(settings.broker_url)
    stopping = at_call(2, lambda: True)  # after the first epoch
    assert run(WorkerContext(settings, database, queue, stopping), job_id) == "queued"
    queue.close()
    database.close()
    assert train(job_id) == "succeeded"
    names = program(client, job_id)
    table, _ = names["compare"]()
    assert all(row["deviation"] <= row["tolerance"] for row in table)
    for epoch, taken in enumerate(steps(names), 1):
        for batch, (inputs, masks) in enumerate(taken):
            reply = draws(client, job_id, epoch=epoch, batch=batch, layer="dropout_2")
            assert (reply["batch_size"], reply["batches"]) == (128, len(taken))
            [mask] = reply["masks"]
            assert (mask["layer"], mask["rate"], mask["shape"]) == (
                "dropout_2",
                0.2,
                [len(inputs), 16],
            )
            np.testing.assert_array_equal(array(mask, "float64"), masks["dropout_2"][0])


def test_the_order_has_the_rows_of_the_data_set(client: TestClient, train: Train) -> None:
    values = [[float(k)] for k in range(20)]
    spec = {
        "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"inputs": values, "targets": values},
        "loss": "mse",
        "epochs": 2,
        "batch_size": 8,
        "validation_fraction": 0.25,
        "target_scaling": "none",
    }
    job_id = trained(client, train, spec)
    inputs = [[x for x, _ in taken] for taken in steps(program(client, job_id))]
    for epoch, taken in enumerate(inputs, 1):
        assert draws(client, job_id, epoch=epoch)["order"] == np.concatenate(taken)[:, 0].tolist()
    latest = draws(client, job_id)
    assert (latest["epoch"], latest["batches"]) == (2, 2)
    assert (latest["masks"], latest["augmentation"]) == ([], [])
    in_order = trained(client, train, {**spec, "shuffle": False})
    order = draws(client, in_order, epoch=1)["order"]
    assert order == draws(client, in_order, epoch=2)["order"]
    assert sorted(order) == sorted(latest["order"])


@pytest.mark.long
def test_the_augmentation_gives_the_inputs_of_the_training_program(
    client: TestClient, train: Train
) -> None:
    job_id = trained(client, train, SHIFTED)
    names = program(client, job_id)
    given = names["train_inputs"]
    stream = names["new_streams"]()["shuffle"]
    for epoch, taken in enumerate(steps(names), 1):
        order = names["draw_order"](stream, len(given))
        for batch in (0, len(taken) - 1):
            inputs, masks = taken[batch]
            reply = draws(client, job_id, epoch=epoch, batch=batch)
            shift, noise, flip = reply["augmentation"]
            assert [row["type"] for row in reply["augmentation"]] == ["shift", "noise", "flip"]
            for k, row in enumerate(order[batch * 128 : (batch + 1) * 128]):
                down, right = array(shift)[k].astype(int)
                expected = np.zeros((10, 10, 1), np.float32)
                expected[1 + down : 9 + down, 1 + right : 9 + right] = given[row]
                expected = expected[1:9, 1:9] + array(noise)[k]
                expected = expected[:, ::-1] if array(flip)[k] else expected
                np.testing.assert_array_equal(inputs[k], expected)
            [mask] = reply["masks"]
            assert mask["layer"] == "residual_3.dropout_2"
            np.testing.assert_array_equal(array(mask), masks["residual_3.dropout_2"][0])
    only = draws(client, job_id, batch=0, layer="residual_3")
    assert len(only["masks"]) == 1
    assert only["augmentation"] == []
    only = draws(client, job_id, batch=0, layer="input")
    assert only["masks"] == []
    assert len(only["augmentation"]) == 3


@pytest.mark.long
def test_a_fork_draws_what_its_own_seed_draws(client: TestClient, train: Train) -> None:
    parent = trained(client, train, {**DIGITS, "epochs": 7})
    start = {"initial_weights": {"job": parent, "epoch": 7}, "epochs": 3}
    same = trained(client, train, {**DIGITS, **start})
    other = trained(client, train, {**DIGITS, **start, "seed": 8})
    assert draws(client, same, epoch=2, batch=3) == draws(client, parent, epoch=2, batch=3)
    expected = [mask["dropout_2"][0] for _, mask in [*steps(program(client, other))][1]]
    drawn = draws(client, other, epoch=2, batch=3)
    np.testing.assert_array_equal(array(drawn["masks"][0]), expected[3])
    assert drawn["order"] != draws(client, same, epoch=2)["order"]


@pytest.mark.parametrize(
    ("query", "field", "text"),
    [
        ({"epoch": 0}, "epoch", "at least 1"),
        ({"epoch": 4}, "epoch", "must be at most 3, the latest stored epoch"),
        ({"batch": 12}, "batch", "must be less than 12, the batches of an epoch"),
        ({"batch": 0, "layer": "dense_2"}, "layer", "must be one of input, residual_3"),
        ({"layer": "residual_3"}, "layer", "needs a batch"),
    ],
)
def test_what_cannot_be_read_says_why(
    client: TestClient, train: Train, query: dict[str, Any], field: str, text: str
) -> None:
    problem = refused(client, trained(client, train, SHIFTED), **query)
    [error] = problem["errors"]
    assert error["field"] == field
    assert text in error["description"]


def test_a_network_without_masks_has_none(client: TestClient, trained: str) -> None:
    assert draws(client, trained, batch=0)["masks"] == []
    problem = refused(client, trained, batch=0, layer="dense_1")
    assert problem["errors"][0]["description"] == "must be absent: no layer draws anything"


def test_a_job_without_epochs_has_drawn_nothing(client: TestClient) -> None:
    problem = refused(client, created(client, DIGITS))
    assert (problem["status"], problem["reason"]) == (404, "checkpoint_not_found")


def test_the_numbers_of_a_request_are_limited(
    client: TestClient, settings: Settings, train: Train
) -> None:
    job_id = trained(client, train, SHIFTED)
    augmented = {"epoch": 3, "batch": 0, "layer": "input"}
    for limits, query, field in (
        (Limits(max_redrawn_numbers=SAMPLES * 3), {"epoch": 3, "batch": 0}, "epoch"),
        (Limits(max_redrawn_numbers=SAMPLES * 3), augmented, "epoch"),
        (Limits(max_redrawn_numbers=SAMPLES * 3 - 1), {"epoch": 3}, "epoch"),
        (Limits(max_inspected_values=SAMPLES - 1), {"epoch": 1}, "epoch"),
        (Limits(max_inspected_values=SAMPLES + 128 * 6 - 1), {"batch": 0}, "layer"),
        (Limits(max_inspected_values=SAMPLES), {"batch": 0, "layer": "residual_3"}, "layer"),
    ):
        app = create_app(settings.model_copy(update={"limits": limits}))
        with TestClient(app) as limited:
            problem = refused(limited, job_id, **query)
            assert problem["reason"] == "limit_exceeded"
            assert problem["errors"][0]["field"] == field
    enough = Limits(max_redrawn_numbers=SAMPLES * 3, max_inspected_values=SAMPLES + 128 * 6)
    with TestClient(create_app(settings.model_copy(update={"limits": enough}))) as limited:
        draws(limited, job_id, epoch=3, batch=0, layer="residual_3")
