"""Convolution and pooling, over HTTP, beside loops in plain Python."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.course.explorers.conftest import Ask

NUMBERS = st.integers(-9, 9).map(float)


def image_of(height: int, width: int) -> st.SearchStrategy[list[list[float]]]:
    row = st.lists(NUMBERS, min_size=width, max_size=width)
    return st.lists(row, min_size=height, max_size=height)


SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7))
KERNELS = st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(lambda s: image_of(*s))


def test_three_by_three_by_hand(ask: Ask) -> None:
    reply = ask("convolution", image=[[1, 2, 3], [4, 5, 6], [7, 8, 9]], kernel=[[1, 0], [0, -1]])
    assert reply["output"] == [[-4, -4], [-4, -4]]
    assert reply["height"]["substituted"] == "height = ⌊(3 - 2) / 1⌋ + 1 = 2"
    last = reply["windows"][-1]
    assert (last["row"], last["column"], last["top"], last["left"]) == (1, 1, 1, 1)
    assert last["values"] == [[5, 6], [8, 9]]
    assert last["products"] == [[5, 0], [0, -9]]
    assert last["output"]["substituted"] == "y1,1 = 1·5 + 0·6 + 0·8 + (-1)·9 = -4"
    assert reply["parameters"]["value"] == 5


@given(
    image=SIZES.flatmap(lambda s: image_of(*s)),
    kernel=KERNELS,
    stride=st.integers(1, 3),
    padding=st.sampled_from(["valid", "same"]),
    bias=NUMBERS,
)
@settings(max_examples=60)
def test_every_window_is_a_sum_of_products(
    ask: Ask,
    image: list[list[float]],
    kernel: list[list[float]],
    stride: int,
    padding: str,
    bias: float,
) -> None:
    request: dict[str, Any] = {"image": image, "kernel": kernel, "stride": stride}
    fits = len(kernel) <= len(image) and len(kernel[0]) <= len(image[0])
    if padding == "valid" and not fits:
        problem = ask("convolution", status=400, **request)
        assert [error["field"] for error in problem["errors"]] == ["kernel"]
        return
    reply = ask("convolution", padding=padding, bias=bias, **request)
    padded = reply["padded_input"]
    height, width = len(reply["output"]), len(reply["output"][0])
    assert (reply["height"]["value"], reply["width"]["value"]) == (height, width)
    if padding == "same":
        assert (height, width) == (-(-len(image) // stride), -(-len(image[0]) // stride))
    top, left = reply["padding_before"]
    inner = [row[left : left + len(image[0])] for row in padded[top : top + len(image)]]
    assert inner == image
    assert np.abs(padded).sum() == np.abs(image).sum()
    for window in reply["windows"]:
        total = bias
        for i, row in enumerate(kernel):
            for j, weight in enumerate(row):
                total += weight * padded[window["row"] * stride + i][window["column"] * stride + j]
        assert window["output"]["value"] == pytest.approx(total)
        assert reply["output"][window["row"]][window["column"]] == pytest.approx(total)
        assert sum(map(sum, window["products"])) + bias == pytest.approx(total)


def test_an_even_image_has_no_edges_and_stays_even_when_it_is_blurred(ask: Ask) -> None:
    even = [[3.0] * 5] * 4
    assert not np.any(ask("convolution", image=even, kernel_name="edge")["output"])
    for name in ("blur", "sharpen", "identity"):
        output = ask("convolution", image=even, kernel_name=name)["output"]
        assert np.array(output) == pytest.approx(3.0)


def test_a_step_of_a_signal_shows_where_it_is(ask: Ask) -> None:
    reply = ask("convolution", signal=[0, 0, 0, 1, 1, 1], kernel_name="vertical_edge")
    assert reply["output"] == [[0, 1, 1, 0]]


def test_a_signal_has_its_stride_along_itself(ask: Ask) -> None:
    reply = ask("convolution", signal=[1, 2, 3, 4, 5, 9], stride=2, padding="same")
    assert reply["padded_input"] == [[1, 2, 3, 4, 5, 9, 0]]
    assert reply["output"] == [[0, 0, 13]]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({}, "image"),
        ({"image": [[1.0]], "signal": [1.0]}, "image"),
        ({"image": [[1.0, 2.0], [3.0]]}, "image"),
        ({"image": [[1.0]], "kernel": [[1.0], [1.0, 2.0]]}, "kernel"),
        ({"image": [[1.0]], "kernel": [[1.0]], "kernel_name": "blur"}, "kernel"),
        ({"signal": [1.0, 2.0], "kernel": [[1.0], [1.0]]}, "kernel"),
        ({"image": [[0.0] * 32] * 32, "kernel": [[1.0] * 7] * 7, "padding": "same"}, "kernel"),
    ],
)
def test_an_error_names_the_invalid_field(ask: Ask, request_: dict[str, Any], field: str) -> None:
    problem = ask("convolution", status=400, **request_)
    assert [error["field"] for error in problem["errors"]] == [field]


IMAGE = [[1, 3, 2, 0, 9], [4, 2, 1, 5, 9], [0, 1, 6, 2, 9], [7, 0, 1, 3, 9]]


def test_pooling_keeps_the_largest_or_the_mean(ask: Ask) -> None:
    largest = ask("pooling", image=IMAGE)
    assert largest["output"] == [[4, 5], [7, 6]]
    assert largest["unused_inputs"] == 4
    assert largest["windows"][0]["output"]["substituted"] == "y0,0 = max(1, 3, 4, 2) = 4"
    mean = ask("pooling", image=IMAGE, kind="average")
    assert mean["output"] == [[2.5, 2.0], [2.0, 3.0]]
    assert mean["windows"][0]["output"]["substituted"] == "y0,0 = (1 + 3 + 4 + 2) / 4 = 2.5"


def test_windows_may_overlap(ask: Ask) -> None:
    reply = ask("pooling", signal=[1, 5, 2, 4, 3], size=3, stride=1)
    assert reply["output"] == [[5, 5, 4]]


def test_a_window_must_fit(ask: Ask) -> None:
    problem = ask("pooling", image=[[1.0, 2.0]], size=2, status=400)
    assert [error["field"] for error in problem["errors"]] == ["size"]
