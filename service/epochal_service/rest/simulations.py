"""The explorers over HTTP: a route for each row of their table."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, cleandoc
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.openapi.models import Example

from ..methods.simulations import EXPLORERS, Explorer, path_of
from .body import StrictRoute
from .context import Here
from .problems import Explained, problems

router = APIRouter(tags=["simulations"], route_class=StrictRoute)


def _endpoint(rpc: str, explorer: Explorer) -> Callable[..., Any]:
    def endpoint(context: Any, request: Any) -> Any:
        return explorer.method(context, request)

    examples: dict[str, Example] = {
        name: {"summary": name, "value": body} for name, body in explorer.examples.items()
    }
    body: Any = Annotated[explorer.request, Body(openapi_examples=examples), Explained]
    # FastAPI reads what a route takes off its signature.
    endpoint.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter("context", Parameter.POSITIONAL_OR_KEYWORD, annotation=Here),
            Parameter("request", Parameter.POSITIONAL_OR_KEYWORD, annotation=body),
        ],
        return_annotation=explorer.reply,
    )
    endpoint.__name__ = "".join(f"_{c.lower()}" if c.isupper() else c for c in rpc).strip("_")
    # What it raises is told by the problems of the route.
    endpoint.__doc__ = cleandoc(explorer.function.__doc__ or "").partition("\n\nRaises ")[0]
    return endpoint


for _rpc, _explorer in EXPLORERS.items():
    router.post(
        path_of(_rpc),
        summary=_explorer.summary,
        response_model=_explorer.reply,
        responses=problems(400, 413, 415),
    )(_endpoint(_rpc, _explorer))
