"""One hidden layer of growing width over HTTP."""

import math
from typing import Any

import numpy as np
import pytest
from tests.course.explorers.conftest import Ask

from epochal_course.explorers.curve_fits import Evaluation, Points, damped_step
from epochal_engine import ACTIVATIONS


def test_a_sine_is_fitted_ever_better_by_wider_layers(ask: Ask) -> None:
    reply = ask("approximation", seeds=20, steps=30)
    medians = {fit["width"]: fit["median_error"] for fit in reply["widths"]}
    # Medians of 20 seeds after long runs of gradient descent: a good optimizer is at least as near.
    long_runs = {1: 0.235, 2: 0.190, 4: 0.015, 8: 2.8e-4, 16: 2.4e-5, 32: 1.2e-5}
    assert all(medians[width] <= error for width, error in long_runs.items())
    assert medians[1] > 0.05
    assert medians[1] > medians[2] > medians[4]
    assert max(medians[8], medians[16], medians[32]) < 1e-5
    assert [fit["parameters"] for fit in reply["widths"]] == [4, 7, 13, 25, 49, 97]


def test_the_errors_are_those_of_the_curves(ask: Ask) -> None:
    reply = ask("approximation", target="bump", samples=129, widths=[3], seeds=4, steps=10)
    (fit,) = reply["widths"]
    # With 129 samples, the samples are the points of the curve.
    assert reply["inputs"] == pytest.approx(reply["curve_inputs"])
    error = np.square(np.array(fit["curve"]) - reply["outputs"]).mean()
    assert error == pytest.approx(fit["errors"][fit["curve_seed"]])
    assert sorted(fit["errors"])[1] == fit["errors"][fit["curve_seed"]]
    assert fit["median_error"] == pytest.approx(np.median(fit["errors"]))
    assert fit["best_error"] == min(fit["errors"])


def test_one_tanh_makes_the_best_single_step_that_there_is(ask: Ask) -> None:
    """Against a search over each slope and center, with the best scale and offset for each."""
    reply = ask("approximation", widths=[1], seeds=5, steps=100)
    x, y = np.array(reply["inputs"]), np.array(reply["outputs"])
    best = math.inf
    for slope in np.linspace(0.05, 3.0, 60):
        for place in np.linspace(-math.pi, math.pi, 61):
            features = np.stack([np.tanh(slope * (x - place)), np.ones_like(x)], axis=1)
            _, residual, *_ = np.linalg.lstsq(features, y)
            best = min(best, float(residual[0]) / len(x))
    assert reply["widths"][0]["best_error"] == pytest.approx(best, rel=0.02)
    assert reply["widths"][0]["best_error"] <= best


def test_without_an_activation_width_brings_nothing(ask: Ask) -> None:
    reply = ask("approximation", activation="linear", widths=[1, 8], seeds=2)
    x, y = np.array(reply["inputs"]), np.array(reply["outputs"])
    _, residual, *_ = np.linalg.lstsq(np.stack([x, np.ones_like(x)], axis=1), y)
    for fit in reply["widths"]:
        assert fit["best_error"] == pytest.approx(float(residual[0]) / len(x), rel=1e-6)


def test_one_tanh_fits_a_step_and_three_fit_four_points_exactly(ask: Ask) -> None:
    reply = ask("approximation", target="step", widths=[1], tolerance=0)
    assert reply["widths"][0]["best_error"] < 1e-9
    reply = ask(
        "approximation",
        inputs=[0.0, 1.0, 2.0, 3.0],
        outputs=[0.0, 1.0, 0.5, 2.0],
        widths=[3],
        steps=100,
        tolerance=0,
    )
    assert reply["widths"][0]["best_error"] < 1e-12


