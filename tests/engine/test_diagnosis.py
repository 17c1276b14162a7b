"""A run with a planted fault has its finding first, with a remedy that helps; a healthy run has no
finding.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from benchmarks._faults import BASES, FAMILIES, Base, Case, Family, dense, mlp, spec, table
from benchmarks._other_faults import OTHER_BASES, OTHER_FAMILIES
from benchmarks.diagnosis import Row, built_from, run, trained
from tests.selection import one_in

import epochal_engine as engine
from epochal_engine.insight.diagnosis import TrialResults, difference, merged
from epochal_engine.insight.diagnosis.finding import Findings

BY_NAME = {base.name: base for base in BASES}


def planted(family: Family, bases: list[Base]) -> list[Case]:
    """Return the first three bases to which the fault can be done."""
    cases = []
    for base in bases:
        result = family.plant(base.dataset(0), base.copy(), np.random.default_rng(3))
        if result is not None:
            data, changed = result
            cases.append(Case(family.name, base.name, data, changed, family.accepted, base.is_test))
    return cases[:3]


def findings(base: Base, changed: dict[str, Any] | None = None, **options: Any) -> Findings:
    """Train a spec on the data of a base, and diagnose the run."""
    case = Case("", base.name, base.dataset(0), changed or base.copy(), (), False)
    job_spec, build = built_from(case)
    columns, gradients, weights, diverged = trained(build(job_spec))
    # By default the time of this thread, so that no test depends on the machine's other work.
    options = {"clock": time.thread_time, **options}
    return engine.diagnose(
        job_spec, build, weights, columns, gradients, diverged=diverged, **options
    )


@pytest.mark.long
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_planted_fault_is_named_first_and_its_remedy_helps(family: Family) -> None:
    """On all of the first bases but one: `make check-diagnosis` counts over all bases and seeds."""
    check(planted(family, BASES))


@pytest.mark.parametrize("family", one_in(4, OTHER_FAMILIES), ids=lambda family: family.name)
def test_a_fault_in_data_of_another_kind_is_named_first_and_its_remedy_helps(
    family: Family,
) -> None:
    check(planted(family, [base for base in OTHER_BASES if not base.is_test]))


def check(cases: list[Case]) -> None:
    """Assert that the faults of all cases but one are named first, with remedies that help."""
    needed = len(cases) - (len(cases) > 1)
    rows: list[Row] = []
    for case in cases:
        rows.append(run(case))
        named = sum(row.is_named for row in rows)
        helped = sum(row.helped or not row.remedy for row in rows)
        if min(named, helped) >= needed:  # whatever the last case gives
            return
    pytest.fail(f"{named} named, {helped} helped: {rows}")


@pytest.mark.parametrize("base", BASES[::2], ids=lambda base: base.name)
def test_a_healthy_run_has_no_finding(base: Base) -> None:
    row: Row = run(Case("", base.name, base.dataset(0), base.copy(), (), False))
    assert row.kinds == ()


@pytest.mark.parametrize("wrong", [0.0, 0.05])
def test_targets_of_a_steep_function_are_not_wrong_unless_they_are(wrong: float) -> None:
    """Where the function is steep and samples are rare, neighbors differ without any noise."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(400, 2))
    targets = np.exp(inputs[:, :1])
    targets[rng.random(400) < wrong] += 30.0
    base = Base(
        "steep",
        lambda _: table("steep", "regression", inputs, targets),
        spec("steep", mlp(2, [32, 32], "tanh", 1, "linear"), "mse", 0.01, 40),
        False,
    )
    kinds = [finding.kind for finding in findings(base).findings]
    assert ("label_noise" in kinds) == (wrong > 0.0)


def observed(inputs: Any, targets: Any, task: str = "regression") -> list[str]:
    """Train a small network on all rows, and return the kinds of findings without any trial."""
    outputs = mlp(inputs.shape[1], [8], "tanh", 1, "linear" if task == "regression" else "sigmoid")
    loss = "mse" if task == "regression" else "binary_cross_entropy"
    base = Base(
        "rows",
        lambda _: table("rows", task, inputs, targets),
        spec("rows", outputs, loss, 0.01, 5),
        False,
    )
    return [finding.kind for finding in findings(base, seconds=0.0).findings]


def with_noise(*columns: Any) -> Any:
    """Return columns, and two that say nothing."""
    rows = len(columns[0])
    return np.column_stack([*columns, np.random.default_rng(1).normal(size=(rows, 2))])


def test_a_lag_is_an_input_and_not_leakage() -> None:
    """New samples have it, however much it explains: here 99.6 %."""
    series = np.sin(2 * np.pi * np.arange(401) / 100.3)
    assert np.corrcoef(series[:-1], series[1:])[0, 1] ** 2 > 0.995
    assert "leakage" not in observed(with_noise(series[:-1]), series[1:, None])


