"""Curves: arrays, SVG without dependencies, characters that read without color."""

import math
import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

import epochal
from epochal.curves import Curve
from epochal.jobs.job import _reference_losses
from epochal.pictures import panels, ticks
from epochal.pictures.terminal import picture
from epochal.types import BaselineLosses, Baselines, NgramLosses

SVG = "{http://www.w3.org/2000/svg}"


def curve(**series: list[float | str]) -> Curve:
    """A curve with a point of each metric at every epoch from 1."""
    return Curve.of(
        {
            "epochs": max((len(values) for values in series.values()), default=0),
            "series": [
                {"metric": metric, "epochs": list(range(1, len(values) + 1)), "values": values}
                for metric, values in series.items()
            ],
        }
    )


def test_baselines_are_levels_of_the_loss_panel_where_they_are_near_the_curve() -> None:
    falling = replace(
        curve(train_loss=[3, 2, 1], train_accuracy=[0.5, 0.75, 1]),
        baselines={"best constant": 2.5, "linear model": 1e-6},
    )
    losses, accuracies = panels(falling, ("train_loss", "train_accuracy"))
    assert [line.metric for line in losses.lines] == ["train_loss", "best constant"]
    assert [line.metric for line in accuracies.lines] == ["train_accuracy"]
    level = losses.lines[1]
    assert (level.epochs.tolist(), level.values.tolist()) == ([1, 3], [2.5, 2.5])
    root = ElementTree.fromstring(falling.svg(["train_loss"]))
    assert "best constant" in [text.text for text in root.iter(f"{SVG}text")]
    assert "- best constant" in picture(falling, ["train_loss"])


def test_every_baseline_of_a_job_is_drawn() -> None:
    losses = BaselineLosses(1.0, None)
    ngrams = tuple(NgramLosses(1.0, None, n) for n in (2, 3, 4))
    named = _reference_losses(Baselines(losses, losses, losses, ngrams, None, losses))
    falling = replace(curve(train_loss=[3, 2, 1]), baselines=named)
    (panel,) = panels(falling, ["train_loss"])
    assert [line.metric for line in panel.lines] == ["train_loss", *named]
    assert len({line.mark for line in panel.lines}) == 1 + len(named)


def test_a_curve_is_a_mapping_from_metrics_to_arrays() -> None:
    falling = curve(train_loss=[3, 2, 1], train_accuracy=[0.5, 0.75, 1])
    assert list(falling) == ["train_loss", "train_accuracy"]
    assert "seconds" not in falling
    np.testing.assert_array_equal(falling["train_loss"], [3, 2, 1])
    np.testing.assert_array_equal(falling.epochs["train_loss"], [1, 2, 3])
    assert repr(falling) == "<Curve of 3 epochs: train_loss, train_accuracy>"


def test_values_that_are_not_finite_stay_in_the_arrays() -> None:
    np.testing.assert_array_equal(
        curve(train_loss=[1, "NaN", "Infinity"])["train_loss"], [1, math.nan, math.inf]
    )


def test_losses_and_accuracies_stand_on_axes_of_their_own() -> None:
    drawn = panels(
        curve(train_loss=[1], seconds=[1], train_accuracy=[1], validation_loss=[1]),
        ["train_loss", "validation_loss", "train_accuracy", "seconds"],
    )
    assert [(p.title, [line.metric for line in p.lines]) for p in drawn] == [
        ("loss", ["train_loss", "validation_loss"]),
        ("accuracy", ["train_accuracy"]),
        ("seconds", ["seconds"]),
    ]


def test_a_loss_that_falls_by_orders_of_magnitude_is_drawn_on_a_logarithmic_scale() -> None:
    (steep,) = panels(curve(train_loss=[1, 0.1, 0.001]), ["train_loss"])
    (flat,) = panels(curve(train_loss=[1, 0.5, 0.4]), ["train_loss"])
    (zero,) = panels(curve(train_loss=[1, 0.1, 0]), ["train_loss"])
    assert (steep.log, flat.log, zero.log) == (True, False, False)
    np.testing.assert_allclose(steep.scaled([0.001, 1]), [-3, 0])


