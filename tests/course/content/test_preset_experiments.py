"""Preset experiments: their claims hold for all their seeds."""

import pytest
from starlette.testclient import TestClient
from tests.workers.in_process import service_at

from epochal_course.content.history import PRESET_EXPERIMENTS
from epochal_course.content.sections import sections
from epochal_service.methods import experiments
from epochal_service.specs.experiments import CreateExperimentOptions, Experiment

NAMES = [preset.name for preset in PRESET_EXPERIMENTS]
FAST = [preset.name for preset in PRESET_EXPERIMENTS if preset.expected_seconds < 5]


def test_every_preset_experiment_has_a_unique_name_a_section_and_five_seeds(
    client: TestClient,
) -> None:
    ready = client.get("/course/v1/preset-experiments").json()["experiments"]
    assert [preset["name"] for preset in ready] == NAMES
    assert len({*NAMES}) == len(NAMES)
    assert {preset["section"] for preset in ready} <= {section.id for section in sections()}
    assert {len(preset["spec"]["seeds"]) for preset in ready} == {5}
    assert [preset["year"] for preset in ready] == sorted(preset["year"] for preset in ready)


def test_a_preset_experiment_that_is_not_there_is_not_found(client: TestClient) -> None:
    reply = client.get("/course/v1/preset-experiments/none")
    assert (reply.status_code, reply.json()["reason"]) == (404, "not_found")


def trained(name: str, url: str, broker_url: str, folder: object) -> Experiment:
    preset = next(preset for preset in PRESET_EXPERIMENTS if preset.name == name)
    with service_at(url, broker_url, folder) as service:  # type: ignore[arg-type]
        made = experiments.create_experiment(
            service.context, preset.spec, CreateExperimentOptions()
        )
        for job in made.jobs:
            assert service.run(job.id) == "succeeded"
        return experiments.get_experiment(service.context, made.id)


@pytest.mark.long
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in FAST else pytest.mark.presets) for n in NAMES]
)
def test_all_claims_are_met_with_every_seed(
    name: str, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("experiment")
    ended = trained(name, f"sqlite:///{folder}/one.db", valkey_server, folder)
    assert ended.state == "succeeded"
    assert {claim.text: claim.met for claim in ended.claims} == {
        claim.text: 5 for claim in ended.claims
    }
    assert {claim.outcome for claim in ended.claims} == {"met"}
