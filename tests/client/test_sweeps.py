"""A sweep through the client and the command line, on a real service."""

import json
import math
from typing import Any

import numpy as np
import pytest
import typer
from tests.client.material import MOONS, XOR
from tests.client.test_cli import Run, run

import epochal
from epochal.cli.sweeps import numbers, variants
from epochal.pictures.spark import spark

__all__ = ["run"]

SHORT = {**XOR, "epochs": 200}
RATES = [1e-6, 0.05, 1e9]


@pytest.fixture
def swept(client: epochal.Client) -> epochal.Sweep:
    """Three learning rates for XOR: one that does nothing, one that suits it, one far too high."""
    sweep = client.sweeps.create(SHORT, learning_rate=RATES, request_id="client-tests-sweep")
    return sweep.wait(60)


def test_a_sweep_is_created_waited_for_and_says_which_rate_suits(swept: epochal.Sweep) -> None:
    assert swept.id.startswith("sweep_")
    assert (swept.state, swept.stop_reason, swept.epoch) == ("succeeded", "completed", 200)
    assert [member.learning_rate for member in swept.members] == RATES
    labels = [member.label.name for member in swept.members if member.label is not None]
    assert labels[:2] == ["too_low", "good"]
    assert labels[2] in ("oscillating", "diverged")
    assert swept.best is not None
    assert swept.best.index == 1


def test_a_member_has_the_losses_of_the_job_that_it_would_be_alone(
    client: epochal.Client, swept: epochal.Sweep
) -> None:
    spec = swept.job_spec(1)
    assert spec["optimizer"]["learning_rate"] == 0.05
    job = client.jobs.create(spec).wait(60)
    alone = job.curve(["train_loss"])["train_loss"]
    together = swept.curves(max_points=1000)[1]
    assert together.epochs.tolist() == list(range(1, 201))
    np.testing.assert_allclose(together.values, alone, rtol=1e-3)


def test_a_member_that_begins_otherwise_is_the_job_that_it_would_be_alone(
    client: epochal.Client,
) -> None:
    deep = {**XOR, "network": {**XOR["network"], "layers": [*XOR["network"]["layers"]]}}
    inner = {"type": "dense", "units": 2, "activation": "tanh"}
    deep["network"]["layers"].insert(0, {"type": "residual", "layers": [inner]})
    sweep = client.sweeps.create(
        deep,
        [{}, {"initializer_gain": 4}, {"initializer": "orthogonal", "initializer_gain": 0.5}],
    ).wait(60)
    curves = sweep.curves(max_points=1000)
    firsts = [curves[index].values[0] for index in range(3)]
    assert len(set(firsts)) == 3
    for index in range(3):
        job = client.jobs.create(sweep.job_spec(index)).wait(60)
        alone = job.curve(["train_loss"])["train_loss"]
        np.testing.assert_allclose(curves[index].values, alone, rtol=1e-3)
    layers = sweep.job_spec(2)["network"]["layers"]
    assert layers[0]["layers"][0]["initializer"] == "orthogonal"
    assert layers[1]["initializer_gain"] == 0.5


def test_initial_weights_vary_only_where_a_layer_draws_some(client: epochal.Client) -> None:
    read = {
        "network": {
            "input_shape": [4],
            "layers": [
                {"type": "embedding", "vocabulary": 2, "units": 1},
                {"type": "flatten"},
                {"type": "layer_norm"},
                {"type": "slice", "start": 0, "stop": 1},
            ],
        },
        "dataset": {"inputs": [[0, 1, 0, 1], [1, 1, 0, 0]], "targets": [[0.0], [1.0]]},
        "loss": "mse",
        "epochs": 1,
    }
    with pytest.raises(epochal.InvalidArgument) as raised:
        client.sweeps.create(read, initializer=["zeros"])
    assert raised.value.errors[0].field == "variants[0].initializer"


def test_a_long_curve_comes_in_few_points_with_its_ends(swept: epochal.Sweep) -> None:
    curve = swept.curves(max_points=10)[1]
    assert 4 <= len(curve.epochs) <= 12
    assert (curve.epochs[0], curve.epochs[-1]) == (1, 200)
    assert swept.curves("validation_loss") == {}


def test_watching_a_sweep_begins_with_a_snapshot_and_ends(swept: epochal.Sweep) -> None:
    events = list(swept.watch())
    assert [event.type for event in events] == ["snapshot", "end"]
    snapshot = events[0]
    assert isinstance(snapshot, epochal.SweepSnapshotEvent)
    assert [curve.index for curve in snapshot.curves] == [0, 1, 2]
    replayed = list(swept.watch(after=0))
    epochs = [event for event in replayed if isinstance(event, epochal.SweepEpochsEvent)]
    assert epochs[-1].last_epoch == 200
    assert [member.index for member in epochs[0].members] == [0, 1, 2]
    assert replayed[-1].type == "end"


