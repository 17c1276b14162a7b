"""A remedy changes a spec; its patch is the difference."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from .finding import Patch, Spec


@dataclass(frozen=True)
class Remedy:
    """A change of a spec, and a sentence that describes it."""

    suggestion: str
    change: Callable[[Spec], Spec]
    """Return the changed spec; it may be applied to a spec that another remedy changed."""


def merged(target: Any, patch: Any) -> Any:
    """Return the target with a JSON merge patch (RFC 7396) applied."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def difference(before: Spec, after: Spec) -> Patch:
    """Return the merge patch that leads from one spec to another."""
    patch: Patch = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := difference(old, value):
                patch[name] = inner
        elif name not in before or value != old:
            patch[name] = value
    return patch


def setting(suggestion: str, patch: Patch) -> Remedy:
    """Return the remedy that sets the fields of a merge patch."""
    return Remedy(suggestion, lambda spec: merged(spec, patch))


def layers(
    suggestion: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> Remedy:
    """Return the remedy that changes the list of layers."""

    def changed(spec: Spec) -> Spec:
        network = spec["network"]
        return {**spec, "network": {**network, "layers": change(deepcopy(network["layers"]))}}

    return Remedy(suggestion, changed)


def each_layer(
    suggestion: str,
    change: Callable[[dict[str, Any]], None],
    *,
    output: bool = False,
    inner: bool = True,
) -> Remedy:
    """Return the remedy that changes each hidden layer in place; with `output` the last one too."""

    def walk(all_layers: list[dict[str, Any]]) -> None:
        for layer in all_layers:
            change(layer)
            if inner and "layers" in layer:
                walk(layer["layers"])

    def changed(all_layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        walk(all_layers if output else all_layers[:-1])
        return all_layers

    return layers(suggestion, changed)


def one_layer(suggestion: str, at: int, changes: dict[str, Any]) -> Remedy:
    """Return the remedy that sets fields of one layer."""

    def changed(all_layers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        all_layers[at].update(changes)
        return all_layers

    return layers(suggestion, changed)


def learning_rate(before: float, after: float) -> Remedy:
    """Return the remedy that sets the learning rate."""
    after = float(f"{after:.2g}")
    verb = "Lower" if after < before else "Raise"
    return setting(
        f"{verb} the learning rate from {before:g} to {after:g}.",
        {"optimizer": {"learning_rate": after}},
    )


def both(first: Remedy, second: Remedy) -> Remedy:
    """Return the remedy that makes two changes."""
    return Remedy(
        f"{first.suggestion} {second.suggestion}", lambda spec: second.change(first.change(spec))
    )
