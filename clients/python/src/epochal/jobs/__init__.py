"""Training jobs: create one, watch it train, read its numbers and its weights."""

from .collection import Jobs
from .inspection import LayerWeights, UnitMaps
from .job import Job, JobFailed
from .predictions import Grid

__all__ = ["Grid", "Job", "JobFailed", "Jobs", "LayerWeights", "UnitMaps"]
