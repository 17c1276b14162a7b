"""The APIs that a process serves: the training API, and the course unless it is off.

The course builds on this package and is not imported by it, except here, by its name.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from .methods.method import Api, Method
from .methods.table import TRAINING

COURSE = "epochal_course.api"


@cache
def apis(course: bool = True) -> tuple[Api, ...]:
    """Return the APIs, with or without the course."""
    return (TRAINING, import_module(COURSE).COURSE) if course else (TRAINING,)


@cache
def methods(course: bool = True) -> dict[str, Method]:
    """Return the methods of these APIs by the name of the RPC, which no two of them share."""
    return {rpc: method for api in apis(course) for rpc, method in api.methods.items()}


def find(rpc: str) -> Method:
    """Return the method of an API. Raises `KeyError`."""
    return TRAINING.methods.get(rpc) or methods()[rpc]
