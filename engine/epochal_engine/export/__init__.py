"""A trained network as something that works without Epochal: a file, or a program to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..network import Network
from ..trace import Array
from .numpy_script import numpy_script
from .onnx import onnx_model
from .pytorch import pytorch_module
from .safetensors import safetensors
from .scaling import Scaling


@dataclass(frozen=True)
class Export:
    """One format."""

    name: str
    suffix: str
    """What a file in this format ends in."""
    write: Callable[[Network, Mapping[str, Array], Scaling | None], bytes]
    """`write(network, weights, scaling)`: the file. Raises ModuleNotFoundError where a format needs
    a package that is not installed."""


EXPORTS: dict[str, Export] = {
    export.name: export
    for export in (
        Export("safetensors", "safetensors", safetensors),
        Export("numpy", "py", numpy_script),
        Export("pytorch", "py", pytorch_module),
        Export("onnx", "onnx", onnx_model),
    )
}
"""All formats by the name that the API knows."""

__all__ = [
    "EXPORTS",
    "Export",
    "Scaling",
    "numpy_script",
    "onnx_model",
    "pytorch_module",
    "safetensors",
]
