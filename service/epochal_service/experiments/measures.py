"""Values of claims that need a computation, from the weights of a job or from all of its epochs.
The worker measures the values that a claim of the experiment needs at the job's end, and stores
them with it, so that a read of an experiment computes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from epochal_engine import LOSSES

from ..answers import evaluation
from ..answers.diffusion import class_accuracy, generated_classes, sample_distance
from ..answers.evaluation import correct_predictions, counted_predictions
from ..answers.generation import Writer
from ..answers.inspection import Trained, losses_of, samples_of, trained, true_classes
from ..curves.epochs import merge
from ..datasets import Dataset
from ..datasets.dataset import IGNORED
from ..errors import InvalidArgument
from ..preparation.prepared import Prepared, has_validation, scaled_targets
from ..resources.language import Language, language_of
from ..settings import UNLIMITED
from ..specs.build import build_row_loss
from ..specs.experiments import ClaimSpec
from ..specs.generation import GeneratedSample, GenerateRequest
from ..specs.inspection import EvaluationSplit
from ..store import Access, Database, experiments
from ..store import log as job_log
from ..store.jobs import JobRow

TEXTS = 200
"""Texts that are generated for `novelty`, with seed 0."""
EPOCHS_AT_ONCE = 10_000
WINDOWS_AT_ONCE = 64
"""The number of windows of a text in one computation of probabilities."""


@dataclass(frozen=True)
class Finished:
    """A job with all its epochs stored, and its resulting weights."""

    row: JobRow
    epoch: int
    prepared: Prepared
    trained: Trained


def measure_of(claim: ClaimSpec) -> str | None:
    """Return the name of the measure that the claim is about; None if it is about stored numbers.

    A measure is a number that the worker computes at the end of the job.
    """
    if claim.within_epochs is not None:
        return f"{claim.metric} within {claim.within_epochs} epochs"
    if claim.position is not None:
        return f"{claim.metric} at position {claim.position}"
    if claim.classifier is not None:
        return f"{claim.metric} by {claim.classifier}"
    return claim.metric if claim.metric in MEASURES else None


def measured(database: Database, job: Finished, claim: ClaimSpec) -> float | None:
    """Return the measure that the claim is about; None if it is not a finite number."""
    if claim.within_epochs is not None:
        value = _improvement(database, job, claim.metric, claim.within_epochs)
    elif claim.position is not None:
        value = _at_position(job, claim.metric, claim.position)
    elif claim.classifier is not None:
        value = _class_accuracy(database, job, claim.classifier)
    else:
        value = MEASURES[claim.metric](job.trained, job.prepared)
    return value if math.isfinite(value) else None


def positions_of(prepared: Prepared) -> int:
    """Return the number of positions, or of predicted numbers, that have a loss each; else 0."""
    shape = prepared.network.output_shape
    return 0 if len(shape) == 1 and prepared.dataset.class_names else shape[0]


def writes_texts(dataset: Dataset) -> bool:
    """Return whether a network can write whole rows of the data set, without a prompt."""
    return _language(dataset) is not None


@dataclass(frozen=True)
class Labeled:
    """Samples with classes: the number of their features, and the names of the classes."""

    features: int
    class_names: tuple[str, ...]


def generated(prepared: Prepared) -> Labeled | None:
    """Return what a diffusion network generates; None if it takes no class."""
    names = generated_classes(prepared.dataset)
    return Labeled(prepared.network.output_shape[0], tuple(names)) if names else None


def classified(prepared: Prepared) -> Labeled | None:
    """Return the targets that a network classifies; None if it does not classify whole samples."""
    dataset = prepared.dataset
    if dataset.task not in ("binary", "multiclass"):
        return None
    return Labeled(len(dataset.feature_names), dataset.class_names)


def _language(dataset: Dataset) -> Language | None:
    language = language_of(dataset)
    if language is None or language.to_read or language.start is None or language.end is None:
        return None
    return language


def novelty(network: Trained, prepared: Prepared) -> float:
    """Return the fraction of `TEXTS` generated texts that end, and are not a row of the data set.

    NaN for data of no such texts, and if the outputs of the network are not finite numbers.
    """
    dataset = prepared.dataset
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


def spells_text(prepared: Prepared) -> bool:
    """Return whether a network gives the next characters or parts of words of a text as
    probabilities.
    """
    language = language_of(prepared.dataset)
    is_text = language is not None and language.characters is not None
    return is_text and LOSSES[prepared.spec.loss].output_activation == "softmax"


def bits_per_character(network: Trained, prepared: Prepared) -> float:
    """Return the loss in bits for each character, as the evaluation has it; NaN without a text."""
    language = language_of(prepared.dataset)
    if language is None or language.characters is None:
        return math.nan
    loss = build_row_loss(network.spec, prepared.dataset.ignore_label)
    part: EvaluationSplit = "validation" if has_validation(network.spec) else "train"
    samples = samples_of(prepared, UNLIMITED, part)
    nats, characters = 0.0, 0
    # The probabilities of many tokens, for all windows at once, need more memory than the training.
    for start in range(0, len(samples), WINDOWS_AT_ONCE):
        rows = slice(start, start + WINDOWS_AT_ONCE)
        targets = samples.targets[rows]
        counted = counted_predictions(loss, targets)
        outputs, targets = network.outputs(samples.inputs[rows])[counted], targets[counted]
        nats += losses_of(LOSSES["cross_entropy"], outputs, targets).sum()
        characters += int(language.characters[true_classes(targets)].sum())
    return evaluation.bits_per_character(nats, characters) if characters else math.nan


MEASURES: dict[str, Callable[[Trained, Prepared], float]] = {
    "nearest_neighbor_accuracy": sample_distance,
    "novelty": novelty,
    "bits_per_character": bits_per_character,
}
"""Measures of the answering weights by the metric of their claims."""


def _at_position(job: Finished, metric: str, position: int) -> float:
    """Return the mean loss or the accuracy of the predictions that count at a position."""
    network, prepared = job.trained, job.prepared
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


def _class_accuracy(database: Database, job: Finished, classifier: str) -> float:
    """Return the fraction of generated samples that another job of the experiment recognizes.

    NaN if that job, which ended before, was deleted since.
    """
    row = job.row
    with database.read() as connection:
        for other in experiments.jobs_of(connection, row.experiment_id or ""):
            if (other.experiment_job, other.experiment_seed) == (classifier, row.experiment_seed):
                network = trained(connection, other.id, Access(other.owner), None)
                break
        else:
            return math.nan
    return class_accuracy(job.trained, job.prepared, network)


def _improvement(database: Database, job: Finished, metric: str, epochs: int) -> float:
    """Return the largest fall of a loss, or rise of another metric, over `epochs`.

    NaN for a job that has trained fewer, or without the metric.
    """
    parts = []
    with database.read() as connection:
        for start in range(0, job.epoch, EPOCHS_AT_ONCE):
            up_to = min(start + EPOCHS_AT_ONCE, job.epoch)
            bodies = job_log.bodies(connection, job.row.id, start, up_to)
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
