"""The Kubernetes manifests: valid by their schemas, and in agreement with the program."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]

from epochal_service.__main__ import app
from epochal_service.jobs.figures import ServiceFigures
from epochal_service.settings import Settings, explain
from epochal_workers.app import SHUTDOWN_SECONDS

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
# Values of a Helm chart of others.
VALUES = "adapter.yaml"
# The oldest and the newest version that the manifests are for.
VERSIONS = ["1.30", "1.37"]

MANIFESTS: dict[tuple[str, str], dict[str, Any]] = {
    (manifest["kind"], manifest["metadata"]["name"]): manifest
    for file in sorted(FOLDER.glob("*.yaml"))
    if file.name != VALUES
    for manifest in yaml.safe_load_all(file.read_text())
}


def container(name: str, kind: str = "Deployment") -> dict[str, Any]:
    [only] = MANIFESTS[kind, name]["spec"]["template"]["spec"]["containers"]
    return dict(only)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_valid(name: tuple[str, str], version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


def test_a_manifest_with_a_mistake_is_refused() -> None:
    broken = MANIFESTS["Deployment", "epochal-api"] | {"spec": {"replicas": "two"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_pods_run_commands_of_the_program_with_settings_that_exist() -> None:
    commands = {c.callback.__name__ for c in app.registered_commands if c.callback is not None}
    known = {row.variable for row in explain(Settings(_env_file=None))}
    pods = [
        container("epochal-api"),
        container("epochal-worker"),
        container("epochal-migrate", "Job"),
    ]
    assert [pod["args"][0] for pod in pods] == ["api", "worker", "migrate"]
    assert {pod["args"][0] for pod in pods} <= commands
    named = {variable["name"] for pod in pods for variable in pod.get("env", [])}
    named |= {*MANIFESTS["ConfigMap", "epochal"]["data"]}
    named |= {*MANIFESTS["Secret", "epochal-database"]["stringData"]}
    assert named <= known
    for pod in pods:
        sources = [source for entry in pod["envFrom"] for source in entry.values()]
        assert {source["name"] for source in sources} == {"epochal", "epochal-database"}


def test_services_and_selectors_choose_pods_that_exist() -> None:
    labels = {
        name: manifest["spec"]["template"]["metadata"]["labels"]
        for (kind, name), manifest in MANIFESTS.items()
        if kind == "Deployment"
    }
    for name in ("epochal-api", "epochal-broker"):
        assert MANIFESTS["Service", name]["spec"]["selector"] == labels[name]
    assert (
        MANIFESTS["PodDisruptionBudget", "epochal-api"]["spec"]["selector"]["matchLabels"]
        == (labels["epochal-api"])
    )
    names = {port["name"] for port in container("epochal-api")["ports"]}
    assert {p["targetPort"] for p in MANIFESTS["Service", "epochal-api"]["spec"]["ports"]} == names


def test_workers_scale_on_a_metric_of_the_service_and_have_time_to_stop() -> None:
    scaler = MANIFESTS["HorizontalPodAutoscaler", "epochal-worker"]["spec"]
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) in MANIFESTS
    classes = set()
    for metric in scaler["metrics"]:
        chosen = metric["external"]["metric"]
        assert chosen["name"] == "epochal_queue_oldest_seconds"
        classes.add(chosen["selector"]["matchLabels"]["owner_class"])
    assert classes == {"small", "large"}
    assert "oldest_seconds" in ServiceFigures.__dataclass_fields__
    [rule] = yaml.safe_load((FOLDER / VALUES).read_text())["rules"]["external"]
    assert rule["seriesQuery"] == "epochal_queue_oldest_seconds"
    pod = MANIFESTS["Deployment", "epochal-worker"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > SHUTDOWN_SECONDS
