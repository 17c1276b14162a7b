"""The methods of networks: save, read, list, delete, summarize."""

from __future__ import annotations

import epochal_engine as engine

from ..errors import NotFound
from ..jobs import quotas
from ..settings import Limits
from ..specs.base import timestamp
from ..specs.build import build_network
from ..specs.limits import check_network
from ..specs.networks import (
    CreateNetworkRequest,
    LayerSummary,
    ListNetworksRequest,
    Network,
    NetworkPage,
    NetworkSpec,
    NetworkSummary,
    SummarizeNetworkRequest,
)
from ..store import Connection, keys, networks
from ..store.database import new_id
from ..store.networks import NetworkRow
from .context import Context
from .fingerprints import fingerprint
from .pages import before, cut, page_size


def create_network(context: Context, request: CreateNetworkRequest) -> Network:
    """Save a network. The same `request_id` and request return the network created before.

    Raises `InvalidArgument` if its shapes do not fit; `IdempotencyMismatch`; `QuotaExceeded`.
    """
    check_network(request.network, context.settings.limits)
    new = new_id("net")
    with context.database.write() as connection:
        network_id = keys.claim(
            connection, context.owner, request.request_id, fingerprint(request), new
        )
        if network_id != new:
            row = networks.find(connection, network_id, context.access)
            if row is None:
                raise NotFound(
                    f"The network that this idempotency key created, {network_id}, was deleted"
                )
        else:
            quotas.reserve(connection, context.settings.quotas, context.owner, "max_networks")
            row = networks.insert(
                connection,
                id=new,
                owner=context.owner,
                name=request.name,
                network=request.network.model_dump_json(),
            )
    return _reply(row)


def get_network(context: Context, id: str) -> Network:
    """Return a saved network. Raises `NotFound`."""
    with context.database.read() as connection:
        return _reply(_existing(connection, context, id))


def _existing(connection: Connection, context: Context, id: str) -> NetworkRow:
    row = networks.find(connection, id, context.access)
    if row is None:
        raise NotFound(f"There is no network {id}")
    return row


def list_networks(context: Context, request: ListNetworksRequest) -> NetworkPage:
    """List saved networks, newest first."""
    size = page_size(request.page_size)
    with context.database.read() as connection:
        rows = networks.page(
            connection, context.owner, size=size + 1, before=before(request.page_token, "net")
        )
    page, token = cut(rows, size, lambda row: len(row.network))
    return NetworkPage(networks=[_reply(row) for row in page], next_page_token=token)


def delete_network(context: Context, id: str) -> None:
    """Delete a saved network; jobs that use it have their own copy. Raises `NotFound`."""
    with context.database.write() as connection:
        context.access.require_owner(_existing(connection, context, id).owner)
        networks.delete(connection, id)


def summarize_network(context: Context, request: SummarizeNetworkRequest) -> NetworkSummary:
    """Return shapes, parameters and operations of a network without saving it.

    Raises `InvalidArgument` if the shapes do not fit.
    """
    return summary(request.network, context.settings.limits)


def summary(spec: NetworkSpec, limits: Limits) -> NetworkSummary:
    """Return shapes, parameters and operations, layer by layer. Raises `InvalidArgument`."""
    return _summary_of(check_network(spec, limits))


def _summary_of(network: engine.Network) -> NetworkSummary:
    total = engine.summarize(network)
    layers = [
        LayerSummary(
            name=layer.name,
            type=layer.type,
            output_shape=list(layer.output_shape),
            activation=layer.activation,
            initializer=layer.initializer,
            parameters=layer.parameters,
            parameters_formula=layer.parameters_formula,
            flops=layer.flops,
        )
        for layer in total.layers
    ]
    return NetworkSummary(
        layers=layers,
        parameters=total.parameters,
        flops=total.flops,
        layers_with_input=total.layers_with_input,
        layers_without_input=total.layers_without_input,
        neurons_with_input=total.neurons_with_input,
        neurons_without_input=total.neurons_without_input,
    )


def _reply(row: NetworkRow) -> Network:
    spec = NetworkSpec.model_validate_json(row.network)
    created = timestamp(row.created_at)
    assert created is not None
    return Network(
        id=row.id,
        name=row.name,
        network=spec,
        # Not checked again: limits that were lowered later must not hide a saved network.
        summary=_summary_of(build_network(spec)),
        created_at=created,
    )
