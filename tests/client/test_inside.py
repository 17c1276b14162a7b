"""Attention weights and activations as arrays, once on each wire, and on the command line."""

import json

import numpy as np
import pytest
from tests.client.test_cli import Run, run  # noqa: F401 (a fixture)
from tests.rest.test_corruption import MASK, TOPICS
from tests.rest.test_generation import CIRCLE
from tests.rest.test_inside import CNN

import epochal


@pytest.fixture
def circle(client: epochal.Client) -> epochal.Job:
    return client.jobs.create(CIRCLE, request_id="client-tests-circle").wait(60, check=True)


@pytest.fixture
def cnn(client: epochal.Client) -> epochal.Job:
    return client.jobs.create(CNN, request_id="client-tests-cnn").wait(60, check=True)


def test_attention_weights_are_arrays_by_layer(circle: epochal.Job) -> None:
    seen = circle.attention(rows=[1, 0, 2])
    (maps,) = seen.layers.values()
    assert (maps.shape, seen.rows, seen.epoch) == ((3, 2, 6, 6), (1, 0, 2), 60)
    np.testing.assert_allclose(maps.sum(-1), 1, rtol=1e-5)
    mine = circle.attention("transformer_block_3", inputs=seen.inputs[0])
    # Batches of one and of three sequences differ by rounding: at most one unit of the sixth digit.
    alone = mine.layers["transformer_block_3.attention"]
    np.testing.assert_allclose(alone, maps[:1], rtol=1e-5)
    text = circle.attention(texts=["ab"])
    assert (text.lengths, text.inputs[0, :2].tolist(), seen.lengths) == ((2,), [0, 1], ())
    with pytest.raises(epochal.InvalidArgument, match=r"transformer_block_3\.attention"):
        circle.attention("gru_4")


def test_activations_are_arrays_by_layer(cnn: epochal.Job) -> None:
    seen = cnn.activations(rows=[0, 3])
    assert seen.layers["conv2d_1"].shape == (2, 2, 2, 3)
    np.testing.assert_allclose(seen.layers["dense_3"], cnn.predict(seen.inputs), rtol=1e-5)
    assert seen.logits is not None
    assert seen.logits.shape == (2, 2)
    assert cnn.activations("conv2d_1").logits is None
    filters = cnn.layer_weights("conv2d_1").layers["conv2d_1"]["weight"]
    assert filters.shape == (3, 3, 1, 3)


def test_gaps_of_masked_tokens_are_filled(run: Run, client: epochal.Client) -> None:  # noqa: F811
    job = client.jobs.create(TOPICS, request_id="client-tests-masked").wait(60, check=True)
    text = "[topic] sea1 _ the sea2 of a _ sea3"
    gaps = job.activations("dense_3", texts=[text], only_masked=True)
    whole = job.activations("dense_3", inputs=gaps.inputs).layers["dense_3"]
    np.testing.assert_array_equal(gaps.layers["dense_3"], whole[0, [2, 7]])
    printed = run("activations", job.id, "--text", text, "--layer", "dense_3", "--only-masked")
    assert printed.stdout.split()[-7:-5] == ["dense_3", str(MASK)]


def test_the_command_line_prints_maps_and_ranges(run: Run, circle: epochal.Job) -> None:  # noqa: F811
    printed = run("attention", circle.id, "--row", "1").stdout
    assert "transformer_block_3.attention, head 1" in printed
    assert "100" in printed  # the first position attends to itself alone
    lines = run("attention", circle.id, "--text", "ab").stdout.splitlines()
    assert [line.split() for line in lines[1:3]] == [["0", "1"], ["0", "100", "0"]]  # two tokens
    layers = run("activations", circle.id).stdout
    assert "gru_4" in layers
    assert "logits" in layers
    reply = json.loads(run("activations", circle.id, "--layer", "logits", "--json").stdout)
    assert np.shape(reply["logits"]) == (1, 6, 3)
