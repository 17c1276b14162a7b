"""Saved networks, and what a network amounts to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .paging import pages
from .records import read, request
from .session import Session
from .specs import Spec


@dataclass(frozen=True)
class LayerSummary:
    """One layer: its output shape, and how its parameters are counted."""

    name: str
    type: str
    output_shape: tuple[int, ...]
    activation: str | None
    initializer: str | None
    parameters: int
    arithmetic: str
    """The count with the numbers put in, e.g. `4·3 + 4`."""
    flops: int
    """Floating-point operations of the forward pass of one sample."""


@dataclass(frozen=True)
class NetworkSummary:
    """What a network amounts to; the two ways of counting differ in the input layer."""

    layers: tuple[LayerSummary, ...]
    parameters: int
    flops: int
    layers_with_input: int
    layers_without_input: int
    neurons_with_input: int
    neurons_without_input: int


@dataclass(frozen=True)
class Network:
    """A saved network; a job names it as `{"id": network.id}`."""

    id: str
    name: str | None
    network: dict[str, Any]
    summary: NetworkSummary
    created_at: datetime


class Networks:
    """`client.networks`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(
        self, network: Spec, *, name: str | None = None, request_id: str | None = None
    ) -> Network:
        """Saves a network. Raises `InvalidArgument` where its layers do not fit.

        The same `request_id` and the same network give the one that was saved before.
        """
        fields = {"network": request(network, "network"), "name": name}
        return read(Network, self._session.create("CreateNetwork", fields, request_id))

    def get(self, network_id: str) -> Network:
        """The network with this id. Raises `NotFound`."""
        return read(Network, self._session.call("GetNetwork", {"id": network_id}))

    def list(self, *, page_size: int | None = None) -> Iterator[Network]:
        """All networks, newest first, fetched page by page as they are asked for."""
        for item in pages(self._session, "ListNetworks", "networks", {"page_size": page_size}):
            yield read(Network, item)

    def delete(self, network_id: str) -> None:
        """Forgets a network; jobs that were made of it keep their copy. Raises `NotFound`."""
        self._session.call("DeleteNetwork", {"id": network_id})

    def summarize(self, network: Spec) -> NetworkSummary:
        """Output shapes, parameters and operations of a network, without saving it.

        Raises `InvalidArgument` where its layers do not fit.

        >>> network = epochal.network([3], [epochal.dense(4), epochal.dense(4), epochal.dense(2)])
        >>> [layer.arithmetic for layer in client.networks.summarize(network).layers]
        ['4·3 + 4', '4·4 + 4', '2·4 + 2']
        """
        fields = {"network": request(network, "network")}
        return read(NetworkSummary, self._session.call("SummarizeNetwork", fields))
