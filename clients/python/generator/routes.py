"""The text of transport/routes.py: verb and path of every method."""

from __future__ import annotations

from epochal_service.apis import apis
from epochal_service.methods.method import DATA, Method

from .classes import HEADER


def routes_file() -> str:
    """Return the text of transport/routes.py."""
    rows = [f"{rpc!r}: {_route(method)}," for api in apis() for rpc, method in api.methods.items()]
    return "\n".join(
        [
            f'"""The HTTP route of every method.\n\n{HEADER}\n"""',
            ROUTE,
            "ROUTES = {",
            *rows,
            "}",
        ]
    )


ROUTE = '''
from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """Where a method and its fields go."""

    verb: str
    """The HTTP verb."""
    path: str
    """The path, with `{name}` for each field of `in_path`."""
    in_path: tuple[str, ...] = ()
    """Fields that are segments of the path."""
    body: str | None = None
    """The field that is the body, as JSON or bytes; `*` for all; None if all are in the query."""

'''


def _route(method: Method) -> str:
    body = None if method.body is None else method.body_field or "*"
    if method.has_data:
        body = DATA
    arguments = [repr(method.verb), repr(method.path)]
    if method.path_fields:
        arguments.append(repr(tuple(method.path_fields)))
    if body is not None:
        arguments.append(f"body={body!r}")
    return f"Route({', '.join(arguments)})"
