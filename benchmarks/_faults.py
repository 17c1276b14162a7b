"""Runs with a planted fault, and healthy ones, on small data sets.

A base is a data set with a spec that trains well on it. A fault changes the data or the spec of a
base. Bases with an even place in the list are for tuning the diagnosis; the thresholds were never
looked at with the others, which are for the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from epochal_engine import Run
from epochal_engine.training import join
from epochal_service.datasets import Dataset
from epochal_service.datasets.builtin import load
from epochal_service.preparation.prepared import build
from epochal_service.settings import Limits
from epochal_service.specs.training import TrainingSpec

Spec = dict[str, Any]
RNG = np.random.default_rng


@dataclass(frozen=True)
class Base:
    """A data set and a spec that trains well on it."""

    name: str
    dataset: Callable[[int], Dataset]
    """The data set of a seed."""
    spec: Spec
    is_test: bool

    def copy(self) -> Spec:
        """Return a spec that can be changed."""
        return deepcopy(self.spec)


@dataclass(frozen=True)
class Case:
    """One run: its data set and spec, and the kinds that name its fault."""

    family: str
    base: str
    dataset: Dataset
    spec: Spec
    accepted: tuple[str, ...]
    """The kinds of findings that name the fault; empty for a healthy run."""
    is_test: bool


def dense(units: int, activation: str = "linear", **fields: Any) -> Spec:
    return {"type": "dense", "units": units, "activation": activation, **fields}


def mlp(inputs: int, hidden: list[int], activation: str, outputs: int, output: str) -> Spec:
    layers = [*(dense(units, activation) for units in hidden), dense(outputs, output)]
    return {"input_shape": [inputs], "layers": layers}


def spec(
    name: str,
    network: Spec,
    loss: str,
    rate: float,
    epochs: int,
    scaling: str = "none",
    **more: Any,
) -> Spec:
    return {
        "network": network,
        "dataset": {"name": name, "scaling": scaling},
        "loss": loss,
        "epochs": epochs,
        "batch_size": 32,
        "validation_fraction": 0.3,
        "optimizer": {"type": "adam", "learning_rate": rate},
        **more,
    }


# ------------------------------------------------------------------------------------ data sets


def table(name: str, task: str, inputs: Any, targets: Any) -> Dataset:
    """Return a data set of numbered features, with numbered classes or numbered targets."""
    classes = () if task == "regression" else tuple(map(str, range(int(targets.max()) + 1)))
    outputs = targets.shape[1] if task == "regression" else 1
    return Dataset(
        name=name,
        description="",
        task=task,  # type: ignore[arg-type]
        inputs=np.ascontiguousarray(inputs, np.float64),
        targets=targets,
        feature_names=tuple(f"x{k + 1}" for k in range(inputs.shape[1])),
        class_names=classes,
        target_names=tuple(f"y{k + 1}" for k in range(outputs)),
    )


def some_digits(seed: int) -> Dataset:
    digits = load("digits")
    rows = RNG(seed).permutation(digits.samples)[:500]
    return replace(digits, inputs=digits.inputs[rows], targets=digits.targets[rows])


def friedman(seed: int) -> Dataset:
    """The function of Friedman (1991) of 5 of 8 features, standardized, with noise."""
    rng = RNG(seed)
    x = rng.uniform(size=(400, 8))
    y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    y += 10 * x[:, 3] + 5 * x[:, 4]
    y = (y - 14.4) / 5.0 + 0.1 * rng.normal(size=400)
    return table("friedman", "regression", (x - 0.5) * np.sqrt(12.0), y[:, None])


def waves(seed: int) -> Dataset:
    rng = RNG(seed)
    x = rng.normal(size=(400, 2))
    y = np.sin(2.0 * x[:, :1]) + np.cos(x[:, 1:]) - 0.5 + 0.1 * rng.normal(size=(400, 1))
    return table("waves", "regression", x, y)


def arm(seed: int) -> Dataset:
    """The position of the hand of a robot arm of two links, from its angles."""
    rng = RNG(seed)
    angles = rng.uniform(-1.5, 1.5, size=(400, 2))
    both = angles.sum(1, keepdims=True)
    first = angles[:, :1]
    hand = np.concatenate([np.cos(first) + np.cos(both), np.sin(first) + np.sin(both)], 1)
    return table("arm", "regression", angles, hand - np.array([1.0, 0.0]))


def interaction(seed: int) -> Dataset:
    rng = RNG(seed)
    x = rng.normal(size=(400, 6))
    y = x[:, :1] * x[:, 1:2] + 0.5 * x[:, 2:3] + 0.1 * rng.normal(size=(400, 1))
    return table("interaction", "regression", x, y)


def clouds(classes: int, features: int, spread: float, samples: int) -> Callable[[int], Dataset]:
    """Return clouds with random centers at distance about 2."""

    def draw(seed: int) -> Dataset:
        rng = RNG(seed)
        centers = rng.normal(size=(classes, features))
        centers *= 2.0 / np.linalg.norm(centers, axis=1, keepdims=True)
        labels = np.arange(samples) % classes
        x = centers[labels] + spread * rng.normal(size=(samples, features))
        return table("clouds", "binary" if classes == 2 else "multiclass", x, labels)

    return draw


def xor_cloud(seed: int) -> Dataset:
    rng = RNG(seed)
    x = rng.normal(size=(400, 2))
    labels = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    return table("xor_cloud", "binary", x, labels)


def marked_sum(seed: int) -> Dataset:
    """Sequences of 6 numbers: is the sum positive? One number per time step."""
    rng = RNG(seed)
    x = rng.normal(size=(500, 6))
    return table("sums", "binary", x, (x.sum(1) > 0).astype(np.int64))


def echo(seed: int) -> Dataset:
    """Sequences of 6 numbers; the target at the end is the first one."""
    rng = RNG(seed)
    x = rng.normal(size=(300, 6))
    return table("echo", "regression", x, x[:, :1] + 0.5 * x[:, -1:])


def recurrent(kind: str, outputs: int, activation: str) -> Spec:
    layers = [
        {"type": "reshape", "shape": [6, 1]},
        {"type": kind, "units": 12},
        dense(outputs, activation),
    ]
    return {"input_shape": [6], "layers": layers}


def _bases() -> list[Base]:
    bce, ce = "binary_cross_entropy", "cross_entropy"

    def generated(name: str, **options: Any) -> Callable[[int], Dataset]:
        return lambda seed: load(name, seed=seed, **options)

    listed = [
        # The even ones, from 0, are for tuning.
        ("two_moons", generated("two_moons", samples=300, noise=0.15),
         spec("two_moons", mlp(2, [16, 16], "tanh", 1, "sigmoid"), bce, 0.01, 60)),
        ("circles", generated("circles", samples=300, noise=0.08),
         spec("circles", mlp(2, [24], "relu", 1, "sigmoid"), bce, 0.02, 60)),
        ("iris", generated("iris"),
         spec("iris", mlp(4, [16], "relu", 3, "softmax"), ce, 0.02, 60, "standard")),
        ("wine", generated("wine"),
         spec("wine", mlp(13, [16, 16], "tanh", 3, "softmax"), ce, 0.005, 50, "standard")),
        ("digits", some_digits,
         spec("digits", mlp(64, [32, 32], "relu", 10, "softmax"), ce, 0.005, 30)),
        ("breast_cancer", generated("breast_cancer"),
         spec("breast_cancer", mlp(30, [16], "relu", 1, "sigmoid"), bce, 0.002, 30, "standard")),
        ("friedman", friedman,
         spec("friedman", mlp(8, [64, 32], "relu", 1, "linear"), "mse", 0.005, 100)),
        ("waves", waves,
         spec("waves", mlp(2, [32, 32], "tanh", 1, "linear"), "mse", 0.01, 80)),
        ("sine", generated("sine", samples=200, noise=0.05),
         spec("sine", mlp(1, [32, 32], "tanh", 1, "linear"), "mse", 0.01, 100)),
        ("arm", arm,
         spec("arm", mlp(2, [32, 32], "relu", 2, "linear"), "mse", 0.01, 60)),
        ("sums", marked_sum,
         spec("sums", recurrent("gru", 1, "sigmoid"), bce, 0.01, 40)),
        ("echo", echo,
         spec("echo", recurrent("lstm", 1, "linear"), "mse", 0.02, 60)),
        ("clouds", clouds(3, 4, 0.7, 300),
         spec("clouds", mlp(4, [16], "relu", 3, "softmax"), ce, 0.01, 40)),
        ("xor_cloud", xor_cloud,
         spec("xor_cloud", mlp(2, [16, 16], "relu", 1, "sigmoid"), bce, 0.01, 60)),
        ("pairs", clouds(2, 6, 0.8, 300),
         spec("pairs", mlp(6, [16], "tanh", 1, "sigmoid"), bce, 0.01, 20)),
        ("interaction", interaction,
         spec("interaction", mlp(6, [32, 32], "relu", 1, "linear"), "mse", 0.005, 80)),
    ]  # fmt: skip
    return [
        Base(name, dataset, spec, at % 2 == 1) for at, (name, dataset, spec) in enumerate(listed)
    ]


BASES = _bases()


# --------------------------------------------------------------------------------------- faults

Planted = Callable[[Dataset, Spec, np.random.Generator], tuple[Dataset, Spec] | None]
"""Change a data set and a spec; None if the fault does not fit the base."""


@dataclass(frozen=True)
class Family:
    """A kind of fault, and how it is planted."""

    name: str
    accepted: tuple[str, ...]
    plant: Planted


FAMILIES: list[Family] = []


def family(*accepted: str) -> Callable[[Planted], Planted]:
    """Register a function that plants a fault of these kinds."""

    def register(plant: Planted) -> Planted:
        FAMILIES.append(Family(plant.__name__, accepted, plant))
        return plant

    return register


def hidden(spec: Spec) -> list[Spec]:
    """Return the hidden dense layers of a spec."""
    return [layer for layer in spec["network"]["layers"][:-1] if layer["type"] == "dense"]


def is_recurrent(spec: Spec) -> bool:
    return any(layer["type"] in ("gru", "lstm") for layer in spec["network"]["layers"])


def is_regression(spec: Spec) -> bool:
    return str(spec["loss"]) == "mse"


@family("learning_rate_too_high")
def rate_too_high(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if not (all(layer["activation"] == "tanh" for layer in hidden(spec)) or is_recurrent(spec)):
        return None  # relu units die: see dead_units
    if is_regression(spec):
        spec["optimizer"] = {"type": "adam", "learning_rate": 0.7}
    else:
        spec["optimizer"] = {"type": "momentum", "learning_rate": 4.0}
    return data, spec


@family("learning_rate_too_high")
def rate_far_too_high(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    spec["optimizer"] = {"type": "sgd", "learning_rate": 300.0}
    return data, spec


@family("learning_rate_too_low")
def rate_too_low(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    spec["optimizer"] = {"type": "adam", "learning_rate": 3e-5}
    return data, spec


@family("learning_rate_too_low")
def rate_low_sgd(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    spec["optimizer"] = {"type": "sgd", "learning_rate": 3e-4}
    return data, spec


@family("exploding_gradients")
def exploding_gradients(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return None
    *_, output = spec["network"]["layers"]
    stack = [dense(32, "relu", initializer="he_normal", initializer_gain=1.7) for _ in range(8)]
    spec["network"]["layers"] = [*stack, output]
    spec["optimizer"] = {"type": "sgd", "learning_rate": 0.05}
    return data, spec


@family("vanishing_gradients")
def vanishing_gradients(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return None
    *_, output = spec["network"]["layers"]
    spec["network"]["layers"] = [*(dense(16, "sigmoid") for _ in range(12)), output]
    return data, spec


@family("dead_units", "learning_rate_too_high")
def dead_units(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if not any(layer["activation"] == "relu" for layer in hidden(spec)):
        return None
    spec["optimizer"] = {"type": "adam", "learning_rate": 2.0}
    return data, spec


@family("large_initial_weights")
def large_weights(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return None
    for layer in spec["network"]["layers"]:
        layer["initializer_gain"] = 30.0
    return data, spec


@family("small_initial_weights")
def small_weights(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec) or len(hidden(spec)) < 2:
        return None
    for layer in spec["network"]["layers"]:
        layer["initializer_gain"] = 0.001
    spec["optimizer"] = {"type": "sgd", "learning_rate": 0.1}
    return data, spec


@family("symmetric_weights")
def symmetric_weights(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return None
    for layer in spec["network"]["layers"]:
        layer["initializer"] = "constant" if rng.random() < 0.5 else "zeros"
    return data, spec


@family("unscaled_inputs")
def unscaled_inputs(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    spec["dataset"]["scaling"] = "none"
    scale = np.full(data.features, 200.0)
    if data.features < 8:
        scale = 10.0 ** rng.uniform(1.5, 3.0, data.features)
    if spec["dataset"]["name"] in ("wine", "breast_cancer"):
        return data, spec  # unscaled in their own units
    return replace(data, inputs=data.inputs * scale), spec


@family("tiny_inputs")
def tiny_inputs(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    spec["dataset"]["scaling"] = "none"
    deviations = data.inputs.std(0)
    inputs = data.inputs / np.where(deviations > 0, deviations, 1.0) * 1e-3
    if spec["dataset"]["name"] in ("wine", "breast_cancer"):
        inputs -= inputs.mean(0)
    return replace(data, inputs=inputs), spec


@family("unscaled_targets")
def unscaled_targets(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if not is_regression(spec):
        return None
    spec["target_scaling"] = "none"
    scale = float(rng.choice([300.0, 3e4]))
    return replace(data, targets=data.targets * scale + 2.0 * scale), spec


@family("output_activation")
def output_activation(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if not is_regression(spec):
        return None
    spec["network"]["layers"][-1]["activation"] = str(rng.choice(["sigmoid", "relu"]))
    return data, spec


@family("wrong_loss")
def wrong_loss(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_regression(spec):
        return None
    spec["loss"], activation = [
        ("mse", "linear"), ("mse", "tanh"), ("mse", "relu"), ("mae", "sigmoid"), ("mae", "linear")
    ][rng.integers(5)]  # fmt: skip
    spec["network"]["layers"][-1]["activation"] = activation
    return data, spec


@family("label_noise")
def label_noise(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    wrong = rng.random(data.samples) < 0.3
    if data.task == "regression":
        wrong = rng.random(data.samples) < 0.1
        targets = data.targets.copy()
        targets[wrong] += 15.0 * targets.std() * rng.choice([-1.0, 1.0], (wrong.sum(), 1))
        return replace(data, targets=targets), spec
    classes = len(data.class_names)
    shift = rng.integers(1, classes, data.samples)
    targets = np.where(wrong, (data.targets + shift) % classes, data.targets)
    widen(spec)
    return replace(data, targets=targets), spec


def widen(spec: Spec) -> None:
    for layer in hidden(spec):
        layer["units"] = 64


@family("overfitting")
def overfitting(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return None
    # Features that say nothing, a large network, and few samples.
    rows = rng.permutation(data.samples)[:70]
    inputs = data.inputs[rows]
    inputs = (inputs - inputs.mean(0)) / np.maximum(inputs.std(0), 1e-3)
    inputs = np.concatenate([inputs, rng.normal(size=(70, 20))], 1)
    name = spec["dataset"]["name"]
    targets = data.targets[rows]
    spec["network"]["input_shape"] = [inputs.shape[1]]
    spec["network"]["layers"] = [dense(128, "relu"), spec["network"]["layers"][-1]]
    spec["epochs"] = 200
    spec["dataset"]["scaling"] = "none"
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.01}
    changed = table(name, data.task, inputs, targets)
    changed = replace(changed, class_names=data.class_names)
    losses = columns_of(changed, spec)["validation_loss"]
    if not losses[-20:].mean() > 1.3 * losses.min():
        return None  # some small data sets are so easy that nothing is memorized
    return changed, spec


@family("underfitting")
def underfitting(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    # Only where a small network cannot fit.
    if spec["dataset"]["name"] not in (
        "two_moons", "circles", "friedman", "waves", "sine", "arm", "xor_cloud", "interaction",
    ):  # fmt: skip
        return None
    spec["network"]["layers"] = [
        *([dense(1, "tanh")] if rng.random() < 0.5 else []), spec["network"]["layers"][-1],
    ]  # fmt: skip
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.03}
    return data, spec


@family("class_imbalance")
def class_imbalance(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if spec["dataset"]["name"] not in ("clouds", "pairs", "two_moons", "circles", "xor_cloud"):
        return None
    # The rare class is in the midst of the other: the frequent one is nearly always right.
    size, features = 500, data.features
    rare = np.arange(size) < 25
    inputs = rng.normal(size=(size, features))
    inputs[rare] = 0.7 * inputs[rare] + 1.2 / np.sqrt(features)
    labels = rare.astype(np.int64)
    order = rng.permutation(size)
    spec["network"] = mlp(features, [16], "tanh", 1, "sigmoid")
    spec["loss"] = "binary_cross_entropy"
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.005}
    spec["epochs"] = 30
    return table(spec["dataset"]["name"], "binary", inputs[order], labels[order]), spec


@family("leakage")
def leakage(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return None
    if rng.random() < 0.5:  # duplicate rows
        rows = np.concatenate([np.arange(data.samples), rng.permutation(data.samples)[:150]])
        return replace(data, inputs=data.inputs[rows], targets=data.targets[rows]), spec
    y = np.asarray(data.targets, np.float64).reshape(data.samples, -1)[:, :1]
    if data.task == "regression" and data.targets.shape[1] > 1:
        return None
    copy = np.rint(y / y.std() * 100.0)  # in another unit, and rounded
    inputs = np.concatenate([data.inputs, copy], 1)
    spec["network"]["input_shape"] = [inputs.shape[1]]
    spec["dataset"]["scaling"] = "standard"
    changed = table(spec["dataset"]["name"], data.task, inputs, data.targets)
    return replace(changed, class_names=data.class_names), spec


@family("loss_spikes")
def loss_spikes(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    # Steps of a size that is fine most of the time; a squared error has no upper bound.
    if not is_regression(spec):
        return None
    spec["epochs"] = 100
    spec["batch_size"] = 64
    for rate in (0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.06):
        spec["optimizer"] = {"type": "rmsprop", "learning_rate": rate}
        if _has_spikes(columns_of(data, spec)["train_loss"]):
            return data, spec
    return None


def columns_of(data: Dataset, spec: Spec) -> Any:
    """Return the metrics of a run."""
    prepared = build(TrainingSpec.model_validate(spec), data, Limits())
    with np.errstate(all="ignore"):
        run = Run(prepared.network, prepared.training, prepared.data)
        for _ in run:
            pass
        return join(run.take()).columns


def _has_spikes(losses: Any) -> bool:
    """Return whether at least 3 epochs are 2.5 times as high as the median of 11 around them."""
    if len(losses) < 50 or not np.isfinite(losses).all():
        return False
    around = np.median(np.lib.stride_tricks.sliding_window_view(losses, 11), axis=1)
    calm = np.median(np.abs(np.diff(losses)) / losses[1:]) < 0.25
    return bool(calm and (losses[5:-5] > 2.5 * around).sum() >= 3)


@family("plateau")
def plateau(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if rng.random() < 0.6:
        spec["schedule"] = {"type": "exponential", "decay": 0.6}
    else:
        spec["regularization"] = {"l2": 1.0}
    return data, spec


@family("batch_norm_small_batches")
def small_batches(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return None
    layers = []
    for layer in spec["network"]["layers"][:-1]:
        layers += [{**layer, "activation": "linear"}, {"type": "batch_norm"},
                   {"type": "activation", "activation": layer["activation"]}]  # fmt: skip
    spec["network"]["layers"] = [*layers, spec["network"]["layers"][-1]]
    spec["batch_size"] = 2
    spec["epochs"] = 20
    return data, spec


@family("saturated_units", "unscaled_inputs")
def saturated_gates(data: Dataset, spec: Spec, rng: np.random.Generator) -> Any:
    if is_recurrent(spec):
        return replace(data, inputs=data.inputs * 300.0), spec
    if data.features not in (6, 8, 13, 30):
        return None
    kind = "lstm" if rng.random() < 0.5 else "gru"
    spec["network"] = {
        "input_shape": [data.features],
        "layers": [
            {"type": "reshape", "shape": [data.features, 1]},
            {"type": kind, "units": 12},
            spec["network"]["layers"][-1],
        ],
    }
    spec["dataset"]["scaling"] = "standard"
    spec["optimizer"] = {"type": "adam", "learning_rate": 0.01}
    spec["dataset"]["scaling"] = "none"
    deviations = data.inputs.std(0)
    return replace(data, inputs=300.0 * (data.inputs - data.inputs.mean(0)) / deviations), spec


CASES_A_FAMILY = 6
"""Cases of each family, half of them for the test."""


def faults(seed: int) -> Iterator[Case]:
    """Yield the runs with a planted fault, for one seed of data and training."""
    return faults_on(BASES, FAMILIES, CASES_A_FAMILY // 2, seed)


def faults_on(
    all_bases: list[Base], families: list[Family], cases: int, seed: int
) -> Iterator[Case]:
    """Yield the same number of cases of each family from the bases of either half."""
    for position, family_ in enumerate(families):
        for is_test in (False, True):
            count = 0
            # Families begin with different bases.
            bases = [base for base in all_bases if base.is_test == is_test]
            bases = bases[position % len(bases) :] + bases[: position % len(bases)]
            for base in bases:
                if count == cases:
                    break
                # The same fault for all seeds of a case; other data and other initial weights.
                rng = RNG([position, all_bases.index(base)])
                planted = family_.plant(base.dataset(seed), base.copy(), rng)
                if planted is not None:
                    count += 1
                    data, changed = planted
                    changed["seed"] = seed
                    yield Case(family_.name, base.name, data, changed, family_.accepted, is_test)


Change = Callable[[Dataset, Spec], Any]


def healthy(seed: int) -> Iterator[Case]:
    """Yield runs without a fault: each base as it is, and with other usual choices."""
    return healthy_on(BASES, HEALTHY, seed)


def healthy_on(bases: list[Base], changes: dict[str, Change], seed: int) -> Iterator[Case]:
    """Yield each base with each of the changes that fit it."""
    for base in bases:
        for name, change in changes.items():
            changed = base.copy()
            changed["seed"] = seed
            result = change(base.dataset(seed), changed)
            if result is not None:
                data, changed = result
                yield Case(f"healthy: {name}", base.name, data, changed, (), base.is_test)


def _unchanged(data: Dataset, spec: Spec) -> Any:
    return data, spec


def _another_optimizer(data: Dataset, spec: Spec) -> Any:
    spec["optimizer"] = {"type": "momentum", "learning_rate": 0.03}
    return data, spec


def _other_activations(data: Dataset, spec: Spec) -> Any:
    for layer in hidden(spec):
        layer["activation"] = "tanh" if layer["activation"] == "relu" else "relu"
    return None if is_recurrent(spec) else (data, spec)


def _noisy(data: Dataset, spec: Spec) -> Any:
    """Return noise that keeps every loss far from 0; training is short enough not to learn it."""
    rng = RNG(7)
    if is_recurrent(spec):
        return None
    spec["epochs"] = min(spec["epochs"], 40)
    if data.task == "regression":
        targets = data.targets + 0.5 * data.targets.std() * rng.normal(size=data.targets.shape)
        return replace(data, targets=targets), spec
    deviations = data.inputs.std(0)
    inputs = data.inputs + 0.4 * deviations * rng.normal(size=data.inputs.shape)
    return replace(data, inputs=inputs), spec


HEALTHY: dict[str, Change] = {
    "as it is": _unchanged,
    "momentum": _another_optimizer,
    "other activations": _other_activations,
    "noisy": _noisy,
}
