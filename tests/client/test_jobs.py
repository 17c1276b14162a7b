"""The life of a job through the client, on a real service, once on each wire."""

import copy
import math
import uuid
from xml.etree import ElementTree

import numpy as np
import pytest
from tests.client.material import MOONS, XOR
from tests.servers.stack import await_condition

import epochal

pytestmark = pytest.mark.every_variant

# Squares of squares of a number this large are not a float any more, within the first epoch.
EXPLODING = {
    "network": epochal.network([2], [epochal.dense(4), epochal.dense(1)]),
    "dataset": {"name": "plane", "samples": 64},
    "loss": "mse",
    "epochs": 5,
    "batch_size": 4,
    "optimizer": {"type": "sgd", "learning_rate": 1e12},
}
ENDLESS = {**MOONS, "epochs": 1_000_000, "batch_size": 1}


@pytest.fixture
def trained(client: epochal.Client) -> epochal.Job:
    """An XOR network that has learnt."""
    return client.jobs.create(XOR, request_id="client-tests-xor").wait(60, check=True)


def test_a_job_is_created_waited_for_and_succeeds(client: epochal.Client) -> None:
    job = client.jobs.create(XOR, epochs=30, labels={"course": "week-3"})
    assert job.id.startswith("job_")
    assert job.wait(60) is job
    assert (job.state, job.stop_reason, job.outcome) == ("succeeded", "completed", "succeeded")
    assert job.is_over
    assert (job.epoch, job.total_epochs) == (30, 30)
    assert job.parameters == 2 * 4 + 4 + 4 * 1 + 1
    assert job.labels == {"course": "week-3"}
    assert job.created_at is not None
    assert job.finished_at is not None
    assert job.created_at <= job.finished_at
    assert job.latest is not None
    assert job.latest.epoch == 30
    assert job.latest.validation_loss is None


def test_fields_of_jobs_are_read_by_column(client: epochal.Client) -> None:
    label = uuid.uuid4().hex
    first, second = (
        client.jobs.create(XOR, epochs=3, seed=seed, labels={"columns": label}).wait(60)
        for seed in (1, 2)
    )
    fields = ("spec.seed", "best.value", "spec.optimizer.type", "spec.early_stopping.patience")
    table = client.jobs.columns(*fields, label=f"columns={label}", order_by="spec.seed")
    assert list(table) == ["id", *fields]
    assert table["id"] == [first.id, second.id]
    assert table["spec.seed"] == [1, 2]
    assert table["best.value"] == [job.best.value for job in (first, second) if job.best]
    assert table["spec.optimizer.type"] == [XOR["optimizer"]["type"]] * 2
    assert all(map(math.isnan, table["spec.early_stopping.patience"]))
    assert client.jobs.columns("id", label=f"columns={label}", limit=1) == {"id": [second.id]}
    assert client.jobs.columns("epoch", filter="epoch > 9e9") == {"id": [], "epoch": []}
    with pytest.raises(
        epochal.InvalidArgument, match=r"did you mean spec\.optimizer\.learning_rate"
    ):
        client.jobs.columns("learning_rate")


def test_a_job_with_a_ttl_deletes_itself(client: epochal.Client) -> None:
    job = client.jobs.create(XOR, epochs=3, ttl_seconds=1).wait(60)
    assert job.expires_at is not None
    assert job.finished_at is not None
    assert (job.expires_at - job.finished_at).total_seconds() == pytest.approx(1, abs=0.01)

    def deleted() -> bool:
        try:
            job.refresh()
        except epochal.NotFound:
            return True
        return False

    await_condition(deleted, 60, "the deletion of the job")


def test_the_spec_that_comes_back_can_be_sent_again(client: epochal.Client) -> None:
    job = client.jobs.create(XOR, epochs=3)
    again = client.jobs.create(job.spec)
    assert again.id != job.id
    assert again.spec == job.spec


def test_fields_replace_those_of_the_spec_which_stays_as_it_was(client: epochal.Client) -> None:
    spec = copy.deepcopy(XOR)
    assert client.jobs.create(spec, epochs=2, seed=11).spec["seed"] == 11
    assert spec == XOR


