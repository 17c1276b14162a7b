"""Training jobs: create one, watch it train, read its numbers and its weights."""

from .collection import Jobs
from .generation import Generation
from .inspection import Inside, LayerWeights, UnitMaps
from .job import Job, JobFailed
from .live import Live, LiveEpoch
from .predictions import Grid
from .verification import Deviation, Verification

__all__ = [
    "Deviation",
    "Generation",
    "Grid",
    "Inside",
    "Job",
    "JobFailed",
    "Jobs",
    "LayerWeights",
    "Live",
    "LiveEpoch",
    "UnitMaps",
    "Verification",
]
