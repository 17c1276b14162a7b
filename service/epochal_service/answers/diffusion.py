"""Samples that a diffusion network generates, from noise to data, one step at a time.

    noise ── predict the noise in it ──→ remove a part, add a little ──→ … ──→ samples

Each sample has its own stream of random numbers, and is computed at the same place of a batch of
one size: it depends on the seed and its index alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.model import ELEMENTS_AT_ONCE

from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument
from ..preparation.prepared import SCALE, SHIFT, Prepared, has_validation, scaled
from ..resources.corruptions import CLASS
from ..settings import UNLIMITED, Limits
from ..specs.base import Reply
from ..specs.build import build_corruption, build_loss
from ..specs.generation import (
    Denoised,
    DiffusionStart,
    GenerateRequest,
    GenerationEnd,
    GenerationStart,
)
from ..specs.training import TrainingSpec
from .inspection import Trained, classes_of, image_shape_of, rounded, threshold_of

Array = NDArray[Any]

BATCH = 128
"""The size of a batch of samples. It is fixed."""
COMPARED = 500
"""Samples that are compared with the data, at most."""
CLASSIFIED, CLASSIFIED_STEPS = 200, 50_000
"""Samples that are classified, and their steps, at most."""
EVENTS = 10
"""Usual number of events with samples, after the noise."""


class Diffusion:
    """A diffusion network, and a request for samples. Raises `InvalidArgument`."""

    def __init__(
        self, network: Trained, dataset: Dataset, request: GenerateRequest, limits: Limits
    ) -> None:
        assert network.spec.corruption is not None
        corruption = build_corruption(network.spec.corruption)
        assert isinstance(corruption, engine.Diffuse)
        self._trained, self._request, self._diffuse = network, request, corruption
        self._features = network.network.output_shape[0]
        self._names = dataset.feature_names[: self._features]
        data = replace(
            dataset, inputs=dataset.inputs[:, : self._features], feature_names=self._names
        )
        self._image_shape = image_shape_of(data, network.network)
        self._class_names = generated_classes(dataset)
        self.classes = self._chosen_classes()
        self._every = request.steps_per_event or -(-corruption.steps // EVENTS)
        self._check_limits(limits)
        inputs = scaled(dataset.inputs, network.weights)[:, : self._features]
        self._bounds = inputs.min(0), inputs.max(0)
        self._streams = [np.random.default_rng([request.seed, i]) for i in range(request.count)]
        self._samples = self._noise()
        self._predicted = self._predict(corruption.steps)
        if not np.isfinite(self._predicted).all():
            raise InvalidArgument.of(
                FieldError(
                    "epoch",
                    f"must be another one: the outputs after epoch {network.epoch} are not finite "
                    "numbers",
                )
            )

    def payloads(self) -> Iterator[tuple[str, Reply]]:
        """Yield the type and the data of each event. Each is computed when it is needed."""
        steps = self._diffuse.steps
        yield (
            "start",
            GenerationStart(
                epoch=self._trained.epoch,
                prompt="",
                prompt_tokens=[],
                has_encoder=False,
                separator="",
                window=0,
                diffusion=DiffusionStart(
                    steps=steps,
                    feature_names=[*self._names],
                    image_shape=self._image_shape,
                    class_names=[*self._class_names],
                    classes=[*self.classes],
                ),
            ),
        )
        yield "denoised", self._denoised(steps)
        for step in range(steps, 0, -1):
            if step < steps:
                self._predicted = self._predict(step)
            fresh = self._noise() if step > 1 else np.zeros_like(self._samples)
            self._samples = self._diffuse.denoised(
                self._samples, step, self._predicted, self._bounds, fresh
            )
            if (step - 1) % self._every == 0:
                yield "denoised", self._denoised(step - 1)
        yield "end", GenerationEnd(samples=self._request.count, tokens=0)

    def scaled_samples(self) -> Array:
        """Return the samples after the last step, scaled as in training, `(count, features)`."""
        for _ in self.payloads():
            pass
        return self._samples

    def samples(self) -> Array:
        """Return the samples after the last step, in the units of the data, `(count, features)`."""
        self.scaled_samples()
        return self._unscaled()

    def _denoised(self, step: int) -> Denoised:
        return Denoised(step=step, samples=rounded(self._unscaled()).tolist())

    def _unscaled(self) -> Array:
        """Return the present samples in the units of the data."""
        if SHIFT not in self._trained.weights:
            return self._samples
        features = slice(self._features)
        scale, shift = (self._trained.weights[name][features] for name in (SCALE, SHIFT))
        return self._samples * scale + shift

    def _noise(self) -> Array:
        """Return Gaussian numbers for each sample, from its own stream, `(count, features)`."""
        return np.stack([stream.standard_normal(self._features) for stream in self._streams])

    def _predict(self, step: int) -> Array:
        """Return the noise that the network sees in the samples at a step."""
        network, weights = self._trained.network, self._trained.weights
        predicted = np.empty_like(self._samples)
        rows = np.zeros((BATCH, *network.input_shape))
        rows[:, self._features] = step / self._diffuse.steps
        for start in range(0, len(predicted), BATCH):
            part = slice(start, start + BATCH)
            count = len(predicted[part])
            rows[:count, : self._features] = self._samples[part]
            if self._class_names:
                chosen = np.array(self.classes[part])[:, None]
                rows[:count, self._features + 1 :] = chosen == np.arange(len(self._class_names))
            predicted[part] = engine.predict(network, weights, rows)[:count]
        return predicted

    def _chosen_classes(self) -> Sequence[int]:
        """Return the class of each sample; none if the network has no condition."""
        names, name, count = self._class_names, self._request.class_name, self._request.count
        if name is None:
            return [i % len(names) for i in range(count)] if names else []
        if name in names:
            return [names.index(name)] * count
        text = (
            f"must be one of {', '.join(names)}"
            if names
            else (
                "must be absent: the network was trained without classes, with an input for each "
                "feature and the time alone"
            )
        )
        raise InvalidArgument.of(FieldError("class_name", text))

    def _check_limits(self, limits: Limits) -> None:
        request, steps = self._request, self._diffuse.steps
        errors = []
        if request.count * steps > limits.max_predict_rows:
            most = limits.max_predict_rows // steps
            text = f"must be at most {most}: {steps} steps of each sample are predicted, and the "
            text += f"limit of one generation is {limits.max_predict_rows}"
            errors.append(FieldError("count", text))
        numbers = request.count * self._features * (2 + (steps - 1) // self._every)
        if numbers > limits.max_inspected_values:
            text = f"makes {numbers} numbers; the limit of one generation is "
            text += f"{limits.max_inspected_values}: use a larger one, or fewer samples"
            errors.append(FieldError("steps_per_event", text))
        if self._trained.network.largest_array > ELEMENTS_AT_ONCE:
            errors.append(FieldError("id", "must be a job whose network is smaller"))
        if errors:
            raise InvalidArgument.of(*errors, reason="limit_exceeded")


def generated_classes(dataset: Dataset) -> Sequence[str]:
    """Return the classes that a diffusion network on the data takes; none if it takes no class."""
    columns = dataset.columns
    return columns[-1].categories if columns and columns[-1].name == CLASS else []


def has_sample_distance(spec: TrainingSpec) -> bool:
    """Return whether the job trains a diffusion network and has a validation part."""
    diffuses = spec.corruption is not None and spec.corruption.type == "diffuse"
    return diffuses and has_validation(spec)


def sample_distance(network: Trained, prepared: Prepared) -> float:
    """Return the accuracy of the nearest neighbor among generated samples and validation rows.

    The network was not trained on these rows. One sample is generated for each row, at most
    `COMPARED`, with seed 0. About 0.5 if they are like the data; NaN if the network's outputs are
    not finite numbers.
    """
    rows = prepared.rows.validation[:COMPARED]
    generation = _generation(network, prepared, len(rows))
    if generation is None:
        return math.nan
    samples = generation.scaled_samples()
    data = scaled(prepared.dataset.inputs[rows], network.weights)[:, : samples.shape[1]]
    return engine.nearest_neighbor_accuracy(samples, data)


def class_accuracy(network: Trained, prepared: Prepared, classifier: Trained) -> float:
    """Return the fraction of generated samples that are classified as what they were generated for.

    `CLASSIFIED` samples are generated, with seed 0, or as many as have `CLASSIFIED_STEPS` together.
    NaN if the outputs of the network are not finite numbers.
    """
    generation = _generation(
        network, prepared, min(CLASSIFIED, CLASSIFIED_STEPS // _steps(network.spec))
    )
    if generation is None:
        return math.nan
    threshold = threshold_of(build_loss(classifier.spec))
    predicted = classes_of(classifier.outputs(generation.samples()), threshold)
    return float(np.mean(predicted == generation.classes))


def _generation(network: Trained, prepared: Prepared, count: int) -> Diffusion | None:
    """Return the generation of samples with seed 0; None if outputs are not finite numbers."""
    request = GenerateRequest(count=count, steps_per_event=_steps(network.spec))
    try:
        return Diffusion(network, prepared.dataset, request, UNLIMITED)
    except InvalidArgument:
        return None


def _steps(spec: TrainingSpec) -> int:
    return getattr(spec.corruption, "steps", 1)