def test_sweeps_are_listed_without_members_and_not_among_jobs(
    client: epochal.Client, swept: epochal.Sweep
) -> None:
    listed = next(s for s in client.sweeps.list() if s.id == swept.id)
    assert listed.members == ()
    assert listed.refresh().members[1].index == 1
    assert swept.id not in {job.id for job in client.jobs.list()}
    with pytest.raises(epochal.NotFound, match=rf"is a sweep.*epochal train {swept.id}@MEMBER"):
        client.jobs.get(swept.id)


def test_a_member_becomes_a_job_with_weights(client: epochal.Client) -> None:
    spec = {**XOR, "epochs": 50, "dtype": "float64", "labels": {"made": "from-sweep"}}
    sweep = client.sweeps.create(spec, learning_rate=[1e-3, 0.05], seed=[3, 4])
    sweep = sweep.wait(60)
    job = sweep.create_job(0).wait(60, check=True)
    assert (job.spec["optimizer"]["learning_rate"], job.spec["seed"]) == (1e-3, 3)
    last = sweep.members[0].latest
    assert job.latest is not None
    assert last is not None
    assert job.latest.train_loss == pytest.approx(last.train_loss, rel=1e-9)
    assert job.verify().agrees
    best = sweep.create_job(epochs=10)
    assert sweep.best is not None
    assert best.spec["seed"] == sweep.spec["variants"][sweep.best.index]["seed"]
    assert best.total_epochs == 10


def test_a_sweep_without_a_finite_loss_has_no_best_member(client: epochal.Client) -> None:
    hot = {**SHORT, "loss": "mse", "optimizer": {"type": "sgd"}}
    hot["network"] = epochal.network([2], [epochal.dense(1)])
    sweep = client.sweeps.create(hot, learning_rate=[1e12]).wait(60)
    assert sweep.members[0].stop_reason == "diverged"
    with pytest.raises(epochal.EpochalError, match="choose one"):
        sweep.create_job()


def test_a_sweep_is_cancelled_and_deleted(client: epochal.Client) -> None:
    endless = {**MOONS, "epochs": 1_000_000, "batch_size": 1}
    sweep = client.sweeps.create(endless, learning_rate=[0.1, 0.2])
    for event in sweep.watch(timeout=60):
        if isinstance(event, epochal.SweepEpochsEvent):
            break
    with pytest.raises(epochal.Conflict):
        sweep.delete()
    assert sweep.cancel().wait(60).state == "cancelled"
    assert all(member.stop_reason is None for member in sweep.members)
    sweep.delete()
    with pytest.raises(epochal.NotFound):
        sweep.refresh()


def test_members_may_differ_in_several_numbers(client: epochal.Client) -> None:
    estimate = client.sweeps.validate(SHORT, [{"seed": 3, "beta_1": 0.5}], l2=[0.1])
    assert estimate.spec["variants"] == [{"seed": 3, "beta_1": 0.5}, {"l2": 0.1}]
    assert estimate.flops == 2 * client.jobs.validate(SHORT).flops


@pytest.mark.parametrize(
    ("variants", "field"),
    [
        ([{"momentum": 0.5}], "variants[0].momentum"),
        ([{"learning_rate": -1}], "variants[0].learning_rate"),
        ([], "variants"),
        ([{}] * 65, "variants"),
        ([{}, {"initializer": "ones"}], "variants[1].initializer"),
        ([{"initializer_gain": -1}], "variants[0].initializer_gain"),
    ],
)
def test_what_is_wrong_is_named(
    client: epochal.Client, variants: list[dict[str, Any]], field: str
) -> None:
    with pytest.raises(epochal.InvalidArgument) as raised:
        client.sweeps.create(SHORT, variants)
    assert raised.value.errors[0].field == field


def test_the_limits_name_the_largest_number_of_variants(client: epochal.Client) -> None:
    most = int(client.limits()["max_variants"])
    with pytest.raises(epochal.InvalidArgument) as raised:
        client.sweeps.create(XOR, seed=range(most + 1))
    assert raised.value.reason == "limit_exceeded"
    client.sweeps.validate(XOR, seed=range(most))


def test_what_is_wrong_with_the_job_is_named_within_it(client: epochal.Client) -> None:
    with pytest.raises(epochal.InvalidArgument) as raised:
        client.sweeps.create({**XOR, "loss": "cross_entropy"}, learning_rate=[0.1])
    assert {error.field.split(".")[0] for error in raised.value.errors} == {"job"}