def test_the_lag_of_a_slow_measurement_in_coarse_steps_is_not_leakage() -> None:
    steps = np.random.default_rng(0).choice([-0.1, 0.0, 0.1], size=401)
    series = np.round(np.cumsum(steps), 1)
    assert np.abs(np.diff(series)).max() < 0.11
    assert "leakage" not in observed(with_noise(series[:-1]), series[1:, None])


def test_a_class_that_hardly_changes_is_not_leaked_by_the_one_before() -> None:
    classes = np.arange(401) // 100 % 2
    assert "leakage" not in observed(with_noise(classes[:-1]), classes[1:], "binary")


@pytest.mark.parametrize(
    "copy",
    [lambda y: -2.5 * y + 7.0, lambda y: np.round(y, 1), np.log10, np.exp],
    ids=["scaled", "rounded", "logarithm", "exponential"],
)
def test_a_column_that_is_the_target_up_to_scale_and_rounding_is_leakage(copy: Any) -> None:
    y = np.random.default_rng(0).uniform(1.0, 5.0, size=400)
    assert "leakage" in observed(with_noise(copy(y)), y[:, None])


def test_rows_that_each_occur_four_times_are_leakage() -> None:
    rng = np.random.default_rng(0)
    inputs = np.repeat(rng.normal(size=(100, 3)), 4, axis=0)
    assert "leakage" in observed(inputs, inputs[:, :1] + inputs[:, 1:2])


