"""The running service checks host names."""

import httpx2
import pytest
from tests.servers.stack import Stack


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_foreign_host_name_is_refused(stack: Stack, method: str) -> None:
    port = stack.http.rpartition(":")[2]
    answer = httpx2.request(
        method, f"{stack.http}/v1/jobs", headers={"Host": f"evil.example:{port}"}, timeout=60
    )
    assert (answer.status_code, answer.json()["reason"]) == (403, "host_not_allowed")


def test_localhost_is_accepted_and_its_pages_may_start_jobs(stack: Stack) -> None:
    port = stack.http.rpartition(":")[2]
    own_address = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    job = {
        "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
        "dataset": {"name": "xor"},
        "loss": "mse",
        "epochs": 1,
    }
    url = f"{stack.http}/v1/jobs"
    assert httpx2.post(url, json=job, headers=own_address, timeout=60).status_code == 201
    foreign = own_address | {"Origin": "https://evil.example"}
    refused = httpx2.post(url, json=job, headers=foreign, timeout=60)
    assert (refused.status_code, refused.json()["reason"]) == (403, "origin_not_allowed")