def test_arrays_may_stand_in_a_spec(client: epochal.Client) -> None:
    inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    job = client.jobs.create(
        network=epochal.network((2,), [epochal.dense(3, "tanh"), epochal.dense(1)]),
        dataset={"inputs": inputs, "targets": inputs.sum(axis=1, keepdims=True)},
        loss="mse",
        epochs=int(np.int64(2)),
    )
    assert job.samples == 4
    assert job.spec["dataset"]["inputs"] == inputs.tolist()


def test_listed_jobs_have_their_rows_when_the_spec_is_used(client: epochal.Client) -> None:
    label, rows = uuid.uuid4().hex, [[0.5, -0.25]] * 3
    client.jobs.create(
        XOR,
        dataset={"inputs": rows, "targets": [[0.0], [1.0], [0.0]]},
        epochs=1,
        labels={label: ""},
        name="inline",
    )
    client.jobs.create(XOR, epochs=2, labels={label: ""}).wait(60)
    listed_jobs = client.jobs.list(f"labels:{label}", order_by="spec.epochs desc")
    xor, listed = listed_jobs
    assert [xor.total_epochs, listed.total_epochs, listed.name] == [2, 1, "inline"]
    assert not listed.data.spec["dataset"].get("inputs")
    assert listed.spec["dataset"]["inputs"] == rows
    with pytest.raises(epochal.InvalidArgument, match="is not a field of a job"):
        next(client.jobs.list("epochs = 2"))


def test_several_jobs_are_labelled_and_deleted(client: epochal.Client) -> None:
    label = uuid.uuid4().hex
    made = [client.jobs.create(XOR, epochs=1, labels={label: ""}).wait(60) for _ in range(2)]
    endless = client.jobs.create(XOR, epochs=10**6, labels={label: ""})
    outcome = client.jobs.update(filter=f"labels:{label}", labels={"done": "yes"})
    assert outcome.ids == (endless.id, made[1].id, made[0].id)
    assert made[0].refresh().labels == {label: "", "done": "yes"}
    outcome = client.jobs.delete(*made, endless)
    assert outcome.ids == (made[0].id, made[1].id)
    [refused] = outcome.refused
    assert (refused.id, refused.reason, outcome.has_more) == (endless.id, "job_not_ended", False)
    assert client.jobs.cancel(filter=f"labels:{label}").ids == (endless.id,)


def test_the_same_request_gives_the_same_job(client: epochal.Client) -> None:
    key = uuid.uuid4().hex
    first = client.jobs.create(XOR, epochs=2, request_id=key)
    assert client.jobs.create(XOR, epochs=2, request_id=key).id == first.id
    with pytest.raises(epochal.IdempotencyMismatch):
        client.jobs.create(XOR, epochs=3, request_id=key)


def test_validating_prices_a_spec_and_makes_no_job(client: epochal.Client) -> None:
    label = uuid.uuid4().hex
    estimate = client.jobs.validate(XOR, labels={label: "1"})
    assert (estimate.parameters, estimate.samples) == (17, 4)
    assert estimate.flops == 3 * 24 * 4 * 500
    assert estimate.spec["batch_size"] == 32
    assert list(client.jobs.list(label=label)) == []


def test_an_invalid_spec_names_every_field_at_fault(client: epochal.Client) -> None:
    network = epochal.network([2], [epochal.dense(0)])
    with pytest.raises(epochal.InvalidArgument) as refused:
        client.jobs.create(XOR, network=network, epochs=0)
    assert {field for field, _ in refused.value.errors} == {"network.layers[0].units", "epochs"}
    assert refused.value.status == 400


def test_a_field_that_does_not_exist_is_refused_alike_on_both_wires(client: epochal.Client) -> None:
    with pytest.raises(epochal.InvalidArgument) as refused:
        client.jobs.create({**XOR, "learning_rate": 0.1})
    assert refused.value.errors == (("learning_rate", "is not a field here"),)


def test_jobs_are_listed_newest_first_across_pages(client: epochal.Client) -> None:
    label = uuid.uuid4().hex
    made = [client.jobs.create(XOR, epochs=1, labels={label: str(k % 2)}).id for k in range(5)]
    assert [job.id for job in client.jobs.list(label=label, page_size=2)] == made[::-1]
    assert [job.id for job in client.jobs.list(label=f"{label}=1")] == [made[3], made[1]]
    for job_id in made:
        client.jobs.get(job_id).wait(60)
    done = client.jobs.list(label=label, states="succeeded", page_size=3)
    assert len(list(done)) == 5
    assert list(client.jobs.list(label=label, states="failed")) == []


