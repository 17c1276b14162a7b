"""Inspection of a network, a fork of it, and jobs side by side: as arrays, once on each wire."""

import json
import uuid

import numpy as np
import pytest
from tests.client.material import MOONS, XOR
from tests.client.test_cli import Run, run  # noqa: F401 (a fixture)
from tests.servers.stack import Stack

import epochal

DIGITS = {
    "network": epochal.network([64], [epochal.dense(8, "relu"), epochal.dense(10, "softmax")]),
    "dataset": {"name": "digits"},
    "loss": "cross_entropy",
    "epochs": 2,
    "validation_fraction": 0.2,
}

DROPOUT = epochal.network(
    [2], [epochal.dense(4, "tanh"), epochal.dropout(0.25), epochal.dense(1, "sigmoid")]
)


@pytest.fixture
def moons(client: epochal.Client) -> epochal.Job:
    """Two moons after 20 epochs, with the weights of every fifth."""
    spec = {**MOONS, "epochs": 20, "snapshots": {"weights_every": 5}}
    return client.jobs.create(spec, request_id="client-tests-looked-into").wait(60, check=True)


@pytest.fixture
def digits(client: epochal.Client) -> epochal.Job:
    return client.jobs.create(DIGITS, request_id="client-tests-digits").wait(60, check=True)


def test_unit_maps_are_what_the_units_say_at_each_point(moons: epochal.Job) -> None:
    maps = moons.unit_maps(x=(-1, 2), y=(0, 1), resolution=3, epoch=14)
    assert maps.epoch == 10
    assert (maps.x.tolist(), maps.y.tolist()) == ([-1, 0.5, 2], [0, 0.5, 1])
    output = list(maps.layers)[-1]
    assert maps.layers[output].shape == (1, 3, 3)
    grid = moons.predict_grid((-1, 2), (0, 1), resolution=3, epoch=10)
    np.testing.assert_allclose(maps.layers[output][0], grid.outputs[:, :, 0], atol=1e-3)
    alone = moons.unit_maps("dense_1", resolution=2)
    assert list(alone.layers) == ["dense_1"]
    with pytest.raises(epochal.InvalidArgument, match="must be one of dense_1"):
        moons.unit_maps("dense_9")
    with pytest.raises(epochal.InvalidArgument):
        moons.unit_maps(x=(-1, 2))  # without y


def test_the_hidden_space_has_a_point_for_each_sample(digits: epochal.Job) -> None:
    space = digits.hidden_space(samples=100)
    assert (space.layer, space.units) == ("dense_1", 8)
    assert space.points.shape == (100, 2)
    assert space.targets.shape == (100, 10)
    assert (space.targets.argmax(1) == space.classes).all()
    first, second = space.explained_variance
    assert 1 > first >= second > 0
    assert space.class_names == tuple("0123456789")
    given = digits.hidden_space("input", samples=7, split="validation")
    assert (given.layer, given.units, given.points.shape) == ("input", 64, (7, 2))


def test_a_confusion_matrix_agrees_with_the_accuracy(digits: epochal.Job) -> None:
    matrix = digits.confusion_matrix(split="validation")
    assert matrix.counts.shape == (10, 10)
    assert matrix.counts.sum() == 359  # a fifth of 1,797
    assert digits.latest is not None
    assert matrix.accuracy == pytest.approx(digits.latest.validation_accuracy)
    assert matrix.accuracy == pytest.approx(np.trace(matrix.counts) / 359)


def test_samples_come_with_what_the_network_says_of_them(digits: epochal.Job) -> None:
    worst = digits.sample_predictions(6, order="worst")
    losses = [sample.loss for sample in worst.samples]
    assert losses == sorted(losses, reverse=True)
    assert worst.images.shape == (6, 8, 8)
    for sample in worst.samples:
        assert sample.predicted_class == sample.outputs.argmax()
        np.testing.assert_allclose(digits.predict(sample.inputs), sample.outputs, rtol=1e-5)
    assert len(digits.sample_predictions().samples) == 20


def test_samples_without_an_image_shape_have_no_images(moons: epochal.Job) -> None:
    with pytest.raises(epochal.EpochalError, match="are not images"):
        _ = moons.sample_predictions(1).images


