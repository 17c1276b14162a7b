"""Inside a job's network: attention weights and activations of samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.model import ELEMENTS_AT_ONCE

from ..answers.inspection import Trained, rounded, trained
from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument
from ..preparation.prepared import scaled
from ..resources.datasets import load_for_stored_job
from ..resources.language import Language, tokens_of
from ..specs.build import build_row_loss
from ..specs.inside import (
    GetActivationsRequest,
    GetAttentionRequest,
    InsideArray,
    InsideRequest,
    SampleActivations,
    SampleAttention,
)
from ..specs.training import TrainingSpec
from .context import Context
from .inspection import check_size

Array = NDArray[Any]
LOGITS = "logits"


def get_attention(context: Context, id: str, request: GetAttentionRequest) -> SampleAttention:
    """Return the attention weights of samples, of every layer and head.

    Raises `NotFound`; `InvalidArgument` for a network without attention, or too many numbers.
    """
    opened, dataset = _opened(context, id, request)
    shapes = engine.attention_shapes(opened.network)
    if not shapes:
        raise InvalidArgument.of(
            FieldError("id", "must be a job whose network has a layer with attention")
        )
    samples = _samples(request, dataset)
    names = _chosen(context, request, shapes, len(samples.inputs))
    arrays = _computed(
        opened,
        samples.inputs,
        lambda part: engine.attention_weights(opened.network, opened.weights, part),
    )
    return SampleAttention(
        **samples.described(opened, dataset),
        layers=[_array(name, arrays[name]) for name in names],
    )


def get_activations(context: Context, id: str, request: GetActivationsRequest) -> SampleActivations:
    """Return the outputs of every layer for samples: embeddings, feature maps, hidden states, and
    the logits.

    Raises `NotFound`; `InvalidArgument` for too many numbers, or samples without a mask.
    """
    opened, dataset = _opened(context, id, request)
    network, loss = opened.network, build_row_loss(opened.spec, dataset.ignore_label)
    shapes = dict(zip(network.names, network.shapes[1:], strict=True))
    if loss.output_activation is not None:
        shapes[LOGITS] = network.output_shape
    samples = _samples(request, dataset)
    chosen: Any = ...
    count = len(samples.inputs)
    if request.only_masked:
        chosen = _masked(opened.spec, samples.inputs)
        count = int(chosen.sum())
        positions = samples.inputs.shape[1]
        shapes = {n: s[1:] for n, s in shapes.items() if s[0] == positions and len(s) > 1}
    names = _chosen(context, request, shapes, count)
    arrays = _computed(
        opened, samples.inputs, lambda part: engine.activations(network, opened.weights, part, loss)
    )
    arrays = {name: arrays[name][chosen] for name in names}
    return SampleActivations(
        **samples.described(opened, dataset),
        layers=[_array(name, arrays[name]) for name in names if name != LOGITS],
        logits=_array(LOGITS, arrays[LOGITS]) if LOGITS in names else None,
    )


def _masked(spec: TrainingSpec, inputs: Array) -> NDArray[np.bool_]:
    """Return which positions of inputs `(n, positions)` are masked. Raises `InvalidArgument`."""
    if spec.corruption is None or spec.corruption.type != "mask":
        raise InvalidArgument.of(
            FieldError("only_masked", "must be false: the job does not have the corruption mask")
        )
    masked: NDArray[np.bool_] = inputs == spec.corruption.token
    if not masked.any():
        raise InvalidArgument.of(
            FieldError(
                "only_masked",
                "must be false for samples without a masked position: send inputs or texts with "
                f"the token {spec.corruption.token}, the last of token_names",
            )
        )
    return masked


def _opened(context: Context, id: str, request: InsideRequest) -> tuple[Trained, Dataset]:
    """Return the network and the data set of a job."""
    with context.database.read() as connection:
        network = trained(connection, id, context.access, request.epoch)
        return network, load_for_stored_job(connection, network.spec)


def _chosen(
    context: Context,
    request: GetAttentionRequest | GetActivationsRequest,
    shapes: Mapping[str, tuple[int, ...]],
    samples: int,
) -> list[str]:
    """Return the names in `shapes` that belong to the layer of the request, or all.

    Raises `InvalidArgument` if there is no such layer, or the reply would be too large.
    """
    names = [n for n in shapes if request.layer in (None, n, n.partition(".")[0])]
    if not names:
        raise InvalidArgument.of(FieldError("layer", f"must be one of {', '.join(shapes)}"))
    numbers = samples * sum(math.prod(shapes[name]) for name in names)
    sized = next((name for name in ("inputs", "texts") if getattr(request, name)), "rows")
    check_size(context, sized, numbers, "fewer, or one layer")
    return names


@dataclass(frozen=True)
class _Samples:
    """Inputs of samples `(n, features)`, and their rows in the data set or lengths of texts."""

    inputs: Array
    rows: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def described(self, opened: Trained, dataset: Dataset) -> dict[str, Any]:
        """Return the fields of an `InsideReply`."""
        return {
            "epoch": opened.epoch,
            "rows": self.rows,
            "inputs": self.inputs.tolist(),
            "token_names": list(dataset.token_names),
            "lengths": self.lengths,
        }


def _samples(request: InsideRequest, dataset: Dataset) -> _Samples:
    """Return the samples of a request: rows of the data set, inputs, or texts.

    Raises `InvalidArgument`.
    """
    given = [name for name in ("inputs", "texts", "rows") if getattr(request, name)]
    if len(given) > 1:
        raise InvalidArgument.of(FieldError(given[-1], f"must be empty where {given[0]} are given"))
    if request.texts:
        return _texts(request.texts, dataset)
    if request.inputs:
        errors = [
            FieldError(f"inputs[{index}]", f"needs {dataset.features} numbers; it has {len(row)}")
            for index, row in enumerate(request.inputs)
            if len(row) != dataset.features
        ]
        if errors:
            raise InvalidArgument.of(*errors)
        return _Samples(np.array(request.inputs, np.float64))
    rows = request.rows or [0]
    errors = [
        FieldError(f"rows[{index}]", f"must be less than {dataset.samples}; got {row}")
        for index, row in enumerate(rows)
        if row >= dataset.samples
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    return _Samples(dataset.inputs[rows], rows=rows)


def _texts(texts: Sequence[str], dataset: Dataset) -> _Samples:
    """Return texts as rows of tokens. Raises `InvalidArgument`."""
    language = tokens_of(dataset)
    if language is None or not _is_read_as_tokens(dataset, language):
        raise InvalidArgument.of(
            FieldError("texts", "must be empty: rows of these data are not tokens; send inputs")
        )
    read, start = language.to_read, [] if language.start is None else [language.start]
    filler = 0 if language.end is None else language.end
    inputs = np.full((len(texts), language.window), filler, np.float64)
    lengths = []
    for index, text in enumerate(texts):
        tokens = language.tokens_of(text, f"texts[{index}]")
        row = [*tokens[:read], *start, *tokens[read:]]
        if len(tokens) < read or len(row) > language.window:
            raise InvalidArgument.of(
                FieldError(
                    f"texts[{index}]",
                    f"must have {f'{read} to ' if read else 'at most '}"
                    f"{read + language.capacity} tokens; got {len(tokens)}",
                )
            )
        inputs[index, : len(row)] = row
        lengths.append(len(row))
    return _Samples(inputs, lengths=lengths)


def _is_read_as_tokens(dataset: Dataset, language: Language) -> bool:
    """Return whether all that a network reads before it writes are tokens, such as of a word."""
    read = dataset.inputs[:, : language.to_read]
    return bool(((read >= 0) & (read < len(language.names)) & (read == np.floor(read))).all())


def _computed(
    network: Trained, inputs: Array, compute: Callable[[Array], Mapping[str, Array]]
) -> dict[str, Array]:
    """Return the arrays for all inputs `(n, features)`, computed for a limited number at once."""
    network_inputs = scaled(inputs.reshape(-1, *network.network.input_shape), network.weights)
    at_once = max(1, ELEMENTS_AT_ONCE // network.network.largest_array)
    parts = [
        compute(network_inputs[start : start + at_once])
        for start in range(0, len(network_inputs), at_once)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _array(name: str, values: Array) -> InsideArray:
    return InsideArray(name=name, shape=list(values.shape), values=rounded(values).ravel().tolist())