def test_a_job_that_is_not_there_is_not_found(client: epochal.Client) -> None:
    with pytest.raises(epochal.NotFound) as missing:
        client.jobs.get("job_nope")
    assert (missing.value.status, missing.value.reason) == (404, "not_found")


def test_a_job_changes_while_it_trains(client: epochal.Client) -> None:
    job = client.jobs.create(ENDLESS, epochs=900_000)
    try:
        job.change(learning_rate=0.003, batch_size=2)
        changed = None
        for event in job.watch(after=0):
            if isinstance(event, epochal.ChangeEvent):
                changed = event
            if changed and isinstance(event, epochal.EpochsEvent):
                assert event.columns["learning_rate"][-1] == 0.003
                break
        assert changed is not None
        made = {"optimizer": {"learning_rate": 0.003}, "batch_size": 2}
        assert changed.training == made
        # From the events, and from the service.
        change = {"epoch": changed.epoch, "step": 0, "training": made}
        assert job.spec["changes"] == [change]
        assert job.refresh().spec["changes"] == [change]
        job.change(optimizer={"type": "sgd"}, epochs=job.total_epochs + 1)
        job.change(activation="sigmoid", pace=1000)
        assert job.refresh().spec["pace"] == 1000
        with pytest.raises(epochal.InvalidArgument, match=r"optimizer\.beta_1: is not a field"):
            job.change(optimizer={"type": "momentum", "beta_1": 0.5})
    finally:
        job.cancel()
    job.wait(60)
    assert job.total_epochs == 900_001
    last = client.jobs.get(job.id).fork(epochs=1)
    assert (last.spec["optimizer"]["type"], last.spec["batch_size"]) == ("sgd", 2)
    activations = [layer["activation"] for layer in last.spec["network"]["layers"]]
    assert activations == [*["sigmoid"] * (len(activations) - 1), activations[-1]]
    assert not last.spec.get("changes")
    with pytest.raises(epochal.Conflict, match="Fork it"):
        job.change(learning_rate=0.1)


def test_a_job_is_paused_resumed_and_cancelled(client: epochal.Client) -> None:
    job = client.jobs.create(ENDLESS)
    for event in job.watch():
        if isinstance(event, epochal.EpochsEvent):
            break
    assert job.pause().state in ("pausing", "paused")
    for event in job.watch(after=job.seq):
        if isinstance(event, epochal.StateEvent) and event.state == "paused":
            break
    rested = job.refresh().epoch
    assert job.state == "paused"
    job.resume(epochs=2)
    for event in job.watch(after=job.seq):
        if isinstance(event, epochal.StateEvent) and event.state == "paused":
            break
    rested += 2
    assert job.refresh().epoch == rested
    assert job.resume().state in ("queued", "running")
    for event in job.watch(after=job.seq):
        if isinstance(event, epochal.EpochsEvent) and event.last_epoch > rested:
            break
    assert job.cancel().state in ("cancelling", "cancelled")
    with pytest.raises(epochal.JobFailed) as stopped:
        job.wait(60, check=True)
    assert stopped.value.job is job
    assert job.outcome == "cancelled (user)"
    assert job.cancel().state == "cancelled"
    with pytest.raises(epochal.Conflict):
        job.resume()


def test_the_newest_epoch_of_a_job_is_followed_with_its_weights(client: epochal.Client) -> None:
    seen = []
    job = client.jobs.create(XOR, epochs=150, pace=50)
    with job.live() as run:
        for now in run:
            seen.append(now)
            assert {name: array.shape for name, array in now.weights.items()} == {
                name: array.shape for name, array in job.weights(epoch=0).items()
            }
            if len(seen) == 3:
                change = run.change(learning_rate=0.5)
    epochs = [now.epoch for now in seen]
    assert epochs == sorted(set(epochs))
    assert all(now.metrics.train_loss > 0 for now in seen)
    assert epochs[-1] == job.epoch == 150
    assert job.state == "succeeded"
    assert change.epoch is None or change.epoch >= epochs[2]
    last = job.weights()
    assert all(np.array_equal(seen[-1].weights[name], last[name]) for name in last)


