"""Small trainings that together use every layer, loss, optimizer, schedule and augmentation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Literal

import numpy as np

import epochal_engine as engine
from epochal_engine import (
    ACTIVATIONS,
    AUGMENTATIONS,
    CORRUPTIONS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    OPTIMIZERS,
    SCHEDULES,
    Data,
    Layer,
    Network,
    Training,
    find_loss,
    weights_by_class,
)
from epochal_engine.export.training import At, Recording
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join
from epochal_engine.training.training import check_data

DType = Literal["float32", "float64"]


@dataclass(frozen=True)
class Case:
    """A training but for its numbers' type."""

    network: Network
    inputs: Array
    targets: Array
    training: Training
    sample_weights: Array | None = None
    class_weights: tuple[float, ...] | None = None

    @property
    def weights(self) -> Array | None:
        """The weight of each prediction."""
        if self.class_weights is None:
            return self.sample_weights
        loss = find_loss(self.training.loss)
        shape = (len(self.targets), *self.network.output_shape)
        targets = loss.checked(self.targets, shape)
        weights = weights_by_class(loss, targets, np.array(self.class_weights))
        if self.sample_weights is None:
            return weights
        return weights * self.sample_weights.reshape(-1, *(1,) * (weights.ndim - 1))


def record(
    case: Case,
    dtype: DType,
    steps_at_once: float = inf,
    changes: Mapping[int, Mapping[str, Any]] | None = None,
) -> Recording:
    """Train and return what is stored of it; the last fifth of the samples validates.

    With `steps_at_once`, there are states within epochs, too. Each of the `changes` of the training
    follows an epoch, and the changes before it; `network` among them is another network.
    """
    n = len(case.inputs) * 4 // 5
    training = replace(case.training, dtype=dtype)
    x, y, w = case.inputs, case.targets, case.weights
    weights = () if w is None else (w[:n], w[n:])
    data = Data(x[:n], y[:n], x[n:], y[n:], *weights)
    data = check_data(case.network, training, data)
    run = engine.Run(case.network, training, data, steps_at_once=steps_at_once)
    initial_weights, states = run.weights(), dict[At, engine.State]()
    settings, networks = dict[int, Training](), dict[int, Network]()
    network, blocks = case.network, []
    for end, change in [*(changes or {}).items(), (inf, None)]:
        for epoch in run:
            if not run.at_boundary:
                states[epoch + 1, run.step] = engine.State(run.arrays_within(), {})
                continue
            state = run.state()
            if state.values["epoch"] == epoch:  # and not that before a divergence
                states[epoch] = state
            if epoch == end:
                break
        blocks += run.take()
        if change is not None:
            values = dict(change)
            networks[run.epoch] = network = values.pop("network", network)
            settings[run.epoch] = changed = replace(run.training, **values)
            state = run.state_for(network, changed)
            run = engine.Run(network, changed, data, state, steps_at_once)
    block = join(blocks)
    return Recording(
        name="a training",
        network=case.network,
        training=training,
        data=data,
        initial_weights=initial_weights,
        columns=block.columns,
        gradients=block.gradients,
        checkpoints={run.epoch: run.weights()} if run.epoch in states else {},
        states=states,
        changes=settings,
        networks=networks,
    )


Step = tuple[Array, dict[str, list[Array]]]
"""The inputs of a batch, and its masks by layer."""


def training_program(text: bytes) -> dict[str, Any]:
    """Return the names that a training program defines."""
    names: dict[str, Any] = {"__name__": "training"}
    exec(compile(text, "training.py", "exec"), names)
    return names


def steps(names: dict[str, Any]) -> Iterator[list[Step]]:
    """Run a training program; yield the steps of each epoch."""
    forward = names["forward"]
    taken: list[Step] = []

    def observed(w: Any, x: Array, masks: dict[str, list[Array]], training: bool) -> Any:
        if training:
            taken.append((x, masks))
        return forward(w, x, masks, training=training)

    names["forward"] = observed
    for seen in names["train"]():
        if isinstance(seen["at"], int):  # and not a step within an epoch
            yield [*taken]
            taken.clear()


def _layer(type_: str, **fields: Any) -> Layer:
    return LAYERS[type_](**fields)


def _dense(units: int, activation: str = "linear", **fields: Any) -> Layer:
    return _layer("dense", units=units, activation=activation, **fields)


