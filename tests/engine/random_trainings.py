"""Trainings that nobody chose: the data, the network and the settings follow from a number.

The lists are written out, so that a number means the same training in a later version.
"""

from typing import Any

import numpy as np
from tests.engine.recordings import Case, DType

from epochal_engine import AUGMENTATIONS, LAYERS, OPTIMIZERS, SCHEDULES, Layer, Network, Training
from epochal_engine.symbolic.trace import Array

KINDS = ("rows", "rows", "rows", "rows", "rows", "image", "image", "seq", "seq", "tokens")
LOSSES = ("mse", "mae", "huber", "binary_cross_entropy", "focal", "hinge", "perceptron")
ACTIVATIONS = (
    *("step", "sigmoid", "tanh", "softsign", "relu", "leaky_relu", "softplus", "elu"),
    *("selu", "gelu", "gelu_tanh", "silu", "mish"),
)
RATES = {
    "sgd": 0.1,
    "momentum": 0.01,
    "nesterov": 0.01,
    "adagrad": 0.01,
    "rmsprop": 0.01,
    "adam": 0.01,
    "adamw": 0.001,
    "lion": 0.0001,
    "muon": 0.02,
}
RULES: dict[str, tuple[float, ...]] = {
    "constant": (),
    "step": (2,),
    "exponential": (0.95,),
    "cosine": (),
    "one_cycle": (),
    "reduce_on_plateau": (),
}


def random_case(number: int) -> tuple[Case, DType]:
    """Return a training by its number; some diverge, some fit every sample."""
    rng = np.random.default_rng([20261202, number])
    kind = rng.choice(KINDS)
    n = int(rng.choice([6, 12, 30, 80, 200, 400]))
    n = n if kind == "rows" else min(n, 80)
    loss = str(rng.choice([*LOSSES, "cross_entropy"]))
    classes, activation = 1, "linear"
    if loss == "cross_entropy":
        classes, activation = int(rng.integers(2, 6)), "softmax"
    elif loss in ("binary_cross_entropy", "focal"):
        activation = "sigmoid"
    elif loss == "perceptron":
        activation = "step"
    elif loss != "hinge":
        classes = int(rng.integers(1, 4))
    inputs, targets = _data(rng, kind, n, loss, classes)
    layers = _layers(rng, kind)
    output = LAYERS["dense"](units=classes, activation=activation)  # type: ignore[call-arg]
    optimizer = "perceptron" if loss == "perceptron" else str(rng.choice([*RATES]))
    often = [0.2, 0.35, 0.25, 0.15, 0.05]
    rate = RATES.get(optimizer, 1.0) * float(rng.choice([0.3, 1, 3, 10, 100], p=often))
    epochs = int(rng.choice([5, 15, 40, 150]))
    schedule = str(rng.choice([*["constant"] * 4, *RULES]))
    options: dict[str, Any] = {}
    if rng.random() < 0.2:
        options["l2"] = float(rng.choice([0.001, 0.1]))
    if rng.random() < 0.1:
        options["l1"] = 0.001
    if rng.random() < 0.2:
        options["clip_norm"] = float(rng.choice([0.1, 1.0]))
    if rng.random() < 0.1:
        options["clip_value"] = 0.1
    if kind == "image" and rng.random() < 0.5:
        shift: Any = (AUGMENTATIONS["shift"](1),)  # type: ignore[call-arg]
        noise: Any = (AUGMENTATIONS["noise"](0.1), AUGMENTATIONS["flip"]())  # type: ignore[call-arg]
        options["augmentation"] = shift if rng.random() < 0.5 else noise
    training = Training(
        loss,
        OPTIMIZERS[optimizer](rate),
        epochs if kind == "rows" else min(epochs, 15),
        batch_size=int(rng.choice([1, 4, 8, 32, 100] if n <= 80 else [8, 32, 100])),
        seed=int(rng.integers(1_000_000)),
        schedule=SCHEDULES[schedule](*RULES[schedule]),
        **options,
    )
    dtype: DType = "float64" if rng.choice(["32", "32", "64"]) == "64" else "float32"
    return Case(Network(inputs.shape[1:], (*layers, output)), inputs, targets, training), dtype


