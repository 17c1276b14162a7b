"""The base of all explorers: one request to the service, and its reply as a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ..arrays import ArrayLike
from ..deferred import np
from ..records import read, request
from ..session import Session

T = TypeVar("T")


class Explorer:
    """A group of explorers that share a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _simulate(self, rpc: str, reply: type[T], **fields: Any) -> T:
        given = {name: request(value, name) for name, value in fields.items() if value is not None}
        return read(reply, self._session.call(rpc, given))


def by_layer(weights: Mapping[str, ArrayLike] | None) -> list[dict[str, Any]] | None:
    """Return the weights of a checkpoint, grouped by layer as the service expects them."""
    if weights is None:
        return None
    layers: dict[str, dict[str, Any]] = {}
    for name, array in weights.items():
        layer, _, parameter = name.rpartition(".")
        layers.setdefault(layer, {"layer": layer})[parameter] = np.asarray(array)
    return list(layers.values())


def flat(values: ArrayLike | None) -> Any:
    """Return numbers as one row; None stays None."""
    return None if values is None else np.ravel(np.asarray(values, np.float64))
