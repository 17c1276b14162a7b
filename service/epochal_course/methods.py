"""Methods that return the content of the journey; it is read-only."""

from __future__ import annotations

import json

from epochal_service.methods.context import Context

from . import content as journey
from .explorers.table import EXPLORERS, path_of
from .specs.content.activations import Activations
from .specs.content.architectures import Architecture, Architectures
from .specs.content.losses import Losses
from .specs.content.models import Models
from .specs.content.neuron_parts import NeuronParts
from .specs.content.preset_experiments import PresetExperiment, PresetExperiments
from .specs.content.presets import Preset, Presets
from .specs.content.sections import (
    CheckAnswerRequest,
    CheckedAnswer,
    ExplorerReference,
    Question,
    Section,
    Sections,
)
from .specs.content.stored_results import PresetExperimentResults
from .specs.content.timeline import Timeline


def list_neuron_parts(context: Context) -> NeuronParts:
    """Return the parts of a nerve cell and their counterparts in an artificial neuron."""
    return journey.neuron_parts.neuron_parts()


def list_activations(context: Context) -> Activations:
    """Return each activation with its formulas and a description."""
    return journey.activations.activations()


def list_models(context: Context) -> Models:
    """Return well-known networks with their parameter counts."""
    return journey.models.models()


def list_losses(context: Context) -> Losses:
    """Return each loss with its formulas and a description."""
    return journey.losses.losses()


def list_architectures(context: Context) -> Architectures:
    """Return all architectures of the zoo."""
    return Architectures(architectures=[*journey.architectures.architectures()])


def get_architecture(context: Context, id: str) -> Architecture:
    """Return one architecture. Raises `NotFound`."""
    return journey.architectures.find(id)


def list_sections(context: Context) -> Sections:
    """Return the eleven sections, in order."""
    return Sections(sections=[_section(content) for content in journey.sections.sections()])


def get_section(context: Context, id: str) -> Section:
    """Return one section. Raises `NotFound`."""
    return _section(journey.sections.find(id))


def check_answer(context: Context, id: str, request: CheckAnswerRequest) -> CheckedAnswer:
    """Check an answer against the result of the question's explorer.

    Raises `NotFound` if there is no such section, `InvalidArgument` if it has no such question.
    """
    question = journey.questions.find(journey.sections.find(id), request.question)
    explorer = EXPLORERS[question.rpc]
    answer = question.solution(explorer.function(explorer.request.model_validate(question.request)))
    return CheckedAnswer(
        is_correct=abs(request.answer - answer.value) <= question.tolerance,
        expected=answer.value,
        tolerance=question.tolerance,
        explanation=answer.explanation,
        rpc=question.rpc,
        path=path_of(question.rpc),
        request=json.dumps(question.request, ensure_ascii=False),
    )


def _section(content: journey.sections.SectionContent) -> Section:
    return Section(
        id=content.id,
        number=content.number,
        title=content.title,
        lead=content.lead,
        paragraphs=content.paragraphs,
        sources=content.sources,
        explorers=[_reference(rpc) for rpc in content.explorers if rpc in EXPLORERS],
        presets=content.presets,
        questions=[
            Question(id=q.id, text=q.text, choices=q.choices, unit=q.unit)
            for q in journey.questions.questions()
            if q.section == content.id
        ],
    )


def _reference(rpc: str) -> ExplorerReference:
    explorer = EXPLORERS[rpc]
    example, request = next(iter(explorer.examples.items()))
    return ExplorerReference(
        rpc=rpc,
        path=path_of(rpc),
        summary=explorer.summary,
        example=example,
        request=json.dumps(request, ensure_ascii=False),
    )


def list_presets(context: Context) -> Presets:
    """Return all presets in the order of the journey, with their expected results."""
    return Presets(presets=[*journey.presets.presets()])


def get_preset(context: Context, id: str) -> Preset:
    """Return one preset. Raises `NotFound`."""
    return journey.presets.preset(id)


def list_preset_experiments(context: Context) -> PresetExperiments:
    """Return all preset experiments, by year."""
    return PresetExperiments(experiments=[*journey.history.PRESET_EXPERIMENTS])


def get_preset_experiment(context: Context, id: str) -> PresetExperiment:
    """Return one preset experiment. Raises `NotFound`."""
    return journey.history.preset_experiment(id)


def get_preset_experiment_results(context: Context, id: str) -> PresetExperimentResults:
    """Return results of a preset experiment that ran once: its claims, curves, and the replies
    that its pictures are drawn from. Raises `NotFound`.
    """
    return journey.stored_results.results_of(journey.history.preset_experiment(id))


def get_timeline(context: Context) -> Timeline:
    """Return the timeline from the perceptron to today's language models."""
    return journey.timeline.timeline()
