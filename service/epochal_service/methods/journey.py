"""The content of the journey: read only, and the same for everybody."""

from __future__ import annotations

import json
from functools import cache

from ..journey import (
    activations,
    architectures,
    losses,
    models,
    neuron_parts,
    presets,
    questions,
    sections,
    timeline,
)
from ..settings import Limits
from ..specs.journey.activations import Activations
from ..specs.journey.architectures import Architecture, Architectures
from ..specs.journey.losses import Losses
from ..specs.journey.models import Models
from ..specs.journey.neuron_parts import NeuronParts
from ..specs.journey.presets import Preset, Presets
from ..specs.journey.sections import (
    CheckAnswerRequest,
    CheckedAnswer,
    ExplorerReference,
    Question,
    Section,
    Sections,
)
from ..specs.journey.timeline import Timeline
from . import networks
from .context import Context
from .simulations import EXPLORERS, path_of


def list_neuron_parts(context: Context) -> NeuronParts:
    """A nerve cell and its model, part by part."""
    return neuron_parts.neuron_parts()


def list_activations(context: Context) -> Activations:
    """What is known of each activation, and its formulas."""
    return activations.activations()


def list_models(context: Context) -> Models:
    """Famous networks, and how many parameters they have."""
    return models.models()


def list_losses(context: Context) -> Losses:
    """What is known of each loss, and its formulas."""
    return losses.losses()


def list_architectures(context: Context) -> Architectures:
    """All kinds of networks."""
    return Architectures(architectures=[_architecture(d.id) for d in architectures.DESCRIPTIONS])


def get_architecture(context: Context, id: str) -> Architecture:
    """One kind of network. Raises `NotFound`."""
    return _architecture(id)


def list_sections(context: Context) -> Sections:
    """The ten sections, in order."""
    return Sections(sections=[_section(text) for text in sections.TEXTS])


def get_section(context: Context, id: str) -> Section:
    """One section. Raises `NotFound`."""
    return _section(sections.find(id))


def check_answer(context: Context, id: str, request: CheckAnswerRequest) -> CheckedAnswer:
    """Whether an answer is right; what is right is computed now.

    Raises `NotFound` if there is no such section, `InvalidArgument` if it has no such question.
    """
    question = questions.find(sections.find(id), request.question)
    explorer = EXPLORERS[question.rpc]
    answer = question.read(explorer.function(explorer.request.model_validate(question.request)))
    return CheckedAnswer(
        correct=abs(request.answer - answer.value) <= question.tolerance,
        expected=answer.value,
        tolerance=question.tolerance,
        explanation=answer.explanation,
        rpc=question.rpc,
        path=path_of(question.rpc),
        request=json.dumps(question.request, ensure_ascii=False),
    )


@cache
def _architecture(id: str) -> Architecture:
    told = architectures.find(id)
    return Architecture(
        id=told.id,
        name=told.name,
        year=told.year,
        idea=told.idea,
        strengths=list(told.strengths),
        weaknesses=list(told.weaknesses),
        cost=told.cost,
        used_in=list(told.used_in),
        typical_size=told.typical_size,
        source=told.source,
        graph=told.graph,
        network=told.network,
        # By the limits that a server has if nobody changes them: these are small.
        summary=networks.summary(told.network, Limits()),
        preset=told.preset,
    )


def _section(text: sections.Text) -> Section:
    return Section(
        id=text.id,
        number=text.number,
        title=text.title,
        lead=text.lead,
        paragraphs=list(text.paragraphs),
        sources=list(text.sources),
        explorers=[_reference(rpc) for rpc in text.explorers if rpc in EXPLORERS],
        presets=text.presets,
        questions=[
            Question(id=q.id, text=q.text, choices=list(q.choices), unit=q.unit)
            for q in questions.QUESTIONS
            if q.section == text.id
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
    """Ready jobs with what comes of them, in the order of the journey."""
    return Presets(presets=list(presets.PRESETS))


def get_preset(context: Context, id: str) -> Preset:
    """One ready job. Raises `NotFound`."""
    return presets.preset(id)


def get_timeline(context: Context) -> Timeline:
    """From one artificial neuron to the language models of today."""
    return timeline.timeline()
