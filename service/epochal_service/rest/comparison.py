"""Jobs side by side over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BeforeValidator

from ..methods import comparison
from ..specs.comparison import Comparison, GetComparisonRequest
from .body import StrictRoute
from .context import Here
from .jobs import split_commas
from .problems import Explained, problems

router = APIRouter(prefix="/v1", tags=["jobs"], route_class=StrictRoute)


@router.get("/comparison", summary="Compare jobs", responses=problems(400, 404))
def get_comparison(
    context: Here,
    query: Annotated[GetComparisonRequest, Query(), BeforeValidator(split_commas), Explained],
) -> Comparison:
    """Two to ten jobs side by side: curves in few points, the last and the best epoch, the time
    taken, and every place at which their specs differ.

    `job` and `metric` may be repeated, or be separated by commas.
    """
    return comparison.get_comparison(context, query)