def test_weights_come_layer_by_layer(moons: epochal.Job) -> None:
    stored = [checkpoint.epoch for checkpoint in moons.checkpoints()]
    assert stored[0] == 0
    reply = moons.layer_weights(epoch=stored[2] - 1)
    assert reply.epoch == stored[1]
    arrays = moons.weights(stored[1])
    for layer, parameters in reply.layers.items():
        for name, array in parameters.items():
            np.testing.assert_array_equal(array, arrays[f"{layer}.{name}"])
    assert list(moons.layer_weights("dense_1").layers) == ["dense_1"]


def test_a_look_before_the_first_epoch_shows_the_initial_network(moons: epochal.Job) -> None:
    assert moons.confusion_matrix(epoch=4).epoch == 0


def test_a_fork_begins_where_another_job_was(moons: epochal.Job) -> None:
    fork = moons.fork(10, epochs=4, labels={}).wait(60, check=True)
    assert fork.forked_from == epochal.ForkedFrom(moons.id, 10)
    assert fork.epoch == 4
    parent, child = moons.weights(10), fork.weights(0)
    np.testing.assert_array_equal(parent["dense_1.weight"], child["dense_1.weight"])
    latest = fork.fork()
    assert latest.forked_from == epochal.ForkedFrom(fork.id, 4)
    assert moons.forked_from is None
    with pytest.raises(epochal.InvalidArgument, match="5 and 10"):
        moons.fork(7)


def test_a_fork_that_keeps_the_state_repeats_its_parent(moons: epochal.Job) -> None:
    same = moons.fork(7, keep_state=True, name="Again").wait(60, check=True)
    assert (same.spec["name"], same.forked_from) == ("Again", None)
    whole = moons.curve()["train_loss"]
    np.testing.assert_array_equal(same.curve()["train_loss"], whole)
    slower = moons.fork(7, keep_state=True, optimizer={"learning_rate": 0.5}).wait(60, check=True)
    losses = slower.curve()["train_loss"]
    assert np.flatnonzero(losses != whole)[0] == 7
    again = slower.fork(7, keep_state=True, optimizer={"beta_1": 0.5}, batch_size=7)
    options = {"learning_rate": 0.5, "beta_1": 0.5}
    joined = {"epoch": 7, "step": 0, "training": {"optimizer": options, "batch_size": 7}}
    assert again.spec["changes"] == [joined]
    undone = again.fork(6, keep_state=True)
    assert not undone.spec.get("changes")
    with pytest.raises(epochal.InvalidArgument, match="less than the"):
        moons.fork(moons.epoch, keep_state=True, shuffle=False)


def test_jobs_are_compared(client: epochal.Client, moons: epochal.Job) -> None:
    fork = moons.fork(20, epochs=3, optimizer={"type": "sgd", "learning_rate": 0.25}).wait(60)
    reply = client.jobs.compare(moons, fork.id)
    assert list(reply.curves) == [moons.id, fork.id]
    first, second = reply.jobs
    assert (first.epochs, second.epochs) == (20, 3)
    assert second.forked_from == epochal.ForkedFrom(moons.id, 20)
    np.testing.assert_array_equal(first.curve["train_loss"], moons.curve()["train_loss"])
    assert first.best is not None
    assert second.best is not None
    losses = moons.curve()[first.best.metric]
    assert first.best.value == losses.min()
    assert reply.best is (first if first.best.value <= second.best.value else second)
    differences = {row.path: row.parsed for row in reply.differences}
    assert differences["epochs"] == (20, 3)
    assert differences["optimizer.learning_rate"][1] == 0.25
    assert differences["initial_weights.epoch"] == (None, 20)
    aligned = client.jobs.compare(moons, fork, metrics=["train_loss"], aligned=True, max_points=5)
    assert aligned.jobs[0].curve.epochs["train_loss"].tolist() == [1, 6, 10, 15, 20]
    assert aligned.jobs[1].curve.epochs["train_loss"].tolist() == [1]
    with pytest.raises(epochal.InvalidArgument, match="needs at least 2"):
        client.jobs.compare(moons)


def test_jobs_are_searched_and_come_with_small_curves(client: epochal.Client) -> None:
    word = uuid.uuid4().hex
    job = client.jobs.create(XOR, epochs=50, name=f"Night {word}").wait(60)
    assert job.name == f"Night {word}"
    [listed] = client.jobs.list(query=word.upper(), states=["queued", "succeeded"], curve_points=8)
    assert listed.id == job.id
    assert listed.small_curve is not None
    assert listed.small_curve.epochs[[0, -1]].tolist() == [1, 50]
    assert len(listed.small_curve.values) <= 14
    assert list(client.jobs.list(query=word, states="failed")) == []
    assert job.small_curve is None