def test_a_fit_stops_when_its_error_is_at_most_the_tolerance(ask: Ask) -> None:
    """The steps before are the same as without a tolerance."""
    request: dict[str, Any] = {"widths": [1, 8, 16], "seeds": 4}
    reply = ask("approximation", tolerance=1e-5, **request)
    limit = 1e-5 * reply["constant_error"]
    whole = ask("approximation", tolerance=0, **request)
    assert [fit["steps"] for fit in whole["widths"]] == [[40] * 4] * 3
    # The narrowest layer with a median within the tolerance is as good as wider ones.
    assert reply["verdict"].endswith(
        f"for 8 (medians over the seeds). Fits stop at an error of {limit:.4g}."
    )
    narrow, *wide = reply["widths"]
    assert min(narrow["errors"]) > limit
    for fit in wide:
        for seed, (error, steps) in enumerate(zip(fit["errors"], fit["steps"], strict=True)):
            assert 1 < steps < 40
            # Alone, a fit is the same but for rounding, which its steps do not amplify.
            alone: dict[str, Any] = {"widths": [fit["width"]], "seeds": 1, "seed": seed}
            at_the_end, before = (
                ask("approximation", steps=count, tolerance=0, **alone)["widths"][0]["best_error"]
                for count in (steps, steps - 1)
            )
            assert error == pytest.approx(at_the_end, rel=1e-2)
            assert at_the_end <= limit < before


@pytest.mark.parametrize(("activation", "width"), [("tanh", 1), ("relu", 4), ("linear", 8)])
def test_a_fit_stops_when_its_steps_hardly_change_the_error(
    ask: Ask, activation: str, width: int
) -> None:
    request: dict[str, Any] = {"activation": activation, "widths": [width]}
    reply = ask("approximation", **request)
    limit = 1e-6 * reply["constant_error"]
    (stopped,) = reply["widths"]
    (whole,) = ask("approximation", tolerance=0, **request)["widths"]
    assert whole["steps"] == [40] * 5
    for error, last, steps in zip(
        stopped["errors"], whole["errors"], stopped["steps"], strict=True
    ):
        assert steps < 30
        assert error > limit
        assert error - last < limit


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_narrow_layers_are_fitted_together_as_each_alone(ask: Ask, activation: str) -> None:
    """Sigmoid is not 0 at 0, where units that a narrower layer does not have would be."""
    request: dict[str, Any] = {"activation": activation, "steps": 8, "samples": 12}
    together = ask("approximation", widths=[3, 1, 4, 2], **request)
    for fit in together["widths"]:
        (alone,) = ask("approximation", widths=[fit["width"]], **request)["widths"]
        assert fit["parameters"] == alone["parameters"] == 3 * fit["width"] + 1
        assert fit["steps"] == alone["steps"]
        assert fit["errors"] == pytest.approx(alone["errors"], rel=1e-3)
        assert fit["curve"] == pytest.approx(alone["curve"], abs=1e-3)


def test_the_best_constant_misses_by_the_variance(ask: Ask) -> None:
    reply = ask("approximation", inputs=[0.0, 1.0], outputs=[3.0, 7.0], widths=[1], steps=1)
    assert reply["constant_error"] == 4.0
    assert (reply["target"], reply["formula"]) == ("points", None)


def test_the_scale_of_the_points_is_of_no_consequence(ask: Ask) -> None:
    x, y = np.linspace(0.0, 1.0, 20), np.linspace(0.0, 1.0, 20) ** 3
    small = ask("approximation", inputs=x.tolist(), outputs=y.tolist(), widths=[2], steps=15)
    large = ask(
        "approximation",
        inputs=(1e3 * x - 5e4).tolist(),
        outputs=(1e5 * y + 1e4).tolist(),
        widths=[2],
        steps=15,
    )
    (a,), (b,) = small["widths"], large["widths"]
    assert b["median_error"] == pytest.approx(1e10 * a["median_error"], rel=1e-2)


@pytest.mark.parametrize("activation", ["relu", "gelu", "softplus", "sigmoid", "elu", "selu"])
def test_every_nonlinear_activation_fits(ask: Ask, activation: str) -> None:
    reply = ask("approximation", activation=activation, widths=[2, 12], seeds=3)
    few, many = reply["widths"]
    assert many["median_error"] < 1e-3
    assert many["median_error"] < 0.1 * few["median_error"]


