"""Exports of a trained network that work without Epochal: a file, or a program to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..model.network import Network
from ..symbolic.trace import Array
from .numpy_script import numpy_script
from .onnx import onnx_model
from .pytorch import pytorch_module
from .safetensors import safetensors
from .scaling import Scaling, Table


@dataclass(frozen=True)
class Export:
    """One format."""

    name: str
    suffix: str
    """The suffix of a file in this format."""
    write: Callable[[Network, Mapping[str, Array], Scaling | None, Table | None], bytes]
    """`write(network, weights, scaling, table)` returns the file. Raises ModuleNotFoundError if the
    format needs a package that is not installed."""


EXPORTS: dict[str, Export] = {
    export.name: export
    for export in (
        Export("safetensors", "safetensors", safetensors),
        Export("numpy", "py", numpy_script),
        Export("pytorch", "py", pytorch_module),
        Export("onnx", "onnx", onnx_model),
    )
}
"""All formats by name."""

__all__ = [
    "EXPORTS",
    "Export",
    "Scaling",
    "Table",
    "numpy_script",
    "onnx_model",
    "pytorch_module",
    "safetensors",
]
