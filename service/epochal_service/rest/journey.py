"""The content of the journey over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from ..methods import journey
from ..specs.journey.timeline import Timeline
from .body import StrictRoute
from .context import Here
from .problems import problems

router = APIRouter(prefix="/v1", tags=["journey"], route_class=StrictRoute)


@router.get("/timeline", summary="From the perceptron to today", responses=problems(400))
def get_timeline(context: Here) -> Timeline:
    """Eleven steps from one artificial neuron to the language models of today, with sources."""
    return journey.get_timeline(context)