def _data(
    rng: np.random.Generator, kind: str, n: int, loss: str, classes: int
) -> tuple[Array, Array]:
    """Return inputs and targets: something that can be learned, or chance."""
    labels: Array | None = None
    several = max(classes, 2)
    if kind == "rows":
        shape: tuple[int, ...] = (int(rng.integers(2, 9)),)
        style = rng.choice(["normal", "moons", "blobs", "lin", "offset"])
        if style == "blobs":
            labels = rng.integers(0, several, n)
            x = rng.normal(size=(n, *shape)) * rng.choice([0.2, 1.0])
            x = x + rng.normal(size=(several, *shape))[labels] * 2
        else:
            x = rng.normal(size=(n, *shape))
            if style == "offset":
                x = x * rng.choice([0.01, 10.0]) + rng.choice([0, 5.0])
    elif kind == "tokens":
        x = rng.integers(0, 9, (n, int(rng.integers(4, 8)))).astype(float)
    else:
        ends = [(6, 10), (6, 10), (1, 3)] if kind == "image" else [(4, 9), (1, 4)]
        x = rng.normal(size=(n, *(int(rng.integers(*end)) for end in ends)))
    flat = x.reshape(n, -1)
    width, largest = flat.shape[1], max(1, np.abs(flat).max() / 5)
    columns = [
        np.tanh(flat @ rng.normal(size=width) / np.sqrt(width) / largest) for _ in range(several)
    ]
    scores = np.stack(columns, 1)
    if labels is None:
        labels = scores.argmax(1) if rng.random() < 0.7 else rng.integers(0, several, n)
    if loss == "cross_entropy":
        return x, labels
    if loss in ("binary_cross_entropy", "focal", "hinge", "perceptron"):
        return x, labels.astype(float)[:, None]
    noise = 0.1 * rng.normal(size=(n, classes)) * (rng.random() < 0.5)
    return x, scores[:, :classes] + noise


def _layers(rng: np.random.Generator, kind: str) -> list[Layer]:
    """Return all layers but the last."""

    def layer(type_: str, **fields: Any) -> Layer:
        return LAYERS[type_](**fields)

    def activation() -> str:
        return str(rng.choice(ACTIVATIONS)) if rng.random() < 0.6 else "relu"

    def norm() -> list[Layer]:
        if rng.random() < 0.25:
            return [layer("layer_norm")]
        return [layer("batch_norm")] if rng.random() < 0.25 else []

    layers: list[Layer] = []
    if kind == "image":
        for _ in range(int(rng.integers(1, 3))):
            filters = int(rng.integers(2, 6))
            options = {"kernel_size": 3, "padding": "same", "activation": activation()}
            layers += [layer("conv2d", filters=filters, **options), *norm()]
        if rng.random() < 0.6:
            pool = str(rng.choice(["max_pool2d", "average_pool2d"]))
            layers += [layer(pool, pool_size=2), layer("flatten")]
        else:
            layers.append(layer(str(rng.choice(["global_average_pool", "global_max_pool"]))))
    elif kind == "seq":
        type_ = str(rng.choice(["rnn", "lstm", "gru", "conv1d", "attn"]))
        if type_ == "conv1d":
            options = {"kernel_size": 3, "padding": "same", "activation": activation()}
            layers += [layer("conv1d", filters=5, **options), layer("global_max_pool")]
        elif type_ == "attn":
            layers += [layer("dense", units=6), layer("multi_head_attention", heads=2)]
            layers.append(layer("global_average_pool"))
        else:
            layers.append(layer(type_, units=int(rng.integers(3, 9))))
    elif kind == "tokens":
        layers.append(layer("embedding", vocabulary=9, units=6))
        if rng.random() < 0.6:
            options = {"norm": str(rng.choice(["pre", "post"]))}
            options["dropout"] = float(rng.choice([0, 0.2]))
            options["activation"] = activation()
            layers.append(layer("transformer_block", heads=2, hidden=8, **options))
            layers.append(layer("global_average_pool"))
        else:
            layers.append(layer(str(rng.choice(["gru", "lstm"])), units=6))
    for _ in range(int(rng.integers(1 if kind == "rows" else 0, 4))):
        units = int(rng.choice([3, 8, 16, 32]))
        layers += [layer("dense", units=units, activation=activation()), *norm()]
        if rng.random() < 0.25:
            layers.append(layer("dropout", rate=float(rng.choice([0.1, 0.5]))))
    return layers