def test_a_large_network_is_followed_without_its_weights(client: epochal.Client) -> None:
    wide = epochal.network([2], [epochal.dense(2000, "tanh"), epochal.dense(1, "sigmoid")])
    with client.jobs.create(XOR, network=wide, epochs=3).live() as run:
        seen = list(run)
    assert (seen[-1].epoch, seen[-1].weights) == (3, {})


def test_waiting_ends_when_the_time_is_over_and_the_job_goes_on(client: epochal.Client) -> None:
    job = client.jobs.create(ENDLESS)
    try:
        with pytest.raises(epochal.TimedOut, match=r"was not over after 0\.5 seconds"):
            job.wait(0.5)
        assert not job.refresh().is_over
    finally:
        job.cancel()
        job.wait(60)


def test_only_a_job_that_is_over_can_be_deleted(client: epochal.Client) -> None:
    job = client.jobs.create(ENDLESS)
    with pytest.raises(epochal.Conflict):
        job.delete()
    job.cancel()
    job.wait(60)
    job.delete()
    with pytest.raises(epochal.NotFound):
        job.refresh()


def test_every_epoch_is_listed_in_order_across_pages(trained: epochal.Job) -> None:
    epochs = list(trained.epochs(page_size=200))
    assert [row.epoch for row in epochs] == list(range(1, 501))
    assert epochs[0].train_loss == pytest.approx(math.log(2), abs=0.2)
    assert epochs[-1] == trained.latest
    assert [row.epoch for row in trained.epochs(after=498)] == [499, 500]


def test_a_job_that_is_read_again_shows_every_change(client: epochal.Client) -> None:
    job = client.jobs.create(XOR)
    for name in ("first", "second"):
        job.update(name=name)
        assert client.jobs.get(job.id).name == name
        assert client.jobs.get(job.id).name == name
    job.wait()
    assert client.jobs.get(job.id).state == "succeeded"
    assert job.curve().total_epochs == job.curve().total_epochs == job.epoch
    assert job.export() == job.export()


def test_a_table_has_every_epoch_of_every_metric(trained: epochal.Job) -> None:
    table, rows = trained.epoch_table(), list(trained.epochs())
    np.testing.assert_array_equal(table.epochs, [row.epoch for row in rows])
    assert {"train_loss", "train_accuracy", "gradient_norm", "seconds"} <= {*table}
    for metric, column in table.items():
        np.testing.assert_array_equal(column, [getattr(row, metric) for row in rows])
    rest = trained.epoch_table(["train_loss"], after=498)
    assert rest.epochs.tolist() == [499, 500]
    assert [*rest] == ["train_loss"]
    assert len(trained.epoch_table(after=500).epochs) == 0


def test_a_table_of_several_pages_is_one(trained: epochal.Job) -> None:
    whole, paged = trained.epoch_table(), trained.epoch_table(page_size=200)
    np.testing.assert_array_equal(paged.epochs, whole.epochs)
    np.testing.assert_array_equal(paged["train_loss"], whole["train_loss"])


def test_a_data_frame_has_a_row_for_each_epoch(trained: epochal.Job) -> None:
    pytest.importorskip("pandas")
    frame = trained.to_pandas(["train_loss", "seconds"])
    assert frame.index.name == "epoch"
    assert frame.index.tolist() == [*range(1, 501)]
    assert [*frame] == ["train_loss", "seconds"]
    np.testing.assert_array_equal(frame["train_loss"], trained.epoch_table()["train_loss"])


def test_the_curve_holds_every_metric_in_few_points(trained: epochal.Job) -> None:
    curve = trained.curve()
    assert curve.total_epochs == 500
    assert {"train_loss", "train_accuracy", "gradient_norm"} <= set(curve)
    losses = np.array([row.train_loss for row in trained.epochs()])
    np.testing.assert_array_equal(curve["train_loss"], losses)
    few = trained.curve(["train_loss"], max_points=50)
    assert list(few) == ["train_loss"]
    assert len(few["train_loss"]) <= 50
    np.testing.assert_array_equal(few["train_loss"], losses[few.epochs["train_loss"] - 1])
    assert few["train_loss"].max() == losses.max()


