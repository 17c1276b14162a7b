"""The needs of a job with the loss `preference`: pairs, a score for rows, and a reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from epochal_engine import LOSSES, Network, WindowDecoder

from ..datasets import Dataset
from ..datasets.dataset import PAIR
from ..errors import FieldError, InvalidArgument, NotFound
from ..resources.datasets import load_for_stored_job
from ..resources.language import language_of
from ..resources.sources import INITIAL_WEIGHTS
from ..specs.training import TrainingSpec
from ..store import Connection


def has_reference(spec: TrainingSpec, network: Network) -> bool:
    """Return whether the job compares the probabilities of rows between its weights and the initial
    ones."""
    return LOSSES[spec.loss].rows > 1 and len(network.output_shape) == 2


def is_scorer(spec: TrainingSpec, network: Network) -> bool:
    """Return whether the job trains a reward model. Its single rows have no targets."""
    return LOSSES[spec.loss].rows > 1 and len(network.output_shape) == 1


def errors_of(spec: TrainingSpec, network: Network, dataset: Dataset) -> Iterator[FieldError]:
    """Yield the fields that do not fit the pairs of a spec with the loss `preference`."""
    if LOSSES[spec.loss].rows == 1:
        return
    if spec.augmentation:
        yield FieldError("augmentation", "must be absent: the rows of a pair stay as they are")
    if spec.class_weights is not None:
        yield FieldError("class_weights", "must be absent: pairs have no classes")
    if dataset.weights is not None:
        yield FieldError("dataset", "must have no weights of rows: pairs count alike")
    if spec.split.group_column not in (None, PAIR):
        yield FieldError("split.group_column", f"must be {PAIR}: both rows stay in one part")
    if not has_reference(spec, network):
        yield from _equal_rows(dataset)
        return
    if spec.initial_weights is None:
        yield FieldError(
            "initial_weights",
            "must name a job: the loss preference compares the probabilities of the rows with "
            "those of its weights. A network with one output needs none: it becomes a reward "
            "model",
        )
    language = language_of(dataset)
    if language is None:
        text = "must have the next tokens of its rows as targets, or the network one output"
        yield FieldError("dataset", text)
    elif reads_ahead(network, dataset):
        yield FieldError(
            "network.layers",
            "must read no later positions, or they do not predict next tokens: make attention "
            "causal",
        )


def _equal_rows(dataset: Dataset) -> Iterator[FieldError]:
    rows = dataset.inputs
    equal = np.flatnonzero((rows[::2] == rows[1::2]).all(1))
    if len(equal):
        shown = ", ".join(map(str, equal[:10])) + (" …" if len(equal) > 10 else "")
        yield FieldError(
            "dataset",
            "must have pairs of different inputs for a network with one output; those of the "
            f"pairs {shown}, counted from 0, are equal",
        )


def reads_ahead(network: Network, dataset: Dataset) -> bool:
    """Return whether outputs at a position depend on inputs behind it."""
    decoder = WindowDecoder(network, network.initial_parameters(rng=np.random.default_rng(0)))
    language = language_of(dataset)
    if language is None or network.input_shape != (dataset.features,):
        return False
    row = dataset.inputs[0]
    other = np.array(row)
    other[-1] = (other[-1] + 1) % language.written
    return decoder.reads_ahead(row.tolist(), other.tolist())


def check_vocabulary(
    connection: Connection,
    field: str,
    job: str,
    parent: TrainingSpec,
    dataset: Dataset,
) -> None:
    """Raise `InvalidArgument` if the tokens of the job that the field names are known, and differ
    from the tokens of the data set.
    """
    if dataset.source == "inline":
        return  # Its tokens are numbers.
    try:
        # Its own tokens, without a mask.
        former = load_for_stored_job(connection, parent.model_copy(update={"corruption": None}))
    except NotFound:
        return
    names, needed = (d.token_names or d.class_names for d in (dataset, former))
    if names == needed:
        return
    if field == INITIAL_WEIGHTS:
        error = FieldError(
            "dataset",
            f"must have the tokens of {former.name}, which {job} was trained on: upload the "
            "text with the option vocabulary",
        )
    else:
        error = FieldError(
            f"{field}.job",
            f"must read the tokens of {dataset.name}; {job} was trained on those of {former.name}",
        )
    raise InvalidArgument.of(error)
