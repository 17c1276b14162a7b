"""Saved networks, and summaries of networks."""

from __future__ import annotations

from collections.abc import Iterator

from .paging import pages
from .records import read, request
from .session import Part
from .specs import Spec
from .types import Network, NetworkSpec, NetworkSummary


class Networks(Part):
    """`client.networks`."""

    def create(
        self,
        network: NetworkSpec | Spec,
        *,
        name: str | None = None,
        request_id: str | None = None,
    ) -> Network:
        """Save a network. A job refers to it as `network=saved`.

        The service creates one network for each `request_id`; a random one is used by default.
        Raises `InvalidArgument` if the shapes of the layers do not match.
        """
        fields = {"network": request(network, "network"), "name": name}
        return read(Network, self._session.create("CreateNetwork", fields, request_id))

    def get(self, network_id: str) -> Network:
        """Return the network with this id. Raises `NotFound`."""
        return read(Network, self._session.call("GetNetwork", {"id": network_id}))

    def list(self, *, limit: int | None = None, page_size: int | None = None) -> Iterator[Network]:
        """Yield all networks, or the first `limit`, newest first, page by page."""
        fields = {"page_size": page_size}
        for row in pages(self._session, "ListNetworks", "networks", fields, limit):
            yield read(Network, row)

    def delete(self, network_id: str) -> None:
        """Delete a network; jobs that use it have their own copy. Raises `NotFound`."""
        self._session.call("DeleteNetwork", {"id": network_id})

    def summarize(self, network: NetworkSpec | Spec) -> NetworkSummary:
        """Return output shapes, parameters and operations of a network, without saving it.

        Raises `InvalidArgument` if the shapes of the layers do not match.

        >>> network = epochal.network([3], [epochal.dense(4), epochal.dense(4), epochal.dense(2)])
        >>> [layer.parameters_formula for layer in client.networks.summarize(network).layers]
        ['4·3 + 4', '4·4 + 4', '2·4 + 2']
        """
        fields = {"network": request(network, "network")}
        return read(NetworkSummary, self._session.call("SummarizeNetwork", fields))