_rng = np.random.default_rng(0)
_ROWS = _rng.normal(size=(70, 5))
_CLASSES = _rng.integers(0, 3, 70)
_NUMBERS = _rng.normal(size=(70, 2))
_YES_NO = _rng.integers(0, 2, (70, 2)).astype(float)
_IMAGES = _rng.normal(size=(40, 8, 7, 2))
_SEQUENCES = _rng.normal(size=(40, 6, 4))
_TOKENS = _rng.integers(0, 9, (40, 6)).astype(float)
_TOKEN_CLASSES = _rng.integers(-1, 3, (40, 6))
_SOFTMAX = _dense(3, "softmax")
_CROSS_ENTROPY: Any = type(LOSSES["cross_entropy"])
_HIDDEN = (_dense(6, "tanh"), _dense(7, "tanh"), _dense(4, "tanh"))

CASES: dict[str, Case] = {}


def _case(
    name: str,
    layers: tuple[Layer, ...],
    inputs: Array = _ROWS,
    targets: Array = _CLASSES,
    loss: Any = "cross_entropy",
    optimizer: str = "adam",
    options: Any = None,
    weights: Array | None = None,
    class_weights: tuple[float, ...] | None = None,
    frozen: tuple[str, ...] = (),
    **fields: Any,
) -> None:
    network = Network(inputs.shape[1:], layers, frozen)
    rule = OPTIMIZERS[optimizer](**(options or {}))
    training = Training(loss, rule, 8, batch_size=16, seed=5, **fields)
    targets = targets[: len(inputs)]
    CASES[name] = Case(network, inputs, targets, training, weights, class_weights)


for _name in ACTIVATIONS:
    if _name != "softmax":
        _case(f"activation {_name}", (_dense(6, _name), _SOFTMAX))
_case("softmax without its loss", (_dense(2, "softmax"),), targets=_NUMBERS, loss="mse")
_case("no bias", (_dense(6, "tanh", use_bias=False), _SOFTMAX))
for _name in ("mse", "mae", "huber"):
    _case(f"loss {_name}", (_dense(6, "tanh"), _dense(2)), targets=_NUMBERS, loss=_name)
for _name in ("binary_cross_entropy", "focal"):
    _case(f"loss {_name}", (_dense(6, "tanh"), _dense(2, "sigmoid")), targets=_YES_NO, loss=_name)
_case("loss hinge", (_dense(6, "tanh"), _dense(2)), targets=_YES_NO, loss="hinge")
_case("loss perceptron", (_dense(2, "step"),), targets=_YES_NO, loss="perceptron")
_case("rule perceptron", (_dense(2, "step"),), _ROWS, _YES_NO, "perceptron", "perceptron")
_case("label smoothing", (*_HIDDEN, _SOFTMAX), loss=_CROSS_ENTROPY(label_smoothing=0.1))
_case("rows of probabilities", (_SOFTMAX,), targets=_rng.dirichlet([1, 1, 1], 70))
for _name in OPTIMIZERS:
    if _name != "perceptron":
        _case(f"optimizer {_name}", (*_HIDDEN, _SOFTMAX), optimizer=_name)
_CONVOLUTIONS = (
    _layer("conv2d", filters=4, kernel_size=3, padding="same", activation="tanh"),
    _layer("conv2d", filters=5, kernel_size=2, activation="tanh"),
    _layer("flatten"),
    _dense(5, "tanh"),
    _SOFTMAX,
)
for _name in ("adamw", "lion", "muon"):
    _case(f"decay {_name}", _CONVOLUTIONS, _IMAGES, optimizer=_name, options={"weight_decay": 0.1})
for _name, _fields in {
    "step": {"every": 3},
    "exponential": {"decay": 0.9},
    "cosine": {"warmup_epochs": 2, "final_fraction": 0.1},
    "one_cycle": {},
    "reduce_on_plateau": {"patience": 1, "factor": 0.5},
}.items():
    _schedule = SCHEDULES[_name](**_fields)  # type: ignore[arg-type]
    _case(f"schedule {_name}", (_dense(6, "tanh"), _SOFTMAX), schedule=_schedule)
for _name in INITIALIZERS:
    _layers = (_dense(6, "tanh", initializer=_name, initializer_gain=0.8), _SOFTMAX)
    _case(f"initializer {_name}", _layers)