@pytest.mark.parametrize("max_points", [20, 1000])
def test_polls_of_a_curve_make_the_whole_curve(client: epochal.Client, max_points: int) -> None:
    job = client.jobs.create(XOR, epochs=40_000)
    curve = job.curve(max_points=max_points)
    for _ in job.watch():
        curve = job.curve(max_points=max_points, previous=curve)
    whole = job.curve(max_points=max_points)
    assert curve.total_epochs == 40_000
    assert curve.closed_epoch == whole.closed_epoch > 0
    assert list(curve) == list(whole)
    for metric in whole:
        np.testing.assert_array_equal(curve.epochs[metric], whole.epochs[metric])
        np.testing.assert_array_equal(curve[metric], whole[metric])


def test_another_curve_is_not_continued(trained: epochal.Job) -> None:
    wide, narrow = trained.curve(max_points=10), trained.curve(["train_loss"], max_points=100)
    assert trained.curve(max_points=100, previous=wide).epochs_per_bucket == 16
    assert list(trained.curve(max_points=100, previous=narrow)) == list(wide)


def test_gradients_come_with_their_histogram(client: epochal.Client) -> None:
    job = client.jobs.create(XOR, epochs=7, snapshots={"gradients_every": 2}).wait(60)
    snapshots = list(job.gradients(page_size=2))
    assert len(snapshots) >= 3
    assert [s.epoch for s in snapshots] == sorted(s.epoch for s in snapshots)
    first, last = snapshots[0].layers
    assert (first.name, last.name) == ("dense_1", "dense_2")
    assert first.norm > 0
    assert len(first.histogram) == len(snapshots[0].histogram_edges) + 1
    assert first.histogram.sum() == 2 * 4 + 4
    assert [s.epoch for s in job.gradients(max_points=10)] == [s.epoch for s in snapshots]


def test_weights_are_arrays_that_give_the_predictions(trained: epochal.Job) -> None:
    weights = trained.weights()
    assert {name: array.shape for name, array in weights.items()} == {
        "dense_1.weight": (2, 4),
        "dense_1.bias": (4,),
        "dense_2.weight": (4, 1),
        "dense_2.bias": (1,),
    }
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]])
    hidden = np.tanh(inputs @ weights["dense_1.weight"] + weights["dense_1.bias"])
    z = hidden @ weights["dense_2.weight"] + weights["dense_2.bias"]
    by_hand = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(trained.predict(inputs), by_hand, atol=1e-6)
    np.testing.assert_array_equal(trained.predict(inputs).round(), [[0], [1], [1], [0]])


def test_an_earlier_checkpoint_can_be_asked(trained: epochal.Job) -> None:
    stored = trained.checkpoints()
    assert stored[-1].epoch == 500
    assert len(stored[0].sha256) == 64
    early = trained.predict([0, 1], epoch=stored[0].epoch)
    assert early.shape == (1,)
    assert not np.allclose(early, trained.predict([0, 1]))
    first, last = trained.weights(stored[0].epoch), trained.weights()
    assert not np.allclose(first["dense_1.weight"], last["dense_1.weight"])
    with pytest.raises(epochal.NotFound):
        trained.weights(epoch=7_000)


@pytest.mark.parametrize("inputs", [[[1.0]], [1.0, 2.0, 3.0], [[[1.0]]], [[1.0, math.nan]], 3.0])
def test_inputs_that_do_not_fit_are_refused(trained: epochal.Job, inputs: object) -> None:
    with pytest.raises(epochal.InvalidArgument) as refused:
        trained.predict(inputs)  # type: ignore[arg-type]
    assert refused.value.errors[0].field.startswith("inputs")


def test_a_grid_maps_out_the_decision(trained: epochal.Job) -> None:
    grid = trained.predict_grid((0, 1), (0, 1), resolution=3)
    np.testing.assert_array_equal(grid.x, [0, 0.5, 1])
    np.testing.assert_array_equal(grid.y, [0, 0.5, 1])
    assert grid.epoch == 500
    assert grid.outputs.shape == (3, 3, 1)
    assert grid.classes is not None
    # outputs[j, i] belongs to (x[i], y[j]): the corners are XOR.
    assert grid.classes[[0, 0, 2, 2], [0, 2, 0, 2]].tolist() == [0, 1, 1, 0]
    np.testing.assert_allclose(grid.outputs[2, 0], trained.predict([0, 1]), atol=5e-4)
    turned = trained.predict_grid((0, 1), (0.25, 0.75), x_feature=1, y_feature=0, resolution=2)
    np.testing.assert_allclose(turned.outputs[1, 0], trained.predict([0.75, 0]), atol=5e-4)


