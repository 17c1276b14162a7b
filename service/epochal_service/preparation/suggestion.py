"""Suggest a job for a data set: one rule for each field of its spec, each with a reason.

    data set ──> form of the inputs ──> network, scaling, learning rate ──┐
             ──> task ──> loss, output ──────────────────────────────────┼──> spec and reasons
             ──> samples ──> batch, epochs, validation ───────────────────┘

A table has three candidates, without a hidden layer, with one and with two: cross-validation
chooses one, and its penalty. The other numbers come from experiments on CSV files; docs/tables.md
says on which.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..datasets import Dataset
from ..resources.language import is_next_token
from ..specs.suggestion import Suggestion, SuggestionReason
from ..specs.training import TrainingSpec
from .remembered import Remembered
from .selection import (
    FEW_ROWS,
    PENALTIES,
    Candidate,
    Measured,
    choose,
    comparable_rows,
    cross_validate,
)

JsonObject = dict[str, Any]

# With fewer samples, a validation part shows nothing, and training would miss its samples.
MIN_SPLIT = 20
# Pooling halves images down to this side.
MIN_SIDE = 6
# `l2` times the rows, where no penalties are compared.
USUAL_PENALTY = 2.0

_PIXEL = re.compile(r"pixel_(\d+)_(\d+)(?:_(\d+))?")
_STEP = re.compile(r"(\w+)_(\d+)")
_remembered = Remembered[list[Measured]]()
# On fewer tokens, a GRU writes better than a transformer after the same time.
FEW_TOKENS = 60_000


@dataclass(frozen=True)
class _Body:
    """The parts of a suggestion that follow from the form of the inputs."""

    layers: list[JsonObject]
    """All layers but the last."""
    output: JsonObject
    """Fields of the last layer beside its units and its activation."""
    network: tuple[str, str]
    """The network in a few words, and the reason for it."""
    scaling: str
    scaling_reason: str
    learning_rate: float
    steps: int
    l2: float = 0.0
    l2_reason: str = ""
    penalties: Sequence[float] = PENALTIES
    least_epochs: int = 10
    most_epochs: int = 200
    stops_early: bool = True
    batch: int | None = None
    """Samples per step; by default, by the number of samples."""
    standardizes_targets: bool = True
    """Whether the targets of a regression are standardized."""
    ending: tuple[JsonObject, ...] = ()
    """Layers behind the last one with weights."""


def suggest(dataset: Dataset, reference: Mapping[str, Any]) -> Suggestion:
    """Return a job for the data set, which `reference` names in the spec: `{"id": …}`.

    For a table, networks and penalties are compared by cross-validation.
    """
    bodies = _bodies(dataset)
    body = bodies[0] if len(bodies) == 1 else _selected(dataset, reference, bodies)
    return _suggestion(dataset, reference, body)


def _selected(dataset: Dataset, reference: Mapping[str, Any], bodies: list[_Body]) -> _Body:
    """Return the body that has the lowest loss in cross-validation, with its penalty; the second
    if the bodies cannot be compared."""
    sample = comparable_rows(dataset)
    candidates = [
        Candidate(_suggestion(sample, reference, body).spec, body.penalties) for body in bodies
    ]
    arrays = {"inputs": sample.inputs, "targets": sample.targets, "unscaled": sample.unscaled}
    if sample.weights is not None:
        arrays["weights"] = sample.weights
    arrays |= {f"group {name}": groups for name, groups in sample.groups.items()}
    measured = _remembered.get(
        (sample.task, sample.outputs), arrays, lambda: cross_validate(sample, candidates)
    )
    if not measured:
        return bodies[1]
    index = choose(measured, sample.samples)
    chosen, losses = bodies[index], measured[index].means
    rows, folds = dataset.samples, len(measured[index].losses)
    value, reason = chosen.network
    others = "; ".join(
        f"{float(np.median(other.best)):.4g} for {body.network[0]}, "
        f"lower in {int((measured[index].best < other.best).sum())} of {folds} folds"
        for body, other in zip(bodies, measured, strict=False)
        if body is not chosen
    )
    *texts, last = (f"{loss:.4g}" for loss in losses)
    return replace(
        chosen,
        network=(
            value,
            f"{reason} Its median loss in cross-validation is "
            f"{float(np.median(measured[index].best)):.4g}, compared with {others}."
            + _SIGNIFICANTLY
            * (rows < FEW_ROWS),
        ),
        l2=float(f"{chosen.penalties[int(losses.argmin())] / rows:.2g}"),
        l2_reason=f"Small weights are preferred, because {rows:,} rows allow chance patterns. The "
        f"mean loss in cross-validation, from the weakest to the strongest of {len(losses)} "
        f"penalties: {', '.join(texts)} and {last}.",
        stops_early=False,
    )


def _suggestion(dataset: Dataset, reference: Mapping[str, Any], body: _Body) -> Suggestion:
    """Return the job with a body, and the reasons for it."""
    loss, activation, loss_reason = _loss(dataset)
    has_validation = dataset.samples >= MIN_SPLIT
    rows = dataset.samples * 9 // 10 if has_validation else dataset.samples
    batch = body.batch or (32 if rows < 2_000 else 64 if rows < 8_000 else 128)
    steps_per_epoch = -(-rows // batch)
    epochs = min(max(round(body.steps / steps_per_epoch), body.least_epochs), body.most_epochs)
    patience = max(epochs // 4, 10)
    spec: JsonObject = {
        "name": dataset.name[:100],
        "dataset": {**reference, "scaling": body.scaling},
        "network": {
            "input_shape": [dataset.features],
            "layers": [
                *body.layers,
                {
                    "type": "dense",
                    "units": dataset.outputs,
                    "activation": activation,
                    **body.output,
                },
                *body.ending,
            ],
        },
        "loss": loss,
        "optimizer": {"type": "adam", "learning_rate": body.learning_rate},
        "schedule": {"type": "cosine"},
        "batch_size": batch,
        "epochs": epochs,
    }
    reasons = [
        _reason("network", *body.network),
        _reason("loss", loss, loss_reason),
        _reason("dataset.scaling", body.scaling, body.scaling_reason),
    ]
    if dataset.task == "regression" and body.standardizes_targets:
        reasons.append(_target_scaling(dataset, spec))
    elif dataset.task == "regression":
        spec["target_scaling"] = "none"
    reasons += [
        _reason(
            "optimizer",
            f"adam, learning rate {body.learning_rate:g}",
            "Adam adapts the step of each weight, so that one rate suits most networks of this "
            "size.",
        ),
        _reason(
            "schedule",
            "cosine",
            "The rate falls to 0 along half a cosine: large steps first, small ones to finish.",
        ),
        _reason(
            "epochs",
            str(epochs),
            f"{min(batch, rows):,} samples per step, and {steps_per_epoch:,} "
            f"{'step' if steps_per_epoch == 1 else 'steps'} per epoch: together enough for the "
            "loss to settle.",
        ),
    ]
    if has_validation:
        spec["validation_fraction"] = 0.1
        has_classes = dataset.class_names and dataset.task != "sequence"
        alike = ", with the same share of each class" if has_classes else ""
        reasons += [
            _reason(
                "validation_fraction",
                "0.1",
                f"One sample in ten is kept from training{alike}, to measure the error on samples "
                "that the network has not seen.",
            ),
            _early_stopping(spec, patience if body.stops_early else None),
        ]
    else:
        reasons.append(
            _reason(
                "validation_fraction",
                None,
                f"{dataset.samples} samples are too few to keep some for validation. A network can "
                "fit so few exactly: their loss says nothing about new samples.",
            )
        )
    if body.l2:
        spec["regularization"] = {"l2": body.l2}
        reasons.append(_reason("regularization.l2", f"{body.l2:g}", body.l2_reason))
    return Suggestion(spec=TrainingSpec.model_validate(spec), reasons=reasons)


def _reason(field: str, value: str | None, reason: str) -> SuggestionReason:
    return SuggestionReason(field=field, value=value, reason=reason)


def _loss(dataset: Dataset) -> tuple[str, str, str]:
    """Return the loss, the activation of the output layer, and the reason."""
    name = dataset.target_names[0] if dataset.target_names else "target"
    if dataset.task == "regression":
        what = (
            f"The target {name} is a number" if dataset.outputs == 1 else "The targets are numbers"
        )
        return "mse", "linear", f"{what}: the mean of the squared errors."
    if dataset.task == "binary":
        first, second = dataset.class_names
        return (
            "binary_cross_entropy",
            "sigmoid",
            f"The target {name} is {first} or {second}: one output, the probability of {second}.",
        )
    what = (
        f"Each time step has one of {len(dataset.class_names)} labels"
        if dataset.task == "sequence"
        else f"The target {name} is one of {len(dataset.class_names)} classes"
    )
    return (
        "cross_entropy",
        "softmax",
        f"{what}: one output for each, a probability.",
    )


def _target_scaling(dataset: Dataset, spec: JsonObject) -> SuggestionReason:
    spec["target_scaling"] = "standardize"
    name = f"The target {dataset.target_names[0]}" if dataset.outputs == 1 else "The targets"
    verb = "is" if dataset.outputs == 1 else "are"
    return _reason(
        "target_scaling",
        "standardize",
        f"{name} {verb} brought to mean 0 and standard deviation 1 for training, so that one "
        "learning rate suits any unit; predictions are in the unit of the data.",
    )


def _early_stopping(spec: JsonObject, patience: int | None) -> SuggestionReason:
    if patience is None:
        return _reason(
            "early_stopping",
            None,
            "Small weights already keep the network from learning chance patterns, and the lowest "
            "loss of a small validation part is chance too.",
        )
    spec["early_stopping"] = {"patience": patience}
    return _reason(
        "early_stopping",
        f"patience {patience}",
        f"Training ends after {patience} epochs without a lower validation loss, since the network "
        "then learns chance patterns; predictions are those of the best epoch.",
    )


# ------------------------------------------------------------------------- the form of the inputs


def _bodies(dataset: Dataset) -> list[_Body]:
    """Return the candidates, from the simplest on."""
    if dataset.token_names:
        return [_translation(dataset) if _is_translation(dataset) else _tokens(dataset)]
    if dataset.task == "sequence" and dataset.feature_names[0].startswith("pixel"):
        return [_picture_and_text(dataset)]
    image = _image_shape(dataset)
    if image is not None and min(image[:2]) >= MIN_SIDE and dataset.task != "regression":
        return [_image(dataset, image)]
    channels = _channels(dataset)
    if channels is not None and dataset.outputs * channels == dataset.features:
        return [_number_of_each_step(dataset, channels)]
    if channels is not None:
        return [_series(dataset, channels)]
    if dataset.task == "regression" and np.array_equal(dataset.inputs, dataset.targets):
        return [_autoencoder(dataset)]
    if dataset.samples < MIN_SPLIT and dataset.task != "regression":
        return [_FEW_SAMPLES]
    if dataset.source.startswith("generated"):
        return [_CURVED_BORDER]
    return [_linear(dataset), _wide_and_deep(dataset), _deeper(dataset)]


def _is_uploaded(dataset: Dataset) -> bool:
    """Return whether the data set is a file of a user: its columns may mean anything."""
    return dataset.source == "uploaded"


_STANDARD = (
    "Each number is brought to mean 0 and standard deviation 1, so that the unit of a column does "
    "not decide how much it counts; categories remain 0 and 1."
)
_SIGNIFICANTLY = (
    f" With fewer than {FEW_ROWS} rows, a larger network must be better by two standard errors over"
    " the folds."
)
_FEW_SAMPLES = _Body(
    [{"type": "dense", "units": 8, "activation": "tanh"}],
    {},
    ("dense 8 tanh", "A hidden layer of 8 units is enough for so few samples."),
    "standard",
    _STANDARD,
    0.05,
    500,
    most_epochs=500,
)
_CURVED_BORDER = _Body(
    [{"type": "dense", "units": 32, "activation": "relu"}] * 2,
    {},
    (
        "dense 32 relu, dense 32 relu",
        "Two hidden layers of 32 units draw a curved border or line.",
    ),
    "standard",
    _STANDARD,
    0.01,
    3_000,
    most_epochs=500,
)


def _wide_and_deep(dataset: Dataset) -> _Body:
    """Return a hidden layer, and an output layer that also reads the inputs."""
    rows = dataset.samples
    return _Body(
        [
            {"type": "dense", "units": 32, "activation": "tanh", "name": "hidden"},
            {"type": "concatenate", "input": ["input", "hidden"]},
        ],
        {"initializer": "zeros"},
        (
            "dense 32 tanh, beside the inputs",
            "A hidden layer of 32 units finds curves and interactions of columns; the output layer "
            "reads the inputs too, and starts from zeros, so that a linear model is the least that "
            "the network learns.",
        ),
        "standard",
        _STANDARD,
        0.01,
        3_000,
        float(f"{USUAL_PENALTY / rows:.1g}"),
        f"{rows:,} rows allow chance patterns: small weights are preferred.",
    )


def _linear(dataset: Dataset) -> _Body:
    """Return no hidden layer: a linear or logistic regression."""
    return replace(
        _wide_and_deep(dataset),
        layers=[],
        network=(
            "a linear model",
            "The output layer reads the inputs.",
        ),
        # Its loss has one minimum, which a higher rate reaches sooner.
        learning_rate=0.03,
    )


def _deeper(dataset: Dataset) -> _Body:
    """Return two wider hidden layers, and an output layer that also reads the inputs."""
    hidden = {"type": "dense", "units": 64, "activation": "relu"}
    wide = _wide_and_deep(dataset)
    return replace(
        wide,
        layers=[hidden, {**hidden, "name": "hidden"}, wide.layers[-1]],
        network=(
            "dense 64 relu, dense 64 relu, beside the inputs",
            "Two hidden layers of 64 units find steps and interactions of interactions; the output "
            "layer reads the inputs too, and starts from zeros.",
        ),
        learning_rate=0.005,
        # The weakest and the strongest were rarely the best, and it takes the longest to train.
        penalties=PENALTIES[1:-1],
    )


def _image(dataset: Dataset, shape: tuple[int, int, int]) -> _Body:
    """Return convolutions of 3 x 3 with pooling between them, down to a small side."""
    layers: list[JsonObject] = [{"type": "reshape", "shape": list(shape)}]
    side, filters = min(shape[:2]), 16
    while True:
        layers.append(
            {"type": "conv2d", "filters": filters, "kernel_size": [3], "activation": "relu"}
        )
        side, filters = side - 2, min(2 * filters, 64)
        if side < 4:
            break
        layers.append({"type": "max_pool2d"})
        side //= 2
        if side < 3:
            break
    layers += [
        {"type": "flatten"},
        {"type": "dense", "units": 64, "activation": "relu"},
        {"type": "dropout", "rate": 0.2},
    ]
    convolutions = sum(layer["type"] == "conv2d" for layer in layers)
    return _Body(
        layers,
        {},
        (
            f"{convolutions} conv2d with pooling, dense 64",
            "A convolution finds the same pattern anywhere in an image, and pooling makes small "
            "shifts unimportant.",
        ),
        *_pixel_scaling(dataset),
        0.003,
        1_200,
    )


def _picture_and_text(dataset: Dataset) -> _Body:
    """Return a reader of pictures, and a writer that looks at the picture for every letter."""
    pixels = [match for name in dataset.feature_names if (match := _PIXEL.fullmatch(name))]
    height, width = (int(pixels[-1][part]) + 1 for part in (1, 2))
    tokens = int(dataset.inputs[:, len(pixels) :].max()) + 1
    positions = (height // 2) * (width // 2)
    conv = {"type": "conv2d", "kernel_size": 3, "padding": "same", "activation": "relu"}
    return _Body(
        [
            {"type": "slice", "start": 0, "stop": len(pixels), "name": "pixels"},
            {"type": "reshape", "shape": [height, width, 1]},
            {**conv, "filters": 16},
            {"type": "max_pool2d"},
            {**conv, "filters": 32},
            {"type": "reshape", "shape": [positions, 32]},
            {"type": "positional_encoding", "kind": "learned", "name": "patches"},
            {"type": "slice", "start": len(pixels), "input": ["input"], "name": "text"},
            {"type": "embedding", "vocabulary": tokens, "units": 32},
            {"type": "positional_encoding", "kind": "learned"},
            {
                "type": "transformer_block",
                "heads": 4,
                "hidden": 64,
                "causal": True,
                "name": "written",
            },
            {
                "type": "multi_head_attention",
                "heads": 4,
                "input": ["written", "patches"],
                "name": "seen",
            },
            {"type": "add", "input": ["written", "seen"]},
            {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": True},
            {"type": "layer_norm"},
        ],
        {},
        (
            "conv 16, pool, conv 32, attention of the text to the picture",
            "Convolutions read the picture; each letter is written from the letters before it and "
            f"from what attention finds in {positions} positions of the picture.",
        ),
        "none",
        "Pixels are between 0 and 1, and tokens are numbers of an embedding's rows.",
        0.004,
        2_000,
    )


def _pixel_scaling(dataset: Dataset) -> tuple[str, str]:
    if dataset.inputs.min() >= 0 and dataset.inputs.max() <= 1:
        return "none", "The pixels are between 0 and 1."
    return "minmax", "Pixels are brought to the range from 0 to 1."


def _autoencoder(dataset: Dataset) -> _Body:
    """Return a narrow layer between two wider ones."""
    code = max(2, dataset.features // 8)
    return _Body(
        [
            {"type": "dense", "units": 8 * code, "activation": "relu"},
            {"type": "dense", "units": code, "name": "code"},
            {"type": "dense", "units": 8 * code, "activation": "relu"},
        ],
        {},
        (
            f"dense {8 * code}, {code}, {8 * code}",
            f"The targets are the inputs: the network must pass them through {code} numbers, and "
            "so learns what the samples have in common.",
        ),
        "none",
        "The inputs are used as they are.",
        0.01,
        3_000,
        # Constant pixels have no deviation to divide by.
        standardizes_targets=False,
    )


def _series(dataset: Dataset, channels: int) -> _Body:
    """Return a recurrent layer over the time steps."""
    steps = dataset.features // channels
    return _Body(
        [
            {"type": "reshape", "shape": [steps, channels]},
            {"type": "gru", "units": 16},
        ],
        {},
        (
            "gru 16",
            f"A sample is a series of {steps} time steps: a GRU reads them in order, and its gates "
            "keep what matters to the end.",
        ),
        "none",
        "The inputs are used as they are.",
        0.02,
        1_700,
        batch=32,
    )


def _number_of_each_step(dataset: Dataset, channels: int) -> _Body:
    """Return blocks of attention to earlier steps, and an output for each step."""
    steps = dataset.outputs
    block = {"type": "transformer_block", "heads": 2, "hidden": 64, "causal": True}
    return _Body(
        [
            {"type": "reshape", "shape": [steps, channels]},
            {"type": "dense", "units": 32},
            {"type": "positional_encoding", "kind": "learned"},
            block,
            block,
            {"type": "layer_norm"},
        ],
        {"units": 1},
        (
            "dense 32, 2 transformer blocks",
            f"Each of {steps} time steps has a number to predict, and attention lets it read all "
            "that come before it.",
        ),
        "none",
        "The inputs are used as they are.",
        0.01,
        1_700,
        batch=64,
        ending=({"type": "flatten"},),
    )


def _tokens(dataset: Dataset) -> _Body:
    """Return a network that writes if the targets are the next tokens, else one that reads."""
    if not is_next_token(dataset):
        return _reader(dataset)
    return _recurrent_writer(dataset) if dataset.inputs.size < FEW_TOKENS else _writer(dataset)


def _reader(dataset: Dataset) -> _Body:
    """Return a transformer block that reads all tokens."""
    layers: list[JsonObject] = [
        _embedding(dataset, 32),
        {"type": "positional_encoding", "kind": "learned"},
        {"type": "transformer_block", "heads": 4, "hidden": 64, "causal": False},
        {"type": "layer_norm"},
    ]
    if dataset.task != "sequence":
        layers.append({"type": "flatten"})
    return _Body(
        layers,
        {},
        (
            "embedding 32, transformer block",
            "Each token becomes 32 numbers, and attention lets a time step read all others.",
        ),
        "none",
        _TOKENS,
        0.005,
        1_200,
    )


def _writer(dataset: Dataset) -> _Body:
    """Return two transformer blocks that read the tokens before."""
    block = {"type": "transformer_block", "heads": 4, "hidden": 128, "causal": True}
    return _Body(
        [
            _embedding(dataset, 64),
            {"type": "positional_encoding", "kind": "learned"},
            block,
            block,
            {"type": "layer_norm"},
        ],
        {},
        (
            "embedding 64, 2 transformer blocks",
            "Each token becomes 64 numbers, and attention lets a time step read all that come "
            "before it. The second block can look up what followed the same token before.",
        ),
        "none",
        _TOKENS,
        0.004,
        1_200,
        least_epochs=4,
        batch=_batch_of_tokens(dataset),
    )


def _recurrent_writer(dataset: Dataset) -> _Body:
    """Return a recurrent layer, which learns from fewer tokens."""
    return _Body(
        [_embedding(dataset, 32), {"type": "gru", "units": 64, "return_sequences": True}],
        {},
        (
            "embedding 32, gru 64",
            f"{dataset.inputs.size:,} tokens are few for attention: a GRU reads them in order, and "
            "the next token depends most on the last ones.",
        ),
        "none",
        _TOKENS,
        0.01,
        700,
        batch=_batch_of_tokens(dataset) // 2,
    )


_TOKENS = "Tokens are numbers of an embedding's rows."


def _embedding(dataset: Dataset, units: int) -> JsonObject:
    return {"type": "embedding", "vocabulary": len(dataset.token_names), "units": units}


def _batch_of_tokens(dataset: Dataset) -> int:
    """Return a number of rows that have about 1,000 tokens: a power of two from 8 to 64."""
    return 1 << min(max(round(math.log2(1_024 / dataset.features)), 3), 6)


def _is_translation(dataset: Dataset) -> bool:
    """Return whether the inputs are a sequence to read and the outputs so far."""
    return dataset.task == "sequence" and dataset.features == 2 * len(dataset.target_names)


def _translation(dataset: Dataset) -> _Body:
    """Return an encoder and a decoder with attention."""
    half = dataset.features // 2
    return _Body(
        [
            {
                "type": "embedding",
                "vocabulary": len(dataset.token_names),
                "units": 16,
                "name": "tokens",
            },
            {"type": "slice", "start": 0, "stop": half, "name": "read"},
            {"type": "gru", "units": 32, "return_sequences": True, "name": "encoder"},
            {"type": "slice", "start": half, "input": ["tokens"], "name": "written"},
            {"type": "gru", "units": 32, "return_sequences": True, "name": "decoder"},
            {
                "type": "additive_attention",
                "units": 32,
                "input": ["decoder", "encoder"],
                "name": "attention",
            },
            {"type": "concatenate", "input": ["decoder", "attention"]},
        ],
        {},
        (
            "gru encoder and decoder with attention",
            f"The encoder reads the first {half} tokens, the decoder writes the others, and "
            "attention lets it look up each of them.",
        ),
        "none",
        "Tokens are numbers of an embedding's rows.",
        0.01,
        1_500,
    )


def _image_shape(dataset: Dataset) -> tuple[int, int, int] | None:
    """Return height, width and channels if the features are pixels, in order."""
    match = _PIXEL.fullmatch(dataset.feature_names[-1])
    if match is None or not dataset.feature_names[0].startswith("pixel_0_0"):
        return None
    height, width, channels = (int(number or 0) + 1 for number in match.groups())
    return (height, width, channels) if height * width * channels == dataset.features else None


def _channels(dataset: Dataset) -> int | None:
    """Return the numbers per time step if the features form a series: `a_1, b_1, a_2 …`."""
    if _is_uploaded(dataset) or dataset.features < 16:
        return None
    matches = [_STEP.fullmatch(name) for name in dataset.feature_names]
    parts = [match.groups() for match in matches if match]
    if len(parts) < dataset.features:
        return None
    names = list(dict.fromkeys(name for name, _ in parts))
    steps, rest = divmod(dataset.features, len(names))
    expected = [(name, str(step)) for step in range(1, steps + 1) for name in names]
    return len(names) if not rest and parts == expected else None
