"""Runs with a planted fault, and healthy ones, on data of other kinds than `_faults` has.

Time series, periodic ones, rare classes, texts, images, categories and questionnaires. As there,
bases with an even place in the list are for tuning the diagnosis, the others for the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from benchmarks._faults import (
    FAMILIES,
    RNG,
    Base,
    Case,
    Change,
    Family,
    Spec,
    columns_of,
    dense,
    faults_on,
    healthy_on,
    is_recurrent,
    is_regression,
    mlp,
    spec,
    table,
)

from epochal_service.datasets import Dataset

# ------------------------------------------------------------------------------------ data sets


def windows(name: str, series: Any, length: int, rows: int, more: Any = None) -> Dataset:
    """Return the samples `(length numbers, the next number)` of a series."""
    lags = np.lib.stride_tricks.sliding_window_view(series, length + 1)[:rows]
    inputs = lags[:, :-1] if more is None else np.concatenate([lags[:, :-1], more[:rows]], 1)
    return table(name, "regression", inputs, lags[:, -1:].copy())


def tides(seed: int) -> Dataset:
    """The height of the water, in meters: the moon's tide, the sun's, and waves."""
    rng, hours = RNG(seed), np.arange(420.0)
    height = np.sin(2 * np.pi * hours / 12.42) + 0.4 * np.sin(2 * np.pi * hours / 12.0 + 1.0)
    return windows("tides", height + 0.02 * rng.normal(size=420), 8, 400)


def demand(seed: int) -> Dataset:
    """A daily demand with a week and a slow growth; the day of the week is an input, too."""
    rng, days = RNG(seed), np.arange(380.0)
    week = np.array([0.0, 0.1, 0.1, 0.3, 0.8, 1.5, 1.1])
    series = week[days.astype(int) % 7] + 0.002 * days + 0.05 * rng.normal(size=380)
    angle = 2 * np.pi * (days[7:] % 7) / 7
    return windows("demand", series, 7, 370, np.stack([np.sin(angle), np.cos(angle)], 1))


def logistic_map(seed: int) -> Dataset:
    """A chaotic series without noise: each number is a function of the previous one."""
    series = np.empty(360)
    series[0] = RNG(seed).uniform(0.2, 0.8)
    for k in range(1, 360):
        series[k] = 3.9 * series[k - 1] * (1.0 - series[k - 1])
    return windows("logistic_map", series, 3, 350)


def pendulum(seed: int) -> Dataset:
    """The angle of a pendulum, measured so often that neighbors hardly differ."""
    rng, time = RNG(seed), np.arange(440) * 0.1
    angle = np.exp(-0.01 * time) * np.sin(2.0 * time) + 0.005 * rng.normal(size=440)
    return windows("pendulum", angle, 4, 430)


def fraud(seed: int) -> Dataset:
    """Payments, 8 % of them fraud, which differ from the others in two of six features."""
    rng = RNG(seed)
    labels = (rng.random(700) < 0.08).astype(np.int64)
    x = rng.normal(size=(700, 6))
    x[:, :2] += 2.6 * labels[:, None]
    return table("fraud", "binary", x, labels)


def defects(seed: int) -> Dataset:
    """Products: most are sound, and two kinds of defects are rare."""
    rng = RNG(seed)
    labels = rng.choice(3, size=700, p=[0.8, 0.13, 0.07])
    centers = np.array([[0, 0, 0, 0, 0], [3, 0, 2, 0, 0], [0, 3, -2, 0, 1]])
    return table("defects", "multiclass", centers[labels] + rng.normal(size=(700, 5)), labels)


def reviews(seed: int) -> Dataset:
    """Texts as counts of 30 words; each of three topics has its own words."""
    rng = RNG(seed)
    labels = np.arange(450) % 3
    rates = np.full((3, 30), 0.25)
    for topic in range(3):
        rates[topic, 6 * topic : 6 * topic + 6] = 1.0
    counts = rng.poisson(rates[labels]).astype(np.float64)
    return table("reviews", "multiclass", counts, labels)


def tickets(seed: int) -> Dataset:
    """Texts of 8 tokens, most of them of the topic and some of any."""
    rng = RNG(seed)
    labels = np.arange(400) % 4
    of_topic = 8 * labels[:, None] + rng.integers(8, size=(400, 8))
    tokens = np.where(rng.random((400, 8)) < 0.5, of_topic, rng.integers(40, size=(400, 8)))
    return table("tickets", "multiclass", tokens, labels)


def stripes(seed: int) -> Dataset:
    """Images of 8 by 8 pixels with stripes in one of four directions."""
    rng = RNG(seed)
    labels = np.arange(400) % 4
    y, x = np.mgrid[:8, :8]
    angle = (labels * np.pi / 4 + 0.1 * rng.normal(size=400))[:, None, None]
    along = np.cos(angle) * x + np.sin(angle) * y
    image = np.sin(1.8 * along + rng.uniform(0, 2 * np.pi, size=(400, 1, 1)))
    image += 0.3 * rng.normal(size=image.shape)
    return table("stripes", "multiclass", image.reshape(400, 64), labels)


def shapes(seed: int) -> Dataset:
    """Images of 8 by 8 pixels with a square, a cross or a ring of 5 pixels."""
    rng = RNG(seed)
    labels = np.arange(390) % 3
    y, x = np.mgrid[-2:3, -2:3]
    masks = np.stack([np.ones((5, 5)), (x * y == 0) * 1.0, np.maximum(abs(x), abs(y)) == 2])
    image = 0.3 * rng.normal(size=(390, 8, 8))
    for k, (top, left) in enumerate(rng.integers(4, size=(390, 2))):
        image[k, top : top + 5, left : left + 5] += masks[labels[k]]
    return table("shapes", "multiclass", image.reshape(390, 64), labels)


def prices(seed: int) -> Dataset:
    """Prices by area, age and district, some far higher than most."""
    rng = RNG(seed)
    district = rng.integers(5, size=450)
    area, age = rng.lognormal(0.0, 0.4, 450), rng.uniform(0, 1, 450)
    price = area * (0.6 + 0.25 * district) * (1.0 - 0.4 * age) * np.exp(0.08 * rng.normal(size=450))
    x = np.concatenate([np.stack([area, age], 1), np.eye(5)[district]], 1)
    return table("prices", "regression", x, price[:, None])


def bikes(seed: int) -> Dataset:
    """Bikes that are hired in an hour: two peaks a day, fewer when it is cold or a weekend."""
    rng = RNG(seed)
    hour, warm = rng.integers(24, size=450), rng.normal(size=450)
    weekend = (rng.random(450) < 0.3) * 1.0
    peaks = np.exp(-((hour - 8) ** 2) / 8) + np.exp(-((hour - 17) ** 2) / 10)
    rate = 4 + 30 * np.exp(0.3 * warm) * (peaks * (1 - 0.7 * weekend) + 0.2)
    x = np.stack([hour / 4.0 - 3.0, warm, weekend], 1)
    return table("bikes", "regression", x, rng.poisson(rate)[:, None] / 10.0)


def rhythms(seed: int) -> Dataset:
    """Sequences of 12 numbers: does the wave have a short period or a long one?"""
    rng = RNG(seed)
    labels = np.arange(360) % 2
    period = np.where(labels == 1, 4.0, 7.0) * rng.uniform(0.85, 1.15, 360)
    phase = rng.uniform(0, 2 * np.pi, 360)
    x = np.sin(2 * np.pi * np.arange(12) / period[:, None] + phase[:, None])
    return table("rhythms", "binary", x + 0.1 * rng.normal(size=x.shape), labels)


def beats(seed: int) -> Dataset:
    """Sequences of 10 numbers of waves with any period; the next number is the target."""
    rng = RNG(seed)
    period, phase = rng.uniform(4, 12, 360), rng.uniform(0, 2 * np.pi, 360)
    x = np.sin(2 * np.pi * np.arange(11) / period[:, None] + phase[:, None])
    x += 0.05 * rng.normal(size=x.shape)
    return table("beats", "regression", x[:, :-1], x[:, -1:].copy())


def votes(seed: int) -> Dataset:
    """16 votes, yes or no, of members of two parties, who differ in most questions."""
    rng = RNG(seed)
    labels = np.arange(400) % 2
    share = np.linspace(0.5, 0.85, 16)
    yes = rng.random((400, 16)) < np.where(labels[:, None] == 1, share, 1.0 - share)
    return table("votes", "binary", yes * 2.0 - 1.0, labels)


def survey(seed: int) -> Dataset:
    """Answers from 1 to 5 to ten questions, by three groups of people."""
    rng = RNG(seed)
    labels = np.arange(420) % 3
    means = RNG(5).uniform(1.8, 4.2, size=(3, 10))
    answers = np.clip(np.rint(means[labels] + 0.9 * rng.normal(size=(420, 10))), 1, 5)
    return table("survey", "multiclass", answers, labels)


def thermometer(seed: int) -> Dataset:
    """The temperature in the next minute: nearly the one now; wind and clouds matter little."""
    rng, minutes = RNG(seed), np.arange(401)
    wind = rng.normal(size=(401, 3))
    heat = np.sin(2 * np.pi * minutes / 300) + 0.02 * np.cumsum(rng.normal(size=401))
    inputs = np.concatenate([heat[:-1, None], wind[:-1]], 1)
    target = heat[1:] + 0.01 * wind[:-1, 0]
    return table("thermometer", "regression", inputs, target[:, None])


def orbit(seed: int) -> Dataset:
    """The height of a satellite, one of its lags, and three numbers that do not matter."""
    time = np.arange(400) + 0.5 * seed
    height = np.sin(2 * np.pi * time / 73.0)
    inputs = np.concatenate([height[:-1, None], RNG(seed).normal(size=(399, 3))], 1)
    return table("orbit", "regression", inputs, height[1:, None])


def clockwork(seed: int) -> Dataset:
    """An exact period of 25 steps, for ever, as 4 lags."""
    steps = np.arange(400) + seed
    return windows("clockwork", np.sin(2 * np.pi * (steps % 25) / 25.0), 4, 390)


def shifts(seed: int) -> Dataset:
    """Does a machine run in the next hour? Nearly always as in this one, with a noisy sensor."""
    rng = RNG(seed)
    runs = (np.cumsum(rng.random(451) < 0.02) % 2).astype(np.int64)
    sensors = rng.normal(size=(450, 3)) + 0.8 * runs[:-1, None]
    inputs = np.concatenate([2.0 * runs[:-1, None] - 1.0, sensors], 1)
    return table("shifts", "binary", inputs, runs[1:])


def convolution(outputs: int) -> Spec:
    layers = [
        {"type": "reshape", "shape": [8, 8, 1]},
        {"type": "conv2d", "filters": 8, "kernel_size": 3, "activation": "relu"},
        {"type": "max_pool2d", "pool_size": 2},
        {"type": "flatten"},
        dense(outputs, "softmax"),
    ]
    return {"input_shape": [64], "layers": layers}


def recurrent(kind: str, steps: int, outputs: int, activation: str) -> Spec:
    layers = [
        {"type": "reshape", "shape": [steps, 1]},
        {"type": kind, "units": 16},
        dense(outputs, activation),
    ]
    return {"input_shape": [steps], "layers": layers}


def embedding(tokens: int, length: int, outputs: int) -> Spec:
    layers = [
        {"type": "embedding", "vocabulary": tokens, "units": 12},
        {"type": "global_average_pool"},
        dense(outputs, "softmax"),
    ]
    return {"input_shape": [length], "layers": layers}


def _bases() -> list[Base]:
    bce, ce = "binary_cross_entropy", "cross_entropy"

    def numbers(inputs: int, hidden: list[int], activation: str) -> Spec:
        return mlp(inputs, hidden, activation, 1, "linear")

    listed: list[tuple[Callable[[int], Dataset], Spec]] = [
        # The even ones, from 0, are for tuning.
        (tides, spec("tides", numbers(8, [24], "tanh"), "mse", 0.01, 60)),
        (demand, spec("demand", numbers(9, [24], "relu"), "mse", 0.01, 60)),
        (logistic_map, spec("logistic_map", numbers(3, [24, 24], "tanh"), "mse", 0.02, 80)),
        (pendulum, spec("pendulum", numbers(4, [16], "tanh"), "mse", 0.01, 50)),
        (fraud, spec("fraud", mlp(6, [16], "tanh", 1, "sigmoid"), bce, 0.01, 30)),
        (defects, spec("defects", mlp(5, [16], "relu", 3, "softmax"), ce, 0.01, 30)),
        (reviews, spec("reviews", mlp(30, [16], "relu", 3, "softmax"), ce, 0.003, 15)),
        (tickets, spec("tickets", embedding(40, 8, 4), ce, 0.02, 18)),
        (stripes, spec("stripes", convolution(4), ce, 0.005, 25)),
        (shapes, spec("shapes", convolution(3), ce, 0.01, 25)),
        (prices, spec("prices", numbers(7, [32], "relu"), "mse", 0.01, 60, "standard")),
        (bikes, spec("bikes", numbers(3, [32, 32], "relu"), "mse", 0.01, 80, "standard")),
        (rhythms, spec("rhythms", recurrent("gru", 12, 1, "sigmoid"), bce, 0.01, 40)),
        (beats, spec("beats", recurrent("lstm", 10, 1, "linear"), "mse", 0.02, 60)),
        (votes, spec("votes", mlp(16, [8], "tanh", 1, "sigmoid"), bce, 0.005, 20)),
        (survey, spec("survey", mlp(10, [16], "relu", 3, "softmax"), ce, 0.005, 25, "standard")),
        (orbit, spec("orbit", numbers(4, [16], "tanh"), "mse", 0.01, 50)),
        (thermometer, spec("thermometer", numbers(4, [16], "relu"), "mse", 0.01, 50)),
        (clockwork, spec("clockwork", numbers(4, [16, 16], "relu"), "mse", 0.01, 50)),
        (shifts, spec("shifts", mlp(4, [8], "tanh", 1, "sigmoid"), bce, 0.01, 25)),
    ]
    return [Base(make.__name__, make, spec, at % 2 == 1) for at, (make, spec) in enumerate(listed)]


OTHER_BASES = _bases()


# --------------------------------------------------------------------------------------- faults


def takes_tokens(spec: Spec) -> bool:
    return bool(spec["network"]["layers"][0]["type"] == "embedding")


def is_image(spec: Spec) -> bool:
    return any(layer["type"] == "conv2d" for layer in spec["network"]["layers"])


def is_mlp(spec: Spec) -> bool:
    return all(layer["type"] == "dense" for layer in spec["network"]["layers"])


REPEATED = (
    "rate_far_too_high", "rate_too_low", "rate_low_sgd", "exploding_gradients",
    "vanishing_gradients", "dead_units", "large_weights", "symmetric_weights", "unscaled_inputs",
    "unscaled_targets", "output_activation", "wrong_loss", "label_noise", "overfitting", "plateau",
    "small_batches",
)  # fmt: skip
"""Families of `_faults` that are planted here, too."""


def _fitting(family: Family) -> Family:
    """Return the family for the bases here: tokens have no size, and no price is below 0."""

    def plant(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
        is_positive = data.task == "regression" and data.targets.min() >= 0.0
        if takes_tokens(spec) or (family.name == "output_activation" and is_positive):
            return None
        return family.plant(data, spec, rng)

    return replace(family, plant=plant)


OTHER_FAMILIES: list[Family] = []


def family(*accepted: str) -> Callable[[Any], Any]:
    """Register a function that plants a fault of these kinds."""

    def register(plant: Any) -> Any:
        OTHER_FAMILIES.append(Family(plant.__name__, accepted, plant))
        return plant

    return register


def appended(data: Dataset, columns: Any, spec: Spec) -> Dataset:
    """Return the data with more columns of inputs, for which the network of the spec is changed."""
    inputs = np.concatenate([data.inputs, columns], 1)
    spec["network"]["input_shape"] = [inputs.shape[1]]
    changed = table(data.name, data.task, inputs, data.targets)
    return replace(changed, class_names=data.class_names)


@family("tight_clipping")
def tight_clipping(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    spec["optimizer"] = {"type": "momentum", "learning_rate": 0.03}
    how = [{"norm": 0.001}, {"norm": 0.003}, {"value": 0.0001}][rng.integers(3)]
    spec["clipping"] = how
    return data, spec


@family("large_batches")
def large_batches(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    spec["batch_size"] = int(rng.choice([256, 512]))
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.002}
    spec["epochs"] = 15
    return data, spec


@family("strong_augmentation")
def strong_augmentation(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if takes_tokens(spec):
        return None
    if is_image(spec):
        # The augmentation of images of this shape changes what the network reads.
        layers = spec["network"]["layers"]
        spec["network"] = {"input_shape": layers[0]["shape"], "layers": layers[1:]}
    deviation = float(rng.choice([2.0, 4.0]))
    spec["augmentation"] = [{"type": "noise", "standard_deviation": deviation}]
    return data, spec


@family("leakage")
def repeated_rows(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if takes_tokens(spec):
        return None
    copies = int(rng.integers(3, 7))
    rows = np.repeat(rng.permutation(data.samples)[: 900 // copies], copies)
    return replace(data, inputs=data.inputs[rows], targets=data.targets[rows]), spec


@family("leakage")
def copied_target(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if not is_mlp(spec):
        return None
    if data.task == "regression":
        y = data.targets[:, :1]
        standard = (y - y.mean()) / y.std()
        how = rng.integers(3)
        copy = np.rint(standard * 100) / 100 if how == 0 else 3.0 - 1.7 * standard
        if how == 2:
            copy = np.log(y) if y.min() > 0.0 else np.exp(y)
    else:
        copy = (RNG(3).permutation(len(data.class_names))[data.targets] * 1.5 - 1.0)[:, None]
    return appended(data, copy, spec), spec


@family("constant_inputs")
def constant_columns(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if not is_mlp(spec) or spec["dataset"]["scaling"] != "none":
        return None
    value = float(rng.choice([100.0, 365.0, 2024.0]))
    return appended(data, np.full((data.samples, int(rng.integers(1, 3))), value), spec), spec


@family("shifted_inputs")
def shifted_inputs(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if takes_tokens(spec):
        return None
    spec["dataset"]["scaling"] = "none"
    inputs = (data.inputs - data.inputs.mean(0)) / data.inputs.std(0)
    return replace(data, inputs=inputs + float(rng.choice([15.0, 40.0, 100.0]))), spec


@family("class_imbalance")
def rare_answers(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    """A share of up to 16 %, in the midst of the other class, so that the answer is always no."""
    if is_regression(spec) or takes_tokens(spec) or is_image(spec) or is_recurrent(spec):
        return None
    share, features = float(rng.choice([0.06, 0.12, 0.16])), int(rng.integers(4, 12))
    rare = rng.random(600) < share
    inputs = rng.normal(size=(600, features))
    inputs[rare] += 1.0 / np.sqrt(features)
    spec["network"] = mlp(features, [16], str(rng.choice(["tanh", "relu"])), 1, "sigmoid")
    spec["loss"] = "binary_cross_entropy"
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.003}
    spec["epochs"] = 20
    return table(data.name, "binary", inputs, rare.astype(np.int64)), spec


@family("underfitting")
def too_few_units(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if spec["dataset"]["name"] not in ("logistic_map", "bikes", "beats", "pendulum", "rhythms"):
        return None
    if is_recurrent(spec):
        spec["network"]["layers"][1] = {"type": "rnn", "units": 1}
    else:
        few = [dense(1, "tanh")] if rng.random() < 0.5 else []
        spec["network"]["layers"] = [*few, spec["network"]["layers"][-1]]
        spec["optimizer"] = {"type": "adam", "learning_rate": 0.03}
    # A fault only where a line does badly.
    losses = columns_of(data, spec)["validation_loss"]
    return (data, spec) if losses[-1] > 0.2 * data.targets.var() or is_recurrent(spec) else None


@family("small_initial_weights")
def small_gain(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    """Weights that a deeper network would hide: the new layer would have weights of usual size."""
    if is_recurrent(spec) or not is_mlp(spec):
        return None
    gain = float(rng.choice([0.003, 0.01, 0.03]))
    layers = [*spec["network"]["layers"]]
    layers.insert(1, dense(16, "tanh"))
    for layer in layers:
        layer["initializer_gain"] = gain
    spec["network"]["layers"] = layers
    spec["optimizer"] = {"type": "sgd", "learning_rate": 0.05}
    return data, spec


@family("exploding_gradients", "learning_rate_too_high")
def exploding_recurrence(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if not (is_recurrent(spec) or spec["dataset"]["name"] in ("tides", "demand", "pendulum")):
        return None
    *_, output = spec["network"]["layers"]
    spec["network"]["layers"] = [
        {"type": "reshape", "shape": [data.features, 1]},
        {"type": "rnn", "units": 32},
        output,
    ]
    spec["optimizer"] = {"type": "sgd", "learning_rate": float(rng.choice([1.0, 3.0]))}
    spec["target_scaling"] = "none"
    return replace(data, targets=30.0 * data.targets) if is_regression(spec) else data, spec


def other_faults(seed: int) -> Iterator[Case]:
    """Yield the runs with a planted fault, for one seed of data and training."""
    repeated = [_fitting(family) for family in FAMILIES if family.name in REPEATED]
    return chain(
        faults_on(OTHER_BASES, repeated, 1, seed), faults_on(OTHER_BASES, OTHER_FAMILIES, 3, seed)
    )


def other_healthy(seed: int) -> Iterator[Case]:
    """Yield runs without a fault: each base as it is, and with other usual choices."""
    return healthy_on(OTHER_BASES, HEALTHY, seed)


def _rmsprop(data: Dataset, spec: Spec) -> Any:
    spec["optimizer"] = {"type": "rmsprop", "learning_rate": 0.003}
    return data, spec


def _wider(data: Dataset, spec: Spec) -> Any:
    for layer in spec["network"]["layers"][:-1]:
        for name in ("units", "filters"):
            if name in layer:
                layer[name] *= 2
    return data, spec


def _other_draw(data: Dataset, spec: Spec) -> Any:
    """Return other samples and smaller batches."""
    base = next(base for base in OTHER_BASES if base.name == spec["dataset"]["name"])
    spec["batch_size"] = 16
    return base.dataset(spec["seed"] + 100), spec


HEALTHY: dict[str, Change] = {
    "as it is": lambda data, spec: (data, spec),
    "rmsprop": _rmsprop,
    "wider": _wider,
    "other samples": _other_draw,
}