def test_a_run_that_blows_up_keeps_what_is_not_finite_and_says_why(client: epochal.Client) -> None:
    job = client.jobs.create(EXPLODING)
    with pytest.raises(epochal.JobFailed, match=r"failed \(diverged\): At epoch 1 in dense_"):
        job.wait(60, check=True)
    assert (job.state, job.stop_reason) == ("failed", "diverged")
    assert job.divergence is not None
    assert job.divergence.epoch == 1
    assert "learning rate" in job.explanation
    (row,) = job.epochs()
    assert not math.isfinite(row.train_loss)
    assert not np.isfinite(job.curve()["train_loss"]).any()
    batches = [event for event in job.watch(after=0) if isinstance(event, epochal.EpochsEvent)]
    assert not np.isfinite(batches[0].columns["train_loss"]).any()
    assert job._repr_html_()


def test_a_job_shows_itself_in_a_notebook(trained: epochal.Job, client: epochal.Client) -> None:
    root = ElementTree.fromstring(trained._repr_html_().replace("<br>", "<br/>"))
    assert f"{trained.id} succeeded" in "".join(root.itertext())
    assert "epoch 500 of 500" in "".join(root.itertext())
    progress = root.find("progress")
    assert progress is not None
    assert progress.get("value") == "1.0000"
    svg = root.find("{http://www.w3.org/2000/svg}svg")
    assert svg is not None
    assert "train_loss" in str(svg.get("aria-label"))
    assert f"{trained.id} succeeded, epoch 500 of 500, train_loss 0.00" in repr(trained)


def test_a_job_that_is_worse_than_a_constant_says_so_everywhere(client: epochal.Client) -> None:
    spec = {**XOR, "epochs": 2, "seed": 0}
    spec["optimizer"] = {"type": "sgd", "learning_rate": 1e-9}
    job = client.jobs.create(spec).wait(60)
    assert job.state == "succeeded"
    assert job.baselines is not None
    assert job.baselines.constant.train_loss == pytest.approx(math.log(2.0))
    assert job.warning is not None
    assert job.warning.startswith("Finished, but worse than predicting the class shares: ")
    assert "a constant gives 0.693" in job.warning
    assert job.explanation == job.warning
    assert job.warning in repr(job)
    assert job.warning in job._repr_html_()
    assert job.curve().baselines["best constant"] == pytest.approx(math.log(2.0))


def test_a_job_shows_what_it_knows_without_its_curve(url: str, trained: epochal.Job) -> None:
    with epochal.Client(url) as other:
        deleted = other.jobs.create(XOR, epochs=3).wait(60)
        other.jobs.get(deleted.id).delete()
        shown = deleted._repr_html_()
        assert "epoch 3 of 3" in shown
        assert f"There is no job {deleted.id}" in shown
        remaining = other.jobs.get(trained.id)
    assert "epoch 500 of 500" in remaining._repr_html_()
    assert "The client is closed" in remaining._repr_html_()
    with pytest.raises(epochal.EpochalError, match="The client is closed"):
        remaining.refresh()


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    with epochal.Client(url, retries=0) as client:
        assert client.version().api == "v1"


def test_the_service_reports_its_limits_version_and_health(client: epochal.Client) -> None:
    limits = client.limits()
    assert limits["max_epochs"] >= 1
    assert all(limit.description for limit in limits.limits)
    with pytest.raises(KeyError):
        limits["max_unicorns"]
    assert client.version().api == "v1"
    health = client.health()
    assert health.status == "ok"
    assert health


def test_a_preset_is_a_spec_that_comes_out_as_it_says(client: epochal.Client) -> None:
    ready = client.course.preset("xor")
    job = client.jobs.create(client.preset("xor")).wait(60, check=True)
    assert job.latest is not None
    assert job.state == ready.expected_state
    for goal in ready.expected:
        value = getattr(job.latest, goal.metric)
        assert goal.minimum is None or value >= goal.minimum
        assert goal.maximum is None or value <= goal.maximum


def test_an_unknown_preset_is_not_found(client: epochal.Client) -> None:
    with pytest.raises(epochal.NotFound, match="nope"):
        client.preset("nope")
    assert "xor" in [preset.name for preset in client.course.presets()]
