"""Networks over HTTP, from their making to their end."""

from starlette.testclient import TestClient

# 3·4 + 4 = 16, 4·4 + 4 = 20, 4·2 + 2 = 10: 46 parameters.
NETWORK = {
    "input_shape": [3],
    "layers": [
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 4, "activation": "relu"},
        {"type": "dense", "units": 2, "activation": "softmax"},
    ],
}


def test_a_saved_network_is_found_where_its_location_says(client: TestClient) -> None:
    made = client.post("/v1/networks", json={"network": NETWORK, "name": "3-4-4-2"})
    assert made.status_code == 201
    assert made.headers["location"] == f"/v1/networks/{made.json()['id']}"
    stored = client.get(made.headers["location"])
    assert stored.status_code == 200
    assert stored.json() == made.json()
    assert stored.json()["summary"]["parameters"] == 46


def test_a_summary_saves_nothing(client: TestClient) -> None:
    answer = client.post("/v1/networks/summarize", json={"network": NETWORK})
    assert answer.status_code == 200
    assert answer.json()["parameters"] == 46
    assert client.get("/v1/networks").json() == {"networks": [], "next_page_token": None}


def test_networks_come_newest_first_in_pages(client: TestClient) -> None:
    for name in ("first", "second", "third"):
        client.post("/v1/networks", json={"network": NETWORK, "name": name})
    page = client.get("/v1/networks?page_size=2").json()
    assert [network["name"] for network in page["networks"]] == ["third", "second"]
    rest = client.get("/v1/networks", params={"page_token": page["next_page_token"]}).json()
    assert [network["name"] for network in rest["networks"]] == ["first"]
    assert rest["next_page_token"] is None


def test_a_deleted_network_is_gone(client: TestClient) -> None:
    path = client.post("/v1/networks", json={"network": NETWORK}).headers["location"]
    deleted = client.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get(path).status_code == 404
    assert client.delete(path).json()["reason"] == "not_found"


def test_a_path_with_a_slash_at_its_end_is_no_path(client: TestClient) -> None:
    assert client.get("/v1/networks/", follow_redirects=False).status_code == 404
