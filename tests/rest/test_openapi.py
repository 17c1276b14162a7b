"""The description of the API: fresh, complete, and true."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.testclient import TestClient
from tests.documents import openapi_document
from tests.rest.conftest import XOR
from tests.rest.test_generation import SENTENCES, Train, made

from epochal_course.api import COURSE
from epochal_course.content.presets import presets
from epochal_service.apis import methods
from epochal_service.methods.table import TRAINING
from epochal_service.rest import openapi
from epochal_service.rest.app import create_app
from epochal_service.settings import Settings
from epochal_service.store import Database, members
from epochal_service.store.migrate import upgrade

ROOT = Path(__file__).parents[2]

OUTSIDE_THE_API = {
    *("GET /healthz", "GET /readyz", "GET /metrics"),
    *(f"GET /v1/jobs/{{id}}/{file}" for file in ("epochs.csv", "curve.csv")),
}


@pytest.fixture(scope="module")
def training() -> dict[str, Any]:
    return openapi_document(TRAINING)


@pytest.fixture(scope="module")
def course() -> dict[str, Any]:
    return openapi_document(COURSE)


@pytest.fixture(params=["training", "course"])
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    described: dict[str, Any] = request.getfixturevalue(request.param)
    return described


def test_an_api_is_described_by_one_thread_at_a_time(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads that described an API at once changed its models for each other."""
    monkeypatch.setattr(openapi, "describe", lambda _: {"held": openapi.DESCRIBING.locked()})
    assert client.get("/openapi.json").json() == {"held": True}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            yield f"{verb.upper()} {path}", operation


@pytest.mark.long
def test_a_description_is_written_only_where_it_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In another process sets have another order.
    subprocess.run([sys.executable, "-m", openapi.__name__, tmp_path], check=True)
    paths = [tmp_path / "openapi.json", tmp_path / "course.openapi.json"]
    before = [(path.read_text(), path.stat().st_mtime_ns) for path in paths]
    assert all(json.loads(text)["openapi"].startswith("3.1") for text, _ in before)
    monkeypatch.setattr(sys, "argv", ["openapi", str(tmp_path)])
    paths[1].write_text("{}")
    openapi.main()
    assert paths[0].stat().st_mtime_ns == before[0][1]
    assert [path.read_text() for path in paths] == [text for text, _ in before]


def test_an_api_is_described_after_its_content_was_loaded() -> None:
    presets()  # models of the content are replies with more checks
    assert openapi.describe(COURSE)["paths"].keys() == openapi_document(COURSE)["paths"].keys()


def test_every_method_is_in_one_document(training: dict[str, Any], course: dict[str, Any]) -> None:
    names = [name for document in (training, course) for name, _ in operations(document)]
    assert sorted(names) == sorted(
        [method.http for method in methods().values()] + [*OUTSIDE_THE_API]
    )
    assert {name.split()[1].split("/v1/")[0] for name, _ in operations(course)} == {"/course"}