_case("l1", (*_HIDDEN, _SOFTMAX), l1=0.01)
_case("l2", (*_HIDDEN, _SOFTMAX), l2=0.1)
_case("clip value", (*_HIDDEN, _SOFTMAX), clip_value=0.01)
_case("clip norm", (*_HIDDEN, _SOFTMAX), clip_norm=0.1, clip_value=0.05)
_case("without shuffling", (*_HIDDEN, _SOFTMAX), shuffle=False)
_case(
    "dropout",
    (
        _dense(6, "relu"),
        _layer("dropout", rate=0.3),
        _dense(6),
        _layer("dropout", rate=0),
        _SOFTMAX,
    ),
)
_case(
    "features",
    (
        _layer("features", terms=("x1", "x2^2", "x1*x3", "sin(2*x2)", "cos(x1)")),
        _dense(6),
        _SOFTMAX,
    ),
)
_case(
    "layer_norm",
    (_dense(6), _layer("layer_norm"), _layer("activation", activation="relu"), _SOFTMAX),
)
_case("batch_norm", (_dense(6, use_bias=False), _layer("batch_norm"), _SOFTMAX), optimizer="sgd")
_case(
    "residual",
    (
        _dense(6),
        _layer("residual", layers=(_dense(6, "tanh"), _layer("dropout", rate=0.3), _dense(6))),
        _SOFTMAX,
    ),
)
_case(
    "graph",
    (
        _dense(6, name="a"),
        _dense(6, name="b", input="input"),
        _layer("add", input=("a", "b")),
        _layer("concatenate", input=("a", "add_3")),
        _SOFTMAX,
    ),
)
_AUGMENTED = (
    AUGMENTATIONS["shift"](max_shift=2),  # type: ignore[call-arg]
    AUGMENTATIONS["noise"](standard_deviation=0.1),  # type: ignore[call-arg]
    AUGMENTATIONS["flip"](),
)
for _padding in ("valid", "same"):
    for _stride in (1, 2):
        _window = {"kernel_size": 3, "padding": _padding, "stride": _stride}
        _case(
            f"conv2d {_padding} {_stride}",
            (
                _layer("conv2d", filters=4, activation="tanh", **_window),
                _layer("dropout", rate=0.2),
                _layer("flatten"),
                _SOFTMAX,
            ),
            _IMAGES,
            augmentation=_AUGMENTED,
        )
_case(
    "pooling",
    (
        _layer("conv2d", filters=4, kernel_size=3, padding="same", activation="relu"),
        _layer("max_pool2d"),
        _layer("conv2d", filters=4, kernel_size=2),
        _layer("average_pool2d", pool_size=2, stride=1),
        _layer("global_average_pool"),
        _SOFTMAX,
    ),
    _IMAGES,
)
_case(
    "global_max_pool",
    (
        _layer("conv2d", filters=4, kernel_size=3, activation="tanh"),
        _layer("global_max_pool"),
        _SOFTMAX,
    ),
    _IMAGES,
)
_case(
    "conv1d",
    (
        _layer("conv1d", filters=4, kernel_size=3, padding="same", activation="tanh"),
        _layer("max_pool1d"),
        _layer("conv1d", filters=4, kernel_size=2, use_bias=False),
        _layer("average_pool1d"),
        _layer("flatten"),
        _SOFTMAX,
    ),
    _SEQUENCES,
)
for _name in ("sgd", "rmsprop", "muon"):
    _case(
        f"attention, {_name}",
        (
            _layer("multi_head_attention", heads=2),
            _layer("layer_norm"),
            _layer("global_average_pool"),
            _SOFTMAX,
        ),
        _SEQUENCES,
        optimizer=_name,
    )
for _name in ("rnn", "lstm", "gru"):
    _case(
        _name,
        (
            _layer(_name, units=5, return_sequences=True),
            _layer("dropout", rate=0.2),
            _layer(_name, units=4),
            _SOFTMAX,
        ),
        _SEQUENCES,
    )
_case(
    "reshape and slice",
    (
        _layer("reshape", shape=(6, 4)),
        _layer("slice", start=1, stop=-1),
        _layer("rnn", units=3),
        _SOFTMAX,
    ),
    _SEQUENCES.reshape(40, 24),
)
for _kind in ("sinusoidal", "learned"):
    _case(
        f"tokens, {_kind}",
        (
            _layer("embedding", vocabulary=9, units=4),
            _layer("positional_encoding", kind=_kind),
            _layer("transformer_block", heads=2, hidden=6, causal=True, dropout=0.2),
            _SOFTMAX,
        ),
        _TOKENS,
        _TOKEN_CLASSES,
        _CROSS_ENTROPY(ignore_label=-1),
    )
