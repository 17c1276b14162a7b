"""A run with a problem gets a finding, which names the change to try next."""

import pytest
from tests.client.material import MOONS

import epochal
from epochal.record_methods import merge_patch

DEEP = {
    **MOONS,
    "network": epochal.network(
        [2],
        [*[epochal.dense(16, "sigmoid") for _ in range(12)], epochal.dense(1, "sigmoid")],
    ),
    "epochs": 20,
}


def test_a_finding_can_be_applied_to_the_spec_and_the_new_job_is_cured(
    client: epochal.Client,
) -> None:
    job = client.jobs.create(DEEP).wait(60, check=True)
    diagnosis = job.diagnosis()
    assert diagnosis.epoch == 20
    finding = diagnosis.findings[0]
    assert finding.kind == "vanishing_gradients"
    assert finding.layer in {f"dense_{k}" for k in range(1, 13)}
    assert finding.trial is not None
    assert finding.trial.without_remedy is not None
    assert finding.trial.with_remedy < finding.trial.without_remedy
    assert str(finding.trial).startswith(f"{finding.trial.metric.split('_')[0]}")
    changed = finding.apply_to(job.spec)
    assert changed["name"].startswith("two_moons, ")
    cured = client.jobs.create(changed).wait(60, check=True)
    assert cured.latest is not None
    assert job.latest is not None
    assert cured.latest.train_loss < job.latest.train_loss
    assert "vanishing_gradients" not in {f.kind for f in cured.diagnosis().findings}


def test_a_diagnosis_may_be_asked_for_again(client: epochal.Client) -> None:
    job = client.jobs.create(MOONS).wait(60, check=True)
    first = job.diagnosis()
    assert first.findings == job.diagnosis().findings == ()
    assert first.skipped_trials == 0


def test_a_finding_without_a_change_cannot_be_applied() -> None:
    finding = epochal.Finding("leakage", None, "Rows are repeated.", None, None, None)
    with pytest.raises(epochal.EpochalError, match="no change to apply"):
        finding.apply_to({"dataset": {"name": "iris"}})


def test_the_presets_are_healthy(client: epochal.Client) -> None:
    for name in ("xor", "moons", "digits"):
        job = client.jobs.create(client.preset(name)).wait(60, check=True)
        diagnosis = job.diagnosis()
        assert diagnosis.findings == ()
        assert diagnosis.label is not None
        assert diagnosis.label.name == "good"


def test_a_diverged_run_has_a_finding_with_a_lower_rate(
    client: epochal.Client,
) -> None:
    spec = {
        "network": epochal.network([2], [epochal.dense(1)]),
        "dataset": {"name": "plane"},
        "loss": "mse",
        "epochs": 50,
        "optimizer": {"type": "sgd", "learning_rate": 100.0},
    }
    job = client.jobs.create(spec).wait(60)
    findings = {finding.kind: finding for finding in job.diagnosis().findings}
    finding = findings["learning_rate_too_high"]
    assert finding.patch is not None
    assert finding.patch["optimizer"]["learning_rate"] < 100.0
    assert finding.trial is not None
    assert finding.trial.without_remedy is None


def test_a_merge_patch_merges_objects_replaces_the_rest_and_takes_away() -> None:
    target = {"a": {"b": 1, "c": 2}, "d": [1, 2], "e": 3}
    assert merge_patch(target, {"a": {"b": 5}, "d": [9], "e": None, "f": {"g": 1}}) == {
        "a": {"b": 5, "c": 2},
        "d": [9],
        "f": {"g": 1},
    }