def test_a_service_without_the_course_has_the_training_api_alone(tmp_path: Path) -> None:
    alone = Settings(
        _env_file=None, data_dir=tmp_path, broker_url="redis://127.0.0.1:1", course=False
    )
    upgrade(alone.database_url)
    with TestClient(create_app(alone)) as client:
        assert client.get("/v1/jobs").status_code == 200
        for path in ("/course/v1/presets", "/course/openapi.json"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert "EPOCHAL_COURSE=off" in answer.json()["detail"]
        assert client.get("/", follow_redirects=False).headers["location"] == "/lab"


@pytest.mark.long
def test_a_process_without_the_course_imports_nothing_of_it() -> None:
    program = (
        "import sys\n"
        "from epochal_service.daemon import server\n"
        "from epochal_service.rest.app import create_app\n"
        "from epochal_service.settings import Settings\n"
        "create_app(Settings(_env_file=None, course=False))\n"
        "print([name for name in sys.modules if name.startswith('epochal_course')])\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


def test_every_method_says_what_it_does_and_how_it_fails(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        problem = operation["responses"]["default"]["content"]
        assert list(problem) == ["application/problem+json"], name


def test_every_schema_and_every_field_says_what_it_means(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    silent = [name for name, schema in schemas.items() if not schema.get("description")]
    silent += [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, about in schema.get("properties", {}).items()
        if not about.get("description")
    ]
    assert silent == []


def test_a_description_is_a_sentence_that_says_more_than_the_name(
    document: dict[str, Any],
) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, about in schema.get("properties", {}).items():
            description = about["description"]
            assert description.rstrip().endswith((".", "?", "…")), (name, field, description)
            words = set(re.findall(r"[a-z0-9]+", description.lower()))
            assert words - {"the", "a", "of", *field.split("_")}, (name, field, description)


def test_every_parameter_says_what_it_means_and_every_body_has_an_example(
    document: dict[str, Any],
) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (name, parameter["name"])
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]
            if set(content) != {"application/octet-stream"}:
                assert content["application/json"]["examples"], name
            assert {"400", "413", "415"} <= set(operation["responses"]), name
        if "/v1/" in name:
            assert "400" in operation["responses"], name
        if "{id}" in name:
            assert "404" in operation["responses"], name


def test_an_answer_is_described_and_a_problem_looks_like_one_of_its_status(
    document: dict[str, Any],
) -> None:
    examples = document["components"]["examples"]
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            assert response["description"] != "Successful Response", (name, status)
            shown = response.get("content", {}).get("application/problem+json")
            if shown is not None:
                place = shown["examples"]["problem"]["$ref"].rpartition("/")[2]
                problem = examples[place]["value"]
                assert problem["status"] == (503 if status == "default" else int(status)), name
                assert problem["title"] == examples[place]["summary"]


def test_every_operation_has_a_short_name_of_its_own(training: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(training)]
    assert len(ids) == len(set(ids))
    assert "create_job" in ids


def test_fastapis_own_validation_error_is_nowhere(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in json.dumps(document)


def test_every_reference_leads_somewhere(training: dict[str, Any]) -> None:
    schemas = training["components"]["schemas"]
    names = re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(training))
    assert "TrainingSpec" in names
    assert set(names) <= set(schemas)


def test_every_schema_is_referred_to(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def test_nothing_that_is_sent_has_a_default(training: dict[str, Any]) -> None:
    """With one, openapi-typescript requires the field; openapi-python-client always sends it."""
    for schema in training["components"]["schemas"].values():
        for field in schema.get("properties", {}).values():
            assert not any("default" in part for part in (field, *field.get("anyOf", ())))
    for name, operation in operations(training):
        for parameter in operation.get("parameters", ()):
            assert "default" not in parameter["schema"], name
    fields = training["components"]["schemas"]["TrainingSpec"]["properties"]
    assert fields["batch_size"]["x-default"] == 32
    assert "x-default" not in fields["epochs"]


def test_a_request_and_a_reply_have_schemas_of_their_own(
    training: dict[str, Any], course: dict[str, Any]
) -> None:
    schemas = training["components"]["schemas"]
    (create,) = (about for name, about in operations(training) if name == "POST /v1/jobs")
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/TrainingSpec"}
    assert schemas["Job"]["properties"]["spec"]["$ref"].endswith("/TrainingSpecOutput")
    spec = schemas["TrainingSpecOutput"]
    assert set(spec["required"]) == set(spec["properties"])
    held = course["components"]["schemas"]["Preset"]["properties"]["spec"]
    assert held["$ref"].endswith("/TrainingSpec")
    assert not any(name.endswith(("-Input", "-Output")) for name in schemas)
    # openapi-python-client names a class by its title.
    assert all(schema["title"] == name for name, schema in schemas.items())


@pytest.mark.parametrize(
    ("schema", "change", "is_valid"),
    [
        ("CreateDatasetRequest", {"name": "a", "csv": "x,y"}, True),
        ("CreateDatasetRequest", {"name": "a", "generator": {"name": "xor"}}, True),
        ("CreateDatasetRequest", {"name": "a"}, False),
        ("CreateDatasetRequest", {"name": "a", "csv": "x", "generator": {"name": "xor"}}, False),
        ("CreateDatasetRequest", {"name": "a", "generator": {"name": "unknown"}}, False),
        ("SimulateTransformerCostRequest", {"parameters": 7}, True),
        ("SimulateTransformerCostRequest", {"parameters": 7, "model": "bert-base"}, False),
        ("TrainingSpec", {"loss": "huber", "loss_options": {"delta": 2.0}}, True),
        ("TrainingSpec", {"loss": "mse", "loss_options": {"delta": 2.0}}, False),
        ("TrainingSpec", {"loss": "mse", "loss_options": {}}, True),
        ("TrainingSpec", {"loss": "focal", "loss_options": {"delta": 2.0}}, False),
        ("TrainingSpec", {"loss": "mse", "labels": {"Week 3": "x"}}, False),
        ("ListSweeps page_token", "sweep_6612a76ead8fe_5c155054dfa79592", True),
        ("ListSweeps page_token", "net_6612a76ead8fe_5c155054dfa79592", False),
    ],
)
def test_a_schema_says_which_fields_belong_together(
    training: dict[str, Any], course: dict[str, Any], schema: str, change: Any, is_valid: bool
) -> None:
    document = course if schema.startswith("Simulate") else training
    described = {"$ref": f"#/components/schemas/{schema}"}
    if schema == "TrainingSpec":
        change = {**XOR, **change}
    if schema == "ListSweeps page_token":
        parameters = document["paths"]["/v1/sweeps"]["get"]["parameters"]
        (described,) = (p["schema"] for p in parameters if p["name"] == "page_token")
    validator = jsonschema_rs.validator_for({**described, "components": document["components"]})
    assert validator.is_valid(change) == is_valid


def test_the_description_names_server_security_and_license(training: dict[str, Any]) -> None:
    assert training["servers"][0]["url"] == "/"
    assert training["security"] == [{}, {"apiKey": []}]
    assert training["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"
    assert training["info"]["license"]["identifier"] == "MIT"


def test_links_lead_through_the_life_of_a_job(
    client: TestClient, trained: str, training: dict[str, Any]
) -> None:
    """Each method that a creating one links to is there, and takes the id."""
    by_id = {about["operationId"]: name for name, about in operations(training)}
    seen = set()
    for name, operation in operations(training):
        for status, response in operation["responses"].items():
            for link in response.get("links", {}).values():
                verb, path = by_id[link["operationId"]].split()
                assert set(re.findall(r"{(\w+)}", path)) == set(link["parameters"]), (name, status)
                seen.add(path)
                if name == "POST /v1/jobs" and verb == "GET" and not path.endswith("/events"):
                    answer = client.get(path.replace("{id}", trained))
                    assert answer.is_success, (path, answer.text)
    assert {"/v1/jobs/{id}", "/v1/jobs/{id}/predict", "/v1/jobs/{id}/events"} <= seen


def test_a_replys_number_may_be_a_string_that_says_what_it_is(training: dict[str, Any]) -> None:
    schemas = training["components"]["schemas"]
    assert schemas["EpochRow"]["properties"]["train_loss"]["$ref"].endswith("/Number")
    assert schemas["Number"]["anyOf"][1]["enum"] == ["NaN", "Infinity", "-Infinity"]
    assert schemas["CosineSpec"]["properties"]["final_fraction"]["type"] == "number"


def test_a_reply_has_all_its_fields_and_a_request_only_those_it_needs(
    training: dict[str, Any],
) -> None:
    schemas = training["components"]["schemas"]
    assert set(schemas["Job"]["required"]) == set(schemas["Job"]["properties"])
    assert set(schemas["TrainingSpec"]["required"]) == {"network", "dataset", "loss", "epochs"}


@pytest.fixture
def pupil(settings: Settings) -> None:
    """The caller without a key is in a class."""
    database = Database(settings.database_url)
    with database.write() as connection:
        members.insert(connection, "10b", ["local"])
    database.close()


@pytest.mark.usefixtures("pupil")
def test_every_example_is_accepted_unchanged(
    client: TestClient, train: Train, trained: str, training: dict[str, Any], course: dict[str, Any]
) -> None:
    accepted, ids = 0, {"sections": "neuron", "models": "exclusive-or"}
    writer = made(client, train, SENTENCES)
    for name, operation in [*operations(training), *operations(course)]:
        verb, path = name.split()
        body = operation.get("requestBody", {}).get("content", {})
        for example in body.get("application/json", {}).get("examples", {}).values():
            noun = path.partition("/v1/")[2].split("/")[0]
            job = writer if path.endswith(("/generate", "/attention")) else trained
            if path.endswith(("/changes", "/resume")):  # of a job that no worker trains
                job = client.post("/v1/jobs", json=XOR).json()["id"]
                client.post(f"/v1/jobs/{job}/pause")
            at = path.replace("{id}", ids.get(noun, job))
            content = example["value"]
            if noun == "models" and "job" in content:  # no document knows the id of a job
                content = content | {"job": job}
            if path.endswith("/proofs"):  # and none the seed of an exercise
                seed = client.get(f"/v1/exercises/{ids[noun]}").json()["seed"]
                spec = content["spec"] | {"seed": seed, "split": {"seed": seed}}
                content = content | {"spec": spec}
            answer = client.request(verb, at, json=content)
            assert answer.is_success, (name, answer.text)
            if name in ("POST /v1/sweeps", "POST /v1/exercises"):
                ids[noun] = answer.json()["id"]
            accepted += 1
        if "example" in body.get("text/csv", {}):
            headers = {"Content-Type": "text/csv"}
            table = body["text/csv"]["example"]
            assert client.request(verb, path, content=table, headers=headers).is_success
            accepted += 1
    # The CSV file is one more.
    assert accepted == 1 + sum(len(method.examples) for method in methods().values())


def test_a_parameter_that_a_method_does_not_have_is_refused(
    client: TestClient, document: dict[str, Any]
) -> None:
    for name, operation in operations(document):
        verb, path = name.split()
        types = list(operation.get("requestBody", {}).get("content", {"": None}))
        headers = {"Content-Type": types[0]} if types[0] else {}
        at = path.replace("{id}", "any").replace("{epoch}", "1")
        answer = client.request(verb, at, params={"surprise": "1"}, headers=headers, content="{}")
        assert answer.status_code == 400, (name, answer.text)
        error = {"field": "surprise", "description": "is not a field here"}
        assert error in answer.json()["errors"], (name, answer.text)


def test_a_parameter_is_left_out_and_never_null(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert '"null"' not in json.dumps(operation.get("parameters", [])), name