@pytest.mark.parametrize(
    ("low", "high", "log", "expected"),
    [
        (0, 1, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.31, 0.52, False, [0.35, 0.4, 0.45, 0.5]),
        (-1200, 900, False, [-1000, -500, 0, 500]),
        (0.003, 20, True, [0.01, 0.1, 1, 10]),
        (1e-30, 1e30, True, [1e-30, 1e-20, 1e-10, 1, 1e10, 1e20, 1e30]),
        (0.2, 0.9, True, [0.2, 0.4, 0.6, 0.8]),
        (5, 5, False, [5]),
    ],
)
def test_ticks_are_round_numbers_within_the_axis(
    low: float, high: float, log: bool, expected: list[float]
) -> None:
    assert ticks(low, high, log=log) == pytest.approx(expected)


def test_the_svg_is_one_well_formed_picture_with_an_accessible_name() -> None:
    text = curve(train_loss=[3, 2, 1], validation_loss=[3, 2.5, 2]).svg()
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Curve of 3 epochs: train_loss, validation_loss"
    train, validation = root.iter(f"{SVG}polyline")
    assert train.get("stroke-dasharray") is None
    assert validation.get("stroke-dasharray") is not None
    assert "script" not in text
    assert re.findall(r"https?://[^\"]+", text) == ["http://www.w3.org/2000/svg"]


def test_the_svg_draws_the_first_and_the_last_epoch_at_the_ends_of_the_axes() -> None:
    root = ElementTree.fromstring(curve(train_loss=[3, 2, 1]).svg())
    (line,) = root.iter(f"{SVG}polyline")
    points = [tuple(map(float, pair.split(","))) for pair in line.get("points", "").split()]
    # Axes reach from (52, 44) to (330, 186); y grows downward.
    assert points == [(52, 44), (191, 115), (330, 186)]


def test_what_is_not_finite_is_named_and_marked_but_not_drawn() -> None:
    diverged = curve(train_loss=[1, 100, "NaN", "Infinity"])
    root = ElementTree.fromstring(diverged.svg())
    texts = [node.text for node in root.iter(f"{SVG}text")]
    assert "not finite from epoch 3" in texts
    assert texts.count("✕") == 1
    (line,) = root.iter(f"{SVG}polyline")
    assert len(line.get("points", "").split()) == 2
    assert "not finite from epoch 3" in picture(diverged, ["train_loss"])


@pytest.mark.parametrize("series", [{}, {"train_loss": []}, {"train_loss": ["NaN"]}])
def test_a_run_without_anything_to_draw_is_no_error(series: dict[str, list[float | str]]) -> None:
    nothing = curve(**series)
    assert nothing._repr_html_()
    assert picture(nothing, ["train_loss"]) == ""


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [0, 0], [1e300, 1e-300], [-1, -1]])
def test_single_equal_and_extreme_values_can_be_drawn(values: list[float | str]) -> None:
    flat = curve(train_loss=values)
    ElementTree.fromstring(flat.svg())
    assert "train_loss" in picture(flat, ["train_loss"])


def test_the_terminal_picture_tells_lines_apart_without_color() -> None:
    text = picture(
        curve(train_loss=[1, 0.5, 0.25], validation_loss=[4, 3.8, 3.5]),
        ["train_loss", "validation_loss"],
        width=60,
        height=12,
    )
    lines = text.splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 60
    assert "▀▀ train_loss   ⠒⠒ validation_loss" in lines[0]
    assert re.search("[▀-▟]", text.partition("\n")[2])
    assert re.search("[⠁-⣿]", text.partition("\n")[2])
    assert "\x1b" not in text
    assert "\x1b" in picture(curve(train_loss=[2, 1]), ["train_loss"], color=True)


def test_plot_prints_without_color_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    curve(train_loss=[3, 2, 1]).plot()
    printed = capsys.readouterr().out
    assert "train_loss" in printed
    assert "\x1b" not in printed


def test_to_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(epochal.MissingDependency, match=r'pip install "epochal\[pandas\]"'):
        curve(train_loss=[1]).to_pandas()


def test_to_pandas_has_a_row_for_each_epoch_and_a_column_for_each_metric() -> None:
    pytest.importorskip("pandas")
    thinned = Curve.of(
        {
            "epochs": 3,
            "series": [
                {"metric": "train_loss", "epochs": [1, 3], "values": [3, 1]},
                {"metric": "seconds", "epochs": [2, 3], "values": [7, 8]},
            ],
        }
    )
    frame = thinned.to_pandas()
    assert frame.index.name == "epoch"
    assert frame.index.tolist() == [1, 2, 3]
    np.testing.assert_array_equal(frame["train_loss"], [3, math.nan, 1])
    np.testing.assert_array_equal(frame["seconds"], [math.nan, 7, 8])
