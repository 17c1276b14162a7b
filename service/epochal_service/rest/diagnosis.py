"""A job's diagnosis over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from ..methods import diagnosis
from ..specs.diagnosis import Diagnosis
from .body import StrictRoute
from .context import Here
from .jobs import JobId
from .problems import problems

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=StrictRoute)


@router.get("/{id}/diagnosis", summary="Get a diagnosis", responses=problems(400, 404))
def get_diagnosis(context: Here, job_id: JobId) -> Diagnosis:
    """What went wrong, where it shows, and one change to try next for each finding.

    A healthy run has no findings. A patch changes the job's `spec` as RFC 7396 has it.
    """
    return diagnosis.get_diagnosis(context, job_id)
