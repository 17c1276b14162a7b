"""Jobs side by side, and a list of jobs that is searched and shows how each is going."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

Train = Callable[[str], str | None]


def create(client: TestClient, **changes: Any) -> str:
    made: str = client.post("/v1/jobs", json={**XOR, **changes}).json()["id"]
    return made


def compare(client: TestClient, *jobs: str, **query: Any) -> dict[str, Any]:
    answer = client.get("/v1/comparison", params={"jobs": list(jobs), **query})
    assert answer.status_code == 200, answer.text
    reply: dict[str, Any] = answer.json()
    return reply


def listed(client: TestClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/jobs", params=query)
    assert answer.status_code == 200, answer.text
    jobs: list[dict[str, Any]] = answer.json()["jobs"]
    return jobs


# ---------------------------------------------------------------------------------- side by side


def test_jobs_are_compared_by_their_curves_ends_and_specs(client: TestClient, train: Train) -> None:
    short = create(client, epochs=5, name="short")
    long = create(client, epochs=40, optimizer={"type": "sgd", "learning_rate": 0.5})
    assert train(short) == train(long) == "succeeded"
    reply = compare(client, short, long)
    first, second = reply["jobs"]
    assert (first["id"], first["name"], first["epochs"]) == (short, "short", 5)
    assert (second["id"], second["name"], second["epochs"]) == (long, None, 40)
    for job in reply["jobs"]:
        whole = client.get(f"/v1/jobs/{job['id']}").json()
        curve = client.get(f"/v1/jobs/{job['id']}/curve?metrics=train_loss").json()
        assert job["series"] == curve["series"]
        assert job["latest"] == whole["latest"]
        losses = curve["series"][0]["values"]
        assert job["best"] == {
            "metric": "train_loss",
            "epoch": losses.index(min(losses)) + 1,
            "value": min(losses),
            "is_restored": False,
        }
        assert job["seconds"] > 0
    assert {difference["path"]: difference["values"] for difference in reply["differences"]} == {
        "name": ['"short"', ""],
        "epochs": ["5", "40"],
        "optimizer.type": ['"adam"', '"sgd"'],
        "optimizer.learning_rate": ["0.01", "0.5"],
        "optimizer.beta_1": ["0.9", ""],
        "optimizer.beta_2": ["0.999", ""],
        "optimizer.epsilon": ["1e-08", ""],
    }


def test_aligned_curves_have_values_at_the_same_epochs(client: TestClient, train: Train) -> None:
    short, long = create(client, epochs=20), create(client, epochs=39)
    assert train(short) == train(long) == "succeeded"
    reply = compare(client, short, long, aligned=True, max_points=20, metrics="train_loss")
    epochs = [job["series"][0]["epochs"] for job in reply["jobs"]]
    assert epochs == [list(range(1, 20, 2)), list(range(1, 40, 2))]
    # The same seed and spec: the longer one begins as the shorter one does.
    values = [job["series"][0]["values"] for job in reply["jobs"]]
    assert values[1][:10] == values[0]


def test_the_validation_loss_is_compared_if_there_is_one(client: TestClient, train: Train) -> None:
    dataset = {"name": "two_moons", "samples": 40}
    jobs = [create(client, dataset=dataset, validation_fraction=0.5, seed=s) for s in (1, 2)]
    assert {train(job) for job in jobs} == {"succeeded"}
    reply = compare(client, *jobs)
    for job in reply["jobs"]:
        assert [series["metric"] for series in job["series"]] == ["train_loss", "validation_loss"]
        assert job["best"]["metric"] == "validation_loss"
        assert job["best"]["value"] == min(job["series"][1]["values"])
    differences = {difference["path"] for difference in reply["differences"]}
    assert differences == {"seed", "split.seed"}  # each of the two jobs has another split


def test_a_job_that_has_not_begun_has_nothing_to_compare_yet(
    client: TestClient, trained: str
) -> None:
    for aligned in (False, True):
        job = compare(client, trained, create(client), aligned=aligned)["jobs"][1]
        assert (job["state"], job["epochs"], job["series"]) == ("queued", 0, [])
        assert job["best"] is job["latest"] is job["seconds"] is None


def test_layers_differ_place_by_place_and_long_values_are_cut(client: TestClient) -> None:
    dense = {"type": "dense", "units": 4, "activation": "tanh"}
    output = {"type": "dense", "units": 1, "activation": "sigmoid"}
    points = {"inputs": [[0.25, 0.5]] * 50, "targets": [0, 1] * 25}
    first = create(client, network={"input_shape": [2], "layers": [dense, output]})
    second = create(
        client,
        network={"input_shape": [2], "layers": [{**dense, "units": 8}, dense, output]},
        dataset=points,
    )
    values = {
        difference["path"]: difference["values"]
        for difference in compare(client, first, second)["differences"]
    }
    assert values["network.layers[0].units"] == ["4", "8"]
    assert values["network.layers[2].type"] == ["", '"dense"']
    nothing, cut = values["dataset.inputs"]
    assert nothing == ""
    assert cut.startswith("[[0.25, 0.5], [0.25, 0.5], ")
    assert (len(cut), cut[-1]) == (200, "…")


def test_a_comparison_is_refused_by_the_field_that_is_wrong(
    client: TestClient, trained: str
) -> None:
    for query, field in (
        ("", "jobs"),
        (f"jobs={trained}", "jobs"),
        ("&".join(f"jobs={trained}" for _ in range(11)), "jobs"),
        (f"jobs={trained},{trained}&metrics=happiness", "metrics[0]"),
        (f"jobs={trained},{trained}&max_points=3", "max_points"),
        (f"jobs={trained},{trained}&color=red", "color"),
    ):
        answer = client.get(f"/v1/comparison?{query}")
        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    missing = client.get(f"/v1/comparison?jobs={trained},job_1")
    assert (missing.status_code, missing.json()["detail"]) == (
        404,
        "There is no job job_1: it was deleted, or belongs to another API key's owner",
    )


# ------------------------------------------------------------------------------------- the list


def test_jobs_are_found_by_a_text_in_what_they_are_called(client: TestClient) -> None:
    named = create(client, name="Übung 50%_a", labels={"course": "week-3"})
    moons = create(client, dataset={"name": "two_moons"})
    other = create(client)

    def ids(text: str) -> list[str]:
        return [job["id"] for job in listed(client, query=text)]

    assert ids("übung") == ids("ÜBUNG 50%") == ids("course=WEEK") == [named]
    assert ids("MOONS") == [moons]
    assert ids(other[-12:].upper()) == [other]
    assert ids("xor") == [other, named]
    assert ids("%") == ids("0%_") == [named]  # signs that stand for themselves
    assert ids("nothing") == []
    assert len(ids("")) == 3
    assert client.get("/v1/jobs", params={"query": "x" * 201}).status_code == 400


def test_an_uploaded_data_sets_name_and_id_are_found_too(client: TestClient) -> None:
    csv = "a,b,kind\n1,2,cat\n3,4,dog\n"
    made = client.post("/v1/datasets", json={"name": "Pets", "csv": csv, "target": "kind"}).json()
    job = create(client, dataset={"id": made["id"]})
    for text in ("pets", made["id"]):
        assert [match["id"] for match in listed(client, query=text)] == [job]


def test_jobs_are_listed_in_several_states_and_by_text_at_once(
    client: TestClient, trained: str
) -> None:
    queued, cancelled = create(client, name="one"), create(client, name="another one")
    client.post(f"/v1/jobs/{cancelled}/cancel")

    def ids(**query: Any) -> list[str]:
        return [job["id"] for job in listed(client, **query)]

    assert ids(states=["queued", "cancelled"]) == [cancelled, queued]
    assert ids(states="queued,succeeded") == [queued, trained]
    assert ids(states="queued,cancelled", query="another") == [cancelled]


def test_each_listed_job_shows_its_loss_in_few_points(client: TestClient, train: Train) -> None:
    jobs = [create(client, epochs=epochs) for epochs in (1, 10, 300)]
    assert {train(job) for job in jobs} == {"succeeded"}
    queued = create(client)
    curves = {job["id"]: job["curve"] for job in listed(client, curve_points=12)}
    assert curves[queued] is None
    for job, count in zip(jobs, (1, 10, 300), strict=True):
        curve = curves[job]
        whole = client.get(f"/v1/jobs/{job}/curve?metrics=train_loss").json()["series"][0]
        assert curve["metric"] == "train_loss"
        assert len(curve["epochs"]) == min(count, len(curve["epochs"])) <= 12
        assert curve["epochs"][0] == 1
        assert curve["epochs"][-1] == count
        points = dict(zip(whole["epochs"], whole["values"], strict=True))
        assert curve["values"] == [points[epoch] for epoch in curve["epochs"]]
    assert [job["curve"] for job in listed(client)] == [None] * 4
    assert client.get("/v1/jobs?curve_points=3").status_code == 400


def test_a_page_with_curves_has_at_most_a_hundred_jobs(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("epochal_service.methods.jobs.MAX_CURVES", 2)
    jobs = [create(client) for _ in range(3)]
    first = client.get("/v1/jobs?curve_points=8&page_size=1000").json()
    assert [job["id"] for job in first["jobs"]] == jobs[:0:-1]
    token = first["next_page_token"]
    rest = client.get(f"/v1/jobs?curve_points=8&page_token={token}").json()
    assert [job["id"] for job in rest["jobs"]] == jobs[:1]
