"""Known numbers that a running service has to reproduce with a job, a sweep or an explorer.

The tests of the explorers check the numbers that need no training.
"""

import math
from collections.abc import Iterator
from statistics import median
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient
from tests.servers.stack import Stack

XOR_SEEDS = 192
VARIANTS = 64  # of one sweep


@pytest.fixture
def service(stack: Stack) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=stack.http, timeout=60) as client:
        yield client


def run_to_end(client: httpx2.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Create a job or sweep, wait until it ends, and return it."""
    created = client.post(path, json=body)
    assert created.status_code == 201, created.text
    resource = f"{path}/{created.json()['id']}"
    with client.stream("GET", f"{resource}/events") as events:
        for _ in events.iter_lines():
            pass  # the stream ends with the job or sweep
    result: dict[str, Any] = client.get(resource).json()
    assert result["state"] == "succeeded", result
    return result


def dense(*layers: tuple[int, str]) -> list[dict[str, Any]]:
    return [{"type": "dense", "units": units, "activation": name} for units, name in layers]


@pytest.mark.long
@pytest.mark.parametrize(
    ("dataset", "inputs", "output", "loss", "classes"),
    [
        ("two_moons", 2, (1, "sigmoid"), "binary_cross_entropy", 2),
        ("digits", 64, (10, "softmax"), "cross_entropy", 10),
    ],
)
def test_the_first_loss_is_that_of_a_uniform_guess(
    service: httpx2.Client,
    dataset: str,
    inputs: int,
    output: tuple[int, str],
    loss: str,
    classes: int,
) -> None:
    job = run_to_end(
        service,
        "/v1/jobs",
        {
            "network": {"input_shape": [inputs], "layers": dense((16, "tanh"), output)},
            "dataset": {"name": dataset},
            "loss": loss,
            "epochs": 1,
            "optimizer": {"type": "sgd", "learning_rate": 1e-4},
        },
    )
    # ln 2 is 0.69 and ln 10 is 2.30; random initial weights do not guess exactly uniformly.
    assert job["latest"]["train_loss"] == pytest.approx(math.log(classes), abs=0.5)


@pytest.mark.long
def test_the_spiral_needs_a_third_hidden_layer(service: httpx2.Client) -> None:
    def loss(*hidden: int) -> float:
        """Return the median loss of seven seeds after 200 epochs."""
        layers = dense(*((units, "tanh") for units in hidden), (1, "sigmoid"))
        sweep = run_to_end(
            service,
            "/v1/sweeps",
            {
                "job": {
                    "network": {"input_shape": [2], "layers": layers},
                    "dataset": {"name": "spiral", "samples": 250},
                    "loss": "binary_cross_entropy",
                    "epochs": 200,
                    "optimizer": {"type": "adam", "learning_rate": 0.02},
                },
                "variants": [{"seed": seed} for seed in range(7)],
            },
        )
        result: float = median(member["latest"]["train_loss"] for member in sweep["members"])
        return result

    # 0.036 and 0.225; with two hidden layers it takes twice the epochs.
    assert loss(8, 8, 8) < 0.1 < 0.15 < loss(8, 8)


@pytest.mark.long
def test_how_often_random_initial_weights_solve_xor(service: httpx2.Client) -> None:
    # Measured with 1,000 seeds: 74, 54 and 21 % with two hidden units, 99.8, 99 and 65 % with four.
    bounds = {
        (2, "sigmoid"): (0.60, 0.84),
        (2, "tanh"): (0.42, 0.64),
        (2, "relu"): (0.13, 0.31),
        (4, "sigmoid"): (0.97, 1.0),
        (4, "tanh"): (0.95, 1.0),
        (4, "relu"): (0.53, 0.77),
    }
    for (units, activation), (least, most) in bounds.items():
        job = {
            "network": {"input_shape": [2], "layers": dense((units, activation), (1, "sigmoid"))},
            "dataset": {"name": "xor"},
            "loss": "binary_cross_entropy",
            "epochs": 2000,
            "optimizer": {"type": "sgd", "learning_rate": 1.0},
            "snapshots": {"gradients_every": 0},
        }
        solved = []
        for first in range(0, XOR_SEEDS, VARIANTS):
            variants = [{"seed": seed} for seed in range(first, first + VARIANTS)]
            sweep = run_to_end(service, "/v1/sweeps", {"job": job, "variants": variants})
            solved += [member["latest"]["train_accuracy"] == 1.0 for member in sweep["members"]]
        assert len(solved) == XOR_SEEDS
        assert least <= sum(solved) / XOR_SEEDS <= most, (units, activation, sum(solved))


def test_adam_divides_by_the_bias_correction(client: TestClient) -> None:
    rate, beta_1, beta_2, epsilon = 0.01, 0.9, 0.999, 1e-8
    reply = client.post(
        "/course/v1/simulate/training",
        json={
            "network": {"input_shape": [1], "layers": [{"type": "dense", "units": 1}]},
            "dataset": {"inputs": [[1.0]], "targets": [[3.0]]},
            "loss": "mse",
            "optimizer": {"type": "adam", "learning_rate": rate},
            "epochs": 2,
            "steps": 2,
        },
    ).json()
    # Weight and bias have the same gradient, because the only input is 1, so they move together.
    first, second = (step["layers"][0] for step in reply["steps"])
    g1, g2 = (step["gradient_norm"] / math.sqrt(2) for step in (first, second))
    # m and v start at 0. Without the correction the first step would be 0.1/√0.001, three times as
    # long; with a multiplication instead of a division, ten times.
    assert first["update_norm"] == pytest.approx(rate * math.sqrt(2), rel=1e-5)
    m = (beta_1 * (1 - beta_1) * g1 + (1 - beta_1) * g2) / (1 - beta_1**2)
    v = (beta_2 * (1 - beta_2) * g1**2 + (1 - beta_2) * g2**2) / (1 - beta_2**2)
    step = rate * m / (math.sqrt(v) + epsilon)
    assert second["update_norm"] == pytest.approx(step * math.sqrt(2), rel=1e-4)