def test_rows_that_repeat_by_chance_are_no_leakage() -> None:
    """8 votes make 256 rows, some far more frequent than others; a truth table has 4."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 2
    votes = rng.random((300, 8)) < np.where(labels[:, None] == 1, 0.8, 0.2)
    assert "leakage" not in observed(votes * 1.0, labels, "binary")
    wrong = np.where(rng.random(300) < 0.3, 1 - labels, labels)
    # Votes that depend on each other repeat more often, but not with the same label.
    assert "leakage" not in observed(np.hstack([votes, votes]) * 1.0, wrong, "binary")
    truth = np.tile([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], (50, 1))
    assert "leakage" not in observed(truth, np.tile([0, 1, 1, 0], 50), "binary")


def test_a_trial_as_long_as_the_job_has_the_losses_of_the_job() -> None:
    changed = BY_NAME["two_moons"].copy()
    changed["optimizer"] = {"type": "adam", "learning_rate": 3e-5}
    diagnosis = findings(BY_NAME["two_moons"], changed, seconds=10.0)
    finding = diagnosis.findings[0]
    assert finding.kind == "learning_rate_too_low"
    assert finding.trial is not None
    case = Case("", "two_moons", BY_NAME["two_moons"].dataset(0), changed, (), False)
    job_spec, build = built_from(case)
    assert finding.trial.epochs == job_spec["epochs"]
    assert finding.patch is not None
    for patched, loss in (
        (job_spec, finding.trial.without_remedy),
        (merged(job_spec, finding.patch), finding.trial.with_remedy),
    ):
        columns = trained(build(patched))[0]
        assert loss == pytest.approx(columns["validation_loss"][-6:].mean(), rel=1e-12)


def test_a_rate_that_is_lower_by_orders_of_magnitude_has_the_usual_one_as_its_remedy() -> None:
    changed = BY_NAME["two_moons"].copy()
    changed["optimizer"] = {"type": "adam", "learning_rate": 1e-9}
    finding = findings(BY_NAME["two_moons"], changed, seconds=10.0).findings[0]
    assert finding.kind == "learning_rate_too_low"
    assert finding.patch == {"optimizer": {"learning_rate": 0.001}}


def test_a_changed_loss_is_compared_in_the_loss_of_the_job() -> None:
    changed = BY_NAME["pairs"].copy()
    changed["loss"] = "mse"
    changed["network"]["layers"][-1]["activation"] = "linear"
    finding = findings(BY_NAME["pairs"], changed).findings[0]
    assert finding.kind == "wrong_loss"
    assert finding.patch is not None
    assert finding.patch["loss"] == "binary_cross_entropy"
    assert finding.patch["network"]["layers"][-1]["activation"] == "sigmoid"
    # The squared error of predicting 0.5 is a quarter; the cross-entropy is 0.69.
    assert finding.trial is not None
    assert finding.trial.without_remedy is not None
    assert finding.trial.with_remedy < finding.trial.without_remedy < 0.25


def test_what_cannot_be_tried_is_counted_and_only_what_is_certain_remains() -> None:
    base = BY_NAME["sine"]
    changed = base.copy()
    changed["network"]["layers"][-1]["activation"] = "sigmoid"
    diagnosis = findings(base, changed, seconds=0.0)
    assert [finding.kind for finding in diagnosis.findings] == ["output_activation"]
    assert diagnosis.findings[0].patch is None
    assert diagnosis.findings[0].trial is None
    assert diagnosis.skipped_trials > 0


def test_time_that_a_busy_machine_takes_counts() -> None:
    base = BY_NAME["sine"]
    changed = base.copy()
    changed["network"]["layers"][-1]["activation"] = "sigmoid"
    case = Case("", base.name, base.dataset(0), changed, (), False)
    job_spec, build = built_from(case)
    columns, gradients, weights, _ = trained(build(job_spec))

    def build_on_a_busy_machine(spec: dict[str, Any]) -> Any:
        time.sleep(0.2)  # the processor does something else
        return build(spec)

    def diagnosis(**options: Any) -> Findings:
        build = build_on_a_busy_machine
        return engine.diagnose(job_spec, build, weights, columns, gradients, seconds=1.0, **options)

    assert diagnosis(clock=time.thread_time).skipped_trials == 0
    assert diagnosis().skipped_trials > 0


class Clock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.long
def test_a_later_diagnosis_goes_on_with_the_trials_that_are_missing() -> None:
    base = BY_NAME["sine"]
    changed = base.copy()
    changed["network"]["layers"][-1]["activation"] = "sigmoid"
    changed["optimizer"] = {"type": "sgd", "learning_rate": 1e-4}
    job_spec, build = built_from(Case("", base.name, base.dataset(0), changed, (), False))
    columns, gradients, weights, _ = trained(build(job_spec))
    clock, results = Clock(), TrialResults()

    def slow_build(spec: dict[str, Any]) -> Any:
        clock.now += 0.8
        return build(spec)

    def diagnosis(build: Any, **options: Any) -> Findings:
        return engine.diagnose(job_spec, build, weights, columns, gradients, clock=clock, **options)

    parts = [diagnosis(slow_build, results=results)]
    assert parts[0].skipped_trials > 0
    while parts[-1].skipped_trials > 0:
        before = results.progress
        parts.append(diagnosis(slow_build, results=results))
        assert results.progress > before
    assert len(parts) > 2
    assert parts[-1] == diagnosis(build)


def test_a_trial_that_takes_too_long_twice_is_given_up() -> None:
    base = BY_NAME["sine"]
    changed = base.copy()
    changed["network"]["layers"][-1]["activation"] = "sigmoid"
    job_spec, build = built_from(Case("", base.name, base.dataset(0), changed, (), False))
    columns, gradients, weights, _ = trained(build(job_spec))
    results, clock = TrialResults(), Clock()

    def crawling() -> float:
        clock.now += 1.0
        return clock.now

    def progress() -> int:
        findings = engine.diagnose(
            job_spec, build, weights, columns, gradients, clock=crawling, seconds=3.0,
            results=results,
        )  # fmt: skip
        assert findings.skipped_trials > 0
        return results.progress

    assert [progress() for _ in range(4)] == [1, 2, 2, 2]


def test_two_faults_have_a_patch_that_cures_both() -> None:
    base = BY_NAME["sine"]
    changed = base.copy()
    changed["network"]["layers"][-1]["activation"] = "sigmoid"
    changed["optimizer"] = {"type": "sgd", "learning_rate": 1e-4}
    diagnosis = findings(base, changed)
    assert len(diagnosis.findings) >= 2
    assert diagnosis.patch is not None
    assert diagnosis.trial is not None
    for finding in diagnosis.findings:
        if finding.trial is not None:
            assert diagnosis.trial.with_remedy < finding.trial.with_remedy


@pytest.mark.long
def test_a_layer_that_no_gradient_reaches_is_named_and_not_a_later_one() -> None:
    base = BY_NAME["two_moons"]
    changed = base.copy()
    changed["network"]["layers"] = [*(dense(16, "sigmoid") for _ in range(12)), dense(1, "sigmoid")]
    finding = findings(base, changed).findings[0]
    assert finding.kind == "vanishing_gradients"
    assert finding.layer in [f"dense_{k}" for k in range(1, 13)]
    assert finding.patch is not None
    layers = finding.patch["network"]["layers"]
    assert {layer["activation"] for layer in layers[:-1]} < {"relu", "tanh"}
    assert layers[-1]["activation"] == "sigmoid"


def test_a_feature_is_called_by_its_name() -> None:
    base = BY_NAME["wine"]
    changed = base.copy()
    changed["dataset"]["scaling"] = "none"
    first = findings(base, changed, feature_names=base.dataset(0).feature_names).findings[0]
    assert first.kind == "unscaled_inputs"
    assert first.message.startswith("Input feature proline has a root mean square of ")


def test_a_run_that_became_non_finite_at_once_can_still_be_diagnosed() -> None:
    base = BY_NAME["sine"]
    changed = spec("sine", mlp(1, [4], "relu", 1, "linear"), "mse", 0.01, 5)
    changed["optimizer"] = {"type": "sgd", "learning_rate": 1e12}
    diagnosis = findings(base, changed)
    assert diagnosis.findings[0].kind == "learning_rate_too_high"
    assert diagnosis.findings[0].trial is not None
    assert diagnosis.findings[0].trial.without_remedy is None


def test_the_difference_of_two_specs_is_the_patch_between_them() -> None:
    before = {"a": 1, "b": {"c": 2, "d": [1]}, "e": 5}
    after = {"a": 1, "b": {"c": 3, "d": [1, 2]}}
    patch = difference(before, after)
    assert patch == {"b": {"c": 3, "d": [1, 2]}, "e": None}
    assert merged(before, patch) == after


def fraud() -> Base:
    return next(base for base in OTHER_BASES if base.name == "fraud")


def test_a_network_that_learns_nothing_is_not_blamed_on_its_rare_class() -> None:
    """It neglects the rare class because noise hides it; without the noise it finds nearly all."""
    changed = fraud().copy()
    changed["augmentation"] = [{"type": "noise", "standard_deviation": 4.0}]
    diagnosis = findings(fraud(), changed)
    assert [finding.kind for finding in diagnosis.findings] == ["strong_augmentation"]
    assert "standard deviation 4 to inputs of root mean square 1" in diagnosis.findings[0].message
    assert diagnosis.findings[0].patch == {"augmentation": []}


def test_a_rare_class_is_neglected_where_the_answer_is_nearly_always_no() -> None:
    """A share of 15 % is not rare if the network finds it."""
    family = next(family for family in OTHER_FAMILIES if family.name == "rare_answers")
    assert run(planted(family, OTHER_BASES)[0]).kinds[0] == "class_imbalance"
    assert not run(Case("", "fraud", fraud().dataset(0), fraud().copy(), (), False)).kinds


@pytest.mark.parametrize("name", ["digits", "two_moons"])
def test_a_larger_network_that_learns_faster_does_not_prove_that_this_one_is_too_small(
    name: str,
) -> None:
    """The same layers reach a lower loss, too, when they are trained well."""
    base = BY_NAME[name]
    changed = base.copy()
    if name == "digits":
        changed["optimizer"] = {"type": "sgd", "learning_rate": 0.03}
    else:
        changed["network"]["layers"].insert(-1, {"type": "dropout", "rate": 0.8})
    kinds = [finding.kind for finding in findings(base, changed).findings]
    assert "underfitting" not in kinds


def test_a_remedy_that_does_not_reach_a_constant_says_so() -> None:
    """Targets that nothing explains: any network is worse than their mean."""
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(200, 3)), rng.normal(size=(200, 1))
    base = Base(
        "nothing",
        lambda _: table("nothing", "regression", inputs, targets),
        spec("nothing", mlp(3, [32, 32], "tanh", 1, "linear"), "mse", 0.7, 40),
        False,
    )
    treated = [f for f in findings(base).findings if f.trial is not None]
    assert treated
    for finding in treated:
        assert finding.trial is not None
        assert finding.suggestion is not None
        is_bad = finding.trial.with_remedy >= 1.0
        assert ("no better than that of a constant" in finding.suggestion) == is_bad


def test_accuracy_that_is_above_chance_is_not_called_nothing() -> None:
    """With large steps, a network is too sure of its wrong answers."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 3))
    labels = (inputs[:, 0] + 0.5 * rng.normal(size=300) > 0).astype(np.int64)
    changed = spec("sure", mlp(3, [], "relu", 1, "sigmoid"), "binary_cross_entropy", 1.0, 5)
    changed["optimizer"] = {"type": "adam", "learning_rate": 30.0}
    base = Base("sure", lambda _: table("sure", "binary", inputs, labels), changed, False)
    [finding] = [f for f in findings(base, seconds=0.0).findings if f.kind == "worse_than_constant"]
    assert "the network is too sure of its wrong answers" in finding.message


def test_a_run_that_restores_a_better_epoch_is_not_worse_than_a_constant() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(120, 10))
    labels = (inputs[:, 0] + 0.7 * rng.normal(size=120) > 0).astype(np.int64)
    network = mlp(10, [64], "relu", 1, "sigmoid")
    kinds = []
    for stopping in (None, {"patience": 150}):
        changed = spec("sure", network, "binary_cross_entropy", 0.02, 200)
        changed["early_stopping"] = stopping
        base = Base("sure", lambda _: table("sure", "binary", inputs, labels), changed, False)
        kinds.append({finding.kind for finding in findings(base, seconds=0.0).findings})
    assert kinds[0] - kinds[1] == {"worse_than_constant"}
