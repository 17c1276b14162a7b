"""The base of `client.course.simulate`: a request to an explorer, and its reply as a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from .arrays import ArrayLike
from .deferred import np
from .records import plain, read, request, without_nothing
from .session import Part

T = TypeVar("T")


class Explorers(Part):
    """Explorers that share a session."""

    def call(self, rpc: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the reply of any explorer as plain dicts, e.g. `call("SimulateNeuron", {...})`.

        For explorers that this version of the client has no method for.
        """
        return self._session.call(rpc, dict(request))

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
    """Return numbers as one row; anything else stays, for the service to refuse."""
    numbers = _numbers(values)
    return values if numbers is None else np.ravel(numbers)


def rows(values: ArrayLike | None) -> Any:
    """Return numbers as rows, a single row as one; anything else stays."""
    numbers = _numbers(values)
    return values if numbers is None else np.atleast_2d(numbers)


def _numbers(values: ArrayLike | None) -> Any:
    try:
        return None if values is None else np.asarray(values, np.float64)
    except (TypeError, ValueError):
        return None


def listed(words: str | Sequence[str] | None) -> Sequence[str] | None:
    """Return a single word as a list of one."""
    return [words] if isinstance(words, str) else words


def filled(size: Any) -> Any:
    """Return the record of a reply as a spec, without the fields that are None."""
    return without_nothing(plain(size)) if dataclasses.is_dataclass(size) else size
