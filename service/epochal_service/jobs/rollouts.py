"""What a job with rollouts needs: a network that writes, initial weights, a reward that varies."""

from __future__ import annotations

from collections.abc import Iterator

import epochal_engine as engine
from epochal_engine import Network
from epochal_engine.data import CHARACTERS

from ..datasets import Dataset
from ..errors import FieldError
from ..specs.training import RolloutsSpec, TrainingSpec
from .language import Language, language_of
from .preferences import reads_ahead

WRITTEN = ("reward", "kl", "valid")
"""The metrics of what a network writes."""


def metrics_of_rollouts(spec: TrainingSpec) -> tuple[str, ...]:
    """Return those of `WRITTEN` that the job has."""
    if spec.rollouts is None:
        return ()
    return WRITTEN if spec.rollouts.grammar is not None else WRITTEN[:2]


def build_rollouts(spec: TrainingSpec, dataset: Dataset) -> engine.Rollouts | None:
    """Return the engine's rollouts, which write the tokens of the data set; None without any."""
    if spec.rollouts is None:
        return None
    language = language_of(dataset)
    assert language is not None
    reward = engine.CountTexts(tuple(spec.rollouts.reward.texts))
    grammar, beta = spec.rollouts.grammar, spec.rollouts.beta
    return engine.Rollouts(reward, language.names, beta, grammar, language.end)


def errors_of(spec: TrainingSpec, network: Network, dataset: Dataset) -> Iterator[FieldError]:
    """Yield what does not fit the rollouts of a spec."""
    if spec.rollouts is None:
        return
    for field, text in (
        ("augmentation", "the network writes the samples"),
        ("corruption", "the network writes the samples"),
        ("class_weights", "the reward weighs the samples"),
    ):
        if getattr(spec, field):
            yield FieldError(field, f"must be absent with rollouts: {text}")
    if spec.loss != "cross_entropy" or spec.loss_options.model_dump(exclude_none=True):
        yield FieldError("loss", "must be cross_entropy without options for rollouts")
        return
    if dataset.weights is not None:
        yield FieldError("dataset", "must have no weights of rows: the reward weighs the samples")
    if spec.initial_weights is None:
        yield FieldError(
            "initial_weights",
            "must name a job: a network with new weights would write random tokens",
        )
    language = language_of(dataset)
    if language is None or language.to_read:
        yield FieldError("dataset", "must have the next tokens of its rows as targets")
    elif language.separator:
        yield FieldError("dataset", "must have tokens that are characters, or parts of words")
    else:
        yield from _text_errors(spec.rollouts, language, dataset.name)
        if reads_ahead(network, dataset):
            yield FieldError(
                "network.layers",
                "must read no later positions, which are empty while it writes: make attention "
                "causal",
            )


def _text_errors(spec: RolloutsSpec, language: Language, name: str) -> Iterator[FieldError]:
    """Yield the texts that the network cannot write, and a grammar that no text can keep to."""
    known = set("".join(language.names[: language.written]))
    for index, text in enumerate(spec.reward.texts):
        field = f"rollouts.reward.texts[{index}]"
        unknown = ", ".join(repr(character) for character in sorted(set(text) - known)[:10])
        result = "the reward would be constant, and nothing could be learned from it"
        if unknown:
            yield FieldError(
                field, f"has characters that {name} does not have, {unknown}: {result}"
            )
        elif len(text) > language.window * max(map(len, language.names)):
            yield FieldError(field, f"is longer than any text of {name}: {result}")
    if spec.grammar == "sentences" and not set(CHARACTERS) <= known:
        yield FieldError(
            "rollouts.grammar",
            f"must be absent: {name} lacks characters of sentences, so that no text is valid",
        )
