"""The zoo: kinds of networks, in words, as a graph, and as one that runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..networks import NetworkSummary


@dataclass(frozen=True)
class GraphNode:
    """A box to draw."""

    id: str
    label: str
    kind: str
    column: int
    """From left to right, the way that data take."""
    row: int
    """From top to bottom."""


@dataclass(frozen=True)
class GraphEdge:
    """An arrow to draw."""

    source: str
    """The id of the node that it leaves."""
    target: str
    kind: str
    label: str


@dataclass(frozen=True)
class Graph:
    """What to draw, and about where."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


@dataclass(frozen=True)
class Architecture:
    """One kind of network."""

    id: str
    name: str
    year: int
    idea: str
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]
    cost: str
    """What it takes for a sequence of n places, or an image, of width d."""
    used_in: tuple[str, ...]
    typical_size: str
    source: str
    graph: Graph
    network: dict[str, Any]
    """A small one that can be trained here."""
    summary: NetworkSummary
    """Of that one."""
    preset: str | None
    """A job that trains one, where there is one."""


@dataclass(frozen=True)
class Architectures:
    """From dense layers to the transformer, and the autoencoder last."""

    architectures: tuple[Architecture, ...]