def test_sequences_of_other_names_or_lengths_are_refused(client: epochal.Client) -> None:
    with pytest.raises(epochal.InvalidArgument, match="must be one of learning_rate"):
        client.sweeps.create(SHORT, epochs=[1, 2])  # type: ignore[call-arg]
    with pytest.raises(epochal.InvalidArgument, match="equal length"):
        client.sweeps.create(SHORT, learning_rate=[0.1], seed=[1, 2])


# -------------------------------------------------------------------------------- the command line


def test_numbers_are_a_range_at_equal_ratios_or_a_list() -> None:
    assert numbers("1e-2..1", 3) == [0.01, 0.1, 1.0]
    assert numbers("0.5,0.25,0", 32) == [0.5, 0.25, 0.0]


@pytest.mark.parametrize("text", ["", "a..b", "0..1", "-1,2", "nan", "1..inf"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        numbers(text, 4)


def test_members_are_all_combinations_of_what_varies() -> None:
    assert len(variants(None, [], None)) == 32
    assert variants("0.1,1", ["seed=3,4"], None) == [
        {"learning_rate": 0.1, "seed": 3},
        {"learning_rate": 0.1, "seed": 4},
        {"learning_rate": 1.0, "seed": 3},
        {"learning_rate": 1.0, "seed": 4},
    ]
    assert variants(None, ["initializer=he_normal,zeros"], None) == [
        {"initializer": "he_normal"},
        {"initializer": "zeros"},
    ]
    gains = [member["initializer_gain"] for member in variants(None, ["initializer_gain=1..4"], 3)]
    assert gains == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("other", ["seed", "epochs=1,2", "seed=1.5", "momentum="])
def test_what_cannot_vary_is_refused(other: str) -> None:
    with pytest.raises(typer.BadParameter):
        variants(None, [other], None)


def test_a_curve_in_one_line_falls_from_high_to_low_and_crosses_out_what_is_not_finite() -> None:
    assert spark(np.array([1.0, 0.1, 0.01]), 0.01, 1.0) == "█▅▁"
    assert spark(np.array([1.0, math.nan]), 0.01, 1.0) == "█×"
    assert spark(np.empty(0), 0.01, 1.0) == ""
    assert len(spark(np.linspace(1, 0.1, 100), 0.1, 1.0)) == 24


def test_the_command_prints_members_bands_and_the_best(run: Run) -> None:
    range_of_rates = ("--learning-rate", "1e-6..1e-1", "--count", "4")
    done = run("sweep", "xor", *range_of_rates, "--epochs", "100")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["LEARNING", "RATE"]
    assert [line.split()[0] for line in lines[1:5]] == ["1e-06", "4.64e-05", "0.00215", "0.1"]
    assert "lowest loss: learning rate 0.1" in done.stdout
    assert any(line.split()[:2] == ["good", "0.1"] for line in lines)


def test_the_command_varies_initial_weights(run: Run) -> None:
    what = ("--vary", "initializer=zeros,he_normal", "--vary", "initializer_gain=0.5,1")
    done = run("sweep", "xor", *what, "--epochs", "100")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["INITIALIZER", "INITIALIZER", "GAIN"]
    assert [line.split()[:2] for line in lines[1:5]] == [
        ["zeros", "0.5"],
        ["zeros", "1"],
        ["he_normal", "0.5"],
        ["he_normal", "1"],
    ]
    assert "lowest loss: initializer he_normal, initializer gain" in done.stdout


def test_the_command_trains_a_member_as_a_job(run: Run) -> None:
    done = run("sweep", "xor", "--learning-rate", "0.001,0.1", "--epochs", "20")
    last = done.stdout.splitlines()[-1]
    command = last.removeprefix("as a job, with weights: epochal ").split()
    sweep = command[1].partition("@")[0]
    assert command[1] == f"{sweep}@1"
    for member, rate in ((f"{sweep}@0", 0.001), (f"{sweep}@1", 0.1), (sweep, 0.1)):
        done = run("train", member, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["spec"]["optimizer"]["learning_rate"] == rate
    for member in (f"{sweep}@2", f"{sweep}@", f"{sweep}@best"):
        done = run("train", member)
        assert done.returncode == 2
        assert "a member from 0 to 1" in " ".join(done.stderr.replace("│", " ").split())
    done = run("verify", sweep)
    assert done.returncode == 4
    assert f"epochal train {sweep}@MEMBER" in done.stderr


def test_the_command_prints_json_for_programs(run: Run) -> None:
    rates = ("--learning-rate", "0.1,0.2")
    done = run("sweep", "xor", *rates, "--epochs", "20", "--json")
    assert done.returncode == 0, done.stderr
    assert [member["epoch"] for member in json.loads(done.stdout)["members"]] == [20, 20]
