"""Networks over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from ..methods import networks
from ..specs.networks import (
    CreateNetworkRequest,
    ListNetworksRequest,
    Network,
    NetworkPage,
    NetworkSummary,
    SummarizeNetworkRequest,
)
from . import examples
from .body import StrictRoute
from .context import Here, IdempotencyKey
from .problems import Explained, problems

router = APIRouter(prefix="/v1/networks", tags=["networks"], route_class=StrictRoute)

NetworkId = Annotated[str, Path(alias="id", description="As `POST /v1/networks` gave it.")]


@router.post("", status_code=201, summary="Save a network", responses=problems(400, 413, 415, 422))
def create_network(
    context: Here,
    request: Annotated[CreateNetworkRequest, Body(openapi_examples=examples.NETWORKS), Explained],
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Network:
    """Saves a network together with its summary; a job may then name it by its id."""
    if idempotency_key is not None:
        request = request.model_copy(update={"request_id": idempotency_key})
    network = networks.create_network(context, request)
    response.headers["Location"] = f"{router.prefix}/{network.id}"
    return network


@router.post("/summarize", summary="Summarize a network", responses=problems(400, 413, 415))
def summarize_network(
    context: Here,
    request: Annotated[
        SummarizeNetworkRequest, Body(openapi_examples=examples.SUMMARIES), Explained
    ],
) -> NetworkSummary:
    """Output shapes, parameters and operations of a network, without saving it."""
    return networks.summarize_network(context, request)


@router.get("", summary="List networks", responses=problems(400))
def list_networks(
    context: Here, query: Annotated[ListNetworksRequest, Query(), Explained]
) -> NetworkPage:
    """The saved networks, newest first."""
    return networks.list_networks(context, query)


@router.get("/{id}", summary="Get a network", responses=problems(400, 404))
def get_network(context: Here, network_id: NetworkId) -> Network:
    """A saved network and its summary."""
    return networks.get_network(context, network_id)


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    summary="Delete a network",
    responses=problems(400, 404),
)
def delete_network(context: Here, network_id: NetworkId) -> None:
    """Forgets a network; jobs that were made from it keep their own copy."""
    networks.delete_network(context, network_id)