REVERSAL = {
    "network": {
        "input_shape": [6],
        "layers": [
            {"type": "embedding", "vocabulary": 5, "units": 16},
            {"type": "gru", "units": 32, "return_sequences": True},
            {"type": "slice", "start": 3},
            {"type": "dense", "units": 4, "activation": "softmax"},
        ],
    },
    "dataset": {"name": "reversal", "samples": 600, "length": 3, "classes": 4},
    "loss": "cross_entropy",
    "epochs": 15,
    "optimizer": {"type": "adam", "learning_rate": 0.02},
}


def test_reversed_words_have_a_class_for_each_letter(client: epochal.Client) -> None:
    job = client.jobs.create(REVERSAL, request_id="client-tests-reversal").wait(60, check=True)
    reply = job.sample_predictions(count=5)
    assert reply.token_names == ("a", "b", "c", "d", ">")
    for sample in reply.samples:
        assert sample.target_class is None
        assert sample.target_classes == tuple(sample.inputs[:3][::-1].astype(int))
        assert sample.outputs.reshape(3, 4).argmax(1).tolist() == list(sample.predicted_classes)
    matrix = job.confusion_matrix()
    assert matrix.exact_match is not None
    assert 0.95 < matrix.exact_match <= matrix.accuracy
    # By itself it reads what it has written.
    row = [0, 1, 3, 4, 0, 0]
    written = []
    for place in range(3):
        written.append(int(job.predict([row])[0, place].argmax()))
        row[4:] = [*written, 0][:2]
    assert written == [3, 1, 0]


def test_a_data_set_tells_what_may_be_chosen(client: epochal.Client) -> None:
    chosen = {parameter.name: parameter for parameter in client.datasets.get("sorting").parameters}
    assert list(chosen) == ["samples", "length", "classes"]
    assert (chosen["length"].default, chosen["length"].minimum) == (6, 2)
    assert chosen["length"].integer
    reply = client.datasets.preview("sorting", rows=3, length=4, classes=2, samples=9)
    assert reply.dataset.token_names == ("a", "b")
    np.testing.assert_array_equal(reply.targets, np.sort(reply.inputs, axis=1))
    assert client.datasets.get("iris").parameters == ()


def test_the_draws_of_an_epoch_are_arrays(client: epochal.Client) -> None:
    spec = {
        **MOONS,
        "network": DROPOUT,
        "epochs": 3,
        "augmentation": [epochal.augmentations.noise(standard_deviation=0.1)],
    }
    job = client.jobs.create(spec).wait(60, check=True)
    drawn = job.random_draws(2, batch=12)
    assert (drawn.epoch, drawn.batches) == (2, 13)
    assert [len(rows) for rows in drawn.batch_rows] == [32] * 12 + [16]
    np.testing.assert_array_equal(np.concatenate(drawn.batch_rows), drawn.order)
    assert len(set(drawn.order)) == 400
    [mask], [noise] = drawn.masks, drawn.augmentation
    assert mask.array.shape == (16, 4)
    assert set(mask.values) == {0.0, float(np.float32(1 / 0.75))}
    assert (noise.type, noise.array.shape) == ("noise", (16, 2))
    np.testing.assert_array_equal(job.random_draws(2).order, drawn.order)
    assert job.random_draws().epoch == 3
    assert job.random_draws(2, batch=0, layer="input").masks == ()
    with pytest.raises(epochal.InvalidArgument, match="the latest stored epoch"):
        job.random_draws(4)


def test_the_command_prints_the_draws(
    stack: Stack,
    run: Run,  # noqa: F811
) -> None:
    with epochal.Client(stack.http) as client:
        spec = {**MOONS, "network": DROPOUT, "epochs": 2}
        job = client.jobs.create(spec).wait(60, check=True)
        drawn = job.random_draws(1, batch=3)

    def printed(*options: str) -> str:
        return run("draws", job.id, "--epoch", "1", *options).stdout

    lines = printed().splitlines()
    assert lines[0] == "epoch 1: 13 batches of 32"
    assert len(lines) == 2 + 13
    assert lines[5].split()[:3] == ["3", *map(str, drawn.batch_rows[3][:2])]
    lines = printed("--batch", "3").splitlines()
    assert lines[2].split()[:2] == ["3", str(drawn.batch_rows[3][0])]
    assert lines[3].startswith("dropout_2, 32 x 4: ")
    assert json.loads(printed("--batch", "3", "--json"))["order"] == drawn.order.tolist()
