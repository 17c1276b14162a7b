"""The content of the journey over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path

from ..methods import journey
from ..specs.journey.activations import Activations
from ..specs.journey.architectures import Architecture, Architectures
from ..specs.journey.losses import Losses
from ..specs.journey.models import Models
from ..specs.journey.neuron_parts import NeuronParts
from ..specs.journey.presets import Preset, Presets
from ..specs.journey.sections import CheckAnswerRequest, CheckedAnswer, Section, Sections
from ..specs.journey.timeline import Timeline
from .body import StrictRoute
from .context import Here
from .problems import Explained, problems

router = APIRouter(prefix="/v1", tags=["journey"], route_class=StrictRoute)

SectionId = Annotated[
    str, Path(alias="id", description="One of `GET /v1/sections`, such as `neuron`.")
]


@router.get("/neuron-parts", summary="Nerve cell and artificial neuron", responses=problems(400))
def list_neuron_parts(context: Here) -> NeuronParts:
    """Each part of a nerve cell, what stands for it in an artificial neuron, and where the likeness
    ends.
    """
    return journey.list_neuron_parts(context)


@router.get("/activations", summary="All activations", responses=problems(400))
def list_activations(context: Here) -> Activations:
    """Formulas, range, history, use, known trouble, and the gain for first weights, computed."""
    return journey.list_activations(context)


@router.get("/models", summary="Famous networks", responses=problems(400))
def list_models(context: Here) -> Models:
    """From LeNet-5 to what is guessed of today's, and how the number of parameters comes about."""
    return journey.list_models(context)


@router.get("/losses", summary="All losses", responses=problems(400))
def list_losses(context: Here) -> Losses:
    """Formulas and slopes, what each is for, its trouble, and where it comes from."""
    return journey.list_losses(context)


@router.get("/architectures", summary="The architecture zoo", responses=problems(400))
def list_architectures(context: Here) -> Architectures:
    """Nine kinds of networks: the idea, strengths and weaknesses, cost, use, a graph to draw, and a
    small one that can be trained here.
    """
    return journey.list_architectures(context)


@router.get("/architectures/{id}", summary="A kind of network", responses=problems(400, 404))
def get_architecture(
    context: Here,
    architecture_id: Annotated[
        str, Path(alias="id", description="One of `GET /v1/architectures`, such as `lstm`.")
    ],
) -> Architecture:
    """One of the zoo."""
    return journey.get_architecture(context, architecture_id)


@router.get("/sections", summary="The ten sections", responses=problems(400))
def list_sections(context: Here) -> Sections:
    """What each tells, its explorers and presets, and questions to check what was understood."""
    return journey.list_sections(context)


@router.get("/sections/{id}", summary="A section", responses=problems(400, 404))
def get_section(context: Here, section_id: SectionId) -> Section:
    """One section of the journey."""
    return journey.get_section(context, section_id)


@router.post(
    "/sections/{id}/answers", summary="Check an answer", responses=problems(400, 404, 413, 415)
)
def check_answer(
    context: Here,
    section_id: SectionId,
    request: Annotated[
        CheckAnswerRequest,
        Body(
            openapi_examples={
                "right": {
                    "summary": "The neuron of the example fires at .75",
                    "value": {"question": "weighted-sum", "answer": 0.75},
                }
            }
        ),
        Explained,
    ],
) -> CheckedAnswer:
    """Whether an answer is right; what is right is computed by an explorer, which is named."""
    return journey.check_answer(context, section_id, request)


@router.get("/presets", summary="Ready jobs", responses=problems(400))
def list_presets(context: Here) -> Presets:
    """Each with a name, a sentence, a spec for `POST /v1/jobs`, and what comes of it."""
    return journey.list_presets(context)


@router.get("/presets/{id}", summary="A ready job", responses=problems(400, 404))
def get_preset(
    context: Here,
    preset_id: Annotated[
        str, Path(alias="id", description="One of `GET /v1/presets`, such as `xor`.")
    ],
) -> Preset:
    """One preset: its `spec` may be sent to `POST /v1/jobs` as it is, or changed before."""
    return journey.get_preset(context, preset_id)


@router.get("/timeline", summary="From the perceptron to today", responses=problems(400))
def get_timeline(context: Here) -> Timeline:
    """Eleven steps from one artificial neuron to the language models of today, with sources."""
    return journey.get_timeline(context)
