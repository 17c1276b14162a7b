"""The needs of a job with rollouts: a writing network, initial weights, a reward that varies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import epochal_engine as engine
from epochal_engine import Network
from epochal_engine.data import CHARACTERS

from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument
from ..resources.language import Language, language_of
from ..resources.sources import REWARD, with_source
from ..resources.transfer import Arrays
from ..specs.build import build_network
from ..specs.networks import NetworkSpec, input_embeddings
from ..specs.training import CountRewardSpec, JobRewardSpec, RolloutsSpec, TrainingSpec
from .forks import Parent
from .preferences import reads_ahead

WRITTEN = ("reward", "kl", "valid")
"""The metrics of the samples that a network writes."""


def metrics_of_rollouts(spec: TrainingSpec) -> tuple[str, ...]:
    """Return the metrics in `WRITTEN` that the job has."""
    if spec.rollouts is None:
        return ()
    return WRITTEN if spec.rollouts.grammar is not None else WRITTEN[:2]


def build_rollouts(spec: TrainingSpec, dataset: Dataset) -> engine.Rollouts | None:
    """Return the engine's rollouts, which write the tokens of the data set; None without any.

    A reward model has no weights yet.
    """
    if spec.rollouts is None:
        return None
    language = language_of(dataset)
    assert language is not None
    reward: engine.CountTexts | engine.ScoreTexts
    if isinstance(spec.rollouts.reward, JobRewardSpec):
        reward = engine.ScoreTexts(_network_of(spec.rollouts.reward))
    else:
        reward = engine.CountTexts(tuple(spec.rollouts.reward.texts))
    grammar, beta = spec.rollouts.grammar, spec.rollouts.beta
    return engine.Rollouts(reward, language.names, beta, grammar, language.end)


def _network_of(reward: JobRewardSpec) -> Network:
    assert reward.network is not None
    return build_network(reward.network)


def with_weights(training: engine.Training, weights: Arrays) -> engine.Training:
    """Return the training with the weights of its reward model."""
    assert training.rollouts is not None
    assert isinstance(training.rollouts.reward, engine.ScoreTexts)
    reward = replace(training.rollouts.reward, weights=weights)
    return replace(training, rollouts=replace(training.rollouts, reward=reward))


def with_reward_model(spec: TrainingSpec, judge: Parent) -> TrainingSpec:
    """Return the spec with the epoch and the network of its reward model, the job `judge`.

    Raises `InvalidArgument` if that job cannot be one.
    """
    assert spec.rollouts is not None
    reward = spec.rollouts.reward
    assert isinstance(reward, JobRewardSpec)
    network = judge.spec.network
    assert isinstance(network, NetworkSpec)
    error = None
    if judge.state not in (None, "succeeded"):
        error = FieldError("job", f"must have succeeded; {reward.job} is {judge.state}")
    elif judge.spec.dataset.scaling != "none":
        text = f"must read tokens as they are; {reward.job} scales its inputs"
        error = FieldError("job", text)
    elif reward.network not in (None, network):
        error = FieldError("network", f"must be absent, or the network of {reward.job}")
    if error is not None:
        raise InvalidArgument.of(FieldError(f"{REWARD}.{error.field}", error.description))
    return with_source(spec, REWARD, epoch=judge.epoch, network=network)


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
        yield from _grammar_errors(spec.rollouts, language, dataset.name)
        if isinstance(spec.rollouts.reward, JobRewardSpec):
            yield from _model_errors(spec.rollouts.reward, language, dataset.name)
        else:
            yield from _text_errors(spec.rollouts.reward, language, dataset.name)
        if reads_ahead(network, dataset):
            yield FieldError(
                "network.layers",
                "must read no later positions, which are empty while it writes: make attention "
                "causal",
            )


def _model_errors(reward: JobRewardSpec, language: Language, name: str) -> Iterator[FieldError]:
    """Yield why a network cannot give texts a reward."""
    network = _network_of(reward)
    if network.output_shape != (1,):
        yield FieldError(
            f"{REWARD}.job",
            f"must have a network with one output, the reward of a text; that of {reward.job} has "
            f"the output shape {list(network.output_shape)}",
        )
    if network.input_shape != (language.window,):
        yield FieldError(
            f"{REWARD}.job",
            f"must read rows of {language.window} tokens, which {name} has; {reward.job} reads the "
            f"input shape {list(network.input_shape)}",
        )
    assert reward.network is not None
    tokens = len(language.names)
    if any(layer.vocabulary < tokens for _, layer in input_embeddings(reward.network)):
        yield FieldError(f"{REWARD}.job", f"must read all {tokens} tokens of {name}")


def _text_errors(reward: CountRewardSpec, language: Language, name: str) -> Iterator[FieldError]:
    """Yield the texts that the network cannot write."""
    known = _characters(language)
    for index, text in enumerate(reward.texts):
        field = f"{REWARD}.texts[{index}]"
        unknown = ", ".join(repr(character) for character in sorted(set(text) - known)[:10])
        result = "the reward would be constant, and nothing could be learned from it"
        if unknown:
            yield FieldError(
                field, f"has characters that {name} does not have, {unknown}: {result}"
            )
        elif len(text) > language.window * max(map(len, language.names)):
            yield FieldError(field, f"is longer than any text of {name}: {result}")


def _grammar_errors(rollouts: RolloutsSpec, language: Language, name: str) -> Iterator[FieldError]:
    """Yield a grammar that no text can keep to."""
    if rollouts.grammar == "sentences" and not set(CHARACTERS) <= _characters(language):
        yield FieldError(
            "rollouts.grammar",
            f"must be absent: {name} lacks characters of sentences, so that no text is valid",
        )


def _characters(language: Language) -> set[str]:
    """Return the characters that a network can write."""
    return set("".join(language.names[: language.written]))
