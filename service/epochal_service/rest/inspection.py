"""A look into a job's network over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query

from ..methods import inspection
from ..specs.inspection import (
    ConfusionMatrix,
    GetConfusionMatrixRequest,
    GetHiddenSpaceRequest,
    GetSamplePredictionsRequest,
    GetUnitMapsRequest,
    GetWeightsRequest,
    HiddenSpace,
    SamplePredictions,
    UnitMaps,
    Weights,
)
from . import examples
from .body import StrictRoute
from .context import Here
from .jobs import JobId
from .problems import Explained, problems

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)

FAILS = problems(400, 404, 413, 415)


@router.post("/{id}/unit-maps", summary="Map the units", responses=FAILS)
def get_unit_maps(
    context: Here,
    job_id: JobId,
    request: Annotated[GetUnitMapsRequest, Body(openapi_examples=examples.UNIT_MAPS), Explained],
) -> UnitMaps:
    """What each unit of a network of two inputs says over a grid of them."""
    return inspection.get_unit_maps(context, job_id, request)


@router.post("/{id}/hidden-space", summary="Show the hidden space", responses=FAILS)
def get_hidden_space(
    context: Here,
    job_id: JobId,
    request: Annotated[
        GetHiddenSpaceRequest, Body(openapi_examples=examples.HIDDEN_SPACES), Explained
    ],
) -> HiddenSpace:
    """Where a layer puts the samples: a layer of more than two units in the plane in which they
    differ most.
    """
    return inspection.get_hidden_space(context, job_id, request)


@router.post("/{id}/confusion-matrix", summary="Count confusions", responses=FAILS)
def get_confusion_matrix(
    context: Here,
    job_id: JobId,
    request: Annotated[
        GetConfusionMatrixRequest, Body(openapi_examples=examples.CONFUSION_MATRICES), Explained
    ],
) -> ConfusionMatrix:
    """How many samples of each class the network takes for which."""
    return inspection.get_confusion_matrix(context, job_id, request)


@router.post("/{id}/sample-predictions", summary="Predict samples", responses=FAILS)
def get_sample_predictions(
    context: Here,
    job_id: JobId,
    request: Annotated[
        GetSamplePredictionsRequest, Body(openapi_examples=examples.SAMPLE_PREDICTIONS), Explained
    ],
) -> SamplePredictions:
    """Samples of the job's data set beside what the network says of them: the first, the worst, the
    best, or some at random.
    """
    return inspection.get_sample_predictions(context, job_id, request)


@router.get("/{id}/weights", summary="Get the weights", responses=problems(400, 404))
def get_weights(
    context: Here, job_id: JobId, query: Annotated[GetWeightsRequest, Query(), Explained]
) -> Weights:
    """The weights of every layer, or of one, as numbers. Checkpoints are the same as a file."""
    return inspection.get_weights(context, job_id, query)
