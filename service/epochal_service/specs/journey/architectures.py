"""The zoo: kinds of networks, in words, as a graph, and as one that runs here."""

from __future__ import annotations

from typing import Literal

from ..base import Reply
from ..networks import NetworkSpec, NetworkSummary

NodeKind = Literal["input", "layer", "operation", "state", "output"]
EdgeKind = Literal["forward", "recurrent", "residual", "attention"]


class GraphNode(Reply):
    """A box to draw."""

    id: str
    """By which edges name it."""
    label: str
    """What to write into it."""
    kind: NodeKind
    """How to draw it: data that come in, a layer, an operation without weights, a state that is
    kept from place to place, or what comes out."""
    column: int
    """From left to right, the way that data take."""
    row: int
    """From top to bottom."""


class GraphEdge(Reply):
    """An arrow to draw."""

    source: str
    """The id of the node that it leaves."""
    target: str
    """The id of the node that it leads to."""
    kind: EdgeKind
    """How to draw it: on to the next node, to the next place in time, past layers, or as attention.
    """
    label: str
    """What to write beside it; mostly empty."""


class Graph(Reply):
    """What to draw, and about where."""

    nodes: list[GraphNode]
    """The boxes, in no particular order."""
    edges: list[GraphEdge]
    """The arrows between them."""


class Architecture(Reply):
    """One kind of network."""

    id: str
    """For `GET /v1/architectures/{id}`, e.g. `lstm`."""
    name: str
    """As it is known, e.g. `Long short-term memory`."""
    year: int
    """When the source appeared."""
    idea: str
    """What it does that others do not, in a sentence or two."""
    strengths: list[str]
    """What speaks for it."""
    weaknesses: list[str]
    """What speaks against it."""
    cost: str
    """What it takes for a sequence of n places, or an image, of width d."""
    used_in: list[str]
    """What it is used for."""
    typical_size: str
    """How many layers or parameters such networks have in use."""
    source: str
    """Who described it first: author, year, title."""
    graph: Graph
    """Boxes and arrows to draw."""
    network: NetworkSpec
    """A small one that can be trained here."""
    summary: NetworkSummary
    """Shapes, parameters and operations of `network`."""
    preset: str | None = None
    """A job that trains one, where there is one."""


class Architectures(Reply):
    """From dense layers to the transformer, and the autoencoder last."""

    architectures: list[Architecture]
    """Nine kinds of networks."""
