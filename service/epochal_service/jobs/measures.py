"""Values of claims that take a computation: from the weights that a job answers with, or from all
of its epochs. They are computed once in this process, when the job has ended.
"""

from __future__ import annotations

import math

import numpy as np

from ..datasets import Dataset
from ..datasets.dataset import IGNORED
from ..errors import InvalidArgument, NotFound
from ..settings import UNLIMITED
from ..specs.build import build_row_loss
from ..specs.experiments import ClaimSpec
from ..specs.generation import GeneratedSample, GenerateRequest
from ..store import Access, Connection
from ..store import log as job_log
from ..store.jobs import JobRow
from .datasets import load_for_stored_job
from .epochs import merge
from .evaluation import correct_predictions, counted_predictions
from .generation import Writer
from .inspection import Trained, samples_of, trained
from .language import Language, language_of
from .preparation import Prepared, build, scaled_targets

TEXTS = 200
"""Texts that are generated for `novelty`, with seed 0."""
EPOCHS_AT_ONCE = 10_000
MOST_REMEMBERED = 1024

_remembered: dict[tuple[str, str, int | None, int | None], float] = {}


def is_measured(claim: ClaimSpec) -> bool:
    """Return whether the value of a claim is computed here, and not a stored number."""
    return (
        claim.metric == "novelty" or claim.position is not None or claim.within_epochs is not None
    )


def measured(connection: Connection, row: JobRow, claim: ClaimSpec) -> float:
    """Return the value of a claim for a job that has ended. NaN for a job without weights."""
    key = (row.id, claim.metric, claim.position, claim.within_epochs)
    if key not in _remembered:
        if claim.within_epochs is not None:
            value = _improvement(connection, row, claim.metric, claim.within_epochs)
        else:
            try:
                value = _of_weights(connection, row, claim)
            except NotFound:
                return math.nan
        _remembered[key] = value
        if len(_remembered) > MOST_REMEMBERED:
            del _remembered[next(iter(_remembered))]
    return _remembered[key]


def _of_weights(connection: Connection, row: JobRow, claim: ClaimSpec) -> float:
    """Raises `NotFound`."""
    network = trained(connection, row.id, Access(row.owner), None)
    dataset = load_for_stored_job(connection, network.spec, network.owner)
    if claim.metric == "novelty":
        return novelty(network, dataset)
    assert claim.position is not None
    prepared = build(network.spec, dataset, UNLIMITED)
    return _at_position(network, prepared, claim.metric, claim.position)


def positions_of(prepared: Prepared) -> int:
    """Return the number of positions, or of predicted numbers, that have a loss each; else 0."""
    shape = prepared.network.output_shape
    return 0 if len(shape) == 1 and prepared.dataset.class_names else shape[0]


def writes_texts(dataset: Dataset) -> bool:
    """Return whether a network can write whole rows of the data set, without a prompt."""
    return _language(dataset) is not None


def _language(dataset: Dataset) -> Language | None:
    language = language_of(dataset)
    if language is None or language.to_read or language.start is None or language.end is None:
        return None
    return language


def novelty(network: Trained, dataset: Dataset) -> float:
    """Return the fraction of `TEXTS` generated texts that end, and are no row of the data set.

    NaN for data of no such texts, and if the outputs of the network are not finite numbers.
    """
    language = _language(dataset)
    if language is None:
        return math.nan
    request = GenerateRequest(count=TEXTS, max_tokens=language.window, alternatives=0)
    known = {language.spelled(row[row != IGNORED].tolist()) for row in dataset.targets}
    try:
        payloads = [payload for _, payload in Writer(network, dataset, request).payloads()]
    except InvalidArgument:
        return math.nan
    new = [
        sample.finish_reason == "end_token" and sample.text not in known
        for sample in payloads
        if isinstance(sample, GeneratedSample)
    ]
    return float(np.mean(new))


def _at_position(network: Trained, prepared: Prepared, metric: str, position: int) -> float:
    """Return the mean loss or the accuracy of the predictions that count at a position."""
    loss = build_row_loss(network.spec, prepared.dataset.ignore_label)
    split, _, kind = metric.partition("_")
    samples = samples_of(prepared, UNLIMITED, "train" if split == "train" else "validation")
    outputs, targets = (
        array if array.ndim > 2 else array[..., None]
        for array in (
            scaled_targets(network.outputs(samples.inputs), network.weights),
            scaled_targets(samples.targets, network.weights),
        )
    )
    outputs, targets = outputs[:, position].astype(np.float64), targets[:, position]
    counted = counted_predictions(loss, targets)
    if kind == "loss":
        with np.errstate(all="ignore"):
            values = loss.values(outputs, targets.astype(np.float64))
    else:
        values = correct_predictions(loss, outputs, targets)
    return float(values[counted].mean()) if counted.any() else math.nan


def _improvement(connection: Connection, row: JobRow, metric: str, epochs: int) -> float:
    """Return the largest fall of a loss, or rise of another metric, over so many epochs.

    NaN for a job that has trained fewer, or without the metric.
    """
    parts = []
    for start in range(0, row.epoch, EPOCHS_AT_ONCE):
        up_to = min(start + EPOCHS_AT_ONCE, row.epoch)
        bodies = job_log.bodies(connection, row.id, start, up_to)
        run = merge(((first, body) for first, _, body in bodies), [metric])
        if run is None or metric not in run.columns:
            return math.nan
        skip = max(start + 1 - run.first, 0)
        parts.append(run.columns[metric][skip : up_to + 1 - run.first])
    values = np.concatenate([np.empty(0), *parts])
    if len(values) <= epochs:
        return math.nan
    changes = values[epochs:] - values[:-epochs]
    return float(np.max(-changes if metric.endswith("loss") else changes))
