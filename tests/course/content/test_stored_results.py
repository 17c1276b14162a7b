"""The stored results of preset experiments belong to their present specs."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.workers.in_process import service_at

from epochal_course.content import stored_results
from epochal_course.content.exhibits import CALLS as CALLS_OF
from epochal_course.content.exhibits import exhibits
from epochal_course.content.history import PRESET_EXPERIMENTS, preset_experiment
from epochal_service.apis import methods
from epochal_service.methods import experiments
from epochal_service.specs.experiments import CreateExperimentOptions

NAMES = [preset.name for preset in PRESET_EXPERIMENTS]
STORED = sorted(file.stem for file in Path(stored_results.__file__).with_name("results").iterdir())
CALLS = [
    pytest.param(name, call, id=f"{name} {exhibit.title} {index}")
    for name, pictures in exhibits().items()
    for exhibit in pictures
    for index, call in enumerate(exhibit.calls)
]
LARGEST = 150_000
"""Bytes of a reply, compressed; the page loads it when its place comes near."""


def test_the_results_of_every_preset_are_stored() -> None:
    assert {*NAMES} == {*STORED}, "run: make history ARGS=--stale"


@pytest.mark.parametrize("name", STORED)
def test_stored_results_are_those_of_the_present_spec_and_meet_all_claims(
    name: str, client: TestClient
) -> None:
    reply = client.get(f"/course/v1/preset-experiments/{name}/results").json()
    assert reply["experiment"] is not None, f'run: make history ARGS="--only {name}"'
    assert reply["experiment"]["state"] == "succeeded"
    preset = preset_experiment(name)
    assert [claim["text"] for claim in reply["experiment"]["claims"]] == [
        claim.text for claim in preset.spec.claims
    ]
    assert {claim["met"] for claim in reply["experiment"]["claims"]} == {len(preset.spec.seeds)}
    assert {curve["job"] for curve in reply["curves"]} == {*preset.spec.jobs}
    for exhibit in reply["exhibits"]:
        assert all(json.loads(call["reply"]) for call in exhibit["calls"])
    assert len(gzip.compress(json.dumps(reply).encode())) < LARGEST


@pytest.mark.parametrize("change", ["spec", "exhibits"])
def test_results_of_another_spec_are_not_returned(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = preset_experiment("xor-1969")
    if change == "spec":
        spec = preset.spec.model_copy(update={"seeds": [5]})
        preset = preset.model_copy(update={"spec": spec})
    else:
        monkeypatch.setitem(exhibits(), preset.name, exhibits()[preset.name][:1])
    reply = stored_results.results_of(preset)
    assert reply.experiment is None
    assert reply.curves == []
    assert reply.exhibits
    assert not any(call.reply for exhibit in reply.exhibits for call in exhibit.calls)


def test_every_file_belongs_to_a_preset() -> None:
    assert {*STORED} <= {*NAMES}
    assert exhibits().keys() <= {*NAMES}


def test_every_picture_with_requests_has_a_text() -> None:
    assert {name: len(pictures) for name, pictures in exhibits().items()} == {
        name: len(pictures) for name, pictures in CALLS_OF.items()
    }


@pytest.mark.parametrize(("name", "call"), CALLS)
def test_the_requests_of_exhibits_are_those_of_methods(name: str, call: Any) -> None:
    method = next(m for m in methods().values() if m.http == f"{call.method} {call.path}")
    if model := method.body or method.query:
        model.model_validate_json(call.request)
    else:
        assert call.request == "{}"
    assert call.job in preset_experiment(name).spec.jobs


def test_the_stored_numbers_are_those_of_a_run_today(valkey_server: str, tmp_path: Path) -> None:
    preset = preset_experiment("xor-1969")
    with service_at(f"sqlite:///{tmp_path}/one.db", valkey_server, tmp_path) as service:
        made = experiments.create_experiment(
            service.context, preset.spec, CreateExperimentOptions()
        )
        for job in made.jobs:
            assert service.run(job.id) == "succeeded"
        ended = experiments.get_experiment(service.context, made.id)
    stored = stored_results.results_of(preset).experiment
    assert stored is not None
    for claim, before in zip(ended.claims, stored.claims, strict=True):
        assert [run.value for run in claim.runs] == [
            pytest.approx(run.value, rel=1e-4) for run in before.runs
        ]
    assert [(job.job, job.seed, job.epoch) for job in ended.jobs] == [
        (job.job, job.seed, job.epoch) for job in stored.jobs
    ]
