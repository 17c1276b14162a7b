"""Architectures of the zoo: description, graph and a small trainable network."""

from __future__ import annotations

from typing import Literal

from epochal_service.specs.base import Reply
from epochal_service.specs.networks import NetworkSpec, NetworkSummary

NodeKind = Literal["input", "layer", "operation", "state", "output"]
EdgeKind = Literal["forward", "recurrent", "residual", "attention"]


class GraphNode(Reply):
    """A box in the drawing of an architecture."""

    id: str
    """Id of the node; edges refer to it."""
    label: str
    """Text inside the box."""
    kind: NodeKind
    """Kind of the node: input data, a layer, an operation without weights, a state that is passed
    from step to step, or the output."""
    column: int
    """Column of the box, from left to right in the direction of the data."""
    row: int
    """Row of the box, from top to bottom."""


class GraphEdge(Reply):
    """An arrow in the drawing of an architecture."""

    source: str
    """Id of the node at the start of the arrow."""
    target: str
    """Id of the node at the end of the arrow."""
    kind: EdgeKind
    """Kind of the edge: forward to the next node, recurrent to the next time step, a residual
    connection, or attention."""
    label: str
    """Text beside the arrow. Often empty."""


class Graph(Reply):
    """Drawing of an architecture as boxes and arrows."""

    nodes: list[GraphNode]
    """Boxes, in no particular order."""
    edges: list[GraphEdge]
    """Arrows between the boxes."""


class Architecture(Reply):
    """An architecture: description, graph and a small trainable network."""

    id: str
    """Id for `GET /course/v1/architectures/{id}`, e.g. `lstm`."""
    name: str
    """Common name, e.g. `Long short-term memory`."""
    year: int
    """Year of the source."""
    idea: str
    """Main idea, in a few sentences."""
    strengths: list[str]
    """Advantages."""
    weaknesses: list[str]
    """Disadvantages."""
    cost: str
    """Operations and parameters for a sequence of n positions, or an image, of width d."""
    used_in: list[str]
    """Typical applications."""
    typical_size: str
    """Typical number of layers or parameters in practice."""
    source: str
    """First publication: authors, year, title."""
    graph: Graph
    """Drawing as boxes and arrows."""
    network: NetworkSpec
    """Small example that can be trained here."""
    summary: NetworkSummary
    """Shapes, parameters and operations of `network`."""
    preset: str | None = None
    """Name of a preset that trains this architecture. Null if there is none."""
    experiment: str
    """Name of the preset experiment that trains this architecture beside another one, or on data
    that it does not suit.
    """


class Architectures(Reply):
    """All architectures, from dense layers to transformers, and the autoencoder."""

    architectures: list[Architecture]
    """The nine architectures."""