_case(
    "post norm",
    (
        _layer("embedding", vocabulary=9, units=4),
        _layer("transformer_block", heads=2, hidden=6, norm="post", dropout=0.1),
        _layer("global_average_pool"),
        _SOFTMAX,
    ),
    _TOKENS,
)
_case(
    "attention",
    (
        _layer("rnn", units=4, return_sequences=True, name="a"),
        _layer("lstm", units=4, return_sequences=True, name="b", input="input"),
        _layer("multi_head_attention", heads=2, input=("a", "b")),
        _layer("additive_attention", units=3, input=("multi_head_attention_3", "b")),
        _layer("multi_head_attention", heads=2, causal=True),
        _SOFTMAX,
    ),
    _SEQUENCES,
    np.maximum(_TOKEN_CLASSES, 0),
)
_WEIGHTS = _rng.integers(0, 4, 70).astype(float)
_case("weights, cross_entropy", (*_HIDDEN, _SOFTMAX), weights=_WEIGHTS)
_case("weights, mse", (*_HIDDEN, _dense(2)), targets=_NUMBERS, loss="mse", weights=_WEIGHTS)
_case(
    "weights, validation only",
    (*_HIDDEN, _dense(2, "sigmoid")),
    targets=_YES_NO,
    loss="binary_cross_entropy",
    weights=np.where(np.arange(70) < 56, 1.0, _WEIGHTS),
)
_case(
    "weights, tokens",
    (
        _layer("embedding", vocabulary=9, units=4),
        _layer("gru", units=4, return_sequences=True),
        _SOFTMAX,
    ),
    _TOKENS,
    _TOKEN_CLASSES,
    _CROSS_ENTROPY(ignore_label=-1, label_smoothing=0.1),
    weights=_WEIGHTS[:40],
    class_weights=(1.0, 3.0, 0.5),
)
_case("class weights", (*_HIDDEN, _SOFTMAX), class_weights=(1.0, 3.0, 0.5), optimizer="sgd")
for _name in ("binary_cross_entropy", "focal"):
    _case(
        f"class weights, {_name}",
        (*_HIDDEN, _dense(1, "sigmoid")),
        targets=_YES_NO[:, :1],
        loss=_name,
        class_weights=(1.0, 5.0),
    )
for _name in OPTIMIZERS:
    if _name != "perceptron":
        _options = {"weight_decay": 0.1} if hasattr(OPTIMIZERS[_name], "weight_decay") else {}
        _case(
            f"frozen, {_name}",
            _CONVOLUTIONS,
            _IMAGES,
            optimizer=_name,
            options=_options,
            frozen=("conv2d_1", "dense_4"),
            l2=0.1,
            clip_norm=0.5,
        )
_case(
    "frozen batch_norm",
    (
        _dense(6, "tanh"),
        _layer("batch_norm"),
        _layer("residual", layers=(_dense(4, "tanh"), _layer("dropout", rate=0.2), _dense(6))),
        _layer("batch_norm"),
        _SOFTMAX,
    ),
    frozen=("batch_norm_2", "residual_3"),
)
_case(
    "weights, augmented",
    (_layer("conv2d", filters=4, kernel_size=3), _layer("flatten"), _SOFTMAX),
    _IMAGES,
    weights=_WEIGHTS[:40],
    augmentation=_AUGMENTED,
)
_MASK: Any = CORRUPTIONS["mask"]
_MASKED = (
    _layer("embedding", vocabulary=10, units=4),
    _layer("transformer_block", heads=2, hidden=6, dropout=0.2),
    _dense(9, "softmax"),
)
for _share in (0.2, 0.5):
    _case(
        f"masked tokens, {_share}",
        _MASKED,
        _TOKENS,
        np.where(_TOKEN_CLASSES < 0, -1, _TOKENS),
        _CROSS_ENTROPY(ignore_label=-1),
        corruption=_MASK(9, _share),
    )
for _batch in ("a class", "augmented"):
    _case(
        f"diffusion, {_batch}",
        (_dense(8, "silu"), _dense(2)),
        _ROWS,
        np.zeros((70, 2)),
        "mse",
        corruption=CORRUPTIONS["diffuse"](steps=9),  # type: ignore[call-arg]
        augmentation=_AUGMENTED[1:2] if _batch == "augmented" else (),
    )
