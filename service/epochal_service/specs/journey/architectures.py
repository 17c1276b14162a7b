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
    label: str
    kind: NodeKind
    column: int
    """From left to right, the way that data take."""
    row: int
    """From top to bottom."""


class GraphEdge(Reply):
    """An arrow to draw."""

    source: str
    """The id of the node that it leaves."""
    target: str
    kind: EdgeKind
    label: str


class Graph(Reply):
    """What to draw, and about where."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]


class Architecture(Reply):
    """One kind of network."""

    id: str
    name: str
    year: int
    idea: str
    strengths: list[str]
    weaknesses: list[str]
    cost: str
    """What it takes for a sequence of n places, or an image, of width d."""
    used_in: list[str]
    typical_size: str
    source: str
    graph: Graph
    network: NetworkSpec
    """A small one that can be trained here."""
    summary: NetworkSummary
    """Of that one."""
    preset: str | None = None
    """A job that trains one, where there is one."""


class Architectures(Reply):
    """From dense layers to the transformer, and the autoencoder last."""

    architectures: list[Architecture]