def test_points_above_each_other_are_fitted_by_their_mean(ask: Ask) -> None:
    reply = ask("approximation", inputs=[0.0, 0.0, 1.0], outputs=[1.0, 3.0, 0.0], widths=[2])
    assert reply["widths"][0]["best_error"] == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"target": "cosine"}, "target"),
        ({"target": "sine", "inputs": [0.0, 1.0], "outputs": [0.0, 1.0]}, "target"),
        ({"inputs": [0.0, 1.0]}, "outputs"),
        ({"outputs": [0.0, 1.0]}, "inputs"),
        ({"inputs": [0.0, 1.0], "outputs": [0.0, 1.0, 2.0]}, "outputs"),
        ({"inputs": [1.0, 1.0], "outputs": [0.0, 1.0]}, "inputs"),
        ({"activation": "step"}, "activation"),
        ({"activation": "softmax"}, "activation"),
        ({"widths": [65]}, "widths[0]"),
        ({"widths": [64], "seeds": 20, "steps": 400, "samples": 256}, "steps"),
    ],
)
def test_what_does_not_fit_is_named(ask: Ask, request_: dict[str, Any], field: str) -> None:
    problem = ask("approximation", status=400, **request_)
    assert field in [error["field"] for error in problem["errors"]]


def test_the_budget_is_in_the_error_and_in_the_reply(ask: Ask) -> None:
    problem = ask("approximation", widths=[64], seeds=20, steps=300, samples=256, status=400)
    assert "3.0e+09 multiplications and additions" in problem["detail"]
    reply = ask("approximation", widths=[2], steps=2)
    assert 0 < reply["flops"] < reply["max_flops"] == 3e9


def test_the_step_of_many_weights_is_that_of_the_larger_matrix() -> None:
    rng = np.random.default_rng(0)
    for samples, size in ((6, 9), (9, 6)):
        jacobian, residuals = rng.normal(size=(3, samples, size)), rng.normal(size=(3, samples))
        transposed = jacobian.transpose(0, 2, 1)
        damping = np.array([1e-3, 0.1, 10.0])
        is_wide = size > samples
        products = jacobian @ transposed if is_wide else transposed @ jacobian
        now = Points(
            weights=np.zeros((3, size)),
            errors=np.square(residuals).sum(axis=1),
            products=products,
            trace=np.trace(products, axis1=1, axis2=2),
            right=residuals if is_wide else (transposed @ residuals[..., None])[..., 0],
            jacobian=transposed if is_wide else transposed[:, :0],
        )
        for j, r, d, step, decrease in zip(
            jacobian, residuals, damping, *damped_step(now, damping), strict=True
        ):
            expected = np.linalg.solve(j.T @ j + d * np.eye(size), j.T @ r)
            np.testing.assert_allclose(step, expected, rtol=1e-9)
            left = r - j @ expected
            assert decrease == pytest.approx(r @ r - left @ left)


@pytest.mark.parametrize("samples", [9, 40])
def test_the_gradient_is_that_of_differences_with_fitted_output_weights(samples: int) -> None:
    """Nine samples are fewer than the 13 weights, 40 are more."""
    rng = np.random.default_rng(0)
    x, y, start = np.linspace(-1.0, 1.0, samples), rng.normal(size=samples), rng.normal(size=13)

    def residuals(weights: Any) -> Any:
        w, b, v = weights[:12].reshape(3, 4)
        return v @ np.tanh(np.outer(w, x) + b[:, None]) + weights[12] - y

    evaluate = Evaluation(ACTIVATIONS["tanh"], x, y, np.ones((2, 4), bool))
    damping = np.array([0.3, 1e6])
    points = evaluate(np.stack([start, start]), damping, np.arange(2))
    for k, weights in enumerate(points.weights):
        np.testing.assert_array_equal(weights[:8], start[:8])
        # A ridge regression of how much the output weights change.
        features = np.vstack([np.tanh(np.outer(start[:4], x) + start[4:8, None]), np.ones(samples)])
        penalty = np.sqrt(damping[k]) * np.eye(5)
        change, *_ = np.linalg.lstsq(
            np.vstack([features.T, penalty]), np.concatenate([residuals(start), np.zeros(5)])
        )
        np.testing.assert_allclose(weights[8:], start[8:] - change, rtol=1e-7)
        r = residuals(weights)
        assert points.errors[k] == pytest.approx(r @ r)
        jacobian = np.array(
            [
                (residuals(weights + 1e-6 * unit) - residuals(weights - 1e-6 * unit)) / 2e-6
                for unit in np.eye(13)
            ]
        )
        wide = samples < 13
        products = jacobian.T @ jacobian if wide else jacobian @ jacobian.T
        np.testing.assert_allclose(points.products[k], products, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(
            points.right[k], r if wide else jacobian @ r, rtol=1e-6, atol=1e-6
        )
        assert points.jacobian.shape == (2, 13 if wide else 0, samples)
